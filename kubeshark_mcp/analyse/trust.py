"""How far findings can be trusted with the captures there are: what is lacking caps their confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kubeshark_mcp.analyse.capture_loss import capture_loss
from kubeshark_mcp.analyse.causality import GENERIC
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.findings import Confidence, Finding, Kind
from kubeshark_mcp.analyse.graph import Graph
from kubeshark_mcp.analyse.mechanisms import Mechanism as M

ABSENCE = frozenset({
    M.NO_RESPONSE, M.DNS_RESOLVER_SLOW, M.BROKER_CONSUMER_STALLED, M.MTU_BLACK_HOLE, M.CONNECTION_RESET,
    M.RETRY_AMPLIFICATION, M.FAN_OUT_GROWTH, M.PACKET_LOSS, M.POOL_EXHAUSTION,
    M.SLOW_EXTERNAL,
})  # fmt: skip
"""Mechanisms that are told by what is not there, or by how many of something there are in a row: where packets were not
captured, they are seen everywhere."""
_ORDER = (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)


def trusted(findings: Sequence[Finding], facts: Facts, graph: Graph) -> list[Finding]:
    """Cap the confidence of findings by what the captures lack; `facts["doubt"]` of a finding says what that is."""
    return [_capped(finding, *_cap(finding, facts, graph)) for finding in findings]


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
        return Confidence.MEDIUM, "no Kubernetes objects"
    return Confidence.HIGH, ""
