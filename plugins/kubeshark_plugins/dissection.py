"""Turn the packets of a snapshot into API calls that can be searched."""

from __future__ import annotations

from typing import Annotated

from kubeshark_mcp.plugin import Answer, Field, ToolContext, Toolset, contract, tool

SnapshotId = Annotated[str, Field(min_length=1)]
Name = Annotated[str | None, Field(description="of the dissection; the only or newest one by default")]


class DissectionToolset(Toolset):
    """Dissection (L7): jobs, their state, and the databases they made."""

    name = "dissection"

    @tool(title="Dissected window", read_only=True)
    async def get_l7_data_boundaries(self, context: ToolContext) -> Answer:
        """Give the time window that dissected entries (L7) cover. It can be narrower than the raw capture's."""
        boundaries = await context.hub.l7_boundaries()
        state = {True: "on", False: "off", None: "unknown"}[boundaries.dissection_enabled]
        lines = [
            f"Dissected: {context.show.span(boundaries.oldest, boundaries.newest)}",
            f"Dissection of new capture is {state}.",
        ]
        rows = [(node.name, node.oldest, node.newest, node.packets) for node in boundaries.nodes]
        lines += [context.show.table(("node", "oldest", "newest", "packets"), rows)]
        lines += context.show.warnings(boundaries.warnings)
        if boundaries.oldest is None:
            lines.append(context.hint("list_snapshots", "To dissect a snapshot, find it first: "))
        return Answer("\n".join(filter(None, lines)), {"dissection_enabled": boundaries.dissection_enabled})

    @tool(title="Dissect snapshot")
    async def start_snapshot_dissection(
        self,
        context: ToolContext,
        snapshot_id: SnapshotId,
        name: Annotated[str | None, Field(description="for the new dissection")] = None,
        wait: Annotated[bool, Field(description="up to 50 s, with progress")] = False,
    ) -> Answer:
        """Make the API calls of a snapshot searchable. Runs in the background, even when the call ends early."""
        dissection = await context.hub.start_dissection(snapshot_id, name)
        if wait:
            dissection = await context.wait_for(
                dissection,
                ended=lambda state: state.status.ended,
                look=lambda: context.hub.dissection(snapshot_id, dissection.name),
                progress=lambda state: (float(state.progress), f"{state.status}: {_counts(state.stats)}"),
            )
        return _one(context, dissection)

    @tool(title="Dissection status", read_only=True)
    async def get_snapshot_dissection_status(
        self, context: ToolContext, snapshot_id: SnapshotId, name: Name = None
    ) -> Answer:
        """Say how far a dissection is: status, progress 0..100, packets, entries by protocol, errors."""
        return _one(context, await context.hub.dissection(snapshot_id, name))

    @tool(title="List dissections", read_only=True)
    async def list_snapshot_dissections(self, context: ToolContext, snapshot_id: str | None = None) -> Answer:
        """List dissections, of one snapshot or of all."""
        dissections = await context.hub.dissections(snapshot_id)
        if not dissections:
            which = f"Snapshot {snapshot_id} has no dissection" if snapshot_id else "There is no dissection"
            arguments = {"snapshot_id": snapshot_id} if snapshot_id else {}
            tool_name = "start_snapshot_dissection" if snapshot_id else "list_snapshots"
            return Answer(context.show.empty(f"{which} yet.", tool=tool_name, arguments=arguments))
        rows = [
            (one.snapshot, one.name, one.status, one.progress, one.stats.entries_created, "; ".join(one.errors))
            for one in dissections
        ]
        table = context.show.table(("snapshot", "name", "status", "progress", "entries", "errors"), rows)
        return Answer(f"{table}\n{len(rows)} dissections", {"databases": [f"{one[0]}/{one[1]}" for one in rows]})

    @tool(title="Stop dissection", idempotent=True)
    async def stop_snapshot_dissection(self, context: ToolContext, snapshot_id: SnapshotId, name: str) -> Answer:
        """Cancel a running dissection."""
        stopped = await context.hub.stop_dissection(snapshot_id, name)
        return Answer(f"Dissection {name} of snapshot {snapshot_id} is stopped.", {"success": stopped.success})

    @tool(title="Delete dissection", destructive=True, idempotent=True)
    async def delete_snapshot_dissection(self, context: ToolContext, snapshot_id: SnapshotId, name: str) -> Answer:
        """Delete a dissection's entries, for good; the snapshot stays."""
        found = await context.hub.dissection(snapshot_id, name)
        count = f"{found.stats.entries_created:,} entries"
        await context.confirm(f'Delete dissection "{found.name}" of snapshot {found.snapshot} with {count}?')
        deleted = await context.hub.delete_dissection(snapshot_id, name)
        return Answer(f"Dissection {name} of snapshot {snapshot_id} is deleted.", {"success": deleted.success})

    @tool(title="Is dissection on", read_only=True)
    async def get_dissection_status(self, context: ToolContext) -> Answer:
        """Tell whether new raw capture is dissected as it arrives."""
        return _enabled(await context.hub.dissection_enabled())

    @tool(title="Switch dissection on", idempotent=True)
    async def enable_dissection(self, context: ToolContext) -> Answer:
        """Dissect new raw capture from now on; older capture stays as it is (dissect a snapshot of it instead)."""
        return _enabled(await context.hub.set_dissection_enabled(True))

    @tool(title="Switch dissection off", idempotent=True)
    async def disable_dissection(self, context: ToolContext) -> Answer:
        """Stop dissecting new raw capture; what is dissected stays."""
        return _enabled(await context.hub.set_dissection_enabled(False))

    @tool(title="List databases", read_only=True)
    async def list_databases(self, context: ToolContext) -> Answer:
        """List what can be queried. Give `db` to the call and statistics tools as SNAPSHOT/NAME."""
        databases = await context.hub.databases()
        if not databases:
            return Answer(context.show.empty("Nothing is dissected yet.", tool="list_snapshots"))
        rows = [
            (_database(one), one.type, one.node, one.entry_count, one.status, one.first, one.last) for one in databases
        ]
        table = context.show.table(("db", "type", "node", "entries", "status", "first", "last"), rows)
        return Answer(f"{table}\n{len(rows)} databases", {"databases": [row[0] for row in rows]})


