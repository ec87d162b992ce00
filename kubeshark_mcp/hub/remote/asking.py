"""Putting a tool of ours to a Hub: by what it says it has, under its names, with its answer as plain JSON."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from kubeshark_mcp.errors import HubError, NotFoundError, UnsupportedError
from kubeshark_mcp.hub.remote import bindings as b
from kubeshark_mcp.hub.remote.client import CHECK_SECONDS, HubClient
from kubeshark_mcp.hub.remote.discovery import KEPT_SECONDS, Discovery, ToolSchema, read_discovery
from kubeshark_mcp.hub.remote.failures import plain_message
from kubeshark_mcp.hub.remote.reading import record, records, text, unwrapped

DISCOVERY_PATH = "/api/mcp"
CALL_PATH = "/api/mcp/tools/call"
_SHOWN_TOOLS = 40


class Asking:
    """Knows one Hub's tools, and calls them. clock: monotonic seconds."""

    def __init__(self, client: HubClient, clock: Callable[[], float] = time.monotonic) -> None:
        self.client = client
        self._clock = clock
        self._found: Discovery | None = None
        self._until = 0.0
        self._lock = asyncio.Lock()

    @property
    def known(self) -> Discovery | None:
        """Give what the Hub said last, however long ago."""
        return self._found

    def forget(self) -> None:
        """Ask the Hub anew the next time: it was started, stopped or changed."""
        self._until = 0.0

    async def discovery(self, seconds: float | None = None) -> Discovery:
        """Give what the Hub says it has, at most five minutes old."""
        async with self._lock:
            if self._found is None or self._clock() >= self._until:
                answer = await self.client.json(
                    "GET", DISCOVERY_PATH, read=True, what="Asking the Hub what it has", seconds=seconds
                )
                self._found = read_discovery(answer, self.client.access.location)
                self._until = self._clock() + KEPT_SECONDS
            return self._found

    async def check(self) -> Discovery:
        """Make sure that there is a Hub; raises HubError with a sentence when there is none within ten seconds."""
        self.forget()
        try:
            return await self.discovery(CHECK_SECONDS)
        except NotFoundError as error:
            raise HubError(
                f"{self.client.access.location} is a web server, but no Kubeshark Hub with the MCP interface ({error}) "
                "Check --url: it is the address of Kubeshark's front end, without a path."
            ) from None

    async def has(self, tool: str) -> ToolSchema | None:
        """Give the Hub's form of a tool of ours; None when it has none, or one that ours does not fit."""
        found = b.found_under(tool, (await self.discovery()).tools)
        return None if found is None or b.misfit(tool, found) else found

    async def ask(self, tool: str, **given: Any) -> Any:
        """Put a tool of ours to the Hub and give the JSON of its answer."""
        discovery = await self.discovery()
        declared = b.found_under(tool, discovery.tools)
        if declared is None:
            raise self._lacking(tool, discovery)
        if why := b.misfit(tool, declared):
            raise UnsupportedError(f"This Hub's {declared.name} works in another way ({why}); call it by its own form.")
        return await self.call(declared.name, b.bound(tool, declared, given), read=b.FORMS[tool].read)

    def _lacking(self, tool: str, discovery: Discovery) -> UnsupportedError:
        names = ", ".join(sorted(discovery.tools)[:_SHOWN_TOOLS]) or "none"
        return UnsupportedError(
            f"This Hub ({discovery.name} {discovery.version}) has no {tool}: its version may be too old. "
            f"It has: {names}."
        )

    async def call(self, name: str, arguments: Mapping[str, Any], read: bool) -> Any:
        """Call a tool by the Hub's own name."""
        body = {"name": name, "arguments": dict(arguments)}
        try:
            answer = await self.client.json("POST", CALL_PATH, body, read=read, what=f"The Hub's {name}")
        except NotFoundError as error:
            raise await self._vanished(name, error) from None
        return self._checked(name, answer)

    async def _vanished(self, name: str, error: NotFoundError) -> NotFoundError | UnsupportedError:
        """Tell a tool that is gone from a thing that does not exist: only the Hub itself knows."""
        self.forget()
        try:
            tools = (await self.discovery()).tools
        except HubError:
            return error
        if name in tools:
            return error
        return UnsupportedError(
            f"The Hub no longer has the tool {name}: it was replaced or set up anew. It has: "
            f"{', '.join(sorted(tools)[:_SHOWN_TOOLS]) or 'none'}."
        )

    def _checked(self, name: str, answer: Any) -> Any:
        """Give the result out of its envelopes; a failure told with HTTP 200 is one all the same."""
        answer, failed = _from_content(unwrapped(answer))
        outer = record(answer)
        error = outer.get("error")
        if failed or (error and (outer.get("success") is False or len(outer) == 1)):
            raise HubError(self.client.scrub(f"The Hub's {name} failed: {plain_message(error or answer)}"))
        return answer


def _from_content(answer: Any) -> tuple[Any, bool]:
    """Open MCP's own form of a result, which a Hub may pass on; tells as well whether it is an error."""
    outer = record(answer)
    if not isinstance(outer.get("content"), list) or not outer.keys() <= {
        "content",
        "isError",
        "structuredContent",
        "_meta",
    }:
        return answer, False
    failed = outer.get("isError") is True
    if isinstance(outer.get("structuredContent"), dict):
        return outer["structuredContent"], failed
    said = "\n".join(text(part.get("text")) for part in records(outer["content"]))
    try:
        return orjson.loads(said), failed
    except orjson.JSONDecodeError:
        return said, failed
