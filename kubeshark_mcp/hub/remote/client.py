"""Asking a Hub over HTTP: limits on time and size, retries of reads, redirects that keep the credential at home."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2
import orjson

from kubeshark_mcp import __version__
from kubeshark_mcp.errors import HubError, KubesharkError
from kubeshark_mcp.hub.remote.access import Access
from kubeshark_mcp.hub.remote.failures import (
    TRANSPORT_ERRORS,
    no_json,
    refused,
    shown_url,
    unauthorised,
    unreachable,
)

CALL_SECONDS = 30.0
CHECK_SECONDS = 10.0
CONNECT_SECONDS = 10.0
IDLE_SECONDS = 60.0
"""How long a download may say nothing before it is taken up anew."""
JSON_LIMIT = 32 * 1024 * 1024
ERROR_LIMIT = 64 * 1024
ATTEMPTS = 4
REDIRECTS = 5
BUSY = frozenset({502, 503, 504})
FOLLOWED = frozenset({301, 307, 308})
LOGIN = frozenset({302, 303})
_LONGEST_PAUSE = 5.0

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Given:
    """An answer, whole. url: where it came from after redirects."""

    status: int
    headers: httpx2.Headers
    body: bytes
    url: str

    @property
    def content_type(self) -> str:
        """Give the declared type."""
        return str(self.headers.get("content-type", ""))


class HubClient:
    """Carries requests to one Hub. transport: of tests; sleep: how to wait between attempts."""

    def __init__(
        self,
        access: Access,
        transport: httpx2.AsyncBaseTransport | None = None,
        sleep: Sleep = asyncio.sleep,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        self.access = access
        self._transport = transport
        self._sleep = sleep
        self._call_seconds = call_seconds
        self._client: httpx2.AsyncClient | None = None

    def _open(self) -> httpx2.AsyncClient:
        """Give the connections; they belong to the running event loop, so they are made when first needed."""
        if self._client is None:
            trust = self.access.trust
            self._client = httpx2.AsyncClient(
                verify=trust.context(),
                trust_env=trust.use_proxies,
                transport=self._transport,
                follow_redirects=False,
                timeout=httpx2.Timeout(self._call_seconds, connect=CONNECT_SECONDS),
            )
        return self._client

    async def hang_up(self) -> None:
        """Close connections; the next request opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def close(self) -> None:
        """Close connections and leave."""
        await self.hang_up()
        await self.access.close()

    def scrub(self, text: str) -> str:
        """Take credentials out of a text."""
        for secret in self.access.secrets():
            text = text.replace(secret, "<credential>")
        return text

    async def json(
        self, method: str, path: str, body: Any = None, *, read: bool, what: str, seconds: float | None = None
    ) -> Any:
        """Ask and give the answer's JSON. path: below the base. read: changes nothing, so it may be asked again.

        Raises errors of ours whose text holds no credential; `what` begins those about a refusal.
        """
        allowed = seconds or self._call_seconds
        try:
            async with asyncio.timeout(allowed):
                given = await self._ask(method, path, body, read, what)
        except TimeoutError:
            raise HubError(
                f"{self.access.location} did not answer within {allowed:g} s: it is too slow or not reachable. "
                "Ask for less (a shorter window, a smaller limit), or try again."
            ) from None
        return self._parsed(given)

    def _parsed(self, given: Given) -> Any:
        try:
            return orjson.loads(given.body)
        except orjson.JSONDecodeError:
            if given.content_type.startswith("text/plain") and len(given.body) <= ERROR_LIMIT:
                return given.body.decode("utf-8", "replace").strip()
            raise no_json(given.body, given.content_type, self.access.location) from None

    async def _ask(self, method: str, path: str, body: Any, read: bool, what: str) -> Given:
        renewed = False
        attempt = 0
        while True:
            attempt += 1
            last = attempt >= ATTEMPTS or not read
            try:
                given = await self._once(method, path, body)
            except TRANSPORT_ERRORS as error:
                await self._broken(error, last)
                await self._pause(attempt)
                continue
            if given.status == 401 and not renewed and await self.access.renew():
                renewed, attempt = True, attempt - 1
                continue
            if given.status in BUSY and not last:
                await self._pause(attempt, given.headers.get("retry-after"))
                continue
            await self._raise_refusal(given, what)
            return given

    async def _broken(self, error: Exception, last: bool) -> None:
        """Make the way anew where that is possible; raise when the request is not to be tried again."""
        await self.hang_up()
        again = await self.access.reconnect()
        if last or (isinstance(error, httpx2.ReadTimeout) and not again):
            raise self.explained(error) from None

    def explained(self, error: Exception) -> HubError:
        """Give the sentence for a connection that failed."""
        return HubError(self.scrub(str(unreachable(error, self.access.location))))

    async def _pause(self, attempt: int, wanted: str | None = None) -> None:
        pause = 0.2 * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)
        if wanted is not None and wanted.isdigit():
            pause = max(pause, float(wanted))
        await self._sleep(min(pause, _LONGEST_PAUSE))

    async def _raise_refusal(self, given: Given, what: str) -> None:
        error = await self.refusal(given.status, given.body, given.content_type, what)
        if error is not None:
            raise error

    async def refusal(self, status: int, body: bytes, content_type: str, what: str) -> KubesharkError | None:
        """Give the error that a status means; None for a good one."""
        if status == 401 or status in LOGIN:
            sent = bool(self.access.secrets())
            return unauthorised(self.access.location, sent, self.access.advice(), redirected=status in LOGIN)
        if status >= 300:
            found = refused(status, body, content_type, what)
            return type(found)(self.scrub(str(found)))
        return None

    async def _once(self, method: str, path: str, body: Any) -> Given:
        content = None if body is None else orjson.dumps(body)
        async with self.opened(method, path, content) as response:
            limit = JSON_LIMIT if response.status_code < 400 else ERROR_LIMIT
            data = await self._limited(response, limit, cut=response.status_code >= 300)
            return Given(response.status_code, response.headers, data, str(response.url))

    @asynccontextmanager
    async def opened(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: httpx2.Timeout | None = None,
    ) -> AsyncIterator[httpx2.Response]:
        """Send a request and give the answer, unread; follows 301, 307 and 308, the credential stays on its host."""
        home = await self.access.base()
        url = home + path
        for _ in range(REDIRECTS + 1):
            at_home = same_place(home, url)
            client = self._open()
            request = client.build_request(
                method,
                url,
                content=content,
                headers=await self._headers(content, at_home, headers),
                timeout=timeout or client.timeout,
            )
            response = await client.send(request, stream=True)
            try:
                if response.status_code not in FOLLOWED or "location" not in response.headers:
                    yield response
                    return
                url = self._next(url, response.headers["location"])
            finally:
                await response.aclose()
        raise HubError(f"{self.access.location} redirects in a circle: check --url and the ingress in front of it.")

    def _next(self, url: str, location: str) -> str:
        following = urljoin(url, location)
        if urlsplit(following).scheme not in {"http", "https"}:
            raise HubError(
                f"{self.access.location} redirects to {shown_url(following)!r}, which is no web address: check --url."
            )
        return following

    async def _headers(self, content: bytes | None, at_home: bool, more: Mapping[str, str] | None) -> dict[str, str]:
        headers = {
            "User-Agent": f"kubeshark-mcp/{__version__}",
            "Accept": "application/json",
            "X-Kubeshark-Capture": "ignore",
            **({"Content-Type": "application/json"} if content is not None else {}),
            **(more or {}),
        }
        if at_home:
            headers.update(await self.access.headers())
        return headers

    async def _limited(self, response: httpx2.Response, limit: int, cut: bool = False) -> bytes:
        """Read a body of at most `limit` bytes; one that is longer is cut or refused while it arrives."""
        declared = response.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit and not cut:
            raise self._too_big(int(declared), limit)
        pieces: list[bytes] = []
        size = 0
        async for piece in response.aiter_bytes():
            size += len(piece)
            if size > limit:
                if cut:
                    break
                raise self._too_big(size, limit)
            pieces.append(piece)
        return b"".join(pieces)

    def _too_big(self, size: int, limit: int) -> HubError:
        return HubError(
            f"The answer of {self.access.location} is too big ({size / 1e6:.0f} MB or more, {limit / 1e6:.0f} MB are "
            "read at most): ask for less, with a filter, a shorter window or a smaller limit."
        )


def same_place(home: str, url: str) -> bool:
    """Tell whether a credential for `home` may go to `url`: same host and port, or the same host by https instead."""
    first, second = urlsplit(home), urlsplit(url)
    if first.hostname != second.hostname:
        return False
    ports = tuple(part.port or (443 if part.scheme == "https" else 80) for part in (first, second))
    if first.scheme == second.scheme:
        return ports[0] == ports[1]
    return (first.scheme, second.scheme) == ("http", "https") and ports == (80, 443)
