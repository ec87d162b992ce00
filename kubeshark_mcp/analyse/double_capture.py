"""Connections of which a capture shows every packet twice: before and after a node forwarded it."""

from __future__ import annotations

from kubeshark_mcp.analyse.columns import Mask
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.tcp_health import repeated


def seen_twice(facts: Facts) -> Mask:
    """Tell which of `facts.connections` were captured twice throughout, for `facts.derived`.

    A bridge or `any` interface shows a packet where it comes in and where it goes out: each segment looks like a
    retransmission, and each acknowledgment like a duplicate, with nothing missing and nothing that a receiver asked
    for. Loss that repeats as many packets has gaps, out-of-order segments or fast retransmissions.
    """
    links = facts.connections
    odd = links.fast_retransmissions + links.out_of_order + links.missing_segments
    packets = links.packets_out + links.packets_in
    twice: Mask = links.transport.equal("tcp") & repeated(packets, links.retransmissions, links.dup_acks, odd)
    return twice
