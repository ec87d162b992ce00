"""L4 flows: connection entries summed up by who spoke to whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from kubeshark_mcp.dissect.flow_sums import MetricSums
from kubeshark_mcp.hub.contract import FlowQuery, FlowSummary
from kubeshark_mcp.hub.times import from_ns
from kubeshark_mcp.model.stream import TcpMetrics

TOP = 10
"""Rows of each ranking in the summary."""
METRICS = tuple(metric.name for metric in fields(TcpMetrics))
"""The TCP metrics of a connection, by the names of the contract."""
COLUMNS = (
    *(f"{side}.{part}" for side in ("src", "dst") for part in ("ip", "port", "pod.name", "pod.namespace")),
    *(f"{side}.{part}" for side in ("src", "dst") for part in ("service.name", "service.namespace", "name")),
    *(f"{side}.{part}" for side in ("src", "dst") for part in ("namespace", "dns")),
    *("local_node_name", "remote_node_name", "protocol", "timestamp", "elapsed_time", "conn_state"),
    *("conn_l7_detected", "conn_local_pkts", "conn_local_bytes", "conn_remote_pkts", "conn_remote_bytes"),
    *(f"tcp_{name}" for name in METRICS),
)
"""Columns of connection entries that are read."""
SUMMARY_COLUMNS = tuple(
    name for name in COLUMNS if not name.startswith("tcp_") and name not in {"conn_state", "conn_l7_detected"}
)
"""Those of them that the picture as a whole needs: half the memory, where there are many flows."""

Row = Mapping[str, Any]


@dataclass(slots=True)
class Flow:
    """Connections of one client to one server (addresses and server port, or what they were aggregated by)."""

    proto: str
    client: dict[str, Any]
    server: dict[str, Any]
    connections: int = 0
    client_packets: int = 0
    client_bytes: int = 0
    server_packets: int = 0
    server_bytes: int = 0
    first_ns: int = 2**63 - 1
    last_ns: int = 0
    states: dict[str, int] = field(default_factory=dict)
    l7: dict[str, None] = field(default_factory=dict)
    handshakes_us: list[int] = field(default_factory=list)
    metrics: MetricSums | None = None

    def add(self, row: Row) -> None:
        """Count one connection."""
        self.connections += 1
        self.client_packets += row.get("conn_local_pkts", 0)
        self.client_bytes += row.get("conn_local_bytes", 0)
        self.server_packets += row.get("conn_remote_pkts", 0)
        self.server_bytes += row.get("conn_remote_bytes", 0)
        self.first_ns = min(self.first_ns, row["timestamp"])
        self.last_ns = max(self.last_ns, row["timestamp"] + row.get("elapsed_time", 0) * 1000)
        if state := row.get("conn_state", ""):
            self.states[state] = self.states.get(state, 0) + 1
        self.l7.update(dict.fromkeys(row.get("conn_l7_detected", ())))
        if handshake := row.get("tcp_handshake_time_us"):
            self.handshakes_us.append(handshake)
        if self.proto == "tcp":
            known = {name: value for name in METRICS if (value := row.get(f"tcp_{name}")) is not None}
            if known:
                self.metrics = self.metrics or MetricSums()
                self.metrics.add(TcpMetrics(**known), row.get("conn_local_pkts", 0) + row.get("conn_remote_pkts", 0))

    @property
    def bytes(self) -> int:
        """Give bytes of both directions."""
        return self.client_bytes + self.server_bytes

    @property
    def packets(self) -> int:
        """Give packets of both directions."""
        return self.client_packets + self.server_packets

    def as_dict(self) -> dict[str, Any]:
        """Give the flow in the shape of the contract."""
        seconds = max((self.last_ns - self.first_ns) / 1e9, 1e-6)
        one_way = (self.client_packets, self.client_bytes, self.server_packets, self.server_bytes)
        handshakes = _percentiles(self.handshakes_us)
        return {
            "proto": self.proto,
            "client": self.client,
            "server": self.server,
            "client_stats": {**_stats(*one_way, seconds), **handshakes, "timestamp": from_ns(self.first_ns)},
            "server_stats": {
                **_stats(*one_way[2:], *one_way[:2], seconds),
                **handshakes,
                "timestamp": from_ns(self.first_ns),
            },
            "totals": {
                "pkts": self.packets,
                "bytes": self.bytes,
                "pps": round(self.packets / seconds, 2),
                "bps": round(self.bytes * 8 / seconds),
            },
            "connections": self.connections,
            "state": ", ".join(f"{state} {n}" if n > 1 else state for state, n in sorted(self.states.items())),
            "l7": list(self.l7),
            **({} if self.metrics is None else {"tcp_metrics": _whole(self.metrics)}),
        }


def _whole(metrics: MetricSums) -> dict[str, Any]:
    """Give all metrics in the order of the contract; None for what was not seen."""
    joined = metrics.joined()
    return {name: joined[name] for name in METRICS}


def _stats(tx_packets: int, tx_bytes: int, rx_packets: int, rx_bytes: int, seconds: float) -> dict[str, Any]:
    return {
        "tx_pkts": tx_packets,
        "rx_pkts": rx_packets,
        "tx_bytes": tx_bytes,
        "rx_bytes": rx_bytes,
        "tx_pps": round(tx_packets / seconds, 2),
        "rx_pps": round(rx_packets / seconds, 2),
        "tx_bps": round(tx_bytes * 8 / seconds),
        "rx_bps": round(rx_bytes * 8 / seconds),
    }


def _percentiles(values: list[int]) -> dict[str, int]:
    """Give nearest-rank percentiles; nothing when there are no values."""
    if not values:
        return {}
    ordered = sorted(values)
    return {
        f"tcp_handshake_p{percent}_us": ordered[max(0, -(-percent * len(ordered) // 100) - 1)]
        for percent in (50, 90, 99)
    }


def collect(rows: Iterable[Row], query: FlowQuery | None = None) -> list[Flow]:
    """Sum up connection entries that match, biggest first."""
    query = query or FlowQuery()
    flows: dict[tuple[Any, ...], Flow] = {}
    for row in rows:
        proto = "tcp" if row["protocol"] == "tcp_conn" else "udp"
        if not _matches(row, proto, query):
            continue
        client, server = (_end(row, side, query.aggregate) for side in ("src", "dst"))
        # A DNS name is known from its answer on, so connections before and after it are one flow all the same.
        key = (proto, *(value for end in (client, server) for name, value in end.items() if name != "dns"))
        flow = flows.get(key)
        if flow is None:
            flow = flows[key] = Flow(proto, client, server)
        flow.client.update(client)
        flow.server.update(server)
        flow.add(row)
    return sorted(flows.values(), key=lambda flow: (-flow.bytes, flow.first_ns))


def _matches(row: Row, proto: str, query: FlowQuery) -> bool:
    wanted = (
        (query.ip, ("src.ip", "dst.ip")),
        (query.ns, ("src.namespace", "dst.namespace")),
        (query.pod, ("src.pod.name", "dst.pod.name")),
        (query.svc, ("src.service.name", "dst.service.name")),
    )
    if query.l4proto is not None and query.l4proto != proto:
        return False
    return all(value is None or value in (row.get(first), row.get(second)) for value, (first, second) in wanted)


def _end(row: Row, side: str, aggregate: str | None) -> dict[str, Any]:
    namespace = row.get(f"{side}.namespace", "")
    node = row.get("local_node_name" if side == "src" else "remote_node_name", "")
    pod, service = row.get(f"{side}.pod.name", ""), row.get(f"{side}.service.name", "")
    named = {"ip": row.get(f"{side}.ip", ""), **_filled(dns=row.get(f"{side}.dns", ""))}
    port = {"port": row.get("dst.port", 0)} if side == "dst" else {}
    if aggregate == "namespace":
        return {"ns": namespace} if namespace else named
    if aggregate == "node":
        return {"node": node} if node else named
    if aggregate == "service":
        return {**_filled(ns=namespace), "svc": service, **port} if service else _pod(pod, namespace, named, port)
    if aggregate == "pod":
        return _pod(pod, namespace, named, port)
    return {**named, **port, **_filled(pod=pod, ns=namespace, svc=service, node=node)}


def _pod(pod: str, namespace: str, named: dict[str, Any], port: dict[str, Any]) -> dict[str, Any]:
    return {**_filled(ns=namespace), "pod": pod, **port} if pod else {**named, **port}


def _filled(**values: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def summarise(flows: list[Flow], warnings: list[str]) -> FlowSummary:
    """Give the L4 picture as a whole."""
    by_namespace: dict[str, int] = {}
    crossing: dict[tuple[str, str], int] = {}
    for flow in flows:
        ends = [flow.client.get("ns", ""), flow.server.get("ns", "")]
        for namespace in dict.fromkeys(filter(None, ends)):
            by_namespace[namespace] = by_namespace.get(namespace, 0) + flow.bytes
        if all(ends) and ends[0] != ends[1]:
            crossing[ends[0], ends[1]] = crossing.get((ends[0], ends[1]), 0) + flow.bytes
    return FlowSummary(
        total_flows=len(flows),
        tcp_flows=sum(flow.proto == "tcp" for flow in flows),
        udp_flows=sum(flow.proto == "udp" for flow in flows),
        total_bytes=sum(flow.bytes for flow in flows),
        total_packets=sum(flow.packets for flow in flows),
        unique_clients=len({flow.client.get("ip") for flow in flows}),
        unique_servers=len({(flow.server.get("ip"), flow.server.get("port")) for flow in flows}),
        top_by_bytes=[_brief(flow) for flow in sorted(flows, key=lambda flow: -flow.bytes)[:TOP]],
        top_by_packets=[_brief(flow) for flow in sorted(flows, key=lambda flow: -flow.packets)[:TOP]],
        by_namespace=dict(sorted(by_namespace.items(), key=lambda item: -item[1])),
        cross_namespace=[
            {"from": source, "to": target, "bytes": size}
            for (source, target), size in sorted(crossing.items(), key=lambda item: -item[1])[:TOP]
        ],
        warnings=warnings,
    )


def _brief(flow: Flow) -> dict[str, Any]:
    return {
        "proto": flow.proto,
        "client": flow.client,
        "server": flow.server,
        "bytes": flow.bytes,
        "pkts": flow.packets,
    }
