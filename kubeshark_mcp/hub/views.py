"""Views of traffic: what differs between two times, one call through services, who calls whom, what happened when.

The functions work on facts alone, so that the command line gives the same answers without a workspace.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from kubeshark_mcp.analyse.columns import groups
from kubeshark_mcp.analyse.comparison import compare
from kubeshark_mcp.analyse.detector import load_detectors
from kubeshark_mcp.analyse.diagnosis import Diagnosis, diagnose
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.graph import Graph, Link, service_graph
from kubeshark_mcp.analyse.timeline import timeline
from kubeshark_mcp.analyse.tracing import Hop, trace
from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub import contract_views as v
from kubeshark_mcp.hub.analysis import AnalysisRoom, workload_named
from kubeshark_mcp.hub.facts import StoredFacts
from kubeshark_mcp.hub.times import from_ns

_HANDLE = re.compile(r"(?:(?P<database>[^#]+)#)?(?P<number>\d{1,18})")


class ViewRoom:
    """Answers questions about the shape of traffic."""

    def __init__(self, analysis: AnalysisRoom) -> None:
        self._analysis = analysis

    def compare(self, query: v.ComparisonQuery) -> v.Comparison:
        """Say what differs between two times."""
        earlier = (query.baseline_start, query.baseline_end)
        if query.baseline is None and earlier == (None, None):
            raise UsageError(
                "There is nothing to compare with: give baseline (the db of another time), "
                "or baseline_start and baseline_end (a window of the same db)."
            )
        named, after = self._analysis.facts(query.database, (query.start, query.end))
        other, before = self._analysis.facts(query.baseline or named, earlier)
        if before is after:
            raise UsageError("Both sides of the comparison are the same time of the same db: change one of them.")
        return comparison_of((other, before), (named, after))

    def trace(self, query: v.TraceQuery) -> v.Trace:
        """Follow one call."""
        database, number = handle_parts(query.id)
        named, facts = self._analysis.facts(database or query.database, (None, None))
        return trace_of(named, facts, number)

    def service_map(self, query: v.MapQuery) -> v.ServiceMap:
        """Say who calls whom."""
        named, facts = self._analysis.facts(query.database, (query.start, query.end))
        return map_of(named, facts, query.service)

    def timeline(self, query: v.TimelineQuery) -> v.Timeline:
        """Say what happened."""
        named, facts = self._analysis.facts(query.database, (query.start, query.end))
        return timeline_of(named, facts)


def handle_parts(text: str) -> tuple[str | None, int]:
    """Read an id (`7`) or a handle (`SNAPSHOT/DISSECTION#7`): database or None, and the entry's number."""
    match = _HANDLE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{text[:100]!r} is no id of a call: take one from a list of calls (a number), or a handle.")
    return match["database"], int(match["number"])


def diagnosed(facts: Facts) -> Diagnosis:
    """Give the diagnosis of everything; ask for it with `facts.derived`, so that it is made once."""
    return diagnose(facts, load_detectors())


def comparison_of(before: tuple[str, Facts], after: tuple[str, Facts]) -> v.Comparison:
    """Compare two times, each given with the name of its database."""
    found = compare(before[1], after[1])
    return v.Comparison(
        before=_side(*before),
        after=_side(*after),
        differences=[
            v.DifferenceRow(
                change=one.change.value, where=one.where, before=one.before, after=one.after, unit=one.unit, p=one.p,
                weight=round(one.weight, 4), worse=one.worse,
            )
            for one in found.differences
        ],
        compared=found.compared,
        noise=found.noise,
    )  # fmt: skip


def _side(database: str, facts: Facts) -> v.Side:
    coverage = facts.coverage
    empty = coverage.end_ns == 0
    return v.Side(
        database=database,
        start=None if empty else from_ns(coverage.start_ns),
        end=None if empty else from_ns(coverage.end_ns),
        calls=len(facts.calls),
        connections=len(facts.connections),
    )


