"""Object storage as Hubs tell of it: the contract's form, ours with more, and odd ones."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from kubeshark_mcp.hub.api import wire
from kubeshark_mcp.hub.contract import JobStatus, Snapshot
from kubeshark_mcp.hub.contract_cloud import CloudJob, CloudSnapshot, CloudStatus
from kubeshark_mcp.hub.contract_remote import UnknownShapeError
from kubeshark_mcp.hub.remote import cloud_readings as readings

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
STORED = CloudSnapshot(
    snapshot=Snapshot(id="s", name="S", status=JobStatus.COMPLETED, created_at=NOON, nodes=["n"], packet_count=1),
    size_bytes=9,
    files=2,
    uploaded_at=NOON,
    local=True,
)


def test_the_contracts_status_has_no_list_of_snapshots():
    assert readings.status({"enabled": True, "provider": "s3", "connected": True}) == CloudStatus(
        enabled=True, provider="s3", connected=True
    )
    assert readings.status({"enabled": False}) == CloudStatus(enabled=False)


def test_what_our_own_hub_says_is_read_whole():
    whole = CloudStatus(
        enabled=True,
        provider="gcs",
        connected=True,
        location="gcs://b",
        problem="p",
        advice="a",
        snapshots=[STORED],
        snapshots_total=7,
        warnings=["w"],
    )
    assert readings.status(orjson.loads(wire.to_json(wire.cloud_status(whole)))) == whole
    ended = CloudJob(
        job_id="j",
        snapshot_id="s",
        operation="download",
        status=JobStatus.FAILED,
        progress=40,
        bytes_done=4,
        bytes_total=10,
        error="e",
        started_at=NOON,
        completed_at=NOON,
        warnings=["w"],
    )
    for job in (ended, ended.model_copy(update={"error": "", "completed_at": None, "status": JobStatus.IN_PROGRESS})):
        assert readings.job(orjson.loads(wire.to_json(wire.cloud_job(job))), "t") == job


def test_the_answer_to_a_start_may_be_the_job_alone():
    assert readings.job({"success": True, "job_id": "j"}, "t", "s", "download") == CloudJob(
        job_id="j", snapshot_id="s", operation="download", status=JobStatus.IN_PROGRESS
    )


@pytest.mark.parametrize(
    ("word", "status", "progress"),
    [
        ("in_progress", JobStatus.IN_PROGRESS, 0),
        ("uploading", JobStatus.IN_PROGRESS, 0),
        ("completed", JobStatus.COMPLETED, 100),
        ("done", JobStatus.COMPLETED, 100),
        ("error", JobStatus.FAILED, 0),
        ("cancelled", JobStatus.FAILED, 0),
    ],
)
def test_states_are_one_of_three(word, status, progress):
    job = readings.job({"job_id": "j", "status": word, "operation": "UPLOAD"}, "t")
    assert (job.status, job.progress, job.operation) == (status, progress, "upload")


@pytest.mark.parametrize("odd", [None, [], "no", {}, {"other": 1}])
def test_other_shapes_are_shown_as_they_are(odd):
    with pytest.raises(UnknownShapeError):
        readings.status(odd)
    with pytest.raises(UnknownShapeError):
        readings.job(odd, "t")
