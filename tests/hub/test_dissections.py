"""Dissections: states, refusals, and what is left of those that end early."""

from __future__ import annotations

import os
import signal

import orjson
import pytest

from kubeshark_mcp.errors import ConflictError, NotFoundError, UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.embedded import EmbeddedHub

from .conftest import SOURCES, ended


async def test_progress_is_told_and_ends_at_a_hundred(incident):
    found = await incident.hub.dissection(incident.snapshot)
    assert (found.status, found.progress, found.errors) == (c.JobStatus.COMPLETED, 100, [])
    assert found.stats.pcap_files == 2
    assert found.stats.packets_processed == 4425 + 3904


@pytest.mark.parametrize("name", ["../x", "a/b", "", " "])
async def test_a_name_that_leads_elsewhere_is_refused(incident, name):
    if not name:
        with pytest.raises(ConflictError, match="completed already"):
            await incident.hub.start_dissection(incident.snapshot, name)
        return
    with pytest.raises(UsageError, match="is not a valid dissection name"):
        await incident.hub.start_dissection(incident.snapshot, name)


async def test_what_is_not_running_cannot_be_stopped(incident):
    with pytest.raises(ConflictError, match="is not running"):
        await incident.hub.stop_dissection(incident.snapshot, "default")
    with pytest.raises(NotFoundError, match="has no dissection 'nope'"):
        await incident.hub.stop_dissection(incident.snapshot, "nope")


async def test_a_killed_worker_leaves_nothing_and_the_work_can_be_done_again(tmp_path):
    hub = EmbeddedHub(tmp_path, SOURCES)
    made = await hub.create_snapshot(c.SnapshotRequest(name="x"))
    await ended(lambda: hub.snapshot(made.id))
    await hub.start_dissection(made.id)
    worker = hub._board._children[f"{made.id}.default"]
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    failed = await hub.dissection(made.id)
    assert failed.status is c.JobStatus.FAILED
    assert "interrupted" in failed.errors[0]
    assert [d.name for d in await hub.dissections(made.id)] == ["default"]
    await hub.start_dissection(made.id)
    assert (await ended(lambda: hub.dissection(made.id))).status is c.JobStatus.COMPLETED
    await hub.close()


async def test_a_capture_that_is_damaged_fails_with_its_reason(tmp_path):
    hub = EmbeddedHub(tmp_path, SOURCES[:1])
    made = await hub.create_snapshot(c.SnapshotRequest(name="x"))
    await ended(lambda: hub.snapshot(made.id))
    (copy,) = (tmp_path / "snapshots" / made.id).glob("nodes/*/*")
    copy.write_bytes(b"no capture any more")
    await hub.start_dissection(made.id)
    failed = await ended(lambda: hub.dissection(made.id))
    assert failed.status is c.JobStatus.FAILED
    assert "000-node-a.pcap" in failed.errors[0]
    state = orjson.loads((tmp_path / "jobs" / f"{made.id}.default.json").read_bytes())
    assert state["status"] == "failed"
    await hub.close()
