"""Connections as the network saw them: who talked to whom, how much, how healthily."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from kubeshark_mcp.plugin import Answer, Field, Limit, ToolContext, Toolset, contract, tool

SnapshotId = Annotated[str | None, Field(description="the raw capture by default")]

HANDSHAKES = ("tcp_handshake_p50_us", "tcp_handshake_p90_us", "tcp_handshake_p99_us")
"""Times of a flow's handshakes."""


class L4FlowsToolset(Toolset):
    """Connections and flows (L4)."""

    name = "l4_flows"

    @tool(title="List L4 flows", read_only=True)
    async def list_l4_flows(
        self,
        context: ToolContext,
        format: Literal["compact", "full", "raw"] = "compact",
        aggregate: Literal["pod", "namespace", "node", "service"] | None = None,
        l4proto: Literal["tcp", "udp"] | None = None,
        ip: str | None = None,
        ns: str | None = None,
        pod: str | None = None,
        svc: str | None = None,
        limit: Limit = 100,
        snapshot_id: SnapshotId = None,
        cursor: Annotated[str | None, Field(description="of the page before")] = None,
    ) -> Answer:
        """List TCP and UDP flows, biggest first: peers, bytes, packets, state, handshake times, retransmissions."""
        query = contract.FlowQuery(
            snapshot_id=snapshot_id,
            aggregate=aggregate,
            l4proto=l4proto,
            ip=ip,
            ns=ns,
            pod=pod,
            svc=svc,
            limit=limit,
            cursor=cursor,
        )
        page = await context.hub.flows(query)
        warnings = context.show.warnings(page.warnings)
        if not page.flows:
            reason = page.empty.model_dump() if page.empty else {"sentence": "No flow matches."}
            return Answer("\n".join([context.show.empty(**reason), *warnings]), {"total": 0})
        body = _table(context, page.flows) if format == "compact" else context.show.records(page.flows)
        shown = context.show.shown(len(page.flows), page.total, "flows", page.cursor)
        facts = {"total": page.total, "shown": len(page.flows), "cursor": page.cursor}
        return Answer("\n".join([shown, *warnings, body]), facts)

    @tool(title="L4 summary", read_only=True)
    async def get_l4_flow_summary(self, context: ToolContext, snapshot_id: SnapshotId = None) -> Answer:
        """Give the L4 picture as a whole: totals, top talkers, traffic by and across namespaces."""
        summary = await context.hub.flow_summary(snapshot_id)
        lines = [
            f"{summary.total_flows:,} flows ({summary.tcp_flows:,} TCP, {summary.udp_flows:,} UDP), "
            f"{context.show.size(summary.total_bytes)}, {summary.total_packets:,} packets, "
            f"{summary.unique_clients:,} clients, {summary.unique_servers:,} servers"
        ]
        for title, records in (
            ("top by bytes", summary.top_by_bytes),
            ("top by packets", summary.top_by_packets),
            ("across namespaces", summary.cross_namespace),
        ):
            if records:
                lines.append(f"{title}:\n{_records(context, records)}")
        if summary.by_namespace:
            rows = sorted(summary.by_namespace.items(), key=lambda pair: (-pair[1], pair[0]))
            lines.append(f"by namespace:\n{context.show.captured_table(('namespace', 'bytes'), rows)}")
        lines += context.show.warnings(summary.warnings)
        return Answer("\n".join(lines), {"total_flows": summary.total_flows})


def _table(context: ToolContext, flows: Sequence[Mapping[str, Any]]) -> str:
    names = dict.fromkeys(name for flow in flows for name in flow.get("tcp_metrics") or {})
    health = [name for name in (*names, *HANDSHAKES) if any(_health(flow, name) not in (None, 0, -1) for flow in flows)]
    rest = [name for name in ("state", "connections", "l7") if any(flow.get(name) for flow in flows)]
    rows = [
        [
            flow.get("proto", ""),
            _peer(flow.get("client")),
            _peer(flow.get("server")),
            *(_text(flow.get(name)) for name in rest),
            *(flow.get("totals", {}).get(name) for name in ("bytes", "pkts")),
            *(flow.get("client_stats", {}).get(name) for name in ("tx_bytes", "rx_bytes")),
            *(_health(flow, name) for name in health),
        ]
        for flow in flows
    ]
    columns = ("proto", "client", "server", *rest, "bytes", "pkts", "client_tx", "client_rx", *health)
    return context.show.captured_table(columns, rows)


def _peer(end: Mapping[str, Any] | None) -> str:
    """Write `ns/pod ip:port svc=… @node`, as far as known."""
    end = end or {}
    name = "/".join(str(end[part]) for part in ("ns", "pod") if end.get(part))
    port = f":{end['port']}" if end.get("port") else ""
    service = f"svc={end['svc']}" if end.get("svc") else ""
    node = f"@{end['node']}" if end.get("node") else ""
    return " ".join(part for part in (name, f"{end.get('ip') or ''}{port}", service, node) if part)


def _health(flow: Mapping[str, Any], name: str) -> Any:
    """Find a number in the flow's own metrics or in one of its sides."""
    for place in ("tcp_metrics", "client_stats", "server_stats"):
        if (value := (flow.get(place) or {}).get(name)) is not None:
            return value
    return flow.get(name)


def _text(value: Any) -> str:
    return ",".join(str(item) for item in value) if isinstance(value, list | tuple) else str(value or "")


def _records(context: ToolContext, records: Sequence[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(name for record in records for name in record))
    rows = [[_cell(record.get(name)) for name in columns] for record in records]
    return context.show.captured_table(columns, rows)


def _cell(value: Any) -> Any:
    return _peer(value) if isinstance(value, Mapping) else value
