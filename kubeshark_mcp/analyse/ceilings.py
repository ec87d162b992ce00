"""Ceilings: calls in flight that stand at a number while others wait for their turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kubeshark_mcp.analyse.columns import Int64, Mask, groups
from kubeshark_mcp.analyse.endpoints import UNREAD, endpoint_kinds
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.nesting import Nesting, nesting
from kubeshark_mcp.analyse.onsets import Rise, rise_of_share
from kubeshark_mcp.analyse.statistics import Numbers

LEAST = 20
"""Calls in and out below which nothing is said."""
SELDOM = 0.02
"""Share of the busy time for which a number of calls in flight must be reached to be the ceiling."""
STANDING = 0.6
"""Share of the crowded time that is spent at the ceiling."""
CROWDED = 0.04
"""Share of the window that must be crowded: more calls came in than the ceiling lets through."""
LONGER = 1.5
"""How many times as long as a call below the calls that wait for it must take."""
WAIT = 3.0
"""How many times as long as alone a call must take where others are there."""
ORDER = 0.75
"""Rank correlation between the calls already there and how long one takes."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """A workload (one pod of it, where pods are known) whose calls to a server stand at a ceiling.

    limit: calls in flight. standing: share of the crowded time at the limit. rows: calls to the server; incoming: calls
    that make them, those that got none included; crowded: which of those came when no place was free. below_us:
    medians of the calls to the server before and while it was crowded (before: -1 unknown). waiting_us: median of the
    crowded incoming calls that were answered.
    """

    client: str
    pod: str
    server: str
    protocol: str
    limit: int
    standing: float
    rows: Int64
    incoming: Int64
    crowded: Mask
    below_us: tuple[float, float]
    waiting_us: float
    rise: Rise

    @property
    def slower(self) -> bool:
        """Tell whether the server itself became slower, so that the crowd follows from that."""
        before, after = self.below_us
        return before > 0 and after >= 2 * before and after - before >= 5000


def ceilings(facts: Facts) -> tuple[Ceiling, ...]:
    """Find all ceilings, for `facts.derived`."""
    calls, nest = facts.calls, facts.derived(nesting)
    read = np.flatnonzero(~calls.protocol.equal(*UNREAD, "dns"))
    incoming = {key[0]: read[rows] for key, rows in groups(calls.server.taken(read))}
    by = (calls.client.taken(read), calls.client_pod.taken(read), calls.server.taken(read), calls.protocol.taken(read))
    found = []
    for (client, pod, server, protocol), places in groups(*by):
        if client in incoming and len(places) >= LEAST and client != server:
            one = _ceiling(facts, nest, (client, pod, server, protocol), read[places], incoming)
            if one is not None:
                found.append(one)
    return tuple(sorted(found, key=lambda one: -one.standing))


def _ceiling(
    facts: Facts, nest: Nesting, names: tuple[str, str, str, str], rows: Int64, incoming: Mapping[str, Int64]
) -> Ceiling | None:
    calls = facts.calls
    above = _callers(facts, nest, rows, incoming[names[0]], names[1])
    if len(above) < LEAST:
        return None
    limit, standing, crowded_ns = _standing(nest, above, rows)
    window = facts.coverage.end_ns - facts.coverage.start_ns
    if standing < STANDING or crowded_ns < CROWDED * window:
        return None
    crowded = _level_at(nest.start_ns[above], nest.end_ns[above], nest.start_ns[above]) > limit
    rise = rise_of_share(nest.start_ns[above], crowded)
    if rise is None or np.count_nonzero(crowded) < LEAST // 2:
        return None
    began = nest.start_ns[above[rise.first]]
    before, after = (
        rows[calls.answered[rows] & late] for late in (nest.start_ns[rows] < began, nest.start_ns[rows] >= began)
    )
    late = above[crowded & calls.answered[above]]
    waiting = float(np.median(calls.elapsed_us[late])) if len(late) else 0.0
    below = (_median(calls.elapsed_us[before]), _median(calls.elapsed_us[after]))
    if below[1] <= 0 or waiting < LONGER * below[1]:  # Without answers nobody waits for a place, but for the server.
        return None
    return Ceiling(*names, limit, standing, rows, above, crowded, below, waiting, rise)


def _median(values: Numbers) -> float:
    return float(np.median(values)) if len(values) >= 4 else -1.0


def _callers(facts: Facts, nest: Nesting, rows: Int64, incoming: Int64, pod: str) -> Int64:
    """Give the calls that come in at the same pod, of the kinds that make these calls."""
    calls, kinds = facts.calls, facts.derived(endpoint_kinds)
    if pod:
        own = calls.server_pod.taken(incoming)
        incoming = incoming[own.equal(pod, "")] if own.equal(pod).any() else incoming
    parents = nest.parent[rows]
    parents = parents[parents >= 0]
    counts = np.bincount(kinds.codes[parents], minlength=len(kinds.values))
    all_of = np.bincount(kinds.codes[incoming], minlength=len(kinds.values))
    making = (counts >= 3) & (counts >= 0.1 * all_of)
    found: Int64 = incoming[making[kinds.codes[incoming]]]
    return found


def _standing(nest: Nesting, above: Int64, rows: Int64) -> tuple[int, float, int]:
    """Give the ceiling, the share of the crowded time at it, and that time in ns."""
    times = np.concatenate([nest.start_ns[above], nest.end_ns[above], nest.start_ns[rows], nest.end_ns[rows]])
    n, m = len(above), len(rows)
    steps = np.zeros((2, 2 * (n + m)), np.int64)
    steps[0, :n], steps[0, n : 2 * n], steps[1, 2 * n : 2 * n + m], steps[1, 2 * n + m :] = 1, -1, 1, -1
    order = np.argsort(times, kind="stable")
    level_in, level_out = np.cumsum(steps[:, order], axis=1)
    lasted = np.append(np.diff(times[order]), 0)
    spent = np.bincount(level_out.clip(min=0), lasted)
    busy = spent[1:].sum()
    reached = np.flatnonzero(spent[::-1].cumsum()[::-1] >= SELDOM * busy)
    limit = int(reached[-1]) if len(reached) and busy else 0
    if limit < 1:
        return 0, 0.0, 0
    crowded = level_in > limit
    total = int(lasted[crowded].sum())
    return limit, float(lasted[crowded & (level_out >= limit)].sum()) / max(total, 1), total


def _level_at(start: Int64, end: Int64, times: Int64) -> Int64:
    """Count the spans under way at each time, one that begins then included."""
    found: Int64 = np.searchsorted(np.sort(start), times, "right") - np.searchsorted(np.sort(end), times, "right")
    return found


@dataclass(frozen=True, slots=True)
class Queue:
    """A server at which calls take longer the more are there: it works on few at a time.

    order: rank correlation between the calls already there and how long a call takes. alone_us: median of calls that
    found nobody; crowded_us: median of the others. rows: all its calls.
    """

    server: str
    protocol: str
    order: float
    alone_us: float
    crowded_us: float
    rows: Int64
    rise: Rise


def queues(facts: Facts) -> tuple[Queue, ...]:
    """Find servers that make calls wait for each other, for `facts.derived`; those that wait below are left out."""
    calls, nest = facts.calls, facts.derived(nesting)
    read = np.flatnonzero(~calls.protocol.equal(*UNREAD, "dns", "amqp", "kafka") & ~calls.outside)
    found = []
    for (server, protocol), places in groups(calls.server.taken(read), calls.protocol.taken(read)):
        rows = read[places]
        if len(rows) < 2 * LEAST:
            continue
        one = _queue(facts, nest, (server, protocol), rows)
        if one is not None:
            found.append(one)
    return tuple(found)


def _queue(facts: Facts, nest: Nesting, names: tuple[str, str], rows: Int64) -> Queue | None:
    kinds = facts.derived(endpoint_kinds).codes[rows]
    rows = rows[kinds == np.bincount(kinds).argmax()]  # One kind of work: another takes another time anyway.
    end = nest.end_ns[rows]
    took = nest.own_of(rows) // 1000
    there = _level_at(nest.start_ns[rows], end, nest.start_ns[rows])
    alone, crowd = took[there <= 1], took[there > 2]
    rise = rise_of_share(nest.start_ns[rows], there > 2)
    if len(alone) < 4 or len(crowd) < LEAST or rise is None:
        return None
    quick, slow = float(np.median(alone)), float(np.median(crowd))
    if slow < WAIT * quick or slow - quick < 20_000:
        return None
    # Within the crowd: a server that became slow has more calls too, but they do not decide how long one takes.
    low, high = np.quantile(there[rise.rows], [0.1, 0.9])
    order = _rank_correlation(there[rise.rows], took[rise.rows])
    if order < ORDER or high < 2 * low + 1:
        return None
    return Queue(*names, order, quick, slow, rows, rise)


def _rank_correlation(one: Numbers, other: Numbers) -> float:
    """Spearman's rho, ties by mean rank."""
    ranks = []
    for values in (one, other):
        _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
        ranks.append((np.cumsum(counts) - (counts - 1) / 2)[inverse])
    a, b = ranks
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
