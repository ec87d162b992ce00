"""Names that no longer resolve, or never did, although somebody depends on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kubeshark_mcp.analyse.capture_loss import capture_loss
from kubeshark_mcp.analyse.claims import counted
from kubeshark_mcp.analyse.columns import Int64, groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both, side_filter, text
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.names import Lookups, lookups

LEAST = 3
"""Final NXDOMAIN answers below which nothing is said: programs probe for names."""
SUFFERING = 0.2
"""Share of failed calls to the asking workload from which its users are said to suffer."""


GIVEN_UP_NS = 15 * 10**9
"""Time that a look-up takes at most when a query gets no answer: resolv.conf(5) waits 5 s, twice, by default."""


@dataclass(frozen=True, slots=True)
class _Missing:
    """A name that a client cannot resolve. final: rows of its final NXDOMAIN answers since it last resolved."""

    client: str
    name: str
    final: Int64
    resolved: int
    harmed: bool


class DnsNameMissing(Detector):
    """Final NXDOMAIN answers by client and name, search domains aside.

    Only the answer after the last search domain counts, so the usual NXDOMAIN of a search list is no finding. A name
    that resolved before and then stopped is sure; one that never did counts where the asking workload fails its own
    callers meanwhile, else it is a hint: programs probe for names that need not exist.
    """

    name = "dns_name_missing"
    looks_for = "DNS names that do not resolve"
    mechanisms = frozenset({Mechanism.DNS_NAME_MISSING})
    protocols = frozenset({"dns"})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each name, with all clients that miss it."""
        names: dict[str, list[_Missing]] = {}
        for one in _missing(facts, facts.derived(lookups)):
            names.setdefault(one.name, []).append(one)
        for name, clients in names.items():
            yield self._finding(facts, name, clients)

    def _finding(self, facts: Facts, name: str, clients: list[_Missing]) -> Finding:
        calls = facts.calls
        rows = np.sort(np.concatenate([one.final for one in clients]))
        resolved = sum(one.resolved for one in clients)
        who = ", ".join(one.client for one in clients[:3])
        before = f"after it had resolved {resolved} times" if resolved else "and it never did in this window"
        sure = bool(resolved)
        # Calls without an answer are no harm where the capture lost the answers.
        harmed = any(one.harmed for one in clients) and facts.derived(capture_loss) is None
        low = not sure and not harmed
        resolvers = calls.server.taken(rows).counts()
        kfl = both(
            'dns && dns_rcode == "NXDOMAIN"',
            f"summary.contains({text(name)})",
            side_filter(facts, "src", clients[0].client) if len(clients) == 1 else "",
        )
        return Finding(
            self.name,
            Mechanism.DNS_NAME_MISSING,
            Component(Kind.NAME, name),
            f"the name {name}{_service(facts, name)} does not resolve for {who}: "
            f"{len(rows)} final NXDOMAIN answers {before}",
            Confidence.LOW if low else Confidence.HIGH if sure else Confidence.MEDIUM,
            1.0 if sure else 0.7,
            onset_ns=int(calls.start_ns[rows[0]]) if sure else None,
            magnitude=Magnitude(0.0 if sure else None, float(len(rows)), "final NXDOMAIN answers"),
            affected=tuple(Edge(one.client, server, "dns") for one in clients for server in list(resolvers)[:1]),
            entries=tuple(int(entry) for entry in calls.id[rows[:3]]),
            claims=(counted(facts, kfl, "NXDOMAIN answers about the name, search domains included"),),
            refuted_by="an answer with an address for that name to the same client afterwards",
            facts={"name": name, "final_nxdomain": len(rows), "resolved_before": resolved},
        )


def _missing(facts: Facts, found: Lookups) -> Iterator[_Missing]:
    calls = facts.calls
    clients = calls.client.taken(found.rows)
    for (client, base), own in groups(clients, found.base):
        final = _reliable(facts, found, own, own[found.nxdomain[own] & found.last[own]])
        if len(final) < LEAST:
            continue
        good = own[found.good[own]]
        after = final[final > good[-1]] if len(good) else final
        seconds = _distinct(calls.start_ns[found.rows[after]])
        if len(after) >= LEAST and seconds >= LEAST - 1:
            since = int(calls.start_ns[found.rows[after[0]]]) if len(good) else 0
            yield _Missing(client, found.bases[base], found.rows[after], len(good), _harmed(facts, client, since))


def _reliable(facts: Facts, found: Lookups, own: Int64, final: Int64) -> Int64:
    """Leave final answers out that follow a query of the same look-up that nobody answered.

    Then the resolver is at fault, not the name: where a search domain times out, resolvers go on to the next one.
    """
    calls = facts.calls
    times = calls.start_ns[found.rows]
    silent = times[own[~calls.answered[found.rows[own]]]]
    before = np.searchsorted(silent, times[final])
    kept = np.ones(len(final), np.bool_)
    some = before > 0
    kept[some] = times[final[some]] - silent[before[some] - 1] > GIVEN_UP_NS
    left: Int64 = final[kept]
    return left


def _service(facts: Facts, name: str) -> str:
    """Say which service of the cluster a name stands for, where it has the form of one (`name.namespace`)."""
    parts = name.removesuffix(".svc").split(".")
    spaces = {
        value.partition("/")[0] for value in (*facts.calls.client.values, *facts.calls.server.values) if "/" in value
    }
    return f" (service {parts[1]}/{parts[0]})" if len(parts) == 2 and parts[1] in spaces else ""


def _distinct(times_ns: Int64) -> int:
    """Count the moments of look-ups: queries for A and AAAA, and quick repeats, are one."""
    return 1 + int(np.count_nonzero(np.diff(times_ns) > 200_000_000)) if len(times_ns) else 0


def _harmed(facts: Facts, client: str, since_ns: int) -> bool:
    """Tell whether callers of a workload get failures from it since a time, more than before."""
    calls = facts.calls
    served = np.flatnonzero(calls.server.equal(client) & ~calls.protocol.equal("dns"))
    bad = (calls.failed | ~calls.answered)[served]
    late = calls.start_ns[served] >= since_ns
    if not late.any():
        return False
    before = float(bad[~late].mean()) if (~late).any() else 0.0
    return float(bad[late].mean()) >= max(SUFFERING, 2 * before)
