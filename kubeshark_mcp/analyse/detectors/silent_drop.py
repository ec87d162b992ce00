"""SYN after SYN without an answer: packets of one pair, or to one server, vanish."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kubeshark_mcp.analyse.attempts import RETRY_NS, Target, began, clients_of, rejected, since, target_filter, targets
from kubeshark_mcp.analyse.claims import counted
from kubeshark_mcp.analyse.columns import Int64, Mask
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.statistics import wilson

LEAST = 2
"""Attempts without an answer below which nothing is said."""
SHARE = 0.3
"""Share of attempts since the onset (its lower limit) that must go unanswered."""


class SilentDrop(Detector):
    """Unanswered SYNs by client, server and port.

    Counts attempts that sent their SYN again, or had RETRY_NS left to, without any answer. Where other clients reach
    the same port at that time, the pair is to blame (a policy); where nobody does, the server. A server's node that was
    captured tells whether the SYN arrived.
    """

    name = "silent_drop"
    looks_for = "connections that vanish without an answer"
    mechanisms = frozenset({Mechanism.SILENT_DROP})
    protocols = frozenset({"tcp_conn"})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each pair, or each server where all its clients suffer."""
        for target in targets(facts, _unanswered(facts)):
            links = facts.connections
            for client in clients_of(links, target.failed):
                own = links.client.taken(target.rows).equal(client)
                pair = Target(target.server, target.port, target.rows[own], target.bad[own])
                others = target.rows[~own & ~target.bad]
                if len(pair.failed) >= LEAST:
                    yield from self._judged(facts, pair, client, others)

    def _judged(self, facts: Facts, pair: Target, client: str, others: Int64) -> Iterator[Finding]:
        links = facts.connections
        onset = since(links, pair)
        bad = pair.bad[0 if onset is None else onset.index :]
        share = float(bad.mean())
        if wilson(int(bad.sum()), len(bad))[0] < SHARE:
            return
        lost = pair.failed
        reached = int(np.count_nonzero(links.start_ns[others] >= links.start_ns[lost[0]]))
        arrived = _arrived(facts, lost)
        alone = reached > 0
        component = Component(Kind.EDGE, client, pair.server) if alone else Component(Kind.WORKLOAD, pair.server)
        why = f"; other clients reached it {reached} times meanwhile" if alone else "; nobody reaches it"
        kfl = target_filter(facts, pair.server, pair.port, ["syn_sent"], client)
        yield Finding(
            self.name,
            Mechanism.SILENT_DROP,
            component,
            f"{len(lost)} of {len(pair.rows)} connections from {client} to {pair.server} port {pair.port} got no "
            f"answer to their SYN{why}{arrived}",
            Confidence.HIGH if len(lost) > 3 or alone or arrived else Confidence.MEDIUM,
            share,
            onset_ns=began(facts, pair, onset),
            magnitude=Magnitude(None if onset is None else onset.before, share, "share of attempts unanswered"),
            affected=(Edge(client, pair.server),),
            entries=tuple(int(entry) for entry in links.id[lost[:3]]),
            claims=(counted(facts, kfl, "connections that got no answer"),),
            refuted_by="a SYN-ACK of that server to that client after the onset",
            facts={"port": pair.port, "unanswered": len(lost)},
        )


def _unanswered(facts: Facts) -> Mask:
    links = facts.connections
    silent = links.state.equal("syn_sent") & (links.packets_in == 0) & ~facts.derived(rejected)
    late = links.start_ns + RETRY_NS < facts.coverage.end_ns
    found: Mask = silent & ((links.packets_out > 1) | late)
    return found


def _arrived(facts: Facts, lost: Int64) -> str:
    """Say whether the SYN was seen on the server's node too, where that node was captured."""
    links, seen = facts.connections, facts.sighted_connections
    node = links.server_node[int(lost[0])]
    here = links.node[int(lost[0])]
    if not node or node not in facts.coverage.nodes or node == links.client_node[int(lost[0])]:
        return ""
    there = seen.node.equal(node) & seen.state.equal("syn_sent")
    ports = np.isin(seen.client_port[there], links.client_port[lost])
    return f"; the SYN arrived on {node}" if ports.any() else f"; the SYN left {here} and never arrived on {node}"
