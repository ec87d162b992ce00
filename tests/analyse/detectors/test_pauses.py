from __future__ import annotations

from kubeshark_mcp.analyse.detectors.pauses import Pauses
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Kind
from tests.analyse.building import T0, BuiltFacts, Call
from tests.analyse.mutations import assert_same_verdict

BREAKS = ((6.0, 7.2), (12.0, 13.4), (18.0, 19.3))


def took(at: float) -> float:
    """Give the ms that a call takes: until the end of the pause that it meets."""
    return next(((end - at) * 1000 + 5 for begin, end in BREAKS if begin <= at < end), 5.0)


def story(server: str = "s/churns") -> list[Call]:
    return [Call(n / 8, "s/parlour", server, "GET /churns/{}", ms=took(n / 8), connection=n) for n in range(192)]


def test_a_server_that_stands_still_at_times_is_blamed():
    (found,) = Pauses().detect(BuiltFacts(story()))
    assert (found.component, found.confidence) == (Component(Kind.WORKLOAD, "s/churns"), Confidence.MEDIUM)
    assert found.onset_ns == T0 + 6 * 10**9
    assert found.affected == (Edge("s/parlour", "s/churns", "http"),)
    assert found.facts == {"pauses": 3}
    assert found.title.startswith("churns stood still 3 times for up to 1.4 s: all calls that came in meanwhile")
    assert_same_verdict(Pauses(), story())


def test_who_waits_for_it_is_not():
    above = [
        Call(n / 8 - 0.001, "s/gate", "s/parlour", "GET /", ms=took(n / 8) + 2, connection=900) for n in range(192)
    ]
    assert [found.component.name for found in Pauses().detect(BuiltFacts(story() + above))] == ["s/churns"]


def test_calls_that_are_slow_each_for_itself_are_no_pause():
    calls = [Call(n / 8, "s/parlour", "s/churns", ms=900.0 if n % 6 == 0 else 5.0, connection=n) for n in range(192)]
    assert list(Pauses().detect(BuiltFacts(calls))) == []


def test_a_machine_that_stands_still_is_a_hint():
    both = story() + story("s/milk")
    assert {found.confidence for found in Pauses().detect(BuiltFacts(both))} == {Confidence.LOW}
