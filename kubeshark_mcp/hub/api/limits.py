"""How much at once, how large and how long: what keeps one client from taking the Hub from the others."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from starlette.requests import Request

from kubeshark_mcp.hub.api.failures import RefusedError

T = TypeVar("T")
CLIENT_GONE = 499
"""What is noted for a request whose client left; nobody reads it."""


class Slots:
    """Places for requests of one kind. most: how many are served at once."""

    def __init__(self, most: int, what: str) -> None:
        self._most = most
        self._what = what
        self.taken = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a place while the block runs; raises RefusedError (503, Retry-After) when there is none."""
        if self.taken >= self._most:
            raise RefusedError(
                503, f"This Hub is at its limit of {self._most} {self._what} at once: ask again.", {"Retry-After": "1"}
            )
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


async def read_body(request: Request, most: int) -> bytes:
    """Read a request's body; raises RefusedError (413) before more than `most` bytes of it are held."""
    declared = request.headers.get("content-length", "0")
    parts: list[bytes] = []
    size = int(declared) if declared.isdigit() and len(declared) < 19 else 0
    if size <= most:
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > most:
                break
            parts.append(part)
    if size > most:
        raise RefusedError(413, f"The request is larger than the {most:,} bytes that this Hub reads: ask for less.")
    return b"".join(parts)


async def within(seconds: float, request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Do the work of a request; end it when its time is over (504) or its client leaves.

    The body must have been read: what arrives after it can only be the client's leave.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({task, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        if gone.done():
            raise RefusedError(CLIENT_GONE, "The client left.")
        raise RefusedError(
            504, f"This took longer than the {seconds:g} s that a call has: narrow the window, the filter or the limit."
        )
    finally:
        for one in (task, gone):
            one.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
