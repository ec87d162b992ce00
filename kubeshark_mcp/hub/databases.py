"""Which dissection a question is about, and keeping its Parquet open between questions."""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path

from kubeshark_mcp.errors import ConflictError, NotFoundError, UsageError
from kubeshark_mcp.hub.contract import Database, Dissection, JobStatus
from kubeshark_mcp.hub.dissections import DONE, DissectionRoom
from kubeshark_mcp.hub.queries import EntryBase, Language
from kubeshark_mcp.hub.snapshots import SnapshotRoom
from kubeshark_mcp.hub.times import from_ns
from kubeshark_mcp.hub.workspace import Workspace
from kubeshark_mcp.store.files import JOINED, MANIFEST

SNAPSHOT_FILE = "snapshot.json"
"""Written last into a snapshot's folder."""
OPEN = 4
"""Dissections that are kept open."""
_KNOWN = 64
"""Dissections whose files are known, so that they need not be read for each question."""
_Stamp = tuple[tuple[int, ...], ...]
"""What tells whether files are still the same: inode, size, and the times of their content and of their names."""


class DatabaseRoom:
    """The entry databases of one workspace."""

    def __init__(
        self, workspace: Workspace, snapshots: SnapshotRoom, dissections: DissectionRoom, language: Language
    ) -> None:
        self._workspace = workspace
        self._snapshots = snapshots
        self._dissections = dissections
        self._language = language
        self._open: OrderedDict[tuple[Path, bool, int], EntryBase] = OrderedDict()
        self._known: OrderedDict[str, tuple[_Stamp, Dissection]] = OrderedDict()
        self._paths = lru_cache(_KNOWN)(self._paths_of)
        self._lock = threading.Lock()  # held while a dissection is opened
        self._known_lock = threading.Lock()  # held for a moment only: the event loop waits for it

    def resolve(self, database: str | None) -> Dissection:
        """Find the finished dissection that `SNAPSHOT/DISSECTION`, `SNAPSHOT` or None (the newest one) names."""
        snapshot_id, _, name = (database or "").partition("/")
        if snapshot_id:
            stamp = self._stamp(snapshot_id, name)
            if stamp is not None and (known := self._still(f"{snapshot_id}/{name}", stamp)) is not None:
                return known
            found = self._dissections.get(snapshot_id, name or None)
            if found.status is not JobStatus.COMPLETED:
                reason = f": {found.errors[0]}" if found.errors else f" ({found.progress} %)"
                raise ConflictError(
                    f"The dissection {found.name!r} of {snapshot_id!r} is {found.status.value}{reason}; "
                    "its calls can be listed when it is completed."
                )
            if stamp is not None:
                self._keep(f"{snapshot_id}/{name}", stamp, found)
            return found
        for snapshot in self._snapshots.all():
            if snapshot.status is not JobStatus.COMPLETED:
                continue
            for found in self._dissections.of(snapshot.id):
                if found.status is JobStatus.COMPLETED:
                    return found
        raise NotFoundError(self._nothing())

    def edition(self, database: str) -> str:
        """Identify what a dissection that was found before, by its full name, holds; empty for any other.

        Every part of it is written once, under a temporary name: what is deleted, moved or made anew has another
        edition, or none.
        """
        snapshot_id, _, name = database.partition("/")
        stamp = self._stamp(snapshot_id, name)
        return "" if stamp is None or self._still(database, stamp) is None else f"{database} {stamp}"

    def at_hand(self, database: str | None, keep_duplicates: bool) -> tuple[Dissection, EntryBase] | None:
        """Give a dissection, by its full name, whose entries are open; never waits, so None may be a mere chance."""
        snapshot_id, _, name = (database or "").partition("/")
        stamp = self._stamp(snapshot_id, name)
        dissection = None if stamp is None else self._still(f"{snapshot_id}/{name}", stamp)
        if dissection is None or stamp is None or not self._lock.acquire(blocking=False):
            return None
        try:
            key = self._paths(snapshot_id, name)[1], keep_duplicates, stamp[1][2]
            base = self._open.get(key)
            if base is not None:
                self._open.move_to_end(key)
        finally:
            self._lock.release()
        return None if base is None else (dissection, base)

    def _still(self, database: str, stamp: _Stamp) -> Dissection | None:
        """Give a dissection that was read before, if its files are the same."""
        with self._known_lock:
            known = self._known.get(database)
        return known[1] if known is not None and known[0] == stamp else None

    def _keep(self, database: str, stamp: _Stamp, found: Dissection) -> None:
        with self._known_lock:
            self._known[database] = stamp, found
            self._known.move_to_end(database)
            while len(self._known) > _KNOWN:
                self._known.popitem(last=False)

    def _stamp(self, snapshot_id: str, name: str) -> _Stamp | None:
        """Look at what makes a dissection a finished one; None where something is missing, or for no full name."""
        try:
            paths = self._paths(snapshot_id, name)
        except UsageError:
            return None
        found = []
        for path in paths:
            try:
                state = path.stat()
            except OSError:
                if path is not paths[-1]:  # calls that were seen at one place only are not joined
                    return None
                continue
            found.append((state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns))
        return tuple(found)

    def _paths_of(self, snapshot_id: str, name: str) -> tuple[Path, ...]:
        folder = self._workspace.dissection(snapshot_id, name)
        return (folder.parent.parent / SNAPSHOT_FILE, folder, folder / DONE, folder / MANIFEST, folder / JOINED)

    def _nothing(self) -> str:
        if any(snapshot.status is JobStatus.COMPLETED for snapshot in self._snapshots.all()):
            return (
                "Nothing is dissected yet (L7), although there are snapshots (L4): "
                "start a dissection of a snapshot and wait until it is completed."
            )
        return "Nothing is dissected yet: create a snapshot of the raw capture, then start its dissection."

    def base(self, dissection: Dissection, keep_duplicates: bool = False) -> EntryBase:
        """Open the entries of a finished dissection."""
        folder = self._workspace.dissection(dissection.snapshot, dissection.name)
        return self.open(folder, keep_duplicates)

    def open(self, folder: Path, keep_duplicates: bool = False) -> EntryBase:
        """Open a folder of entries, or give the one that is open; a folder made anew is opened anew."""
        try:
            key = (folder, keep_duplicates, folder.stat().st_mtime_ns)
        except FileNotFoundError as error:
            raise NotFoundError(f"The entries of {folder.name!r} were deleted.") from error
        with self._lock:
            found = self._open.pop(key, None) or EntryBase(folder, self._language, keep_duplicates)
            self._open[key] = found
            while len(self._open) > OPEN:
                self._open.popitem(last=False)
        return found

    def all(self) -> list[Database]:
        """Give what can be queried, running dissections included."""
        return [self._described(dissection) for dissection in self._dissections.all()]

    def _described(self, dissection: Dissection) -> Database:
        bounds = self.base(dissection).source.bounds() if dissection.status is JobStatus.COMPLETED else None
        return Database(
            type="dissection",
            snapshot=dissection.snapshot,
            name=dissection.name,
            entry_count=dissection.stats.entries_created,
            status=dissection.status,
            first=None if bounds is None else from_ns(bounds[0]),
            last=None if bounds is None else from_ns(bounds[1]),
        )

    def close(self) -> None:
        """Release all files."""
        with self._lock:
            for base in self._open.values():
                base.close()
            self._open.clear()
