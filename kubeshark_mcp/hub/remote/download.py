"""Fetching a file from a Hub: streamed, taken up again where it broke off, whole or not at all."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import httpx2

from kubeshark_mcp.errors import HubError, UsageError
from kubeshark_mcp.hub.remote.client import CONNECT_SECONDS, ERROR_LIMIT, IDLE_SECONDS, HubClient, Sleep
from kubeshark_mcp.hub.remote.failures import TRANSPORT_ERRORS, looks_like_html
from kubeshark_mcp.hub.workspace import storing

BLOCK = 1024 * 1024
"""Bytes that are written at once."""
FRUITLESS = 5
"""Attempts that bring nothing new, one after the other, after which a download is given up."""
_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)")


def file_path(path: str, base: str) -> str:
    """Give the path below the base that a file has; raises UsageError for one that leads elsewhere."""
    given = path.strip()
    if given.startswith(f"{base}/"):
        given = given.removeprefix(base).removeprefix("/api")
    parts = urlsplit(given)
    steps = parts.path.replace("\\", "/").split("/")
    if parts.scheme or parts.netloc or ".." in steps or any(ord(sign) < 33 for sign in given) or not parts.path:
        raise UsageError(f"{given[:120]!r} is no path that this Hub gave: use one as a tool returned it.")
    return f"/api/{given.lstrip('/').removeprefix('api/')}"


@dataclass(slots=True)
class _State:
    """How far a download is. validator: what must be unchanged to go on in the middle, or nothing. total: bytes."""

    done: int = 0
    total: int | None = None
    validator: str = ""
    ranges: bool = False
    fruitless: int = 0
    headers: dict[str, str] = field(default_factory=dict)

    def request_headers(self) -> dict[str, str]:
        """Ask for the rest where that is safe, else for all of it."""
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if self.done and (self.validator or self.ranges):
            headers["Range"] = f"bytes={self.done}-"
            if self.validator:
                headers["If-Range"] = self.validator
        return headers


class Download:
    """Brings one file to its place."""

    def __init__(self, client: HubClient, sleep: Sleep = asyncio.sleep) -> None:
        self._client = client
        self._sleep = sleep

    async def to(self, path: str, destination: Path) -> int:
        """Fetch a file; the destination appears when it is whole. Gives its size in bytes."""
        base = await self._client.access.base()
        below = file_path(path, base)
        temporary = destination.with_name(f".{destination.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with storing(destination):
            try:
                with temporary.open("xb") as file:
                    size = await self._fill(below, file)
                temporary.replace(destination)
            finally:
                temporary.unlink(missing_ok=True)
        return size

    async def _fill(self, path: str, file: BinaryIO) -> int:
        state = _State()
        renewed = False
        while True:
            before = state.done
            try:
                status = await self._part(path, file, state, may_renew=not renewed)
            except TRANSPORT_ERRORS as error:
                await self._broken(error, state, before)
                continue
            if status == 401:
                renewed = True
                continue
            if state.total is not None and state.done < state.total:
                await self._broken(httpx2.ReadError("cut"), state, before)
                continue
            return state.done

    async def _broken(self, error: Exception, state: _State, before: int) -> None:
        state.fruitless = 0 if state.done > before else state.fruitless + 1
        await self._client.hang_up()
        await self._client.access.reconnect()
        if state.fruitless >= FRUITLESS:
            why = self._client.explained(error)
            raise HubError(f"The download broke off after {state.done:,} bytes and cannot be taken up again. {why}")
        await self._sleep(min(5.0, 0.2 * 2**state.fruitless))

    async def _part(self, path: str, file: BinaryIO, state: _State, may_renew: bool) -> int:
        """Read one answer to its end; gives 401 when there is a new credential to try with."""
        timeout = httpx2.Timeout(IDLE_SECONDS, connect=CONNECT_SECONDS)
        async with self._client.opened("GET", path, headers=state.request_headers(), timeout=timeout) as response:
            if response.status_code == 401 and may_renew and await self._client.access.renew():
                return 401
            await self._check(response, path)
            self._begin(response, file, state)
            async for block in _blocks(response):
                await asyncio.to_thread(file.write, block)
                state.done += len(block)
            return response.status_code

    async def _check(self, response: httpx2.Response, path: str) -> None:
        content_type = response.headers.get("content-type", "")
        body = b""
        if response.status_code >= 300:
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > ERROR_LIMIT:
                    break
        error = await self._client.refusal(response.status_code, body, content_type, f"The file {path!r}")
        if error is not None:
            raise error
        if looks_like_html(b"", content_type):
            raise HubError(
                f"{self._client.access.location} answered with a web page instead of the file {path!r}: "
                f"it is probably a login page. {self._client.access.advice()}"
            )

    def _begin(self, response: httpx2.Response, file: BinaryIO, state: _State) -> None:
        """Go to where this answer's bytes belong: the middle for a matching range, else the beginning."""
        found = _RANGE.fullmatch(response.headers.get("content-range", ""))
        if response.status_code == 206 and found is not None and int(found[1]) == state.done:
            total = None if found[3] == "*" else int(found[3])
            if state.total is None or total in (None, state.total):
                state.total = total if state.total is None else state.total
                return
        if response.status_code == 206:
            state.validator, state.ranges = "", False
            raise httpx2.ReadError("another range than the one that was asked for")
        file.seek(0)
        file.truncate()
        state.done = 0
        length = response.headers.get("content-length", "")
        plain = "content-encoding" not in response.headers
        state.total = int(length) if plain and length.isdigit() else None
        tag = response.headers.get("etag", "")
        state.validator = tag if tag and not tag.startswith("W/") else response.headers.get("last-modified", "")
        state.ranges = response.headers.get("accept-ranges", "") == "bytes" and state.total is not None


async def _blocks(response: httpx2.Response) -> AsyncIterator[bytes]:
    """Give the body in blocks big enough to be worth a thread; what arrived before a break is given first."""
    held: list[bytes] = []
    size = 0
    try:
        async for piece in response.aiter_bytes():
            held.append(piece)
            size += len(piece)
            if size >= BLOCK:
                yield b"".join(held)
                held, size = [], 0
    except TRANSPORT_ERRORS:
        if held:
            yield b"".join(held)
        raise
    if held:
        yield b"".join(held)
