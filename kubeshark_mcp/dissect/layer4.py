"""Entries of connections and flows, made from the flow table. `local` is the client's side, `remote` the server's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from typing import Any
from zlib import crc32

from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.field import Field, FieldType
from kubeshark_mcp.model.stream import Connection, ConnectionStats, Endpoint, Span, TcpMetrics, Traffic

FAILED = frozenset({"refused", "syn_sent"})
"""States of a connection that never came about. A reset one may have done its work before."""

_BOOL, _DOUBLE, _INT = FieldType.BOOL, FieldType.DOUBLE, FieldType.INT
_LIST, _STRING = FieldType.STRING_LIST, FieldType.STRING

_OPEN = ("active", "established", "closing")
_SECOND_NS = 1_000_000_000

_METRICS: dict[str, tuple[str, str]] = {
    "retransmissions": ("segments sent again", "tcp_retransmissions > 0"),
    "fast_retransmissions": ("segments sent again after duplicate ACKs", "tcp_fast_retransmissions > 0"),
    "retransmission_rate": (
        "share of segments with payload that were sent again, 0 to 1",
        "tcp_retransmission_rate > 0.01",
    ),
    "zero_window_events": ("times a receiver closed its window", "tcp_zero_window_events > 0"),
    "window_full_events": ("times a sender filled the window", "tcp_window_full_events > 0"),
    "window_scale": ("window scale of the server as a shift count, -1 if unknown", "tcp_window_scale == 7"),
    "avg_receive_window": ("average receive window in bytes, scaled", "tcp_avg_receive_window < 8192"),
    "out_of_order": ("segments that came out of order", "tcp_out_of_order > 0"),
    "dup_acks": ("duplicate ACKs", "tcp_dup_acks > 3"),
    "missing_segments": ("places where the capture lacks segments", "tcp_missing_segments > 0"),
    "rst_count": ("segments with RST", "tcp_rst_count > 0"),
    "fin_count": ("segments with FIN", "tcp_fin_count == 2"),
    "keepalive_count": ("keep-alive probes", "tcp_keepalive_count > 0"),
    "connection_completeness": (
        "bits of what was seen: 1 SYN, 2 SYN-ACK, 4 ACK, 8 data, 16 FIN, 32 RST",
        "tcp_connection_completeness == 31",
    ),
    "initial_rtt_us": ("microseconds from SYN to SYN-ACK", "tcp_initial_rtt_us > 1000"),
    "handshake_time_us": (
        "microseconds from SYN to the ACK that ends the handshake",
        "tcp_handshake_time_us > 1000000",
    ),
    "connection_time_us": ("microseconds from SYN to the first data", "tcp_connection_time_us > 1000000"),
    "time_to_first_byte_us": (
        "microseconds from the first data of the client to the first of the server",
        "tcp_time_to_first_byte_us > 100000",
    ),
    "rtt_min_us": ("smallest round trip in microseconds", "tcp_rtt_min_us > 1000"),
    "rtt_max_us": ("largest round trip in microseconds", "tcp_rtt_max_us > 100000"),
    "rtt_avg_us": ("average round trip in microseconds", "tcp_rtt_avg_us > 10000"),
    "rtt_samples": ("round trips measured", "tcp_rtt_samples > 10"),
    "jitter_us": ("standard deviation of the round trip in microseconds", "tcp_jitter_us > 5000"),
    "goodput_bytes": ("payload bytes without what was sent again", "tcp_goodput_bytes > 1000000"),
}

_COUNTS = (
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
_HANDSHAKES = (("p50", 50), ("p90", 90), ("p99", 99))

METRIC_FIELDS: tuple[Field, ...] = tuple(
    Field(
        f"tcp_{metric.name}",
        _DOUBLE if metric.name == "retransmission_rate" else _INT,
        _METRICS[metric.name][0],
        _METRICS[metric.name][1],
        "TCP Metrics",
        (f"tcp.{metric.name}", metric.name),
        default=-1 if metric.name == "window_scale" else None,
    )
    for metric in fields(TcpMetrics)
)
HANDSHAKE_FIELDS: tuple[Field, ...] = tuple(
    Field(
        f"tcp_handshake_{name}_us",
        _INT,
        f"microseconds within which {percent} of 100 handshakes of the flow were done",
        f"tcp_handshake_{name}_us > 100000",
        "TCP Metrics",
    )
    for name, percent in _HANDSHAKES
)


def connection_fields(flag: str, title: str) -> tuple[Field, ...]:
    """Give the fields that every connection entry has. flag: `tcp_conn` or `udp_conn`."""
    group = "L4 Connection Tracking"
    states = "syn_sent, refused, established, closing, closed or reset" if title == "TCP" else "active"
    return (
        Field(flag, _BOOL, f"a {title} connection", flag, "Protocol flags"),
        Field("conn", _BOOL, "a connection of any transport", "conn", group, ("connection",)),
        Field("conn_state", _STRING, f"state at the end of the capture: {states}", 'conn_state == "reset"', group),
        Field("conn_local_pkts", _INT, "packets that the client sent", "conn_local_pkts > 100", group),
        Field("conn_local_bytes", _INT, "bytes on the wire that the client sent", "conn_local_bytes > 1000000", group),
        Field("conn_remote_pkts", _INT, "packets that the server sent", "conn_remote_pkts == 0", group),
        Field(
            "conn_remote_bytes", _INT, "bytes on the wire that the server sent", "conn_remote_bytes > 1000000", group
        ),
        Field("conn_l7_detected", _LIST, "protocols found inside", '"http" in conn_l7_detected', group, ("conn_l7",)),
        Field("conn_group_id", _INT, "the same for connections of one flow", "conn_group_id != 0", group),
    )


def flow_fields(flag: str, title: str) -> tuple[Field, ...]:
    """Give the fields that every flow entry has. flag: `tcp_flow` or `udp_flow`."""
    group = "L4 Flow Tracking"
    sides = (("local", "client"), ("remote", "server"))
    return (
        Field(flag, _BOOL, f"all {title} connections of a client with a server's port", flag, "Protocol flags"),
        Field("flow", _BOOL, "a flow of any transport", "flow", group),
        Field(
            "flow_state",
            _STRING,
            "active while one connection is open, else their state",
            'flow_state == "active"',
            group,
        ),
        *(
            Field(f"flow_{side}_pkts", _INT, f"packets that the {end} sent", f"flow_{side}_pkts > 1000", group)
            for side, end in sides
        ),
        *(
            Field(
                f"flow_{side}_bytes",
                _INT,
                f"bytes on the wire that the {end} sent",
                f"flow_{side}_bytes > 1000000",
                group,
            )
            for side, end in sides
        ),
        *(
            Field(f"flow_{side}_pps", _INT, f"packets a second that the {end} sent", f"flow_{side}_pps > 1000", group)
            for side, end in sides
        ),
        *(
            Field(f"flow_{side}_bps", _INT, f"bits a second that the {end} sent", f"flow_{side}_bps > 1000000", group)
            for side, end in sides
        ),
        Field("flow_l7_detected", _LIST, "protocols found inside", '"http" in flow_l7_detected', group, ("flow_l7",)),
        Field("flow_group_id", _INT, "conn_group_id of its connections", "flow_group_id != 0", group),
        Field("flow_connections", _INT, "connections of the flow", "flow_connections > 100", group, ("connections",)),
        Field(
            "flow_failed_connections", _INT, "connections that never came about", "flow_failed_connections > 0", group
        ),
    )


def connection_entry(protocol: str, stats: ConnectionStats) -> Entry:
    """Make the entry of one connection; its evidence reaches from its first packet to its last."""
    connection = stats.connection
    span = _span([stats])
    values: dict[str, Any] = {
        protocol: True,
        "conn": True,
        "conn_state": stats.state,
        "conn_local_pkts": stats.client.packets,
        "conn_local_bytes": stats.client.bytes,
        "conn_remote_pkts": stats.server.packets,
        "conn_remote_bytes": stats.server.bytes,
        "conn_l7_detected": list(stats.l7),
        "conn_group_id": group_id(connection),
    }
    if stats.metrics is not None:
        values |= metric_values(stats.metrics)
    return Entry(
        protocol,
        connection,
        span,
        span if stats.server.packets else None,
        values,
        summary=f"{connection.transport.upper()} {_place(connection.client)} to {_place(connection.server)}",
        status=stats.state,
        failed=stats.state in FAILED,
    )


def flows(stats: Iterable[ConnectionStats]) -> list[list[ConnectionStats]]:
    """Group connections by capture, transport, both addresses and the server's port, in order of appearance."""
    groups: dict[tuple[object, ...], list[ConnectionStats]] = {}
    for one in stats:
        connection = one.connection
        key = (connection.capture, connection.transport, connection.client.address, connection.server)
        groups.setdefault(key, []).append(one)
    return list(groups.values())


