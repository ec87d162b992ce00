"""Servers that stand still at times: whatever they were asked meanwhile is answered in one moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kubeshark_mcp.analyse.claims import counted
from kubeshark_mcp.analyse.columns import Int64, groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both
from kubeshark_mcp.analyse.findings import Component, Confidence, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.slowness import EXPLAINED, caused
from kubeshark_mcp.analyse.subjects import edges_of, entries_of, milliseconds, server_filter, servers, short

PROTOCOLS = ("http", "http2")
"""Stores stand still for locks and for commands of others, which is told elsewhere."""
LEAST = 20
TIMES = 10.0
LONG_US = 100_000
"""A call that takes TIMES the median, and this long, may have met a pause."""
TOGETHER = 0.15
"""Share of a pause within which all that waited is answered."""
SPREAD = 0.5
"""Share of a pause over which the calls that met it came in: they did not begin together."""
ALL = 0.8
"""Share of the calls that came in during the pauses, and of all slow ones, that waited for the end of one."""
CALLS = 3
PAUSES = 3


@dataclass(frozen=True, slots=True)
class _Still:
    """A server that stood still. starts_ns, ends_ns: of each pause; rows: calls that met one; usual_us: the median."""

    server: str
    protocol: str
    starts_ns: Int64
    ends_ns: Int64
    rows: Int64
    usual_us: float
    least_us: int


class Pauses(Detector):
    """Slow calls that begin at different times and end at one, three times or more, with quick calls between.

    So do garbage collectors, throttled CPUs and frozen hosts. A pause has three calls or more, spread over half of it,
    that are answered within 15 % of it, while hardly a call that came in then was quick. Where calls below account for
    the time, the callee is to blame; where several servers stand still at once, it is the machine: a hint only.
    """

    name = "pauses"
    looks_for = "servers that stand still at times"
    mechanisms = frozenset({Mechanism.LATENCY_SHIFT})
    protocols = frozenset(PROTOCOLS)

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each server that stands still by itself."""
        found = [one for one in _standing_still(facts) if not _waits_below(facts, one)]
        for one in found:
            yield self._finding(facts, one, alone=not any(_at_once(one, other) for other in found if other is not one))

    def _finding(self, facts: Facts, one: _Still, alone: bool) -> Finding:
        calls = facts.calls
        longest = float((one.ends_ns - one.starts_ns).max()) / 1000
        kfl = both(server_filter(facts, one.server, one.protocol), f"elapsed_time > {one.least_us}")
        slow = counted(facts, kfl, f"calls that take longer than {milliseconds(one.least_us)}")
        met = len(one.rows) / max(1, int(np.count_nonzero(calls.start_ns >= one.starts_ns[0])))
        return Finding(
            self.name,
            Mechanism.LATENCY_SHIFT,
            Component(Kind.WORKLOAD, one.server),
            f"{short(one.server)} stood still {len(one.starts_ns)} times for up to {milliseconds(longest)}: all calls "
            f"that came in meanwhile were answered together at the end ({slow.value:.0f} slow calls); between, a call "
            f"takes {milliseconds(one.usual_us)}, and what it calls does not account for it",
            Confidence.MEDIUM if alone else Confidence.LOW,
            max(0.3, min(1.0, met)),
            onset_ns=int(one.starts_ns[0]),
            magnitude=Magnitude(one.usual_us / 1000, longest / 1000, "ms, at most"),
            affected=edges_of(calls, one.rows),
            entries=entries_of(calls, one.rows),
            claims=(slow,),
            refuted_by="a call that begins and is answered within one of the pauses",
            facts={"pauses": len(one.starts_ns)},
        )


def _standing_still(facts: Facts) -> Iterator[_Still]:
    calls = facts.calls
    for server, protocol, every in servers(facts, LEAST):
        if protocol not in PROTOCOLS or calls.outside[every[0]]:
            continue
        for _, places in groups(calls.server_pod.taken(every)):
            rows = every[places]
            rows = rows[calls.answered[rows]]
            one = _still(facts, server, protocol, rows) if len(rows) >= LEAST else None
            if one is not None:
                yield one


def _still(facts: Facts, server: str, protocol: str, rows: Int64) -> _Still | None:
    calls = facts.calls
    usual = float(np.median(calls.elapsed_us[rows]))
    least = round(max(TIMES * usual, LONG_US))
    slow = rows[calls.elapsed_us[rows] > least]
    if len(slow) < CALLS * PAUSES:
        return None
    slow = slow[np.argsort(calls.end_ns[slow], kind="stable")]
    ends = calls.end_ns[slow]
    parts = np.split(slow, np.flatnonzero(np.diff(ends) > LONG_US * 1000) + 1)
    met = [part for part in parts if _is_pause(facts, part, rows)]
    if len(met) < PAUSES or sum(len(part) for part in met) < ALL * len(slow):
        return None
    starts = np.array([calls.start_ns[part].min() for part in met], np.int64)
    lasts = np.array([calls.end_ns[part].max() for part in met], np.int64)
    return _Still(server, protocol, starts, lasts, np.sort(np.concatenate(met)), usual, least)


def _is_pause(facts: Facts, slow: Int64, rows: Int64) -> bool:
    """Tell whether calls that ended together waited for one and the same thing."""
    calls = facts.calls
    if len(slow) < CALLS:
        return False
    starts, ends = calls.start_ns[slow], calls.end_ns[slow]
    lasted = int(ends.max() - starts.min())
    if int(ends.max() - ends.min()) > TOGETHER * lasted or int(starts.max() - starts.min()) < SPREAD * lasted:
        return False
    within = (calls.start_ns[rows] >= starts.min()) & (calls.start_ns[rows] <= starts.max())
    return len(slow) >= ALL * int(np.count_nonzero(within))


def _waits_below(facts: Facts, one: _Still) -> bool:
    took = facts.calls.elapsed_us[one.rows] * 1000
    return float(facts.derived(caused)[one.rows].sum()) >= EXPLAINED * float(took.sum())


def _at_once(one: _Still, other: _Still) -> bool:
    """Tell whether another server stood still during most of the pauses of one."""
    overlaps = (one.starts_ns[:, None] < other.ends_ns[None]) & (other.starts_ns[None] < one.ends_ns[:, None])
    return float(overlaps.any(axis=1).mean()) > SPREAD and one.server != other.server
