"""Credentials that travel unencrypted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kubeshark_mcp.analyse.claims import counted
from kubeshark_mcp.analyse.columns import groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both, edge_filter
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind
from kubeshark_mcp.analyse.mechanisms import Mechanism

SECRETS = {
    "http": 'http && !tls && request.headers["authorization"].startsWith("Basic ")',
    "redis": 'redis && !tls && redis_command == "AUTH"',
}
"""Credentials that can be read off the wire, by protocol."""


class CleartextSecret(Detector):
    """Passwords without TLS, by edge.

    Inside a cluster this is common and no incident: a hint. One that leaves the cluster unencrypted is a finding.
    """

    name = "cleartext_secret"
    looks_for = "passwords that leave unencrypted"
    mechanisms = frozenset({Mechanism.CLEARTEXT_SECRET})
    protocols = frozenset({"http", "http2", "redis"})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each edge."""
        calls = facts.calls
        for protocol, kfl in SECRETS.items():
            if protocol not in facts.protocols:
                continue
            chosen = np.flatnonzero(np.isin(calls.id, np.asarray(facts.columns(kfl, [])["id"])))
            for (client, server), places in groups(calls.client.taken(chosen), calls.server.taken(chosen)):
                rows = chosen[places]
                edge = Edge(client, server, protocol)
                leaves = bool(calls.outside[rows[0]])
                where = "leaves the cluster" if leaves else "stays inside the cluster"
                yield Finding(
                    self.name,
                    Mechanism.CLEARTEXT_SECRET,
                    Component(Kind.EDGE, client, server),
                    f"{client} sends a password to {server} unencrypted ({len(rows)} {protocol} calls); it {where}",
                    Confidence.MEDIUM if leaves else Confidence.LOW,
                    0.5 if leaves else 0.1,
                    affected=(edge,),
                    entries=tuple(int(entry) for entry in calls.id[rows[:3]]),
                    claims=(counted(facts, both(kfl, edge_filter(facts, edge)), "calls with a readable password"),),
                    refuted_by="encryption below the captured packets, such as WireGuard between the nodes",
                )
