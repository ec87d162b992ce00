from __future__ import annotations

from dataclasses import replace
from typing import Any

from kubeshark_mcp.analyse.detectors.slow_external import SlowExternal
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Kind, Measure
from tests.analyse.building import T0, BuiltFacts, Call, Connection
from tests.analyse.mutations import assert_same_verdict, verdict
from tests.analyse.stories import steady

PEER = "rates.example.net"
OUT: dict[str, Any] = {"outside": True, "server_address": "203.0.113.20"}


def slow() -> list[Call]:
    """From second 12 on the peer takes 900 ms."""
    return steady("s/pay", PEER, **OUT) + [replace(c, ms=900.0) for c in steady("s/pay", PEER, start=12.0, **OUT)]


def test_a_peer_outside_that_became_slow_is_named() -> None:
    (found,) = SlowExternal().detect(BuiltFacts(slow()))
    assert (found.component, found.confidence, found.onset_ns, found.symptom) == (
        Component(Kind.EXTERNAL, PEER),
        Confidence.HIGH,
        T0 + 12 * 10**9,
        False,
    )
    assert found.title == "rates.example.net takes up to 900 ms (95th percentile), 5.8 ms before"
    assert found.affected == (Edge("s/pay", PEER, "http"),)
    assert [(claim.measure, claim.value) for claim in found.claims] == [
        (Measure.P50_US, 5833),
        (Measure.P95_US, 900_000),
    ]


def test_a_peer_that_does_not_answer_is_named() -> None:
    calls = steady("s/pay", PEER, **OUT) + steady("s/pay", PEER, start=12.0, ms=None, **OUT)
    calls += steady("s/web", "s/pay", 100, every=0.3)
    assert verdict(SlowExternal(), BuiltFacts(calls)) == {("slow_external", PEER)}


def test_a_slow_workload_inside_is_none() -> None:
    calls = [replace(call, server="s/rates", outside=False) for call in slow()]
    assert list(SlowExternal().detect(BuiltFacts(calls))) == []


def test_a_peer_that_is_always_a_little_slow_is_how_it_is() -> None:
    assert list(SlowExternal().detect(BuiltFacts(steady("s/pay", PEER, ms=400.0, **OUT)))) == []
    (found,) = SlowExternal().detect(BuiltFacts(steady("s/pay", PEER, ms=2500.0, **OUT)))
    assert (found.confidence, found.onset_ns) == (Confidence.MEDIUM, None)


def test_connections_that_nobody_can_read_are_measured_as_a_whole() -> None:
    links = [
        Connection(n / 2, "s/pay", PEER, seconds=2.5 if n > 30 else 0.1 + n % 3 / 50, connection=n + 1, outside=True)
        for n in range(60)
    ]
    (found,) = SlowExternal().detect(BuiltFacts((), links))
    assert (found.component, found.confidence) == (Component(Kind.EXTERNAL, PEER), Confidence.MEDIUM)
    assert found.title == (
        "connections to rates.example.net from pay last 2.5 s, 120 ms before (29 since then); nobody can read them"
    )


def test_pace_names_and_order_of_nodes_change_nothing() -> None:
    assert_same_verdict(SlowExternal(), slow())
