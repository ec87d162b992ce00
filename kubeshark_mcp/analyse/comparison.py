"""What differs between two times: edges, errors, latency, calls per call, TCP health; chance and noise left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from kubeshark_mcp.analyse.columns import Int64, groups
from kubeshark_mcp.analyse.endpoints import endpoint_kinds
from kubeshark_mcp.analyse.facts import Calls, Facts
from kubeshark_mcp.analyse.graph import Graph, Link, service_graph
from kubeshark_mcp.analyse.statistics import corrected, quantile, rank_test, shares_differ

CHANCE = 0.01
"""Corrected p from which a difference is taken for real."""
LEAST = 8
"""Calls on each side below which nothing is compared."""
SHARE_EFFECT = 0.02
"""Difference of error shares that matters at all."""
TIMES = 1.5
"""Change of latency or rate that matters at all, up or down."""
EFFECT_US = 1000
"""... and the least difference of latency that anybody could mean."""
RETRANSMITTED = 0.005


class Change(StrEnum):
    """What became different."""

    EDGE_GAINED = "edge gained"
    EDGE_LOST = "edge lost"
    ERRORS = "errors"
    LATENCY = "latency"
    UNANSWERED = "unanswered"
    RATE = "rate"
    CALLS_PER_CALL = "calls per call"
    RETRANSMISSIONS = "retransmissions"
    REFUSED = "refused connections"


@dataclass(frozen=True, slots=True)
class Difference:
    """One change from A (before) to B (after).

    where: edge or endpoint, `client -> server protocol [endpoint]`. unit: what before and after are. p: corrected
    chance of seeing this with no change, None where it is not a matter of chance. weight: how much it matters, for
    ranking. worse: more errors, slower, lost.
    """

    change: Change
    where: str
    before: float | None
    after: float | None
    unit: str
    p: float | None
    weight: float
    worse: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Differences, weightiest first; compared: how many things were looked at; noise: those that may be chance."""

    differences: Sequence[Difference]
    compared: int
    noise: int


@dataclass(frozen=True, slots=True)
class _Test:
    """A difference before the correction for looking often; small: real or not, it does not matter."""

    found: Difference
    p: float
    small: bool


def compare(before: Facts, after: Facts) -> Comparison:
    """Compare two times."""
    graphs = service_graph(before), service_graph(after)
    tests = [*_endpoint_tests(before, after), *_fan_out(graphs)]
    tests += _health(graphs)
    chances = corrected([test.p for test in tests])
    found = list(_edges(graphs))
    noise = 0
    for test, p in zip(tests, chances, strict=True):
        if p <= CHANCE and not test.small:
            one = test.found
            found.append(Difference(one.change, one.where, one.before, one.after, one.unit, p, one.weight, one.worse))
        else:
            noise += 1
    found.sort(key=lambda one: (not one.worse, -one.weight, one.where))
    return Comparison(found, len(tests) + sum(len(graph.links) for graph in graphs), noise)


def _edges(graphs: tuple[Graph, Graph]) -> Iterator[Difference]:
    keys = [{(link.client, link.server, link.protocol): link for link in graph.links} for graph in graphs]
    total = max(1, sum(link.calls for link in graphs[1].links))
    for key in keys[1].keys() - keys[0].keys():
        link = keys[1][key]
        count = link.calls or link.connections
        yield Difference(Change.EDGE_GAINED, _name(link), None, count, "calls", None, count / total, worse=False)
    for key in keys[0].keys() - keys[1].keys():
        link = keys[0][key]
        count = link.calls or link.connections
        yield Difference(Change.EDGE_LOST, _name(link), count, None, "calls", None, count / total, worse=count >= LEAST)


def _name(link: Link) -> str:
    return f"{link.client} -> {link.server} {link.protocol}"


def _rows(facts: Facts) -> dict[tuple[str, str, str, str], Int64]:
    calls = facts.calls
    kinds = facts.derived(endpoint_kinds)
    return {key: rows for key, rows in groups(calls.client, calls.server, calls.protocol, kinds) if len(rows) >= LEAST}


def _endpoint_tests(before: Facts, after: Facts) -> Iterator[_Test]:
    old, new = _rows(before), _rows(after)
    for key in old.keys() & new.keys():
        client, server, protocol, endpoint = key
        where = f"{client} -> {server} {protocol} {endpoint}"
        yield from _compared(where, before.calls.taken(old[key]), after.calls.taken(new[key]))


