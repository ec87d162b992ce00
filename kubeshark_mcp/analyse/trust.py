"""How far findings can be trusted with the captures there are: what is lacking caps their confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kubeshark_mcp.analyse.capture_loss import capture_loss
from kubeshark_mcp.analyse.causality import GENERIC, Ranked
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.findings import Confidence, Finding, Kind
from kubeshark_mcp.analyse.graph import Graph
from kubeshark_mcp.analyse.mechanisms import Mechanism as M

ABSENCE = frozenset({
    M.NO_RESPONSE, M.DNS_RESOLVER_SLOW, M.BROKER_CONSUMER_STALLED, M.MTU_BLACK_HOLE, M.CONNECTION_RESET,
    M.RETRY_AMPLIFICATION, M.FAN_OUT_GROWTH, M.PACKET_LOSS, M.POOL_EXHAUSTION,
    M.SLOW_EXTERNAL, M.PORT_SCAN, M.DNS_SEARCH_STORM,
})  # fmt: skip
"""Mechanisms that are told by what is not there, or by how many of something there are in a row: where packets were not
captured, they are seen everywhere."""
_ORDER = (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)


def trusted(findings: Sequence[Finding], facts: Facts, graph: Graph) -> list[Finding]:
    """Cap the confidence of findings by what the captures lack; `facts["doubt"]` of a finding says what that is."""
    return [_capped(finding, *_cap(finding, facts, graph)) for finding in findings]


def without_cause(ranked: Sequence[Ranked], facts: Facts) -> list[Finding]:
    """Cap symptoms that no cause explains, in the order of `ranked`: what they are the echo of was not seen.

    A hint where captures lack something, for the cause is likely to be there; else no more than medium.
    """
    solid = {place for place, one in enumerate(ranked) if one.finding.confidence is not Confidence.LOW}
    known = {place for place in solid if not ranked[place].finding.symptom}
    while True:
        more = {effect for place in known for effect in ranked[place].explains} & solid - known
        if not more:
            break
        known |= more
    coverage = facts.coverage
    whole = coverage.has_objects and not coverage.missing_nodes and facts.derived(capture_loss) is None
    most = Confidence.MEDIUM if whole else Confidence.LOW
    return [
        _capped(one.finding, most, "a symptom whose cause was not seen") if place in solid - known else one.finding
        for place, one in enumerate(ranked)
    ]


def _capped(finding: Finding, most: Confidence, doubt: str) -> Finding:
    if _ORDER.index(finding.confidence) <= _ORDER.index(most):
        return finding
    return replace(finding, confidence=most, facts={**finding.facts, "doubt": doubt})


def _cap(finding: Finding, facts: Facts, graph: Graph) -> tuple[Confidence, str]:
    """Give the most confidence that a finding may have, and why it is not more."""
    component = finding.component
    if facts.derived(capture_loss) is not None:
        hidden = finding.mechanism in GENERIC and bool(graph.below(component.name))
        return Confidence.LOW if hidden or finding.mechanism in ABSENCE else Confidence.MEDIUM, "packets not captured"
    if component.kind in (Kind.EXTERNAL, Kind.NAME):
        return Confidence.HIGH, ""
    if not facts.coverage.has_objects:
        # The address of a service, or of a pod that was never seen to call: what it calls has another address.
        hidden = finding.mechanism in GENERIC and not _calls(facts, component.name)
        return Confidence.LOW if hidden else Confidence.MEDIUM, "no Kubernetes objects"
    return Confidence.HIGH, ""


def _calls(facts: Facts, name: str) -> bool:
    """Tell whether anything was seen that a workload or address sent by itself."""
    return any(bool(table.client.equal(name).any()) for table in (facts.calls, facts.connections))
