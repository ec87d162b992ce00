"""Which calls a server makes while it answers one: waiting told apart from own time, and failures from their echoes.

Nothing but time and place is used: a call made by a pod while it answers another belongs to that one. Where several are
under way at once, the kind decides that was seen when there was no doubt, then the latest to begin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kubeshark_mcp.analyse.columns import Int64, Mask, Texts
from kubeshark_mcp.analyse.endpoints import UNREAD, endpoint_kinds
from kubeshark_mcp.analyse.facts import Facts

EARLY_NS = 500_000
"""A caused call may seem to begin this much before its cause: two nodes' clocks."""
LATE_NS = 2_000_000
"""... and to end this much later than its cause."""
PATIENCE_NS = 60 * 10**9
"""For how long somebody is thought to wait for an answer that never comes, at most."""
UDP_PATIENCE_NS = 5 * 10**9
DEPTH = 24
"""Calls under way at one pod among which the cause of another is looked for; the latest ones."""
KINDS = 1024
"""Kinds of endpoints that are remembered apart when causes are learnt."""
VAGUE = 0.1
"""Share of a workload's calls without a pod above which its pods are not told apart."""
NEVER_MADE = ("refused", "syn_sent")
"""States of connections that never came to be."""


@dataclass(frozen=True, slots=True)
class Nesting:
    """One row a call, as in `facts.calls`.

    end_ns: when its client stopped waiting. parent: row of the call that caused it, -1 where none is known.
    below_ns: for how long the server itself was waiting for others while it answered. unread_ns: the same for
    connections that were never made or that nobody can read. failed_below: calls and
    connections of the server that failed meanwhile. calls_below: all its calls meanwhile, whatever caused them.
    """

    start_ns: Int64
    end_ns: Int64
    parent: Int64
    below_ns: Int64
    unread_ns: Int64
    failed_below: Int64
    calls_below: Int64

    @property
    def own_ns(self) -> Int64:
        """Give the time that each call took without what its server waited for; never below 0."""
        own: Int64 = (self.end_ns - self.start_ns - self.below_ns).clip(min=0)
        return own

    @property
    def caused_ns(self) -> Int64:
        """Give the time that the calls took which each call caused, one after the other, with what nobody can read.

        Better than `below_ns` on average, where many calls are answered at once; one by one it may be wrong.
        """
        has = self.parent >= 0
        caused = np.zeros(len(self.parent), np.int64)
        np.add.at(caused, self.parent[has], (self.end_ns - self.start_ns)[has])
        total: Int64 = caused + self.unread_ns
        return total

    def children(self, chosen: Mask) -> Int64:
        """Count the calls that each call caused, of those that are chosen."""
        counted: Int64 = np.bincount(self.parent[chosen & (self.parent >= 0)], minlength=len(self.parent))
        return counted


def nesting(facts: Facts) -> Nesting:
    """Tell what lies within what, for `facts.derived`."""
    calls = facts.calls
    start, end = calls.start_ns, ends_of(facts)
    if not len(calls):
        none = np.zeros(0, np.int64)
        return Nesting(start, end, none, none, none, none, none)
    keys = _Keys(facts)
    waits = _waits(facts, end, keys)
    axis = _Axis(int(start.min()), int(max(end.max(), facts.coverage.end_ns)))
    below, unread, failed, made = np.zeros((4, len(calls)), np.int64)
    rows = np.flatnonzero(np.isin(keys.server, waits.key))
    rows = rows[np.argsort(axis.at(keys.server[rows], start[rows]), kind="stable")]  # Searching is fast in order.
    span = keys.server[rows], start[rows], end[rows]
    below[rows] = _covered(axis, *span, waits)
    unread[rows] = _covered(axis, *span, waits.taken(~waits.call))
    failed[rows] = _begun(axis, *span, waits.taken(waits.failed))
    failed[rows] += _unresolved(facts, axis, keys, span)
    made[rows] = _begun(axis, *span, waits.taken(waits.call))
    return Nesting(start, end, _parents(facts, axis, keys, end), below, unread, failed, made)


