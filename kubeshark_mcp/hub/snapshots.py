"""Snapshots: immutable copies of a part of the raw capture, with the identities that go with it."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kubeshark_mcp.capture.export import Source, export_packets
from kubeshark_mcp.capture.index import forget_index, share_index
from kubeshark_mcp.errors import ConflictError, NotFoundError, StoreError, UsageError
from kubeshark_mcp.hub.contract import JobStatus, Snapshot, SnapshotRequest
from kubeshark_mcp.hub.jobs import Job, JobBoard, Reporter
from kubeshark_mcp.hub.keylogs import keep_key_logs, key_log_files
from kubeshark_mcp.hub.sources import RESOURCES_NAME, CaptureSource, index_of
from kubeshark_mcp.hub.times import end_to_ns, from_ns, to_ns
from kubeshark_mcp.hub.workspace import (
    Workspace,
    building,
    read_json_if_there,
    remove_tree,
    slug,
    storing,
    write_json,
)
from kubeshark_mcp.store.cancelling import check_cancelled

COPY_BYTES = 16 << 20
"""How much of a file is copied between two looks at a cancellation."""


class SnapshotRoom:
    """The snapshots of one workspace."""

    def __init__(self, workspace: Workspace, board: JobBoard) -> None:
        self._workspace = workspace
        self._board = board

    def create(
        self,
        request: SnapshotRequest,
        sources: list[CaptureSource],
        resources: list[Path],
        key_logs: Sequence[Path] = (),
    ) -> Snapshot:
        """Start to copy a window of the raw capture."""
        wanted = chosen(sources, request.nodes)
        start_ns, end_ns = self._window(request, wanted)
        if not request.name.strip() or len(request.name) > 200:
            raise UsageError(f"A snapshot's name has 1 to 200 characters, this one has {len(request.name)}.")
        key = f"{slug(request.name)}-{secrets.token_hex(4)}"
        arguments = {
            "id": key,
            "name": request.name,
            "start_ns": start_ns,
            "end_ns": end_ns,
            "sources": [[str(source.path.resolve()), source.node] for source in wanted],
            "resources": [str(path.resolve()) for path in resources],
            "key_logs": [str(path.resolve()) for path in key_log_files(wanted, key_logs)],
        }
        return _from_job(self._board.start(Job(key, "snapshot", arguments), self._workspace.root))

    def _window(self, request: SnapshotRequest, sources: list[CaptureSource]) -> tuple[int, int]:
        every = [index_of(self._workspace, source, lambda done, total: check_cancelled()) for source in sources]
        indexes = [index for index in every if index.count]
        if not indexes:
            raise UsageError("The raw capture holds no packets, so there is nothing to keep.")
        first, last = min(i.first_ns for i in indexes), max(i.last_ns for i in indexes)
        start = first if request.start is None else to_ns(request.start)
        end = last + 1 if request.end is None else end_to_ns(request.end)
        if request.duration_seconds is not None:
            if request.start is not None:
                end = start + int(request.duration_seconds * 1e9)
            else:
                start = end - int(request.duration_seconds * 1e9)
        if start >= end:
            raise UsageError(
                f"The window ends ({from_ns(end).isoformat()}) before it starts ({from_ns(start).isoformat()}): "
                "swap the two."
            )
        if start > last or end <= first:
            raise UsageError(
                f"The window {from_ns(start).isoformat()} to {from_ns(end).isoformat()} lies outside the raw capture, "
                f"which covers {from_ns(first).isoformat()} to {from_ns(last).isoformat()}: choose a window inside it."
            )
        return max(start, first), min(end, last + 1)

    def get(self, snapshot_id: str) -> Snapshot:
        """Give a snapshot, finished or not."""
        found = _read(self._workspace.snapshot(snapshot_id))
        if found is not None:
            return found
        job = self._board.find(snapshot_id)
        if job is None or job.kind != "snapshot":
            raise self._unknown(snapshot_id)
        # It may have been completed between the two looks.
        return _read(self._workspace.snapshot(snapshot_id)) or _from_job(job)

    def _unknown(self, snapshot_id: str) -> NotFoundError:
        known = [snapshot.id for snapshot in self.all()]
        there = f"there are {', '.join(known[:10])}" if known else "there is none yet: create one"
        return NotFoundError(f"There is no snapshot {snapshot_id!r}; {there}.")

    def completed(self, snapshot_id: str) -> Path:
        """Give the folder of a finished snapshot."""
        snapshot = self.get(snapshot_id)
        if snapshot.status is not JobStatus.COMPLETED:
            raise ConflictError(
                f"The snapshot {snapshot_id!r} is {snapshot.status.value}, not completed"
                f"{': ' + snapshot.error if snapshot.error else ''}."
            )
        return self._workspace.snapshot(snapshot_id)

    def all(self) -> list[Snapshot]:
        """Give all snapshots, newest first."""
        pending = [_from_job(job) for job in self._board.all("snapshot")]  # before what is done: none is missed
        folders = [path.parent for path in self._workspace.snapshots.glob("[!.]*/snapshot.json")]
        done = {snapshot.id: snapshot for folder in folders if (snapshot := _read(folder)) is not None}
        pending = [snapshot for snapshot in pending if snapshot.id not in done]
        return sorted([*done.values(), *pending], key=lambda snapshot: snapshot.created_at, reverse=True)

    def delete(self, snapshot_id: str) -> None:
        """Delete a snapshot; one that is being made is stopped."""
        if not self.get(snapshot_id).status.ended:
            self._board.cancel(snapshot_id)
            raise ConflictError(
                f"The snapshot {snapshot_id!r} is still being made: it was asked to stop; delete it then."
            )
        folder = self._workspace.snapshot(snapshot_id)
        if folder.is_dir():
            for capture in captures_in(folder):
                forget_index(capture.path, self._workspace.index)
            remove_tree(folder)
        self._board.forget(snapshot_id)

    def captures(self, snapshot_id: str, nodes: list[str] | None = None) -> list[CaptureSource]:
        """Give the capture files of a finished snapshot."""
        return chosen(captures_in(self.completed(snapshot_id)), nodes)


def captures_in(folder: Path) -> list[CaptureSource]:
    """Give the capture files in a snapshot's folder, in a stable order."""
    return [CaptureSource(path, path.parent.name) for path in sorted(folder.glob("nodes/*/*"))]


