"""Receivers that stop reading: zero windows that last."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kubeshark_mcp.analyse.claims import counted
from kubeshark_mcp.analyse.columns import groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both, side_filter
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism

LEAST = 3
"""Zero windows on one connection below which a pause is nothing: a reader may be busy for a moment."""


class ReceiverStall(Detector):
    """Zero windows by receiver.

    A connection counts with LEAST zero windows or more; the receiver is the side that most payload went to. An edge
    counts where at least a tenth of its connections stall. Loss is told apart: there the window stays open.
    """

    name = "receiver_stall"
    looks_for = "receivers that stop reading"
    mechanisms = frozenset({Mechanism.RECEIVER_STALL})
    protocols = frozenset({"tcp_conn"})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each pair whose receiver stalls."""
        links = facts.connections
        stalled = links.transport.equal("tcp") & (links.zero_windows >= LEAST)
        if not stalled.any():
            return
        for (client, server), rows in groups(links.client, links.server):
            bad = rows[stalled[rows]]
            if len(bad) < 1 or len(bad) < 0.1 * len(rows):
                continue
            to_client = int(links.bytes_in[bad].sum()) > int(links.bytes_out[bad].sum())
            receiver, sender = (client, server) if to_client else (server, client)
            events = int(links.zero_windows[bad].sum())
            kfl = both(
                f"tcp_conn && tcp_zero_window_events >= {LEAST}",
                side_filter(facts, "src", client),
                side_filter(facts, "dst", server),
            )
            yield Finding(
                self.name,
                Mechanism.RECEIVER_STALL,
                Component(Kind.WORKLOAD, receiver),
                f"{receiver} stops reading what {sender} sends: {events} zero windows on {len(bad)} of {len(rows)} "
                "connections",
                Confidence.HIGH if events >= 10 else Confidence.MEDIUM,
                len(bad) / len(rows),
                onset_ns=None if len(bad) == len(rows) else int(links.start_ns[bad].min()),
                magnitude=Magnitude(None, float(events), "zero windows"),
                affected=(Edge(client, server),),
                entries=tuple(int(entry) for entry in links.id[bad[np.argsort(-links.zero_windows[bad])][:3]]),
                claims=(counted(facts, kfl, "connections with lasting zero windows"),),
                refuted_by="windows that open again at once, or payload that goes on",
            )
