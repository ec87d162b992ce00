"""Dissections of snapshots: started on request, done by a worker, kept as Parquet in the snapshot's folder."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kubeshark_mcp.errors import ConflictError, NotFoundError, StoreError
from kubeshark_mcp.hub.contract import Dissection, DissectionStats, JobStatus
from kubeshark_mcp.hub.jobs import Job, JobBoard, Reporter
from kubeshark_mcp.hub.keylogs import kept_key_logs
from kubeshark_mcp.hub.snapshots import SnapshotRoom, captures_in
from kubeshark_mcp.hub.workspace import Workspace, building, checked_name, read_json_if_there, remove_tree, write_json

DEFAULT_NAME = "default"
DONE = "dissection.json"
"""Written last into a dissection's folder: its state and counts."""


class DissectionRoom:
    """The dissections of one workspace."""

    def __init__(self, workspace: Workspace, board: JobBoard, snapshots: SnapshotRoom) -> None:
        self._workspace = workspace
        self._board = board
        self._snapshots = snapshots

    def start(self, snapshot_id: str, name: str | None, settings: dict[str, Any]) -> Dissection:
        """Start to dissect a finished snapshot; one that is running or done already is not done twice."""
        name = checked_name(name or DEFAULT_NAME, "dissection name")
        self._snapshots.completed(snapshot_id)
        if (self._workspace.dissection(snapshot_id, name) / DONE).is_file():
            raise ConflictError(
                f"The dissection {name!r} of {snapshot_id!r} is completed already: "
                "query it, delete it, or use another name."
            )
        arguments = {"snapshot": snapshot_id, "name": name, "settings": settings}
        return _from_job(self._board.start(Job(_key(snapshot_id, name), "dissection", arguments), self._workspace.root))

    def get(self, snapshot_id: str, name: str | None) -> Dissection:
        """Give the state of a dissection; without a name the only one, else the default one."""
        self._snapshots.completed(snapshot_id)
        if name is None:
            known = self.of(snapshot_id)
            name = known[0].name if len(known) == 1 else DEFAULT_NAME
        found = self._find(snapshot_id, name)
        if found is None:
            raise NotFoundError(f"The snapshot {snapshot_id!r} has no dissection {name!r}: start one.")
        return found

    def _find(self, snapshot_id: str, name: str) -> Dissection | None:
        folder = self._workspace.dissection(snapshot_id, name)
        if (found := _read(folder)) is not None:
            return found
        job = self._board.find(_key(snapshot_id, name))
        # It may have been completed between the two looks.
        return None if job is None else _read(folder) or _from_job(job)

    def of(self, snapshot_id: str) -> list[Dissection]:
        """Give the dissections of one snapshot, newest first."""
        # What is at work before what is done, so that none is missed that is completed between the two looks.
        jobs = [job for job in self._board.all("dissection") if job.arguments["snapshot"] == snapshot_id]
        folders = [path.parent for path in self._workspace.snapshot(snapshot_id).glob(f"dissections/[!.]*/{DONE}")]
        done = [found for folder in sorted(folders) if (found := _read(folder)) is not None]
        names = {dissection.name for dissection in done}
        return [_from_job(job) for job in jobs if job.arguments["name"] not in names] + done

    def all(self) -> list[Dissection]:
        """Give the dissections of all finished snapshots."""
        completed = [s.id for s in self._snapshots.all() if s.status is JobStatus.COMPLETED]
        return [dissection for snapshot_id in completed for dissection in self.of(snapshot_id)]

    def stop(self, snapshot_id: str, name: str) -> None:
        """Ask a running dissection to stop."""
        if self.get(snapshot_id, name).status.ended:
            raise ConflictError(f"The dissection {name!r} of {snapshot_id!r} is not running.")
        self._board.cancel(_key(snapshot_id, name))

    def delete(self, snapshot_id: str, name: str) -> None:
        """Delete the entries of a dissection; refuses while it runs."""
        if not self.get(snapshot_id, name).status.ended:
            raise ConflictError(f"The dissection {name!r} of {snapshot_id!r} is running: stop it first.")
        folder = self._workspace.dissection(snapshot_id, name)
        if folder.is_dir():
            remove_tree(folder)
        self._board.forget(_key(snapshot_id, name))

    def forget_all(self, snapshot_id: str) -> None:
        """Stop and forget the jobs of a snapshot that is about to be deleted."""
        for job in self._board.all("dissection"):
            if job.arguments["snapshot"] == snapshot_id:
                if not job.status.ended:
                    raise ConflictError(f"The snapshot {snapshot_id!r} is being dissected: stop that first.")
                self._board.forget(job.key)


def dissect_snapshot(workspace: Workspace, arguments: dict[str, Any], report: Reporter) -> dict[str, Any]:
    """Do the work of a dissection job: entries under a temporary name, renamed when whole."""
    from kubeshark_mcp.hub.dissectors import settings_from
    from kubeshark_mcp.hub.pipeline import Pipeline, Run

    folder = workspace.snapshot(arguments["snapshot"])
    resources = sorted(folder.glob("resources*.json"))
    with building(workspace.dissection(arguments["snapshot"], arguments["name"])) as target:
        settings = settings_from(arguments["settings"])
        run = Run(captures_in(folder), resources, settings, key_logs=kept_key_logs(folder))
        outcome = Pipeline(run, target, lambda fraction, stats: report(fraction, asdict(stats))).dissect()
        result = asdict(outcome)
        done = _dissection(arguments, JobStatus.COMPLETED, 100, result)
        write_json(target / DONE, done.model_dump(mode="json"))
    return result


def _key(snapshot_id: str, name: str) -> str:
    return f"{snapshot_id}.{name}"


def _read(folder: Path) -> Dissection | None:
    """Read what a finished dissection says of itself; a damaged one is shown as failed, so that it can be deleted."""
    try:
        value = read_json_if_there(folder / DONE)
        return None if value is None else Dissection.model_validate(value)
    except (StoreError, ValidationError) as error:
        if isinstance(error.__cause__, OSError):
            raise
        sentence = f"{str(folder / DONE)!r} cannot be read: delete this dissection and start it anew"
        return Dissection(
            snapshot=folder.parent.parent.name, name=folder.name, status=JobStatus.FAILED, errors=[sentence]
        )


def _from_job(job: Job) -> Dissection:
    dissection = _dissection(job.arguments, job.status, job.progress, job.result)
    return dissection.model_copy(update={"errors": [job.error]}) if job.error else dissection


def _dissection(arguments: dict[str, Any], status: JobStatus, progress: int, result: dict[str, Any]) -> Dissection:
    stats = {key: result[key] for key in DissectionStats.model_fields if key in result}
    return Dissection(
        snapshot=arguments["snapshot"],
        name=arguments["name"],
        status=status,
        progress=progress,
        stats=DissectionStats(**stats),
        warnings=list(result.get("warnings", [])),
    )
