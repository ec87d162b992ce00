"""Flows: sums over the connections of one client address with one port of one server, taken as the connections end."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from kubeshark_mcp.dissect.base import ConnectionCollector
from kubeshark_mcp.dissect.flow_columns import ADDED, AVERAGED, WEIGHTED, Flows
from kubeshark_mcp.dissect.layer4 import HANDSHAKES
from kubeshark_mcp.dissect.stats_columns import columns_of
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.entry_columns import EntryColumns
from kubeshark_mcp.model.stats_columns import StatsColumns
from kubeshark_mcp.model.stream import ConnectionStats, TcpMetrics

AT_ONCE = 2048
"""Flows that become entries at once."""
MOST_FLOWS = 30_000
"""Flows that are summed up at once; beyond it those that were quiet longest become entries, and may begin again."""

_MEANS = (*AVERAGED, *WEIGHTED)
_ADDED_OF, _MEANS_OF = attrgetter(*ADDED), attrgetter(*_MEANS)


@dataclass(slots=True)
class MetricSums:
    """TCP metrics of a flow: counts are added, averages weighted by what they were taken over."""

    added: list[int] = field(default_factory=lambda: [0] * len(ADDED))
    totals: list[int] = field(default_factory=lambda: [0] * len(_MEANS))
    weights: list[int] = field(default_factory=lambda: [0] * len(_MEANS))
    packets: int = 0
    rates: float = 0.0
    windows: int = 0
    scale: int | None = None
    completeness: int = 0
    rtt_min: int | None = None
    rtt_max: int | None = None
    handshakes: array[int] = field(default_factory=lambda: array("q"))

    def add(self, metrics: TcpMetrics, packets: int) -> None:
        """Add the metrics of a connection of so many packets."""
        self.added = [old + new for old, new in zip(self.added, _ADDED_OF(metrics), strict=True)]
        self.packets += packets
        self.rates += metrics.retransmission_rate * packets
        self.windows += metrics.avg_receive_window * packets
        self.scale = metrics.window_scale if self.scale in {None, metrics.window_scale} else -1
        self.completeness |= metrics.connection_completeness
        weights = (*(1 for _ in AVERAGED), metrics.rtt_samples, metrics.rtt_samples)
        for place, (value, weight) in enumerate(zip(_MEANS_OF(metrics), weights, strict=True)):
            if value is not None:
                self.totals[place] += value * weight
                self.weights[place] += weight
        if metrics.rtt_min_us is not None:
            self.rtt_min = metrics.rtt_min_us if self.rtt_min is None else min(self.rtt_min, metrics.rtt_min_us)
        if metrics.rtt_max_us is not None:
            self.rtt_max = metrics.rtt_max_us if self.rtt_max is None else max(self.rtt_max, metrics.rtt_max_us)
        if metrics.handshake_time_us is not None:
            self.handshakes.append(metrics.handshake_time_us)

    def values(self) -> dict[str, Any]:
        """Give them as KFL fields; what was not seen is left out."""
        return {f"tcp_{name}": value for name, value in self.joined().items() if value is not None}

    def joined(self) -> dict[str, Any]:
        """Give them by their names; None for what was not seen."""
        joined: dict[str, Any] = dict(zip(ADDED, self.added, strict=True))
        packets = self.packets or 1
        joined["retransmission_rate"] = self.rates / packets
        joined["avg_receive_window"] = round(self.windows / packets)
        joined["window_scale"] = -1 if self.scale is None else self.scale
        joined["connection_completeness"] = self.completeness
        for name, total, weight in zip(_MEANS, self.totals, self.weights, strict=True):
            joined[name] = round(total / weight) if weight else None
        joined["rtt_min_us"], joined["rtt_max_us"] = self.rtt_min, self.rtt_max
        handshakes = sorted(self.handshakes)
        for name, percent in HANDSHAKES if handshakes else ():
            joined[f"handshake_{name}_us"] = handshakes[-(-len(handshakes) * percent // 100) - 1]
        return joined


class FlowCollector(ConnectionCollector):
    """Sums up the flows of one transport: by capture, both addresses, and the server's port."""

    def __init__(self, protocol: str, transport: str, most_flows: int = MOST_FLOWS) -> None:
        super().__init__(lambda stats: [])
        self._transport = transport
        self._most_flows = most_flows
        self._flows = Flows(protocol, transport)

    def add(self, stats: list[ConnectionStats]) -> list[Entry]:
        """Take connections, others of the transport than its own are not looked at; give flows that gave way."""
        return [entry for columns in columns_of(stats) for entry in _objects(self.add_columns(columns))]

    def add_columns(self, stats: StatsColumns) -> list[Entry] | EntryColumns:
        """Do as `add`, of columns and giving columns."""
        if stats.transport != self._transport:
            return []
        self._flows.add(stats)
        excess = len(self._flows) - self._most_flows
        return self._flows.quietest(max(excess, -(-self._most_flows // 8))) if excess > 0 else []

    def finish(self) -> list[Entry]:
        """Give the flows that are left, in order of appearance: so many at once; then nothing more."""
        return _objects(self.finish_columns())

    def finish_columns(self) -> list[Entry] | EntryColumns:
        """Do as `finish`, giving columns."""
        return self._flows.first(AT_ONCE) if len(self._flows) else []


def _objects(made: list[Entry] | EntryColumns) -> list[Entry]:
    return made if isinstance(made, list) else list(made.entries())
