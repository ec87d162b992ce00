"""Segments that are lost: which node, workload or path they have in common."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kubeshark_mcp.analyse.attempts import scanned
from kubeshark_mcp.analyse.black_holes import holes
from kubeshark_mcp.analyse.claims import counted
from kubeshark_mcp.analyse.columns import Int64, Mask, groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.double_capture import seen_twice
from kubeshark_mcp.analyse.facts import Connections, Facts
from kubeshark_mcp.analyse.filters import both, side_filter, text
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.statistics import normal_tail, onset_of_share

RATE = 0.005
"""Share of segments sent again below which TCP does not suffer noticeably (throughput falls with its square root)."""
LEAST = 10
"""Segments sent again below which nothing is said."""
SPREAD = 3
"""Connections that must be hit: one alone is a slow or stuck peer, not the way."""
CONTRAST = 4.0
"""How many times the rate elsewhere must be exceeded."""
CHANCE = 1e-6
UNEVEN = 1.5
"""Index of dispersion (1 for what happens by chance alone) from which loss is not what spread the repeats."""
FEW = 0.05
STUCK = 0.5
"""A connection that sent more than this share of its segments again does not lose here and there: it stands still."""


@dataclass(frozen=True, slots=True)
class _Suspect:
    """A set of connections that may share a lossy part, with what it would be blamed on, and how to select it."""

    component: Component
    rows: Mask
    kfl: str
    order: int


class PacketLoss(Detector):
    """Retransmissions by node, workload, path and pair: the set that explains them best.

    Each candidate splits the connections in two; the one with the greatest likelihood gain (binomial, one degree of
    freedom) is named, if its rate is RATE or more and CONTRAST times the rate of the rest, over SPREAD connections or
    more. Nodes come before workloads and pairs where they explain as much. Connections that stand still altogether are
    another fault, and so are repeats that hit every connection alike.
    """

    name = "packet_loss"
    looks_for = "lost packets by node and path"
    mechanisms = frozenset({Mechanism.PACKET_LOSS})
    protocols = frozenset({"tcp_conn"})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give the part that loses, if there is one."""
        links = facts.connections
        sent = links.packets_out + links.packets_in
        again = links.retransmissions
        usable = links.transport.equal("tcp") & ~links.state.equal("syn_sent", "refused")
        usable &= ~facts.derived(scanned) & ~facts.derived(seen_twice) & ~_in_holes(facts)
        usable &= (again <= STUCK * sent) & (links.zero_windows == 0)
        if int(again[usable].sum()) < LEAST:
            return
        best, strength = None, 0.0
        for suspect in _suspects(facts, usable):
            gain = _gain(again, sent, suspect.rows, usable & ~suspect.rows)
            if _stands_out(again, sent, suspect.rows, usable & ~suspect.rows) and gain > strength * 1.02 + 1e-9:
                best, strength = suspect, gain
        if best is None or not _by_chance(again, sent, best.rows):
            return
        if normal_tail(math.sqrt(2 * strength)) < CHANCE:
            yield self._finding(facts, best, usable)

    def _finding(self, facts: Facts, suspect: _Suspect, usable: Mask) -> Finding:
        links, rows = facts.connections, np.flatnonzero(suspect.rows)
        again = int(links.retransmissions[rows].sum())
        sent = int((links.packets_out + links.packets_in)[rows].sum())
        rest = usable & ~suspect.rows
        rest_sent = int((links.packets_out + links.packets_in)[rest].sum())
        rest_rate = int(links.retransmissions[rest].sum()) / rest_sent if rest_sent else 0.0
        hit = rows[links.retransmissions[rows] > 0]
        onset = onset_of_share(links.start_ns[rows], links.retransmissions[rows] > 0)
        began = onset if onset is not None and onset.p < 0.01 and onset.after > onset.before else None
        kfl = both("tcp_conn && tcp_retransmissions > 0", suspect.kfl)
        ends = zip(links.client.taken(hit).decoded(), links.server.taken(hit).decoded(), strict=True)
        return Finding(
            self.name,
            Mechanism.PACKET_LOSS,
            suspect.component,
            f"{again / sent:.1%} of the segments on {_where(suspect.component)} were sent again ({again:,} of "
            f"{sent:,}, on {len(hit)} of {len(rows)} connections); elsewhere {rest_rate:.2%}",
            _confidence(links, rows, again),
            min(1.0, len(hit) / len(rows)),
            onset_ns=None if began is None else began.at_ns,
            magnitude=Magnitude(rest_rate, again / sent, "share of segments sent again"),
            affected=tuple(Edge(client, server) for client, server in list(dict.fromkeys(ends))[:20]),
            entries=tuple(int(entry) for entry in links.id[hit[np.argsort(-links.retransmissions[hit])][:3]]),
            claims=(counted(facts, kfl, "connections there that sent segments again"),),
            refuted_by="as many retransmissions on connections that do not share this part",
            facts={"retransmissions": again, "segments": sent},
        )


