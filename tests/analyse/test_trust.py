from __future__ import annotations

import pytest

from kubeshark_mcp.analyse.findings import Component, Confidence, Finding, Kind
from kubeshark_mcp.analyse.graph import service_graph
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.trust import trusted
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


def test_a_good_capture_takes_nothing_away():
    assert told(finding(Mechanism.NO_RESPONSE), lossy=False, objects=True) == (Confidence.HIGH, "")


def test_a_hint_stays_a_hint():
    facts = BuiltFacts([Call(0, "s/a", "s/b")])
    hint = Finding("any", Mechanism.ERROR_BURST, WORKLOAD, "it fails", Confidence.LOW, 0.5)
    assert trusted([hint], facts, service_graph(facts)) == [hint]
