"""Caches that stopped storing or serving."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np

from kubeshark_mcp.analyse.bursts import Burst, burst, claims_of, rated, statuses_of
from kubeshark_mcp.analyse.claims import shared
from kubeshark_mcp.analyse.columns import Int64, Texts, groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.endpoints import endpoint_kinds, kind_filter
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both, side_filter
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.onsets import CHANCE, Rise, rise_of_share
from kubeshark_mcp.analyse.outcomes import Outcome, outcomes
from kubeshark_mcp.analyse.statistics import corrected
from kubeshark_mcp.analyse.subjects import edges_of, entries_of, server_filter, servers, several, short

LEAST = 8
"""Commands of a cache, or look-ups of a kind of key, below which nothing is said."""
LOST = 0.3
"""By how much the share of misses must rise."""
LOAD = 1.5
"""How many times as many calls go to databases then."""
DATABASES = ("postgresql", "mysql", "mongodb")


class CacheFailure(Detector):
    """Redis that refuses (OOM, READONLY, LOADING, MISCONF, CLUSTERDOWN), or look-ups that no longer find anything.

    Refusals: the statistics of error_burst. Misses: the share of GET answered with null by client and kind of key; a
    change point (p corrected over all kinds) that raises it by 30 points. Where the same client sends its databases
    half as many calls again from then on, it is sure; otherwise it is a hint, as in a cold cache or with new keys.
    """

    name = "cache_failure"
    looks_for = "caches that refuse or miss"
    mechanisms = frozenset({Mechanism.CACHE_FAILURE})
    protocols = frozenset({"redis"})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each cache that refuses, and each client and kind of key that is missed."""
        for server, protocol, rows in servers(facts, LEAST):
            if protocol == "redis":
                one = burst(facts, server, protocol, rows, facts.derived(outcomes)[rows] == Outcome.CACHE)
                if one is not None:
                    yield self._refusing(facts, one)
        yield from self._missing(facts)

    def _refusing(self, facts: Facts, one: Burst) -> Finding:
        calls, rise, refused = facts.calls, one.rise, one.bad
        number, share = claims_of(facts, one, "refused commands")
        clients = list(calls.client.taken(refused).counts())
        writer = _writer(facts, one)
        whose = f"; {short(writer[0])} sent {writer[1]:.0%} of the bytes to it" if writer[1] >= 0.5 else ""
        status = several(statuses_of(facts, one))
        return Finding(
            self.name,
            Mechanism.CACHE_FAILURE,
            Component(Kind.WORKLOAD, one.server),
            f"{short(one.server)} refuses {number.value:.0f} commands from {several([short(c) for c in clients])} with "
            f"{status}, {share.value:.0%} of their kind since then{whose}",
            rated(facts, one),
            min(1.0, rise.after),
            onset_ns=int(calls.start_ns[one.rows[one.hits][0]]) if rise.at_ns is not None else None,
            end_ns=rise.over_ns,
            magnitude=Magnitude(rise.before, rise.after, "share refused"),
            affected=edges_of(calls, refused),
            entries=entries_of(calls, refused),
            claims=(number, share),
            refuted_by="the same commands succeeding at the same time",
            facts={"statuses": status, "most_bytes_from": writer[0]},
        )

    def _missing(self, facts: Facts) -> Iterator[Finding]:
        calls, kinds = facts.calls, facts.derived(endpoint_kinds)
        rows, missed = _lookups(facts)
        tried: list[tuple[tuple[str, str, str], Int64, Rise]] = []
        number = 0
        for key, places in groups(calls.client.taken(rows), calls.server.taken(rows), kinds.taken(rows)):
            if len(places) < 2 * LEAST:
                continue
            number += 1
            rise = rise_of_share(calls.start_ns[rows[places]], missed[places])
            if rise is not None and rise.before is not None and rise.after >= rise.before + LOST:
                tried.append((key, rows[places], rise))
        chances = corrected([rise.p for _, _, rise in tried] + [1.0] * (number - len(tried)))
        for (key, own, rise), p in zip(tried, chances, strict=False):
            if p < CHANCE:
                yield self._missed(facts, key, own, rise)

    def _missed(self, facts: Facts, key: tuple[str, str, str], rows: Int64, rise: Rise) -> Finding:
        client, server, kind = key
        edge = Edge(client, server, "redis")
        load, databases = _database_load(facts, client, rise.at_ns or 0)
        whole = both(
            server_filter(facts, server, "redis"), side_filter(facts, "src", client), kind_filter(kind, "redis")
        )
        miss = both(whole, 'redis_type == "null"')
        before = shared(facts, miss, whole, "misses before", (None, rise.at_ns))
        after = shared(facts, miss, whole, "misses since then", (rise.at_ns, None))
        title = f"{short(client)} misses {after.value:.0%} of {kind} in {short(server)}, {before.value:.0%} before"
        if load >= LOAD:
            title += f", and asks {several([short(d) for d in databases])} {load:.1f} times as often"
        return Finding(
            self.name,
            Mechanism.CACHE_FAILURE,
            Component(Kind.WORKLOAD, server),
            title,
            (Confidence.HIGH if len(rows) >= 5 * LEAST else Confidence.MEDIUM) if load >= LOAD else Confidence.LOW,
            rise.after,
            onset_ns=rise.at_ns,
            end_ns=rise.over_ns,
            magnitude=Magnitude(rise.before, rise.after, "share missed"),
            affected=(edge, *(Edge(client, database) for database in databases)),
            entries=entries_of(facts.calls, rows[rise.rows]),
            claims=(before, after),
            refuted_by="keys that were asked for the first time",
            facts={"database_load": round(load, 2)},
        )