def ends_of(facts: Facts) -> Int64:
    """Give when each call's client stopped waiting: the answer, else the end of the connection or of its patience."""
    calls, links = facts.calls, facts.connections
    end = calls.end_ns.copy()
    rows = np.flatnonzero(~calls.answered)
    if not len(rows):
        return end
    patience = np.where(calls.protocol.taken(rows).equal("dns"), UDP_PATIENCE_NS, PATIENCE_NS)
    last = np.minimum(calls.start_ns[rows] + patience, facts.coverage.end_ns)
    if len(links):
        order = np.argsort(links.connection, kind="stable")
        place = np.searchsorted(links.connection[order], calls.connection[rows]).clip(max=len(order) - 1)
        link = order[place]
        known = (links.connection[link] == calls.connection[rows]) & (calls.connection[rows] != 0)
        closed = links.start_ns[link] + links.elapsed_us[link] * 1000
        last = np.where(known, np.minimum(last, closed), last)
    end[rows] = np.maximum(last, calls.start_ns[rows])
    return end


@dataclass(frozen=True, slots=True)
class _Waits:
    """Spans in which somebody (a key) waited for something. call: it was a call, not a connection."""

    key: Int64
    start: Int64
    end: Int64
    failed: Mask
    call: Mask

    def taken(self, rows: Mask) -> _Waits:
        return _Waits(self.key[rows], self.start[rows], self.end[rows], self.failed[rows], self.call[rows])


class _Keys:
    """Numbers for pods and workloads.

    server: whom each call is answered by: the pod, or the workload where pods are not known well enough.
    """

    def __init__(self, facts: Facts) -> None:
        calls = facts.calls
        self._numbers: dict[str, int] = {}
        self.client_pod, self.client_workload = self.of(calls.client_pod, "pod "), self.of(calls.client, "")
        server_pod, workload = self.of(calls.server_pod, "pod "), self.of(calls.server, "")
        self.of(facts.connections.client_pod, "pod ")
        self.of(facts.connections.client, "")
        size = len(self._numbers) + 1
        made = np.bincount(self.client_workload, minlength=size)
        podless = np.bincount(self.client_workload[self.client_pod < 0], minlength=size)
        self.vague = podless > VAGUE * made
        self.server = np.where((server_pod >= 0) & ~self.vague[workload], server_pod, workload)

    def of(self, column: Texts, prefix: str) -> Int64:
        """Give the number of each row's text; -1 for an empty one."""
        numbers = [
            self._numbers.setdefault(prefix + value, len(self._numbers)) if value else -1 for value in column.values
        ]
        found: Int64 = np.array(numbers, np.int64)[column.codes] if numbers else np.zeros(0, np.int64)
        return found


class _Axis:
    """Times of many keys on one line: no span of a key reaches into the next key's part."""

    def __init__(self, first_ns: int, last_ns: int) -> None:
        self._first, self._width = first_ns - 1, last_ns - first_ns + 3

    def at(self, key: Int64, time_ns: Int64) -> Int64:
        """Give the place of a time; outside of the window it is the window's edge."""
        place: Int64 = key * self._width + (time_ns - self._first).clip(0, self._width - 1)
        return place


