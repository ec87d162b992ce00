"""Questions that can be given up while a thread works on them.

A question belongs to the context that it was asked in (PEP 567), which goes with it into its thread; so whoever asked
can stop exactly that one, whatever others are asking of the same files.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from kubeshark_mcp.errors import StoreError

AGAIN_S = 0.02
"""Seconds between two attempts to stop what goes on."""
_CURRENT: ContextVar[Question | None] = ContextVar("kubeshark_mcp_question", default=None)


class CancelledQuestionError(StoreError):
    """Whoever asked has gone."""

    def __init__(self) -> None:
        super().__init__("The question was cancelled before it was answered.")


class Question:
    """Something asked; cancel() may be called from any thread, at any time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stops: list[Callable[[], None]] = []
        self._cancelled = False

    def cancel(self) -> None:
        """Stop what is being done for this question, and let nothing more be begun."""
        with self._lock:
            self._cancelled = True
            busy = bool(self._stops)
        if busy and not self._stop():
            threading.Thread(target=self._insist, name="kubeshark-cancel", daemon=True).start()

    def _stop(self) -> bool:
        """Call everything that stops; tells whether nothing is left to be stopped."""
        with self._lock:
            for stop in self._stops:
                stop()
            return not self._stops

    def _insist(self) -> None:
        """Stop again until it is done: an interrupt that comes just before a statement starts is lost (DuckDB)."""
        stopped = False
        while not stopped:
            time.sleep(AGAIN_S)
            stopped = self._stop()

    def check(self) -> None:
        """Raise CancelledQuestionError when it was cancelled."""
        if self._cancelled:
            raise CancelledQuestionError

    @contextmanager
    def current(self) -> Iterator[None]:
        """Be the question that the code of the block works on."""
        token = _CURRENT.set(self)
        try:
            yield
        finally:
            _CURRENT.reset(token)

    @contextmanager
    def stoppable(self, stop: Callable[[], None]) -> Iterator[None]:
        """Have `stop` called when it is cancelled while the block runs."""
        with self._lock:
            self.check()
            self._stops.append(stop)
        try:
            yield
        finally:
            with self._lock:
                self._stops.remove(stop)


def check_cancelled() -> None:
    """Raise CancelledQuestionError when the question that is worked on here was cancelled; for long loops."""
    question = _CURRENT.get()
    if question is not None:
        question.check()


@contextmanager
def stoppable(stop: Callable[[], None]) -> Iterator[None]:
    """Have `stop` called when the question that is worked on here is cancelled while the block runs."""
    question = _CURRENT.get()
    if question is None:
        yield
        return
    with question.stoppable(stop):
        yield
    question.check()
