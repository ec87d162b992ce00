"""Long work in a process of its own: a snapshot being copied, a dissection.

Each job is a file `jobs/<key>.json` that any server process on the workspace can read. The worker alone writes it and
holds its lock while it lives: a job that says `running` with nobody holding the lock was interrupted.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from kubeshark_mcp.errors import ConflictError, KubesharkError, NotFoundError, StoreError
from kubeshark_mcp.hub.contract import JobStatus
from kubeshark_mcp.hub.workspace import (
    checked_name,
    held_lock,
    is_held,
    read_json,
    read_json_if_there,
    storing,
    write_json,
)

INTERRUPTED = "interrupted: the process that did this work ended before it was done; start it again"
PROGRESS_INTERVAL_S = 0.2
"""How often a worker writes its progress and looks for a cancellation."""
BOARD_LOCK = ".board.lock"
PATIENCE_S = 10.0
"""How long to wait while another process starts a job."""
START_PATIENCE_NS = 10_000_000_000
"""How long a job may be pending before another process takes its worker for dead."""


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of long work. progress: 0..100. result: what the work reports, also while it runs.

    ended_ns: 0 while it runs, and where its process was killed.
    """

    key: str
    kind: str
    arguments: dict[str, Any]
    status: JobStatus = JobStatus.PENDING
    progress: int = 0
    result: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    created_ns: int = 0
    ended_ns: int = 0


class CancelledJobError(KubesharkError):
    """The job was asked to stop."""