def _waits(facts: Facts, end: Int64, keys: _Keys) -> _Waits:
    """Gather what everybody waited for; each span once for the pod and once for the workload."""
    calls, links = facts.calls, facts.connections
    read = ~calls.protocol.equal(*UNREAD) & (calls.client.codes >= 0)
    missing = ~calls.answered & (calls.start_ns < facts.coverage.end_ns - LATE_NS)
    failed = (calls.failed & ~calls.status.equal("NXDOMAIN")) | missing
    pods, workloads = keys.of(links.client_pod, "pod "), keys.of(links.client, "")
    never = links.state.equal(*NEVER_MADE) & links.transport.equal("tcp")
    link_end = links.start_ns + links.elapsed_us * 1000
    link_end = np.where(never & links.state.equal("syn_sent"), link_end + links.elapsed_us * 1000 + 10**9, link_end)
    shown = never | _opaque(facts, workloads, keys)
    parts = [
        _Waits(key[rows], begin[rows], until[rows], bad[rows], np.full(int(rows.sum()), called))
        for key, begin, until, bad, rows, called in (
            (keys.client_pod, calls.start_ns, end, failed, read & (keys.client_pod >= 0), True),
            (keys.client_workload, calls.start_ns, end, failed, read & (keys.client_workload >= 0), True),
            (pods, links.start_ns, link_end, never, shown & (pods >= 0), False),
            (workloads, links.start_ns, link_end, never, shown & (workloads >= 0), False),
        )
    ]
    return _Waits(
        np.concatenate([part.key for part in parts]),
        np.concatenate([part.start for part in parts]),
        np.concatenate([part.end for part in parts]),
        np.concatenate([part.failed for part in parts]),
        np.concatenate([part.call for part in parts]),
    )


