"""Calls that cause more calls than they did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kubeshark_mcp.analyse.claims import counted
from kubeshark_mcp.analyse.columns import Int64, groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.endpoints import UNREAD, endpoint_kinds, kind_filter
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.nesting import nesting
from kubeshark_mcp.analyse.onsets import CHANCE, Rise, rise_of_level
from kubeshark_mcp.analyse.repeats import repeats
from kubeshark_mcp.analyse.statistics import corrected
from kubeshark_mcp.analyse.subjects import edge_calls, entries_of, server_filter, short

LEAST = 12
"""Incoming calls of a kind below which nothing is said."""
RATIO = 2.5
STEP = 3.0
"""How many more calls a call must cause."""
FAILING = 0.3
"""Share of failed calls above which they are repeats rather than more work."""
HIGH = 20
"""Like calls for one call from which it may be N+1, without anything to compare with."""


@dataclass(frozen=True, slots=True)
class _Growth:
    """callers: rows of the incoming calls; caused: how many calls of the kind each caused, in their order."""

    edge: Edge
    kind: str
    above: str
    protocol: str
    callers: Int64
    rows: Int64
    rise: Rise | None
    now: float


class FanOutGrowth(Detector):
    """How many calls of a kind one incoming call of a kind causes.

    Calls are put to the incoming call within whose time they lie. The number for each incoming call must move to
    another level (Pettitt; p corrected over all pairs of kinds): 2.5 times and three calls more, and the edge's rate
    must bear that out. Repeats of failed calls are left out: they are told elsewhere. Without an onset, 20 like calls
    and more for one are a hint.
    """

    name = "fan_out_growth"
    looks_for = "calls that cause more calls than before (N+1)"
    mechanisms = frozenset({Mechanism.FAN_OUT_GROWTH})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each edge and kind of call that grew."""
        grown = list(_grown(facts))
        chances = corrected([1.0 if one.rise is None else one.rise.p for one in grown])
        for one, p in zip(grown, chances, strict=True):
            if one.rise is not None and p < CHANCE:
                yield self._finding(facts, one, one.rise)
            elif one.now >= HIGH:
                yield self._finding(facts, one, None)

    def _finding(self, facts: Facts, one: _Growth, rise: Rise | None) -> Finding:
        calls, edge = facts.calls, one.edge
        at = rise.at_ns if rise is not None else None
        kfl = both(edge_calls(facts, edge), kind_filter(one.kind, edge.protocol))
        above = both(server_filter(facts, edge.client, one.protocol), kind_filter(one.above, one.protocol))
        claims = [
            counted(facts, kfl, "calls caused", (at, None)),
            counted(facts, above, "calls that cause them", (at, None)),
        ]
        if at is not None:
            claims += [counted(facts, kfl, "calls caused before", (None, at))]
            claims += [counted(facts, above, "calls that caused them before", (None, at))]
        before = "" if rise is None else f", {rise.before or 0:.0f} before"
        solid = rise is not None and rise.end - rise.first >= LEAST // 2
        sure = solid and one.now >= 5 and rise is not None and rise.over_ns is None
        late = one.callers if rise is None else one.callers[rise.rows]
        return Finding(
            self.name,
            Mechanism.FAN_OUT_GROWTH,
            Component(Kind.WORKLOAD, edge.client),
            f"{short(edge.client)} makes {one.now:.0f} calls of {one.kind} to {short(edge.server)} for each "
            f"{one.above}{before}",
            Confidence.HIGH if sure else Confidence.MEDIUM if solid else Confidence.LOW,
            1.0 - (float(rise.before or 0) / one.now if rise is not None else 0.5),
            onset_ns=at,
            end_ns=rise.over_ns if rise is not None else None,
            magnitude=Magnitude(None if rise is None else rise.before, one.now, "calls a call"),
            affected=(edge,),
            entries=entries_of(calls, late),
            claims=tuple(claims),
            refuted_by=f"other callers of {short(edge.server)} that account for the calls",
            facts={"kind": one.kind, "for_each": one.above},
        )


def _grown(facts: Facts) -> Iterator[_Growth]:
    """Give each pair of kinds, incoming and caused, with what each incoming call causes."""
    calls, nest, kinds = facts.calls, facts.derived(nesting), facts.derived(endpoint_kinds)
    again = facts.derived(repeats).again
    rows = np.flatnonzero((nest.parent >= 0) & ~again & ~calls.protocol.equal(*UNREAD, "dns"))
    parents = nest.parent[rows]
    parts = (calls.client.taken(rows), calls.server.taken(rows), calls.protocol.taken(rows), kinds.taken(rows))
    incoming = {
        key: answered for key, answered in groups(calls.server, calls.protocol, kinds) if len(answered) >= LEAST
    }
    for (client, server, protocol, kind), places in groups(*parts):
        own, above = rows[places], parents[places]
        by = np.bincount(kinds.codes[above]).argmax()
        mine = above[kinds.codes[above] == by]
        callers = incoming.get((client, calls.protocol[int(mine[0])], kinds.values[by]))
        if callers is None or len(mine) < LEAST:
            continue
        number = np.bincount(np.searchsorted(callers, mine), minlength=len(callers))
        rise = rise_of_level(calls.start_ns[callers], number, RATIO, STEP)
        if rise is not None and (not _borne_out(number, rise) or _failing(facts, own, rise) > FAILING):
            rise = None
        now = float(np.median(number)) if rise is None else rise.after
        edge = Edge(client, server, protocol)
        yield _Growth(edge, kind, kinds.values[by], calls.protocol[int(mine[0])], callers, own, rise, now)


def _failing(facts: Facts, rows: Int64, rise: Rise) -> float:
    """Give the share of the caused calls that failed since the onset."""
    late = rows[facts.calls.start_ns[rows] >= (rise.at_ns or 0)]
    return float(facts.derived(repeats).failed[late].mean()) if len(late) else 0.0


def _borne_out(number: Int64, rise: Rise) -> bool:
    """Tell whether the mean rose too: which call caused which may be wrong one by one, but not on average."""
    if rise.at_ns is None or not rise.first:
        return False
    return float(number[rise.rows].mean()) >= 2 * float(number[: rise.first].mean()) + 1
