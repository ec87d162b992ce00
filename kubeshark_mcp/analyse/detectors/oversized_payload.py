"""Messages that grew far beyond what they were, or beyond a limit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kubeshark_mcp.analyse.bursts import Burst, asked, burst, claims_of, rated, statuses_of
from kubeshark_mcp.analyse.claims import counted
from kubeshark_mcp.analyse.columns import Int64, groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.endpoints import endpoint_kinds, kind_filter
from kubeshark_mcp.analyse.facts import Calls, Facts
from kubeshark_mcp.analyse.filters import both
from kubeshark_mcp.analyse.findings import Component, Confidence, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.onsets import CHANCE, Rise, lasting, rise_of_level
from kubeshark_mcp.analyse.outcomes import Outcome, outcomes
from kubeshark_mcp.analyse.slowness import QUEUES
from kubeshark_mcp.analyse.statistics import corrected, quantile
from kubeshark_mcp.analyse.subjects import (
    busiest,
    component_of,
    echoes,
    edges_of,
    entries_of,
    server_filter,
    servers,
    several,
    short,
)

LEAST = 12
"""Calls of a kind below which nothing is said."""
RATIO = 8.0
APART_CHANCE = 0.01
"""Uncorrected chance that suffices where nearly all are RATIO times what was before: ranks cannot say that."""
STEP = 50_000
"""How many bytes a message must have grown by."""
LARGE = 500_000
"""Bytes from which a message is large for whoever reads it."""


class OversizedPayload(Detector):
    """Sizes of requests and answers by server and kind, and refusals for size (413, 431).

    A kind counts when its sizes move to another level (Pettitt, p corrected over all kinds), eight times and 50 kB
    more. Answers are the server's, requests the client's. Files that are large from the first packet on are how it is.
    """

    name = "oversized_payload"
    looks_for = "messages that grew far beyond what they were"
    mechanisms = frozenset({Mechanism.OVERSIZED_PAYLOAD})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each kind of call that grew, and each server that refuses for size."""
        for server, protocol, rows in servers(facts, LEAST):
            one = burst(facts, server, protocol, rows, facts.derived(outcomes)[rows] == Outcome.SIZE)
            if one is not None:
                yield self._refused(facts, one)
        yield from self._grown(facts)

    def _refused(self, facts: Facts, one: Burst) -> Finding:
        calls, rise, refused = facts.calls, one.rise, one.bad
        number, share = claims_of(facts, one, "calls refused for their size")
        client = busiest(calls, one.rows, one.hits)
        return Finding(
            self.name,
            Mechanism.OVERSIZED_PAYLOAD,
            Component(Kind.WORKLOAD, client),
            f"{short(one.server)} refuses {share.value:.0%} of {asked(facts, one)} with "
            f"{several(statuses_of(facts, one))} ({number.value:.0f} times): what {short(client)} sends is too large",
            rated(facts, one),
            rise.after,
            onset_ns=rise.at_ns,
            end_ns=rise.over_ns,
            magnitude=Magnitude(rise.before, rise.after, "share refused"),
            affected=edges_of(calls, refused),
            entries=entries_of(calls, refused),
            claims=(number, share),
            refuted_by="larger requests that are accepted",
            symptom=echoes(facts, refused, one.good),
        )

    def _grown(self, facts: Facts) -> Iterator[Finding]:
        calls, kinds = facts.calls, facts.derived(endpoint_kinds)
        found: list[tuple[str, str, str, str, Int64, Rise]] = []
        tried = 0
        for server, protocol, rows in servers(facts, LEAST):
            if protocol in QUEUES:
                continue
            for (kind,), places in groups(kinds.taken(rows)):
                own = rows[places][calls.answered[rows[places]]]
                if len(own) < LEAST:
                    continue
                for half, sizes in (("answers", calls.response_bytes), ("requests", calls.request_bytes)):
                    tried += 1
                    rise = rise_of_level(calls.start_ns[own], sizes[own], RATIO, STEP)
                    if rise is not None and rise.at_ns is not None:
                        found.append((server, protocol, kind, half, own, rise))
        chances = corrected([one[-1].p for one in found] + [1.0] * (tried - len(found)))
        for one, p in zip(found, chances, strict=False):
            if p < CHANCE or (one[5].p < APART_CHANCE and _apart(calls, one[3], one[4], one[5])):
                yield self._large(facts, *one)

    def _large(
        self, facts: Facts, server: str, protocol: str, kind: str, half: str, rows: Int64, rise: Rise
    ) -> Finding:
        calls = facts.calls
        late = rows[rise.rows]
        sizes = calls.response_bytes if half == "answers" else calls.request_bytes
        large = late[sizes[late] > ((rise.before or 0) + rise.after) / 2]
        kfl = both(server_filter(facts, server, protocol), kind_filter(kind, protocol))
        number = counted(facts, kfl, "calls of that kind since then", (rise.at_ns, None))
        sender = server if half == "answers" else busiest(calls, large, np.ones(len(large), np.bool_))
        solid = lasting(rise, calls.start_ns[rows], facts.coverage.end_ns - facts.coverage.start_ns) and len(large) >= 5
        whose = component_of(calls, rows) if half == "answers" else Component(Kind.WORKLOAD, sender)
        return Finding(
            self.name,
            Mechanism.OVERSIZED_PAYLOAD,
            whose,
            f"{half} to {kind} of {short(server)} are {_bytes(rise.after)} instead of {_bytes(rise.before or 0)} "
            f"({number.value:.0f} calls since then)",
            (Confidence.HIGH if rise.after >= LARGE else Confidence.MEDIUM) if solid else Confidence.LOW,
            1.0 - (rise.before or 0) / max(rise.after, 1.0),
            onset_ns=rise.at_ns,
            end_ns=rise.over_ns,
            magnitude=Magnitude(rise.before, rise.after, "bytes p50"),
            affected=edges_of(calls, large),
            entries=entries_of(calls, large),
            claims=(number,),
            refuted_by="messages of the same kind as small as before",
            facts={"kind": kind, "half": half},
        )


def _bytes(number: float) -> str:
    return f"{number / 1e6:.1f} MB" if number >= 1e6 else f"{number / 1000:.1f} kB"


def _apart(calls: Calls, half: str, rows: Int64, rise: Rise) -> bool:
    sizes = (calls.response_bytes if half == "answers" else calls.request_bytes)[rows]
    before, late = sizes[: rise.first], sizes[rise.rows]
    return len(before) >= 5 and len(late) >= 5 and quantile(late, 0.1) >= RATIO * quantile(before, 0.9)
