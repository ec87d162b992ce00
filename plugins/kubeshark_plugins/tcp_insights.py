"""Whose fault it is at the transport: network, receiver, application, or nobody there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

from kubeshark_mcp.plugin import (
    Answer,
    Field,
    Limit,
    Time,
    ToolContext,
    Toolset,
    Verdict,
    check_window,
    contract,
    judge_connection,
    tool,
)

MOST = 20_000
"""Connections that are judged for one answer."""
PAGE = 1000
METRICS = (
    ("retr", "tcp_retransmissions"),
    ("fast", "tcp_fast_retransmissions"),
    ("ooo", "tcp_out_of_order"),
    ("dup acks", "tcp_dup_acks"),
    ("missing", "tcp_missing_segments"),
    ("zero win", "tcp_zero_window_events"),
    ("win full", "tcp_window_full_events"),
    ("rst", "tcp_rst_count"),
    ("keep-alive", "tcp_keepalive_count"),
)
TIMES = (
    ("handshake ms", "tcp_handshake_time_us"),
    ("irtt ms", "tcp_initial_rtt_us"),
    ("rtt ms", "tcp_rtt_avg_us"),
    ("ttfb ms", "tcp_time_to_first_byte_us"),
)
Judged = tuple[Verdict, Mapping[str, Any]]


class TcpInsightsToolset(Toolset):
    """Verdicts about TCP connections."""

    name = "tcp_insights"

    @tool(title="TCP insights", read_only=True)
    async def get_tcp_insights(
        self,
        context: ToolContext,
        kfl: Annotated[str | None, Field(description="which connections, e.g. dst.port == 6379")] = None,
        start: Time | None = None,
        end: Time | None = None,
        snapshot_id: Annotated[str | None, Field(description="the newest dissection by default")] = None,
        db: Annotated[str | None, Field(description="SNAPSHOT/DISSECTION, instead of snapshot_id")] = None,
        limit: Limit = 20,
    ) -> Answer:
        """Judge TCP connections, worst first: unreachable, refused, reset, network, receiver, application; and why."""
        check_window(start, end)
        rows, total, page = await _connections(context, kfl, start, end, db or snapshot_id)
        if not rows:
            reason = page.empty.model_dump() if page.empty else {"sentence": "No TCP connection matches."}
            return Answer(context.show.empty(**reason), {"total": 0})
        judged = sorted(((judge_connection(row), row) for row in rows), key=lambda one: (one[0].rank, -_weight(one[1])))
        counts = Counter(verdict.cause.value for verdict, _ in judged)
        verdicts = ", ".join(f"{cause} {count}" for cause, count in counts.most_common())
        lines = [
            f"{context.show.shown(min(limit, len(judged)), total, 'TCP connections')} (db {page.database}): {verdicts}",
            *context.show.warnings(page.warnings),
            *([f"Only the first {MOST:,} were judged."] if total > MOST else []),
            _table(context, judged[:limit]),
            context.hint("get_api_call", id=str(judged[0][1].get("_id"))),
        ]
        return Answer("\n".join(filter(None, lines)), {"total": total, "verdicts": dict(counts)})


async def _connections(
    context: ToolContext, kfl: str | None, start: Any, end: Any, database: str | None
) -> tuple[list[Mapping[str, Any]], int, contract.CallPage]:
    wanted = f"tcp_conn && ({kfl})" if kfl and kfl.strip() else "tcp_conn"
    rows: list[Mapping[str, Any]] = []
    cursor: str | None = None
    while True:
        query = contract.CallQuery(database=database, kfl=wanted, start=start, end=end, limit=PAGE, cursor=cursor)
        page = await context.hub.calls(query)
        rows += page.rows
        cursor = page.cursor
        if cursor is None or len(rows) >= MOST:
            return rows, page.total, page


def _weight(row: Mapping[str, Any]) -> int:
    """Give what ranks connections of one verdict: how much was sent again, else how much was sent."""
    again = int(row.get("tcp_retransmissions", 0))
    return again * 1_000_000 + int(row.get("conn_local_bytes", 0)) + int(row.get("conn_remote_bytes", 0))


def _table(context: ToolContext, judged: list[Judged]) -> str:
    metrics = [(title, name) for title, name in METRICS if any(row.get(name) for _, row in judged)]
    times = [(title, name) for title, name in TIMES if any(row.get(name) for _, row in judged)]
    rows = [
        [
            verdict.cause.value,
            row.get("_id"),
            context.show.endpoint(row, "src"),
            context.show.endpoint(row, "dst"),
            row.get("conn_state", ""),
            *(row.get(name) for _, name in metrics),
            *(None if row.get(name) is None else round(row[name] / 1000, 3) for _, name in times),
            verdict.because,
        ]
        for verdict, row in judged
    ]
    titles = [title for title, _ in (*metrics, *times)]
    return context.show.captured_table(("verdict", "id", "client", "server", "state", *titles, "because"), rows)
