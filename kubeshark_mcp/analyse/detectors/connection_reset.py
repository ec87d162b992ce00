"""Established connections that are cut: after idling, or while a request waits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kubeshark_mcp.analyse.claims import counted
from kubeshark_mcp.analyse.columns import Int64, groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.endpoints import UNREAD
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both, side_filter
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.statistics import onset_of_share

LEAST = 3
"""Cut connections below which nothing is said: programs that end close with RST too."""
SHARE = 0.1
"""Share of the pair's connections since the onset that must be cut."""
IDLE_NS = 2 * 10**9
"""A pause that may count as idling."""


class ConnectionReset(Detector):
    """Reset connections with a request that was never answered, by pair.

    A RST alone is no fault: many programs close so. It counts where a request was under way. Where the cut connections
    had all been idle for longer than any that lived, a time-out on the way (conntrack, load balancer, proxy) is named
    with its length.
    """

    name = "connection_reset"
    looks_for = "established connections cut by RST"
    mechanisms = frozenset({Mechanism.CONNECTION_RESET})
    protocols = frozenset({"tcp_conn"})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each pair whose connections are cut while in use."""
        links = facts.connections
        reset = links.transport.equal("tcp") & links.state.equal("reset")
        if int(reset.sum()) < LEAST:
            return
        hanging = facts.derived(_unanswered)
        cut = reset & np.isin(links.connection, hanging)
        for (client, server), rows in groups(links.client, links.server):
            bad = rows[cut[rows]]
            if len(bad) < LEAST:
                continue
            onset = onset_of_share(links.start_ns[rows], cut[rows])
            began = onset if onset is not None and onset.p < 0.01 and onset.after > onset.before else None
            share = float(cut[rows].mean()) if began is None else began.after
            if share >= SHARE:
                yield self._finding(facts, (client, server), bad, share, None if began is None else began.at_ns)

    def _finding(self, facts: Facts, pair: tuple[str, str], bad: Int64, share: float, onset: int | None) -> Finding:
        links = facts.connections
        client, server = pair
        idle = _idle(facts, pair, bad)
        kfl = both(
            'tcp_conn && conn_state == "reset"', side_filter(facts, "src", client), side_filter(facts, "dst", server)
        )
        told = f"{len(bad)} connections from {client} to {server} were cut by RST with a request under way"
        if idle is not None:
            told += (
                f", each after {idle.shortest_ns / 1e9:.1f} s or more without traffic; those that paused no longer "
                f"than {idle.survived_ns / 1e9:.1f} s lived: something on the way forgets idle connections"
            )
        return Finding(
            self.name,
            Mechanism.CONNECTION_RESET,
            Component(Kind.EDGE, client, server),
            told,
            Confidence.HIGH if len(bad) >= 2 * LEAST or idle is not None else Confidence.MEDIUM,
            min(1.0, share),
            onset_ns=onset,
            magnitude=Magnitude(None, share, "share of connections cut"),
            affected=(Edge(client, server),),
            entries=tuple(int(entry) for entry in links.id[bad[:3]]),
            claims=(counted(facts, kfl, "connections that ended with RST"),),
            refuted_by="requests on those connections that were answered",
            facts={} if idle is None else {"idle_seconds": round(idle.shortest_ns / 1e9, 2)},
        )


@dataclass(frozen=True, slots=True)
class _Idle:
    """The shortest pause before a cut, and the longest that a connection survived."""

    shortest_ns: int
    survived_ns: int


def _unanswered(facts: Facts) -> Int64:
    """Give the connections (numbers) whose last call was not answered; a handshake that fails is another fault."""
    calls = facts.calls.taken(~facts.calls.protocol.equal(*UNREAD, "tlsx", "dns"))
    order = np.lexsort((calls.start_ns, calls.connection))
    last = np.flatnonzero(np.diff(calls.connection[order], append=-1))
    rows = order[last]
    found: Int64 = calls.connection[rows[~calls.answered[rows]]]
    return found


def _idle(facts: Facts, pair: tuple[str, str], bad: Int64) -> _Idle | None:
    """Compare the pauses before the last calls of cut connections with all other pauses of the pair."""
    calls, links = facts.calls, facts.connections
    rows = np.flatnonzero(calls.client.equal(pair[0]) & calls.server.equal(pair[1]))
    rows = rows[np.lexsort((calls.start_ns[rows], calls.connection[rows]))]
    same = np.flatnonzero(np.diff(calls.connection[rows]) == 0) + 1
    if not len(same):
        return None
    pauses = calls.start_ns[rows[same]] - calls.end_ns[rows[same - 1]]
    last = np.append(np.diff(calls.connection[rows]) != 0, True)[same]
    fatal = last & ~calls.answered[rows[same]] & np.isin(calls.connection[rows[same]], links.connection[bad])
    if np.count_nonzero(fatal) < LEAST or fatal.all():
        return None
    shortest, survived = int(pauses[fatal].min()), int(pauses[~fatal].max())
    return _Idle(shortest, survived) if shortest > max(survived, IDLE_NS) else None