def copy_snapshot(workspace: Workspace, arguments: dict[str, Any], report: Reporter) -> dict[str, Any]:
    """Do the work of a snapshot job: copy under a temporary name, rename when whole."""
    sources = [CaptureSource(Path(path), node) for path, node in arguments["sources"]]
    final = workspace.snapshot(arguments["id"])
    packets = size = 0
    with building(final) as folder:
        for number, source in enumerate(sources):
            target = folder / "nodes" / slug_node(source.node) / f"{number:03}-{source.path.name}"
            with storing(target):
                target.parent.mkdir(parents=True, exist_ok=True)
            part = partial(_tell, report, number, len(sources))
            packets += _copy_window(workspace, source, target, arguments, part)
            size += target.stat().st_size if target.exists() else 0
        for number, path in enumerate(arguments["resources"]):
            with storing(folder):
                shutil.copyfile(path, folder / (RESOURCES_NAME if number == 0 else f"resources-{number}.json"))
        keep_key_logs(map(Path, arguments.get("key_logs", [])), folder)
        snapshot = Snapshot(
            id=arguments["id"],
            name=arguments["name"],
            status=JobStatus.COMPLETED,
            size_bytes=size,
            created_at=datetime.now(UTC),
            start=from_ns(arguments["start_ns"]),
            end=from_ns(arguments["end_ns"]),
            nodes=sorted({source.node for source in captures_in(folder)}),
            packet_count=packets,
        )
        write_json(folder / "snapshot.json", snapshot.model_dump(mode="json"))
    return {"packets": packets, "bytes": size}


def _tell(report: Reporter, number: int, parts: int, fraction: float) -> None:
    report((number + fraction) / parts)


def slug_node(node: str) -> str:
    """Give a node's name as a folder name; Kubernetes node names are unchanged by it."""
    return "".join(c if c.isalnum() or c in "._-" else "-" for c in node).lstrip(".-")[:120] or "node"


def _copy_window(
    workspace: Workspace,
    source: CaptureSource,
    target: Path,
    arguments: dict[str, Any],
    progress: Callable[[float], None],
) -> int:
    index = index_of(workspace, source, lambda done, total: progress(0.0))
    start_ns, end_ns = arguments["start_ns"], arguments["end_ns"]
    if not index.count or index.last_ns < start_ns or index.first_ns >= end_ns:
        return 0
    if start_ns <= index.first_ns and index.last_ns < end_ns:
        with storing(target):
            _copy_file(source.path, target, progress)
        share_index(index, target, workspace.index)
        return index.count
    suffix = "".join(target.suffixes[-1:])
    plain = target if suffix in {".pcap", ".cap", ".pcapng"} else target.with_suffix(".pcap")
    exported = export_packets(
        [Source(source.path, source.node, index)],
        plain,
        bpf=None,
        start_ns=start_ns,
        end_ns=end_ns,
        progress=lambda done, total: progress(done / max(1, total)),
    )
    return exported.packets


def _copy_file(path: Path, target: Path, progress: Callable[[float], None]) -> None:
    total = path.stat().st_size
    with path.open("rb") as reading, target.open("wb") as writing:
        copied = 0
        while copied < total:
            step = os.sendfile(writing.fileno(), reading.fileno(), copied, min(COPY_BYTES, total - copied))
            if not step:
                break
            copied += step
            progress(copied / total)


def chosen(sources: list[CaptureSource], nodes: list[str] | None) -> list[CaptureSource]:
    """Give the captures of these nodes, None for all; refuses an unknown node and having none at all."""
    if not sources:
        raise UsageError("There is no raw capture here: name some with --pcap FILE, or put it under raw/NODE/.")
    if nodes is None:
        return sources
    known = sorted({source.node for source in sources})
    for node in nodes:
        if node not in known:
            raise UsageError(f"There is no node {node!r} here; there are {', '.join(known)}.")
    return [source for source in sources if source.node in nodes]


def _read(folder: Path) -> Snapshot | None:
    """Read what a finished snapshot says of itself; a damaged one is shown as failed, so that it can be deleted."""
    path = folder / "snapshot.json"
    try:
        value = read_json_if_there(path)
        return None if value is None else Snapshot.model_validate(value)
    except (StoreError, ValidationError) as error:
        if isinstance(error.__cause__, OSError):
            raise
        with storing(path):
            changed_ns = path.stat().st_mtime_ns
        return Snapshot(
            id=folder.name,
            name=folder.name,
            status=JobStatus.FAILED,
            created_at=from_ns(changed_ns),
            error=f"{str(path)!r} cannot be read: delete this snapshot and create it anew",
        )


def _from_job(job: Job) -> Snapshot:
    arguments = job.arguments
    running = {JobStatus.PENDING, JobStatus.RUNNING}
    return Snapshot(
        id=job.key,
        name=arguments["name"],
        status=JobStatus.IN_PROGRESS if job.status in running else job.status,
        created_at=from_ns(job.created_ns),
        start=from_ns(arguments["start_ns"]),
        end=from_ns(arguments["end_ns"]),
        nodes=sorted({node for _, node in arguments["sources"]}),
        error=job.error,
    )
