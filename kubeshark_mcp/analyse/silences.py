"""Requests that nobody answers: where, since when, and whether something below hangs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kubeshark_mcp.analyse.columns import Int64, Mask, groups
from kubeshark_mcp.analyse.endpoints import endpoint_kinds
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.nesting import nesting
from kubeshark_mcp.analyse.one_way import one_way
from kubeshark_mcp.analyse.onsets import Rise, rise_of_share
from kubeshark_mcp.analyse.outcomes import Outcome, outcomes
from kubeshark_mcp.analyse.slowness import BLOCKING, lossy
from kubeshark_mcp.analyse.statistics import quantile
from kubeshark_mcp.analyse.subjects import echoes, servers

PROTOCOLS = ("http", "http2", "redis", "postgresql", "mysql", "mongodb", "ldap")
"""Protocols in which every request has an answer."""
LEAST = 4
TIME_NS = 2 * 10**9
"""A request this close to the end of the capture, or three times the usual duration, may still be answered."""
MOST_NS = 15 * 10**9
WAITED = 0.7
"""Share of the silence that the server spent waiting for others, from which it is theirs."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Requests to one server that have no answer. rows: those that could have one; hits: which have none.

    echo: what the server calls explains it. lost: their connections had to send again.
    """

    server: str
    protocol: str
    rows: Int64
    hits: Mask
    rise: Rise
    echo: bool
    lost: bool

    @property
    def silent(self) -> Int64:
        """Give the rows without an answer in the stretch."""
        rows: Int64 = self.rows[self.rise.rows][self.hits[self.rise.rows]]
        return rows


def silences(facts: Facts) -> tuple[Silence, ...]:
    """Find servers that leave requests without an answer, for `facts.derived`."""
    return tuple(_found(facts))


def _found(facts: Facts) -> Iterator[Silence]:
    calls = facts.calls
    none = facts.derived(outcomes) == Outcome.NONE
    nest = facts.derived(nesting)
    for server, protocol, every in servers(facts, LEAST):
        if protocol not in PROTOCOLS or np.count_nonzero(none[every]) < LEAST:
            continue
        usual = quantile(calls.elapsed_us[every[calls.answered[every]]], 0.99) * 1000
        rows = every[calls.start_ns[every] < facts.coverage.end_ns - min(max(TIME_NS, 3 * usual), MOST_NS)]
        rows = rows[~facts.derived(one_way)[rows]]
        rows = rows[_answerable(facts, rows) & ~_replicating(facts, rows, protocol)]
        hits = none[rows]
        if np.count_nonzero(hits) < LEAST:
            continue
        rise = rise_of_share(calls.start_ns[rows], hits)
        if rise is None:
            continue
        silent, good = rows[hits], rows[~hits]
        lasted = (nest.end_ns - nest.start_ns)[silent]
        waited = float(np.median(nest.below_ns[silent] / np.maximum(lasted, 1)))
        echo = echoes(facts, silent, good) or waited >= WAITED
        yield Silence(server, protocol, rows, hits, rise, echo, lossy(facts, silent, good))


def _replicating(facts: Facts, rows: Int64, protocol: str) -> Mask:
    """Tell which calls come from another server of the same protocol, as a primary sends them to its replicas."""
    calls = facts.calls
    others = set(calls.server.taken(calls.protocol.equal(protocol)).counts())
    if protocol in ("http", "http2"):
        return np.zeros(len(rows), np.bool_)
    return calls.client.taken(rows).equal(*others)


def _answerable(facts: Facts, rows: Int64) -> Mask:
    """Tell which calls are of a kind that was ever answered; where nothing was, all are."""
    calls, kinds = facts.calls, facts.derived(endpoint_kinds).taken(rows)
    answered = calls.answered[rows]
    by_design = kinds.matching([kind.partition(" ")[0] in BLOCKING for kind in kinds.values])
    if not answered.any():
        return ~by_design
    found = np.zeros(len(rows), np.bool_)
    for (_,), places in groups(kinds):
        found[places] = answered[places].any() or len(places) >= 2 * LEAST
    return found & ~by_design
