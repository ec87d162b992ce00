"""Why a Hub's answer about calls has no rows: what it covers, what each clause leaves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from kubeshark_mcp.errors import KubesharkError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.remote.filters import clause_counts
from kubeshark_mcp.kfl import Program

Count = Callable[[str | None], Awaitable[int]]


async def why_empty(
    program: Program | None,
    window: tuple[datetime | None, datetime | None],
    boundaries: Callable[[], Awaitable[c.Boundaries]] | None,
    count: Count,
) -> c.EmptyReason:
    """Find the most useful true reason. boundaries: of the data that was asked, where the Hub can say; never raises."""
    try:
        if boundaries is not None and (reason := _outside(await boundaries(), window)) is not None:
            return reason
        if program is not None:
            return await _by_clause(program, count)
    except KubesharkError:
        return c.EmptyReason(
            code="no_traffic",
            sentence="Nothing matches. Why could not be found out: the Hub did not answer further questions.",
            remedy="Leave the filter out, or widen the window, to see what there is.",
        )
    return c.EmptyReason(
        code="no_traffic",
        sentence="No call lies in that window.",
        remedy="Widen the window, or look at the connections instead.",
        tool="list_l4_flows",
    )


def _outside(covered: c.Boundaries, window: tuple[datetime | None, datetime | None]) -> c.EmptyReason | None:
    start, end = window
    if covered.oldest is None or covered.newest is None:
        off = covered.dissection_enabled is False
        return c.EmptyReason(
            code="not_dissected",
            sentence=f"Nothing is dissected (L7){': dissection of new capture is off' if off else ''}.",
            remedy="Switch dissection on for traffic from now on, or dissect a snapshot of what was captured (L4).",
            tool="get_data_boundaries",
        )
    if (start is not None and start > covered.newest) or (end is not None and end < covered.oldest):
        return c.EmptyReason(
            code="outside_window",
            sentence=(
                f"The window lies outside the dissected data, which covers {covered.oldest.isoformat()} to "
                f"{covered.newest.isoformat()}."
            ),
            remedy="Choose a window inside it.",
            tool="get_l7_data_boundaries",
        )
    return None


async def _by_clause(program: Program, count: Count) -> c.EmptyReason:
    total = await count(None)
    if total == 0:
        return c.EmptyReason(
            code="no_traffic",
            sentence="No call lies in that window, whatever the filter.",
            remedy="Widen the window, or look at the connections instead.",
            tool="list_l4_flows",
        )
    left = await clause_counts(program, count)
    clauses = [(clause.text, number) for clause, number in zip(program.clauses, left, strict=False)]
    before = [total, *left]
    text = clauses[-1][0]
    return c.EmptyReason(
        code="clause",
        sentence=f"Clause {len(clauses)} ({text}) removed the last {before[-2]} of {total} entries.",
        remedy="Leave it out, or list the values that its field has.",
        tool="get_api_stats",
        clauses=clauses,
    )
