"""Data that leaves inside DNS names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from kubeshark_mcp.analyse.claims import counted
from kubeshark_mcp.analyse.columns import Int64, groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both, side_filter, text
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.names import cluster_domains, entropy, question, registered

LEAST = 20
"""Different names under one domain: content networks and mail checks stay below for one client."""
LENGTH = 24
"""Mean characters before the domain: names for people are shorter."""
BITS = 3.0
"""Bits a character: random base32 has up to 5, hexadecimal 4, words in names about 2.5 for such lengths."""


class DnsTunnel(Detector):
    """Different names by client and registered domain, their length and entropy.

    Names made by people are few and short, and repeat. LEAST or more different names with LENGTH characters or more
    before the domain, nearly all different, of BITS a character or more carry data.
    """

    name = "dns_tunnel"
    looks_for = "data inside DNS names"
    mechanisms = frozenset({Mechanism.DNS_TUNNEL})
    protocols = frozenset({"dns"})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each client and domain."""
        calls = facts.calls
        rows = np.flatnonzero(calls.protocol.equal("dns"))
        endpoints, clients = calls.endpoint.taken(rows), calls.client.taken(rows)
        names: dict[tuple[str, str], dict[str, list[Int64]]] = defaultdict(lambda: defaultdict(list))
        inside = cluster_domains({question(calls.endpoint.values[code])[1] for code in np.unique(endpoints.codes)})
        for (client, endpoint), own in groups(clients, endpoints):
            name = question(endpoint)[1]
            if not name.endswith(tuple(f".{domain}" for domain in inside) or ("\0",)):
                names[client, registered(name)][name].append(rows[own])
        for (client, domain), asked in names.items():
            labels = [name[: -len(domain) - 1] for name in asked if len(name) > len(domain)]
            if len(labels) >= LEAST and _carries_data(labels):
                yield self._finding(
                    facts, client, domain, np.concatenate([r for own in asked.values() for r in own]), labels
                )

    def _finding(self, facts: Facts, client: str, domain: str, rows: Int64, labels: list[str]) -> Finding:
        calls = facts.calls
        rows = np.sort(rows)
        carried = sum(len(label) for label in labels)
        kfl = both("dns", f"summary.contains({text(domain)})", side_filter(facts, "src", client))
        seconds = max((int(calls.start_ns[rows[-1]]) - int(calls.start_ns[rows[0]])) / 1e9, 1.0)
        return Finding(
            self.name,
            Mechanism.DNS_TUNNEL,
            Component(Kind.WORKLOAD, client),
            f"{client} asked for {len(labels)} different names under {domain}, {carried // len(labels)} characters of "
            f"{entropy(''.join(labels)):.1f} bits each before it: about {carried * 5 // 8:,} bytes left inside names",
            Confidence.HIGH,
            min(1.0, len(labels) / (4 * LEAST) + 0.5),
            onset_ns=int(calls.start_ns[rows[0]]),
            magnitude=Magnitude(None, len(rows) / seconds, "queries a second"),
            affected=tuple(Edge(client, server, "dns") for server in calls.server.taken(rows).counts()),
            entries=tuple(int(entry) for entry in calls.id[rows[:3]]),
            claims=(counted(facts, kfl, "queries under that domain"),),
            refuted_by="the same names asked for again and again, or by many clients",
            facts={"domain": domain, "names": len(labels)},
        )


def _carries_data(labels: list[str]) -> bool:
    lengths = [len(label) for label in labels]
    return sum(lengths) / len(lengths) >= LENGTH and float(np.median([entropy(label) for label in labels])) >= BITS
