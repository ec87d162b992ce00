"""Snapshots to and from object storage, as jobs of the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kubeshark_mcp.errors import ConflictError, HubError, NotFoundError, UnsupportedError, UsageError
from kubeshark_mcp.hub.cloud.manifest import NAME, Manifest
from kubeshark_mcp.hub.cloud.settings import WHAT_TO_SET, CloudSettings, read_settings
from kubeshark_mcp.hub.cloud.store import CloudStore, open_store
from kubeshark_mcp.hub.cloud.transfer import download_snapshot, manifest_of, object_of, upload_snapshot
from kubeshark_mcp.hub.contract import JobStatus
from kubeshark_mcp.hub.contract_cloud import CloudJob, CloudSnapshot, CloudStatus, Operation
from kubeshark_mcp.hub.jobs import Job, JobBoard, Reporter
from kubeshark_mcp.hub.keylogs import kept_key_logs
from kubeshark_mcp.hub.snapshots import SnapshotRoom
from kubeshark_mcp.hub.times import from_ns
from kubeshark_mcp.hub.workspace import Workspace, checked_name

KINDS: Mapping[str, Operation] = {"cloud_upload": "upload", "cloud_download": "download"}
MOST_LISTED = 200
"""Snapshots whose manifests are read for the status."""
AT_ONCE = 8
KEYS_GO_TOO = "The snapshot holds TLS secrets (key logs), which go with it: whoever reads the storage can decrypt it."


class CloudRoom:
    """The object storage of one workspace. environment: where its settings are."""

    def __init__(
        self, workspace: Workspace, board: JobBoard, snapshots: SnapshotRoom, environment: Mapping[str, str]
    ) -> None:
        self._workspace = workspace
        self._board = board
        self._snapshots = snapshots
        self._environment = environment

    def status(self) -> CloudStatus:
        """Say whether storage is set up and answers, and what lies there."""
        try:
            settings = read_settings(self._environment)
        except UsageError as error:
            return CloudStatus(enabled=False, problem=str(error), advice=WHAT_TO_SET)
        if settings is None:
            return CloudStatus(enabled=False, advice=WHAT_TO_SET)
        told = CloudStatus(enabled=True, provider=settings.provider, location=settings.location)
        try:
            store = open_store(settings, self._environment)
            ids = [name for name in store.ids() if _is_id(name)]
        except (HubError, UsageError, NotFoundError) as error:
            return told.model_copy(update={"problem": str(error)})
        found, warnings = self._manifests(store, ids[:MOST_LISTED])
        if len(ids) > MOST_LISTED:
            warnings.append(
                f"{len(ids) - MOST_LISTED} more snapshots are not shown; they can be downloaded by their id."
            )
        return told.model_copy(
            update={
                "connected": True,
                "snapshots": sorted(found, key=lambda one: one.snapshot.created_at, reverse=True),
                "snapshots_total": len(found) + max(0, len(ids) - MOST_LISTED),
                "warnings": warnings,
            }
        )

    def _manifests(self, store: CloudStore, ids: list[str]) -> tuple[list[CloudSnapshot], list[str]]:
        """Read manifests side by side; what has none is half a snapshot and no part of the answer."""

        def one(snapshot_id: str) -> Manifest | str | None:
            try:
                return manifest_of(store, snapshot_id)
            except NotFoundError:
                return None
            except HubError as error:
                return str(error)

        with ThreadPoolExecutor(AT_ONCE) as threads:
            read = list(threads.map(one, ids))
        found = [
            CloudSnapshot(
                snapshot=manifest.snapshot,
                size_bytes=manifest.size,
                files=len(manifest.files),
                uploaded_at=manifest.uploaded_at,
                local=self._workspace.snapshot(manifest.snapshot.id).exists(),
            )
            for manifest in read
            if isinstance(manifest, Manifest)
        ]
        return found, [problem for problem in read if isinstance(problem, str)]

    def upload(self, snapshot_id: str) -> CloudJob:
        """Begin to copy a completed snapshot into the storage; refuses one that is there already."""
        settings = self._settings()
        folder = self._snapshots.completed(snapshot_id)
        self._refuse_at_work(snapshot_id)
        try:
            there = manifest_of(open_store(settings, self._environment), snapshot_id)
        except NotFoundError:
            pass
        else:
            raise ConflictError(
                f"The snapshot {snapshot_id!r} is already in cloud storage {settings.location}, since "
                f"{there.uploaded_at.isoformat()}. If it is damaged, delete {object_of(snapshot_id, NAME)} there first."
            )
        job = self._start("cloud_upload", snapshot_id)
        return job.model_copy(update={"warnings": [KEYS_GO_TOO]}) if kept_key_logs(folder) else job

    def download(self, snapshot_id: str) -> CloudJob:
        """Begin to copy a snapshot from the storage; refuses one that is here, finished or in the making."""
        settings = self._settings()
        self._refuse_at_work(snapshot_id)
        try:
            here = self._snapshots.get(snapshot_id)
        except NotFoundError:
            pass
        else:
            raise ConflictError(
                f"The snapshot {snapshot_id!r} is already here ({here.status}): use it, or delete it first."
            )
        store = open_store(settings, self._environment)
        try:
            manifest_of(store, snapshot_id)
        except NotFoundError:
            known = [name for name in store.ids() if _is_id(name)][:10]
            raise NotFoundError(
                f"Cloud storage {settings.location} has no whole snapshot {snapshot_id!r}; "
                f"there {'is ' + ', '.join(known) if known else 'is none'}."
            ) from None
        return self._start("cloud_download", snapshot_id)

    def _settings(self) -> CloudSettings:
        settings = read_settings(self._environment)
        if settings is None:
            raise UnsupportedError(WHAT_TO_SET)
        return settings

    def _refuse_at_work(self, snapshot_id: str) -> None:
        for kind in KINDS:
            job = self._board.find(_key(kind, snapshot_id))
            if job is not None and not job.status.ended:
                raise ConflictError(
                    f"The {KINDS[kind]} of the snapshot {snapshot_id!r} is already at work (job {job.key}, "
                    f"{job.progress} %): wait for it."
                )

    def _start(self, kind: str, snapshot_id: str) -> CloudJob:
        job = Job(_key(kind, snapshot_id), kind, {"id": snapshot_id})
        return _from_job(self._board.start(job, self._workspace.root))

    def job(self, job_id: str) -> CloudJob:
        """Give the state of a transfer."""
        job = self._board.find(job_id)
        if job is None or job.kind not in KINDS:
            known = ", ".join(one.key for kind in KINDS for one in self._board.all(kind)[:5])
            raise NotFoundError(
                f"There is no cloud job {job_id[:80]!r}; there {'are ' + known if known else 'is none'}."
            )
        return _from_job(job)


def _key(kind: str, snapshot_id: str) -> str:
    """Give the id of a job: one a snapshot and way, so that it cannot run twice; no snapshot's id looks like it."""
    return f"{kind}.{checked_name(snapshot_id, 'snapshot id')}"


