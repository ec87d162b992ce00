"""One call followed through services: by trace headers where there are any, else by time and place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kubeshark_mcp.analyse.columns import Int64
from kubeshark_mcp.analyse.facts import Calls, Facts
from kubeshark_mcp.analyse.filters import both, text
from kubeshark_mcp.analyse.nesting import nesting
from kubeshark_mcp.errors import NotFoundError

HEADERS = ("traceparent", "x-b3-traceid", "b3", "x-request-id", "x-correlation-id", "x-amzn-trace-id")
"""Headers that carry an id through services: W3C Trace Context, Zipkin B3, and what proxies set; surest first."""
MOST = 200
"""Calls of one trace that are shown."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One call of a trace. depth: 0 for the outermost. id: the entry. Times are microseconds; None unanswered.

    own_us: its duration without what its server waited for; by: how it is known to belong here: `trace id`, `time`.
    """

    depth: int
    id: int
    client: str
    server: str
    protocol: str
    endpoint: str
    status: str
    start_ns: int
    elapsed_us: int | None
    own_us: int | None
    failed: bool
    by: str


@dataclass(frozen=True, slots=True)
class Trace:
    """Calls that belong together, in order of the ladder: a call, then what it caused. header: what carried the id.

    confidence: `high` with trace ids, `medium` where calls lay within each other without doubt, `low` where several
    could have been the cause. cut: more calls than are shown.
    """

    hops: Sequence[Hop]
    header: str
    confidence: str
    cut: bool = False


def trace(facts: Facts, entry: int) -> Trace:
    """Follow the call with this id up to its outermost cause and down to everything it caused."""
    calls = facts.calls
    found = np.flatnonzero(calls.id == entry)
    if not len(found):
        raise NotFoundError(f"There is no call {entry} in this window: give the id of a listed call.")
    row = int(found[0])
    parent = facts.derived(nesting).parent
    members, header = _by_header(facts, row)
    sure = len(members) > 1
    rows = np.array(sorted(_by_time(parent, members)), np.int64)
    hops = list(_ladder(facts, rows, parent, members if sure else set(), header))
    doubt = _doubt(facts, rows) if not sure else False
    return Trace(
        hops[:MOST], header if sure else "", "high" if sure else "low" if doubt else "medium", len(hops) > MOST
    )


def trace_id(headers: Mapping[str, str], name: str) -> str:
    """Give the id that a header carries, "" for none: of `traceparent` the 32 digits of the trace alone."""
    value = headers.get(name, "").strip()
    if name == "traceparent":
        parts = value.split("-")
        return parts[1] if len(parts) >= 4 and len(parts[1]) == 32 else ""
    return value.split("-")[0] if name == "b3" else value


def _by_header(facts: Facts, row: int) -> tuple[set[int], str]:
    """Give the rows that bear the same id as `row`, and the header that carries it."""
    calls = facts.calls
    if "http" not in facts.protocols and "http2" not in facts.protocols:
        return {row}, ""
    own = facts.columns(f"http && id == {int(calls.id[row])}", ["request.headers"])["request.headers"]
    headers = next(iter(own), None)
    if not isinstance(headers, Mapping):
        return {row}, ""
    for name in HEADERS:
        wanted = trace_id(headers, name)
        if not wanted:
            continue
        kfl = both("http", f'request.headers["{name}"].contains({text(wanted)})')
        ids = np.asarray(facts.columns(kfl, [])["id"])
        return set(np.flatnonzero(np.isin(calls.id, ids)).tolist()) | {row}, name
    return {row}, ""


def _by_time(parent: Int64, members: set[int]) -> set[int]:
    """Add the causes of calls and all that they caused."""
    found = set(members)
    for row in members:
        above = int(parent[row])
        while above >= 0 and above not in found:
            found.add(above)
            above = int(parent[above])
    children: dict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero(parent >= 0).tolist():
        children[int(parent[row])].append(row)
    waiting = list(found)
    while waiting and len(found) <= 4 * MOST:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found


def _ladder(facts: Facts, rows: Int64, parent: Int64, sure: set[int], header: str) -> Iterator[Hop]:
    calls, own = facts.calls, facts.derived(nesting).own_ns
    below: dict[int, list[int]] = defaultdict(list)
    inside = set(rows.tolist())
    for row in rows.tolist():
        above = int(parent[row])
        below[above if above in inside else -1].append(row)
    stack = [(row, 0) for row in reversed(below[-1])]
    while stack:
        row, depth = stack.pop()
        yield _hop(calls, row, depth, int(own[row]), header if row in sure else "time")
        stack += [(child, depth + 1) for child in reversed(below[row])]


def _hop(calls: Calls, row: int, depth: int, own_ns: int, by: str) -> Hop:
    answered = bool(calls.answered[row])
    return Hop(
        depth, int(calls.id[row]), calls.client[row], calls.server[row], calls.protocol[row], calls.endpoint[row],
        calls.status[row], int(calls.start_ns[row]), int(calls.elapsed_us[row]) if answered else None,
        own_ns // 1000 if answered else None, bool(calls.failed[row]), by,
    )  # fmt: skip


def _doubt(facts: Facts, rows: Int64) -> bool:
    """Tell whether a caller of the trace was answering another call at the same time."""
    calls, found = facts.calls, facts.derived(nesting)
    for row in rows.tolist():
        above = int(found.parent[row])
        if above < 0:
            continue
        same = calls.server_pod.codes == calls.server_pod.codes[above]
        same &= calls.server.codes == calls.server.codes[above]
        open_then = same & (calls.start_ns <= calls.start_ns[row]) & (found.end_ns >= found.end_ns[row])
        if np.count_nonzero(open_then) > 1:
            return True
    return False
