"""Requests that wait for their answers: in order, or by an identifier. Bounded, so that silence costs no memory."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

WAITING = 4096
"""Requests of one connection that may wait at once; more than any server reads ahead."""

Key = TypeVar("Key", bound=Hashable)
Request = TypeVar("Request")
"""What waits: an Entry, or a protocol's own note of a request."""


class Pipeline(Generic[Request]):
    """Answers come in the order of the requests (HTTP/1.1 pipelining, Redis).

    A list, for nearly all connections have at most one request waiting: an empty deque takes ten times its memory.
    """

    __slots__ = ("_limit", "_waiting")

    def __init__(self, limit: int = WAITING) -> None:
        self._limit = limit
        self._waiting: list[Request] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def ask(self, request: Request) -> Request | None:
        """Let a request wait; give the oldest one back, when too many wait."""
        self._waiting.append(request)
        return self._waiting.pop(0) if len(self._waiting) > self._limit else None

    @property
    def next(self) -> Request | None:
        """Give the request that the next answer belongs to, without taking it."""
        return self._waiting[0] if self._waiting else None

    def answer(self) -> Request | None:
        """Take the request that the present answer belongs to; None when none waits."""
        return self._waiting.pop(0) if self._waiting else None

    def flush(self) -> list[Request]:
        """Take all that still wait, oldest first."""
        waiting, self._waiting = self._waiting, []
        return waiting


class Transactions(Generic[Key, Request]):
    """Answers name their request by an identifier (DNS, Kafka, LDAP); an identifier may be used again later."""

    __slots__ = ("_limit", "_waiting")

    def __init__(self, limit: int = WAITING) -> None:
        self._limit = limit
        self._waiting: dict[Key, Request] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def ask(self, key: Key, request: Request) -> Request | None:
        """Let a request wait; give back the one it replaces, or the oldest when too many wait."""
        replaced = self._waiting.pop(key, None)
        self._waiting[key] = request
        if replaced is None and len(self._waiting) > self._limit:
            return self._waiting.pop(next(iter(self._waiting)))
        return replaced

    def get(self, key: Key) -> Request | None:
        """Give the request that waits under this identifier, without taking it."""
        return self._waiting.get(key)

    def answer(self, key: Key) -> Request | None:
        """Take the request that waits under this identifier; None when there is none."""
        return self._waiting.pop(key, None)

    def flush(self) -> list[Request]:
        """Take all that still wait, oldest first."""
        waiting = list(self._waiting.values())
        self._waiting.clear()
        return waiting