class JobBoard:
    """The jobs of one workspace. environment: that of workers; by default the server's own."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._environment = environment
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._threads = threading.Lock()

    def start(self, job: Job, workspace: Path) -> Job:
        """Start a worker for this job; refuses when one with the same key is at work."""
        with self._alone():
            existing = self.find(job.key)
            if existing is not None and not existing.status.ended:
                raise ConflictError(
                    f"{job.kind} {job.key!r} is already running ({existing.progress} %): wait, or stop it."
                )
            with storing(self.folder):
                self._marker(job.key).unlink(missing_ok=True)
            job = replace(job, created_ns=time.time_ns())
            self.save(job)
            try:
                self._children[job.key] = self._worker(job, workspace)
            except StoreError:
                self._remove(job.key)
                raise
        return job

    def _worker(self, job: Job, workspace: Path) -> subprocess.Popen[bytes]:
        with storing(self.folder), self._log(job.key).open("wb") as log:
            # The worker ends when its standard input closes: it never outlives the server that started it.
            return subprocess.Popen(
                [sys.executable, "-m", "kubeshark_mcp.hub.worker", str(workspace), job.key],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=None if self._environment is None else dict(self._environment),
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes and threads from starting or forgetting jobs of this board meanwhile."""
        with self._threads, held_lock(self.folder / BOARD_LOCK, PATIENCE_S) as mine:
            if not mine:
                raise StoreError(
                    f"{str(self.folder / BOARD_LOCK)!r} is held by another process for more than {PATIENCE_S:.0f} s: "
                    "try again."
                )
            yield

    def save(self, job: Job) -> None:
        """Write the state of a job."""
        write_json(self._file(job.key), asdict(job))

    def _read(self, key: str) -> Job | None:
        """Read the state of a job; None when there is none, or one that this version cannot read."""
        try:
            value = read_json_if_there(self._file(key))
            return None if value is None else _from_json(value)
        except (StoreError, TypeError, ValueError) as error:
            if isinstance(error.__cause__, OSError):
                raise
            return None

    def find(self, key: str) -> Job | None:
        """Give the job, with a dead worker's told as failed; None when there is none."""
        job = self._read(key)
        if job is None or job.status.ended or self._alive(key) or self._starting(job):
            return job
        job = self._read(key)  # it may have ended between the two looks
        if job is None or job.status.ended:
            return job
        return replace(job, status=JobStatus.FAILED, error=self._last_words(key) or INTERRUPTED)

    def get(self, key: str) -> Job:
        """Give the job or raise NotFoundError."""
        job = self.find(key)
        if job is None:
            raise NotFoundError(f"There is no job {key!r}.")
        return job

    def all(self, kind: str) -> list[Job]:
        """Give all jobs of a kind, newest first."""
        jobs = [self.find(path.stem) for path in self.folder.glob("[!.]*.json")]
        return sorted((j for j in jobs if j is not None and j.kind == kind), key=lambda j: j.created_ns, reverse=True)

    def cancel(self, key: str) -> None:
        """Ask the worker to stop, whichever process started it."""
        with storing(self.folder):
            self._marker(key).touch()

    def forget(self, key: str) -> None:
        """Remove what is kept of an ended job; one that was started again meanwhile stays."""
        with self._alone():
            job = self.find(key)
            if job is None or job.status.ended:
                self._remove(key)

    def _remove(self, key: str) -> None:
        with storing(self.folder):
            for path in (self._file(key), self._lock(key), self._marker(key), self._log(key)):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Stop the workers that this process started; their jobs read as interrupted."""
        for child in self._children.values():
            if child.stdin is not None:
                child.stdin.close()
        for child in self._children.values():
            try:
                child.wait(timeout=5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        for key in self._children:
            # Written down, because others take a worker that never came to its lock for one that is about to start.
            job = self.find(key)
            if job is not None and job.status is JobStatus.FAILED:
                self.save(job)
        self._children.clear()

    def _alive(self, key: str) -> bool:
        child = self._children.get(key)
        if child is not None and child.poll() is None:
            return True
        return is_held(self._lock(key))

    def _starting(self, job: Job) -> bool:
        """Tell whether another process may just have started the worker, so that it has not come to its lock yet."""
        young = time.time_ns() - job.created_ns < START_PATIENCE_NS
        return job.status is JobStatus.PENDING and young and job.key not in self._children

    def _last_words(self, key: str) -> str:
        try:
            lines = self._log(key).read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return f"the worker failed: {lines[-1][:500]}" if lines else ""

    def _file(self, key: str) -> Path:
        return self.folder / f"{checked_name(key, 'job id')}.json"

    def _lock(self, key: str) -> Path:
        return self.folder / f"{key}.lock"

    def _marker(self, key: str) -> Path:
        return self.folder / f"{key}.cancel"

    def _log(self, key: str) -> Path:
        return self.folder / f"{key}.log"

    def run(self, key: str, work: Callable[[Job, Reporter], dict[str, Any]]) -> Job:
        """Do the work of a job in this process, telling its state to all others."""
        # Patience, because a reader that looks whether the holder lives takes the lock for a moment.
        with held_lock(self._lock(key), patience_s=2.0) as free:
            job = self.get(key) if not free else _from_json(read_json(self._file(key)))
            if not free or job.status.ended:
                return job
            reporter = Reporter(self, replace(job, status=JobStatus.RUNNING))
            try:
                result = work(reporter.job, reporter)
                job = replace(reporter.job, status=JobStatus.COMPLETED, progress=100, result=result)
            except CancelledJobError:
                job = replace(reporter.job, status=JobStatus.CANCELLED, error="cancelled on request")
            except KubesharkError as error:
                job = replace(reporter.job, status=JobStatus.FAILED, error=str(error))
            job = replace(job, ended_ns=time.time_ns())
            self.save(job)
            return job


class Reporter:
    """What a worker tells the world while it works."""

    def __init__(self, board: JobBoard, job: Job) -> None:
        self.job = job
        self._board = board
        self._next = 0.0
        board.save(job)

    def __call__(self, fraction: float, result: dict[str, Any] | None = None) -> None:
        """Say how far the work is (0..1); raises CancelledJobError when it is to stop."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + PROGRESS_INTERVAL_S
        if self._board._marker(self.job.key).exists():
            raise CancelledJobError("cancelled")
        progress = min(99, max(self.job.progress, int(fraction * 100)))
        self.job = replace(self.job, progress=progress, result=result if result is not None else self.job.result)
        self._board.save(self.job)


def _from_json(value: dict[str, Any]) -> Job:
    return Job(**{**value, "status": JobStatus(value["status"])})
