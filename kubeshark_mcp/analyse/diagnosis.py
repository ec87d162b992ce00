"""One diagnosis: every detector asked once, findings merged and ranked, and what was found normal."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kubeshark_mcp.analyse.capture_loss import CaptureLoss, capture_loss
from kubeshark_mcp.analyse.causality import CONDUCT, Ranked, rank_findings
from kubeshark_mcp.analyse.columns import groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Coverage, Facts
from kubeshark_mcp.analyse.findings import Confidence, Finding, Kind
from kubeshark_mcp.analyse.graph import Graph, service_graph
from kubeshark_mcp.analyse.trust import trusted, without_cause

MOST_PER_DETECTOR = 20
"""Findings that one detector may contribute; the strongest stay."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Suffering:
    """A workload whose calls fail because of the first finding. calls, failed: its own calls since the onset."""

    workload: str
    calls: int
    failed: int


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a window shows. ranked: likeliest cause first. normal: what was looked for and not found.

    unasked: detectors without data to look at, and why. broken: detectors that failed, with their error: a fault of
    ours that an answer must not hide. limits: what the data cannot tell, as sentences.
    """

    coverage: Coverage
    graph: Graph
    ranked: Sequence[Ranked]
    suffering: Sequence[Suffering]
    normal: Sequence[str]
    unasked: Sequence[str]
    broken: Sequence[str]
    limits: Sequence[str]

    @property
    def abnormal(self) -> Sequence[Ranked]:
        """Give the findings that are more than hints."""
        return [one for one in self.ranked if one.finding.confidence is not Confidence.LOW]


def diagnose(
    facts: Facts, detectors: Sequence[Detector], service: str | None = None, baseline: Facts | None = None
) -> Diagnosis:
    """Ask all detectors about a window; service: keep what concerns this workload and what it depends on.

    baseline: facts of a healthy time; what was so then is no finding now.
    """
    found: list[Finding] = []
    normal, unasked, broken = [], [], []
    for detector in detectors:
        if detector.protocols and not detector.protocols & facts.protocols:
            unasked.append(f"{detector.looks_for}: no {' or '.join(sorted(detector.protocols))} was seen")
            continue
        own, error = _asked(detector, facts)
        if error:
            broken.append(f"{detector.name} ({error})")
            continue
        found += own[:MOST_PER_DETECTOR]
        if not any(finding.confidence is not Confidence.LOW for finding in own):
            normal.append(detector.looks_for)
    graph = service_graph(facts)
    found = trusted(merged(found), facts, graph)
    if baseline is not None:
        found = news(found, baseline, detectors)
    if service is not None:
        found = [finding for finding in found if concerns(finding, service, graph)]
    ranked = rank_findings(found, graph, facts.coverage, facts.pods)
    ranked = rank_findings(without_cause(ranked, facts), graph, facts.coverage, facts.pods)
    return Diagnosis(
        facts.coverage,
        graph,
        ranked,
        suffering(facts, ranked, graph),
        normal,
        unasked,
        broken,
        limits(facts.coverage, facts.derived(capture_loss)),
    )


def _asked(detector: Detector, facts: Facts) -> tuple[list[Finding], str]:
    """Give what a detector finds, strongest first, and the kind of its error, "" for none.

    One faulty detector, perhaps a stranger's, must not cost the rest; the answer names it.
    """
    try:
        return sorted(detector.detect(facts), key=lambda finding: -finding.confidence.weight * finding.score), ""
    except Exception as error:
        log.exception("The detector %r failed.", detector.name)
        return [], type(error).__name__


def merged(findings: Sequence[Finding]) -> list[Finding]:
    """Make one of findings with the same mechanism at the same component: the surest stays, edges are joined."""
    kept: dict[tuple[object, object], Finding] = {}
    for finding in findings:
        key = (finding.mechanism, finding.component)
        other = kept.get(key)
        if other is None:
            kept[key] = finding
            continue
        best, rest = (finding, other) if _standing(finding) > _standing(other) else (other, finding)
        edges = tuple(dict.fromkeys((*best.affected, *rest.affected)))
        onsets = [one.onset_ns for one in (best, rest) if one.onset_ns is not None]
        onset = None if None in (best.onset_ns, rest.onset_ns) else min(onsets)
        kept[key] = replace(best, affected=edges, onset_ns=onset)
    return list(kept.values())


def news(findings: Sequence[Finding], baseline: Facts, detectors: Sequence[Detector]) -> list[Finding]:
    """Make a mere hint of what was there, half as strong or more, in a time that is known to be healthy."""
    names = {finding.detector for finding in findings}
    before: dict[tuple[object, object], float] = {}
    for detector in detectors:
        if detector.name in names and (not detector.protocols or detector.protocols & baseline.protocols):
            for old in _asked(detector, baseline)[0]:
                if old.confidence is not Confidence.LOW:
                    key = (old.mechanism, old.component)
                    before[key] = max(before.get(key, 0.0), old.score)
    return [
        replace(finding, confidence=Confidence.LOW, facts={**finding.facts, "score_in_baseline": round(was, 3)})
        if (was := before.get((finding.mechanism, finding.component))) is not None and was >= finding.score / 2
        else finding
        for finding in findings
    ]


def _standing(finding: Finding) -> tuple[float, float]:
    return finding.confidence.weight, finding.score


def concerns(finding: Finding, service: str, graph: Graph) -> bool:
    """Tell whether a finding lies at a workload, below it, or on a call to or from it."""
    names = {finding.component.name, finding.component.peer}
    names |= {name for edge in finding.affected for name in (edge.client, edge.server)}
    return service in names or bool(names & graph.below(service))


def suffering(facts: Facts, ranked: Sequence[Ranked], graph: Graph) -> list[Suffering]:
    """Count, for each workload above the first cause, its calls and failed calls since the onset, worst first."""
    solid = [one for one in ranked if one.finding.confidence is not Confidence.LOW]
    if not solid or solid[0].finding.mechanism in CONDUCT:
        return []
    cause = solid[0].finding
    roots = {cause.component.peer or cause.component.name} | {edge.server for edge in cause.affected}
    clients = {edge.client for edge in cause.affected}
    clients |= {name for root in roots | clients for name in graph.above(root)}
    if cause.component.kind is Kind.EDGE:
        clients.add(cause.component.name)
    calls = facts.calls
    since = calls.start_ns >= (cause.onset_ns or 0)
    found = []
    for (client,), rows in groups(calls.client):
        late = rows[since[rows]]
        bad = int(np.count_nonzero(calls.failed[late] | ~calls.answered[late]))
        if client in clients and bad:
            found.append(Suffering(client, len(late), bad))
    return sorted(found, key=lambda one: (-one.failed, one.workload))


def limits(coverage: Coverage, loss: CaptureLoss | None = None) -> list[str]:
    """Say what the data cannot tell, the worst first. loss: what the capture itself lost."""
    found = [] if loss is None else [str(loss)]
    if coverage.missing_nodes:
        found.append(f"no capture of {', '.join(coverage.missing_nodes)}: what stayed on these nodes was not seen")
    if not coverage.has_objects:
        found.append("no Kubernetes objects: addresses stand for workloads, replicas and nodes cannot be told apart")
    elif coverage.named_share < 0.8:
        found.append(f"only {coverage.named_share:.0%} of the entries have a name at both ends")
    if coverage.seconds < 10:
        found.append(
            f"the window is only {coverage.seconds:.1f} s long: changes within it are hard to tell from chance"
        )
    return [*found, *coverage.warnings]
