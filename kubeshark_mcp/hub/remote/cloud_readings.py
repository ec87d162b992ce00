"""A Hub's JSON about object storage, as the contract's shapes."""

from __future__ import annotations

from typing import Any

from kubeshark_mcp.hub.contract import JobStatus
from kubeshark_mcp.hub.contract_cloud import CloudJob, CloudSnapshot, CloudStatus, Operation
from kubeshark_mcp.hub.remote import reading as r
from kubeshark_mcp.hub.remote.snapshot_readings import snapshot

STATUS = "get_cloud_storage_status"


def status(answer: Any) -> CloudStatus:
    """Read whether storage is set up; snapshots only from a Hub that lists them, as ours does."""
    found = r.one_of(answer, STATUS, ("enabled", "provider", "connected"))
    listed = found.get("snapshots")
    snapshots = [_stored(one) for one in r.records(listed)] if isinstance(listed, list) else None
    return CloudStatus(
        enabled=r.flag(found.get("enabled")) is True,
        provider=r.text(r.first(found, "provider", "type")),
        connected=r.flag(found.get("connected")) is True,
        location=r.text(r.first(found, "location", "bucket", "container")),
        problem=r.text(r.first(found, "problem", "error", "message")),
        advice=r.text(found.get("advice")),
        snapshots=snapshots,
        snapshots_total=r.number(found.get("snapshots_total")) or len(snapshots or ()),
        warnings=r.warnings(found),
    )


def _stored(one: dict[str, Any]) -> CloudSnapshot:
    read = snapshot(one, STATUS)
    return CloudSnapshot(
        snapshot=read.model_copy(update={"status": JobStatus.COMPLETED}),
        size_bytes=r.number(one.get("stored_bytes")) or read.size_bytes,
        files=r.number(one.get("files")),
        uploaded_at=r.moment(one.get("uploaded_at")) or read.created_at,
        local=r.flag(one.get("local")) is True,
    )


def job(answer: Any, tool: str, snapshot_id: str = "", operation: Operation = "upload") -> CloudJob:
    """Read a transfer. snapshot_id, operation: what was asked for, where the answer does not repeat it."""
    found = r.one_of(answer, tool, ("job_id", "id", "job"))
    state = r.first(found, "status", "state")
    read = JobStatus.IN_PROGRESS if state is None else r.job_status(state)
    told = r.text(found.get("operation")).lower()
    failed = read in {JobStatus.FAILED, JobStatus.CANCELLED}
    ended = JobStatus.COMPLETED if read is JobStatus.COMPLETED else JobStatus.IN_PROGRESS
    return CloudJob(
        job_id=r.text(r.first(found, "job_id", "id", "job")),
        snapshot_id=r.text(r.first(found, "snapshot_id", "snapshot")) or snapshot_id,
        operation="download" if "download" in told else "upload" if "upload" in told else operation,
        status=JobStatus.FAILED if failed else ended,
        progress=100 if read is JobStatus.COMPLETED else min(100, max(0, r.number(found.get("progress")))),
        bytes_done=r.number(found.get("bytes_done")),
        bytes_total=r.number(found.get("bytes_total")),
        error=r.text(r.first(found, "error", "error_message")),
        started_at=r.moment(r.first(found, "started_at", "created_at")),
        completed_at=r.moment(found.get("completed_at")),
        warnings=r.warnings(found),
    )
