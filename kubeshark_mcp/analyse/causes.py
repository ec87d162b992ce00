"""Which call caused which: a call made by a pod while it answers another belongs to that one.

Where several are under way at once, the kind decides that was seen when there was no doubt, then the latest to begin.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kubeshark_mcp.analyse.columns import Int64, Whole
from kubeshark_mcp.analyse.endpoints import UNREAD, endpoint_kinds
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.lanes import Axis, Lanes, blocks

EARLY_NS = 500_000
"""A caused call may seem to begin this much before its cause: two nodes' clocks."""
LATE_NS = 2_000_000
"""... and to end this much later than its cause."""
DEPTH = 24
"""Calls under way at one pod among which the cause of another is looked for; the latest ones."""
KINDS = 1024
"""Kinds of endpoints that are remembered apart when causes are learnt."""

Known = NDArray[np.float64]
"""[kind of the cause, kind of the effect]: how often one caused the other where there was no doubt, for each call."""


def causes(facts: Facts, end: Int64, axis: Axis, answered: Lanes, asked: tuple[Lanes, ...]) -> Whole:
    """Give the row of the call that caused each call, -1 where there is none.

    end: Unix ns at which each client stopped waiting. answered: calls by whom they are answered; asked: by whom they
    are made, by pod and by workload, of which the first that has a cause counts.
    """
    calls = facts.calls
    search = _Search(facts, end, axis, answered)
    parent = np.full(len(calls), -1, np.int32)
    for lanes in asked:
        search.fill(parent, lanes)
    parent[parent == np.arange(len(parent), dtype=np.int32)] = -1
    return parent


class _Search:
    """Looks for the call that caused another, among the latest `DEPTH` of the same pod."""

    def __init__(self, facts: Facts, end: Int64, axis: Axis, answered: Lanes) -> None:
        kinds = facts.derived(endpoint_kinds)
        self._start, self._end, self._axis, self._answered = facts.calls.start_ns, end, axis, answered
        self._kind = (kinds.codes % KINDS).astype(np.int16) if len(kinds.values) > KINDS else kinds.codes
        self._kinds = min(len(kinds.values), KINDS)
        self._read = ~facts.calls.protocol.equal(*UNREAD, "dns")

    def fill(self, parent: Whole, asked: Lanes) -> None:
        """Give a cause to the rows that have none yet: first where one alone can be, then where that tells more."""
        known = np.zeros(self._kinds * self._kinds)
        doubtful = np.zeros(len(parent), np.bool_)
        for low, high in blocks(asked, self._answered):
            rows, key = asked.of(low, high)
            without = parent[rows] < 0
            rows, key = rows[without], key[without]
            number, best = self._best(rows, key, low, high, None)
            parent[rows], doubtful[rows] = best, number > 1
            sure = number == 1
            pairs = self._kind[best[sure]].astype(np.int64) * self._kinds + self._kind[rows[sure]]
            known += np.bincount(pairs, minlength=len(known))
        if not doubtful.any():
            return
        learnt = known.reshape(self._kinds, self._kinds)
        learnt /= 1.0 + np.bincount(self._kind[self._read], minlength=self._kinds)[:, None]
        for low, high in blocks(asked, self._answered):
            rows, key = asked.of(low, high)
            open_ = doubtful[rows]
            rows = rows[open_]
            parent[rows] = self._best(rows, key[open_], low, high, learnt)[1]

    def _best(self, rows: Whole, key: Int64, low: int, high: int, known: Known | None) -> tuple[Int64, Int64]:
        """Count the possible causes of each row, and give the likeliest; key: that of each row, less `low`."""
        best, number, score = np.full(len(rows), -1, np.int64), np.zeros(len(rows), np.int64), np.zeros(len(rows))
        others, other_key = self._answered.of(low, high)
        read = self._read[others]
        others, other_key = others[read], other_key[read]
        if not len(others) or not len(rows):
            return number, best
        begin, until = (self._axis.at(other_key, times[others]) for times in (self._start, self._end))
        reach = np.maximum.accumulate(until)
        first, last = self._axis.at(key, self._start[rows]), self._axis.at(key, self._end[rows] - LATE_NS)
        newest = np.searchsorted(begin, self._axis.at(key, self._start[rows] + EARLY_NS), "right") - 1
        active = np.flatnonzero(newest >= 0)
        for depth in range(DEPTH):
            place = newest[active] - depth
            going = place >= 0
            going[going] = reach[place[going]] >= first[active[going]]
            active, place = active[going], place[going]
            if not len(active):
                break
            possible = until[place] >= first[active]
            at, place = active[possible], place[possible]
            worth = 1e-6 + 1e-3 * (until[place] >= last[at])
            if known is not None:
                worth *= 1e-3 + known[self._kind[others[place]], self._kind[rows[at]]]
            number[at] += 1
            better = worth > score[at]
            score[at[better]], best[at[better]] = worth[better], others[place[better]]
        return number, best
