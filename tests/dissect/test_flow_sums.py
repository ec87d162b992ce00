"""Sums over the connections of a flow."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kubeshark_mcp.dissect import flow_sums
from kubeshark_mcp.dissect.flow_sums import FlowCollector
from kubeshark_mcp.dissect.layer4 import group_id
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Connection, ConnectionStats, Endpoint, Span, TcpMetrics, Traffic

SECOND = 1_000_000_000


def stats(
    number: int = 0, state: str = "closed", metrics: TcpMetrics | None = None, **changes: object
) -> ConnectionStats:
    server = changes.pop("server", Endpoint("10.0.0.2", 80))
    transport = changes.pop("transport", "tcp")
    connection = Connection(number, transport, Endpoint("10.0.0.1", 50000 + number), server)
    values = {
        "client": Traffic(5, 600, 100),
        "server": Traffic(4, 4000, 3600),
        "first_packet": number * 10 + 1,
        "last_packet": number * 10 + 9,
        "first_ns": (number + 1) * SECOND,
        "last_ns": (number + 3) * SECOND,
        **changes,
    }
    return ConnectionStats(connection, state, metrics=metrics, **values)


def collected(transport: str, connections: list[ConnectionStats], size: int = 1000, most: int = 1000) -> list[Entry]:
    """Give the flow entries of connections that come `size` at a time."""
    collector = FlowCollector(f"{transport}_flow", transport, most)
    found: list[Entry] = []
    for start in range(0, len(connections), size):
        found += collector.add(connections[start : start + size])
    return found + collector.finish()


def flow(connections: list[ConnectionStats]) -> Entry:
    """Give the one flow that these connections are."""
    (made,) = collected("tcp", connections)
    return made


def test_connections_of_a_client_with_a_port_are_one_flow():
    other = Endpoint("10.0.0.2", 81)
    entries = collected("tcp", [stats(0), stats(1, server=other), stats(2), stats(3, transport="udp")])
    assert [(e.connection.number, e.fields["flow_connections"]) for e in entries] == [(0, 2), (1, 1)]
    assert group_id(stats(0).connection) == group_id(stats(2).connection) != group_id(stats(1, server=other).connection)


def test_a_flow_adds_up_its_connections():
    made = flow([stats(0, l7=("http",)), stats(7, "refused", l7=("ws", "http"))])
    assert made.connection == Connection(0, "tcp", Endpoint("10.0.0.1", 0), Endpoint("10.0.0.2", 80))
    assert made.request == made.response == Span(0, 7400, 1, 79, SECOND, 10 * SECOND)
    assert made.fields == {
        "tcp_flow": True,
        "flow": True,
        "flow_state": "closed",
        "flow_local_pkts": 10,
        "flow_local_bytes": 1200,
        "flow_local_pps": 1,
        "flow_local_bps": 1067,
        "flow_remote_pkts": 8,
        "flow_remote_bytes": 8000,
        "flow_remote_pps": 1,
        "flow_remote_bps": 7111,
        "flow_l7_detected": ["http", "ws"],
        "flow_group_id": group_id(stats().connection),
        "flow_connections": 2,
        "flow_failed_connections": 1,
    }
    assert (made.summary, made.status, made.failed) == ("TCP 10.0.0.1 to 10.0.0.2:80", "closed", False)


def test_a_flow_is_active_while_one_connection_is_open_and_failed_when_all_are():
    assert flow([stats(0), stats(1, "established")]).status == "active"
    assert flow([stats(0, "refused"), stats(1, "syn_sent")]).failed


def test_the_rates_of_a_short_flow_are_taken_over_a_second():
    made = flow([stats(first_ns=SECOND, last_ns=SECOND)])
    assert (made.fields["flow_local_pps"], made.fields["flow_remote_bps"]) == (5, 32000)


def test_metrics_of_a_flow_are_added_weighted_or_ranked():
    quick = TcpMetrics(
        retransmissions=1, retransmission_rate=0.1, window_scale=7, avg_receive_window=1000, connection_completeness=7,
        handshake_time_us=100, rtt_min_us=50, rtt_max_us=90, rtt_avg_us=60, rtt_samples=9, jitter_us=1,
    )  # fmt: skip
    slow = TcpMetrics(
        retransmissions=2, retransmission_rate=0.3, window_scale=8, avg_receive_window=3000, connection_completeness=24,
        handshake_time_us=900, rtt_min_us=70, rtt_max_us=500, rtt_avg_us=160, rtt_samples=1, jitter_us=11,
    )  # fmt: skip
    fields = flow([stats(0, metrics=quick), stats(1, metrics=slow), stats(2)]).fields
    found = {name.removeprefix("tcp_"): value for name, value in fields.items() if name.startswith("tcp_")}
    assert found["retransmissions"] == 3
    assert round(found["retransmission_rate"], 6) == 0.2
    assert (found["window_scale"], found["avg_receive_window"], found["connection_completeness"]) == (-1, 2000, 31)
    assert (found["handshake_time_us"], found["handshake_p50_us"], found["handshake_p90_us"]) == (500, 100, 900)
    assert (found["rtt_min_us"], found["rtt_max_us"], found["rtt_avg_us"], found["jitter_us"]) == (50, 500, 70, 2)
    assert "initial_rtt_us" not in found


@settings(deadline=None)
@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=9), states=st.lists(st.sampled_from(["closed", "reset"])))
def test_it_does_not_matter_how_many_come_at_once(sizes, states):
    connections = [stats(number, state, metrics=TcpMetrics(rtt_samples=1)) for number, state in enumerate(states)]
    assert all(collected("tcp", connections, size) == collected("tcp", connections) for size in sizes)


def test_too_many_flows_are_not_held_and_none_is_lost():
    connections = [stats(number, server=Endpoint("10.0.0.2", number % 50)) for number in range(500)]
    entries = collected("tcp", connections, size=7, most=10)
    assert sum(entry.fields["flow_connections"] for entry in entries) == 500
    assert {entry.connection.server.port for entry in entries} == set(range(50))
    quiet = [stats(number, server=Endpoint("10.0.0.2", 80 if number % 2 else 1000 + number)) for number in range(100)]
    busy = [e for e in collected("tcp", quiet, size=1, most=10) if e.connection.server.port == 80]
    assert [e.fields["flow_connections"] for e in busy] == [50]


def test_what_is_left_at_the_end_comes_in_parts_and_then_nothing_more(monkeypatch):
    monkeypatch.setattr(flow_sums, "AT_ONCE", 2)
    collector = FlowCollector("udp_flow", "udp")
    collector.add([stats(n, server=Endpoint("10.0.0.2", 80 + n), transport="udp") for n in range(5)])
    parts = [len(collector.finish()) for _ in range(4)]
    assert parts == [2, 2, 1, 0]
