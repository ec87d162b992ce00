from __future__ import annotations

from kubeshark_mcp.analyse.detectors.fan_out_growth import FanOutGrowth
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Kind
from tests.analyse.building import T0, BuiltFacts, Call
from tests.analyse.mutations import assert_same_verdict, verdict

LINE = "SELECT * FROM lines WHERE id = {}"


def lists(count: int, start: float, each: int, every: float = 0.3) -> list[Call]:
    """Calls to orders, each of which asks the database so many times."""
    calls = []
    for n in range(count):
        at = start + n * every
        calls.append(Call(at, "s/web", "s/orders", "GET /orders", ms=10.0 + 5 * each))
        calls += [
            Call(at + 0.002 + k * 0.005, "s/orders", "s/db", LINE, "OK", 3.0, protocol="postgresql")
            for k in range(each)
        ]
    return calls


def grown() -> list[Call]:
    return lists(40, 0, 1) + lists(40, 12, 21)


def test_a_call_that_causes_more_calls_is_named_with_both_numbers() -> None:
    (found,) = FanOutGrowth().detect(BuiltFacts(grown()))
    assert (found.component, found.confidence, found.onset_ns, found.affected) == (
        Component(Kind.WORKLOAD, "s/orders"),
        Confidence.HIGH,
        T0 + 12 * 10**9,
        (Edge("s/orders", "s/db", "postgresql"),),
    )
    assert found.title == f"orders makes 21 calls of {LINE} to db for each GET /orders, 1 before"
    assert [claim.value for claim in found.claims] == [840, 40, 40, 40]


def test_more_calls_in_are_no_more_calls_for_each() -> None:
    assert list(FanOutGrowth().detect(BuiltFacts(lists(40, 0, 2) + lists(160, 12, 2, every=0.06)))) == []


def test_many_calls_for_each_all_the_time_are_a_hint() -> None:
    (found,) = FanOutGrowth().detect(BuiltFacts(lists(40, 0, 30)))
    assert (found.confidence, found.onset_ns) == (Confidence.LOW, None)
    assert list(FanOutGrowth().detect(BuiltFacts(lists(40, 0, 5)))) == []


def test_repeats_of_failed_calls_are_told_elsewhere() -> None:
    calls = lists(40, 0, 1)
    for call in lists(40, 12, 8):
        bad = call.server == "s/db"
        calls.append(Call(**{**vars(call), "status": "57P01" if bad else "500"}))
    assert verdict(FanOutGrowth(), BuiltFacts(calls)) == set()


def test_pace_names_and_order_of_nodes_change_nothing() -> None:
    assert_same_verdict(FanOutGrowth(), grown())
