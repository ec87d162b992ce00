"""The folder that an embedded Hub owns: where things lie, and writing them so that a killed process leaves no half.

workspace.json: format number. raw/<node>/: raw capture that belongs to the workspace (files given with --pcap are read
in place). index/: packet indexes of captures. snapshots/<id>/: snapshot.json, nodes/<node>/, resources.json,
dissections/<name>/. jobs/<key>.json and .lock: state of work; the lock is held by the process that does it. exports/:
written captures. Hidden names are temporary: see `leftovers`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from kubeshark_mcp.errors import StoreError, UsageError
from kubeshark_mcp.hub.leftovers import sweep, temporary_name

FORMAT = 1
"""Raised when the layout changes in a way that older code cannot read."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


class Workspace:
    """Paths of one workspace; safe to use from several processes at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        with storing(root):
            for name in ("raw", "index", "snapshots", "jobs", "exports"):
                (root / name).mkdir(parents=True, exist_ok=True)
            self._check_format()
        self._sweep()
        self.raw, self.index, self.jobs, self.exports = (root / n for n in ("raw", "index", "jobs", "exports"))
        self.snapshots = root / "snapshots"

    def _check_format(self) -> None:
        path = self.root / "workspace.json"
        if not path.exists():
            write_json(path, {"format": FORMAT})
            return
        content = read_json(path)
        found = content.get("format") if isinstance(content, dict) else None
        if found == FORMAT:
            return
        way_out = "update kubeshark-mcp, or choose another folder with --workspace."
        if not isinstance(found, int) or found < FORMAT:
            way_out = (
                "choose another folder with --workspace and take the captures with you, "
                "which lie in raw/NODE/ and snapshots/ID/nodes/NODE/."
            )
        raise StoreError(
            f"The workspace {str(self.root)!r} has format {found!r}, this version reads format {FORMAT}: {way_out}"
        )

    def _sweep(self) -> None:
        """Remove what killed processes left."""
        folders = [self.root, *(self.root / name for name in ("index", "jobs", "snapshots", "exports"))]
        for folder in (*folders, *self.root.glob("snapshots/[!.]*/dissections")):
            sweep(folder)

    def snapshot(self, snapshot_id: str) -> Path:
        """Give the folder of a snapshot, whether it exists or not; refuses names that could lead elsewhere."""
        return self.snapshots / checked_name(snapshot_id, "snapshot id")

    def dissection(self, snapshot_id: str, name: str) -> Path:
        """Give the folder of a dissection, whether it exists or not."""
        return self.snapshot(snapshot_id) / "dissections" / checked_name(name, "dissection name")

    def redaction_key(self) -> bytes:
        """Give the key of this workspace's redaction hashes: the same secret shows the same hash in every answer."""
        path = self.root / "redaction.key"
        with storing(path):
            if not path.exists():
                temporary = path.with_name(temporary_name("writing"))
                temporary.touch(mode=0o600)
                temporary.write_bytes(secrets.token_bytes(32))
                try:
                    os.link(temporary, path)
                except FileExistsError:
                    pass
                finally:
                    temporary.unlink()
            return path.read_bytes()


def checked_name(name: str, what: str) -> str:
    """Give `name` back when it is a plain file name; refuse anything that could lead out of its folder."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is not a valid {what}: use letters, digits, '.', '_' and '-', beginning with a letter or digit."
        )
    return name


def slug(text: str) -> str:
    """Give a file name made from free text, at most 40 characters."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-") or "unnamed"


def write_json(path: Path, value: Any) -> None:
    """Write JSON under a temporary name and rename it, so that readers see the old or the new, never a part."""
    with storing(path):
        temporary = path.with_name(temporary_name("writing"))
        try:
            temporary.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def read_json(path: Path) -> Any:
    """Read JSON written by `write_json`."""
    with storing(path):
        try:
            return orjson.loads(path.read_bytes())
        except orjson.JSONDecodeError as error:
            raise StoreError(f"{str(path)!r} is damaged ({error}); remove it or its folder.") from error


def read_json_if_there(path: Path) -> Any | None:
    """Read JSON written by `write_json`; None when there is none, perhaps because another process just removed it."""
    try:
        return read_json(path)
    except StoreError as error:
        if isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
            return None
        raise


def remove_tree(path: Path) -> None:
    """Delete a folder so that it vanishes at once: renamed out of sight first."""
    with storing(path):
        hidden = path.with_name(temporary_name("deleted", path.name))
        path.rename(hidden)
        shutil.rmtree(hidden, ignore_errors=True)


@contextmanager
def building(final: Path) -> Iterator[Path]:
    """Give a hidden folder beside `final` to fill; it becomes `final` when the block ends well, and vanishes if not.

    Its files are on the disk before it gets its name, so what is listed as complete outlives a power failure too.
    """
    hidden = final.with_name(temporary_name("building", final.name))
    with storing(final):
        final.parent.mkdir(exist_ok=True)
        hidden.mkdir()
    try:
        yield hidden
        with storing(final):
            flush_tree(hidden)
            hidden.rename(final)
            flush(final.parent)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_tree(folder: Path) -> None:
    """Wait until everything in a folder is on the disk."""
    for path in (*folder.rglob("*"), folder):
        if path.is_file() or path.is_dir():
            flush(path)


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn operating system errors under the workspace into sentences."""
    try:
        yield
    except OSError as error:
        raise StoreError(_storage_sentence(path, error)) from error


def _storage_sentence(path: Path, error: OSError) -> str:
    where = f"{str(error.filename or path)!r}"
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return f"No space is left to write {where}: free some, or choose another folder with --workspace."
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return f"{where} cannot be written or read ({error.strerror}): choose another folder with --workspace."
    return f"{where} cannot be used: {error.strerror or error}."


@contextmanager
def held_lock(path: Path, patience_s: float = 0.0) -> Iterator[bool]:
    """Hold an advisory lock while the block runs; yields False when another process keeps it longer than the patience.

    The kernel frees it when the holder dies, so it also tells whether the holder lives.
    """
    deadline = time.monotonic() + patience_s
    with storing(path):
        descriptor = _locked(path, deadline)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _locked(path: Path, deadline: float) -> int | None:
    """Open and lock a file; None when somebody else holds it until the deadline."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        if _lock(descriptor, fcntl.LOCK_EX, deadline) and _is_at(path, descriptor):
            return descriptor
        os.close(descriptor)
        if time.monotonic() >= deadline:
            return None


def _lock(descriptor: int, kind: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)


def _is_at(path: Path, descriptor: int) -> bool:
    """Tell whether a lock file is still the one of that name: another process may have removed it just before."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def is_held(path: Path) -> bool:
    """Tell whether some process holds the lock; writes nothing, so it also works where nothing can be written."""
    with storing(path):
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            return not _lock(descriptor, fcntl.LOCK_SH, 0.0)
        finally:
            os.close(descriptor)