def _database(database: contract.Database) -> str:
    return f"{database.snapshot}/{database.name}" if database.snapshot else database.name


def _enabled(enabled: bool) -> Answer:
    return Answer(f"Dissection of new raw capture is {'on' if enabled else 'off'}.", {"enabled": enabled})


def _counts(stats: contract.DissectionStats) -> str:
    return f"{stats.packets_processed:,} packets, {stats.entries_created:,} entries"


def _one(context: ToolContext, dissection: contract.Dissection) -> Answer:
    stats = dissection.stats
    lines = [
        f"Dissection {dissection.name} of snapshot {dissection.snapshot}: {dissection.status}, {dissection.progress} %",
        f"{stats.packets_processed:,} packets of {stats.pcap_files} files ({context.show.size(stats.pcap_bytes)}), "
        f"{stats.entries_created:,} entries",
    ]
    by_protocol = sorted(stats.protocol_counts.items(), key=lambda pair: (-pair[1], pair[0]))
    lines += [", ".join(f"{protocol} {count:,}" for protocol, count in by_protocol)]
    payload = {"dissected": stats.bytes_dissected, "encrypted": stats.bytes_recognised, "unknown": stats.bytes_unknown}
    shown = [f"{context.show.size(size)} {name}" for name, size in payload.items() if size]
    lines += [f"payload: {', '.join(shown)}"] if shown else []
    lines += [f"error: {error}" for error in dissection.errors]
    lines += context.show.warnings(dissection.warnings)
    database = f"{dissection.snapshot}/{dissection.name}"
    if dissection.status is contract.JobStatus.COMPLETED:
        lines.append(context.hint("get_api_stats", db=database, group_by="endpoint"))
    elif not dissection.status.ended:
        lines.append(
            context.hint("get_snapshot_dissection_status", snapshot_id=dissection.snapshot, name=dissection.name)
        )
    facts = {"db": database, "status": str(dissection.status), "progress": dissection.progress}
    return Answer("\n".join(filter(None, lines)), {**facts, "entries": stats.entries_created})
