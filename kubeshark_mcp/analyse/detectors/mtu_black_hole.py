"""Small messages pass and large ones vanish: a link with a smaller MTU whose ICMP messages are lost."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kubeshark_mcp.analyse.claims import counted
from kubeshark_mcp.analyse.columns import Int64, Mask, groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Connections, Facts
from kubeshark_mcp.analyse.filters import both, side_filter
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism

LARGE = 1200
"""Bytes of a message that may need a packet larger than the smallest MTU in use (1280 for IPv6, RFC 8200)."""
LEAST = 2
"""Large messages that must vanish."""
AGAIN = 2
"""Times that a segment must be sent again in vain."""
LOSS = 0.003
"""Share of segments sent again on connections with small messages from which the way loses whatever passes."""
STUCK = 0.2
"""Share of a connection's segments that are repeats from which it stands still, though its call was answered in the end
or on one side of the hole."""


class MtuBlackHole(Detector):
    """Stuck connections by pair of workloads, and the size of what they carried.

    A connection is stuck where segments were sent again AGAIN times or more and its call was not answered, or where
    repeats are most of it. The sizes must tell: every stuck connection carried a message of LARGE bytes or more, and of
    those that carried only smaller ones hardly any is stuck. Plain loss hits small and large alike: where it does
    between the same nodes, nothing is said.
    """

    name = "mtu_black_hole"
    looks_for = "large packets that vanish"
    mechanisms = frozenset({Mechanism.MTU_BLACK_HOLE})
    protocols = frozenset({"tcp_conn"})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each pair that loses what is large."""
        links = facts.connections
        tcp = links.transport.equal("tcp") & ~links.state.equal("syn_sent", "refused")
        largest, waiting = _messages(facts)
        again = links.retransmissions
        stuck = tcp & (again >= AGAIN) & (waiting | (again >= STUCK * (links.packets_out + links.packets_in)))
        if int(stuck.sum()) < LEAST:
            return
        for (client, server), rows in groups(links.client, links.server):
            own = rows[tcp[rows]]
            bad = own[stuck[own]]
            if len(bad) < LEAST or int(largest[bad].min()) < LARGE:
                continue
            small = own[largest[own] < LARGE]
            fine = own[~stuck[own] & (largest[own] >= LARGE)]
            if _lossy(links, rows, tcp & (largest < LARGE)):
                continue
            if len(small) >= LEAST and len(fine) <= 0.2 * (len(bad) + len(fine)):
                yield self._finding(facts, (client, server), bad, small, largest)

    def _finding(self, facts: Facts, pair: tuple[str, str], bad: Int64, small: Int64, largest: Int64) -> Finding:
        links = facts.connections
        client, server = pair
        kfl = both(
            f"tcp_conn && tcp_retransmissions >= {AGAIN}",
            side_filter(facts, "src", client),
            side_filter(facts, "dst", server),
        )
        return Finding(
            self.name,
            Mechanism.MTU_BLACK_HOLE,
            Component(Kind.EDGE, client, server),
            f"between {client} and {server} messages of {int(largest[bad].min()):,} bytes and more never arrive, "
            f"however often they are sent ({len(bad)} connections stand still), while {len(small)} connections with "
            "only small messages work: a link on the way takes smaller packets than the ends think",
            Confidence.HIGH if len(bad) > LEAST else Confidence.MEDIUM,
            len(bad) / (len(bad) + len(small)),
            onset_ns=int(links.start_ns[bad].min()),
            magnitude=Magnitude(None, float(len(bad)), "connections that stand still"),
            affected=(Edge(client, server),),
            entries=tuple(int(entry) for entry in links.id[bad[:3]]),
            claims=(counted(facts, kfl, "connections there that sent segments again and again"),),
            refuted_by="a large message between the two that arrived",
            facts={"smallest_lost": int(largest[bad].min())},
        )


def _lossy(links: Connections, pair: Int64, small: Mask) -> bool:
    """Tell whether small messages are lost too on the way between the nodes of a pair: then size is not the reason."""
    row = int(pair[0])
    same = small & links.client_node.equal(links.client_node[row]) & links.server_node.equal(links.server_node[row])
    sent = int((links.packets_out + links.packets_in)[same].sum())
    return int(links.retransmissions[same].sum()) > LOSS * sent


def _messages(facts: Facts) -> tuple[Int64, Mask]:
    """Give the largest message of each connection (bytes), and whether something on it was never answered."""
    calls, links = facts.calls, facts.connections
    goodput = np.maximum(links.bytes_out, links.bytes_in)
    largest, waiting = np.zeros(len(links), np.int64), np.zeros(len(links), np.bool_)
    order = np.argsort(links.connection, kind="stable")
    if not len(order):
        return largest, waiting
    place = np.searchsorted(links.connection[order], calls.connection).clip(max=len(order) - 1)
    rows = order[place]
    known = links.connection[rows] == calls.connection
    size = np.maximum(calls.request_bytes, calls.response_bytes)
    np.maximum.at(largest, rows[known], size[known])
    np.logical_or.at(waiting, rows[known], ~calls.answered[known])
    without = np.ones(len(links), np.bool_)
    without[rows[known]] = False
    largest[without] = goodput[without]
    waiting |= without
    return largest, waiting
