from __future__ import annotations

from dataclasses import replace

from kubeshark_mcp.analyse.detectors.latency_shift import LatencyShift
from kubeshark_mcp.analyse.findings import Claim, Component, Confidence, Edge, Finding, Kind, Magnitude, Measure
from kubeshark_mcp.analyse.mechanisms import Mechanism
from tests.analyse.building import T0, BuiltFacts, Call, Connection
from tests.analyse.crowds import crowd
from tests.analyse.mutations import assert_same_verdict, verdict
from tests.analyse.stories import chain, steady

SINCE = T0 + 12 * 10**9
KFL = (
    'protocol == "http" && dst.service.name == "orders" && dst.service.namespace == "s"'
    ' && summary.matches("^POST /orders([?].*)?$") && !failed'
)


def late(orders_ms: float, db_ms: float) -> list[Call]:
    """From second 12 on, orders and its database take so long."""
    return [replace(c, ms=orders_ms if c.server == "s/orders" else db_ms) for c in chain(60, start=12.0)]


def test_a_server_that_is_slow_by_itself_is_named() -> None:
    (found,) = LatencyShift().detect(BuiltFacts(chain() + late(200.0, 4.0)))
    assert replace(found, entries=()) == Finding(
        "latency_shift",
        Mechanism.LATENCY_SHIFT,
        Component(Kind.WORKLOAD, "s/orders"),
        "orders takes 200 ms for POST /orders, 23 ms before, and its own calls do not account for it",
        Confidence.HIGH,
        1 - 23.333 / 200,
        SINCE,
        None,
        Magnitude(23.333, 200.0, "ms p50"),
        (Edge("s/web", "s/orders", "http"),),
        (),
        (
            Claim(KFL, Measure.P50_US, 23_333, "median before", "", None, SINCE),
            Claim(KFL, Measure.P50_US, 200_000, "since then", "", SINCE),
            Claim(KFL, Measure.COUNT, 60, "calls of that kind", "", SINCE),
        ),
        "calls from orders that take as long meanwhile",
        facts={"kind": "POST /orders", "explained": 0.0, "kinds": 1},
    )


def test_a_server_whose_callee_is_slow_only_shows_it() -> None:
    found = {str(one.component): one.symptom for one in LatencyShift().detect(BuiltFacts(chain() + late(200.0, 180.0)))}
    assert found == {"s/orders": True, "s/db": False}


def test_some_slow_calls_among_many_are_seen() -> None:
    calls = [replace(c, ms=300.0) if n > 100 and n % 3 == 0 else c for n, c in enumerate(steady("s/web", "s/o", 200))]
    (found,) = LatencyShift().detect(BuiltFacts(calls))
    assert (found.confidence, found.symptom) == (Confidence.HIGH, False)
    assert found.title.startswith("o takes 300 ms for GET /, 95th percentile, ")


def test_what_was_always_slow_is_how_it_is() -> None:
    assert list(LatencyShift().detect(BuiltFacts(steady("s/web", "s/reports", 80, ms=1400.0)))) == []


def test_cold_starts_and_noise_are_no_shift() -> None:
    cold = [replace(call, ms=400.0) if n < 10 else call for n, call in enumerate(steady("s/web", "s/o", 100))]
    noisy = [replace(call, ms=60.0) if n % 25 == 7 else call for n, call in enumerate(steady("s/web", "s/o", 200))]
    assert verdict(LatencyShift(), BuiltFacts(cold)) == set()
    assert verdict(LatencyShift(), BuiltFacts(noisy)) == set()


def test_more_traffic_may_take_a_little_longer() -> None:
    calls = steady("s/web", "s/o") + steady("s/web", "s/o", 240, every=0.05, start=12.0, ms=40.0)
    assert verdict(LatencyShift(), BuiltFacts(calls)) == set()


def test_when_everything_slows_at_once_it_is_the_machine() -> None:
    calls = []
    for n in range(6):
        calls += steady(f"s/c{n}", f"s/w{n}")
        calls += [replace(call, ms=300.0) for call in steady(f"s/c{n}", f"s/w{n}", start=12.0)]
    assert verdict(LatencyShift(), BuiltFacts(calls)) == set()


def test_waiting_for_a_free_connection_is_a_symptom() -> None:
    found = list(LatencyShift().detect(BuiltFacts(crowd(2, 10, 10) + crowd(2, 49, 10, 10.5))))
    assert [one.symptom for one in found if str(one.component) == "s/orders"] == [True]


def test_slowness_by_lost_segments_is_a_symptom() -> None:
    calls = steady("s/web", "s/o", connection=1)
    calls += [replace(c, ms=300.0, connection=2) for c in steady("s/web", "s/o", start=12.0)]
    links = [Connection(0, "s/web", "s/o", seconds=12, connection=1)]
    links += [Connection(12, "s/web", "s/o", seconds=12, connection=2, numbers={"retransmissions": 30})]
    assert [one.symptom for one in LatencyShift().detect(BuiltFacts(calls, links))] == [True]


def test_pace_names_and_order_of_nodes_change_nothing() -> None:
    assert_same_verdict(LatencyShift(), chain() + late(200.0, 4.0))
