"""Pods of one workload held against each other: who fails or lags where its siblings do not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kubeshark_mcp.analyse.attempts import scanned
from kubeshark_mcp.analyse.columns import Int64, Mask, groups
from kubeshark_mcp.analyse.endpoints import UNREAD, endpoint_kinds
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.nesting import NEVER_MADE, nesting
from kubeshark_mcp.analyse.outcomes import Outcome, outcomes
from kubeshark_mcp.analyse.statistics import corrected, rank_test, shares_differ

LEAST = 8
"""Calls of a pod, and of its siblings together, below which they are not compared."""
CHANCE = 1e-3
MORE = 0.2
"""By how much a pod's share of failures must exceed its siblings'."""
SLOWER = 3.0
"""How many times as long a pod must take."""
STEP_US = 10_000
"""... and how much longer."""
ORDER = 0.8
"""Chance that a call of the pod takes longer than one of its siblings."""
BAD = (Outcome.FAULT, Outcome.NONE, Outcome.DEADLINE, Outcome.CACHE, Outcome.CONNECTIONS, Outcome.LOCK)
MOST = 4000
"""Calls of a pod, and of its siblings, whose durations are compared."""
FRESH = 0.1
"""Share of the window after which a pod's first call makes it a new one."""


@dataclass(frozen=True, slots=True)
class Unlike:
    """A pod unlike its siblings.

    by: `errors` or `latency`. mine, theirs: shares failed, or median microseconds. rows: the pod's calls; bad: those
    that failed or are slow; siblings: rows of the others. echo: what it calls explains it. fresh_ns: when it came into
    being, where the siblings were there before; None where it was there all the time. attempts: failed connections.
    """

    server: str
    pod: str
    by: str
    mine: float
    theirs: float
    rows: Int64
    bad: Int64
    siblings: Int64
    p: float
    echo: bool
    fresh_ns: int | None
    attempts: int = 0


def unlike_pods(facts: Facts) -> tuple[Unlike, ...]:
    """Give the pods that differ, surest first, for `facts.derived`; workloads with one pod are not looked at."""
    calls = facts.calls
    bad = np.isin(facts.derived(outcomes), [int(one) for one in BAD])
    bad[calls.start_ns > facts.coverage.end_ns - 2 * 10**9] &= calls.answered[
        calls.start_ns > facts.coverage.end_ns - 2 * 10**9
    ]
    read = np.flatnonzero(~calls.protocol.equal(*UNREAD, "dns") & ~calls.server_pod.equal("") & ~calls.outside)
    refused = _refused(facts)
    found: list[Unlike] = []
    for (server,), places in groups(calls.server.taken(read)):
        rows = read[places]
        pods = [(pod, rows[own]) for (pod,), own in groups(calls.server_pod.taken(rows))]
        if len(pods) < 2:
            continue
        for pod, own in pods:
            siblings = rows[calls.server_pod.codes[rows] != calls.server_pod.codes[own[0]]]
            if len(own) + refused.get(pod, 0) >= LEAST and len(siblings) >= LEAST:
                found += _compared(facts, server, pod, own, siblings, bad, refused)
    chances = corrected([one.p for one in found])
    kept = [one for one, p in zip(found, chances, strict=True) if p < CHANCE]
    return tuple(sorted(kept, key=lambda one: one.p))


def _refused(facts: Facts) -> dict[str, int]:
    links = facts.connections
    never = links.state.equal(*NEVER_MADE) & links.transport.equal("tcp") & ~facts.derived(scanned)
    return links.server_pod.taken(never).counts()


def _compared(
    facts: Facts, server: str, pod: str, own: Int64, siblings: Int64, bad: Mask, refused: dict[str, int]
) -> list[Unlike]:
    calls = facts.calls
    others = set(calls.server_pod.taken(siblings).counts())
    attempts, theirs_refused = refused.get(pod, 0), sum(refused.get(other, 0) for other in others)
    hits, trials = int(bad[own].sum()) + attempts, len(own) + attempts
    their_hits, their_trials = int(bad[siblings].sum()) + theirs_refused, len(siblings) + theirs_refused
    mine, theirs = hits / trials, their_hits / their_trials
    fresh = _fresh(facts, own, siblings)
    if mine >= theirs + MORE and theirs <= 0.3 * mine:
        p = shares_differ(hits, trials, their_hits, their_trials)
        failing = own[bad[own]]
        echo = _below(facts, failing, siblings)
        return [Unlike(server, pod, "errors", mine, theirs, own, failing, siblings, p, echo, fresh, attempts)]
    return _slower(facts, server, pod, own, siblings, fresh)


def _below(facts: Facts, failing: Int64, siblings: Int64) -> bool:
    below = facts.derived(nesting).failed_below
    return bool(len(failing)) and float((below[failing] > 0).mean()) >= max(
        0.6, 2 * float((below[siblings] > 0).mean())
    )


def _slower(facts: Facts, server: str, pod: str, own: Int64, siblings: Int64, fresh: int | None) -> list[Unlike]:
    """Compare how long calls take, each measured against the median of its kind among the siblings."""
    calls = facts.calls
    own, siblings = thinned(own[calls.answered[own]]), thinned(siblings[calls.answered[siblings]])
    if len(own) < LEAST or len(siblings) < LEAST:
        return []
    mine, theirs = relative(facts, own, siblings)
    if len(mine[0]) < LEAST:
        return []
    p, chance = rank_test(theirs[1], mine[1])
    ratio = float(np.median(mine[1])) / max(float(np.median(theirs[1])), 1e-9)
    before, after = float(np.median(theirs[0])), float(np.median(mine[0]))
    if chance < ORDER or ratio < SLOWER or after - before < STEP_US:
        return []
    nest = facts.derived(nesting)
    own_time = nest.own_of(own) / 1000
    echo = float(np.median(own_time)) < before + (after - before) / 2
    slow = own[calls.elapsed_us[own] > before + (after - before) / 2]
    return [Unlike(server, pod, "latency", after, before, own, slow, siblings, p, echo, fresh)]


def thinned(rows: Int64) -> Int64:
    """Give at most MOST rows, evenly: more do not make a comparison surer."""
    return rows[:: len(rows) // MOST + 1]


def relative(facts: Facts, own: Int64, siblings: Int64) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give microseconds (first row) and the same relative to the median of their kind among the siblings (second row).

    First of some calls, then of their siblings; kinds that the siblings do not have are left out.
    """
    elapsed, kinds = facts.calls.elapsed_us, facts.derived(endpoint_kinds)
    typical = np.zeros(len(kinds.values))
    for _, places in groups(kinds.taken(siblings)):
        typical[kinds.codes[siblings[places[0]]]] = max(float(np.median(elapsed[siblings[places]])), 1.0)
    own = own[typical[kinds.codes[own]] > 0]
    mine, theirs = (np.array([elapsed[r], elapsed[r] / typical[kinds.codes[r]]]) for r in (own, siblings))
    return mine, theirs


def _fresh(facts: Facts, own: Int64, siblings: Int64) -> int | None:
    """Give when a pod came into being, if that was within the window and after its siblings."""
    calls, coverage = facts.calls, facts.coverage
    first, theirs = int(calls.start_ns[own[0]]), int(calls.start_ns[siblings[0]])
    late = coverage.start_ns + round(FRESH * (coverage.end_ns - coverage.start_ns))
    return first if first > late and theirs <= late else None
