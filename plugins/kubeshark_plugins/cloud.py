"""Snapshots in object storage: S3, Azure Blob or Google Cloud Storage."""

from __future__ import annotations

from typing import Annotated

from kubeshark_mcp.plugin import Answer, Field, ToolContext, Toolset, contract, contract_cloud, tool

SnapshotId = Annotated[str, Field(min_length=1, max_length=200)]
Wait = Annotated[bool, Field(description="up to 50 s, with progress")]
COLUMNS = ("id", "name", "start", "end", "nodes", "packets", "size", "uploaded", "here")


class CloudToolset(Toolset):
    """Object storage: keep snapshots there, and bring them back."""

    name = "cloud"

    @tool(title="Cloud storage", read_only=True, open_world=True)
    async def get_cloud_storage_status(self, context: ToolContext) -> Answer:
        """Say whether cloud storage (S3, Azure Blob, GCS) is set up and answers, and list the snapshots in it."""
        status = await context.hub.cloud_status()
        facts = {"enabled": status.enabled, "provider": status.provider, "connected": status.connected}
        if not status.enabled:
            lines = [context.show.safe(status.problem), status.advice or "Cloud storage is not set up on this Hub."]
            return Answer("\n".join(filter(None, lines)), facts)
        where = " ".join(filter(None, (status.provider, context.show.safe(status.location))))
        lines = [f"Cloud storage {where}: {'connected' if status.connected else 'not connected'}"]
        lines += [context.show.safe(status.problem)]
        lines += _listed(context, status) if status.connected else []
        lines += context.show.warnings(status.warnings)
        return Answer(
            "\n".join(filter(None, lines)), {**facts, "ids": [one.snapshot.id for one in status.snapshots or ()]}
        )

    @tool(title="Upload snapshot", open_world=True)
    async def upload_snapshot_to_cloud(self, context: ToolContext, id: SnapshotId, wait: Wait = False) -> Answer:
        """Copy a completed snapshot into cloud storage, captured payloads and all. Runs in the background."""
        return await _begun(context, await context.hub.upload_snapshot(id), wait)

    @tool(title="Download snapshot", open_world=True)
    async def download_snapshot_from_cloud(self, context: ToolContext, id: SnapshotId, wait: Wait = False) -> Answer:
        """Copy a snapshot that is not here from cloud storage, every file checked. Runs in the background."""
        return await _begun(context, await context.hub.download_snapshot(id), wait)

    @tool(title="Cloud job", read_only=True)
    async def get_cloud_job_status(self, context: ToolContext, job_id: str) -> Answer:
        """Say how far an upload or download is: status, progress 0..100, error."""
        return _one(context, await context.hub.cloud_job(job_id))


def _listed(context: ToolContext, status: contract_cloud.CloudStatus) -> list[str]:
    """Show what lies in the storage; a Hub that does not list it is left to speak for itself."""
    if status.snapshots is None:
        return ["This Hub does not list the snapshots in its storage; they are downloaded by their id."]
    if not status.snapshots:
        return ["It holds no snapshot yet.", context.hint("list_snapshots", "To upload one, find it first: ")]
    rows = [
        (
            one.snapshot.id,
            one.snapshot.name,
            one.snapshot.start,
            one.snapshot.end,
            ",".join(one.snapshot.nodes),
            one.snapshot.packet_count,
            context.show.size(one.size_bytes),
            one.uploaded_at,
            "yes" if one.local else "no",
        )
        for one in status.snapshots
    ]
    lines = [context.show.table(COLUMNS, rows), f"{len(rows)} of {max(len(rows), status.snapshots_total)} snapshots"]
    elsewhere = next((one.snapshot.id for one in status.snapshots if not one.local), None)
    if elsewhere is not None:
        lines.append(context.hint("download_snapshot_from_cloud", id=elsewhere, wait=True))
    return lines


async def _begun(context: ToolContext, job: contract_cloud.CloudJob, wait: bool) -> Answer:
    begun = job
    if wait:
        job = await context.wait_for(
            job,
            ended=lambda state: state.status.ended,
            look=lambda: context.hub.cloud_job(begun.job_id),
            progress=lambda state: (float(state.progress), f"{state.operation}: {_bytes(context, state)}"),
        )
    return _one(context, job.model_copy(update={"warnings": [*begun.warnings, *job.warnings]}) if wait else job)


def _bytes(context: ToolContext, job: contract_cloud.CloudJob) -> str:
    return f"{context.show.size(job.bytes_done)} of {context.show.size(job.bytes_total)}"


def _one(context: ToolContext, job: contract_cloud.CloudJob) -> Answer:
    safe = context.show.safe
    lines = [f"{job.operation.capitalize()} of snapshot {safe(job.snapshot_id)}: {job.status}, {job.progress} %"]
    lines += [_bytes(context, job)] if job.bytes_total else []
    lines += [f"job: {safe(job.job_id)}"]
    lines += [f"error: {safe(job.error)}"] if job.error else []
    times = (("started", job.started_at), ("ended", job.completed_at))
    lines += [", ".join(f"{name}: {context.show.time(time)}" for name, time in times if time is not None)]
    lines += context.show.warnings(list(dict.fromkeys(job.warnings)))
    if not job.status.ended:
        lines.append(context.hint("get_cloud_job_status", job_id=job.job_id))
    elif job.status is contract.JobStatus.COMPLETED and job.operation == "download":
        lines.append(context.hint("start_snapshot_dissection", snapshot_id=job.snapshot_id, wait=True))
    facts = {"job_id": job.job_id, "id": job.snapshot_id, "status": str(job.status), "progress": job.progress}
    return Answer("\n".join(filter(None, lines)), facts)
