"""Processes that share work: results in order, progress, errors as sentences, and an end with whoever started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import Pipe
from typing import Any

import pytest

from kubeshark_mcp.errors import CaptureError, HubError, UsageError
from kubeshark_mcp.hub import crew as crew_module
from kubeshark_mcp.hub.crew import Crew, crew_size


@dataclass(frozen=True)
class Standing:
    """A piece of work that the standard library does, so that another process can load it."""

    code: str
    value: int = 0

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        # A function cannot be sent from a test module, its text can.
        return eval, (f"lambda tell: ({self.code})", {"value": self.value})

    def __call__(self, tell: Callable[[Any], None]) -> Any:
        return eval(self.code, {"tell": tell, "value": self.value})


PID = "__import__('os').getpid()"


def nobody(number: int, told: Any) -> None:
    """Watch nothing."""


@pytest.mark.parametrize("size", [1, 2, 3])
def test_what_pieces_return_comes_in_their_order(size):
    with Crew(size) as crew:
        assert crew.run([Standing("value * 2", value) for value in range(5)], nobody, [4, 2, 0, 1, 3]) == [
            0,
            2,
            4,
            6,
            8,
        ]


def test_one_alone_works_in_this_process_and_several_in_their_own():
    with Crew(1) as crew:
        assert crew.run([Standing(PID)], nobody) == [os.getpid()]
    with Crew(2) as crew:
        first = crew.run([Standing(PID), Standing(PID)], nobody)
        assert os.getpid() not in first
        assert set(crew.run([Standing(PID)] * 3, nobody)) <= set(first)


@pytest.mark.parametrize("size", [1, 2])
def test_what_a_piece_tells_is_heard_with_its_number(size):
    heard: list[tuple[int, Any]] = []
    with Crew(size) as crew:
        crew.run([Standing("tell('at ' + str(value))", value) for value in (7, 8)], lambda *told: heard.append(told))
    assert sorted(told for told in heard if told[0] >= 0) == [(0, "at 7"), (1, "at 8")]


RAISES = "(_ for _ in ()).throw(__import__('kubeshark_mcp.errors').errors.CaptureError('no capture'))"


@pytest.mark.parametrize("size", [1, 2])
def test_what_a_piece_raises_on_purpose_is_raised_here(size):
    with Crew(size) as crew, pytest.raises(CaptureError, match=r"^no capture$"):
        crew.run([Standing("value"), Standing(RAISES)], nobody)


def test_a_fault_in_a_process_is_a_sentence():
    with Crew(2) as crew, pytest.raises(HubError, match=r"failed \(ZeroDivisionError"):
        crew.run([Standing("1 / value"), Standing("value")], nobody)


def test_a_process_that_is_killed_is_a_sentence_and_the_others_end():
    with Crew(2) as crew:
        with pytest.raises(HubError, match="ended by SIGKILL before it was done"):
            crew.run([Standing(f"__import__('os').kill({PID}, 9)"), Standing("__import__('time').sleep(60)")], nobody)
        processes = [worker._process for worker in crew._workers]
    assert [process.returncode for process in processes] == [-signal.SIGKILL] * 2


def test_what_the_watch_raises_stops_all_work():
    class Enough(Exception):
        pass

    def watch(number: int, told: Any) -> None:
        raise Enough

    began = time.monotonic()
    with pytest.raises(Enough), Crew(2) as crew:
        crew.run([Standing("__import__('time').sleep(60)")] * 2, watch)
    assert time.monotonic() - began < 30


def test_a_process_ends_when_the_one_that_started_it_is_gone():
    mine, theirs = Pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "kubeshark_mcp.hub.crew", str(theirs.fileno())], pass_fds=[theirs.fileno()]
    )
    theirs.close()
    mine.send(Standing("tell('begun') or __import__('time').sleep(60)"))
    assert mine.recv()[1] == "begun"
    mine.close()
    assert process.wait(30) == 1


def test_a_crew_is_no_larger_than_the_work_the_cores_and_the_memory(monkeypatch):
    monkeypatch.setattr(crew_module, "_cores", lambda: range(4))
    monkeypatch.setattr(crew_module, "_free_bytes", lambda: 1 << 40)
    assert [crew_size(pieces, 0, {}) for pieces in (0, 1, 3, 9)] == [1, 1, 3, 4]
    assert [crew_size(9, asked, {}) for asked in (1, 2, 16)] == [1, 2, 9]
    monkeypatch.setattr(crew_module, "_free_bytes", lambda: 2 * crew_module.WORKER_BYTES)
    assert crew_size(9, 0, {}) == 2
    monkeypatch.setattr(crew_module, "_free_bytes", lambda: 0)
    assert crew_size(9, 0, {}) == 1


def test_the_environment_says_how_many_where_the_run_does_not():
    assert crew_size(9, 0, {crew_module.VARIABLE: "3"}) == 3
    assert crew_size(9, 2, {crew_module.VARIABLE: "3"}) == 2
    with pytest.raises(UsageError, match=r"^KUBESHARK_DISSECTION_WORKERS is 'many': give a number"):
        crew_size(9, 0, {crew_module.VARIABLE: "many"})


def test_free_memory_is_known_or_taken_for_enough():
    assert crew_module._free_bytes() > 1 << 20
    assert len(crew_module._cores()) >= 1
