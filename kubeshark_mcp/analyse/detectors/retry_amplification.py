"""Failed calls that are repeated so often that the repeats are the load."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kubeshark_mcp.analyse.claims import counted, shared
from kubeshark_mcp.analyse.columns import Int64, groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.endpoints import UNREAD
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both, either, one_of
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.nesting import nesting
from kubeshark_mcp.analyse.onsets import Rise, rise_of_share
from kubeshark_mcp.analyse.outcomes import Outcome, outcomes
from kubeshark_mcp.analyse.repeats import FAILED, repeats
from kubeshark_mcp.analyse.subjects import edge_calls, edges_of, entries_of, short

LEAST = 10
"""Repeats below which nothing is said."""
SHARE = 0.3
"""Share of the calls that are repeats."""
LIFT = 3.0
"""How many times as often a call must come again after a failure as after a success."""
MANY = 30
DOUBLED = 2.0
"""Calls for each call that was meant, from which it is more than a hint."""
STORM = 2.5
"""The same from which the repeats may keep the failures going."""
STARTED = 0.1
"""Share of the stretch behind which a success shows that the server is not simply down."""


class RetryAmplification(Detector):
    """Repeats by edge: the same call (client pod, request target) again within 5 s of one that failed.

    An edge counts where 30 % of its calls since a change point are repeats, and calls come again three times as often
    after failures as after successes (calls that merely look alike come at random). Amplification is calls divided by
    calls that are no repeats. Below 2.5, or where the server answers every call with an error at once, the repeats
    follow from the failures and are a symptom.
    """

    name = "retry_amplification"
    looks_for = "failed calls repeated until they are the load"
    mechanisms = frozenset({Mechanism.RETRY_AMPLIFICATION})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each edge with repeats."""
        calls, again = facts.calls, facts.derived(repeats)
        rows = np.flatnonzero(again.known & ~calls.protocol.equal(*UNREAD, "dns"))
        for key, places in groups(calls.client.taken(rows), calls.server.taken(rows), calls.protocol.taken(rows)):
            own = rows[places]
            if np.count_nonzero(again.again[own]) < LEAST or not _lifted(facts, own):
                continue
            rise = rise_of_share(calls.start_ns[own], again.again[own])
            if rise is not None and rise.after >= SHARE:
                yield self._finding(facts, Edge(*key), own, rise)

    def _finding(self, facts: Facts, edge: Edge, rows: Int64, rise: Rise) -> Finding:
        calls, again = facts.calls, facts.derived(repeats)
        late = rows[rise.rows]
        factor = _factor(facts, late)
        window = (rise.at_ns, None if rise.over_ns is None else rise.over_ns + 1)
        whole = edge_calls(facts, edge)
        bad = both(whole, _failures(facts, late))
        number, share = counted(facts, whole, "calls", window), shared(facts, bad, whole, "share that fails", window)
        sure = factor >= DOUBLED and int(again.again[late].sum()) >= MANY
        confidence = Confidence.HIGH if factor >= STORM and sure else Confidence.MEDIUM
        return Finding(
            self.name,
            Mechanism.RETRY_AMPLIFICATION,
            Component(Kind.WORKLOAD, edge.client),
            f"{short(edge.client)} repeats failed calls to {short(edge.server)}: {factor:.1f} calls for each that was "
            f"meant ({number.value:.0f} calls, {share.value:.0%} of them fail)",
            confidence if factor >= DOUBLED else Confidence.LOW,
            1.0 - 1.0 / factor,
            onset_ns=rise.at_ns,
            end_ns=rise.over_ns,
            magnitude=Magnitude(1.0 / (1.0 - rise.before) if rise.before is not None else None, factor, "calls a call"),
            affected=(edge, *edges_of(calls, np.flatnonzero(calls.server.equal(edge.client)))),
            entries=entries_of(calls, late[again.again[late]]),
            claims=(number, share),
            refuted_by=f"as many calls into {short(edge.client)} as out of it",
            symptom=factor < STORM or _down(facts, late),
            facts={"amplification": round(factor, 2), "repeats": int(again.again[late].sum())},
        )


def _factor(facts: Facts, rows: Int64) -> float:
    """Give how many calls are made for each that was meant: for each incoming call where those are known."""
    parents = facts.derived(nesting).parent[rows]
    known = parents[parents >= 0]
    if len(known) >= 0.8 * len(rows):
        return len(known) / len(np.unique(known))
    return 1.0 / max(1.0 - float(facts.derived(repeats).again[rows].mean()), 0.05)


def _lifted(facts: Facts, rows: Int64) -> bool:
    """Tell whether calls come again because they failed, not by chance."""
    again = facts.derived(repeats)
    bad = again.failed[rows]
    after_bad = float(again.followed[rows[bad]].mean()) if bad.any() else 0.0
    after_good = float(again.followed[rows[~bad]].mean()) if (~bad).any() else 0.0
    return after_bad >= 0.3 and after_bad >= LIFT * after_good


def _down(facts: Facts, rows: Int64) -> bool:
    """Tell whether the server fails whatever its load: nothing succeeds, or all failures are quick errors."""
    calls, ended = facts.calls, facts.derived(outcomes)[rows]
    failed = facts.derived(repeats).failed[rows]
    if failed[round(STARTED * len(failed)) :].all():
        return True
    quick = (ended == Outcome.FAULT) & (calls.elapsed_us[rows] <= 2 * np.median(calls.elapsed_us[rows[~failed]]))
    return float(quick[failed].mean()) > 0.8


def _failures(facts: Facts, rows: Int64) -> str:
    """Select the failed calls among those of an edge: by status, and those without an answer."""
    calls = facts.calls
    bad = rows[np.isin(facts.derived(outcomes)[rows], [int(one) for one in FAILED])]
    statuses = [status for status in calls.status.taken(bad).counts() if status]
    tests = [one_of("status", statuses)] if statuses else []
    return either(*tests, *(["!answered"] if not tests or not calls.answered[bad].all() else []))
