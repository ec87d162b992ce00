"""Calls of one server that end badly in one way: which kinds, since when, how surely, and KFL that selects them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kubeshark_mcp.analyse.claims import counted_and_shared
from kubeshark_mcp.analyse.columns import Int64, Mask, groups
from kubeshark_mcp.analyse.endpoints import endpoint_kinds, kind_filter
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both, either, one_of
from kubeshark_mcp.analyse.findings import Claim, Confidence
from kubeshark_mcp.analyse.onsets import Rise, lasting, rise_of_share, significant
from kubeshark_mcp.analyse.subjects import server_filter

LEAST = 5
"""Bad calls below which nothing is said."""
ENOUGH = 8
"""Bad calls from which it is more than a hint."""
SHARE = 0.1
"""Share of calls that is surely bad (lower limit of Wilson's interval) for more than a hint."""
STEADY = 0.2
"""The same where it was so from the first packet on: there is no better time to hold it against."""
CLEAR = 0.25
"""Share of calls since an onset from which there is no doubt."""
TOUCHED = 0.05
"""Share of a kind's calls that must be bad for the kind to count."""
KINDS = 3
"""Kinds of calls that filters name; where more are bad, they select all calls of the server."""


@dataclass(frozen=True, slots=True)
class Burst:
    """Bad calls of one server over one protocol. rows: all calls of the kinds that are bad; hits: which of them are."""

    server: str
    protocol: str
    rows: Int64
    hits: Mask
    rise: Rise

    @property
    def bad(self) -> Int64:
        """Give the bad rows of the stretch."""
        rows: Int64 = self.rows[self.rise.rows][self.hits[self.rise.rows]]
        return rows

    @property
    def good(self) -> Int64:
        """Give the rows that are not bad."""
        rows: Int64 = self.rows[~self.hits]
        return rows


def burst(facts: Facts, server: str, protocol: str, rows: Int64, hits: Mask) -> Burst | None:
    """Put the bad calls of a server together, of those kinds that are touched; None with few of them."""
    if np.count_nonzero(hits) < LEAST:
        return None
    kinds = facts.derived(endpoint_kinds).taken(rows)
    touched = np.zeros(len(kinds.values), np.bool_)
    for (_,), places in groups(kinds):
        touched[kinds.codes[places[0]]] = hits[places].mean() >= TOUCHED
    chosen = touched[kinds.codes]
    rows, hits = rows[chosen], hits[chosen]
    if np.count_nonzero(hits) < LEAST:
        return None
    rise = rise_of_share(facts.calls.start_ns[rows], hits)
    return None if rise is None else Burst(server, protocol, rows, hits, rise)


def rated(facts: Facts, one: Burst) -> Confidence:
    """Tell how sure it is: how many, which share for certain, more than a moment, and since when."""
    rise, number, times = one.rise, len(one.bad), facts.calls.start_ns[one.rows]
    least = STEADY if rise.before is None else SHARE
    solid = number >= ENOUGH and significant(number, rise.end - rise.first, least)
    if not solid or not lasting(rise, times, facts.coverage.end_ns - facts.coverage.start_ns):
        return Confidence.LOW
    return (
        Confidence.MEDIUM if rise.before is None or rise.over_ns is not None or rise.after < CLEAR else Confidence.HIGH
    )


def kinds_of(facts: Facts, one: Burst) -> list[str]:
    """Give the kinds of the bad calls, commonest first."""
    return list(facts.derived(endpoint_kinds).taken(one.bad).counts())


def statuses_of(facts: Facts, one: Burst) -> list[str]:
    """Give the statuses of the bad calls, commonest first."""
    return [status for status in facts.calls.status.taken(one.bad).counts() if status]


def claims_of(facts: Facts, one: Burst, what: str) -> tuple[Claim, Claim]:
    """Give how many calls were bad in all, and their share since the onset, by status. what: the bad calls."""
    kinds, statuses = kinds_of(facts, one), statuses_of(facts, one)
    whole = server_filter(facts, one.server, one.protocol)
    if len(kinds) <= KINDS:
        whole = both(whole, either(*(kind_filter(kind, one.protocol) for kind in kinds)))
    bad = both(whole, one_of("status", statuses))
    window = (one.rise.at_ns, None if one.rise.over_ns is None else one.rise.over_ns + 1)
    return counted_and_shared(facts, bad, whole, what, window)


def asked(facts: Facts, one: Burst) -> str:
    """Name what was asked: the kind, or how many."""
    kinds = kinds_of(facts, one)
    return kinds[0] if len(kinds) == 1 else f"{len(kinds)} kinds of calls"
