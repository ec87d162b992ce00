"""Resolvers that answer late, with failures, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from kubeshark_mcp.analyse.claims import counted
from kubeshark_mcp.analyse.columns import Int64, groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both, side_filter
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.statistics import onset_of_level, onset_of_share, quantile, wilson

LEAST = 10
SHARE = 0.05
"""Share of queries without a useful answer (lower limit) from which a resolver fails: programs wait for seconds."""
TIMES = 5.0
SLOW_US = 20_000
"""An answer is slow from TIMES the usual on, and this long at least: what callers begin to feel."""
AGAIN_US = 1_000_000
"""An answer that late came to a query that was sent again: resolvers wait for seconds before they do (resolv.conf)."""
CHANCE = 1e-5


class DnsResolver(Detector):
    """Queries without an answer, SERVFAIL and REFUSED, and the time of answers, by resolver.

    Failures count with SHARE or more of the queries since their onset. Lateness counts where the median rose to TIMES
    what it was and to SLOW_US (rank-based onset), or where it is ten times that from the first query on.
    """

    name = "dns_resolver"
    looks_for = "slow or failing DNS resolvers"
    mechanisms = frozenset({Mechanism.DNS_RESOLVER_SLOW})
    protocols = frozenset({"dns"})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each resolver: failing, else slow."""
        calls = facts.calls
        rows = np.flatnonzero(calls.protocol.equal("dns"))
        for (server,), places in groups(calls.server.taken(rows)):
            own = rows[places]
            if len(own) >= LEAST:
                failing, slow = self._failing(facts, server, own), self._slow(facts, server, own)
                if failing is not None and slow is not None and failing.onset_ns is not None:
                    # It was late before it failed altogether: one trouble, which began with the first sign.
                    failing = replace(failing, onset_ns=min(failing.onset_ns, slow.onset_ns or failing.onset_ns))
                if (found := failing or slow) is not None:
                    yield found

    def _failing(self, facts: Facts, server: str, rows: Int64) -> Finding | None:
        calls = facts.calls
        late = calls.start_ns[rows] + 2 * 10**9 < facts.coverage.end_ns
        bad = (~calls.answered[rows] & late) | calls.status.taken(rows).equal("SERVFAIL", "REFUSED")
        bad |= calls.elapsed_us[rows] >= AGAIN_US
        if int(bad.sum()) < LEAST:
            return None
        onset = onset_of_share(calls.start_ns[rows], bad)
        began = onset if onset is not None and onset.p < CHANCE and onset.after > onset.before else None
        since = 0 if began is None else began.index
        share = float(bad[since:].mean())
        if wilson(int(bad[since:].sum()), len(bad) - since)[0] < SHARE:
            return None
        kfl = both(
            f'dns && (!answered || dns_rcode == "SERVFAIL" || dns_rcode == "REFUSED" || elapsed_time >= {AGAIN_US})',
            _to(facts, server),
        )
        title = (
            f"{server} leaves {share:.0%} of the DNS queries unanswered, fails them, or answers only when they are "
            f"sent again ({int(bad.sum())} queries)"
        )
        magnitude = Magnitude(None if began is None else began.before, share, "share of queries failed")
        at = None if began is None else began.at_ns
        return self._finding(facts, server, rows, rows[bad], title, kfl, magnitude, share, at)

    def _slow(self, facts: Facts, server: str, rows: Int64) -> Finding | None:
        calls = facts.calls
        rows = rows[calls.answered[rows]]
        if len(rows) < LEAST:
            return None
        elapsed = calls.elapsed_us[rows]
        onset = onset_of_level(calls.start_ns[rows], elapsed)
        if onset is not None and onset.p < CHANCE and onset.after >= max(SLOW_US, TIMES * onset.before):
            before, after, at, late = onset.before, onset.after, onset.at_ns, rows[onset.index :]
        elif quantile(elapsed, 0.5) >= 10 * SLOW_US:
            before, after, at, late = None, quantile(elapsed, 0.5), None, rows
        else:
            return None
        was = "" if before is None else f", {before / 1000:.1f} ms before"
        kfl = both(f"dns && elapsed_time >= {SLOW_US}", _to(facts, server))
        title = f"{server} takes {after / 1000:.0f} ms for a DNS answer (median{was})"
        bad = late[calls.elapsed_us[late] >= SLOW_US]
        magnitude = Magnitude(None if before is None else before / 1000, after / 1000, "ms median")
        return self._finding(facts, server, rows, bad, title, kfl, magnitude, len(bad) / len(late), at)

    def _finding(
        self,
        facts: Facts,
        server: str,
        rows: Int64,
        bad: Int64,
        title: str,
        kfl: str,
        magnitude: Magnitude,
        share: float,
        onset: int | None,
    ) -> Finding:
        calls = facts.calls
        return Finding(
            self.name,
            Mechanism.DNS_RESOLVER_SLOW,
            Component(Kind.EXTERNAL if calls.outside[rows[0]] else Kind.WORKLOAD, server),
            title,
            Confidence.HIGH if len(bad) >= 2 * LEAST else Confidence.MEDIUM,
            min(1.0, share),
            onset_ns=onset,
            magnitude=magnitude,
            affected=tuple(Edge(client, server, "dns") for client in calls.client.taken(bad).counts()),
            entries=tuple(int(entry) for entry in calls.id[bad[:3]]),
            claims=(counted(facts, kfl, "queries that suffered"),),
            refuted_by="quick answers of the same resolver to the same names at that time",
        )


def _to(facts: Facts, server: str) -> str:
    return side_filter(facts, "dst", server)