def trace_of(database: str, facts: StoredFacts, entry: int) -> v.Trace:
    """Follow the call with this id."""
    found = trace(facts, entry)
    wires = _wires(facts, found.hops)
    first = min(hop.start_ns for hop in found.hops)
    return v.Trace(
        database=database,
        hops=[
            v.HopRow(
                depth=hop.depth, handle=f"{database}#{hop.id}", client=hop.client, server=hop.server,
                protocol=hop.protocol, endpoint=hop.endpoint, status=hop.status, start=from_ns(hop.start_ns),
                offset_us=(hop.start_ns - first) // 1000, elapsed_us=hop.elapsed_us, own_us=hop.own_us,
                wire_us=wires.get(hop.id), failed=hop.failed, by=hop.by, asked=hop.id == entry,
            )
            for hop in found.hops
        ],
        header=found.header,
        confidence=found.confidence,
        cut=found.cut,
    )  # fmt: skip


def _wires(facts: StoredFacts, hops: Sequence[Hop]) -> dict[int, int]:
    """Give microseconds on the network by entry.

    A call that was captured at both ends took longer at the client's than at the server's: the difference was spent
    between them. Elsewhere the round trip of its connection's handshake stands for it.
    """
    answered = {hop.id: hop.elapsed_us for hop in hops if hop.elapsed_us is not None}
    found: dict[int, int] = {}
    for number, places in facts.sightings(list(answered)).items():
        times = [place["elapsed_us"] for place in places if place.get("elapsed_us") is not None]
        if len(times) > 1 and len({place.get("node") for place in places}) > 1:
            found[number] = max(0, max(times) - min(times))
    calls, connections = facts.calls, facts.connections
    order = np.argsort(connections.connection, kind="stable")
    sorted_numbers = connections.connection[order]
    for row in np.flatnonzero(np.isin(calls.id, [number for number in answered if number not in found])).tolist():
        place = int(np.searchsorted(sorted_numbers, calls.connection[row]))
        if place < len(order) and sorted_numbers[place] == calls.connection[row]:
            trip = int(connections.initial_rtt_us[order[place]])
            if trip >= 0:
                found[int(calls.id[row])] = min(trip, answered[int(calls.id[row])])
    return found


def map_of(database: str, facts: Facts, service: str | None = None) -> v.ServiceMap:
    """Give the service graph; service: only the ways that lead to it and from it."""
    graph = facts.derived(service_graph)
    named = None if service is None else workload_named(service, facts)
    links = graph.links if named is None else _around(graph, named)
    side = _side(database, facts)
    seconds = facts.coverage.seconds
    absent = _absent_names(facts)
    return v.ServiceMap(
        database=database,
        start=side.start,
        end=side.end,
        links=[_link(link, seconds, absent.get((link.client, link.server), 0)) for link in links],
        service=named,
    )


def _around(graph: Graph, name: str) -> list[Link]:
    above, below = graph.above(name) | {name}, graph.below(name) | {name}
    return [
        link
        for link in graph.links
        if (link.client in above and link.server in above) or (link.client in below and link.server in below)
    ]


def _absent_names(facts: Facts) -> dict[tuple[str, str], int]:
    calls = facts.calls
    rows = np.flatnonzero(calls.protocol.equal("dns") & calls.status.equal("NXDOMAIN") & calls.failed)
    return {pair: len(members) for pair, members in groups(calls.client.taken(rows), calls.server.taken(rows))}


def _link(link: Link, seconds: float, nxdomain: int) -> v.LinkRow:
    timed = link.calls > link.unanswered
    nxdomain = nxdomain if link.protocol == "dns" else 0
    own = {name: getattr(link, name) for name in v.LinkRow.model_fields if hasattr(link, name)}
    changed = {
        "failed": link.failed - nxdomain,
        "nxdomain": nxdomain,
        "per_second": round((link.calls or link.connections) / seconds, 4),
        "p50_us": link.p50_us if timed else None,
        "p95_us": link.p95_us if timed else None,
    }
    return v.LinkRow(**own | changed)


def timeline_of(database: str, facts: Facts) -> v.Timeline:
    """Tell the events of a window, findings among them."""
    side = _side(database, facts)
    return v.Timeline(
        database=database,
        start=side.start,
        end=side.end,
        events=[
            v.EventRow(
                at=from_ns(event.at_ns),
                what=event.what,
                text=event.text,
                handle=f"{database}#{event.entry}" if event.entry else "",
                place=event.place,
            )
            for event in timeline(facts, facts.derived(diagnosed).ranked)
        ],
    )
