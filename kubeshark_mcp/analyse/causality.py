"""Which finding is the cause: onset, place in the call graph, and how much of the rest it explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubeshark_mcp.analyse.facts import Coverage, Pod
from kubeshark_mcp.analyse.findings import Confidence, Finding, Kind
from kubeshark_mcp.analyse.graph import Graph
from kubeshark_mcp.analyse.mechanisms import Mechanism as M

GENERIC = frozenset({M.ERROR_BURST, M.LATENCY_SHIFT, M.NO_RESPONSE})
"""Mechanisms that say how a fault looks rather than what it is."""
LOAD = frozenset({
    M.RETRY_AMPLIFICATION, M.FAN_OUT_GROWTH, M.NOISY_NEIGHBOUR, M.CACHE_FAILURE, M.OVERSIZED_PAYLOAD,
    M.DNS_SEARCH_STORM, M.ROLLOUT_REGRESSION, M.LOCK_CONTENTION,
})  # fmt: skip
"""Mechanisms whose load, or locks, fall on what the component calls, so that effects run down the graph too."""
CONDUCT = frozenset({M.PORT_SCAN, M.METADATA_ACCESS, M.CLEARTEXT_SECRET, M.DNS_TUNNEL})
"""Mechanisms that are conduct rather than failure: they cause no errors or delays of others."""
EXPLAINED = 0.75
"""What is left of the rank of errors or slowness as such where a fault with a name explains them."""
SLACK_SHARE = 0.05
"""Onsets closer than this share of the window are one moment."""
SLACK_NS = 2 * 10**9
"""... and so are onsets closer than this: detectors see an onset with the next call only."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A finding with its place. rank: causal score, 0 to 1. explains: positions of the findings that follow from it.

    chain: workloads from the cause to the outermost one that suffers, calls run from right to left.
    """

    finding: Finding
    rank: float
    explains: tuple[int, ...]
    chain: tuple[str, ...]


def rank_findings(findings: Sequence[Finding], graph: Graph, coverage: Coverage, pods: Sequence[Pod]) -> list[Ranked]:
    """Order findings, the likeliest cause first; low confidence comes last whatever it explains."""
    judge = _Judge(findings, graph, coverage, pods)
    ranked = [judge.ranked(number) for number in range(len(findings))]
    order = sorted(range(len(findings)), key=lambda number: judge.key(ranked[number]))
    places = {number: place for place, number in enumerate(order)}
    return [
        Ranked(one.finding, one.rank, tuple(sorted(places[number] for number in one.explains)), one.chain)
        for one in (ranked[number] for number in order)
    ]


class _Judge:
    def __init__(self, findings: Sequence[Finding], graph: Graph, coverage: Coverage, pods: Sequence[Pod]) -> None:
        self.findings, self.graph, self.coverage = findings, graph, coverage
        self.slack = max(SLACK_NS, round(SLACK_SHARE * (coverage.end_ns - coverage.start_ns)))
        self.workload_of = {pod.name: pod.workload for pod in pods}
        self.on_node: dict[str, set[str]] = {}
        for pod in pods:
            self.on_node.setdefault(pod.node, set()).add(pod.workload)
        solid = [self.begin(finding) for finding in findings if finding.confidence is not Confidence.LOW]
        self.earliest = min(solid, default=coverage.start_ns)

    def begin(self, finding: Finding) -> int:
        """Give when a finding began; one without an onset was there from the start."""
        return self.coverage.start_ns if finding.onset_ns is None else finding.onset_ns

    def places(self, finding: Finding) -> set[str]:
        """Give the workloads at which a finding's fault sits."""
        component = finding.component
        if component.kind is Kind.NODE:
            return set(self.on_node.get(component.name, ()))
        if component.kind is Kind.NAME:
            return {component.name, *(edge.client for edge in finding.affected)}
        if component.kind is Kind.EDGE:
            return {component.peer}
        return {self.workload_of.get(component.name, component.name)}

    def touched(self, finding: Finding) -> set[str]:
        """Give the workloads at which a finding is felt: where it sits, and the clients that it names."""
        return self.places(finding) | {edge.client for edge in finding.affected}

    def explains(self, cause: Finding, effect: Finding) -> bool:
        """Tell whether `effect` follows from `cause`: not earlier, and at, above or (for load) below it."""
        if cause is effect or cause.mechanism in CONDUCT or effect.mechanism in CONDUCT:
            return False
        if self.begin(cause) > self.begin(effect) + self.slack:
            return False
        roots, ends = self.places(cause), self.places(effect)
        if roots & ends:
            return self.stronger(cause, effect)
        felt = roots | {edge.client for edge in cause.affected}
        if ends & (felt - roots).union(*(self.graph.above(one) for one in felt)):
            return True
        below = set().union(*(self.graph.below(one) for one in felt))
        return cause.mechanism in LOAD and bool(ends & below) and effect.mechanism not in LOAD - {cause.mechanism}

    def stronger(self, one: Finding, other: Finding) -> bool:
        """Tell which of two findings at one place names the cause: the specific, the earlier, the surer."""
        return self.standing(one) > self.standing(other)

    def standing(self, finding: Finding) -> tuple[bool, bool, float, float]:
        """Give what findings at one place are compared by."""
        return (
            not finding.symptom,
            finding.mechanism not in GENERIC,
            finding.confidence.weight,
            finding.score,
        )

    def ranked(self, number: int) -> Ranked:
        """Score one finding among all."""
        finding = self.findings[number]
        others = [other for other in self.findings if other is not finding and other.confidence is not Confidence.LOW]
        total = sum(self.weight(other) for other in others)
        explained = [place for place, other in enumerate(self.findings) if self.explains(finding, other)]
        share = sum(self.weight(self.findings[place]) for place in explained) / total if total else 1.0
        late = max(0, self.begin(finding) - self.earliest - self.slack)
        early = 0.5 ** (late / max(1, 0.15 * (self.coverage.end_ns - self.coverage.start_ns)))
        causes = [other for other in others if self.explains(other, finding)]
        rank = 0.35 * min(1.0, finding.score) + 0.3 * min(1.0, share) + 0.15 * early
        rank += 0.1 * (finding.mechanism not in GENERIC) + 0.1 * (not causes)
        rank *= finding.confidence.weight * (0.5 if finding.symptom else 1.0)
        if finding.mechanism in GENERIC and any(other.mechanism not in GENERIC for other in causes):
            rank *= EXPLAINED
        return Ranked(finding, round(rank, 4), tuple(explained), self.chain(finding))

    def weight(self, finding: Finding) -> float:
        """Give how much it counts that a finding is explained."""
        return 0.0 if finding.confidence is Confidence.LOW else finding.confidence.weight

    def key(self, one: Ranked) -> tuple[bool, float, int, str]:
        """Give the order of answers."""
        return one.finding.confidence is Confidence.LOW, -one.rank, self.begin(one.finding), one.finding.title

    def chain(self, finding: Finding) -> tuple[str, ...]:
        """Give the way from the cause up to the outermost workload that other findings say suffers."""
        roots = self.places(finding)
        start = str(finding.component) if finding.component.kind is Kind.NAME else next(iter(sorted(roots)), "")
        if finding.component.kind is Kind.NODE or not start:
            return (str(finding.component),)
        felt = {place for other in self.findings if self.explains(finding, other) for place in self.touched(other)}
        felt |= {edge.client for edge in finding.affected}
        longest: tuple[str, ...] = (start,)
        if finding.component.kind is Kind.NAME:
            clients = sorted(edge.client for edge in finding.affected)
            return self.widest(
                [(start, *reversed(self.graph.path(top, c))) for c in clients for top in felt] or [longest]
            )
        if finding.component.kind is Kind.EDGE:
            felt.add(finding.component.name)
        return self.widest([tuple(reversed(self.graph.path(top, start))) for top in felt] + [longest])

    @staticmethod
    def widest(chains: list[tuple[str, ...]]) -> tuple[str, ...]:
        """Give the longest chain, the first by name among equals."""
        return min(chains, key=lambda chain: (-len(chain), chain))
