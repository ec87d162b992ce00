"""KFL fields of protocols that Kubeshark knows and nothing installed here reads yet.

They exist with their exact types, so that a filter that names one is checked and answered with the default instead of
an "unknown field". A protocol that declares such a field takes it over; nothing has to change here.
"""

from __future__ import annotations

from kubeshark_mcp.model.field import Field, FieldType

RESERVED_FIELDS: tuple[Field, ...] = (
    Field("udp_checksum", FieldType.INT, "checksum of the datagram as sent", "udp && udp_checksum == 0", "UDP"),
)
