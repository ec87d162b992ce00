"""Flows in arrays: what the sums over objects do not show. The sums themselves are tested with the collector."""

from __future__ import annotations

import pytest

from kubeshark_mcp.dissect.flow_columns import Flows
from kubeshark_mcp.dissect.stats_columns import columns_of
from kubeshark_mcp.model.stream import Connection, ConnectionStats, Endpoint, TcpMetrics, Traffic

SECOND = 1_000_000_000


def stats(number: int, client: str = "10.0.0.1", **changes: object) -> ConnectionStats:
    connection = Connection(number, "tcp", Endpoint(client, 50000 + number), Endpoint("10.0.0.2", 80))
    metrics = TcpMetrics(handshake_time_us=100 * number, rtt_samples=2, rtt_avg_us=number, window_scale=7)
    sides = (Traffic(2, 200, 20), Traffic(1, 100, 10))
    ends = (number, number + 5, number * SECOND, (number + 1) * SECOND)
    return ConnectionStats(connection, "closed", *sides, *ends, **{"metrics": metrics, **changes})


def flows(*connections: ConnectionStats) -> Flows:
    made = Flows("tcp_flow", "tcp")
    for columns in columns_of(connections):
        made.add(columns)
    return made


def test_captures_are_kept_apart():
    one, two = stats(1), stats(2)
    two.connection.capture = 1
    entries = list(flows(one, two, stats(3)).first(9).entries())
    assert [(e.connection.capture, e.fields["flow_connections"]) for e in entries] == [(0, 2), (1, 1)]


def test_the_quietest_give_way_and_what_is_left_goes_on():
    made = flows(*[stats(n, f"10.0.{n % 4}.9") for n in range(8)], stats(8, "10.0.0.9"))
    first = list(made.quietest(2).entries())
    assert [e.connection.client.address for e in first] == ["10.0.1.9", "10.0.2.9"]
    assert [e.fields["tcp_handshake_p50_us"] for e in first] == [100, 200]
    assert len(made) == 2
    for columns in columns_of([stats(9, "10.0.1.9"), stats(10, "10.0.3.9")]):
        made.add(columns)
    rest = list(made.first(2).entries())
    assert [(e.connection.client.address, e.fields["flow_connections"]) for e in rest] == [
        ("10.0.0.9", 3),
        ("10.0.3.9", 3),
    ]
    assert [e.fields["tcp_handshake_p99_us"] for e in rest] == [800, 1000]
    assert [e.fields["tcp_rtt_avg_us"] for e in rest] == [4, 7]
    (last,) = made.first(2).entries()
    assert (last.connection.client.address, last.fields["flow_connections"]) == ("10.0.1.9", 1)
    assert len(made) == 0


@pytest.mark.parametrize("others", [[], [("http",), ("ws", "http")]])
def test_protocols_are_named_in_order_of_appearance_over_several_batches(others):
    made = flows(stats(1, l7=("tls",)), stats(2), *[stats(3 + at, l7=l7) for at, l7 in enumerate(others)])
    for columns in columns_of([stats(9, l7=("http", "tls")), stats(10, l7=("redis",))]):
        made.add(columns)
    (entry,) = made.first(1).entries()
    expected = ["tls", "http", "ws", "redis"] if others else ["tls", "http", "redis"]
    assert entry.fields["flow_l7_detected"] == expected


def test_a_flow_without_metrics_has_none_beside_one_that_has():
    entries = list(flows(stats(1, metrics=None), stats(2, "10.0.0.9")).first(2).entries())
    assert [name for name in entries[0].fields if name.startswith("tcp_")] == ["tcp_flow"]
    assert entries[1].fields["tcp_window_scale"] == 7


def test_nothing_comes_of_nothing():
    made = flows()
    assert len(made) == 0
    assert len(made.first(5)) == 0
