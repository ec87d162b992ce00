"""Endpoints that answer with errors of their own making."""

from __future__ import annotations

from collections.abc import Iterator

from kubeshark_mcp.analyse.bursts import Burst, asked, burst, claims_of, kinds_of, rated, statuses_of
from kubeshark_mcp.analyse.ceilings import ceilings
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.findings import Component, Confidence, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.onsets import Rise
from kubeshark_mcp.analyse.outcomes import Outcome, outcomes
from kubeshark_mcp.analyse.replicas import unlike_pods
from kubeshark_mcp.analyse.subjects import component_of, echoes, edges_of, entries_of, servers, several, short, unseen

LEAST = 10
"""Calls of a server below which nothing is said."""


class ErrorBurst(Detector):
    """The share of server faults (HTTP 5xx, gRPC codes of that kind, SQL and other errors) by server.

    Of a server's calls those kinds are taken that fail at all; a change point in their share of errors (likelihood
    ratio, corrected) gives the onset. Where there is none, a share that is surely above 20 % counts by itself.
    Refusals of what was asked (400, SQL syntax) count only as a change. 401, 403, 404, 429, deadlines and errors of
    caches and locks belong to others. Errors below which a callee failed as well are an echo, told as a symptom; so are
    those of one pod among several, and of a workload that waits for a free connection.
    """

    name = "error_burst"
    looks_for = "errors of a workload's own making"
    mechanisms = frozenset({Mechanism.ERROR_BURST})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each server, protocol and class of error."""
        for server, protocol, rows in servers(facts, LEAST):
            for outcome in (Outcome.FAULT, Outcome.STATEMENT):
                one = burst(facts, server, protocol, rows, facts.derived(outcomes)[rows] == outcome)
                if one is not None and (outcome is Outcome.FAULT or _sudden(one.rise)):
                    yield self._finding(facts, one, outcome)

    def _finding(self, facts: Facts, one: Burst, outcome: Outcome) -> Finding:
        calls, rise, failing = facts.calls, one.rise, one.bad
        echo = echoes(facts, failing, one.good)
        lone = any(pod.server == one.server and pod.by == "errors" for pod in facts.derived(unlike_pods))
        waiting = echo or any(ceiling.client == one.server for ceiling in facts.derived(ceilings))
        whose = "while what it calls does not fail"
        if waiting:
            whose = "as what it calls fails too" if echo else "while it waits for a free place at what it calls"
        hidden = unseen(facts, one.server)
        if hidden and not waiting:
            whose = "and what it calls was not captured"
        number, share = claims_of(facts, one, "failed calls")
        statuses = several(statuses_of(facts, one))
        confidence = rated(facts, one)
        if outcome is Outcome.STATEMENT and confidence is Confidence.HIGH:
            confidence = Confidence.MEDIUM
        return Finding(
            self.name,
            Mechanism.ERROR_BURST,
            _blamed(facts, one, outcome),
            f"{short(one.server)} answers {share.value:.0%} of {asked(facts, one)} with {statuses} "
            f"({number.value:.0f} times), {whose}",
            Confidence.LOW if hidden else confidence,
            min(1.0, rise.after),
            onset_ns=rise.at_ns,
            end_ns=rise.over_ns,
            magnitude=Magnitude(rise.before, rise.after, "share failed"),
            affected=edges_of(calls, failing),
            entries=entries_of(calls, failing),
            claims=(number, share),
            refuted_by=f"calls from {short(one.server)} that fail just before each error",
            symptom=waiting or lone,
            facts={
                "statuses": statuses,
                "clients": several(list(calls.client.taken(failing).counts())),
                "kinds": len(kinds_of(facts, one)),
            },
        )


def _sudden(rise: Rise) -> bool:
    return rise.before is not None and rise.before <= 0.05 and rise.after >= 0.3


def _blamed(facts: Facts, one: Burst, outcome: Outcome) -> Component:
    """Blame the server; a statement that it cannot run is between it and the only client that sends it."""
    clients = facts.calls.client.taken(one.bad).counts()
    if outcome is Outcome.STATEMENT and one.protocol not in ("http", "http2") and len(clients) == 1:
        return Component(Kind.EDGE, next(iter(clients)), one.server)
    return component_of(facts.calls, one.rows)