def _lookups(facts: Facts) -> tuple[Int64, np.ndarray]:
    """Give the rows of GET commands that were answered, and which of them found nothing."""
    calls = facts.calls
    found = facts.columns('redis && answered && !failed && redis_command in ["GET", "GETEX", "HGET"]', ["redis_type"])
    ids, kinds = cast(Int64, found["id"]), cast(Texts, found["redis_type"])
    order = np.argsort(ids)
    place = np.searchsorted(ids[order], calls.id).clip(max=max(len(ids) - 1, 0))
    if not len(ids):
        return np.zeros(0, np.int64), np.zeros(0, np.bool_)
    rows = np.flatnonzero(ids[order][place] == calls.id)
    return rows, kinds.equal("null")[order[place[rows]]]


def _database_load(facts: Facts, client: str, at_ns: int) -> tuple[float, list[str]]:
    """Compare the rate of a client's calls to databases since an onset with that before; give the databases too."""
    calls, coverage = facts.calls, facts.coverage
    rows = np.flatnonzero(calls.client.equal(client) & calls.protocol.equal(*DATABASES))
    late = calls.start_ns[rows] >= at_ns
    if np.count_nonzero(late) < LEAST:
        return 0.0, []
    before = max(int(np.count_nonzero(~late)), 1) / max(at_ns - coverage.start_ns, 1)
    after = int(np.count_nonzero(late)) / max(coverage.end_ns - at_ns, 1)
    return after / before, list(calls.server.taken(rows[late]).counts())


def _writer(facts: Facts, one: Burst) -> tuple[str, float]:
    """Give the client that sent most bytes to a cache before it refused, and its share."""
    calls = facts.calls
    first = calls.start_ns[one.bad[0]]
    rows = np.flatnonzero(calls.server.equal(one.server) & calls.protocol.equal("redis") & (calls.start_ns <= first))
    sent = {key[0]: int(calls.request_bytes[rows[places]].sum()) for key, places in groups(calls.client.taken(rows))}
    total = sum(sent.values())
    client = max(sent, key=lambda name: sent[name], default="")
    return client, sent.get(client, 0) / total if total else 0.0
