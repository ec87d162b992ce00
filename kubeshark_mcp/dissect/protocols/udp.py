"""UDP datagrams that no protocol read: one entry a conversation."""

from __future__ import annotations

from typing import ClassVar

from kubeshark_mcp.dissect.base import ConnectionProtocol
from kubeshark_mcp.dissect.unclaimed import unclaimed_entry, unclaimed_rows
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.field import Field, FieldType
from kubeshark_mcp.model.stats_columns import StatsColumns
from kubeshark_mcp.model.stream import ConnectionStats

_GROUP = "UDP"
_HEADER = 8


class Udp(ConnectionProtocol):
    """UDP datagrams that no protocol read: one entry a conversation."""

    name: ClassVar[str] = "udp"
    title: ClassVar[str] = "UDP payload"
    specification: ClassVar[str] = "RFC 768"
    transports: ClassVar[frozenset[str]] = frozenset({"udp"})
    fields: ClassVar[tuple[Field, ...]] = (
        Field("udp", FieldType.BOOL, "UDP datagrams that no protocol read", "udp", "Protocol flags"),
        Field(
            "udp_length", FieldType.INT, "bytes of all these datagrams with their headers", "udp_length > 512", _GROUP
        ),
        Field("udp_payload", FieldType.BYTES, "first bytes of what nobody knew", "size(udp_payload) > 100", _GROUP),
        Field("request_body_size", FieldType.INT, "bytes that the client sent", "request_body_size > 1000000", _GROUP),
        Field("response_body_size", FieldType.INT, "bytes that the server sent", "response_body_size > 0", _GROUP),
    )

    def entries(self, stats: list[ConnectionStats]) -> list[Entry]:
        """Make an entry of each UDP conversation that has such datagrams."""
        made = []
        for one in stats:
            if one.connection.transport == "udp" and (entry := unclaimed_entry(self.name, one)) is not None:
                sizes = entry.fields["request_body_size"] + entry.fields["response_body_size"]
                packets = one.unclaimed.packets if one.unclaimed is not None else 0
                entry.fields["udp_length"] = sizes + _HEADER * packets
                made.append(entry)
        return made

    def entries_of(self, stats: StatsColumns) -> list[Entry]:
        """Make the same entries of connections that come as columns: objects only of those that have one."""
        return self.entries(unclaimed_rows(stats)) if stats.transport == "udp" else []
