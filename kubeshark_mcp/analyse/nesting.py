"""Which calls a server makes while it answers one: waiting told apart from own time, and failures from their echoes.

Nothing but time and place is used: a call made by a pod while it answers another belongs to that one. Where several are
under way at once, the kind decides that was seen when there was no doubt, then the latest to begin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kubeshark_mcp.analyse.causes import EARLY_NS, LATE_NS, causes
from kubeshark_mcp.analyse.columns import Int64, Mask, Whole
from kubeshark_mcp.analyse.endpoints import UNREAD
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.lanes import Axis, Keys, Lanes, blocks

PATIENCE_NS = 60 * 10**9
"""For how long somebody is thought to wait for an answer that never comes, at most."""
UDP_PATIENCE_NS = 5 * 10**9
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
    parent: Whole
    below_ns: Int64
    unread_ns: Int64
    failed_below: Whole
    calls_below: Whole

    @property
    def own_ns(self) -> Int64:
        """Give the time that each call took without what its server waited for; never below 0."""
        return self.own_of(slice(None))

    def own_of(self, rows: Whole | slice) -> Int64:
        """Give `own_ns` of some rows."""
        own: Int64 = self.end_ns[rows] - self.start_ns[rows]
        own -= self.below_ns[rows]
        return np.maximum(own, 0, out=own)

    @property
    def caused_ns(self) -> Int64:
        """Give the time that the calls took which each call caused, one after the other, with what nobody can read.

        Better than `below_ns` on average, where many calls are answered at once; one by one it may be wrong.
        """
        has = np.flatnonzero(self.parent >= 0)
        total = self.unread_ns.copy()
        np.add.at(total, self.parent[has], self.end_ns[has] - self.start_ns[has])
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
    keys = Keys(facts)
    axis = Axis(int(start.min()), int(max(end.max(), facts.coverage.end_ns)))
    answered = Lanes(keys.server, keys.server >= 0, keys.size)
    asked = tuple(
        Lanes(key, (key >= 0) & (answered.counts > 0)[key], keys.size)
        for key in (keys.pods(calls.client_pod), keys.workloads(calls.client))
    )
    waiting = _Waiting(facts, end, keys, asked)
    below, unread = np.zeros((2, len(calls)), np.int64)
    failed, made = np.zeros((2, len(calls)), np.int32)
    for low, high in blocks(answered, *asked):
        waits = waiting.of(axis, low, high)
        rows, key = answered.of(low, high)
        if not len(waits.begin):
            continue
        first, last = axis.at(key, start[rows]), axis.at(key, end[rows])
        early = axis.at(key, start[rows] - EARLY_NS)
        below[rows] = _covered(waits.begin, waits.until, first, last)
        if not waits.call.all():
            unread[rows] = _covered(waits.begin[~waits.call], waits.until[~waits.call], first, last)
        missed, found = (_begun(waits.begin[chosen], early, last) for chosen in (waits.missed, waits.found))
        # Search domains miss, then a name is found: only names of which none was are failures.
        failed[rows] = _begun(waits.begin[waits.failed], early, last) + ((missed > 0) & (found == 0))
        made[rows] = _begun(waits.begin[waits.call], early, last)
    parent = causes(facts, end, axis, answered, asked)
    return Nesting(start, end, parent, below, unread, failed, made)


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
    """Spans in which somebody waited for something, as places on the axis, by their beginning.

    call: it was a call, not a connection. missed, found: it asked for a name that is not there, that is there.
    """

    begin: Int64
    until: Int64
    failed: Mask
    call: Mask
    missed: Mask
    found: Mask


class _Waiting:
    """What everybody waited for; each span once for the pod and once for the workload."""

    def __init__(self, facts: Facts, end: Int64, keys: Keys, asked: tuple[Lanes, ...]) -> None:
        calls, links = facts.calls, facts.connections
        self._calls, self._links, self._end, self._asked = calls, links, end, asked
        self._read = ~calls.protocol.equal(*UNREAD)
        missing = ~calls.answered & (calls.start_ns < facts.coverage.end_ns - LATE_NS)
        nowhere, dns = calls.status.equal("NXDOMAIN"), calls.protocol.equal("dns")
        self._failed = (calls.failed & ~nowhere) | missing
        self._missed, self._found = dns & nowhere, dns & calls.status.equal("NOERROR")
        pods, workloads = keys.pods(links.client_pod), keys.workloads(links.client)
        self._never = links.state.equal(*NEVER_MADE) & links.transport.equal("tcp")
        unsure = self._never & links.state.equal("syn_sent")
        took = links.elapsed_us * 1000
        self._link_end = links.start_ns + np.where(unsure, 2 * took + 10**9, took)
        shown = self._never | _opaque(facts, workloads, keys)
        self._lanes = tuple(Lanes(key, shown & (key >= 0), keys.size) for key in (pods, workloads))

    def of(self, axis: Axis, low: int, high: int) -> _Waits:
        """Give what the keys from `low` on and below `high` waited for."""
        parts = [self._of_calls(axis, lanes, low, high) for lanes in self._asked]
        parts += [self._of_links(axis, lanes, low, high) for lanes in self._lanes]
        parts = [part for part in parts if len(part[0])] or parts[:1]
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)] if len(parts) > 1 else list(parts[0])
        if len(parts) > 1:
            order = np.argsort(columns[0], kind="stable")
            columns = [column[order] for column in columns]
        return _Waits(*columns)

    def _of_calls(self, axis: Axis, lanes: Lanes, low: int, high: int) -> tuple[Whole, ...]:
        rows, key = lanes.of(low, high)
        read = self._read[rows]
        rows, key = rows[read], key[read]
        begin, until = axis.at(key, self._calls.start_ns[rows]), axis.at(key, self._end[rows])
        flags = (self._failed[rows], np.ones(len(rows), np.bool_), self._missed[rows], self._found[rows])
        return begin, until, *flags

    def _of_links(self, axis: Axis, lanes: Lanes, low: int, high: int) -> tuple[Whole, ...]:
        rows, key = lanes.of(low, high)
        begin, until = axis.at(key, self._links.start_ns[rows]), axis.at(key, self._link_end[rows])
        none = np.zeros(len(rows), np.bool_)
        return begin, until, self._never[rows], none, none, none


def _covered(begin: Int64, until: Int64, first: Int64, last: Int64) -> Int64:
    """Measure how much of each span (first to last) lies within others, overlaps counted once."""
    until = np.maximum.accumulate(until)
    opens = np.ones(len(begin), np.bool_)
    opens[1:] = begin[1:] > until[:-1]
    places = np.flatnonzero(opens)
    begin, until = begin[places], until[np.append(places[1:] - 1, len(until) - 1)]
    before = np.concatenate([[0], np.cumsum(until - begin)])

    def waited(time: Int64) -> Int64:
        place = np.searchsorted(begin, time, "right") - 1
        inside = np.minimum(time, until[place]) - begin[place]
        found: Int64 = np.where(place >= 0, before[place] + inside, 0)
        return found

    covered: Int64 = waited(last) - waited(first)
    return covered


def _begun(begin: Int64, early: Int64, last: Int64) -> Whole:
    """Count what began within each span (early to last)."""
    if not len(begin):
        return np.zeros(len(early), np.int64)
    found: Whole = np.searchsorted(begin, last, "right") - np.searchsorted(begin, early, "left")
    return found


def _opaque(facts: Facts, workloads: Whole, keys: Keys) -> Mask:
    """Tell which connections are calls by themselves: nobody could read them, and they end as soon as one would.

    Long ones are pools and streams: that they are open says nothing of waiting.
    """
    calls, links = facts.calls, facts.connections
    if not len(links):
        return np.zeros(0, np.bool_)
    seen = np.isin(links.connection, calls.connection[~calls.protocol.equal(*UNREAD)])
    servers = keys.workloads(calls.server)
    longest = np.zeros(int(max(servers.max(), workloads.max())) + 2, np.int64)
    np.maximum.at(longest, servers, calls.elapsed_us)
    found: Mask = links.transport.equal("tcp") & ~seen & (links.elapsed_us <= longest[workloads] + LATE_NS // 1000)
    return found
