"""One client that takes so much of a server that the others suffer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kubeshark_mcp.analyse.claims import counted
from kubeshark_mcp.analyse.columns import Int64, groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.onsets import CHANCE, Rise, rise_of_level
from kubeshark_mcp.analyse.slowness import QUEUES, answered_kinds
from kubeshark_mcp.analyse.statistics import onset_of_level
from kubeshark_mcp.analyse.subjects import edge_calls, edges_of, entries_of, milliseconds, servers, short

LEAST = 24
"""Calls of a client, and of the others, below which nothing is said."""
MOST = 0.5
"""Share of a server's time, calls or bytes that one client takes since the onset."""
SURE = 0.6
GREW = 3.0
"""How many times as much as before, by rate."""
SLOWER = 3.0
STEP_US = 10_000
BUCKETS = 40
"""Parts of the window in which what a client takes is measured."""
SAME = 0.1
"""Share of the window within which the others must begin to suffer."""


class NoisyNeighbour(Detector):
    """What each client takes of a server against how long the others' calls last.

    A client's calls, bytes and busy time are summed over 40 parts of the window. One whose sums move to another level
    (Pettitt), three times the rate before and half of all that the server gets, is noisy where the calls of the other
    clients become three times and 10 ms slower within a tenth of the window. More traffic that nobody suffers from is
    no finding, nor is one client that has the server for itself.
    """

    name = "noisy_neighbour"
    looks_for = "one client at whose cost others wait"
    mechanisms = frozenset({Mechanism.NOISY_NEIGHBOUR})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each server with such a client."""
        slow: dict[tuple[str, str], list[Int64]] = {}
        for server, protocol, _, rows in facts.derived(answered_kinds):
            slow.setdefault((server, protocol), []).append(rows)
        for server, protocol, rows in servers(facts, 2 * LEAST):
            if protocol not in QUEUES and (server, protocol) in slow:
                yield from self._of(facts, server, protocol, rows, slow[server, protocol])

    def _of(self, facts: Facts, server: str, protocol: str, rows: Int64, kinds: list[Int64]) -> Iterator[Finding]:
        calls = facts.calls
        clients = [(key[0], rows[places]) for key, places in groups(calls.client.taken(rows))]
        for client, own in clients:
            if len(clients) < 2 or len(own) < LEAST:
                continue
            found = _grown(facts, own, rows)
            if found is None:
                continue
            at = found[0]
            for kind in kinds:
                others = kind[calls.client.codes[kind] != calls.client.codes[own[0]]]
                rise = rise_of_level(calls.start_ns[others], calls.elapsed_us[others], SLOWER, STEP_US)
                if rise is not None and _together(facts, rise, at):
                    yield self._finding(facts, Edge(client, server, protocol), own, others, rise, found)
                    return

    def _finding(
        self, facts: Facts, edge: Edge, own: Int64, others: Int64, rise: Rise, found: tuple[int, float, str]
    ) -> Finding:
        calls, (at, share, what) = facts.calls, found
        number = counted(facts, edge_calls(facts, edge), "calls since then", (at, None))
        late = others[rise.rows]
        return Finding(
            self.name,
            Mechanism.NOISY_NEIGHBOUR,
            Component(Kind.WORKLOAD, edge.client),
            f"{short(edge.client)} takes {share:.0%} of the {what} of {short(edge.server)} ({number.value:.0f} calls), "
            f"and the others wait {milliseconds(rise.after)} instead of {milliseconds(rise.before or 0)}",
            Confidence.HIGH if len(late) >= LEAST and share >= SURE else Confidence.MEDIUM,
            share,
            onset_ns=at,
            end_ns=rise.over_ns,
            magnitude=Magnitude((rise.before or 0) / 1000, rise.after / 1000, "ms p50 of the others"),
            affected=(edge, *edges_of(calls, late)),
            entries=entries_of(calls, own[calls.start_ns[own] >= at]),
            claims=(number,),
            refuted_by=f"others that wait as long while {short(edge.client)} is quiet",
            facts={"server": edge.server, "share": round(share, 3), "of": what},
        )


def _together(facts: Facts, rise: Rise, at: int) -> bool:
    """Tell whether the others began to suffer when the client grew, or soon after."""
    window = max(facts.coverage.end_ns - facts.coverage.start_ns, 1)
    return rise.at_ns is not None and rise.p < CHANCE and -0.05 <= (rise.at_ns - at) / window <= SAME


def _grown(facts: Facts, own: Int64, rows: Int64) -> tuple[int, float, str] | None:
    """Give since when a client takes most of a server, its share, and of what; None where it does not."""
    calls, coverage = facts.calls, facts.coverage
    width = max((coverage.end_ns - coverage.start_ns) // BUCKETS, 1)
    mine = (calls.start_ns[own] - coverage.start_ns) // width
    for what in ("time", "calls", "bytes"):
        sums = np.bincount(mine.clip(0, BUCKETS - 1), _sizes(facts, own, what), BUCKETS)
        onset = onset_of_level(np.arange(BUCKETS) * width + coverage.start_ns, sums)
        if onset is None or onset.p >= CHANCE:
            continue
        if sums[onset.index :].mean() < GREW * max(sums[: onset.index].mean(), 1e-9):
            continue
        late = own[mine >= onset.index]
        all_of = ((calls.start_ns[rows] - coverage.start_ns) // width).clip(0, BUCKETS - 1)
        total = np.bincount(all_of, _sizes(facts, rows, what), BUCKETS)
        share = float(sums[onset.index :].sum() / max(total[onset.index :].sum(), 1e-9))
        if share >= MOST and len(late):
            return int(calls.start_ns[late[0]]), share, what
    return None


def _sizes(facts: Facts, rows: Int64, what: str) -> Int64:
    calls = facts.calls
    if what == "calls":
        return np.ones(len(rows), np.int64)
    if what == "time":
        return np.maximum(calls.elapsed_us[rows], 0)
    sizes: Int64 = calls.request_bytes[rows] + calls.response_bytes[rows]
    return sizes
