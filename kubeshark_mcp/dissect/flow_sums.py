"""Flows: sums over the connections of one client address with one port of one server, taken as the connections end."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from kubeshark_mcp.dissect.base import ConnectionCollector
from kubeshark_mcp.dissect.layer4 import FAILED, HANDSHAKES, group_id, place_of
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Connection, ConnectionStats, Endpoint, Span, TcpMetrics

AT_ONCE = 2048
"""Flows that become entries at once."""
MOST_FLOWS = 30_000
"""Flows that are summed up at once; beyond it those that were quiet longest become entries, and may begin again."""

_OPEN = ("active", "established", "closing")
_SECOND_NS = 1_000_000_000
_ADDED = (
    "retransmissions",
    "fast_retransmissions",
    "zero_window_events",
    "window_full_events",
    "out_of_order",
    "dup_acks",
    "missing_segments",
    "rst_count",
    "fin_count",
    "keepalive_count",
    "rtt_samples",
    "goodput_bytes",
)
_AVERAGED = ("initial_rtt_us", "handshake_time_us", "connection_time_us", "time_to_first_byte_us")
_WEIGHTED = ("rtt_avg_us", "jitter_us")
_MEANS = (*_AVERAGED, *_WEIGHTED)
_ADDED_OF, _MEANS_OF = attrgetter(*_ADDED), attrgetter(*_MEANS)


@dataclass(slots=True)
class MetricSums:
    """TCP metrics of a flow: counts are added, averages weighted by what they were taken over."""

    added: list[int] = field(default_factory=lambda: [0] * len(_ADDED))
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
        weights = (*(1 for _ in _AVERAGED), metrics.rtt_samples, metrics.rtt_samples)
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
        joined: dict[str, Any] = dict(zip(_ADDED, self.added, strict=True))
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


@dataclass(slots=True)
class _Flow:
    """One flow. first: its first connection. traffic: packets and bytes of the client, then of the server."""

    first: Connection
    first_packet: int
    last_packet: int
    first_ns: int
    last_ns: int
    payload: int = 0
    traffic: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    states: dict[str, int] = field(default_factory=dict)
    l7: tuple[str, ...] = ()
    metrics: MetricSums | None = None

    def add(self, stats: ConnectionStats) -> None:
        if stats.first_packet < self.first_packet:
            self.first_packet, self.first_ns = stats.first_packet, stats.first_ns
        if stats.last_packet > self.last_packet:
            self.last_packet, self.last_ns = stats.last_packet, stats.last_ns
        client, server = stats.client, stats.server
        self.payload += client.payload + server.payload
        own = (client.packets, client.bytes, server.packets, server.bytes)
        self.traffic = [old + new for old, new in zip(self.traffic, own, strict=True)]
        self.states[stats.state] = self.states.get(stats.state, 0) + 1
        if stats.l7 != self.l7:
            self.l7 = tuple(dict.fromkeys((*self.l7, *stats.l7)))
        if stats.metrics is not None:
            if self.metrics is None:
                self.metrics = MetricSums()
            self.metrics.add(stats.metrics, client.packets + server.packets)

    @property
    def state(self) -> str:
        """Active while one connection is open, else the state of most."""
        if any(state in _OPEN for state in self.states):
            return "active"
        return max(sorted(self.states), key=lambda state: self.states[state])

    def entry(self, protocol: str) -> Entry:
        """Make the entry. The client's port is 0: it differs from one connection to the next."""
        first = self.first
        client = Endpoint(first.client.address, 0)
        span = Span(0, self.payload, self.first_packet, self.last_packet, self.first_ns, self.last_ns)
        seconds = max(1.0, (self.last_ns - self.first_ns) / _SECOND_NS)
        connections, failed = sum(self.states.values()), sum(self.states.get(state, 0) for state in FAILED)
        values: dict[str, Any] = {protocol: True, "flow": True, "flow_state": self.state}
        for side, (packets, size) in (("local", self.traffic[:2]), ("remote", self.traffic[2:])):
            values[f"flow_{side}_pkts"] = packets
            values[f"flow_{side}_bytes"] = size
            values[f"flow_{side}_pps"] = round(packets / seconds)
            values[f"flow_{side}_bps"] = round(size * 8 / seconds)
        values["flow_l7_detected"] = list(self.l7)
        values["flow_group_id"] = group_id(first)
        values["flow_connections"] = connections
        values["flow_failed_connections"] = failed
        values |= {} if self.metrics is None else self.metrics.values()
        return Entry(
            protocol,
            Connection(first.number, first.transport, client, first.server, first.capture, first.point),
            span,
            span if self.traffic[2] else None,
            values,
            summary=f"{first.transport.upper()} {client.address} to {place_of(first.server)}",
            status=values["flow_state"],
            failed=failed == connections,
        )


class FlowCollector(ConnectionCollector):
    """Sums up the flows of one transport: by capture, both addresses, and the server's port."""

    def __init__(self, protocol: str, transport: str, most_flows: int = MOST_FLOWS) -> None:
        super().__init__(lambda stats: [])
        self._protocol = protocol
        self._transport = transport
        self._most_flows = most_flows
        self._flows: OrderedDict[tuple[int, str, str, int], _Flow] = OrderedDict()

    def add(self, stats: list[ConnectionStats]) -> list[Entry]:
        """Take connections, others of the transport than its own are not looked at; give flows that gave way."""
        for one in stats:
            connection = one.connection
            if connection.transport != self._transport:
                continue
            server = connection.server
            key = (connection.capture, connection.client.address, server.address, server.port)
            flow = self._flows.get(key)
            if flow is None:
                flow = self._flows[key] = _Flow(
                    connection, one.first_packet, one.last_packet, one.first_ns, one.last_ns
                )
            elif len(self._flows) > self._most_flows // 2:
                self._flows.move_to_end(key)
            flow.add(one)
        if len(self._flows) <= self._most_flows:
            return []
        return [self._flows.popitem(last=False)[1].entry(self._protocol) for _ in range(-(-self._most_flows // 8))]

    def finish(self) -> list[Entry]:
        """Give the flows that are left, in order of appearance: so many at once; then nothing more."""
        count = min(len(self._flows), AT_ONCE)
        return [self._flows.popitem(last=False)[1].entry(self._protocol) for _ in range(count)]
