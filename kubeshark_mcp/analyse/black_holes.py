"""Pairs between which small messages pass and large ones vanish."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kubeshark_mcp.analyse.columns import Int64, Mask, groups
from kubeshark_mcp.analyse.double_capture import seen_twice
from kubeshark_mcp.analyse.facts import Connections, Facts

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


@dataclass(frozen=True, slots=True)
class Hole:
    """A pair that loses what is large. stuck: rows of `facts.connections`; small: connections with small messages only.

    smallest: bytes of the smallest message that was lost. since_ns: when the first one was sent.
    """

    client: str
    server: str
    stuck: Int64
    small: int
    smallest: int
    since_ns: int


def holes(facts: Facts) -> tuple[Hole, ...]:
    """Give the pairs that lose what is large, for `facts.derived`."""
    links = facts.connections
    tcp = links.transport.equal("tcp") & ~links.state.equal("syn_sent", "refused") & ~facts.derived(seen_twice)
    largest, waiting, since = _messages(facts)
    again = links.retransmissions
    stuck = tcp & (again >= AGAIN) & (waiting | (again >= STUCK * (links.packets_out + links.packets_in)))
    if int(stuck.sum()) < LEAST:
        return ()
    found = []
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
            began = int(since[bad].min())
            found.append(Hole(client, server, bad, len(small), int(largest[bad].min()), began))
    return tuple(found)


def _lossy(links: Connections, pair: Int64, small: Mask) -> bool:
    """Tell whether small messages are lost too on the way between the nodes of a pair: then size is not the reason."""
    row = int(pair[0])
    same = small & links.client_node.equal(links.client_node[row]) & links.server_node.equal(links.server_node[row])
    sent = int((links.packets_out + links.packets_in)[same].sum())
    return int(links.retransmissions[same].sum()) > LOSS * sent


def _messages(facts: Facts) -> tuple[Int64, Mask, Int64]:
    """Give each connection's largest message (bytes), whether a call on it hangs, and when its largest call began."""
    calls, links = facts.calls, facts.connections
    goodput = np.maximum(links.bytes_out, links.bytes_in)
    largest, waiting = np.zeros(len(links), np.int64), np.zeros(len(links), np.bool_)
    since = links.start_ns.copy()
    order = np.argsort(links.connection, kind="stable")
    if not len(order):
        return largest, waiting, since
    place = np.searchsorted(links.connection[order], calls.connection).clip(max=len(order) - 1)
    rows = order[place]
    known = links.connection[rows] == calls.connection
    size = np.maximum(calls.request_bytes, calls.response_bytes)
    np.maximum.at(largest, rows[known], size[known])
    np.logical_or.at(waiting, rows[known], ~calls.answered[known])
    big = known & (size >= LARGE) & ((size >= largest[rows]) | ~calls.answered)
    since[rows[big][::-1]] = calls.start_ns[big][::-1]  # The earliest is written last.
    without = np.ones(len(links), np.bool_)
    without[rows[known]] = False
    largest[without] = goodput[without]
    return largest, waiting | without, since
