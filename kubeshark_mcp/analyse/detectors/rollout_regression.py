"""New pods that behave worse than those before them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kubeshark_mcp.analyse.claims import counted
from kubeshark_mcp.analyse.columns import Int64, groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.endpoints import UNREAD
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both, one_of
from kubeshark_mcp.analyse.findings import Component, Confidence, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.nesting import nesting
from kubeshark_mcp.analyse.outcomes import outcomes
from kubeshark_mcp.analyse.replicas import BAD, CHANCE, FRESH, LEAST, relative
from kubeshark_mcp.analyse.statistics import rank_test, shares_differ
from kubeshark_mcp.analyse.subjects import echoes, edges_of, entries_of, milliseconds, several, short

MORE = 0.15
"""By how much the new pods' share of failures must exceed the old ones'."""
SLOWER = 3.0
STEP_US = 15_000
SETTLING_NS = 10**9
"""Calls this soon after the first new pod's first call are left out: pods start cold."""


@dataclass(frozen=True, slots=True)
class _Rollout:
    """New and old calls of a workload. since_ns: when the first new pod began."""

    server: str
    pods: tuple[str, ...]
    since_ns: int
    new: Int64
    old: Int64


class RolloutRegression(Detector):
    """Calls to pods that began within the window against calls to the pods before them.

    A pod is new where its first call, or its address by the Kubernetes objects, lies within the window while others of
    its workload were there before; old pods need not be known by name any more. The share of failures (likelihood
    ratio, 15 points more) and durations by kind (Mann-Whitney, three times and 15 ms more) are compared, without the
    first second. A rollout that goes well says nothing, and what callees explain is a symptom.
    """

    name = "rollout_regression"
    looks_for = "new pods that behave worse than the old ones"
    mechanisms = frozenset({Mechanism.ROLLOUT_REGRESSION})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each workload whose new pods are worse."""
        for one in _rollouts(facts):
            worse = _worse(facts, one)
            if worse is not None:
                yield self._finding(facts, one, *worse)

    def _finding(self, facts: Facts, one: _Rollout, by: str, before: float, after: float, p: float) -> Finding:
        calls = facts.calls
        names = [short(pod) for pod in one.pods]
        namespace = one.server.partition("/")[0]
        kfl = both(
            one_of("protocol", sorted(calls.protocol.taken(one.new).counts())),
            f'dst.pod.namespace == "{namespace}"',
            one_of("dst.pod.name", names),
        )
        bad = one.new[np.isin(facts.derived(outcomes)[one.new], [int(o) for o in BAD])] if by == "errors" else one.new
        told = f"fail {after:.0%} of their calls, the old ones {before:.0%}"
        if by == "latency":
            told = f"take {milliseconds(after)} in the median, the old ones {milliseconds(before)}"
        return Finding(
            self.name,
            Mechanism.ROLLOUT_REGRESSION,
            Component(Kind.WORKLOAD, one.server),
            f"new pods of {short(one.server)} ({several(names)}) {told}",
            Confidence.HIGH if p < 1e-6 and len(bad) >= 2 * LEAST else Confidence.MEDIUM,
            1.0 - before / max(after, 1e-9),
            onset_ns=one.since_ns,
            magnitude=Magnitude(before, after, "share failed" if by == "errors" else "us p50"),
            affected=edges_of(calls, one.new),
            entries=entries_of(calls, bad),
            claims=(counted(facts, kfl, "calls to the new pods"),),
            refuted_by="old pods that do the same at the same time",
            symptom=_explained(facts, one, by, bad),
            facts={"pods": several(names), "by": by},
        )


def _rollouts(facts: Facts) -> Iterator[_Rollout]:
    """Give each workload with pods that began within the window, after others."""
    calls, coverage = facts.calls, facts.coverage
    late = coverage.start_ns + round(FRESH * (coverage.end_ns - coverage.start_ns))
    since = {pod.name: pod.since_ns for pod in facts.pods}
    read = np.flatnonzero(~calls.protocol.equal(*UNREAD, "dns") & ~calls.outside)
    for (server,), places in groups(calls.server.taken(read)):
        rows = read[places]
        firsts = {}
        for (pod,), own in groups(calls.server_pod.taken(rows)):
            begin = int(calls.start_ns[rows[own[0]]])
            if pod and begin > late and begin >= since.get(pod, 0):
                firsts[pod] = begin
        fresh = calls.server_pod.taken(rows).equal(*firsts)
        if not firsts or int(calls.start_ns[rows[0]]) > late:
            continue
        at = min(firsts.values())
        new = rows[fresh & (calls.start_ns[rows] > at + SETTLING_NS)]
        old = rows[~fresh]
        if len(new) >= LEAST and np.count_nonzero(calls.start_ns[old] < at) >= LEAST:
            yield _Rollout(server, tuple(sorted(firsts)), at, new, old)


def _worse(facts: Facts, one: _Rollout) -> tuple[str, float, float, float] | None:
    """Give in what the new pods are worse, the old and the new figure, and p; None where they are not."""
    calls = facts.calls
    bad = np.isin(facts.derived(outcomes), [int(o) for o in BAD])
    mine, theirs = int(bad[one.new].sum()), int(bad[one.old].sum())
    before, after = theirs / len(one.old), mine / len(one.new)
    p = shares_differ(mine, len(one.new), theirs, len(one.old))
    if after >= before + MORE and before <= 0.3 * after and p < CHANCE:
        return "errors", before, after, p
    new, old = (rows[calls.answered[rows] & ~bad[rows]] for rows in (one.new, one.old))
    if len(new) < LEAST or len(old) < LEAST:
        return None
    took, took_before = relative(facts, new, old)
    if took.shape[1] < LEAST:
        return None
    p, chance = rank_test(took_before[1], took[1])
    before, after = float(np.median(took_before[0])), float(np.median(took[0]))
    ratio = float(np.median(took[1])) / max(float(np.median(took_before[1])), 1e-9)
    if p < CHANCE and chance >= 0.8 and ratio >= SLOWER and after - before >= STEP_US:
        return "latency", before, after, p
    return None


def _explained(facts: Facts, one: _Rollout, by: str, bad: Int64) -> bool:
    if by == "errors":
        return echoes(facts, bad, one.old)
    nest = facts.derived(nesting)
    rose = float(np.median(nest.own_of(one.new))) - float(np.median(nest.own_of(one.old)))
    took = facts.calls.elapsed_us * 1000
    return rose < 0.5 * (float(np.median(took[one.new])) - float(np.median(took[one.old])))
