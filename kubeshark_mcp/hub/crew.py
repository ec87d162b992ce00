"""Several processes that do pieces of one work at the same time: `python -m kubeshark_mcp.hub.crew DESCRIPTOR`.

A piece is a callable object that can be pickled; it is given a function to tell how far it is, and what it returns
comes back. What it raises on purpose is raised here. Processes end with the one that started them, however that ends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any, TypeVar

from kubeshark_mcp.errors import HubError, KubesharkError, UsageError

WORKER_BYTES = 320 << 20
"""Memory that a process of a dissection takes, at most."""
VARIABLE = "KUBESHARK_DISSECTION_WORKERS"
"""Environment variable: how many processes a dissection uses, at most."""
TELL_S = 0.1
"""How often a process tells how far it is."""
_DONE, _TOLD, _RAISED, _FAILED = range(4)

Made = TypeVar("Made")
Piece = Callable[[Callable[[Any], None]], Made]
"""A piece of work: takes a function that it tells how far it is as often as it likes, which may raise to give up."""


Watch = Callable[[int, Any], None]
"""Is called with the position of a piece and what that tells, several times a second; what it raises stops all work."""


class Crew:
    """Processes that are started at the first piece of work and ended by `close`, or as a context manager."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._workers: list[_Worker] = []

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def run(self, pieces: Sequence[Piece[Made]], watch: Watch, order: Sequence[int] | None = None) -> list[Made]:
        """Do the pieces and give what they return, in their order. order: in which they are begun."""
        if self._size < 2:
            return [piece(partial(watch, number)) for number, piece in enumerate(pieces)]
        made: dict[int, Made] = {}
        waiting = list(reversed(order if order is not None else range(len(pieces))))
        while len(self._workers) < min(self._size, len(pieces)):
            self._workers.append(_Worker())
        free = list(self._workers)
        busy: dict[Connection[Any, Any], tuple[_Worker, int]] = {}
        while waiting or busy:
            while waiting and free:
                worker, number = free.pop(), waiting.pop()
                worker.begin(pieces[number])
                busy[worker.connection] = worker, number
            for connection in wait(list(busy), TELL_S):
                worker, number = busy[connection]  # type: ignore[index]
                kind, value = worker.hear()
                if kind == _TOLD:
                    watch(number, value)
                else:
                    made[number] = value
                    del busy[worker.connection]
                    free.append(worker)
            watch(-1, None)
        return [made[number] for number in range(len(pieces))]

    def close(self) -> None:
        """End all processes at once, whatever they are at."""
        for worker in self._workers:
            worker.kill()
        self._workers.clear()


class _Worker:
    """One process, seen from the one that started it."""

    def __init__(self) -> None:
        self.connection, theirs = Pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "kubeshark_mcp.hub.crew", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()

    def begin(self, piece: Piece[Any]) -> None:
        try:
            self.connection.send(piece)
        except OSError:
            raise self._ended() from None

    def hear(self) -> tuple[int, Any]:
        """Give what it tells or returns; raises what it raises."""
        try:
            kind, value = self.connection.recv()
        except (EOFError, OSError):
            raise self._ended() from None
        if kind == _RAISED:
            raise value
        if kind == _FAILED:
            raise HubError(f"A process that dissects failed ({value}): please report this.")
        return kind, value

    def _ended(self) -> HubError:
        code = self._process.wait()
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        return HubError(
            f"A process that dissects was ended {how} before it was done: free some memory, or dissect with fewer "
            "workers, then start again."
        )

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self.connection.close()


def crew_size(pieces: int, asked: int, environment: Mapping[str, str]) -> int:
    """Give how many processes to use. asked: at most so many; 0 for what the environment says, or what fits."""
    asked = asked or _said(environment)
    if asked:
        return max(1, min(pieces, asked))
    return max(1, min(pieces, len(_cores()), _free_bytes() // WORKER_BYTES))


def _said(environment: Mapping[str, str]) -> int:
    """Give how many processes the environment allows; 0 for as many as cores and free memory allow."""
    text = environment.get(VARIABLE, "").strip() or "0"
    if not text.isdecimal() or len(text) > 4:
        raise UsageError(f"{VARIABLE} is {text!r}: give a number of processes, or 0 for as many as there is room for.")
    return int(text)


def _cores() -> Sequence[int]:
    """Give the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return range(os.cpu_count() or 1)


def _free_bytes() -> int:
    """Give the memory that is free, for the machine and for this container; very much where that is unknown."""
    found = [1 << 62]
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        found += [int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:")]
        group = Path("/sys/fs/cgroup")
        limit, used = ((group / name).read_text().strip() for name in ("memory.max", "memory.current"))
        found += [int(limit) - int(used)] if limit.isdecimal() else []
    except (OSError, ValueError):
        pass  # Another system, or no such limit.
    return max(0, min(found))


def _take(connection: Connection[Any, Any], pieces: SimpleQueue[Piece[Any]]) -> None:
    """Take pieces of work until the process that gives them is gone; then this one has nothing left to do."""
    while True:
        try:
            pieces.put(connection.recv())
        except (EOFError, OSError):
            os._exit(1)


class _Teller:
    """Tells how far a piece is, but not too often."""

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self._connection = connection
        self._next = 0.0

    def __call__(self, told: Any) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + TELL_S
            self._connection.send((_TOLD, told))


def _answer(connection: Connection[Any, Any], piece: Piece[Any]) -> tuple[int, Any]:
    try:
        return _DONE, piece(_Teller(connection))
    except KubesharkError as error:
        return _RAISED, error
    except Exception as error:  # noqa: BLE001 - told to the process that waits for it, and written down
        traceback.print_exc()
        return _FAILED, repr(error)


def main(arguments: list[str]) -> int:
    """Do pieces of work as long as there are some."""
    connection: Connection[Any, Any] = Connection(int(arguments[0]))
    pieces: SimpleQueue[Piece[Any]] = SimpleQueue()
    threading.Thread(target=_take, args=(connection, pieces), daemon=True).start()
    while True:
        connection.send(_answer(connection, pieces.get()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
