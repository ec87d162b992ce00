"""UDP conversations as entries: traffic of both sides."""

from __future__ import annotations

from typing import ClassVar

from kubeshark_mcp.dissect.base import ConnectionProtocol
from kubeshark_mcp.dissect.layer4 import connection_columns, connection_entry, connection_fields
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.entry_columns import EntryColumns
from kubeshark_mcp.model.field import Field
from kubeshark_mcp.model.stats_columns import StatsColumns
from kubeshark_mcp.model.stream import ConnectionStats


class UdpConn(ConnectionProtocol):
    """UDP conversations as entries: traffic of both sides."""

    name: ClassVar[str] = "udp_conn"
    title: ClassVar[str] = "UDP connection"
    specification: ClassVar[str] = "RFC 768"
    transports: ClassVar[frozenset[str]] = frozenset({"udp"})
    fields: ClassVar[tuple[Field, ...]] = connection_fields("udp_conn", "UDP")

    def entries(self, stats: list[ConnectionStats]) -> list[Entry]:
        """Make one entry of each UDP connection; others are not looked at."""
        return [connection_entry(self.name, one) for one in stats if one.connection.transport == "udp"]

    def entries_of(self, stats: StatsColumns) -> list[Entry] | EntryColumns:
        """Make the same entries of connections that come as columns."""
        return connection_columns(self.name, stats) if stats.transport == "udp" else []
