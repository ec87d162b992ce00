"""Endpoints that answer with errors of their own making."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kubeshark_mcp.analyse.ceilings import ceilings
from kubeshark_mcp.analyse.claims import counted, shared
from kubeshark_mcp.analyse.columns import Int64, Mask, groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.endpoints import endpoint_kinds, kind_filter
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both, either, one_of
from kubeshark_mcp.analyse.findings import Component, Confidence, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.onsets import Rise, lasting, rise_of_share, significant
from kubeshark_mcp.analyse.outcomes import Outcome, outcomes
from kubeshark_mcp.analyse.replicas import unlike_pods
from kubeshark_mcp.analyse.subjects import (
    component_of,
    echoes,
    edges_of,
    entries_of,
    server_filter,
    servers,
    several,
    short,
)

LEAST = 5
"""Errors below which nothing is said."""
ENOUGH = 8
"""Errors from which it is more than a hint."""
SHARE = 0.1
"""Share of calls that surely fails (lower limit of Wilson's interval) for more than a hint."""
KINDS = 3
"""Kinds of calls that filters name; where more fail, they select all calls of the server."""
STEADY = 0.2
"""The same where it was so from the first packet on: there is no better time to hold it against."""


@dataclass(frozen=True, slots=True)
class _Burst:
    """Errors of one server over one protocol. rows: all calls of the kinds that fail; hits: which of them did."""

    server: str
    protocol: str
    outcome: Outcome
    rows: Int64
    hits: Mask
    rise: Rise

    @property
    def failing(self) -> Int64:
        """Give the rows that failed in the stretch."""
        rows: Int64 = self.rows[self.rise.rows][self.hits[self.rise.rows]]
        return rows


class ErrorBurst(Detector):
    """The share of server faults (HTTP 5xx, gRPC codes of that kind, SQL and other errors) by server.

    Of a server's calls those kinds are taken that fail at all; a change point in their share of errors (likelihood
    ratio, corrected) gives the onset. Where there is none, a share that is surely above STEADY counts by itself.
    Refusals of what was asked (400, SQL syntax) count only as a change. 401, 403, 404, 429, deadlines and errors of
    caches and locks belong to others. Errors below which a callee failed as well are an echo, told as a symptom; so are
    those of one pod among several, and of a workload that waits for a free connection.
    """

    name = "error_burst"
    looks_for = "errors of a workload's own making"
    mechanisms = frozenset({Mechanism.ERROR_BURST})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each server, protocol and class of error."""
        for server, protocol, rows in servers(facts, 2 * LEAST):
            for outcome in (Outcome.FAULT, Outcome.STATEMENT):
                burst = _burst(facts, server, protocol, outcome, rows)
                if burst is not None:
                    yield self._finding(facts, burst)

    def _finding(self, facts: Facts, burst: _Burst) -> Finding:
        calls, rise, failing = facts.calls, burst.rise, burst.failing
        good = burst.rows[~burst.hits]
        echo = echoes(facts, failing, good)
        lone = any(one.server == burst.server and one.by == "errors" for one in facts.derived(unlike_pods))
        statuses = list(calls.status.taken(failing).counts())
        kinds = facts.derived(endpoint_kinds).taken(failing).counts()
        whole = server_filter(facts, burst.server, burst.protocol)
        if len(kinds) <= KINDS:
            tests = [kind_filter(kind, burst.protocol) for kind in kinds]
            whole = both(whole, either(*tests))
        bad = both(whole, one_of("status", statuses))
        window = (rise.at_ns, None if rise.over_ns is None else rise.over_ns + 1)
        share, number = (
            shared(facts, bad, whole, "share of calls that fail", window),
            counted(facts, bad, "failed calls"),
        )
        clients = list(calls.client.taken(failing).counts())
        asked = next(iter(kinds)) if len(kinds) == 1 else f"{len(kinds)} kinds of calls"
        waiting = echo or any(one.client == burst.server for one in facts.derived(ceilings))
        whose = "by itself: what it calls meanwhile does not fail"
        if waiting:
            whose = "as what it calls fails too" if echo else "while it waits for a free place at what it calls"
        return Finding(
            self.name,
            Mechanism.ERROR_BURST,
            _blamed(facts, burst),
            f"{short(burst.server)} answers {share.value:.0%} of {asked} with {several(statuses)} "
            f"({number.value:.0f} times), {whose}",
            _confidence(facts, burst),
            min(1.0, rise.after),
            onset_ns=rise.at_ns,
            end_ns=rise.over_ns,
            magnitude=Magnitude(rise.before, rise.after, "share failed"),
            affected=edges_of(calls, failing),
            entries=entries_of(calls, failing),
            claims=(number, share),
            refuted_by=f"calls from {short(burst.server)} that fail just before each error",
            symptom=waiting or lone,
            facts={"statuses": several(statuses), "clients": several(clients), "kinds": len(kinds)},
        )


def _burst(facts: Facts, server: str, protocol: str, outcome: Outcome, rows: Int64) -> _Burst | None:
    hits = facts.derived(outcomes)[rows] == outcome
    if np.count_nonzero(hits) < LEAST:
        return None
    kinds = facts.derived(endpoint_kinds).taken(rows)
    touched = np.zeros(len(kinds.values), np.bool_)
    for (_,), places in groups(kinds):
        code = kinds.codes[places[0]]
        touched[code] = hits[places].mean() >= 0.05
    chosen = touched[kinds.codes]
    rows, hits = rows[chosen], hits[chosen]
    if np.count_nonzero(hits) < LEAST:
        return None
    rise = rise_of_share(facts.calls.start_ns[rows], hits)
    if rise is None or (outcome is Outcome.STATEMENT and not _sudden(rise)):
        return None
    return _Burst(server, protocol, outcome, rows, hits, rise)


def _sudden(rise: Rise) -> bool:
    return rise.before is not None and rise.before <= 0.05 and rise.after >= 0.3


def _blamed(facts: Facts, burst: _Burst) -> Component:
    """Blame the server; a statement that it cannot run is between it and the only client that sends it."""
    clients = facts.calls.client.taken(burst.failing).counts()
    if burst.outcome is Outcome.STATEMENT and burst.protocol not in ("http", "http2") and len(clients) == 1:
        return Component(Kind.EDGE, next(iter(clients)), burst.server)
    return component_of(facts.calls, burst.rows)


def _confidence(facts: Facts, burst: _Burst) -> Confidence:
    rise, number = burst.rise, len(burst.failing)
    times = facts.calls.start_ns[burst.rows]
    window = facts.coverage.end_ns - facts.coverage.start_ns
    least = STEADY if rise.before is None else SHARE
    if number < ENOUGH or not significant(number, rise.end - rise.first, least) or not lasting(rise, times, window):
        return Confidence.LOW
    if burst.outcome is Outcome.STATEMENT or rise.before is None or rise.over_ns is not None or rise.after < 0.25:
        return Confidence.MEDIUM
    return Confidence.HIGH
