"""Small messages pass and large ones vanish: a link with a smaller MTU whose ICMP messages are lost."""

from __future__ import annotations

from collections.abc import Iterator

from kubeshark_mcp.analyse.black_holes import AGAIN, LEAST, Hole, holes
from kubeshark_mcp.analyse.claims import counted
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both, side_filter
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism


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
        for hole in facts.derived(holes):
            yield self._finding(facts, hole)

    def _finding(self, facts: Facts, hole: Hole) -> Finding:
        links, bad = facts.connections, hole.stuck
        client, server = hole.client, hole.server
        nodes = [column[int(bad[0])] for column in (links.client_node, links.server_node)]
        way = f" on the way from {nodes[0]} to {nodes[1]}" if all(nodes) and nodes[0] != nodes[1] else " on the way"
        kfl = both(
            f"tcp_conn && tcp_retransmissions >= {AGAIN}",
            side_filter(facts, "src", client),
            side_filter(facts, "dst", server),
        )
        return Finding(
            self.name,
            Mechanism.MTU_BLACK_HOLE,
            Component(Kind.EDGE, client, server),
            f"between {client} and {server} messages of {hole.smallest:,} bytes and more never arrive, "
            f"however often they are sent ({len(bad)} connections stand still), while {hole.small} connections with "
            f"only small messages work: a link{way} takes smaller packets than the ends think",
            Confidence.HIGH if len(bad) > LEAST else Confidence.MEDIUM,
            len(bad) / (len(bad) + hole.small),
            onset_ns=hole.since_ns,
            magnitude=Magnitude(None, float(len(bad)), "connections that stand still"),
            affected=(Edge(client, server),),
            entries=tuple(int(entry) for entry in links.id[bad[:3]]),
            claims=(counted(facts, kfl, "connections there that sent segments again and again"),),
            refuted_by="a large message between the two that arrived",
            facts={"smallest_lost": hole.smallest},
        )
