"""Giving up: a cancelled job stops in every phase and leaves nothing; a cancelled question stops the work for it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub import dissections, snapshots
from kubeshark_mcp.hub.embedded import EmbeddedHub
from kubeshark_mcp.hub.jobs import Job, JobBoard
from kubeshark_mcp.hub.workspace import Workspace
from kubeshark_mcp.store import sightings
from kubeshark_mcp.store.workshop import Workshop

from .conftest import SOURCES


def board_of(workspace: Workspace, job: Job) -> JobBoard:
    board = JobBoard(workspace.jobs)
    board.save(job)
    return board


def test_a_snapshot_that_is_cancelled_while_it_is_copied_leaves_nothing(tmp_path, monkeypatch):
    workspace = Workspace(tmp_path)
    arguments = {
        "id": "x", "name": "x", "start_ns": 0, "end_ns": 2**62, "resources": [],
        "sources": [[str(source.path), source.node] for source in SOURCES],
    }  # fmt: skip
    board = board_of(workspace, Job("x", "snapshot", arguments))
    monkeypatch.setattr("kubeshark_mcp.hub.jobs.PROGRESS_INTERVAL_S", 0)
    monkeypatch.setattr(snapshots, "COPY_BYTES", 1000)

    def work(job, report):
        def told(fraction):
            if fraction > 0.3:
                board.cancel("x")
            report(fraction)

        return snapshots.copy_snapshot(workspace, job.arguments, told)

    assert board.run("x", work).status is c.JobStatus.CANCELLED
    assert list(workspace.snapshots.iterdir()) == []


def test_a_dissection_that_is_cancelled_while_sightings_are_joined_leaves_nothing(incident, tmp_path, monkeypatch):
    workspace = Workspace(incident.workspace)
    arguments = {"snapshot": incident.snapshot, "name": "cancelled", "settings": {}}
    board = board_of(workspace, Job("cancelled", "dissection", arguments))
    real = Workshop.run

    def endless(self, sql, parameters=()):
        if "CREATE TABLE often" in sql:
            board.cancel("cancelled")
            return real(self, "SELECT count(*) FROM range(100000000000) AS a WHERE (a.range * 7) % 11 = 3")
        return real(self, sql, parameters)

    monkeypatch.setattr(Workshop, "run", endless)
    ended = board.run("cancelled", lambda job, report: dissections.dissect_snapshot(workspace, job.arguments, report))
    board.forget("cancelled")
    assert ended.status is c.JobStatus.CANCELLED
    assert [path.name for path in (workspace.snapshot(incident.snapshot) / "dissections").iterdir()] == ["default"]


def test_what_the_watch_raises_stops_a_join_and_is_raised(tmp_path: Path):
    folder = tmp_path / "entries"
    folder.mkdir()
    begun = threading.Event()

    def watch() -> None:
        begun.set()
        raise ZeroDivisionError

    shop = Workshop(folder, watch)
    begun.wait(10)
    with pytest.raises(ZeroDivisionError):
        shop.run("SELECT count(*) FROM range(100000000000) AS a WHERE (a.range * 7) % 11 = 3")
    shop.close()
    assert sightings.join_sightings(folder, watch=lambda: None).calls == 0


async def test_an_export_whose_asker_has_gone_stops_and_leaves_nothing(incident, monkeypatch):
    exports = incident.workspace / "exports"
    before = sorted(path.name for path in exports.iterdir())
    begun, go_on = threading.Event(), threading.Event()
    real = c.ExportRequest(snapshot_id=incident.snapshot, bpf_filter="tcp port 6379")
    from kubeshark_mcp.hub import files

    def waiting() -> None:
        begun.set()
        go_on.wait(20)
        from kubeshark_mcp.store.cancelling import check_cancelled

        check_cancelled()

    monkeypatch.setattr(files, "check_cancelled", waiting)
    asked = asyncio.create_task(incident.hub.export_pcap(real))
    await asyncio.to_thread(begun.wait, 20)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    go_on.set()
    for _ in range(200):
        if not list(exports.glob(".*")):
            break
        await asyncio.sleep(0.01)
    assert sorted(path.name for path in exports.iterdir()) == before


async def test_a_query_whose_asker_has_gone_is_interrupted(incident, monkeypatch):
    hub: EmbeddedHub = incident.hub
    base = hub._databases.base(await hub.dissection(incident.snapshot))
    ended, begun = threading.Event(), threading.Event()
    real = type(base.source).bounds

    def endless(source):
        begun.set()
        try:
            source.database.query("SELECT count(*) FROM range(100000000000) AS a WHERE (a.range * 7) % 11 = 3")
        finally:
            ended.set()
        return real(source)

    monkeypatch.setattr(type(base.source), "bounds", endless)
    asked = asyncio.create_task(hub.databases())
    await asyncio.to_thread(begun.wait, 20)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert await asyncio.to_thread(ended.wait, 20)
