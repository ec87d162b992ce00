"""SQL statements that wait for a lock that another transaction holds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kubeshark_mcp.analyse.claims import counted
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both, one_of
from kubeshark_mcp.analyse.findings import Component, Confidence, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.subjects import edges_of, entries_of, milliseconds, server_filter, several, short
from kubeshark_mcp.analyse.transactions import Waiting, waitings

ENOUGH = 5
"""Waits from which it is more than a hint."""


class LockContention(Detector):
    """Statements that sometimes take long, and then end together with another transaction.

    A statement waited when it takes eight times and 50 ms more than the lower quartile of its kind. Locks are the
    reason where 60 % of the waits end within 15 ms of a transaction's end on another connection that was open all the
    while, three times as often as the number of such ends makes likely. Errors that say so (lock time-out, deadlock)
    count by themselves. Who held the lock is blamed where one client stands out, else the database. A slow database,
    whose statements end whenever they are done, is no such case, nor are commands that wait by design.
    """

    name = "lock_contention"
    looks_for = "SQL statements that wait for locks"
    mechanisms = frozenset({Mechanism.LOCK_CONTENTION})
    protocols = frozenset({"postgresql", "mysql"})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each database."""
        for one in facts.derived(waitings):
            if one.locked:
                yield self._finding(facts, one, one.released_together)

    def _finding(self, facts: Facts, one: Waiting, locked: bool) -> Finding:
        calls = facts.calls
        rows = np.union1d(one.waits if locked else one.waits[:0], one.refused)
        whole = server_filter(facts, one.server, one.protocol)
        longest = int(calls.elapsed_us[one.waits].max()) if locked else 0
        claims = []
        told = []
        if locked:
            least = int(max(calls.elapsed_us[one.waits].min() - 1, 0))
            slow = counted(facts, both(whole, f"elapsed_time > {least}"), "statements that took as long as a wait")
            claims.append(slow)
            told.append(
                f"{slow.value:.0f} took {milliseconds(least)} to {milliseconds(longest)} instead of "
                f"{milliseconds(one.usual_us)}, {one.together:.0%} of them ended as another transaction ended"
            )
        if len(one.refused):
            statuses = list(calls.status.taken(one.refused).counts())
            claims.append(counted(facts, both(whole, one_of("status", statuses)), "lock time-outs and deadlocks"))
            told.append(f"{len(one.refused)} gave up with {several(statuses)}")
        who = f", mostly of {short(one.holder)}" if one.holder else ""
        sure = len(rows) >= ENOUGH and (locked or len(one.refused) >= ENOUGH)
        return Finding(
            self.name,
            Mechanism.LOCK_CONTENTION,
            Component(Kind.WORKLOAD, one.holder or one.server),
            f"statements to {short(one.server)} wait for locks{who}: {'; '.join(told)}",
            (Confidence.HIGH if len(rows) >= 2 * ENOUGH else Confidence.MEDIUM) if sure else Confidence.LOW,
            max(one.together if locked else 0.0, 0.5),
            onset_ns=int(calls.start_ns[rows[0]]),
            magnitude=Magnitude(one.usual_us / 1000, longest / 1000, "ms, longest wait"),
            affected=edges_of(calls, rows),
            entries=entries_of(calls, rows),
            claims=tuple(claims),
            refuted_by="statements that take long while no other transaction is open",
            facts={"holder": one.holder, "database": one.server, "by_chance": round(one.by_chance, 3)},
        )
