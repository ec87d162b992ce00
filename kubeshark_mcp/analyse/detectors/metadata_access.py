"""Workloads that ask the cloud's metadata address: the way to the node's credentials."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kubeshark_mcp.analyse.claims import counted
from kubeshark_mcp.analyse.columns import groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both, one_of, side_filter
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism

ADDRESSES = ("169.254.169.254", "fd00:ec2::254", "169.254.170.2", "100.100.100.200")
"""Metadata services of the large clouds: all but the last two answer on the link-local address of RFC 3927."""
CREDENTIALS = ("security-credentials", "/token", "/identity", "serviceaccounts", "service-accounts", "user-data")
"""Parts of paths under which they hand out credentials."""


class MetadataAccess(Detector):
    """Connections and calls to metadata addresses by workload; paths tell whether credentials were asked for."""

    name = "metadata_access"
    looks_for = "access to the cloud's metadata address"
    mechanisms = frozenset({Mechanism.METADATA_ACCESS})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each workload that connected."""
        links, calls = facts.connections, facts.calls
        chosen = np.flatnonzero(links.server_address.equal(*ADDRESSES))
        for (client,), places in groups(links.client.taken(chosen)):
            rows = chosen[places]
            asked = np.flatnonzero(calls.server_address.equal(*ADDRESSES) & calls.client.equal(client))
            wanted = [any(part in value.lower() for part in CREDENTIALS) for value in calls.endpoint.values]
            secret = asked[calls.endpoint.taken(asked).matching(wanted)] if len(asked) else asked
            answered = int(np.count_nonzero(calls.answered[secret] & ~calls.failed[secret]))
            what = f", {len(secret)} requests for credentials, {answered} of them answered" if len(secret) else ""
            kfl = both("tcp_conn", one_of("dst.ip", ADDRESSES), side_filter(facts, "src", client))
            entries = calls.id[secret[:3]] if len(secret) else links.id[rows[:3]]
            yield Finding(
                self.name,
                Mechanism.METADATA_ACCESS,
                Component(Kind.WORKLOAD, client),
                f"{client} connected {len(rows)} times to the cloud's metadata address{what}",
                Confidence.HIGH if len(secret) else Confidence.MEDIUM,
                0.9 if answered else 0.6,
                onset_ns=int(links.start_ns[rows[0]]),
                magnitude=Magnitude(None, float(len(rows)), "connections"),
                affected=tuple(Edge(client, server) for server in links.server.taken(rows).counts()),
                entries=tuple(int(entry) for entry in entries),
                claims=(counted(facts, kfl, "connections to the metadata address"),),
                refuted_by="a workload that is meant to use the node's identity",
                facts={"credential_requests": len(secret), "answered": answered},
            )
