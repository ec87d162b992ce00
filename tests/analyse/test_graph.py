from __future__ import annotations

from kubeshark_mcp.analyse.graph import Graph, Link, service_graph
from tests.analyse.building import T0, BuiltFacts, Call, Connection


def graph(*edges: str) -> Graph:
    return Graph(tuple(Link(*edge.split(">"), protocol="http") for edge in edges))


def test_what_depends_on_a_workload_is_above_it_and_what_it_needs_below() -> None:
    found = graph("web>cart", "cart>redis", "web>dns", "cart>cart")
    assert found.below("web") == {"cart", "redis", "dns"}
    assert found.above("redis") == {"cart", "web"}
    assert found.above("web") == frozenset()


def test_circles_of_calls_end() -> None:
    found = graph("a>b", "b>c", "c>a")
    assert found.below("a") == {"b", "c"}
    assert found.path("a", "c") == ("a", "b", "c")


def test_a_path_is_a_shortest_one_and_empty_where_there_is_none() -> None:
    found = graph("a>b", "b>d", "a>c", "c>e", "e>d")
    assert found.path("a", "d") == ("a", "b", "d")
    assert found.path("d", "a") == ()
    assert found.path("a", "a") == ("a",)


def test_a_link_has_the_numbers_of_its_calls_and_of_the_connections_under_them() -> None:
    facts = BuiltFacts(
        [
            Call(0, "s/a", "s/b", ms=2),
            Call(1, "s/a", "s/b", ms=4, status="500"),
            Call(2, "s/a", "s/b", ms=None),
        ],
        [
            Connection(0, "s/a", "s/b", numbers={"packets_out": 5, "packets_in": 6, "retransmissions": 2}),
            Connection(0, "s/a", "s/c", "refused"),
        ],
    )
    calls, refused = service_graph(facts).links
    assert calls == Link(
        "s/a", "s/b", "http", calls=3, failed=1, unanswered=1, p50_us=2000, p95_us=4000,
        request_bytes=300, response_bytes=1500, first_ns=T0, last_ns=T0 + 2 * 10**9,
        connections=1, segments=11, retransmissions=2,
    )  # fmt: skip
    assert (refused.server, refused.protocol, refused.calls, refused.refused) == ("s/c", "tcp", 0, 1)


def test_packets_that_were_captured_twice_are_no_retransmissions_of_a_link() -> None:
    copies = {"packets_out": 110, "packets_in": 60, "retransmissions": 59, "dup_acks": 26}
    lossy = {"packets_out": 110, "packets_in": 60, "retransmissions": 4}
    facts = BuiltFacts([], [Connection(0, "s/a", "s/b", numbers=numbers) for numbers in (copies, lossy)])

    (link,) = service_graph(facts).links
    assert (link.connections, link.segments, link.retransmissions) == (2, 340, 4)
