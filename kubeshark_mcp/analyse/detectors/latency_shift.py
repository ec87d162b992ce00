"""Endpoints that became slow by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kubeshark_mcp.analyse.ceilings import ceilings, queues
from kubeshark_mcp.analyse.claims import counted, timed
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.endpoints import kind_filter
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both
from kubeshark_mcp.analyse.findings import Component, Confidence, Finding, Kind, Magnitude, Measure
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.onsets import lasting
from kubeshark_mcp.analyse.replicas import unlike_pods
from kubeshark_mcp.analyse.slowness import EXPLAINED, Slow, answered_kinds, lossy, slow_kinds
from kubeshark_mcp.analyse.subjects import edges_of, entries_of, milliseconds, server_filter, short, unseen
from kubeshark_mcp.analyse.transactions import waitings

ENOUGH = 6
"""Calls since the onset from which it is more than a hint."""
EVERYWHERE = 0.5
"""Share of all kinds of calls from which slowness at one time is the machine's, not a workload's."""
SAME_NS = 3 * 10**9
"""Onsets closer than this are the same time."""
CROWD_US = 100_000
"""Median below which slowness under twice the traffic is no news."""


class LatencyShift(Detector):
    """The duration of calls by server and kind, and how much of it the server spends itself.

    A kind counts when its durations move to another level (Pettitt), or many of them do (change point of the share far
    above the median), to three times and 15 ms more; p is corrected over all kinds (Benjamini-Hochberg). What calls
    below account for is taken off: where that is half of the additional time, the server waits, and it is a symptom.
    So are queues, ceilings, a lone slow pod and connections that had to send again. Where half of everything slows at
    once, or traffic doubled and calls still take less than 100 ms, it is a hint.
    """

    name = "latency_shift"
    looks_for = "calls that became slow by themselves"
    mechanisms = frozenset({Mechanism.LATENCY_SHIFT})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each server."""
        calls = facts.calls
        found: dict[str, list[Slow]] = {}
        everything = facts.derived(slow_kinds)
        for one in everything:
            if not calls.outside[one.rows[0]]:
                found.setdefault(one.server, []).append(one)
        for kinds in found.values():
            kinds.sort(key=lambda one: (one.explained >= EXPLAINED, -len(one.late)))
            yield self._finding(facts, kinds, _machine(facts, kinds[0], everything))

    def _finding(self, facts: Facts, kinds: Sequence[Slow], everywhere: bool) -> Finding:
        one, calls = kinds[0], facts.calls
        rise, late = one.rise, one.late
        before, after = float(rise.before or 0.0), rise.after
        slow = late[calls.elapsed_us[late] > (before + after) / 2]
        echo = one.explained >= EXPLAINED
        kfl = both(server_filter(facts, one.server, one.protocol), kind_filter(one.kind, one.protocol), "!failed")
        then = timed(facts, kfl, Measure.P50_US, "median before", (None, rise.at_ns))
        window = (rise.at_ns, None if rise.over_ns is None else rise.over_ns + 1)
        measure = Measure.P50_US if 2 * len(slow) > len(late) else Measure.P95_US
        now = timed(facts, kfl, measure, "since then", window)
        otherwise = _otherwise(facts, one, slow)
        why = "and its own calls do not account for it"
        if echo or otherwise:
            why = "and its own calls account for that" if echo else "as a queue, a lock, losses or one pod explain"
        hidden = unseen(facts, one.server)
        if hidden and not (echo or otherwise):
            why = "and what it calls was not captured"
        rest = f" and {len(kinds) - 1} more kinds of calls" if len(kinds) > 1 else ""
        typical = "" if measure is Measure.P50_US else ", 95th percentile"
        return Finding(
            self.name,
            Mechanism.LATENCY_SHIFT,
            Component(Kind.WORKLOAD, one.server),
            f"{short(one.server)} takes {milliseconds(now.value)} for {one.kind}{typical}, {milliseconds(then.value)} "
            f"before{rest}, {why}",
            _confidence(facts, one, len(slow), everywhere or hidden),
            1.0 - before / max(after, 1.0),
            onset_ns=min(kind.rise.at_ns or 0 for kind in kinds),
            end_ns=rise.over_ns,
            magnitude=Magnitude(before / 1000, after / 1000, "ms p50"),
            affected=edges_of(calls, late),
            entries=entries_of(calls, slow),
            claims=(then, now, counted(facts, kfl, "calls of that kind", window)),
            refuted_by=f"calls from {short(one.server)} that take as long meanwhile",
            symptom=echo or otherwise,
            facts={"kind": one.kind, "explained": round(one.explained, 2), "kinds": len(kinds)},
        )


def _otherwise(facts: Facts, one: Slow, slow: np.ndarray) -> bool:
    """Tell whether something that others report is behind it: a queue, a ceiling, a lock, one pod, or lost segments."""
    crowded = any(c.client == one.server for c in facts.derived(ceilings))
    queued = any(queue.server == one.server for queue in facts.derived(queues))
    lone = any(pod.server == one.server and pod.by == "latency" for pod in facts.derived(unlike_pods))
    locked = any(wait.server == one.server and wait.locked for wait in facts.derived(waitings))
    return crowded or queued or lone or locked or lossy(facts, slow, one.rows[: one.rise.first])


def _machine(facts: Facts, one: Slow, everything: Sequence[Slow]) -> bool:
    """Tell whether most kinds of calls to most servers slowed down at the same time, each by itself."""
    kinds = len(facts.derived(answered_kinds))
    at = one.rise.at_ns or 0
    same = [s for s in everything if abs((s.rise.at_ns or 0) - at) < SAME_NS and s.explained < EXPLAINED]
    return kinds >= 5 and len({s.server for s in same}) >= 3 and len(same) >= EVERYWHERE * kinds


def _confidence(facts: Facts, one: Slow, number: int, everywhere: bool) -> Confidence:
    rise, times = one.rise, facts.calls.start_ns[one.rows]
    window = facts.coverage.end_ns - facts.coverage.start_ns
    before, after = float(rise.before or 0.0), rise.after
    first, last = int(times[0]), int(times[rise.end - 1])
    began = int(times[rise.first])
    rate_before, rate_after = rise.first / max(began - first, 1), (rise.end - rise.first) / max(last - began, 1)
    crowd = rate_after >= 2 * rate_before and after < CROWD_US
    if number < ENOUGH or everywhere or crowd or not lasting(rise, times, window):
        return Confidence.LOW
    if rise.over_ns is None and after >= 5 * before and after - before >= 50_000:
        return Confidence.HIGH
    return Confidence.MEDIUM
