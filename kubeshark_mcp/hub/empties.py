"""Why an answer has no rows: the most useful true reason, found by counting."""

from __future__ import annotations

from datetime import datetime

from kubeshark_mcp.hub.contract import EmptyReason
from kubeshark_mcp.hub.queries import EntryBase
from kubeshark_mcp.hub.times import from_ns
from kubeshark_mcp.kfl import Program
from kubeshark_mcp.store.query import Query


def why_empty(base: EntryBase, program: Program | None, query: Query, snapshot: str) -> EmptyReason:
    """Explain why `query` selects nothing."""
    bounds = base.source.bounds()
    if bounds is None:
        return EmptyReason(
            code="no_traffic",
            sentence="The dissection holds no entries: the captured packets carry nothing that a dissector reads.",
            remedy="Look at the connections instead.",
            tool="list_l4_flows",
            arguments={"snapshot_id": snapshot},
        )
    first, last = bounds
    if (query.start_ns is not None and query.start_ns > last) or (query.end_ns is not None and query.end_ns < first):
        return _outside(from_ns(first), from_ns(last))
    if program is None:
        return EmptyReason(
            code="no_traffic",
            sentence="No entry lies in that window, although the dissection covers times before and after it.",
            remedy="Widen the window.",
            tool="get_l7_data_boundaries",
        )
    never = sorted(program.columns - base.source.columns)
    if never:
        names = ", ".join(never)
        return EmptyReason(
            code="never_filled",
            sentence=f"No entry of this dissection has {names}: that traffic was not captured, or not in this window.",
            remedy="See which protocols there are.",
            tool="get_api_stats",
            arguments={"group_by": "protocol"},
        )
    return _by_clause(base, program, query)


def _outside(first: datetime, last: datetime) -> EmptyReason:
    return EmptyReason(
        code="outside_window",
        sentence=f"The window lies outside the dissected data, which covers {first.isoformat()} to {last.isoformat()}.",
        remedy="Choose a window inside it.",
        tool="get_l7_data_boundaries",
    )


def _by_clause(base: EntryBase, program: Program, query: Query) -> EmptyReason:
    clauses = [(clause.text, clause.sql) for clause in program.clauses]
    counts = base.source.clause_counts(
        [(sql.sql, sql.parameters) if sql is not None else ("TRUE", ()) for _, sql in clauses],
        Query(start_ns=query.start_ns, end_ns=query.end_ns),
    )
    left = [(text, count) for (text, _), count in zip(clauses, counts, strict=True)]
    total = base.source.count(Query(start_ns=query.start_ns, end_ns=query.end_ns))
    before = [total, *counts]
    for number, (text, count) in enumerate(left):
        if count == 0:
            return EmptyReason(
                code="clause",
                sentence=f"Clause {number + 1} ({text}) removed the last {before[number]} of {total} entries.",
                remedy="Leave it out, or list the values that its field has.",
                tool="get_api_stats",
                clauses=left,
            )
    slow = ", ".join(text for text, sql in clauses if sql is None)
    return EmptyReason(
        code="clause",
        sentence=f"The clause {slow} holds for none of the {before[-1]} entries that are left after the others.",
        remedy="Leave it out to see them.",
        tool="list_api_calls",
        clauses=left,
    )
