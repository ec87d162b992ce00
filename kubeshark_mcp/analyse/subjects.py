"""What detectors of calls have in common: who answers, whether its callees explain what it shows, typical entries."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kubeshark_mcp.analyse.columns import Int64, Mask, groups
from kubeshark_mcp.analyse.endpoints import UNREAD
from kubeshark_mcp.analyse.facts import Calls, Facts
from kubeshark_mcp.analyse.filters import both, edge_filter, side_filter, text
from kubeshark_mcp.analyse.findings import Component, Edge, Kind
from kubeshark_mcp.analyse.nesting import nesting

ECHO = 0.6
"""Share of failures with a failure below them from which they are its echo."""
LIFT = 2.0
"""... if that is so often as common as below the calls that went well."""


def servers(facts: Facts, least: int) -> Iterator[tuple[str, str, Int64]]:
    """Give each server and protocol with at least so many calls: label, protocol, rows in order of time."""
    for server, protocol, rows in facts.derived(_served):
        if len(rows) >= least:
            yield server, protocol, rows


def _served(facts: Facts) -> tuple[tuple[str, str, Int64], ...]:
    calls = facts.calls
    read = np.flatnonzero(~calls.protocol.equal(*UNREAD, "dns", "tlsx"))
    found = groups(calls.server.taken(read), calls.protocol.taken(read))
    return tuple((server, protocol, read[places]) for (server, protocol), places in found if server)


def component_of(calls: Calls, rows: Int64) -> Component:
    """Name the server of some calls: a workload, or somebody outside."""
    kind = Kind.EXTERNAL if calls.outside[rows[0]] else Kind.WORKLOAD
    return Component(kind, calls.server[int(rows[0])])


def echoes(facts: Facts, bad: Int64, good: Int64) -> bool:
    """Tell whether failures below explain the bad calls: most have one, and the good ones seldom do."""
    if not len(bad):
        return False
    below = facts.derived(nesting).failed_below
    among_bad = float((below[bad] > 0).mean())
    among_good = float((below[good] > 0).mean()) if len(good) else 0.0
    return among_bad >= ECHO and among_bad >= LIFT * among_good


def unseen(facts: Facts, server: str) -> bool:
    """Tell whether a server runs where nothing was captured: what it calls cannot be told from its own doing."""
    missing = set(facts.coverage.missing_nodes)
    return any(pod.workload == server and pod.node in missing for pod in facts.pods)


def edges_of(calls: Calls, rows: Int64) -> tuple[Edge, ...]:
    """Give the edges of some calls, busiest first."""
    found = [
        (len(places), key)
        for key, places in groups(*(c.taken(rows) for c in (calls.client, calls.server, calls.protocol)))
    ]
    return tuple(Edge(*key) for _, key in sorted(found, key=lambda one: (-one[0], one[1])))


def entries_of(calls: Calls, rows: Int64, most: int = 3) -> tuple[int, ...]:
    """Give the ids of the first few of some calls."""
    return tuple(int(one) for one in calls.id[rows[:most]])


def server_filter(facts: Facts, server: str, protocol: str) -> str:
    """Select the calls that a server answers over a protocol."""
    return both(f"protocol == {text(protocol)}", side_filter(facts, "dst", server))


def edge_calls(facts: Facts, edge: Edge) -> str:
    """Select the calls of an edge; connections and flows are left out."""
    return edge_filter(facts, edge) if edge.protocol else both("!conn && !flow", edge_filter(facts, edge))


def short(label: str) -> str:
    """Write a label as sentences do: without its namespace."""
    return label.rpartition("/")[2] or label


def several(names: list[str], most: int = 3) -> str:
    """Write a few names, and how many there are beside them."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def milliseconds(us: float) -> str:
    """Write a duration as people read it."""
    return f"{us / 1e6:.1f} s" if us >= 1e6 else f"{us / 1000:.0f} ms" if us >= 10_000 else f"{us / 1000:.1f} ms"


def busiest(calls: Calls, rows: Int64, chosen: Mask) -> str:
    """Give the client that most of the chosen calls come from."""
    counts = calls.client.taken(rows[chosen]).counts()
    return next(iter(counts), "")
