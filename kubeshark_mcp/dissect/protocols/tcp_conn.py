"""TCP connections as entries: state, traffic of both sides, and the health metrics of the connection."""

from __future__ import annotations

from typing import ClassVar

from kubeshark_mcp.dissect.base import ConnectionProtocol
from kubeshark_mcp.dissect.layer4 import METRIC_FIELDS, connection_columns, connection_entry, connection_fields
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.entry_columns import EntryColumns
from kubeshark_mcp.model.field import Field
from kubeshark_mcp.model.stats_columns import StatsColumns
from kubeshark_mcp.model.stream import ConnectionStats


class TcpConn(ConnectionProtocol):
    """TCP connections as entries: state, traffic of both sides, and the health metrics of the connection."""

    name: ClassVar[str] = "tcp_conn"
    title: ClassVar[str] = "TCP connection"
    specification: ClassVar[str] = "RFC 9293"
    transports: ClassVar[frozenset[str]] = frozenset({"tcp"})
    fields: ClassVar[tuple[Field, ...]] = (*connection_fields("tcp_conn", "TCP"), *METRIC_FIELDS)

    def entries(self, stats: list[ConnectionStats]) -> list[Entry]:
        """Make one entry of each TCP connection; others are not looked at."""
        return [connection_entry(self.name, one) for one in stats if one.connection.transport == "tcp"]

    def entries_of(self, stats: StatsColumns) -> list[Entry] | EntryColumns:
        """Make the same entries of connections that come as columns."""
        return connection_columns(self.name, stats) if stats.transport == "tcp" else []
