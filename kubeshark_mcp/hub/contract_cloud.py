"""The shapes of snapshots in object storage: where it is, what lies there, and jobs that move snapshots."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from kubeshark_mcp.hub.contract import JobStatus, Shape, Snapshot

Operation = Literal["upload", "download"]


class CloudSnapshot(Shape):
    """A snapshot that lies whole in the storage. size_bytes: of all its objects. local: whether it is here too."""

    snapshot: Snapshot
    size_bytes: int
    files: int
    uploaded_at: datetime
    local: bool = False


class CloudStatus(Shape):
    """Whether storage is set up and answers.

    provider: `s3`, `azblob`, `gcs` or `file`; empty where none is set up. location: for people, without credentials.
    problem: why it is not connected. advice: what to set. snapshots: None where the Hub does not list them;
    snapshots_total: how many there are, of which some may not be listed.
    """

    enabled: bool
    provider: str = ""
    connected: bool = False
    location: str = ""
    problem: str = ""
    advice: str = ""
    snapshots: list[CloudSnapshot] | None = None
    snapshots_total: int = 0
    warnings: list[str] = Field(default_factory=list)


class CloudJob(Shape):
    """A snapshot on its way. status: `in_progress`, `completed` or `failed`. progress: 0..100; bytes: of its files.

    completed_at: when it ended, well or not; unknown where its process was killed.
    """

    job_id: str
    snapshot_id: str
    operation: Operation
    status: JobStatus
    progress: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    error: str = ""
    started_at: datetime | None = None
    completed_at: datetime | None = None
    warnings: list[str] = Field(default_factory=list)
