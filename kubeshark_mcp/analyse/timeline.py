"""What happened, in order: findings, pods that came, edges that began to fail or recovered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kubeshark_mcp.analyse.causality import Ranked
from kubeshark_mcp.analyse.columns import groups
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.findings import Confidence
from kubeshark_mcp.analyse.statistics import onset_of_share

LEAST = 5
"""Failures of an edge below which it is not told."""
CHANCE = 0.01


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. at_ns: Unix ns UTC. what: `finding`, `over`, `pod`, `failures`, `recovery`, `capture`.

    entry: id of an entry that shows it, 0 for none. place: for findings their position in the ranking, from 1.
    """

    at_ns: int
    what: str
    text: str
    entry: int = 0
    place: int = 0


def timeline(facts: Facts, ranked: Sequence[Ranked]) -> list[Event]:
    """Give the events of a window; of events at the same time causes come before effects."""
    coverage = facts.coverage
    if not coverage.end_ns:
        return []
    events = [
        Event(coverage.start_ns, "capture", f"capture begins on {', '.join(sorted(coverage.nodes))}"),
        *_findings(ranked, coverage.start_ns),
        *_pods(facts),
        *_edges(facts),
        Event(coverage.end_ns, "capture", "capture ends"),
    ]
    return sorted(
        events,
        key=lambda event: (event.at_ns, event.what == "capture" and event.at_ns > coverage.start_ns, event.place),
    )


def _findings(ranked: Sequence[Ranked], start_ns: int) -> Iterator[Event]:
    for place, one in enumerate(ranked, 1):
        finding = one.finding
        if finding.confidence is Confidence.LOW:
            continue
        entry = finding.entries[0] if finding.entries else 0
        begun = "" if finding.onset_ns is not None else " (from the first packet on)"
        text = f"{finding.mechanism.value} at {finding.component}: {finding.title}{begun}"
        yield Event(finding.onset_ns or start_ns, "finding", text, entry, place)
        if finding.end_ns is not None:
            yield Event(finding.end_ns, "over", f"{finding.mechanism.value} at {finding.component} is over", 0, place)


def _pods(facts: Facts) -> Iterator[Event]:
    coverage = facts.coverage
    for pod in facts.pods:
        if coverage.start_ns < pod.since_ns <= coverage.end_ns:
            yield Event(pod.since_ns, "pod", f"pod {pod.name} of {pod.workload} starts on {pod.node or 'a node'}")


def _edges(facts: Facts) -> Iterator[Event]:
    """Give the first failure of each edge that began to fail, and its first success after the last one."""
    calls = facts.calls
    bad = calls.failed | ~calls.answered
    real = ~calls.protocol.equal("dns", "tlsx", "icmp", "tcp", "udp", "sctp")
    chosen = np.flatnonzero(real)
    for (client, server, protocol), places in groups(
        calls.client.taken(chosen), calls.server.taken(chosen), calls.protocol.taken(chosen)
    ):
        rows = chosen[places]
        hits = bad[rows]
        if int(hits.sum()) < LEAST:
            continue
        last = int(np.flatnonzero(hits)[-1])
        # What follows the last failure is left out here, so that a burst has an onset too.
        onset = onset_of_share(calls.start_ns[rows[: last + 1]], hits[: last + 1])
        if onset is None or onset.p > CHANCE or onset.after <= onset.before:
            continue
        first = rows[onset.index]
        status = calls.status[first] or "no answer"
        edge = f"{client} -> {server} {protocol}"
        share = f"{onset.before:.0%} before, {onset.after:.0%} after"
        yield Event(onset.at_ns, "failures", f"{edge} begins to fail ({status}; {share})", int(calls.id[first]))
        if len(rows) - last > max(LEAST, 3 / max(onset.after, 0.05)):
            row = rows[last + 1]
            yield Event(int(calls.start_ns[row]), "recovery", f"{edge} works again", int(calls.id[row]))
