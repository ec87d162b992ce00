"""gRPC calls that end at their deadline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np

from kubeshark_mcp.analyse.bursts import Burst, asked, burst, claims_of, rated
from kubeshark_mcp.analyse.columns import Int64
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both
from kubeshark_mcp.analyse.findings import Finding, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.nesting import nesting
from kubeshark_mcp.analyse.outcomes import Outcome, outcomes
from kubeshark_mcp.analyse.subjects import (
    component_of,
    echoes,
    edges_of,
    entries_of,
    milliseconds,
    server_filter,
    servers,
    short,
)

LEAST = 8
"""Calls of a server below which nothing is said."""
WAITED = 0.6
"""Share of its time that a server spent waiting for others from which the delay is theirs."""


class GrpcDeadline(Detector):
    """The share of gRPC calls with DEADLINE_EXCEEDED, or cancelled by the client when their time was over.

    The statistics are those of error_burst. A server that was waiting for others until the deadline, or whose callees
    failed, shows a symptom. Cancellations before the deadline are the client's own business.
    """

    name = "grpc_deadline"
    looks_for = "gRPC calls that end at their deadline"
    mechanisms = frozenset({Mechanism.GRPC_DEADLINE})
    protocols = frozenset({"http2"})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each server."""
        for server, protocol, rows in servers(facts, LEAST):
            if protocol == "http2":
                one = burst(facts, server, protocol, rows, facts.derived(outcomes)[rows] == Outcome.DEADLINE)
                if one is not None:
                    yield self._finding(facts, one)

    def _finding(self, facts: Facts, one: Burst) -> Finding:
        calls, rise, late, nest = facts.calls, one.rise, one.bad, facts.derived(nesting)
        number, share = claims_of(facts, one, "calls that end at their deadline")
        given = _deadline_us(facts, one)
        lasted = (nest.end_ns - nest.start_ns)[late].clip(min=1)
        waited = float(np.median(nest.below_ns[late] / lasted))
        echo = waited >= WAITED or echoes(facts, late, one.good)
        why = ", waiting for what it calls" if echo else ""
        deadline = f" of {milliseconds(given)}" if given else ""
        return Finding(
            self.name,
            Mechanism.GRPC_DEADLINE,
            component_of(calls, one.rows),
            f"{share.value:.0%} of {asked(facts, one)} to {short(one.server)} end at their deadline{deadline} "
            f"({number.value:.0f} times){why}",
            rated(facts, one),
            min(1.0, rise.after),
            onset_ns=rise.at_ns,
            end_ns=rise.over_ns,
            magnitude=Magnitude(rise.before, rise.after, "share at the deadline"),
            affected=edges_of(calls, late),
            entries=entries_of(calls, late),
            claims=(number, share),
            refuted_by="calls that are given up before their time is over",
            symptom=echo,
            facts={"deadline_us": given},
        )


def _deadline_us(facts: Facts, one: Burst) -> float:
    """Give the usual deadline of the calls that missed theirs; 0 where none was sent."""
    kfl = both(server_filter(facts, one.server, one.protocol), "grpc", "grpc_timeout_us > 0")
    found = facts.columns(kfl, ["grpc_timeout_us"])
    ids, given = cast(Int64, found["id"]), cast(Int64, found["grpc_timeout_us"])
    missed = given[np.isin(ids, facts.calls.id[one.bad])]
    return float(np.median(missed)) if len(missed) else 0.0
