"""Blocking work as coroutines."""

from __future__ import annotations

import asyncio
import threading

import pytest

from kubeshark_mcp.errors import KubesharkError
from kubeshark_mcp.hub.threaded import threaded
from kubeshark_mcp.store.cancelling import check_cancelled


class Worker:
    def __init__(self) -> None:
        self.begun, self.ended = threading.Event(), threading.Event()

    @threaded
    def name(self, suffix: str) -> str:
        return threading.current_thread().name + suffix

    @threaded
    def work(self) -> None:
        self.begun.set()
        try:
            while True:
                check_cancelled()
                threading.Event().wait(0.001)
        except KubesharkError:
            self.ended.set()
            raise


async def test_work_runs_in_another_thread_and_keeps_its_name():
    assert Worker.name.__name__ == "name"
    assert not (await Worker().name("!")).startswith("MainThread")


async def test_cancelling_the_call_stops_the_work():
    worker = Worker()
    task = asyncio.create_task(worker.work())
    await asyncio.to_thread(worker.begun.wait, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(worker.ended.wait, 5)
