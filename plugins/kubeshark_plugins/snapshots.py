"""Keep a part of the raw capture, so that it can be dissected, queried and exported."""

from __future__ import annotations

from typing import Annotated

from kubeshark_mcp.plugin import (
    Answer,
    Duration,
    Field,
    Time,
    ToolContext,
    Toolset,
    UsageError,
    check_window,
    contract,
    tool,
)

COLUMNS = ("id", "name", "status", "start", "end", "nodes", "packets", "size", "created", "error")


class SnapshotsToolset(Toolset):
    """Raw capture (L4): what there is, and snapshots of it."""

    name = "snapshots"

    @tool(title="Raw capture window", read_only=True)
    async def get_data_boundaries(self, context: ToolContext) -> Answer:
        """Give the time window that the raw capture (L4) covers, in all and by node."""
        boundaries = await context.hub.data_boundaries()
        lines = [f"Raw capture: {context.show.span(boundaries.oldest, boundaries.newest)}"]
        rows = [(node.name, node.oldest, node.newest, node.packets) for node in boundaries.nodes]
        lines += [context.show.table(("node", "oldest", "newest", "packets"), rows)]
        lines += context.show.warnings(boundaries.warnings)
        if boundaries.oldest is not None:
            lines.append(context.hint("create_snapshot", name="incident", wait=True))
        return Answer("\n".join(filter(None, lines)), {"nodes": [node.name for node in boundaries.nodes]})

    @tool(title="Create snapshot")
    async def create_snapshot(
        self,
        context: ToolContext,
        name: Annotated[str, Field(min_length=1, max_length=200)],
        start_time: Time | None = None,
        end_time: Time | None = None,
        duration: Annotated[Duration | None, Field(description="the last 30m, instead of start and end")] = None,
        nodes: list[str] | None = None,
        wait: Annotated[bool, Field(description="until it is whole")] = False,
    ) -> Answer:
        """Keep a window of the raw capture (all of it by default) for dissection, queries and export."""
        if duration is not None and (start_time or end_time):
            raise UsageError("duration and start_time or end_time were given together; give one of them.")
        check_window(start_time, end_time, ("start_time", "end_time"))
        request = contract.SnapshotRequest(
            name=name, start=start_time, end=end_time, duration_seconds=duration, nodes=nodes
        )
        snapshot = await context.hub.create_snapshot(request)
        if wait:
            snapshot = await context.wait_for(
                snapshot,
                ended=lambda state: state.status.ended,
                look=lambda: context.hub.snapshot(snapshot.id),
                progress=lambda state: (100.0 if state.status.ended else 0.0, f"snapshot {state.status}"),
            )
        return _one(context, snapshot)

    @tool(title="Snapshot", read_only=True)
    async def get_snapshot(self, context: ToolContext, id: str) -> Answer:
        """Give one snapshot: status, window, nodes, size."""
        return _one(context, await context.hub.snapshot(id))

    @tool(title="List snapshots", read_only=True)
    async def list_snapshots(self, context: ToolContext) -> Answer:
        """List all snapshots, newest first."""
        snapshots = await context.hub.snapshots()
        if not snapshots:
            nothing = context.show.empty("There is no snapshot yet.", tool="get_data_boundaries")
            return Answer(nothing, {"ids": []})
        table = context.show.table(COLUMNS, [_row(context, snapshot) for snapshot in snapshots])
        return Answer(f"{table}\n{len(snapshots)} snapshots", {"ids": [snapshot.id for snapshot in snapshots]})

    @tool(title="Delete snapshot", destructive=True, idempotent=True)
    async def delete_snapshot(self, context: ToolContext, id: str) -> Answer:
        """Delete a snapshot with its dissections and exports, for good."""
        snapshot = await context.hub.snapshot(id)
        size = context.show.size(snapshot.size_bytes)
        await context.confirm(f'Delete snapshot "{snapshot.name}" ({snapshot.id}, {size}) with its dissections?')
        deleted = await context.hub.delete_snapshot(id)
        return Answer(f"Snapshot {deleted.id} is deleted.", {"id": deleted.id})


def _row(context: ToolContext, snapshot: contract.Snapshot) -> list[object]:
    return [
        snapshot.id,
        snapshot.name,
        snapshot.status,
        snapshot.start,
        snapshot.end,
        ",".join(snapshot.nodes),
        snapshot.packet_count,
        context.show.size(snapshot.size_bytes),
        snapshot.created_at,
        snapshot.error,
    ]


def _one(context: ToolContext, snapshot: contract.Snapshot) -> Answer:
    size = context.show.size(snapshot.size_bytes)
    lines = [
        f"Snapshot {snapshot.id} ({snapshot.name}): {snapshot.status}",
        f"window: {context.show.span(snapshot.start, snapshot.end)}",
        f"{snapshot.packet_count:,} packets, {size}, nodes: {', '.join(snapshot.nodes)}",
        f"created: {context.show.time(snapshot.created_at)}",
    ]
    lines += [f"error: {snapshot.error}"] if snapshot.error else []
    lines += context.show.warnings(snapshot.warnings)
    if snapshot.status is contract.JobStatus.COMPLETED:
        lines.append(context.hint("start_snapshot_dissection", snapshot_id=snapshot.id, wait=True))
    elif not snapshot.status.ended:
        lines.append(context.hint("get_snapshot", id=snapshot.id))
    facts = {"id": snapshot.id, "status": str(snapshot.status), "packets": snapshot.packet_count}
    return Answer("\n".join(filter(None, lines)), facts)
