"""Entries of connections and flows, made from the flow table. `local` is the client's side, `remote` the server's."""

from __future__ import annotations

from dataclasses import fields
from operator import attrgetter
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.entry_columns import (
    Coded,
    Column,
    ConnectionColumns,
    EntryColumns,
    Numbers,
    SpanColumns,
)
from kubeshark_mcp.model.field import Field, FieldType
from kubeshark_mcp.model.stats_columns import STATES, StatsColumns
from kubeshark_mcp.model.stream import Connection, ConnectionStats, Endpoint, Span, TcpMetrics

FAILED = frozenset({"refused", "syn_sent"})
"""States of a connection that never came about. A reset one may have done its work before."""
FAILED_CODES = tuple(place for place, state in enumerate(STATES) if state in FAILED)
"""The same as positions in STATES."""

_BOOL, _DOUBLE, _INT = FieldType.BOOL, FieldType.DOUBLE, FieldType.INT
_LIST, _STRING = FieldType.STRING_LIST, FieldType.STRING

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
    "avg_receive_window": ("average receive window in bytes, scaled", "tcp_conn && tcp_avg_receive_window < 8192"),
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

HANDSHAKES = (("p50", 50), ("p90", 90), ("p99", 99))
"""Percentiles of the handshake's time that a flow has."""

_METRIC_NAMES = tuple(f"tcp_{metric.name}" for metric in fields(TcpMetrics))
_METRIC_VALUES = attrgetter(*(metric.name for metric in fields(TcpMetrics)))

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
    for name, percent in HANDSHAKES
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
        Field("conn_remote_pkts", _INT, "packets that the server sent", "conn && conn_remote_pkts == 0", group),
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
    payload = stats.client.payload + stats.server.payload
    span = Span(0, payload, stats.first_packet, stats.last_packet, stats.first_ns, stats.last_ns)
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
        summary=f"{connection.transport.upper()} {place_of(connection.client)} to {place_of(connection.server)}",
        status=stats.state,
        failed=stats.state in FAILED,
    )


def connection_columns(protocol: str, stats: StatsColumns) -> EntryColumns:
    """Make the entries that `connection_entry` makes of each of these connections."""
    connections, count = stats.connections, len(stats)
    flags, rows = Numbers(np.ones(count, np.bool_)), np.arange(count, dtype=np.int32)
    state = Coded(STATES, stats.state.astype(np.int32))
    zeros = np.zeros(count, np.int64)
    ends = (stats.first_packet, stats.last_packet, stats.first_ns, stats.last_ns, zeros)
    parts = (zeros, stats.payload.sum(axis=1), *ends)
    answered = stats.packets[:, 1] > 0
    fields: dict[str, Column] = {
        protocol: flags,
        "conn": flags,
        "conn_state": state,
        "conn_local_pkts": Numbers(stats.packets[:, 0]),
        "conn_local_bytes": Numbers(stats.bytes[:, 0]),
        "conn_remote_pkts": Numbers(stats.packets[:, 1]),
        "conn_remote_bytes": Numbers(stats.bytes[:, 1]),
        "conn_l7_detected": lists_of(stats.l7, count),
        "conn_group_id": Numbers(group_ids(connections)),
        **{f"tcp_{name}": column for name, column in stats.metrics.items()},
    }
    return EntryColumns(
        protocol,
        connections,
        rows,
        SpanColumns(np.ones(count, np.bool_), *parts),
        SpanColumns(answered, *(np.where(answered, part, 0) for part in parts)),
        fields,
        summary=Coded(_summaries(connections), rows),
        status=state,
        failed=np.isin(stats.state, FAILED_CODES),
    )


def lists_of(l7: Coded | None, count: int) -> Coded:
    """Give the protocols found on connections as lists, empty where nothing was found."""
    if l7 is None:
        return Coded([[]], np.zeros(count, np.int32))
    codes = np.where(l7.codes < 0, len(l7.values), l7.codes).astype(np.int32)
    return Coded([*map(list, l7.values), []], codes)


def _summaries(connections: ConnectionColumns) -> list[str]:
    name = connections.transport.upper()
    hosts = [f"[{address}]" if ":" in address else address for address in connections.addresses]
    rows = zip(
        connections.client_address.tolist(),
        connections.client_port.tolist(),
        connections.server_address.tolist(),
        connections.server_port.tolist(),
        strict=True,
    )
    return [
        f"{name} {hosts[client]}:{client_port} to {hosts[server]}:{server_port}"
        for client, client_port, server, server_port in rows
    ]


def group_id(connection: Connection) -> int:
    """Give a number that connections of one flow share, in every capture and run."""
    return crc32(f"{connection.transport} {connection.client.address} {place_of(connection.server)}".encode())


def group_ids(connections: ConnectionColumns) -> NDArray[np.int64]:
    """Give the `group_id` of each connection; each flow is looked at once."""
    first, flows = connections.flows()
    one_each = connections.taken(first).connections()
    return np.array([group_id(connection) for connection in one_each], np.int64)[flows]


def metric_values(metrics: TcpMetrics) -> dict[str, Any]:
    """Give the metrics as fields; what was not seen is left out."""
    return {
        name: value for name, value in zip(_METRIC_NAMES, _METRIC_VALUES(metrics), strict=True) if value is not None
    }


def place_of(end: Endpoint) -> str:
    """Write an endpoint as people do."""
    return f"[{end.address}]:{end.port}" if ":" in end.address else f"{end.address}:{end.port}"
