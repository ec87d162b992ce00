"""Search domains that multiply look-ups until they are the load."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kubeshark_mcp.analyse.claims import counted
from kubeshark_mcp.analyse.columns import Int64, groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both, side_filter
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.names import lookups
from kubeshark_mcp.analyse.statistics import onset_of_level

WASTED = 0.5
"""Share of a client's queries that fail because of a search domain."""
TIMES = 4.0
"""Growth of the rate that is a storm."""
LEAST = 200
PER_SECOND = 20.0
"""Queries below which a storm is a breeze: any resolver answers thousands a second."""
BINS = 40
SLOW_US = 20_000
SUFFERS = 0.1
"""Share of slow or lost answers from which the resolver suffers."""
CHANCE = 1e-3


class DnsSearchStorm(Detector):
    """Queries with a search domain by client, and how their rate went.

    Normal search noise is a few NXDOMAIN for each look-up of an outside name, at the pace of the client's work. It is a
    storm where more than WASTED of LEAST queries or more are such noise, their rate rose TIMES over (rank-based onset),
    and the client's other traffic did not rise with it; or where the resolver suffers. Else it is a hint.
    """

    name = "dns_search_storm"
    looks_for = "DNS search-domain storms"
    mechanisms = frozenset({Mechanism.DNS_SEARCH_STORM})
    protocols = frozenset({"dns"})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each client that storms."""
        found, calls = facts.derived(lookups), facts.calls
        clients = calls.client.taken(found.rows)
        wasted = found.searched & found.nxdomain
        for (client,), own in groups(clients):
            noise = found.rows[own[wasted[own]]]
            if len(noise) >= max(LEAST, WASTED * len(own)):
                yield from self._judged(facts, client, found.rows[own], noise)

    def _judged(self, facts: Facts, client: str, rows: Int64, noise: Int64) -> Iterator[Finding]:
        calls, coverage = facts.calls, facts.coverage
        edges = np.linspace(coverage.start_ns, coverage.end_ns + 1, BINS + 1)
        rates = np.histogram(calls.start_ns[rows], edges)[0] / (coverage.seconds / BINS)
        onset = onset_of_level(edges[:-1].astype(np.int64), rates)
        before, after, at = None, len(rows) / coverage.seconds, None
        if onset is not None and onset.p < CHANCE and onset.after >= TIMES * max(onset.before, 1.0):
            if not _beyond_work(facts, client, rows, onset.at_ns):
                return
            before, after, at = onset.before, onset.after, onset.at_ns
        if after < PER_SECOND:
            return
        suffers = float((~calls.answered[rows] | (calls.elapsed_us[rows] > SLOW_US)).mean()) >= SUFFERS
        sure = Confidence.HIGH if at is not None else Confidence.MEDIUM if suffers else Confidence.LOW
        kfl = both('dns && dns_rcode == "NXDOMAIN"', side_filter(facts, "src", client))
        servers = calls.server.taken(rows).counts()
        yield Finding(
            self.name,
            Mechanism.DNS_SEARCH_STORM,
            Component(Kind.WORKLOAD, client),
            f"{client} sends {after:.0f} DNS queries a second, {len(noise) / len(rows):.0%} of them for names with a "
            "search domain appended that do not exist",
            sure,
            len(noise) / len(rows),
            onset_ns=at,
            magnitude=Magnitude(before, after, "DNS queries a second"),
            affected=tuple(Edge(client, server, "dns") for server in servers),
            entries=tuple(int(entry) for entry in calls.id[noise[:3]]),
            claims=(counted(facts, kfl, "NXDOMAIN answers to it"),),
            refuted_by="a rate of queries that follows its other calls",
        )


def _beyond_work(facts: Facts, client: str, rows: Int64, onset_ns: int) -> bool:
    """Tell whether queries grew more than what else the client sends: retries and load bring their look-ups along."""
    calls, links = facts.calls, facts.connections
    own = calls.start_ns[calls.client.equal(client) & ~calls.protocol.equal("dns")]
    opened = links.start_ns[links.client.equal(client) & links.transport.equal("tcp")]
    queries = calls.start_ns[rows]
    ratios = []
    for late in (False, True):
        work = sum(int(np.count_nonzero((times >= onset_ns) == late)) for times in (own, opened))
        ratios.append(int(np.count_nonzero((queries >= onset_ns) == late)) / (work + 1))
    return ratios[1] >= 2 * ratios[0]
