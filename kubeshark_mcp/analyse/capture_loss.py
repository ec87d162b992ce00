"""How much of the traffic the capture itself lost, told apart from what the network lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kubeshark_mcp.analyse.columns import Int64, Mask, groups
from kubeshark_mcp.analyse.facts import Connections, Facts

GAPS = 20
"""Gaps that nothing filled from which a capture is lossy, not unlucky."""
RATE = 0.01
"""Gaps for each packet that was seen, from which answers suffer: calls have a handful of packets each."""
PACKETS = 10
"""Packets of a pair of ends that must have been seen before its lack of gaps means anything."""
SPREAD = 0.5
"""Share of pairs that must be hit: a capture loses everywhere, a fault of the network on some ways only."""
EACH = 1.5
"""Gaps on each connection that is hit: one is where a connection stood still for good."""
WAYS = 8
"""Pairs from which that does not matter: no fault of the network lies on so many ways."""


@dataclass(frozen=True, slots=True)
class CaptureLoss:
    """What the captures of some nodes lack.

    nodes: whose captures are lossy, sorted. gaps: places in TCP streams where segments are missing that were never
    sent again although the stream went on. hit, connections: TCP connections with such gaps, and all of these nodes.
    share: gaps for each packet that was seen, a lower bound of the share that is missing.
    """

    nodes: tuple[str, ...]
    gaps: int
    hit: int
    connections: int
    share: float

    def __str__(self) -> str:
        """Say it in one sentence, as a limit of an answer."""
        return (
            f"the capture of {', '.join(self.nodes)} lost packets itself: {self.gaps:,} gaps on {self.hit} of "
            f"{self.connections} TCP connections were never filled, so at least {self.share:.0%} of the packets are "
            "missing; what has no answer here may have had one, and no finding is sure"
        )


def capture_loss(facts: Facts) -> CaptureLoss | None:
    """Find nodes whose capture lost packets, for `facts.derived`; None where all are whole.

    What the network loses before the point of capture is sent again, and what it loses behind that point leaves no gap.
    A gap that no retransmission fills, on a stream that goes on, was lost by the capture; a stream that hangs for good
    leaves one too, but only on the ways that a fault concerns.
    """
    links = facts.sighted_connections
    tcp = links.transport.equal("tcp") & ~links.state.equal("syn_sent", "refused")
    unfilled = np.maximum(links.missing_segments - links.retransmissions - links.out_of_order, 0)
    rows = np.flatnonzero(tcp)
    lossy = [
        (str(node), rows[places]) for (node,), places in groups(links.node.taken(rows))
        if _is_lossy(links, rows[places], unfilled)
    ]  # fmt: skip
    if not lossy:
        return None
    chosen = np.concatenate([own for _, own in lossy])
    gaps = unfilled[chosen]
    return CaptureLoss(
        tuple(sorted(node for node, _ in lossy)),
        int(gaps.sum()),
        int(np.count_nonzero(gaps)),
        len(chosen),
        float(gaps.sum() / max(1, int((links.packets_out + links.packets_in)[chosen].sum()))),
    )


def _is_lossy(links: Connections, rows: Int64, unfilled: Int64) -> bool:
    """Tell whether the gaps of one capture are many and everywhere."""
    packets = (links.packets_out + links.packets_in)[rows]
    gaps = unfilled[rows]
    if int(gaps.sum()) < max(GAPS, RATE * int(packets.sum())):
        return False
    hit, seen, stuck = 0, 0, int(gaps.sum()) < EACH * np.count_nonzero(gaps)
    for _, places in groups(links.client.taken(rows), links.server.taken(rows)):
        hurt: Mask = gaps[places] > 0
        if int(packets[places].sum()) >= PACKETS:
            seen += 1
            hit += bool(hurt.any())
    return hit >= SPREAD * seen > 0 and (not stuck or seen >= WAYS)
