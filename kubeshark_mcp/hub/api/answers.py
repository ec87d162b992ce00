"""One function a tool: a Hub's answer to checked arguments, in the shape in which it travels."""

from __future__ import annotations

import asyncio
from typing import Any

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.api import arguments as a
from kubeshark_mcp.hub.api import wire
from kubeshark_mcp.hub.api.calls_wire import COMPACT_COLUMNS, CallWriter
from kubeshark_mcp.hub.interface import Hub

Json = dict[str, Any]


async def status(hub: Hub, _: a.Nothing, __: CallWriter) -> Json:
    """Say what this Hub is."""
    return (await hub.status()).model_dump()


async def data_boundaries(hub: Hub, _: a.Nothing, __: CallWriter) -> Json:
    """Give the window of raw capture."""
    return wire.boundaries(await hub.data_boundaries())


async def l7_boundaries(hub: Hub, _: a.Nothing, __: CallWriter) -> Json:
    """Give the window of dissected entries."""
    return wire.boundaries(await hub.l7_boundaries())


async def create_snapshot(hub: Hub, given: a.CreateSnapshot, _: CallWriter) -> Json:
    """Begin a snapshot."""
    if given.duration is not None and (given.start_time or given.end_time):
        raise UsageError("duration and start_time or end_time were given together: give one of them.")
    request = c.SnapshotRequest(
        name=given.name,
        start=given.start_time,
        end=given.end_time,
        duration_seconds=given.duration,
        nodes=given.nodes,
    )
    return {"success": True, **wire.snapshot(await hub.create_snapshot(request))}


async def get_snapshot(hub: Hub, given: a.OneSnapshot, _: CallWriter) -> Json:
    """Give one snapshot."""
    return wire.snapshot(await hub.snapshot(given.id))


async def list_snapshots(hub: Hub, _: a.Nothing, __: CallWriter) -> Json:
    """Give all snapshots."""
    return {"snapshots": [wire.snapshot(one) for one in await hub.snapshots()]}


async def delete_snapshot(hub: Hub, given: a.OneSnapshot, _: CallWriter) -> Json:
    """Delete a snapshot."""
    return (await hub.delete_snapshot(given.id)).model_dump()


async def export_pcap(hub: Hub, given: a.ExportPcap, _: CallWriter) -> Json:
    """Write packets of a snapshot; gives the path to fetch them by."""
    request = c.ExportRequest(
        snapshot_id=given.id,
        nodes=given.nodes,
        bpf_filter=given.bpf_filter,
        start=given.start_time,
        end=given.end_time,
    )
    return (await hub.export_pcap(request)).model_dump(exclude_none=True)


async def start_dissection(hub: Hub, given: a.OneDissection, _: CallWriter) -> Json:
    """Begin a dissection."""
    return {"success": True, **wire.dissection(await hub.start_dissection(given.snapshot_id, given.name))}


async def dissection_state(hub: Hub, given: a.OneDissection, _: CallWriter) -> Json:
    """Give the state of a dissection."""
    return wire.dissection(await hub.dissection(given.snapshot_id, given.name))


async def list_dissections(hub: Hub, given: a.MaybeSnapshot, _: CallWriter) -> Json:
    """Give dissections."""
    return {"dissections": [wire.dissection(one) for one in await hub.dissections(given.snapshot_id)]}


async def stop_dissection(hub: Hub, given: a.NamedDissection, _: CallWriter) -> Json:
    """Cancel a dissection."""
    stopped = await hub.stop_dissection(given.snapshot_id, given.name)
    return {"success": stopped.success, "id": stopped.id, "snapshot": given.snapshot_id, "name": given.name}


async def delete_dissection(hub: Hub, given: a.NamedDissection, _: CallWriter) -> Json:
    """Delete a dissection."""
    deleted = await hub.delete_dissection(given.snapshot_id, given.name)
    return {"success": deleted.success, "id": deleted.id, "snapshot": given.snapshot_id, "name": given.name}


async def list_databases(hub: Hub, _: a.Nothing, __: CallWriter) -> Json:
    """Give what can be queried."""
    return {"databases": [wire.database(one) for one in await hub.databases()]}


async def list_workloads(hub: Hub, given: a.Workloads, _: CallWriter) -> Json:
    """Give workloads."""
    found = await hub.workloads(c.WorkloadQuery(**given.model_dump()))
    return {"workloads": [wire.workload(one) for one in found], "total": len(found)}


async def list_ips(hub: Hub, given: a.Addresses, _: CallWriter) -> Json:
    """Give addresses."""
    found = await hub.addresses(c.WorkloadQuery(**given.model_dump()))
    return {"ips": [wire.address(one) for one in found], "total": len(found)}


async def list_calls(hub: Hub, given: a.Calls, writer: CallWriter) -> Json:
    """Give a page of calls."""
    check_window(given.start, given.end)
    query = c.CallQuery(
        database=_database(given.snapshot_id, given.db),
        kfl=given.kfl,
        start=given.start,
        end=given.end,
        limit=given.limit,
        cursor=given.cursor,
        newest_first=given.newest_first,
        keep_duplicates=given.keep_duplicates,
        columns=COMPACT_COLUMNS if given.format == "compact" else None,
    )
    found = await hub.calls(query)
    if given.format == "compact" and given.group_by is None and writer.is_short(found):
        return writer.written(found)
    return await asyncio.to_thread(writer.page, found, given.format, given.group_by)


