"""Answers that redirect in a circle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast
from urllib.parse import urlsplit

import numpy as np

from kubeshark_mcp.analyse.claims import counted
from kubeshark_mcp.analyse.columns import Int64, Texts, groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both, one_of
from kubeshark_mcp.analyse.findings import Component, Confidence, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.nesting import nesting
from kubeshark_mcp.analyse.subjects import edges_of, entries_of, server_filter, several, short

CODES = ("301", "302", "303", "307", "308")
RUN = 4
"""Redirects in a row of one client that come back to a target it was at: a login redirects once or twice."""
ROUND_NS = 3 * 10**9
"""A client that follows a redirect does so within this time."""
LEAST = 12
"""Redirects in circles below which it is a hint."""
MOST = 20_000
"""Redirects that are looked at; the first ones."""


class RedirectLoop(Detector):
    """Runs of redirects: a client is sent on four times in a row, each time to where it asks next, and comes back.

    Each redirect's Location must be the target of the client's next request to the same server, and a target must
    occur twice in the run. Sites that redirect once (to a login, a trailing slash, another host) have no such runs.
    """

    name = "redirect_loop"
    looks_for = "answers that redirect in a circle"
    mechanisms = frozenset({Mechanism.REDIRECT_LOOP})
    protocols = frozenset({"http", "http2"})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each server that leads clients in a circle."""
        calls = facts.calls
        found: dict[tuple[str, str], list[Int64]] = {}
        rows, targets, locations = _redirects(facts)
        for _, places in groups(calls.client_pod.taken(rows), calls.client.taken(rows), calls.server.taken(rows)):
            for run in _runs(
                calls.start_ns[rows[places]], [targets[p] for p in places], [locations[p] for p in places]
            ):
                row = int(rows[places[run[0]]])
                found.setdefault((calls.server[row], calls.protocol[row]), []).append(rows[places[run]])
        for (server, protocol), runs in found.items():
            rows = np.sort(np.concatenate(runs))
            origin = _origin(facts, rows)
            if origin is None or (origin, protocol) not in found:
                yield self._finding(facts, server, protocol, runs, origin or server)

    def _finding(self, facts: Facts, server: str, protocol: str, runs: list[Int64], origin: str) -> Finding:
        calls = facts.calls
        rows = np.sort(np.concatenate(runs))
        statuses = list(calls.status.taken(rows).counts())
        kfl = both(server_filter(facts, server, protocol), one_of("status", statuses))
        number = counted(facts, kfl, "redirects")
        longest = max(len(run) for run in runs)
        return Finding(
            self.name,
            Mechanism.REDIRECT_LOOP,
            Component(Kind.EXTERNAL if calls.outside[rows[0]] and origin == server else Kind.WORKLOAD, origin),
            f"{short(origin)} redirects in a circle{_through(origin, server)} ({several(statuses)}): clients come back "
            f"to where they were, up to {longest} times in a row; {number.value:.0f} redirects in all",
            (Confidence.HIGH if len(rows) >= 2 * LEAST else Confidence.MEDIUM)
            if len(rows) >= LEAST
            else Confidence.LOW,
            min(1.0, len(rows) / max(number.value, 1)),
            onset_ns=int(calls.start_ns[rows[0]]),
            magnitude=Magnitude(None, float(longest), "redirects in a row"),
            affected=edges_of(calls, rows),
            entries=entries_of(calls, rows),
            claims=(number,),
            refuted_by="a client that arrives after the redirects",
            facts={"runs": len(runs)},
        )


def _redirects(facts: Facts) -> tuple[Int64, list[str], list[str]]:
    """Give the rows of redirects in order of time, what they asked for, and where they point (paths)."""
    calls = facts.calls
    kfl = both("http", one_of("status", CODES))
    found = facts.columns(kfl, ["path", "response.headers"])
    ids, paths = cast(Int64, found["id"])[:MOST], cast(Texts, found["path"])
    headers = cast("list[dict[str, str]]", found["response.headers"])
    where = {int(one): place for place, one in enumerate(ids)}
    rows = np.flatnonzero(np.isin(calls.id, ids))
    places = [where[int(one)] for one in calls.id[rows]]
    return (
        rows,
        [paths[place] for place in places],
        [_path((headers[place] or {}).get("location", "")) for place in places],
    )


def _origin(facts: Facts, rows: Int64) -> str | None:
    """Give the server behind a proxy that redirects: of several the one that began last, for the others always did."""
    calls = facts.calls
    children = np.isin(facts.derived(nesting).parent, rows) & calls.status.equal(*CODES)
    first = {
        server: int(calls.start_ns[np.flatnonzero(children)[own[0]]])
        for (server,), own in groups(calls.server.taken(children))
    }
    return max(first, key=lambda server: first[server]) if first else None


def _through(origin: str, server: str) -> str:
    return "" if origin == server else f" behind {short(server)}"


def _path(location: str) -> str:
    try:
        return urlsplit(location).path
    except ValueError:
        return ""


def _runs(times: Int64, targets: list[str], locations: list[str]) -> Iterator[Int64]:
    """Give runs of redirects, each followed by the next, in which a target comes twice."""
    run: list[int] = []
    for place in range(len(targets)):
        follows = bool(run) and locations[run[-1]] == targets[place] and times[place] - times[run[-1]] < ROUND_NS
        if not follows:
            yield from _circle(run, targets)
            run = []
        run.append(place)
    yield from _circle(run, targets)


def _circle(run: list[int], targets: list[str]) -> Iterator[Int64]:
    if len(run) >= RUN and len({targets[place] for place in run}) < len(run):
        yield np.array(run, np.int64)
