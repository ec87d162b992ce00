"""Snapshots to and from object storage."""

from __future__ import annotations

from fake_hub import JOB, FakeHub
from kubeshark_plugins.cloud import CloudToolset

from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.contract_cloud import CloudJob, CloudStatus

TIMES = "started: 2026-11-01T13:00:00Z, ended: 2026-11-01T13:10:00Z"


async def test_the_storage_is_shown_with_what_lies_there(ask):
    answer = await ask("get_cloud_storage_status")
    assert answer.text == (
        "Cloud storage s3 s3://captures/team: connected\n"
        "all: start=2026-11-01T13:00:00Z, end=2026-11-01T13:10:00Z, nodes=node-a,node-b, packets=1000, size=130 kB, "
        "uploaded=2026-11-01T13:10:00Z\n"
        "id|name|here\ns1|incident|yes\ns0|yesterday|no\n"
        "2 of 3 snapshots\n"
        'Next: download_snapshot_from_cloud(id="s0", wait=true)'
    )
    assert answer.facts == {"enabled": True, "provider": "s3", "connected": True, "ids": ["s1", "s0"]}


async def test_without_storage_it_is_said_what_to_set(ask):
    answer = await ask("get_cloud_storage_status", FakeHub(empty=True))
    assert answer.text == "Set SNAPSHOT_AWS_BUCKET."
    assert answer.facts == {"enabled": False, "provider": "", "connected": False}


async def test_storage_that_does_not_answer_is_shown_with_the_reason(ask):
    class Broken(FakeHub):
        async def cloud_status(self) -> CloudStatus:
            return CloudStatus(enabled=True, provider="gcs", location="gcs://b", problem="gcs://b refused.")

    answer = await ask("get_cloud_storage_status", Broken())
    assert answer.text == "Cloud storage gcs gcs://b: not connected\ngcs://b refused."


async def test_a_hub_that_lists_nothing_and_storage_that_holds_nothing_are_told_apart(ask):
    class Other(FakeHub):
        def __init__(self, snapshots: list[object] | None) -> None:
            super().__init__()
            self.snapshots_there = snapshots

        async def cloud_status(self) -> CloudStatus:
            return CloudStatus(enabled=True, provider="s3", connected=True, snapshots=self.snapshots_there)

    assert (await ask("get_cloud_storage_status", Other(None))).text == (
        "Cloud storage s3: connected\n"
        "This Hub does not list the snapshots in its storage; they are downloaded by their id."
    )
    assert (await ask("get_cloud_storage_status", Other([]))).text == (
        "Cloud storage s3: connected\nIt holds no snapshot yet.\nTo upload one, find it first: list_snapshots()"
    )


async def test_an_upload_is_begun_and_its_job_named(ask):
    answer = await ask("upload_snapshot_to_cloud", id="s1")
    assert answer.asked == [("upload_snapshot", "s1")]
    assert answer.text == (
        "Upload of snapshot s1: in_progress, 0 %\n130 kB of 130 kB\njob: j1\nstarted: 2026-11-01T13:00:00Z\n"
        'warning: secrets go\nNext: get_cloud_job_status(job_id="j1")'
    )
    assert answer.facts == {"job_id": "j1", "id": "s1", "status": "in_progress", "progress": 0}


async def test_waiting_gives_what_came_of_it(ask):
    answer = await ask("upload_snapshot_to_cloud", FakeHub(steps=1), id="s1", wait=True)
    assert answer.text == (
        f"Upload of snapshot s1: completed, 100 %\n130 kB of 130 kB\njob: j1\n{TIMES}\nwarning: secrets go"
    )
    fetched = await ask("download_snapshot_from_cloud", FakeHub(steps=1), id="s1", wait=True)
    assert fetched.asked == [("download_snapshot", "s1"), ("cloud_job", "j2"), ("cloud_job", "j2")]
    assert fetched.text == (
        f"Download of snapshot s1: completed, 100 %\n130 kB of 130 kB\njob: j2\n{TIMES}\n"
        'Next: start_snapshot_dissection(snapshot_id="s1", wait=true)'
    )


async def test_a_failed_job_says_why(ask):
    class Failed(FakeHub):
        async def cloud_job(self, job_id: str) -> CloudJob:
            gone = {"status": c.JobStatus.FAILED, "progress": 40, "error": "interrupted", "completed_at": None}
            return JOB.model_copy(update={**gone, "bytes_total": 0})

    assert (await ask("get_cloud_job_status", Failed(), job_id="j1")).text == (
        "Upload of snapshot s1: failed, 40 %\njob: j1\nerror: interrupted\nstarted: 2026-11-01T13:00:00Z"
    )


def test_descriptions_are_short_and_what_leaves_the_machine_is_marked():
    tools = {tool.name: tool for tool in CloudToolset.tools()}
    assert max(len(tool.description) for tool in tools.values()) <= 300
    assert {name for name, tool in tools.items() if tool.open_world} == {
        "get_cloud_storage_status",
        "upload_snapshot_to_cloud",
        "download_snapshot_from_cloud",
    }
    assert not any(tool.destructive for tool in tools.values())
