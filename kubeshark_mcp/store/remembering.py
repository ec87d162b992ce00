"""Answers that are kept for a while, and made once however many ask at the same time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from kubeshark_mcp.store.cancelling import stoppable

T = TypeVar("T")


class _Making(Generic[T]):
    """What somebody is at work on. made: the answer, once there is one. waiting: what wakes those who want it too."""

    def __init__(self) -> None:
        self.made: list[T] = []
        self.waiting: list[threading.Event] = []


class Remembered(Generic[T]):
    """Answers by key, those asked for last, up to a weight in all; safe to use from several threads.

    room: how much they may weigh together; 0 keeps none. weigh: the weight of one. An answer must follow from its key
    alone, and nobody may change it.
    """

    def __init__(self, room: int, weigh: Callable[[T], int]) -> None:
        self._room = room
        self._weigh = weigh
        self._kept: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._weight = 0
        self._makings: dict[Hashable, _Making[T]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Give what is kept, or what another thread is just making, else make it.

        A failure is told only to the one whose `make` it was, for it may have been cancelled: another one tries anew.
        Who waits for another can be cancelled as well.
        """
        while True:
            with self._lock:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    return self._kept[key][0]
                others = self._makings.get(key)
                if others is None:
                    mine = self._makings[key] = _Making()
                    break
                done = threading.Event()
                others.waiting.append(done)
            with stoppable(done.set):
                done.wait()
            if others.made:
                return others.made[0]
        try:
            mine.made.append(make())
        finally:
            self._end(key, mine)
        return mine.made[0]

    def keep(self, key: Hashable, answer: T) -> None:
        """Keep an answer that was made otherwise."""
        with self._lock:
            self._keep(key, answer)

    def known(self, key: Hashable) -> T | None:
        """Give an answer if it is kept."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def _end(self, key: Hashable, making: _Making[T]) -> None:
        with self._lock:
            del self._makings[key]
            if making.made:
                self._keep(key, making.made[0])
        for done in making.waiting:
            done.set()

    def _keep(self, key: Hashable, answer: T) -> None:
        weight = self._weigh(answer)
        if weight > self._room:
            return
        self._weight += weight - self._kept.pop(key, (None, 0))[1]
        self._kept[key] = (answer, weight)
        while self._weight > self._room:
            self._weight -= self._kept.popitem(last=False)[1][1]


def bytes_of(value: object) -> int:
    """Estimate what a value of rows takes in memory; without the names of columns, which rows share."""
    if isinstance(value, dict):
        return 200 + sum([90 + len(one) if type(one) is str else bytes_of(one) for one in value.values()])
    if isinstance(value, list):
        return 100 + sum([bytes_of(one) for one in value])
    return 90 + len(value) if isinstance(value, str | bytes) else 40
