"""UDP flows as entries: all conversations of one client address with one port of one server address."""

from __future__ import annotations

from typing import ClassVar

from kubeshark_mcp.dissect.base import ConnectionCollector, ConnectionProtocol
from kubeshark_mcp.dissect.flow_sums import FlowCollector
from kubeshark_mcp.dissect.layer4 import flow_fields
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.field import Field
from kubeshark_mcp.model.stream import ConnectionStats


class UdpFlow(ConnectionProtocol):
    """UDP flows as entries: all conversations of one client address with one port of one server address."""

    name: ClassVar[str] = "udp_flow"
    title: ClassVar[str] = "UDP flow"
    specification: ClassVar[str] = "RFC 768"
    transports: ClassVar[frozenset[str]] = frozenset({"udp"})
    fields: ClassVar[tuple[Field, ...]] = flow_fields("udp_flow", "UDP")

    def entries(self, stats: list[ConnectionStats]) -> list[Entry]:
        """Make one entry of each UDP flow; others are not looked at."""
        collector = self.collect()
        return [*collector.add(stats), *collector.finish()]

    def collect(self) -> ConnectionCollector:
        """Begin to sum up the flows of one run."""
        return FlowCollector(self.name, "udp")
