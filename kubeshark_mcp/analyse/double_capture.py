"""Connections of which a capture shows every packet twice: before and after a node forwarded it."""

from __future__ import annotations

import numpy as np

from kubeshark_mcp.analyse.columns import Mask
from kubeshark_mcp.analyse.facts import Facts

HALF = 0.4
"""Share of a connection's packets that repeat another one, near the half that a double capture has."""
FAST = 0.05
"""Share of fast retransmissions among the repeats up to which no receiver asked for them."""
LEAST = 3


def seen_twice(facts: Facts) -> Mask:
    """Tell which of `facts.connections` were captured twice throughout, for `facts.derived`.

    A bridge or `any` interface shows a packet where it comes in and where it goes out: each segment looks like a
    retransmission, and each acknowledgment like a duplicate, with nothing missing and nothing that a receiver asked
    for. Loss that repeats as many packets has gaps, out-of-order segments or fast retransmissions.
    """
    links = facts.connections
    repeats = links.retransmissions + links.dup_acks
    odd = links.fast_retransmissions + links.out_of_order + links.missing_segments
    return np.asarray(
        links.transport.equal("tcp")
        & (links.retransmissions >= LEAST)
        & (links.dup_acks >= 1)
        & (repeats >= HALF * (links.packets_out + links.packets_in))
        & (odd <= FAST * links.retransmissions)
    )
