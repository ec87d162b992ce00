"""Servers inside the cluster that take requests and never answer."""

from __future__ import annotations

from collections.abc import Iterator

from kubeshark_mcp.analyse.claims import counted, shared
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both
from kubeshark_mcp.analyse.findings import Component, Confidence, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.onsets import significant
from kubeshark_mcp.analyse.silences import Silence, silences
from kubeshark_mcp.analyse.subjects import edges_of, entries_of, server_filter, several, short, unseen

ENOUGH = 5
"""Requests without an answer from which it is more than a hint."""
SHARE = 0.1
"""Share of requests that surely has none (lower limit of Wilson's interval)."""


class NoResponse(Detector):
    """The share of requests without an answer by server, over protocols in which each request has one.

    Requests at the end of the capture (2 s, or three times the usual duration) and commands that wait by design are
    left out. Where the server itself was waiting for others, or their connections had to send segments again, it is a
    symptom.
    """

    name = "no_response"
    looks_for = "requests without an answer"
    mechanisms = frozenset({Mechanism.NO_RESPONSE})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each server and protocol."""
        for one in facts.derived(silences):
            if not facts.calls.outside[one.rows[0]]:
                yield self._finding(facts, one)

    def _finding(self, facts: Facts, one: Silence) -> Finding:
        calls, rise, silent = facts.calls, one.rise, one.silent
        whole = server_filter(facts, one.server, one.protocol)
        window = (rise.at_ns, int(calls.start_ns[one.rows[rise.end - 1]]) + 1)
        number = counted(facts, both(whole, "!answered"), "requests without an answer", window)
        share = shared(facts, both(whole, "!answered"), whole, "share of the requests", window)
        why = "; segments on their connections had to be sent again" if one.lost else ""
        why = "; it was waiting for what it calls" if one.echo else why
        clients = list(calls.client.taken(silent).counts())
        solid = (
            not unseen(facts, one.server)
            and len(silent) >= ENOUGH
            and significant(len(silent), rise.end - rise.first, SHARE)
        )
        sure = solid and rise.over_ns is None and rise.after >= 0.3
        return Finding(
            self.name,
            Mechanism.NO_RESPONSE,
            Component(Kind.WORKLOAD, one.server),
            f"{short(one.server)} leaves {number.value:.0f} requests ({share.value:.0%}) from "
            f"{several([short(c) for c in clients])} without an answer{why}",
            Confidence.HIGH if sure else Confidence.MEDIUM if solid else Confidence.LOW,
            rise.after,
            onset_ns=rise.at_ns,
            end_ns=rise.over_ns,
            magnitude=Magnitude(rise.before, rise.after, "share unanswered"),
            affected=edges_of(calls, silent),
            entries=entries_of(calls, silent),
            claims=(number, share),
            refuted_by="answers to these requests in another node's capture",
            symptom=one.echo or one.lost,
        )
