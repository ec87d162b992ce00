"""KFL judged by the rows that it selects, on two data sets, through the server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from evals.desk import Desk, Reply
from evals.suites import KflCase

PAGE, PAGES_AT_MOST = 100, 200


@dataclass(slots=True)
class Rows:
    """What a filter selected beside the reference, one number for each data set.

    wanted: rows of the reference; missing: of those not selected; extra: selected and not of those.
    """

    wanted: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    extra: list[int] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether both select the same rows everywhere."""
        return not self.reasons and not any(self.missing) and not any(self.extra)


async def count(desk: Desk, kfl: str) -> tuple[int, Reply]:
    """How many entries a filter selects; -1 where the server refuses it."""
    reply = await desk.call("list_api_calls", kfl=kfl, limit=1, db=desk.database)
    return (-1 if reply.failed else int(reply.facts.get("total", 0))), reply


async def compare(desk: Desk, reference: str, tried: str, into: Rows) -> None:
    """Count what only one of two filters selects. A filter that is refused has a reason instead."""
    _, refused = await count(desk, tried)
    if refused.failed:
        into.reasons.append(f"{desk.data.name}: {refused.text[:300]}")
        return
    wanted, _ = await count(desk, reference)
    missing, _ = await count(desk, f"({reference}) && !({tried})")
    extra, _ = await count(desk, f"!({reference}) && ({tried})")
    into.wanted.append(wanted)
    into.missing.append(missing)
    into.extra.append(extra)


async def check_reference(desk: Desk, case: KflCase) -> tuple[int, list[str]]:
    """Run a reference: it must be taken, and select fewer entries than there are. Gives the rows and reasons."""
    found, reply = await count(desk, case.kfl)
    if found < 0:
        return 0, [f"{desk.data.name}: refused: {reply.text[:300]}"]
    everything, _ = await count(desk, "true")
    if found >= everything > 0:
        return found, [f"{desk.data.name}: selects all {everything} entries"]
    return found, []


async def check_pages(desk: Desk, kfl: str = "true") -> list[str]:
    """Turn all pages of a list: each entry must come once, and all of them must come."""
    seen: list[int] = []
    cursor = None
    total = 0
    for _ in range(PAGES_AT_MOST):
        given: dict[str, Any] = {"cursor": cursor} if cursor else {}
        reply = await desk.call("list_api_calls", kfl=kfl, limit=PAGE, db=desk.database, **given)
        if reply.failed:
            return [f"{desk.data.name}: a page was refused: {reply.text[:300]}"]
        total = int(reply.facts.get("total", 0))
        seen += reply.facts.get("ids", [])
        cursor = reply.facts.get("cursor")
        if not cursor:
            break
    if len(seen) == len(set(seen)) == total > 0:
        return []
    return [f"{desk.data.name}: pages gave {len(set(seen))} entries in {len(seen)} rows, {total} were announced"]
