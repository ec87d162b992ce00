"""SQL statements that wait for each other, and the transactions that they wait for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kubeshark_mcp.analyse.columns import Int64, Mask, groups
from kubeshark_mcp.analyse.endpoints import endpoint_kinds
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.nesting import nesting
from kubeshark_mcp.analyse.outcomes import Outcome, outcomes

PROTOCOLS = ("postgresql", "mysql")
LEAST = 3
"""Statements that waited below which nothing is said."""
SLOWER = 8.0
"""How many times as long as its usual time a statement must take to have waited."""
STEP_NS = 50_000_000
"""... and how much longer."""
TOGETHER = 0.6
"""Share of the waits that must end as another transaction ends."""
LIFT = 3.0
"""How many times as often as chance would have it."""
TOGETHER_NS = 15_000_000
"""A wait that ends within this time of another transaction's end ended because of it."""
CANCELLED = "57014"
"""SQLSTATE of a statement that took too long."""
_WRITES = ("UPDATE", "INSERT", "DELETE", "MERGE", "REPLACE", "LOCK", "ALTER", "TRUNCATE", "DROP", "CREATE", "COPY")
_ENDS = ("COMMIT", "ROLLBACK", "END", "ABORT")


@dataclass(frozen=True, slots=True)
class Waiting:
    """Statements to one database that waited for transactions of others.

    waits: rows of the statements that waited. released: for each, the row of the statement whose end released it, -1
    where none did. holder: client whose transactions released most of those that were not just released in turn, ""
    where nobody stands out. by_chance: share of the time in which an end would have looked like a release. usual_us:
    median of the same statements that did not wait. refused: rows that gave up (lock time-outs, deadlocks).
    """

    server: str
    protocol: str
    waits: Int64
    released: Int64
    holder: str
    by_chance: float
    usual_us: float
    refused: Int64

    @property
    def released_together(self) -> bool:
        """Tell whether enough waits ended with another transaction, and more than chance would have it."""
        return len(self.waits) >= LEAST and self.together >= max(TOGETHER, min(LIFT * self.by_chance, 0.95))

    @property
    def locked(self) -> bool:
        """Tell whether locks are the reason: by how the waits end, or by errors that say so."""
        return self.released_together or len(self.refused) >= LEAST

    @property
    def together(self) -> float:
        """Give the share of waits that ended with another transaction."""
        return float((self.released >= 0).mean()) if len(self.released) else 0.0


def waitings(facts: Facts) -> tuple[Waiting, ...]:
    """Find databases in which statements wait for others, for `facts.derived`."""
    calls = facts.calls
    read = np.flatnonzero(calls.protocol.equal(*PROTOCOLS))
    found = []
    for (server, protocol), places in groups(calls.server.taken(read), calls.protocol.taken(read)):
        one = _waiting(facts, server, protocol, read[places])
        if one is not None:
            found.append(one)
    return tuple(found)


def _waiting(facts: Facts, server: str, protocol: str, rows: Int64) -> Waiting | None:
    calls, nest, ended = facts.calls, facts.derived(nesting), facts.derived(outcomes)
    cancelled = calls.status.taken(rows).equal(CANCELLED)
    refused = rows[ended[rows] == Outcome.LOCK]
    lasted = (nest.end_ns - nest.start_ns)[rows]
    usual = _usual(facts, rows)
    slow = ~cancelled & (usual > 0) & (lasted > SLOWER * usual) & (lasted > usual + STEP_NS)
    waits = rows[slow]
    if len(waits) + len(refused) < LEAST:
        return None
    if len(waits) >= LEAST:  # Time-outs of statements are of locks only where others wait for locks too.
        refused = np.union1d(refused, rows[cancelled])
    last, begun = _transactions(facts, rows)
    released = _releases(facts, waits, rows[last], begun[last])
    span = max(facts.coverage.end_ns - facts.coverage.start_ns, 1)
    by_chance = min(1.0, np.count_nonzero(last) * TOGETHER_NS / span)
    usual_us = float(np.median(usual[slow])) / 1000 if len(waits) else 0.0
    return Waiting(server, protocol, waits, released, _holder(facts, waits, released), by_chance, usual_us, refused)


def _usual(facts: Facts, rows: Int64) -> Int64:
    """Give the time that each statement's kind usually takes: its lower quartile in ns, 0 with few of them."""
    calls = facts.calls
    kinds = facts.derived(endpoint_kinds).taken(rows)
    usual = np.zeros(len(rows), np.int64)
    for (_,), places in groups(kinds):
        answered = rows[places][calls.answered[rows[places]]]
        if len(answered) >= 2 * LEAST:
            usual[places] = max(int(np.quantile(calls.elapsed_us[answered], 0.25)), 100) * 1000
    return usual


def _transactions(facts: Facts, rows: Int64) -> tuple[Mask, Int64]:
    """Tell which statements end a transaction that wrote, and when each one's transaction began."""
    calls = facts.calls
    words = [value.lstrip("( ").partition(" ")[0].upper().rstrip(";") for value in calls.endpoint.values]
    texts = zip(words, calls.endpoint.values, strict=True)
    writes = calls.endpoint.matching([word in _WRITES or "FOR UPDATE" in text.upper() for word, text in texts])[rows]
    begins = calls.endpoint.matching([word in ("BEGIN", "START") for word in words])[rows]
    ends = calls.endpoint.matching([word in _ENDS for word in words])[rows]
    last, begun = np.zeros(len(rows), np.bool_), calls.start_ns[rows].copy()
    for (_,), places in groups(calls.connection[rows]):
        opened = np.maximum.accumulate(np.where(begins[places], np.arange(len(places)), -1))
        closed = np.maximum.accumulate(np.where(ends[places], np.arange(len(places)), -1))
        closed = np.append(-1, closed[:-1])
        inside = opened > closed
        first = places[opened.clip(min=0)]
        begun[places] = np.where(inside, begun[first], begun[places])
        last[places] = np.where(inside, ends[places], writes[places])
    return last, begun


def _releases(facts: Facts, waits: Int64, enders: Int64, begun: Int64) -> Int64:
    """Give for each wait the statement of another connection that ended its transaction as the wait ended."""
    calls, nest = facts.calls, facts.derived(nesting)
    released = np.full(len(waits), -1, np.int64)
    order = np.argsort(nest.end_ns[enders], kind="stable")
    enders, begun = enders[order], begun[order]
    ends = nest.end_ns[enders]
    first = np.searchsorted(ends, nest.end_ns[waits] - TOGETHER_NS)
    last = np.searchsorted(ends, nest.end_ns[waits] + TOGETHER_NS)
    for number, (low, high) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        row = waits[number]
        if not calls.answered[row]:
            continue
        other = np.arange(low, min(high, low + 64))
        other = other[calls.connection[enders[other]] != calls.connection[row]]
        other = other[begun[other] < nest.end_ns[row] - TOGETHER_NS]
        other = other[~(nest.start_ns[enders[other]] > nest.end_ns[row])]
        if len(other):
            oldest = other[np.argmin(begun[other])]
            released[number] = enders[oldest]
    return released


def _holder(facts: Facts, waits: Int64, released: Int64) -> str:
    """Give the client that released most waits; one that only waits in line itself does not count."""
    calls = facts.calls
    by = released[(released >= 0) & ~np.isin(released, waits)]
    if len(by) < LEAST - 1:
        return ""
    counts = calls.client.taken(by).counts()
    client, number = next(iter(counts.items()))
    return client if number >= 0.6 * len(by) else ""
