"""Calls that a limit refuses."""

from __future__ import annotations

from collections.abc import Iterator

from kubeshark_mcp.analyse.bursts import Burst, asked, burst, claims_of, rated, statuses_of
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.findings import Finding, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.outcomes import Outcome, outcomes
from kubeshark_mcp.analyse.subjects import component_of, echoes, edges_of, entries_of, servers, several, short

LEAST = 10
"""Calls of a server below which nothing is said."""


class RateLimited(Detector):
    """The share of calls refused for their number: HTTP 429, gRPC RESOURCE_EXHAUSTED, HTTP/2 ENHANCE_YOUR_CALM.

    The statistics are those of error_burst. A server that only passes on what one below it refused shows a symptom.
    """

    name = "rate_limited"
    looks_for = "calls refused by a limit"
    mechanisms = frozenset({Mechanism.RATE_LIMITED})
    protocols = frozenset({"http", "http2"})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each server."""
        for server, protocol, rows in servers(facts, LEAST):
            one = burst(facts, server, protocol, rows, facts.derived(outcomes)[rows] == Outcome.LIMIT)
            if one is not None:
                yield self._finding(facts, one)

    def _finding(self, facts: Facts, one: Burst) -> Finding:
        calls, rise, refused = facts.calls, one.rise, one.bad
        number, share = claims_of(facts, one, "refused calls")
        clients = list(calls.client.taken(refused).counts())
        return Finding(
            self.name,
            Mechanism.RATE_LIMITED,
            component_of(calls, one.rows),
            f"{short(one.server)} refuses {share.value:.0%} of {asked(facts, one)} with "
            f"{several(statuses_of(facts, one))} ({number.value:.0f} times), to {several([short(c) for c in clients])}",
            rated(facts, one),
            min(1.0, rise.after),
            onset_ns=rise.at_ns,
            end_ns=rise.over_ns,
            magnitude=Magnitude(rise.before, rise.after, "share refused"),
            affected=edges_of(calls, refused),
            entries=entries_of(calls, refused),
            claims=(number, share),
            refuted_by="refusals that do not depend on how many calls a client makes",
            symptom=echoes(facts, refused, one.good),
            facts={"clients": several(clients)},
        )