def flow_entry(protocol: str, stats: Sequence[ConnectionStats]) -> Entry:
    """Make the entry of one flow (at least one connection). The client's port is 0: it differs from one to the next."""
    first = stats[0].connection
    client = Endpoint(first.client.address, 0)
    span = _span(stats)
    sides = {"local": _sum(one.client for one in stats), "remote": _sum(one.server for one in stats)}
    seconds = max(1.0, (span.end_ns - span.start_ns) / _SECOND_NS)
    failed = sum(one.state in FAILED for one in stats)
    values: dict[str, Any] = {protocol: True, "flow": True, "flow_state": _state(stats)}
    for side, traffic in sides.items():
        values[f"flow_{side}_pkts"] = traffic.packets
        values[f"flow_{side}_bytes"] = traffic.bytes
        values[f"flow_{side}_pps"] = round(traffic.packets / seconds)
        values[f"flow_{side}_bps"] = round(traffic.bytes * 8 / seconds)
    values["flow_l7_detected"] = list(dict.fromkeys(name for one in stats for name in one.l7))
    values["flow_group_id"] = group_id(first)
    values["flow_connections"] = len(stats)
    values["flow_failed_connections"] = failed
    values |= _flow_metrics(stats)
    connection = Connection(first.number, first.transport, client, first.server, first.capture, first.point)
    return Entry(
        protocol,
        connection,
        span,
        span if sides["remote"].packets else None,
        values,
        summary=f"{first.transport.upper()} {client.address} to {_place(first.server)}",
        status=values["flow_state"],
        failed=failed == len(stats),
    )


