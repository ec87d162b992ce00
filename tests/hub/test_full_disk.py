"""Disks that are full or cannot be written: a sentence, and everything stays as it was."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kubeshark_mcp.errors import StoreError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.embedded import EmbeddedHub
from kubeshark_mcp.hub.workspace import Workspace

from .conftest import SOURCES, Incident, ended


def run(*command: str) -> None:
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip(f"{' '.join(command[:2])} needs rights that are missing here: {found.stderr.strip()}")


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    if os.geteuid() or shutil.which("mount") is None:
        pytest.skip("mounting a small file system needs root")
    folder.mkdir(exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, leave: int) -> None:
    """Fill a file system until `leave` bytes are free."""
    status = os.statvfs(folder)
    with (folder / "filler").open("wb") as filler:
        filler.write(b"\0" * max(0, status.f_bavail * status.f_frsize - leave))


def files_in(workspace: Path) -> dict[str, int]:
    """Give the files by name and size, without the state of jobs, which tells what went wrong."""
    paths = [path for path in workspace.rglob("*") if path.is_file() and path.parent.name != "jobs"]
    return {str(path.relative_to(workspace)): path.stat().st_size for path in paths}


def copied(incident: Incident, folder: Path) -> Path:
    """Give a copy of the workspace with the dissected incident."""
    workspace = folder / "workspace"
    shutil.copytree(incident.workspace, workspace)
    return workspace


async def test_a_full_disk_fails_each_kind_of_work_with_a_sentence_and_changes_nothing(incident, tmp_path):
    with mounted(tmp_path / "small", "size=64m") as small:
        workspace, snapshot = copied(incident, small), incident.snapshot
        hub = EmbeddedHub(workspace, SOURCES)
        page = await hub.calls(c.CallQuery(limit=50))
        fill(small, leave=600_000)
        before = files_in(workspace)

        made = await hub.create_snapshot(c.SnapshotRequest(name="more"))
        failed = await ended(lambda: hub.snapshot(made.id))
        assert (failed.status, failed.error.split(":")[0][:26]) == (c.JobStatus.FAILED, "No space is left to write "), (
            failed
        )
        await hub.start_dissection(snapshot, "more")
        dissection = await ended(lambda: hub.dissection(snapshot, "more"))
        assert dissection.status is c.JobStatus.FAILED
        assert "full" in dissection.errors[0] or "space" in dissection.errors[0]
        with pytest.raises(StoreError, match="No space left on device"):
            await hub.export_pcap(c.ExportRequest(snapshot_id=snapshot))
        assert files_in(workspace) == before

        (small / "filler").unlink()
        assert await hub.calls(c.CallQuery(limit=50)) == page
        await hub.start_dissection(snapshot, "more")
        assert (await ended(lambda: hub.dissection(snapshot, "more"))).status is c.JobStatus.COMPLETED
        await hub.close()


async def test_a_disk_without_any_room_answers_questions_and_refuses_work(incident, tmp_path):
    with mounted(tmp_path / "small", "size=64m") as small:
        workspace, snapshot = copied(incident, small), incident.snapshot
        hub = EmbeddedHub(workspace, SOURCES)
        page = await hub.calls(c.CallQuery(limit=50))
        fill(small, leave=0)
        before = files_in(workspace)
        with pytest.raises(StoreError, match="No space is left to write"):
            await hub.start_dissection(snapshot, "more")
        with pytest.raises(StoreError, match="No space"):
            await hub.export_pcap(c.ExportRequest(snapshot_id=snapshot))
        assert [d.name for d in await hub.dissections()] == ["default"]
        assert await hub.calls(c.CallQuery(limit=50)) == page
        assert files_in(workspace) == before
        await hub.close()


async def test_a_read_only_workspace_answers_questions_and_refuses_work(incident, tmp_path):
    with mounted(tmp_path / "small", "size=64m") as small:
        workspace, snapshot = copied(incident, small), incident.snapshot
        hub = EmbeddedHub(workspace, SOURCES)
        page = await hub.calls(c.CallQuery(limit=50))
        await hub.data_boundaries()
        run("mount", "-o", "remount,ro", str(small))
        before = files_in(workspace)
        hub = EmbeddedHub(workspace, SOURCES)
        assert await hub.calls(c.CallQuery(limit=50)) == page
        assert (await hub.status()).details["dissections"] == 1
        assert (await hub.data_boundaries()).oldest is not None
        for work in (
            hub.create_snapshot(c.SnapshotRequest(name="more")),
            hub.start_dissection(snapshot, "more"),
            hub.delete_snapshot(snapshot),
            hub.export_pcap(c.ExportRequest(snapshot_id=snapshot)),
        ):
            with pytest.raises(StoreError, match=r"[Rr]ead-only file system"):
                await work
        assert files_in(workspace) == before
        with pytest.raises(StoreError, match=r"cannot be written or read \(Read-only file system\)"):
            Workspace(small / "other")
        await hub.close()


def test_a_quota_is_told_as_a_full_disk(tmp_path):
    """A file that may not grow: what a limit for the process (RLIMIT_FSIZE) or a user's quota does."""
    script = """
import asyncio, resource, signal, sys
from pathlib import Path
from kubeshark_mcp.errors import StoreError
from kubeshark_mcp.hub.workspace import Workspace, write_json
workspace = Workspace(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_json(workspace.root / "big.json", "x" * 10_000)
except StoreError as error:
    print(error)
"""
    told = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("No space is left to write"), told.stdout
    assert not list(tmp_path.glob("*big*"))
    assert asyncio.run(EmbeddedHub(tmp_path).status()).running
