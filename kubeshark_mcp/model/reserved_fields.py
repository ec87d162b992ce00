"""KFL fields of protocols that Kubeshark knows and nothing installed here reads yet.

They exist with their exact types, so that a filter that names one is checked and answered with the default instead of
an "unknown field". A protocol that declares such a field takes it over; nothing has to change here.
"""

from __future__ import annotations

from kubeshark_mcp.model.field import Field, FieldType

_BOOL, _BYTES, _INT = FieldType.BOOL, FieldType.BYTES, FieldType.INT
_STRING = FieldType.STRING

RESERVED_FIELDS: tuple[Field, ...] = (
    Field("tcp", _BOOL, "TCP payload of no known protocol", "tcp", "TCP"),
    Field("tcp_method", _STRING, "what happened: data, or an error", 'tcp_method == "data"', "TCP"),
    Field("tcp_payload", _BYTES, "bytes of the payload", "size(tcp_payload) > 100", "TCP"),
    Field("tcp_error_type", _STRING, "kind of failure of the connection", 'tcp_error_type == "refused"', "TCP"),
    Field("tcp_error_message", _STRING, "the failure as text", 'tcp_error_message != ""', "TCP"),
    Field("udp", _BOOL, "a UDP datagram of no known protocol", "udp", "UDP"),
    Field("udp_length", _INT, "bytes of header and payload", "udp_length > 512", "UDP"),
    Field("udp_checksum", _INT, "checksum as sent", "udp_checksum == 0", "UDP"),
    Field("udp_payload", _BYTES, "bytes of the payload", "size(udp_payload) > 100", "UDP"),
)
