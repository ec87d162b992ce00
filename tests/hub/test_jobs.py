"""Jobs: a worker's state is readable by all, a dead worker's job is told as interrupted, cancelling works."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from kubeshark_mcp.errors import ConflictError, NotFoundError, UsageError
from kubeshark_mcp.hub.contract import JobStatus
from kubeshark_mcp.hub.jobs import BOARD_LOCK, INTERRUPTED, START_PATIENCE_NS, Job, JobBoard

JOB = Job("a-job", "dissection", {"snapshot": "s"}, created_ns=1)


@pytest.fixture
def board(tmp_path: Path) -> JobBoard:
    return JobBoard(tmp_path)


def test_work_done_is_told_with_its_result(board: JobBoard):
    board.save(JOB)
    done = board.run("a-job", lambda job, report: {"entries": 3})
    ended = done.ended_ns
    assert done == replace(JOB, status=JobStatus.COMPLETED, progress=100, result={"entries": 3}, ended_ns=ended)
    assert ended > JOB.created_ns
    assert board.get("a-job") == done
    assert board.all("dissection") == [done]
    assert board.all("snapshot") == []


def test_a_job_is_running_with_its_progress_while_the_worker_holds_its_lock(board: JobBoard):
    board.save(JOB)

    def work(job, report):
        report(0.5, {"entries": 1})
        seen = JobBoard(board.folder).get("a-job")
        assert seen == replace(JOB, status=JobStatus.RUNNING, progress=50, result={"entries": 1})
        return {}

    assert board.run("a-job", work).status is JobStatus.COMPLETED


def test_a_job_whose_worker_died_is_told_as_interrupted(board: JobBoard):
    board.save(replace(JOB, status=JobStatus.RUNNING, progress=40))
    assert board.get("a-job") == replace(JOB, status=JobStatus.FAILED, progress=40, error=INTERRUPTED)


def test_a_pending_job_is_given_time_to_start(board: JobBoard):
    board.save(replace(JOB, created_ns=time.time_ns()))
    assert board.get("a-job").status is JobStatus.PENDING
    board.save(replace(JOB, created_ns=time.time_ns() - START_PATIENCE_NS))
    assert board.get("a-job").status is JobStatus.FAILED


def test_a_cancelled_job_stops_at_its_next_report(board: JobBoard):
    board.save(JOB)
    board.cancel("a-job")

    def work(job, report):
        report(0.1)
        raise AssertionError("went on after it was cancelled")

    done = board.run("a-job", work)
    assert done == replace(JOB, status=JobStatus.CANCELLED, error="cancelled on request", ended_ns=done.ended_ns)


def test_an_error_of_ours_is_the_jobs_error_and_progress_stays(board: JobBoard):
    board.save(JOB)

    def work(job, report):
        report(0.3)
        raise UsageError("The window is empty.")

    done = board.run("a-job", work)
    failed = replace(JOB, status=JobStatus.FAILED, progress=30, error="The window is empty.")
    assert done == replace(failed, ended_ns=done.ended_ns)


def test_a_running_job_cannot_be_started_twice(board: JobBoard, tmp_path: Path):
    board.save(JOB)

    def work(job, report):
        with pytest.raises(ConflictError, match="'a-job' is already running"):
            JobBoard(board.folder).start(JOB, tmp_path)
        return {}

    assert board.run("a-job", work).status is JobStatus.COMPLETED


def test_an_unknown_job_is_named(board: JobBoard):
    assert board.find("nope") is None
    with pytest.raises(NotFoundError, match="no job 'nope'"):
        board.get("nope")


def test_a_forgotten_job_leaves_nothing(board: JobBoard):
    board.save(JOB)
    board.run("a-job", lambda job, report: {})
    board.forget("a-job")
    assert [path.name for path in board.folder.iterdir()] == [BOARD_LOCK]
