"""Callers that wait for a free connection or worker."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kubeshark_mcp.analyse.ceilings import Ceiling, Queue, ceilings, queues
from kubeshark_mcp.analyse.claims import counted, shared, timed
from kubeshark_mcp.analyse.columns import Int64
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both, pod_filter
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind, Magnitude, Measure
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.outcomes import Outcome, outcomes
from kubeshark_mcp.analyse.subjects import (
    edge_calls,
    edges_of,
    entries_of,
    milliseconds,
    server_filter,
    servers,
    short,
)

LONG_US = 100_000
"""Waiting from which it counts even when no call fails."""
HURT = 0.05
"""Share of the crowded calls that fail from which it counts."""
REFUSALS = 5
"""Refusals for want of a connection (SQLSTATE 53300 and the like) below which nothing is said."""


class PoolExhaustion(Detector):
    """Calls in flight from one pod to a server that stand at a number while more calls wait than that.

    The ceiling is the number that is reached for 2 % of the busy time or longer; it counts when 60 % of the time in
    which more calls come in than it lets through is spent exactly there, and those that wait take half as long again
    as a call below. Where the server below became slower, the crowd follows from that and is a symptom. A server that
    works on few calls at a time shows itself by durations that grow with the number of calls there (rank correlation
    0.75 within the crowd), while calls that find nobody are quick. Refusals for want of a connection count as well.
    """

    name = "pool_exhaustion"
    looks_for = "waiting for free connections or workers"
    mechanisms = frozenset({Mechanism.POOL_EXHAUSTION})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each ceiling, queue and refusing server."""
        seen: set[tuple[str, str]] = set()
        for one in facts.derived(ceilings):
            if (one.client, one.server) not in seen:
                seen.add((one.client, one.server))
                yield self._ceiling(facts, one)
        waiting = {client for client, _ in seen}
        for queue in facts.derived(queues):
            if queue.server not in waiting:
                yield self._queue(facts, queue)
        yield from self._refusing(facts)

    def _ceiling(self, facts: Facts, one: Ceiling) -> Finding:
        calls = facts.calls
        crowded = one.incoming[one.crowded]
        edge = Edge(one.client, one.server, one.protocol)
        kfl = edge_calls(facts, edge)
        if one.pod:
            kfl = both(kfl, pod_filter("src", one.pod))
        window = (one.rise.at_ns, None)
        each = timed(facts, kfl, Measure.P50_US, f"median of a call to {short(one.server)}", window)
        number = counted(facts, kfl, f"calls to {short(one.server)}", window)
        hurt = _hurt(facts, crowded)
        place = "connections" if one.protocol in ("postgresql", "mysql", "redis", "mongodb") else "places"
        told = (
            f"{short(one.client)} waits for free {place} to {short(one.server)}: {one.limit} calls in flight at most, "
            f"{one.standing:.0%} of the crowded time at that ceiling, while each call takes {milliseconds(each.value)}"
        )
        if one.slower:
            told += f", longer than the {milliseconds(one.below_us[0])} before"
        return Finding(
            self.name,
            Mechanism.POOL_EXHAUSTION,
            Component(Kind.WORKLOAD, one.client),
            told,
            _confidence(hurt, one.waiting_us, len(crowded)),
            max(hurt, 1 - each.value / max(one.waiting_us, 1.0)),
            onset_ns=one.rise.at_ns,
            end_ns=one.rise.over_ns,
            magnitude=Magnitude(None, one.waiting_us / 1000, "ms p50 of the calls that wait"),
            affected=(edge, *edges_of(calls, crowded)),
            entries=entries_of(calls, crowded),
            claims=(number, each),
            refuted_by=f"more than {one.limit} calls in flight to {short(one.server)} at any time",
            symptom=one.slower,
            facts={"limit": one.limit, "standing": round(one.standing, 3), "pod": one.pod},
        )

    def _queue(self, facts: Facts, one: Queue) -> Finding:
        calls = facts.calls
        kfl = server_filter(facts, one.server, one.protocol)
        window = (one.rise.at_ns, one.rise.over_ns)
        late = one.rows[one.rise.rows]
        return Finding(
            self.name,
            Mechanism.POOL_EXHAUSTION,
            Component(Kind.WORKLOAD, one.server),
            f"{short(one.server)} works on few calls at a time: {milliseconds(one.crowded_us)} where others are there "
            f"already, {milliseconds(one.alone_us)} where none is",
            _confidence(_hurt(facts, late), one.crowded_us, len(late)),
            min(1.0, one.order),
            onset_ns=one.rise.at_ns,
            end_ns=one.rise.over_ns,
            magnitude=Magnitude(one.alone_us / 1000, one.crowded_us / 1000, "ms p50"),
            affected=edges_of(calls, late),
            entries=entries_of(calls, late),
            claims=(counted(facts, kfl, "calls", window),),
            refuted_by="calls that are slow although no other is there",
            facts={"order": round(one.order, 3)},
        )

    def _refusing(self, facts: Facts) -> Iterator[Finding]:
        calls, found = facts.calls, facts.derived(outcomes)
        for server, protocol, rows in servers(facts, REFUSALS):
            bad = rows[found[rows] == Outcome.CONNECTIONS]
            if len(bad) < REFUSALS:
                continue
            whole = server_filter(facts, server, protocol)
            status = next(iter(calls.status.taken(bad).counts()))
            kfl = both(whole, f'status == "{status}"')
            number = counted(facts, kfl, "refusals for want of a connection")
            yield Finding(
                self.name,
                Mechanism.POOL_EXHAUSTION,
                Component(Kind.WORKLOAD, server),
                f"{short(server)} has no connection left: {number.value:.0f} sessions were refused with {status}",
                Confidence.HIGH,
                len(bad) / len(rows),
                onset_ns=int(calls.start_ns[bad[0]]),
                affected=edges_of(calls, bad),
                entries=entries_of(calls, bad),
                claims=(number, shared(facts, kfl, whole, "share of all calls")),
                refuted_by="sessions that are accepted while others are refused",
            )


def _hurt(facts: Facts, rows: Int64) -> float:
    """Give the share of calls that failed for want of a place."""
    bad = (Outcome.FAULT, Outcome.LIMIT, Outcome.NONE, Outcome.DEADLINE)
    return float(np.isin(facts.derived(outcomes)[rows], bad).mean()) if len(rows) else 0.0


def _confidence(hurt: float, waiting_us: float, number: int) -> Confidence:
    if hurt < HURT and waiting_us < LONG_US:
        return Confidence.LOW
    return Confidence.HIGH if number >= 30 and (hurt >= HURT or waiting_us >= 3 * LONG_US) else Confidence.MEDIUM
