"""Calls that repeat a failed one, and how many calls a call causes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from kubeshark_mcp.analyse.columns import Int64, Mask, Texts, combinations
from kubeshark_mcp.analyse.endpoints import UNREAD, endpoint_kinds
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.nesting import nesting
from kubeshark_mcp.analyse.outcomes import Outcome, outcomes

SOON_NS = 5 * 10**9
"""Time after the end of a failed call within which the same call is a repeat."""
ABANDONED_NS = 50_000_000
"""An answer this long after the call above has ended comes too late: the client had given up."""
EARLY_NS = 5_000_000
"""A client may give up this much before we see it."""
FAILED = (Outcome.FAULT, Outcome.NONE, Outcome.LIMIT, Outcome.DEADLINE, Outcome.CONNECTIONS, Outcome.LOCK)


@dataclass(frozen=True, slots=True)
class Repeats:
    """One row a call.

    again: it repeats a call that failed. followed: the same call came soon after this one, whether it failed or not;
    how often that happens to calls that went well is chance. known: there was a way to tell.
    """

    again: Mask
    followed: Mask
    known: Mask
    failed: Mask


def repeats(facts: Facts) -> Repeats:
    """Find the repeats, for `facts.derived`.

    The same call: same client (pod), server and method, and the same request target; without one, the same kind of
    call on behalf of the same incoming call.
    """
    calls, nest = facts.calls, facts.derived(nesting)
    abandoned = (nest.parent >= 0) & (nest.end_ns > nest.end_ns[nest.parent] + ABANDONED_NS)
    failed: Mask = np.isin(facts.derived(outcomes), [int(one) for one in FAILED]) | abandoned
    ended = np.where(calls.answered & ~abandoned, nest.end_ns, calls.start_ns)
    again, followed = np.zeros(len(calls), np.bool_), np.zeros(len(calls), np.bool_)
    detail = _detail(facts, nest.parent)
    rows = np.flatnonzero((detail >= 0) & ~calls.protocol.equal(*UNREAD, "dns"))
    if not len(rows):
        return Repeats(again, followed, detail >= 0, failed)
    caller = (calls.client_pod.taken(rows), calls.client.taken(rows), calls.server.taken(rows))
    same_kind = combinations(*caller, facts.derived(endpoint_kinds).taken(rows))
    key = combinations(same_kind, detail[rows])
    order = np.argsort(key, kind="stable")  # Rows are in order of time, and so are those of one key.
    same = key[order][1:] == key[order][:-1]
    first, second = rows[order][:-1][same], rows[order][1:][same]
    # When the client gave up on an unanswered call is not known for certain: some time after it began.
    pause = nest.start_ns[second] - ended[first]
    soon = (pause >= -EARLY_NS) & (pause <= np.where(ended[first] > nest.start_ns[first], SOON_NS, 2 * SOON_NS))
    followed[first[soon]] = True
    again[second[soon & failed[first]]] = True
    return Repeats(again, followed, detail >= 0, failed)


def _detail(facts: Facts, parent: Int64) -> Int64:
    """Give what makes calls of one kind the same: the request target of HTTP, else the call that caused them."""
    calls = facts.calls
    detail = np.where(parent >= 0, parent + len(calls), -1)
    if not calls.protocol.equal("http").any():
        return detail
    found = facts.columns("http && !grpc", ["url", "protocol"])
    ids, urls = cast(Int64, found["id"]), cast(Texts, found["url"])
    if not len(ids):
        return detail
    rows = np.flatnonzero(calls.protocol.equal(*cast(Texts, found["protocol"]).values))
    order = np.argsort(ids)
    place = order[np.searchsorted(ids[order], calls.id[rows]).clip(max=len(ids) - 1)]
    told = (ids[place] == calls.id[rows]) & ~urls.equal("")[place]
    detail[rows[told]] = urls.codes[place[told]]
    return detail
