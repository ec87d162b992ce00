"""The process that does one job: `python -m kubeshark_mcp.hub.worker WORKSPACE KEY`; started by JobBoard only."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from pathlib import Path
from typing import Any

from kubeshark_mcp.hub.jobs import Job, JobBoard, Reporter
from kubeshark_mcp.hub.workspace import Workspace

NICENESS = 10
"""How far a worker, and what it starts, stands back behind the servers, whose answers somebody waits for.

Beside a busy server it gets about a tenth of a core (nice(1): a fifth less for each step), alone all of it.
"""


def _work(workspace: Workspace, job: Job, reporter: Reporter) -> dict[str, Any]:
    if job.kind == "snapshot":
        from kubeshark_mcp.hub.snapshots import copy_snapshot

        return copy_snapshot(workspace, job.arguments, reporter)
    if job.kind == "dissection":
        from kubeshark_mcp.hub.dissections import dissect_snapshot

        return dissect_snapshot(workspace, job.arguments, reporter)
    if job.kind == "flows":
        from kubeshark_mcp.hub.flowroom import count_connections

        return count_connections(workspace, job.arguments, reporter)
    if job.kind in {"cloud_upload", "cloud_download"}:
        from kubeshark_mcp.hub.cloud.room import transfer

        return transfer(workspace, job, reporter, os.environ)
    raise ValueError(f"unknown kind of job {job.kind!r}")


def _end_with_parent() -> None:
    """Wait for the server that started this process to go away; unbuffered, so that no lock is held at the end."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)


def _stand_back() -> None:
    """Let servers go first: less time where there is not enough, and no interruption of them to get it (Linux)."""
    os.nice(NICENESS)
    if hasattr(os, "sched_setscheduler"):
        with contextlib.suppress(OSError):  # a sandbox may forbid it
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def main(arguments: list[str]) -> int:
    """Do the job; its outcome is in its file, the exit code only tells whether it could be told."""
    root, key = arguments
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _stand_back()
    workspace = Workspace(Path(root))
    JobBoard(workspace.jobs).run(key, lambda job, reporter: _work(workspace, job, reporter))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