def _compared(where: str, old: Calls, new: Calls) -> Iterator[_Test]:
    for change, bad in ((Change.ERRORS, "failed"), (Change.UNANSWERED, "unanswered")):
        a = old.failed if bad == "failed" else ~old.answered
        b = new.failed if bad == "failed" else ~new.answered
        shares = float(a.mean()), float(b.mean())
        gain = shares[1] - shares[0]
        found = Difference(change, where, *shares, "share of calls", None, abs(gain) * 2, worse=gain > 0)
        if a.any() or b.any():
            p = shares_differ(int(a.sum()), len(a), int(b.sum()), len(b))
            yield _Test(found, p, abs(gain) < SHARE_EFFECT)
    fine = [one.elapsed_us[one.answered & ~one.failed] for one in (old, new)]
    if min(map(len, fine)) >= LEAST:
        p, _ = rank_test(*fine)
        medians = [quantile(one, 0.5) for one in fine]
        tails = [quantile(one, 0.95) for one in fine]
        ratio = max(medians[1], 1.0) / max(medians[0], 1.0)
        small = max(ratio, 1 / ratio) < TIMES or abs(medians[1] - medians[0]) < EFFECT_US
        found = Difference(
            Change.LATENCY,
            where,
            tails[0] / 1000,
            tails[1] / 1000,
            "ms p95",
            None,
            abs(float(np.log(ratio))) / 3,
            ratio > 1,
        )
        yield _Test(found, p, small)


def _fan_out(graphs: tuple[Graph, Graph]) -> Iterator[_Test]:
    """Compare how many calls a workload makes to each server for each call that it gets."""
    for server, client, old, new in _ratios(graphs):
        where = f"{client} -> {server}"
        (made_old, got_old), (made_new, got_new) = old, new
        ratios = made_old / got_old, made_new / got_new
        change = ratios[1] / ratios[0]
        share_old, share_new = made_old / (made_old + got_old), made_new / (made_new + got_new)
        p = shares_differ(made_old, made_old + got_old, made_new, made_new + got_new)
        found = Difference(
            Change.CALLS_PER_CALL, where, *ratios, "calls for each call received", None,
            abs(float(np.log(change))) / 2, worse=share_new > share_old,
        )  # fmt: skip
        yield _Test(found, p, max(change, 1 / change) < TIMES)


Pair = tuple[int, int]


def _ratios(graphs: tuple[Graph, Graph]) -> Iterator[tuple[str, str, Pair, Pair]]:
    received: list[dict[str, int]] = []
    made: list[dict[tuple[str, str], int]] = []
    for graph in graphs:
        got: dict[str, int] = defaultdict(int)
        sent: dict[tuple[str, str], int] = defaultdict(int)
        for link in graph.links:
            if link.protocol != "dns":
                got[link.server] += link.calls
                sent[link.client, link.server] += link.calls
        received.append(got)
        made.append(sent)
    for client, server in made[0].keys() & made[1].keys():
        numbers = [(made[n][client, server], received[n].get(client, 0)) for n in (0, 1)]
        if min(min(pair) for pair in numbers) >= LEAST:
            yield server, client, numbers[0], numbers[1]


def _health(graphs: tuple[Graph, Graph]) -> Iterator[_Test]:
    """Compare retransmissions and refusals between each two workloads."""
    pairs = [{(link.client, link.server): link for link in graph.links if link.connections} for graph in graphs]
    for key in pairs[0].keys() & pairs[1].keys():
        old, new = pairs[0][key], pairs[1][key]
        where = f"{key[0]} -> {key[1]}"
        if old.segments and new.segments and old.retransmissions + new.retransmissions:
            rates = old.retransmissions / old.segments, new.retransmissions / new.segments
            p = shares_differ(old.retransmissions, old.segments, new.retransmissions, new.segments)
            found = Difference(
                Change.RETRANSMISSIONS, where, *rates, "share of segments", None,
                min(1.0, abs(rates[1] - rates[0]) * 20), worse=rates[1] > rates[0],
            )  # fmt: skip
            yield _Test(found, p, abs(rates[1] - rates[0]) < RETRANSMITTED)
        bad = [one.refused + one.unreachable for one in (old, new)]
        if any(bad):
            shares = bad[0] / old.connections, bad[1] / new.connections
            p = shares_differ(bad[0], old.connections, bad[1], new.connections)
            found = Difference(
                Change.REFUSED, where, *shares, "share of connections", None, abs(shares[1] - shares[0]) * 2,
                worse=shares[1] > shares[0],
            )  # fmt: skip
            yield _Test(found, p, abs(shares[1] - shares[0]) < SHARE_EFFECT)