def group_id(connection: Connection) -> int:
    """Give a number that connections of one flow share, in every capture and run."""
    return crc32(f"{connection.transport} {connection.client.address} {_place(connection.server)}".encode())


def metric_values(metrics: TcpMetrics) -> dict[str, Any]:
    """Give the metrics as fields; what was not seen is left out."""
    return {f"tcp_{name}": value for name, value in asdict(metrics).items() if value is not None}


def _flow_metrics(stats: Sequence[ConnectionStats]) -> dict[str, Any]:
    """Join metrics: counts are added, averages weighted by what they were taken over."""
    known = [(one.metrics, one.client.packets + one.server.packets) for one in stats if one.metrics is not None]
    if not known:
        return {}
    metrics = [each for each, _ in known]
    joined: dict[str, Any] = {name: sum(getattr(each, name) for each in metrics) for name in _COUNTS}
    packets = sum(weight for _, weight in known) or 1
    joined["retransmission_rate"] = sum(each.retransmission_rate * weight for each, weight in known) / packets
    joined["avg_receive_window"] = round(sum(each.avg_receive_window * weight for each, weight in known) / packets)
    scales = {each.window_scale for each in metrics}
    joined["window_scale"] = scales.pop() if len(scales) == 1 else -1
    joined["connection_completeness"] = 0
    for each in metrics:
        joined["connection_completeness"] |= each.connection_completeness
    for name in ("initial_rtt_us", "handshake_time_us", "connection_time_us", "time_to_first_byte_us"):
        joined[name] = _average([(getattr(each, name), 1) for each in metrics])
    for name in ("rtt_avg_us", "jitter_us"):
        joined[name] = _average([(getattr(each, name), each.rtt_samples) for each in metrics])
    joined["rtt_min_us"] = min((each.rtt_min_us for each in metrics if each.rtt_min_us is not None), default=None)
    joined["rtt_max_us"] = max((each.rtt_max_us for each in metrics if each.rtt_max_us is not None), default=None)
    handshakes = sorted(each.handshake_time_us for each in metrics if each.handshake_time_us is not None)
    for name, percent in _HANDSHAKES if handshakes else ():
        joined[f"handshake_{name}_us"] = handshakes[-(-len(handshakes) * percent // 100) - 1]
    return {f"tcp_{name}": value for name, value in joined.items() if value is not None}


def _average(weighted: list[tuple[int | None, int]]) -> int | None:
    known = [(value, weight) for value, weight in weighted if value is not None]
    total = sum(weight for _, weight in known)
    return round(sum(value * weight for value, weight in known) / total) if total else None


def _state(stats: Sequence[ConnectionStats]) -> str:
    states = [one.state for one in stats]
    if any(state in _OPEN for state in states):
        return "active"
    return max(sorted(set(states)), key=states.count)


def _span(stats: Sequence[ConnectionStats]) -> Span:
    first, last = min(stats, key=lambda one: one.first_packet), max(stats, key=lambda one: one.last_packet)
    payload = sum(one.client.payload + one.server.payload for one in stats)
    return Span(0, payload, first.first_packet, last.last_packet, first.first_ns, last.last_ns)


def _sum(traffic: Iterable[Traffic]) -> Traffic:
    each = list(traffic)
    return Traffic(sum(one.packets for one in each), sum(one.bytes for one in each), sum(one.payload for one in each))


def _place(end: Endpoint) -> str:
    return f"[{end.address}]:{end.port}" if ":" in end.address else f"{end.address}:{end.port}"