def _in_holes(facts: Facts) -> Mask:
    """Tell which connections stand still because what they carry is too large."""
    found = np.zeros(len(facts.connections), np.bool_)
    for hole in facts.derived(holes):
        found[hole.stuck] = True
    return found


def _where(component: Component) -> str:
    return f"the way between {component.name} and {component.peer}" if component.peer else component.name


def _suspects(facts: Facts, usable: Mask) -> Iterator[_Suspect]:
    links = facts.connections
    nodes = (set(links.client_node.values) | set(links.server_node.values)) - {""}
    same = np.array(links.client_node.decoded()) == np.array(links.server_node.decoded())
    for node in sorted(nodes):
        touches = links.client_node.equal(node) | links.server_node.equal(node)
        crossing = touches & ~same & usable
        kfl = (
            f"(local_node_name == {text(node)} || remote_node_name == {text(node)}) "
            "&& local_node_name != remote_node_name"
        )
        yield _Suspect(Component(Kind.NODE, node), crossing, kfl, 0)
    yield from _paths(links, usable & ~same)
    for label in sorted(set(links.client.values) | set(links.server.values)):
        sides = [side for side, column in (("src", links.client), ("dst", links.server)) if column.equal(label).any()]
        kfl = " || ".join(f"({side_filter(facts, side, label)})" for side in sides)
        rows = usable & (links.client.equal(label) | links.server.equal(label))
        yield _Suspect(Component(Kind.WORKLOAD, label), rows, kfl, 2)


def _paths(links: Connections, usable: Mask) -> Iterator[_Suspect]:
    rows = np.flatnonzero(usable)
    seen = set()
    for (one, other), _ in groups(links.client_node.taken(rows), links.server_node.taken(rows)):
        if not one or not other or (other, one) in seen:
            continue
        seen.add((one, other))
        there = links.client_node.equal(one) & links.server_node.equal(other)
        back = links.client_node.equal(other) & links.server_node.equal(one)
        kfl = (
            f"(local_node_name == {text(one)} && remote_node_name == {text(other)} || "
            f"local_node_name == {text(other)} && remote_node_name == {text(one)})"
        )
        yield _Suspect(Component(Kind.EDGE, one, other), (there | back) & usable, kfl, 1)


def _stands_out(again: Int64, sent: Int64, inside: Mask, outside: Mask) -> bool:
    hits, total = int(again[inside].sum()), int(sent[inside].sum())
    rest, rest_total = int(again[outside].sum()), int(sent[outside].sum())
    if hits < LEAST or np.count_nonzero(again[inside]) < SPREAD or hits < RATE * total:
        return False
    return not rest_total or hits / total >= CONTRAST * rest / rest_total


def _by_chance(again: Int64, sent: Int64, inside: Mask) -> bool:
    """Tell whether repeats hit connections as chance does.

    One on each of them is a habit of the peers, such as a FIN that is sent twice, and no loss.
    """
    segments, hits = sent[inside].astype(float), again[inside] > 0
    spared = np.exp(-segments * int(again[inside].sum()) / max(1.0, segments.sum()))
    expected, spread = float((1 - spared).sum()), math.sqrt(float((spared * (1 - spared)).sum())) + 1
    return int(hits.sum()) <= expected + 3 * spread


def _confidence(links: Connections, rows: Int64, again: int) -> Confidence:
    """Doubt repeats that a few connections bear: everything stood still for a moment then, or these peers did."""
    sent = (links.packets_out + links.packets_in)[rows].astype(float)
    expected = np.maximum(sent * again / sent.sum(), FEW)
    dispersion = float(((links.retransmissions[rows] - expected) ** 2 / expected).mean())
    if dispersion > UNEVEN:
        return Confidence.LOW
    return Confidence.HIGH if again >= 3 * LEAST else Confidence.MEDIUM


def _gain(again: Int64, sent: Int64, inside: Mask, outside: Mask) -> float:
    a, b = int(again[inside].sum()), int(sent[inside].sum())
    c, d = int(again[outside].sum()), int(sent[outside].sum())
    return _likelihood(a, b) + _likelihood(c, d) - _likelihood(a + c, b + d)


def _likelihood(hits: int, total: int) -> float:
    if not 0 < hits < total:
        return 0.0
    return hits * math.log(hits / total) + (total - hits) * math.log1p(-hits / total)
