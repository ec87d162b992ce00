from __future__ import annotations

from dataclasses import replace

import pytest

from kubeshark_mcp.analyse.causality import rank_findings
from kubeshark_mcp.analyse.findings import Component, Confidence, Finding, Kind
from kubeshark_mcp.analyse.graph import service_graph
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.trust import trusted, without_cause
from tests.analyse.building import BuiltFacts, Call, Connection
from tests.analyse.stories import chain

WORKLOAD, OUTSIDE = Component(Kind.WORKLOAD, "s/orders"), Component(Kind.EXTERNAL, "api.example.com")


def finding(mechanism: Mechanism, component: Component = WORKLOAD) -> Finding:
    return Finding("any", mechanism, component, "it fails", Confidence.HIGH, 0.5)


def told(found: Finding, lossy: bool, objects: bool) -> tuple[Confidence, object]:
    """Give the confidence that is left, and the doubt."""
    gaps = {"packets_out": 20, "packets_in": 20, "missing_segments": 8 if lossy else 0}
    links = [Connection(n / 10, f"s/client-{n}", "s/web", connection=n, numbers=gaps) for n in range(10)]
    facts = BuiltFacts(chain(), links, coverage={"has_objects": objects})
    (left,) = trusted([found], facts, service_graph(facts))
    return left.confidence, left.facts.get("doubt", "")


@pytest.mark.parametrize(
    ("found", "confidence"),
    [
        (finding(Mechanism.NO_RESPONSE), Confidence.LOW),
        (finding(Mechanism.DNS_RESOLVER_SLOW, Component(Kind.WORKLOAD, "kube-system/dns")), Confidence.LOW),
        (finding(Mechanism.ERROR_BURST), Confidence.LOW),
        (finding(Mechanism.ERROR_BURST, Component(Kind.WORKLOAD, "s/db")), Confidence.MEDIUM),
        (finding(Mechanism.AUTHENTICATION_FAILURE), Confidence.MEDIUM),
        (finding(Mechanism.RATE_LIMITED, OUTSIDE), Confidence.MEDIUM),
    ],
)
def test_what_is_told_by_absence_or_hangs_on_callees_is_a_hint_where_the_capture_is_lossy(found, confidence):
    assert told(found, lossy=True, objects=True) == (confidence, "packets not captured")


def test_without_objects_what_lies_inside_is_not_sure():
    assert told(finding(Mechanism.NO_RESPONSE), lossy=False, objects=False) == (
        Confidence.MEDIUM,
        "no Kubernetes objects",
    )
    assert told(finding(Mechanism.RATE_LIMITED, OUTSIDE), lossy=False, objects=False) == (Confidence.HIGH, "")


def test_without_objects_an_address_that_never_calls_may_be_a_service_whose_pods_have_others():
    found = finding(Mechanism.LATENCY_SHIFT, Component(Kind.WORKLOAD, "s/db"))
    assert told(found, lossy=False, objects=False) == (Confidence.LOW, "no Kubernetes objects")
    assert told(found, lossy=False, objects=True) == (Confidence.HIGH, "")


def test_a_good_capture_takes_nothing_away():
    assert told(finding(Mechanism.NO_RESPONSE), lossy=False, objects=True) == (Confidence.HIGH, "")


def test_a_hint_stays_a_hint():
    facts = BuiltFacts([Call(0, "s/a", "s/b")])
    hint = Finding("any", Mechanism.ERROR_BURST, WORKLOAD, "it fails", Confidence.LOW, 0.5)
    assert trusted([hint], facts, service_graph(facts)) == [hint]


def ranked(found: list[Finding], facts: BuiltFacts) -> list[tuple[str, Confidence]]:
    """Rank findings, cap those without a cause, and give names and confidences."""
    graph = service_graph(facts)
    once = rank_findings(found, graph, facts.coverage, ())
    return sorted((one.component.name, one.confidence) for one in without_cause(once, facts))


@pytest.mark.parametrize(
    ("coverage", "left"),
    [
        ({"has_objects": True}, Confidence.MEDIUM),
        ({"has_objects": True, "missing_nodes": ("node-b",)}, Confidence.LOW),
        ({"has_objects": False}, Confidence.LOW),
    ],
)
def test_a_symptom_without_a_cause_is_no_answer(coverage, left):
    facts = BuiltFacts(chain(), coverage=coverage)
    echo = replace(finding(Mechanism.ERROR_BURST), symptom=True)
    assert ranked([echo], facts) == [("s/orders", left)]


def test_a_symptom_that_a_cause_explains_directly_or_through_another_stays():
    facts = BuiltFacts(chain(), coverage={"has_objects": True, "missing_nodes": ("node-b",)})
    cause = finding(Mechanism.LOCK_CONTENTION, Component(Kind.WORKLOAD, "s/db"))
    echoes = [
        replace(finding(Mechanism.ERROR_BURST, Component(Kind.WORKLOAD, name)), symptom=True)
        for name in ("s/orders", "s/web")
    ]
    assert {confidence for _, confidence in ranked([cause, *echoes], facts)} == {Confidence.HIGH}