def _is_id(name: str) -> bool:
    try:
        checked_name(name, "snapshot id")
    except UsageError:
        return False
    return True


def _from_job(job: Job) -> CloudJob:
    ended = {JobStatus.COMPLETED, JobStatus.FAILED}
    status = JobStatus.FAILED if job.status is JobStatus.CANCELLED else job.status
    return CloudJob(
        job_id=job.key,
        snapshot_id=str(job.arguments.get("id", "")),
        operation=KINDS[job.kind],
        status=status if status in ended else JobStatus.IN_PROGRESS,
        progress=job.progress,
        bytes_done=int(job.result.get("bytes_done", 0)),
        bytes_total=int(job.result.get("bytes_total", 0)),
        error=job.error,
        started_at=from_ns(job.created_ns),
        completed_at=from_ns(job.ended_ns) if job.ended_ns else None,
    )


def transfer(workspace: Workspace, job: Job, report: Reporter, environment: Mapping[str, str]) -> dict[str, Any]:
    """Do the work of a transfer in a worker process; its storage is that of the worker's environment."""
    settings = read_settings(environment)
    if settings is None:
        raise UnsupportedError(WHAT_TO_SET)
    work = upload_snapshot if job.kind == "cloud_upload" else download_snapshot
    return work(workspace, open_store(settings, environment, patient=True), job.arguments["id"], report)
