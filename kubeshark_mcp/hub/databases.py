"""Which dissection a question is about, and keeping its Parquet open between questions."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from kubeshark_mcp.errors import ConflictError, NotFoundError
from kubeshark_mcp.hub.contract import Database, Dissection, JobStatus
from kubeshark_mcp.hub.dissections import DissectionRoom
from kubeshark_mcp.hub.queries import EntryBase, Language
from kubeshark_mcp.hub.snapshots import SnapshotRoom
from kubeshark_mcp.hub.times import from_ns
from kubeshark_mcp.hub.workspace import Workspace

OPEN = 4
"""Dissections that are kept open."""


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
        self._lock = threading.Lock()

    def resolve(self, database: str | None) -> Dissection:
        """Find the finished dissection that `SNAPSHOT/DISSECTION`, `SNAPSHOT` or None (the newest one) names."""
        snapshot_id, _, name = (database or "").partition("/")
        if snapshot_id:
            found = self._dissections.get(snapshot_id, name or None)
            if found.status is not JobStatus.COMPLETED:
                reason = f": {found.errors[0]}" if found.errors else f" ({found.progress} %)"
                raise ConflictError(
                    f"The dissection {found.name!r} of {snapshot_id!r} is {found.status.value}{reason}; "
                    "its calls can be listed when it is completed."
                )
            return found
        for snapshot in self._snapshots.all():
            if snapshot.status is not JobStatus.COMPLETED:
                continue
            for found in self._dissections.of(snapshot.id):
                if found.status is JobStatus.COMPLETED:
                    return found
        raise NotFoundError(self._nothing())

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
