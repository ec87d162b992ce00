"""The worker process: does one job, and never outlives the server that started it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kubeshark_mcp.hub import worker as module
from kubeshark_mcp.hub.contract import JobStatus
from kubeshark_mcp.hub.jobs import Job, JobBoard
from kubeshark_mcp.hub.worker import NICENESS
from kubeshark_mcp.hub.workspace import Workspace


def worker(workspace: Path, key: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "kubeshark_mcp.hub.worker", str(workspace), key]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_worker_ends_with_the_server_that_started_it(tmp_path: Path):
    workspace = Workspace(tmp_path)
    fifo = tmp_path / "endless.pcap"
    __import__("os").mkfifo(fifo)
    board = JobBoard(workspace.jobs)
    arguments = {"digest": "0" * 16, "sources": [[str(fifo), "n"]], "resources": []}
    board.save(Job("flows-x", "flows", arguments))
    process = worker(tmp_path, "flows-x")
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(timeout=30) == 1
    assert board.get("flows-x").status is JobStatus.FAILED


def test_a_kind_that_nobody_knows_is_a_failure_with_its_words(tmp_path: Path):
    workspace = Workspace(tmp_path)
    board = JobBoard(workspace.jobs)
    board.save(Job("odd", "telepathy", {}))
    process = worker(tmp_path, "odd")
    process.wait(timeout=30)  # its standard input stays open, or it would take us for gone
    assert process.stderr is not None
    assert b"unknown kind of job 'telepathy'" in process.stderr.read()
    process.communicate()
    assert board.get("odd").status is JobStatus.FAILED


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="only Linux tells how a process is scheduled")
def test_a_worker_and_what_it_starts_stand_back_behind_the_servers(tmp_path: Path):
    code = (
        "import os, subprocess, sys; from kubeshark_mcp.hub import worker; worker._stand_back()\n"
        "look = 'import os; print(os.nice(0), os.sched_getscheduler(0) == os.SCHED_BATCH)'\n"
        "exec(look); sys.stdout.flush(); subprocess.run([sys.executable, '-c', look], check=True)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told == f"{os.nice(0) + NICENESS} True\n" * 2


def test_a_worker_that_may_not_choose_how_it_is_scheduled_works_all_the_same(monkeypatch):
    asked: list[int] = []

    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "nice", asked.append)
    monkeypatch.setattr(os, "sched_setscheduler", refused, raising=False)
    module._stand_back()
    monkeypatch.delattr(os, "sched_setscheduler")
    module._stand_back()
    assert asked == [NICENESS] * 2
