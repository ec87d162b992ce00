"""TCP flows as entries: all connections of one client address with one port of one server address."""

from __future__ import annotations

from typing import ClassVar

from kubeshark_mcp.dissect.base import ConnectionCollector, ConnectionProtocol
from kubeshark_mcp.dissect.flow_sums import FlowCollector
from kubeshark_mcp.dissect.layer4 import HANDSHAKE_FIELDS, METRIC_FIELDS, flow_fields
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.field import Field
from kubeshark_mcp.model.stream import ConnectionStats


class TcpFlow(ConnectionProtocol):
    """TCP flows as entries: all connections of one client address with one port of one server address."""

    name: ClassVar[str] = "tcp_flow"
    title: ClassVar[str] = "TCP flow"
    specification: ClassVar[str] = "RFC 9293"
    transports: ClassVar[frozenset[str]] = frozenset({"tcp"})
    fields: ClassVar[tuple[Field, ...]] = (*flow_fields("tcp_flow", "TCP"), *METRIC_FIELDS, *HANDSHAKE_FIELDS)

    def entries(self, stats: list[ConnectionStats]) -> list[Entry]:
        """Make one entry of each TCP flow; others are not looked at."""
        collector = self.collect()
        return [*collector.add(stats), *collector.finish()]

    def collect(self) -> ConnectionCollector:
        """Begin to sum up the flows of one run."""
        return FlowCollector(self.name, "tcp")
