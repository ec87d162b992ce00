"""A program that does its steps over and over: an exporter, a batch job. Settings: `every` (seconds), `steps`, `idle`.

With `idle` it makes no calls (until its settings change). A step may keep a transaction open; its clients are its own.
"""

from __future__ import annotations

import itertools

from clients import CallLog, pause, wait_for_run
from service import Call
from settings import Settings
from steps import Worker


def main() -> None:
    """Work until the recording ends."""
    settings = Settings()
    worker = Worker(CallLog(), settings.read()["agent"])
    for turn in itertools.count(1):
        if not wait_for_run():
            return
        now = settings.read()
        if not now.get("idle"):
            worker.run(now["steps"], Call("JOB", f"/{turn}", "", "", None))
        pause(now["every"])


if __name__ == "__main__":
    main()
