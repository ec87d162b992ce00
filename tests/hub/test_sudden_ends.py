"""SIGKILL at random points: what was complete stays, nothing half is listed, and the work can be done again."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.errors import ConflictError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.dissections import dissect_snapshot
from kubeshark_mcp.hub.embedded import EmbeddedHub
from kubeshark_mcp.hub.jobs import Job, JobBoard
from kubeshark_mcp.hub.leftovers import sweep
from kubeshark_mcp.hub.snapshots import copy_snapshot
from kubeshark_mcp.hub.worker import NICENESS
from kubeshark_mcp.hub.workspace import Workspace

from .conftest import RESOURCES, SOURCES

TIMES = [pytest.param(3, id="3"), pytest.param(50, id="50", marks=pytest.mark.slow)]


class HereBoard(JobBoard):
    """Does the work of a job in this process as soon as it is started, instead of in a worker."""

    def _worker(self, job: Job, workspace: Path) -> Any:
        self._jobs = [*getattr(self, "_jobs", []), (job, workspace)]
        return None

    def _alive(self, key: str) -> bool:
        self._children.pop(key, None)
        return super()._alive(key)

    def work(self) -> None:
        for job, root in self._jobs:
            do = copy_snapshot if job.kind == "snapshot" else dissect_snapshot
            self.run(job.key, lambda job, report, do=do, root=root: do(Workspace(root), job.arguments, report))
        self._jobs = []


def opened(workspace: Path) -> EmbeddedHub:
    hub = EmbeddedHub(workspace, SOURCES, RESOURCES)
    hub._board = HereBoard(hub._workspace.jobs)
    return hub


def import_captures(workspace: Path) -> None:
    asyncio.run(opened(workspace).data_boundaries())


def create_snapshot(workspace: Path) -> None:
    hub = opened(workspace)
    asyncio.run(hub.create_snapshot(c.SnapshotRequest(name="again")))
    hub._board.work()


def dissect(workspace: Path) -> None:
    hub = opened(workspace)
    [kept] = [snapshot for snapshot in asyncio.run(hub.snapshots()) if snapshot.name == "kept"]
    asyncio.run(hub.start_dissection(kept.id, "again"))
    hub._board.work()


def export(workspace: Path) -> None:
    hub = opened(workspace)
    [kept] = [snapshot for snapshot in asyncio.run(hub.snapshots()) if snapshot.name == "kept"]
    asyncio.run(hub.export_pcap(c.ExportRequest(snapshot_id=kept.id, bpf_filter="tcp")))


def told(hub: EmbeddedHub, snapshot: str, dissection: str) -> tuple[Any, ...]:
    """Give everything of a dissection that must never change."""
    page = asyncio.run(hub.calls(c.CallQuery(database=f"{snapshot}/{dissection}", limit=200)))
    return page.total, [{k: v for k, v in row.items() if k not in {"capture", "has_pcap"}} for row in page.rows]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a workspace with a snapshot and a dissection."""
    workspace = tmp_path_factory.mktemp("kept") / "workspace"
    hub = opened(workspace)
    made = asyncio.run(hub.create_snapshot(c.SnapshotRequest(name="kept")))
    hub._board.work()
    asyncio.run(hub.start_dissection(made.id))
    hub._board.work()
    return workspace


