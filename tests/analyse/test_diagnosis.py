from __future__ import annotations

from collections.abc import Iterable

from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.diagnosis import concerns, diagnose, limits, merged
from kubeshark_mcp.analyse.facts import Coverage, Facts
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind
from kubeshark_mcp.analyse.graph import service_graph
from kubeshark_mcp.analyse.mechanisms import Mechanism
from tests.analyse.building import T0, BuiltFacts, Call

EDGE = Edge("s/web", "s/cart", "http")


def finding(
    score: float = 0.5, confidence: Confidence = Confidence.HIGH, edge: Edge = EDGE, name: str = "s/cart"
) -> Finding:
    return Finding(
        "errors", Mechanism.ERROR_BURST, Component(Kind.WORKLOAD, name), "cart fails", confidence, score,
        onset_ns=T0 + 5 * 10**9, affected=(edge,), entries=(1,),
    )  # fmt: skip


class Errors(Detector):
    """Says what it was told to say."""

    name = "errors"
    looks_for = "errors"
    mechanisms = frozenset({Mechanism.ERROR_BURST})

    def __init__(self, *found: Finding, least: int = 0) -> None:
        self.found, self.least = found, least

    def detect(self, facts: Facts) -> Iterable[Finding]:
        return self.found if len(facts.calls) >= self.least else ()


class Broken(Errors):
    """Fails."""

    name = "broken"

    def detect(self, facts: Facts) -> Iterable[Finding]:
        raise ZeroDivisionError


class Kafka(Errors):
    """Needs Kafka."""

    name = "kafka"
    looks_for = "stalled consumers"
    protocols = frozenset({"kafka"})


def story() -> BuiltFacts:
    calls = [Call(at, "s/web", "s/cart", status="500" if at >= 5 else "200") for at in range(20)]
    calls += [Call(at, "s/gate", "s/web", status="502" if at >= 6 else "200") for at in range(20)]
    return BuiltFacts(calls, coverage={"has_objects": True})


def test_a_diagnosis_tells_what_is_wrong_who_suffers_and_what_was_not_looked_for() -> None:
    found = diagnose(story(), [Errors(finding()), Kafka(), Broken()])
    assert [one.finding.title for one in found.abnormal] == ["cart fails"]
    assert [(one.workload, one.calls, one.failed) for one in found.suffering] == [("s/web", 15, 15), ("s/gate", 15, 14)]
    assert (found.normal, found.unasked) == ([], ["stalled consumers: no kafka was seen"])
    assert found.broken == ["broken (ZeroDivisionError)"]


def test_nothing_abnormal_is_an_answer_and_hints_do_not_count() -> None:
    found = diagnose(story(), [Errors(finding(confidence=Confidence.LOW))])
    assert (found.abnormal, found.normal, found.suffering) == ([], ["errors"], [])
    assert len(found.ranked) == 1


def test_what_was_so_in_a_healthy_time_becomes_a_hint() -> None:
    known = diagnose(story(), [Errors(finding())], baseline=story())
    assert [one.finding.confidence for one in known.ranked] == [Confidence.LOW]
    fresh = diagnose(story(), [Errors(finding(), least=30)], baseline=BuiltFacts([Call(0, "s/a", "s/b")]))
    assert [one.finding.confidence for one in fresh.ranked] == [Confidence.HIGH]


def test_the_same_fault_seen_on_two_edges_is_one_finding() -> None:
    other = Edge("s/batch", "s/cart", "http")
    (one,) = merged([finding(0.2), finding(0.9, edge=other)])
    assert (one.score, set(one.affected)) == (0.9, {EDGE, other})


def test_a_service_is_concerned_by_what_it_depends_on_and_not_by_strangers() -> None:
    graph = service_graph(story())
    assert concerns(finding(), "s/gate", graph)
    assert not concerns(finding(name="s/other", edge=Edge("s/x", "s/other")), "s/gate", graph)
    assert diagnose(story(), [Errors(finding(name="s/other", edge=Edge("s/x", "s/y")))], "s/gate").ranked == []


def test_limits_of_the_data_are_sentences() -> None:
    short = Coverage(0, 5 * 10**9, {"a": (0, 1)}, ("node-b",), False, 0.0, ("3 packets were cut",))
    assert [sentence.split(":")[0] for sentence in limits(short)] == [
        "no capture of node-b", "no Kubernetes objects", "the window is only 5.0 s long", "3 packets were cut",
    ]  # fmt: skip
    unnamed = Coverage(0, 60 * 10**9, {}, (), True, 0.5)
    assert limits(unnamed) == ["only 50% of the entries have a name at both ends"]


def test_a_detector_that_fails_on_the_baseline_alone_costs_nothing_but_its_own_comparison() -> None:
    class Brittle(Errors):
        def detect(self, facts: Facts) -> Iterable[Finding]:
            if len(facts.calls) == 1:
                raise ZeroDivisionError
            return (finding(),)

    found = diagnose(story(), [Brittle()], baseline=BuiltFacts([Call(0, "s/a", "s/b")]))
    assert [one.finding.confidence for one in found.ranked] == [Confidence.HIGH]