async def get_call(hub: Hub, given: a.OneCall, writer: CallWriter) -> Json:
    """Give one call in full."""
    request = c.CallRequest(
        id=given.id,
        database=_database(given.snapshot_id, given.db),
        include_payload=given.include_payload,
        include_l4=given.include_l4,
        include_pcap=given.include_pcap,
        max_payload_size=given.max_payload_size,
    )
    found = await hub.call(request)
    return await asyncio.to_thread(writer.detail, found)


async def get_stats(hub: Hub, given: a.Stats, _: CallWriter) -> Json:
    """Give numbers over calls."""
    check_window(given.start, given.end)
    query = c.StatsQuery(
        database=_database(given.snapshot_id, given.db),
        kfl=given.kfl,
        start=given.start,
        end=given.end,
        group_by=given.group_by,
        limit=given.limit,
    )
    return wire.stats(await hub.stats(query))


async def list_flows(hub: Hub, given: a.Flows, _: CallWriter) -> Json:
    """Give L4 flows; every format carries all that is known of them."""
    page = await hub.flows(c.FlowQuery(**given.model_dump(exclude={"format"})))
    answer: Json = {
        "flows": [wire.flow(one) for one in page.flows],
        "total": page.total,
        "truncated": page.cursor is not None,
    }
    if page.cursor is not None:
        answer["cursor"] = page.cursor
    return wire.with_notes(answer, page.warnings, page.empty)


async def flow_summary(hub: Hub, given: a.MaybeSnapshot, _: CallWriter) -> Json:
    """Give the L4 picture."""
    return wire.flow_summary(await hub.flow_summary(given.snapshot_id))


async def dissection_enabled(hub: Hub, _: a.Nothing, __: CallWriter) -> Json:
    """Tell whether raw capture is dissected as it arrives."""
    return {"enabled": await hub.dissection_enabled()}


async def enable_dissection(hub: Hub, _: a.Nothing, __: CallWriter) -> Json:
    """Switch it on."""
    return {"enabled": await hub.set_dissection_enabled(True)}


async def disable_dissection(hub: Hub, _: a.Nothing, __: CallWriter) -> Json:
    """Switch it off."""
    return {"enabled": await hub.set_dissection_enabled(False)}


async def cloud_status(hub: Hub, _: a.Nothing, __: CallWriter) -> Json:
    """Say what there is in object storage."""
    return wire.cloud_status(await hub.cloud_status())


async def upload_snapshot(hub: Hub, given: a.OneSnapshot, _: CallWriter) -> Json:
    """Begin an upload."""
    return {"success": True, **wire.cloud_job(await hub.upload_snapshot(given.id))}


async def download_snapshot(hub: Hub, given: a.OneSnapshot, _: CallWriter) -> Json:
    """Begin a download."""
    return {"success": True, **wire.cloud_job(await hub.download_snapshot(given.id))}


async def cloud_job(hub: Hub, given: a.OneCloudJob, _: CallWriter) -> Json:
    """Give the state of a transfer."""
    return wire.cloud_job(await hub.cloud_job(given.job_id))


async def kfl_fields(hub: Hub, _: a.Nothing, __: CallWriter) -> Json:
    """Give every KFL field."""
    found = await hub.fields()
    return {"fields": [wire.field(one) for one in found], "total": len(found)}


async def check_kfl(hub: Hub, given: a.Filter, _: CallWriter) -> Json:
    """Say whether a filter is valid."""
    return (await hub.check_filter(given.kfl, given.db)).model_dump()


async def explain_kfl(hub: Hub, given: a.Filter, _: CallWriter) -> Json:
    """Say how a filter runs."""
    return (await hub.explain_filter(given.kfl, given.db)).model_dump()


async def field_use(hub: Hub, given: a.FieldUses, writer: CallWriter) -> Json:
    """Say how fields are filled; values are captured text, so their secrets go too."""
    found = [one.model_dump() for one in await hub.field_use(given.names, given.db)]
    if writer.redactor is not None:
        for one in found:
            one["commonest"] = [(writer.redactor.named(one["name"], text), n) for text, n in one["commonest"]]
    return {"fields": found}


async def file_url(hub: Hub, given: a.OnePath, _: CallWriter) -> Json:
    """Give where a file can be fetched, relative to this Hub."""
    await hub.file_url(given.path)
    return {"url": f"/api/{given.path.lstrip('/')}"}


def _database(snapshot_id: str | None, db: str | None) -> str | None:
    if snapshot_id and db and db.partition("/")[0] != snapshot_id:
        raise UsageError(f"snapshot_id {snapshot_id!r} and db {db!r} name different snapshots: give one of them.")
    return db or snapshot_id


def check_window(start: object, end: object) -> None:
    """Raise UsageError for a window that ends before it starts; None is open."""
    if start is not None and end is not None and start > end:  # type: ignore[operator]
        raise UsageError(f"The window ends ({end}) before it starts ({start}): swap the two.")
