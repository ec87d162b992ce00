"""Summing up connections: hand-made rows in, flows out."""

from __future__ import annotations

from typing import Any

from kubeshark_mcp.hub.contract import FlowQuery
from kubeshark_mcp.hub.flows import METRICS, collect, summarise

SECOND = 10**9


def connection(client: str, server: str, start: int = 0, **values: Any) -> dict[str, Any]:
    named = {
        "protocol": "tcp_conn",
        "src.ip": client,
        "src.port": 40000,
        "dst.ip": server,
        "dst.port": 80,
        "timestamp": start * SECOND,
        "elapsed_time": 1_000_000,
        "conn_state": "closed",
        "conn_local_pkts": 3,
        "conn_local_bytes": 300,
        "conn_remote_pkts": 2,
        "conn_remote_bytes": 1000,
    }
    return {**named, **values}


def test_connections_of_one_client_to_one_server_are_one_flow():
    rows = [
        connection("10.0.0.1", "10.0.0.2", 0, tcp_handshake_time_us=100, conn_l7_detected=["http"]),
        connection("10.0.0.1", "10.0.0.2", 1, tcp_handshake_time_us=300, conn_state="reset", tcp_retransmissions=2),
    ]
    (flow,) = collect(rows)
    found = flow.as_dict()
    assert found["client"] == {"ip": "10.0.0.1"}
    assert found["server"] == {"ip": "10.0.0.2", "port": 80}
    assert found["totals"] == {"pkts": 10, "bytes": 2600, "pps": 5.0, "bps": 10400}
    assert found["state"] == "closed, reset"
    assert found["l7"] == ["http"]
    assert tuple(found["tcp_metrics"]) == METRICS
    told = {name: value for name, value in found["tcp_metrics"].items() if value not in (None, 0, -1)}
    assert told == {"retransmissions": 2, "handshake_time_us": 200}
    stats = found["client_stats"]
    assert (stats["tx_pkts"], stats["rx_pkts"], stats["tx_bytes"], stats["rx_bytes"]) == (6, 4, 600, 2000)
    assert [stats[f"tcp_handshake_p{p}_us"] for p in (50, 90, 99)] == [100, 300, 300]
    assert found["server_stats"]["tx_bytes"] == stats["rx_bytes"]


def test_biggest_flows_come_first():
    rows = [connection("10.0.0.1", "10.0.0.2"), connection("10.0.0.3", "10.0.0.2", conn_local_bytes=10**6)]
    assert [flow.client["ip"] for flow in collect(rows)] == ["10.0.0.3", "10.0.0.1"]


def test_aggregation_joins_what_bears_one_name_and_keeps_addresses_of_strangers():
    named = {"src.pod.name": "web-1", "src.namespace": "shop", "dst.service.name": "api", "dst.namespace": "shop"}
    rows = [
        connection("10.0.0.1", "10.0.0.2", **named),
        connection("10.0.0.4", "10.0.0.2", **{**named, "src.pod.name": "web-2"}),
        connection("192.0.2.1", "10.0.0.2", **{"dst.namespace": "shop", "dst.service.name": "api"}),
    ]
    by_namespace = collect(rows, FlowQuery(aggregate="namespace"))
    assert [(flow.client, flow.server, flow.connections) for flow in by_namespace] == [
        ({"ns": "shop"}, {"ns": "shop"}, 2),
        ({"ip": "192.0.2.1"}, {"ns": "shop"}, 1),
    ]
    by_pod = {flow.client.get("pod") for flow in collect(rows, FlowQuery(aggregate="pod"))}
    assert by_pod == {"web-1", "web-2", None}


def test_filters_look_at_both_ends():
    rows = [
        connection("10.0.0.1", "10.0.0.2"),
        connection("10.0.0.3", "10.0.0.1", protocol="udp_conn"),
        connection("10.0.0.3", "10.0.0.4"),
    ]
    assert len(collect(rows, FlowQuery(ip="10.0.0.1"))) == 2
    assert [flow.proto for flow in collect(rows, FlowQuery(ip="10.0.0.1", l4proto="udp"))] == ["udp"]


def test_the_summary_counts_each_byte_once_and_names_what_crosses_namespaces():
    rows = [
        connection("10.0.0.1", "10.0.0.2", **{"src.namespace": "a", "dst.namespace": "b"}),
        connection("10.0.0.3", "10.0.0.2", **{"src.namespace": "b", "dst.namespace": "b"}),
    ]
    summary = summarise(collect(rows), [])
    assert (summary.total_flows, summary.tcp_flows, summary.udp_flows) == (2, 2, 0)
    assert (summary.total_bytes, summary.total_packets) == (2600, 10)
    assert (summary.unique_clients, summary.unique_servers) == (2, 1)
    assert summary.by_namespace == {"b": 2600, "a": 1300}
    assert summary.cross_namespace == [{"from": "a", "to": "b", "bytes": 1300}]
