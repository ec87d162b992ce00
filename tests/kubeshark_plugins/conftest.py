"""Asks tools through the real server; makes the fake Hub importable, for tests are imported without packages."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fake_hub import FakeHub

from kubeshark_mcp.plugin import Clock
from kubeshark_mcp.registry import Selection
from kubeshark_mcp.server import ServerOptions, build_server
from kubeshark_mcp.server.app import FACTS

KEY = b"key"


class Asked:
    """What a call gave: text without its last line (the size), facts without the tokens, whether it is an error."""

    def __init__(self, result: Any, hub: FakeHub) -> None:
        (content,) = result.content
        self.is_error = result.is_error
        self.text = content.text if result.is_error else content.text.rpartition("\n")[0]
        self.facts = {name: value for name, value in (result.meta or {}).get(FACTS, {}).items() if name != "tokens"}
        self.asked = hub.asked


@pytest.fixture
def ask() -> Callable[..., Awaitable[Asked]]:
    """Call a tool through the real server over a fake Hub; times are UTC, all tools are there."""

    async def call(tool: str, hub: FakeHub | None = None, redact: bool = True, **arguments: Any) -> Asked:
        hub = hub or FakeHub()
        options = ServerOptions(selection=Selection(allow_destructive=True), clock=Clock(UTC), key=KEY, redact=redact)
        async with Client(build_server(hub, options)) as client:
            return Asked(await client.call_tool(tool, arguments), hub)

    return call