@pytest.fixture(scope="module")
def processes() -> Iterator[Any]:
    """Give a context whose processes begin with everything imported, so that a kill hits the work."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["kubeshark_mcp.hub.pipeline", "kubeshark_mcp.hub.files", "kubeshark_mcp.hub.dissections"]
    )
    return context


def act(events: Connection, work: Callable[[Path], None], workspace: Path) -> None:
    events.send("begun")
    work(workspace)
    events.send("done")


def hidden_in(workspace: Path) -> list[str]:
    names = [str(path.relative_to(workspace)) for path in workspace.rglob(".*")]
    return sorted(name for name in names if not name.endswith(".board.lock"))


def killed(processes: Any, work: Callable[[Path], None], workspace: Path, after_s: float) -> float | None:
    """Begin the work in another process and kill that; give how long it took if it was done before."""
    mine, theirs = processes.Pipe()
    process = processes.Process(target=act, args=(theirs, work, workspace))
    process.start()
    assert mine.recv() == "begun"
    began = time.monotonic()
    done = mine.poll(after_s)
    took = time.monotonic() - began
    process.kill()
    process.join()
    return took if done else None


def check(workspace: Path, before: tuple[Any, ...]) -> None:
    """Look at a workspace after a sudden end."""
    hub = opened(workspace)
    assert hidden_in(workspace) == []
    assert asyncio.run(hub.status()).running
    for snapshot in asyncio.run(hub.snapshots()):
        assert snapshot.status in {c.JobStatus.COMPLETED, c.JobStatus.FAILED, c.JobStatus.IN_PROGRESS}
        if snapshot.status is c.JobStatus.COMPLETED:
            copies = sorted((workspace / "snapshots" / snapshot.id).glob("nodes/*/*"))
            assert [copy.read_bytes() for copy in copies] == [source.path.read_bytes() for source in SOURCES]
            for dissection in asyncio.run(hub.dissections(snapshot.id)):
                if dissection.status is c.JobStatus.COMPLETED:
                    assert told(hub, snapshot.id, dissection.name) == before
    for path in (workspace / "exports").iterdir():
        assert path.stat().st_size > 24
    asyncio.run(hub.close())


def again(work: Callable[[Path], None], workspace: Path) -> None:
    """Do the work that was broken off to its end; refused when it had been done."""
    try:
        work(workspace)
    except ConflictError as error:
        if "completed already" not in str(error):
            raise


def made(work: Callable[[Path], None], workspace: Path) -> bool:
    """Tell whether the work is there and complete."""
    if work is import_captures:
        return len(list((workspace / "index").glob("*/meta.json"))) == len(SOURCES)
    if work is export:
        return any((workspace / "exports").iterdir())
    hub = opened(workspace)
    if work is create_snapshot:
        return c.JobStatus.COMPLETED in {s.status for s in asyncio.run(hub.snapshots()) if s.name == "again"}
    return "again" in {d.name for d in asyncio.run(hub.dissections()) if d.status is c.JobStatus.COMPLETED}


@pytest.mark.parametrize("times", TIMES)
@pytest.mark.parametrize("work", [import_captures, create_snapshot, dissect, export])
def test_a_killed_process_loses_nothing_and_leaves_no_half(kept, processes, tmp_path, times, work, monkeypatch):
    monkeypatch.setattr("kubeshark_mcp.hub.jobs.START_PATIENCE_NS", 0)
    monkeypatch.setattr("kubeshark_mcp.hub.leftovers.QUIET_DEAD_S", -1)  # no other machine works in this folder
    chance = random.Random(f"{work.__name__} {times}")
    [snapshot] = [s for s in asyncio.run(opened(kept).snapshots()) if s.name == "kept"]
    before = told(opened(kept), snapshot.id, "default")
    whole = fresh(kept, tmp_path / "whole", work)
    duration = killed(processes, work, whole, 60)
    assert duration is not None
    broken_off = 0
    for number in range(times):
        workspace = fresh(kept, tmp_path / str(number), work)
        broken_off += killed(processes, work, workspace, chance.uniform(0, duration)) is None
        check(workspace, before)
        again(work, workspace)
        assert made(work, workspace)
        shutil.rmtree(workspace)
    assert broken_off > times // 4


def fresh(kept: Path, workspace: Path, work: Callable[[Path], None]) -> Path:
    shutil.copytree(kept, workspace)
    if work is import_captures:
        shutil.rmtree(workspace / "index")
    return workspace


def test_a_worker_stands_back_behind_the_server():
    assert NICENESS > 0


SHARED = """
import sys
from pathlib import Path
from kubeshark_mcp.hub.pipeline import Pipeline, Run
from kubeshark_mcp.hub.sources import CaptureSource
from kubeshark_mcp.hub.workspace import building

def told(fraction, outcome):
    if outcome.packets_processed:
        print("begun", flush=True)

final, *captures = map(Path, sys.argv[1:])
sources = [CaptureSource(path, path.stem) for path in captures]
with building(final) as folder:
    Pipeline(Run(sources, [], workers=2, share_bytes=1), folder, told).dissect()
print("done", flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the end of other processes can be waited for on Linux only")
def test_processes_that_share_a_dissection_end_with_the_one_that_is_killed(tmp_path):
    final = tmp_path / "dissections" / "shared"
    command = [sys.executable, "-c", SHARED, str(final), *(str(source.path) for source in SOURCES)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    alive = [os.pidfd_open(int(child)) for child in children]
    assert len(alive) == 2
    process.kill()
    process.wait()
    for descriptor in alive:
        assert select.select([descriptor], [], [], 30)[0] == [descriptor]
        os.close(descriptor)
    assert not final.exists()
    assert len(list(final.parent.iterdir())) == 1
    sweep(final.parent)
    assert list(final.parent.iterdir()) == []
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert told.endswith("done\n")
    assert [path.name for path in final.parent.iterdir()] == ["shared"]
