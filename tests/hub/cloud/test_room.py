"""Snapshots to and from storage as jobs: what is refused, what is listed, what survives."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.errors import ConflictError, HubError, NotFoundError, UnsupportedError
from kubeshark_mcp.hub.cloud.room import CloudRoom, transfer
from kubeshark_mcp.hub.cloud.settings import WHAT_TO_SET
from kubeshark_mcp.hub.contract import JobStatus
from kubeshark_mcp.hub.contract_cloud import CloudJob, CloudStatus
from kubeshark_mcp.hub.embedded import EmbeddedHub
from kubeshark_mcp.hub.jobs import INTERRUPTED, Job, JobBoard
from kubeshark_mcp.hub.snapshots import SnapshotRoom
from kubeshark_mcp.hub.workspace import Workspace

from .conftest import FORBIDDEN, ID, ODD_NAME, SNAPSHOT, contents, with_snapshot

UPLOAD, DOWNLOAD = f"cloud_upload.{ID}", f"cloud_download.{ID}"


def room(workspace: Workspace, environment: dict[str, str]) -> CloudRoom:
    board = JobBoard(workspace.jobs, environment)
    return CloudRoom(workspace, board, SnapshotRoom(workspace, board), environment)


def done_here(workspace: Workspace, kind: str, environment: dict[str, str]) -> Job:
    """Do a transfer in this process, as its worker would."""
    board = JobBoard(workspace.jobs)
    key = f"{kind}.{ID}"
    board.save(Job(key, kind, {"id": ID}, created_ns=1))
    return board.run(key, lambda job, report: transfer(workspace, job, report, environment))


async def ended(hub: EmbeddedHub, job: CloudJob) -> CloudJob:
    deadline = asyncio.get_running_loop().time() + 30
    while not (job := await hub.cloud_job(job.job_id)).status.ended:
        assert asyncio.get_running_loop().time() < deadline, job
        await asyncio.sleep(0.02)
    return job


async def test_a_snapshot_goes_from_one_machine_to_another_through_s3(tmp_path, s3):
    environment = s3.environment()
    with_snapshot(tmp_path / "one")
    one = EmbeddedHub(tmp_path / "one", environment=environment)
    other = EmbeddedHub(tmp_path / "other", environment=environment)
    begun = await one.upload_snapshot(ID)
    assert (begun.job_id, begun.operation, begun.status) == (UPLOAD, "upload", JobStatus.IN_PROGRESS)
    uploaded = await ended(one, begun)
    total = uploaded.bytes_total
    assert (uploaded.status, uploaded.progress, uploaded.bytes_done) == (JobStatus.COMPLETED, 100, total)
    assert uploaded.started_at < uploaded.completed_at
    (listed,) = (await other.cloud_status()).snapshots
    assert (listed.snapshot, listed.size_bytes, listed.files, listed.local) == (SNAPSHOT, total, 3, False)
    downloaded = await ended(other, await other.download_snapshot(ID))
    assert (downloaded.operation, downloaded.status, downloaded.error) == ("download", JobStatus.COMPLETED, "")
    assert await other.snapshots() == [SNAPSHOT]
    with pytest.raises(ConflictError, match=r"is already here \(completed\): use it, or delete it first"):
        await other.download_snapshot(ID)
    with pytest.raises(ConflictError, match="is already in cloud storage s3://captures/team, since"):
        await one.upload_snapshot(ID)
    kept = "".join(path.read_text() for folder in ("one", "other") for path in (tmp_path / folder / "jobs").glob("*.*"))
    assert "hunter2" not in kept
    assert "AKIDOFTESTS" not in kept
    await one.close()
    await other.close()


async def test_an_upload_that_is_killed_in_the_middle_is_interrupted_and_not_listed(tmp_path, s3):
    environment = s3.environment()
    workspace = with_snapshot(tmp_path, b"p" * (20 << 20))
    at_part, go_on = threading.Event(), threading.Event()

    def hold(request: dict[str, Any]) -> bytes | None:
        if "partNumber=" in request["QUERY_STRING"]:
            at_part.set()
            go_on.wait(30)
            return FORBIDDEN
        return None

    s3.interfere = hold
    hub = EmbeddedHub(tmp_path, environment=environment)
    begun = await hub.upload_snapshot(ID)
    assert await asyncio.to_thread(at_part.wait, 30)
    with pytest.raises(ConflictError, match=r"upload of the snapshot 'incident-1' is already at work"):
        await hub.upload_snapshot(ID)
    hub._board._children[begun.job_id].kill()
    await hub.close()
    go_on.set()
    s3.interfere = None
    again = EmbeddedHub(tmp_path, environment=environment)
    job = await again.cloud_job(begun.job_id)
    assert (job.status, job.error, job.completed_at) == (JobStatus.FAILED, INTERRUPTED, None)
    assert (await again.cloud_status()).snapshots == []
    await again.close()
    assert done_here(workspace, "cloud_upload", environment).status is JobStatus.COMPLETED
    assert [one.snapshot for one in room(workspace, environment).status().snapshots] == [SNAPSHOT]


def test_what_is_half_in_the_storage_is_neither_listed_nor_downloaded(tmp_path, bucket, folder_environment):
    half = bucket / "team" / "a" / "snapshots" / ID
    half.mkdir(parents=True)
    (half / "snapshot.json").write_text("{}")
    one = room(Workspace(tmp_path / "w"), folder_environment)
    assert one.status() == CloudStatus(
        enabled=True, provider="file", connected=True, location=f"{bucket.as_uri()}/team/a", snapshots=[]
    )
    with pytest.raises(NotFoundError, match=f"has no whole snapshot '{ID}'"):
        one.download(ID)


def test_a_damaged_manifest_is_a_warning_and_the_others_are_listed(tmp_path, bucket, folder_environment):
    workspace = with_snapshot(tmp_path / "w")
    assert done_here(workspace, "cloud_upload", folder_environment).status is JobStatus.COMPLETED
    damaged = bucket / "team" / "a" / "snapshots" / "other"
    damaged.mkdir()
    (damaged / "manifest.json").write_text("{")
    status = room(workspace, folder_environment).status()
    assert [one.snapshot.id for one in status.snapshots] == [ID]
    assert status.snapshots[0].local
    assert status.warnings[0].startswith("The manifest of the snapshot 'other' in cloud storage cannot be used")


def test_a_damaged_object_fails_the_job_and_nothing_is_kept(tmp_path, bucket, folder_environment):
    done_here(with_snapshot(tmp_path / "one"), "cloud_upload", folder_environment)
    for path in (bucket / "team" / "a" / "snapshots" / ID / "nodes").rglob("*.pcap"):
        path.write_bytes(b"packetz")
    other = Workspace(tmp_path / "other")
    failed = done_here(other, "cloud_download", folder_environment)
    assert failed.status is JobStatus.FAILED
    assert ODD_NAME in failed.error
    assert "is damaged" in failed.error
    assert contents(other.snapshots) == {}
    told = room(other, folder_environment).job(DOWNLOAD)
    assert (told.status, told.error) == (JobStatus.FAILED, failed.error)
    assert told.completed_at is not None


def test_without_storage_every_answer_says_what_to_set(tmp_path):
    one = room(with_snapshot(tmp_path), {})
    assert one.status() == CloudStatus(enabled=False, advice=WHAT_TO_SET)
    for asked in (one.upload, one.download):
        with pytest.raises(
            UnsupportedError, match=r"No cloud storage is set up\. Start the server with SNAPSHOT_AWS_BUCK"
        ):
            asked(ID)
    assert done_here(Workspace(tmp_path), "cloud_upload", {}).error == WHAT_TO_SET


def test_settings_that_are_wrong_and_storage_that_refuses_are_a_status_and_an_error(tmp_path, s3):
    half = {"SNAPSHOT_AWS_ACCESS_KEY": "hunter2"}
    workspace = with_snapshot(tmp_path)
    told = room(workspace, half).status()
    assert (told.enabled, told.problem.partition(",")[0]) == (False, "SNAPSHOT_AWS_ACCESS_KEY is set")
    s3.interfere = lambda request: FORBIDDEN
    refused = room(workspace, s3.environment())
    status = refused.status()
    assert (status.enabled, status.connected, status.snapshots) == (True, False, None)
    assert "refused the credentials (SignatureDoesNotMatch)" in status.problem
    with pytest.raises(HubError, match="refused the credentials"):
        refused.upload(ID)
    s3.interfere = None
    nowhere = room(workspace, s3.environment(SNAPSHOT_AWS_BUCKET="nobodys"))
    with pytest.raises(HubError, match="does not exist: check the bucket"):
        nowhere.upload(ID)
    failed = done_here(workspace, "cloud_upload", s3.environment(SNAPSHOT_AWS_BUCKET="nobodys"))
    assert "does not exist: check the bucket" in failed.error


def test_only_what_is_there_and_completed_is_uploaded(tmp_path, folder_environment):
    workspace = Workspace(tmp_path / "w")
    one = room(workspace, folder_environment)
    with pytest.raises(NotFoundError, match=f"no snapshot '{ID}'"):
        one.upload(ID)
    board = JobBoard(workspace.jobs)
    given = {"name": "x", "start_ns": 0, "end_ns": 1, "sources": [], "id": ID}
    board.save(Job(ID, "snapshot", given, JobStatus.FAILED, error="disk", created_ns=1))
    with pytest.raises(ConflictError, match="is failed, not completed: disk"):
        one.upload(ID)
    with pytest.raises(ConflictError, match=r"is already here \(failed\)"):
        one.download(ID)


def test_key_logs_that_go_with_a_snapshot_are_said(tmp_path, folder_environment, monkeypatch):
    from kubeshark_mcp.hub.keylogs import KEY_LOG_NAME

    workspace = with_snapshot(tmp_path / "w")
    one = room(workspace, folder_environment)
    monkeypatch.setattr(one._board, "start", lambda job, root: replace(job, created_ns=1))
    assert one.upload(ID).warnings == []
    (workspace.snapshot(ID) / KEY_LOG_NAME).write_text("CLIENT_RANDOM 00 11\n")
    assert "TLS secrets (key logs), which go with it" in one.upload(ID).warnings[0]


def test_only_jobs_of_the_cloud_are_shown_as_such(tmp_path, folder_environment):
    workspace = Workspace(tmp_path / "w")
    board = JobBoard(workspace.jobs)
    board.save(Job("flows-x", "flows", {}, JobStatus.COMPLETED))
    board.save(Job(UPLOAD, "cloud_upload", {"id": ID}, JobStatus.CANCELLED, error="cancelled on request", created_ns=1))
    one = room(workspace, folder_environment)
    assert one.job(UPLOAD).status is JobStatus.FAILED
    for name in ("flows-x", "nothing"):
        with pytest.raises(NotFoundError, match=f"no cloud job '{name}'; there are {UPLOAD}"):
            one.job(name)


def test_no_job_leads_out_of_its_folder(tmp_path, folder_environment):
    one = room(Workspace(tmp_path / "w"), folder_environment)
    for asked in (one.upload, one.download, one.job):
        with pytest.raises(Exception, match="is not a valid"):
            asked("../x")
    assert not Path(tmp_path / "x").exists()
