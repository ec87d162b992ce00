"""Endpoints that became slow: since when, by how much, and whether others explain it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kubeshark_mcp.analyse.columns import Int64, Mask, groups
from kubeshark_mcp.analyse.double_capture import seen_twice
from kubeshark_mcp.analyse.endpoints import endpoint_kinds
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.nesting import nesting
from kubeshark_mcp.analyse.onsets import CHANCE, Rise, rise_of_level
from kubeshark_mcp.analyse.outcomes import Outcome, outcomes
from kubeshark_mcp.analyse.statistics import corrected
from kubeshark_mcp.analyse.subjects import servers

LEAST = 12
"""Calls of a kind below which nothing is said."""
RATIO = 3.0
STEP_US = 15_000
BLOCKING = (
    "BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH", "BLMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP", "XREAD", "XREADGROUP",
    "WAIT", "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR", "LISTEN",
)  # fmt: skip
"""Commands that wait by design, or are never answered."""
QUEUES = ("kafka", "amqp", "ws")
"""Protocols in which waiting is the work."""
EXPLAINED = 0.5
"""Share of the additional time that calls below must account for to explain it."""


@dataclass(frozen=True, slots=True)
class Slow:
    """Calls of one kind to one server that became slow. rows: the answered calls of the kind, in order of time.

    explained: share of the additional time that calls below account for.
    """

    server: str
    protocol: str
    kind: str
    rows: Int64
    rise: Rise
    explained: float

    @property
    def late(self) -> Int64:
        """Give the rows since the onset."""
        rows: Int64 = self.rows[self.rise.rows]
        return rows


def slow_kinds(facts: Facts) -> tuple[Slow, ...]:
    """Find the kinds of calls that became slow, for `facts.derived`; chances are corrected for all that were tried."""
    calls = facts.calls
    found = []
    tried = 0
    for server, protocol, kind, rows in facts.derived(answered_kinds):
        tried += 1
        rise = rise_of_level(calls.start_ns[rows], calls.elapsed_us[rows], RATIO, STEP_US)
        if rise is not None and rise.at_ns is not None:
            found.append(Slow(server, protocol, kind, rows, rise, _explained(facts, rows, rise)))
    chances = corrected([one.rise.p for one in found] + [1.0] * (tried - len(found)))
    return tuple(one for one, p in zip(found, chances, strict=False) if p < CHANCE)


def answered_kinds(facts: Facts) -> tuple[tuple[str, str, str, Int64], ...]:
    """Give server, protocol, kind and rows of the calls that were answered and went well, for `facts.derived`."""
    return tuple(_answered_kinds(facts))


def _answered_kinds(facts: Facts) -> Iterator[tuple[str, str, str, Int64]]:
    calls, kinds, ended = facts.calls, facts.derived(endpoint_kinds), facts.derived(outcomes)
    waits = kinds.matching([kind.partition(" ")[0] in BLOCKING for kind in kinds.values])
    fine: Mask = calls.answered & (ended == Outcome.FINE) & ~waits
    for server, protocol, every in servers(facts, LEAST):
        rows = every[fine[every]]
        if protocol in QUEUES or len(rows) < LEAST:
            continue
        for (kind,), places in groups(kinds.taken(rows)):
            if len(places) >= LEAST:
                yield server, protocol, kind, rows[places]


def _explained(facts: Facts, rows: Int64, rise: Rise) -> float:
    """Compare how much longer the calls take with how much longer the calls below take, both in the mean."""
    took = facts.calls.elapsed_us[rows] * 1000
    below = facts.derived(caused)[rows]
    additional = float(took[rise.rows].mean() - took[: rise.first].mean())
    accounted = float(below[rise.rows].mean() - below[: rise.first].mean())
    return accounted / additional if additional > 0 else 0.0


def caused(facts: Facts) -> Int64:
    """Give `Nesting.caused_ns`, for `facts.derived`."""
    return facts.derived(nesting).caused_ns


def lossy(facts: Facts, slow: Int64, quick: Int64) -> bool:
    """Tell whether the slow calls travelled on connections that had to send again, and the quick ones did not."""
    links, calls = facts.connections, facts.calls
    sent_again = (links.retransmissions > 0) & ~facts.derived(seen_twice)
    again = links.connection[sent_again & (links.connection != 0)]
    shares = [float(np.isin(calls.connection[rows], again).mean()) if len(rows) else 0.0 for rows in (slow, quick)]
    return shares[0] >= 0.5 and shares[0] >= 2 * shares[1]
