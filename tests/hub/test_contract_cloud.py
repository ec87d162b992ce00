"""Shapes of object storage, and the answers of a Hub that has none."""

from __future__ import annotations

import pytest
from fake_hub import FakeHub
from pydantic import ValidationError

from kubeshark_mcp.errors import UnsupportedError
from kubeshark_mcp.hub.contract import JobStatus
from kubeshark_mcp.hub.contract_cloud import CloudJob, CloudStatus
from kubeshark_mcp.hub.interface import Hub


async def test_a_hub_without_object_storage_says_so():
    hub = FakeHub()
    asked = (
        Hub.cloud_status(hub),
        Hub.upload_snapshot(hub, "s1"),
        Hub.download_snapshot(hub, "s1"),
        Hub.cloud_job(hub, "j1"),
    )
    for question in asked:
        with pytest.raises(
            UnsupportedError, match=r"has no cloud storage to .*: copy the workspace's folder, or export"
        ):
            await question


def test_what_is_not_known_is_empty_and_an_operation_is_one_of_two():
    assert CloudStatus(enabled=False).snapshots is None
    job = CloudJob(job_id="j", snapshot_id="s", operation="upload", status=JobStatus.IN_PROGRESS)
    assert (job.progress, job.error, job.started_at, job.completed_at) == (0, "", None, None)
    with pytest.raises(ValidationError):
        CloudJob(job_id="j", snapshot_id="s", operation="move", status=JobStatus.IN_PROGRESS)
