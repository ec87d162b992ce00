"""The work of a transfer, done in a worker process: memory bounded, every byte hashed, nothing half ever visible."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kubeshark_mcp.errors import ConflictError, HubError, NotFoundError, StoreError
from kubeshark_mcp.hub.cloud.manifest import (
    DISSECTIONS,
    MOST_BYTES,
    MOST_FILES,
    NAME,
    SNAPSHOT_FILE,
    Manifest,
    ManifestFile,
    is_safe,
    object_name,
    read_manifest,
)
from kubeshark_mcp.hub.cloud.store import CHUNK_BYTES, SNAPSHOTS, CloudStore
from kubeshark_mcp.hub.contract import Snapshot
from kubeshark_mcp.hub.keylogs import KEY_LOG_NAME
from kubeshark_mcp.hub.workspace import Workspace, building, read_json, storing

Report = Callable[[float, dict[str, Any]], None]
"""Says how far the work is (0..1) and what is known of it; raises when it is to stop."""


class _Progress:
    """Counts bytes and tells about them."""

    def __init__(self, total: int, report: Report) -> None:
        self.done = 0
        self.total = total
        self._report = report

    def add(self, size: int) -> None:
        self.done += size
        self._report(self.done / max(1, self.total), self.counts)

    @property
    def counts(self) -> dict[str, Any]:
        return {"bytes_done": self.done, "bytes_total": self.total}


def object_of(snapshot_id: str, path: str) -> str:
    """Give the name of a snapshot's file in the storage."""
    return f"{SNAPSHOTS}/{object_name(snapshot_id)}/{object_name(path)}"


def manifest_of(store: CloudStore, snapshot_id: str) -> Manifest:
    """Read what a snapshot in the storage consists of; raises NotFoundError where there is no whole one."""
    return read_manifest(store.read(object_of(snapshot_id, NAME), MOST_BYTES), snapshot_id)


def kept_files(folder: Path) -> list[Path]:
    """Give the files of a snapshot that make it: without dissections, which are made from them, and leftovers."""
    with storing(folder):
        found = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    kept = []
    for path in found:
        name = path.relative_to(folder).as_posix()
        if is_safe(name):
            kept.append(path)
        elif path.relative_to(folder).parts[0] != DISSECTIONS and not path.name.startswith("."):
            raise StoreError(f"The file {name[:120]!r} of the snapshot cannot be named in cloud storage: rename it.")
    return kept


def upload_snapshot(workspace: Workspace, store: CloudStore, snapshot_id: str, report: Report) -> dict[str, Any]:
    """Copy a snapshot into the storage, its manifest last; gives what was done."""
    folder = workspace.snapshot(snapshot_id)
    snapshot = snapshot_in(folder)
    files = kept_files(folder)
    if len(files) > MOST_FILES:
        raise StoreError(f"The snapshot has {len(files):,} files, more than the {MOST_FILES:,} that are uploaded.")
    with storing(folder):
        sizes = [path.stat().st_size for path in files]
    progress = _Progress(sum(sizes), report)
    entries = []
    for path, size in zip(files, sizes, strict=True):
        name = path.relative_to(folder).as_posix()
        digest = hashlib.sha256()
        before = progress.done
        store.upload(object_of(snapshot_id, name), _chunks(path, digest.update, progress), size)
        if progress.done - before != size:
            raise StoreError(f"{str(path)!r} changed while it was uploaded: start the upload again.")
        entries.append(ManifestFile(path=name, size=size, sha256=digest.hexdigest()))
    manifest = Manifest(snapshot=snapshot, files=entries, uploaded_at=datetime.now(UTC))
    store.write(object_of(snapshot_id, NAME), manifest.model_dump_json(indent=2).encode())
    return progress.counts


def snapshot_in(folder: Path) -> Snapshot:
    """Read what a finished snapshot says of itself."""
    try:
        return Snapshot.model_validate(read_json(folder / SNAPSHOT_FILE))
    except ValidationError as error:
        raise StoreError(f"{str(folder / SNAPSHOT_FILE)!r} is damaged: delete the snapshot.") from error


def _chunks(path: Path, digest: Callable[[bytes], None], progress: _Progress) -> Iterator[bytes]:
    with storing(path), path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest(chunk)
            progress.add(len(chunk))
            yield chunk


def download_snapshot(workspace: Workspace, store: CloudStore, snapshot_id: str, report: Report) -> dict[str, Any]:
    """Copy a snapshot from the storage: under a temporary name, every file checked, renamed when whole."""
    final = workspace.snapshot(snapshot_id)
    manifest = manifest_of(store, snapshot_id)
    with storing(final):
        free = shutil.disk_usage(final.parent).free
    if manifest.size > free:
        raise StoreError(
            f"The snapshot {snapshot_id!r} has {manifest.size:,} bytes, but only {free:,} are free in "
            f"{str(final.parent)!r}: free some, or choose another folder with --workspace."
        )
    progress = _Progress(manifest.size, report)
    with building(final) as folder:
        for file in manifest.files:
            _fetch(store, snapshot_id, file, folder / file.path, progress)
        if snapshot_in(folder) != manifest.snapshot:
            raise HubError(f"The snapshot {snapshot_id!r} in cloud storage is not the one its manifest describes.")
        if final.exists():
            raise ConflictError(f"A snapshot {snapshot_id!r} was made here meanwhile; it stays as it is.")
    return progress.counts


def _fetch(store: CloudStore, snapshot_id: str, file: ManifestFile, target: Path, progress: _Progress) -> None:
    digest = hashlib.sha256()
    size = 0
    with storing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.path == KEY_LOG_NAME:
            target.touch(mode=0o600)
    try:
        with storing(target), target.open("wb") as writing:
            for chunk in store.download(object_of(snapshot_id, file.path)):
                size += len(chunk)
                if size > file.size:
                    break
                digest.update(chunk)
                writing.write(chunk)
                progress.add(len(chunk))
    except NotFoundError:
        size = -1
    if size != file.size or digest.hexdigest() != file.sha256:
        how = "missing" if size < 0 else "damaged (its size and SHA-256 are not those of the manifest)"
        raise HubError(
            f"The file {file.path!r} of the snapshot {snapshot_id!r} in cloud storage is {how}; "
            "nothing was kept: upload the snapshot anew."
        )
