"""Who calls whom: the service graph of a window, with the numbers that maps and causes rest on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kubeshark_mcp.analyse.columns import Int64, groups
from kubeshark_mcp.analyse.double_capture import seen_twice
from kubeshark_mcp.analyse.facts import Calls, Connections, Facts
from kubeshark_mcp.analyse.statistics import quantile


@dataclass(frozen=True, slots=True)
class Link:
    """Calls of one protocol from a client to a server; `tcp` or `udp` where connections alone were seen.

    Times are microseconds over answered calls (0 without any) or Unix ns UTC; bytes are payload of calls, or what the
    connections carried. connections, refused, unreachable, resets, retransmissions: of the TCP connections between the
    two, on the first link of the pair only; packets that were captured twice are no retransmissions.
    """

    client: str
    server: str
    protocol: str
    calls: int = 0
    failed: int = 0
    unanswered: int = 0
    p50_us: int = 0
    p95_us: int = 0
    request_bytes: int = 0
    response_bytes: int = 0
    first_ns: int = 0
    last_ns: int = 0
    outside: bool = False
    connections: int = 0
    refused: int = 0
    unreachable: int = 0
    resets: int = 0
    segments: int = 0
    retransmissions: int = 0


@dataclass(frozen=True)
class Graph:
    """The links of a window, and what can be reached over them."""

    links: Sequence[Link]

    @cached_property
    def servers_of(self) -> Mapping[str, frozenset[str]]:
        """Give the servers that each client calls."""
        return _neighbours((link.client, link.server) for link in self.links)

    @cached_property
    def clients_of(self) -> Mapping[str, frozenset[str]]:
        """Give the clients that call each server."""
        return _neighbours((link.server, link.client) for link in self.links)

    def below(self, name: str) -> frozenset[str]:
        """Give everything that `name` depends on, directly or through others, without itself."""
        return _reached(self.servers_of, name)

    def above(self, name: str) -> frozenset[str]:
        """Give everything that depends on `name`, without itself."""
        return _reached(self.clients_of, name)

    def path(self, client: str, server: str) -> tuple[str, ...]:
        """Give a shortest chain of calls from a client down to a server, both included; empty where there is none."""
        before = {client: ""}
        row = [client]
        while row and server not in before:
            row = [
                found for name in row for found in sorted(self.servers_of.get(name, ())) if _first(before, found, name)
            ]
        if server not in before:
            return ()
        chain = [server]
        while before[chain[-1]]:
            chain.append(before[chain[-1]])
        return tuple(reversed(chain))


def _first(before: dict[str, str], found: str, name: str) -> bool:
    if found in before:
        return False
    before[found] = name
    return True


def _neighbours(pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for one, other in pairs:
        if one != other:
            found[one].add(other)
    return {name: frozenset(others) for name, others in found.items()}


def _reached(neighbours: Mapping[str, frozenset[str]], name: str) -> frozenset[str]:
    seen: set[str] = set()
    row = [name]
    while row:
        row = [other for one in row for other in neighbours.get(one, ()) if other not in seen and other != name]
        seen.update(row)
    return frozenset(seen)


def service_graph(facts: Facts) -> Graph:
    """Give the links of the window, busiest first: one for each client, server and protocol."""
    calls, connections = facts.calls, facts.connections
    pairs = _pairs(connections, np.where(facts.derived(seen_twice), 0, connections.retransmissions))
    found = []
    for (client, server, protocol), rows in groups(calls.client, calls.server, calls.protocol):
        found.append(_link(calls, rows, (client, server, protocol), pairs.pop((client, server), {})))
    for (client, server), numbers in pairs.items():
        found.append(Link(client, server, str(numbers.pop("transport")), **numbers))
    return Graph(tuple(sorted(found, key=lambda link: (-link.calls, -link.connections, link.client, link.server))))


def _link(calls: Calls, rows: Int64, key: tuple[str, str, str], pair: Mapping[str, Any]) -> Link:
    elapsed = calls.elapsed_us[rows]
    elapsed = elapsed[elapsed >= 0]
    own = {name: value for name, value in pair.items() if name in _PAIR}
    return Link(
        *key,
        calls=len(rows),
        failed=int(calls.failed[rows].sum()),
        unanswered=int((~calls.answered[rows]).sum()),
        p50_us=int(quantile(elapsed, 0.5)),
        p95_us=int(quantile(elapsed, 0.95)),
        request_bytes=int(calls.request_bytes[rows].sum()),
        response_bytes=int(calls.response_bytes[rows].sum()),
        first_ns=int(calls.start_ns[rows[0]]),
        last_ns=int(calls.start_ns[rows[-1]]),
        outside=bool(calls.outside[rows[0]]),
        **own,
    )


_PAIR = ("connections", "refused", "unreachable", "resets", "segments", "retransmissions")


def _pairs(connections: Connections, sent_again: Int64) -> dict[tuple[str, str], dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    states = {name: connections.state.equal(text) for name, text in _STATES.items()}
    for (client, server), rows in groups(connections.client, connections.server):
        tcp = connections.transport.equal("tcp")[rows]
        found[client, server] = {
            "transport": "tcp" if tcp.any() else "udp",
            "connections": len(rows),
            **{name: int(mask[rows].sum()) for name, mask in states.items()},
            "segments": int((connections.packets_out[rows] + connections.packets_in[rows])[tcp].sum()),
            "retransmissions": int(sent_again[rows].sum()),
            "request_bytes": int(connections.bytes_out[rows].sum()),
            "response_bytes": int(connections.bytes_in[rows].sum()),
            "first_ns": int(connections.start_ns[rows[0]]),
            "last_ns": int(connections.start_ns[rows[-1]]),
            "outside": bool(connections.outside[rows[0]]),
        }
    return found


_STATES = {"refused": "refused", "unreachable": "syn_sent", "resets": "reset"}