def _opaque(facts: Facts, workloads: Int64, keys: _Keys) -> Mask:
    """Tell which connections are calls by themselves: nobody could read them, and they end as soon as one would.

    Long ones are pools and streams: that they are open says nothing of waiting.
    """
    calls, links = facts.calls, facts.connections
    if not len(links):
        return np.zeros(0, np.bool_)
    seen = np.isin(links.connection, calls.connection[~calls.protocol.equal(*UNREAD)])
    servers = keys.of(calls.server, "")
    longest = np.zeros(int(max(servers.max(), workloads.max())) + 2, np.int64)
    np.maximum.at(longest, servers, calls.elapsed_us)
    found: Mask = links.transport.equal("tcp") & ~seen & (links.elapsed_us <= longest[workloads] + LATE_NS // 1000)
    return found


def _covered(axis: _Axis, key: Int64, start: Int64, end: Int64, waits: _Waits) -> Int64:
    """Measure how much of each span its key spent waiting, overlaps counted once."""
    if not len(waits.key):
        return np.zeros(len(key), np.int64)
    begin, until = axis.at(waits.key, waits.start), axis.at(waits.key, waits.end)
    order = np.argsort(begin, kind="stable")
    begin, until = begin[order], np.maximum.accumulate(until[order])
    first = np.ones(len(begin), np.bool_)
    first[1:] = begin[1:] > until[:-1]
    begin, until = begin[first], until[np.append(np.flatnonzero(first)[1:] - 1, len(until) - 1)]
    before = np.concatenate([[0], np.cumsum(until - begin)])

    def waited(time: Int64) -> Int64:
        place = np.searchsorted(begin, time, "right") - 1
        inside = np.minimum(time, until[place]) - begin[place]
        found: Int64 = np.where(place >= 0, before[place] + inside, 0)
        return found

    covered: Int64 = waited(axis.at(key, end)) - waited(axis.at(key, start))
    return covered


def _begun(axis: _Axis, key: Int64, start: Int64, end: Int64, waits: _Waits) -> Int64:
    """Count what began within each span, a moment before it included."""
    if not len(waits.key):
        return np.zeros(len(key), np.int64)
    begin = np.sort(axis.at(waits.key, waits.start))
    first = np.searchsorted(begin, axis.at(key, start - EARLY_NS), "left")
    found: Int64 = np.searchsorted(begin, axis.at(key, end), "right") - first
    return found


def _unresolved(facts: Facts, axis: _Axis, keys: _Keys, span: tuple[Int64, Int64, Int64]) -> Int64:
    """Tell within which spans a name was asked for and none resolved; search domains miss, then one is found."""
    calls = facts.calls
    missed, found = (
        _begun(axis, *span, _asked(facts, keys, calls.protocol.equal("dns") & test))
        for test in (calls.status.equal("NXDOMAIN"), calls.status.equal("NOERROR"))
    )
    unresolved: Int64 = ((missed > 0) & (found == 0)).astype(np.int64)
    return unresolved


def _asked(facts: Facts, keys: _Keys, chosen: Mask) -> _Waits:
    start, rows = facts.calls.start_ns, np.flatnonzero(chosen)
    key = np.concatenate([keys.client_pod[rows], keys.client_workload[rows]])
    begin = np.concatenate([start[rows], start[rows]])
    none = np.zeros(len(key), np.bool_)
    return _Waits(key, begin, begin, none, none).taken(key >= 0)


def _parents(facts: Facts, axis: _Axis, keys: _Keys, end: Int64) -> Int64:
    """Give the row of the call that caused each call, by pod, else by workload; -1 where there is none."""
    calls = facts.calls
    kind = (facts.derived(endpoint_kinds).codes % KINDS).astype(np.int64)
    answering = np.flatnonzero(~calls.protocol.equal(*UNREAD, "dns"))
    parent = np.full(len(calls), -1, np.int64)
    for key in (keys.client_pod, keys.client_workload):
        rows = np.flatnonzero((parent < 0) & np.isin(key, keys.server[answering]) & (key >= 0))
        if len(rows):
            rows = rows[np.argsort(axis.at(key[rows], calls.start_ns[rows]), kind="stable")]
            search = _Search(axis, keys.server, calls.start_ns, end, kind, answering)
            parent[rows] = search.causes(key[rows], rows)
    parent[parent == np.arange(len(parent))] = -1
    return parent


class _Search:
    """Looks for the call that caused another, among the latest `DEPTH` of the same pod."""

    def __init__(self, axis: _Axis, key: Int64, start: Int64, end: Int64, kind: Int64, rows: Int64) -> None:
        begin = axis.at(key[rows], start[rows])
        order = np.argsort(begin, kind="stable")
        self._axis, self._kind, self._start, self._end = axis, kind, start, end
        self._rows, self._begin = rows[order], begin[order]
        self._until = axis.at(key[rows], end[rows])[order]
        self._reach = np.maximum.accumulate(self._until)

    def causes(self, key: Int64, rows: Int64) -> Int64:
        """Give the causing row for each of some rows, -1 where nothing was under way."""
        first = self._axis.at(key, self._start[rows])
        last = self._axis.at(key, self._end[rows] - LATE_NS)
        newest = np.searchsorted(self._begin, self._axis.at(key, self._start[rows] + EARLY_NS), "right") - 1
        plain = np.zeros((1, 1))
        number, best = self._best(rows, first, last, newest, plain)
        sure = number == 1
        if sure.all():
            return best
        known = np.zeros((KINDS, KINDS))
        np.add.at(known, (self._kind[best[sure]], self._kind[rows[sure]]), 1.0)
        known /= 1.0 + np.bincount(self._kind[self._rows], minlength=KINDS)[:, None]
        doubtful = number > 1
        best[doubtful] = self._best(rows[doubtful], first[doubtful], last[doubtful], newest[doubtful], known)[1]
        return best

    def _best(
        self, rows: Int64, first: Int64, last: Int64, newest: Int64, known: NDArray[np.float64]
    ) -> tuple[Int64, Int64]:
        """Count the possible causes of each row, and give the likeliest."""
        best, number = np.full(len(rows), -1, np.int64), np.zeros(len(rows), np.int64)
        score = np.zeros(len(rows))
        active = np.flatnonzero(newest >= 0)
        for depth in range(DEPTH):
            place = newest[active] - depth
            going = place >= 0
            going[going] = self._reach[place[going]] >= first[active[going]]
            active, place = active[going], place[going]
            if not len(active):
                break
            possible = self._until[place] >= first[active]
            at, candidate = active[possible], self._rows[place[possible]]
            worth = 1e-6 + 1e-3 * (self._until[place[possible]] >= last[at])
            if known.size > 1:
                worth *= 1e-3 + known[self._kind[candidate], self._kind[rows[at]]]
            number[at] += 1
            better = worth > score[at]
            score[at[better]], best[at[better]] = worth[better], candidate[better]
        return number, best
