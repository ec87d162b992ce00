"""The API calls themselves: list, one in full, and numbers over many."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from kubeshark_mcp.plugin import (
    Answer,
    Field,
    Limit,
    Time,
    ToolContext,
    Toolset,
    UsageError,
    check_window,
    contract,
    tool,
)

Kfl = Annotated[str | None, Field(description="filter, e.g. status_code >= 500")]
SnapshotId = Annotated[str | None, Field(description="the newest dissection by default")]
Db = Annotated[str | None, Field(description="SNAPSHOT/DISSECTION, instead of snapshot_id")]
Cursor = Annotated[str | None, Field(description="of the page before")]

STATS = (
    "key",
    "count",
    "errors",
    "error %",
    "unanswered",
    "p50 ms",
    "p90 ms",
    "p95 ms",
    "p99 ms",
    "max ms",
    "/s",
    "bytes",
)


class ApiCallsToolset(Toolset):
    """API calls (L7): entries of a dissection."""

    name = "api_calls"

    @tool(title="List API calls", read_only=True)
    async def list_api_calls(
        self,
        context: ToolContext,
        kfl: Kfl = None,
        limit: Limit = 100,
        format: Literal["compact", "full", "raw"] = "compact",
        group_by: Literal["node", "ns", "worker"] | None = None,
        start: Time | None = None,
        end: Time | None = None,
        snapshot_id: SnapshotId = None,
        db: Db = None,
        cursor: Cursor = None,
        newest_first: bool = False,
    ) -> Answer:
        """List API calls in order of time: ids, peers, protocol, request, status, latency. `!` marks a failure."""
        check_window(start, end)
        query = contract.CallQuery(
            database=_database(snapshot_id, db),
            kfl=kfl,
            start=start,
            end=end,
            limit=limit,
            cursor=cursor,
            newest_first=newest_first,
        )
        page = await context.hub.calls(query)
        warnings = context.show.warnings(page.warnings)
        facts: dict[str, Any] = {
            "total": page.total,
            "shown": len(page.rows),
            "cursor": page.cursor,
            "db": page.database,
        }
        if not page.rows:
            return Answer("\n".join([_empty(context, page.empty), *warnings]), facts)
        facts["ids"] = [row.get("_id", row.get("id")) for row in page.rows]
        lines = [
            f"{context.show.shown(len(page.rows), page.total, 'calls', page.cursor)} (db {page.database})",
            *warnings,
            context.show.calls(page.rows, format, group_by),
            context.hint("get_api_call", id=str(facts["ids"][0]), db=page.database) if format == "compact" else "",
        ]
        return Answer("\n".join(filter(None, lines)), facts)

    @tool(title="One API call", read_only=True)
    async def get_api_call(
        self,
        context: ToolContext,
        id: Annotated[str, Field(coerce_numbers_to_str=True)],
        node_id: Annotated[str | None, Field(description="not needed: ids are unique")] = None,
        include_payload: bool = True,
        include_l4: bool = True,
        include_pcap: Annotated[bool, Field(description="its packets, base64")] = False,
        max_payload_size: Annotated[int, Field(ge=0, le=16_777_216, description="bytes of each body")] = 65536,
        db: Db = None,
    ) -> Answer:
        """Give one call as evidence: headers, bodies, packet numbers, sightings, its connection and flow."""
        request = contract.CallRequest(
            id=id,
            database=db,
            include_payload=include_payload,
            include_l4=include_l4,
            include_pcap=include_pcap,
            max_payload_size=max_payload_size,
        )
        detail = await context.hub.call(request)
        text = context.show.call(
            detail.entry,
            request_body=detail.request_body,
            response_body=detail.response_body,
            flow=detail.flow,
            connection=detail.connection,
        )
        lines = [text]
        if detail.truncated:
            lines.append(f"Bodies are cut at {max_payload_size:,} bytes; raise max_payload_size to see more.")
        if include_pcap:
            lines.append(_pcap(context, detail.pcap))
        return Answer("\n".join(lines), {"id": id, "truncated": detail.truncated})

    @tool(title="API statistics", read_only=True)
    async def get_api_stats(
        self,
        context: ToolContext,
        kfl: Kfl = None,
        start: Time | None = None,
        end: Time | None = None,
        snapshot_id: SnapshotId = None,
        db: Db = None,
        group_by: Annotated[
            str | None, Field(description="endpoint, service, protocol, node, ns, worker, or a KFL field")
        ] = None,
        limit: Annotated[Limit, Field(description="groups")] = 20,
    ) -> Answer:
        """Give counts, error rates, latency percentiles and throughput, by group: where to look first."""
        check_window(start, end)
        query = contract.StatsQuery(
            database=_database(snapshot_id, db), kfl=kfl, start=start, end=end, group_by=group_by, limit=limit
        )
        stats = await context.hub.stats(query)
        warnings = context.show.warnings(stats.warnings)
        facts = {"count": stats.total.count, "errors": stats.total.errors, "db": stats.database}
        if not stats.total.count:
            return Answer("\n".join([_empty(context, stats.empty), *warnings]), facts)
        rows = [_numbers(stats.total, "(all)"), *(_numbers(group, group.key) for group in stats.groups)]
        groups = f"{context.show.shown(len(stats.groups), stats.groups_total, 'groups')}, " if group_by else ""
        lines = [
            f"{groups}db {stats.database}, {context.show.span(stats.start, stats.end)}",
            *warnings,
            context.show.captured_table((group_by or "key", *STATS[1:]), rows, fold=False),
        ]
        return Answer("\n".join(lines), facts)


def _database(snapshot_id: str | None, db: str | None) -> str | None:
    if snapshot_id and db and db.partition("/")[0] != snapshot_id:
        raise UsageError(f'snapshot_id "{snapshot_id}" and db "{db}" name different snapshots; give one of them.')
    return db or snapshot_id


def _empty(context: ToolContext, reason: contract.EmptyReason | None) -> str:
    details: Mapping[str, Any] = reason.model_dump() if reason else {"sentence": "No call matches."}
    return context.show.empty(**details)


def _numbers(row: contract.StatsRow, key: str) -> list[object]:
    times = (row.p50_us, row.p90_us, row.p95_us, row.p99_us, row.max_us)
    return [
        key,
        row.count,
        row.errors,
        round(row.error_rate * 100, 2),
        row.unanswered or None,
        *(None if time is None else round(time / 1000, 3) for time in times),
        round(row.per_second, 2),
        row.request_bytes + row.response_bytes,
    ]


def _pcap(context: ToolContext, data: bytes | None) -> str:
    if data is None:
        return "pcap: the packets of this call are not kept."
    if context.show.redacts:
        export = context.hint("export_snapshot_pcap", "; to a file instead: ", id="…", bpf_filter="…")
        return f"pcap: left out, because its packets hold the secrets that are redacted here{export}"
    return f"pcap ({context.show.size(len(data))}, base64): {b64encode(data).decode()}"
