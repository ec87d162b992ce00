"""Attempts that are answered with RST: nobody listens there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kubeshark_mcp.analyse.attempts import Target, began, clients_of, rejected, since, target_filter, targets, told
from kubeshark_mcp.analyse.claims import counted
from kubeshark_mcp.analyse.columns import groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Connections, Facts
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.statistics import wilson

LEAST = 3
"""Refusals below which nothing is said: one may be a pod that starts, or a client that came too late."""
SYN = 1
"""Bit of the completeness: the SYN was seen."""
SHARE = 0.3
"""Share of attempts since the onset (its lower limit) that must be refused."""


class ConnectionRefused(Detector):
    """Refused attempts by server and port.

    A target counts where, from the onset on, at least SHARE of the attempts are refused (lower limit of Wilson's
    interval) and refusals go on to the end of the attempts. Refusals that ended, as of a pod that starts, are a hint.
    Where only some replicas refuse, or only one of several clients is refused, the finding says so.
    """

    name = "connection_refused"
    looks_for = "connections refused"
    mechanisms = frozenset({Mechanism.CONNECTION_REFUSED})
    protocols = frozenset({"tcp_conn"})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each port that refuses."""
        links = facts.connections
        by_icmp = facts.derived(rejected)
        # A RST on a connection that began before the capture answers no SYN: some clients close so.
        refused = links.state.equal("refused") & ((links.completeness & SYN) > 0)
        for target in targets(facts, refused | by_icmp):
            if len(target.failed) >= LEAST:
                yield from self._judged(facts, target)

    def _judged(self, facts: Facts, target: Target) -> Iterator[Finding]:
        links = facts.connections
        onset = since(links, target)
        first = 0 if onset is None else onset.index
        bad = target.bad[first:]
        share = float(bad.mean())
        if not _harmful(links, target, first):
            return
        over = not target.bad[-max(3, len(bad) // 5) :].any()
        refused = target.failed
        clients = clients_of(links, refused)
        pods = {pod for pod in links.server_pod.taken(refused).counts() if pod}
        accepting = set(links.server_pod.taken(target.rows[~target.bad]).counts()) - {""}
        some = bool(pods) and bool(accepting - pods)
        where = f"by {', '.join(sorted(pods))} alone, its siblings accept" if some else "whichever pod is asked"
        sentence = (
            f"{target.server} port {target.port} refuses connections: {len(refused)} of {len(target.rows)} attempts "
            f"from {', '.join(clients[:3])} were answered with {_answer(facts, target)}"
        )
        kfl = target_filter(facts, target.server, target.port, sorted(links.state.taken(refused).counts()))
        yield Finding(
            self.name,
            Mechanism.CONNECTION_REFUSED,
            Component(Kind.WORKLOAD, target.server),
            f"{sentence}, {where}" if pods else f"{sentence}: nothing listens there, or no pod is behind the service",
            Confidence.LOW if over else Confidence.HIGH,
            share,
            onset_ns=began(facts, target, onset),
            end_ns=int(links.start_ns[refused[-1]]) if over else None,
            magnitude=Magnitude(None if onset is None else onset.before, share, "share of attempts refused"),
            affected=tuple(Edge(client, target.server) for client in clients),
            entries=tuple(int(entry) for entry in links.id[refused[:3]]),
            claims=(
                counted(facts, kfl, "attempts refused"),
                counted(facts, target_filter(facts, target.server, target.port), "attempts on that port"),
            ),
            refuted_by="accepted connections to the same port at the same time",
            facts={"port": target.port, "refused": len(refused), "attempts": int(np.size(target.rows))},
        )


def _harmful(links: Connections, target: Target, first: int) -> bool:
    """Tell whether the share of refusals is high enough, in all or at one replica."""
    rows, bad = target.rows[first:], target.bad[first:]
    if wilson(int(bad.sum()), len(bad))[0] >= SHARE:
        return True
    pods = links.server_pod.taken(rows)
    return any(wilson(int(bad[own].sum()), len(own))[0] >= SHARE for (pod,), own in groups(pods) if pod)


def _answer(facts: Facts, target: Target) -> str:
    by_icmp, messages = facts.derived(rejected)[target.failed], facts.derived(told)[target.failed]
    if not by_icmp.any():
        return "RST"
    few = (
        f" ({np.count_nonzero(messages)} were told so: hosts limit these messages)"
        if (by_icmp & ~messages).any()
        else ""
    )
    return f"{'' if by_icmp.all() else 'RST or '}ICMP unreachable{few}"
