"""A Hub behind real HTTP on loopback, and one asked without a socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import uvicorn

from kubeshark_mcp.hub.api import ApiSettings, build_app
from kubeshark_mcp.hub.interface import Hub


@contextmanager
def served(hub: Hub, settings: ApiSettings | None = None) -> Iterator[str]:
    """Serve a Hub from a thread while the block runs; gives its base URL. The Hub stays open."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(build_app(hub, settings), log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        # The socket listens already: a request waits in its backlog until the server has come up.
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listening.close()
        assert not thread.is_alive()


def asking(hub: Hub, settings: ApiSettings | None = None, **options: Any) -> httpx2.AsyncClient:
    """Give a client of a Hub's application, with no socket between."""
    transport = httpx2.ASGITransport(app=build_app(hub, settings), **options)
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8898")


async def call(client: httpx2.AsyncClient, name: str, /, **arguments: Any) -> Any:
    """Call a tool as upstream's client does; gives its result."""
    answer = await client.post("/api/mcp/tools/call", json={"name": name, "arguments": arguments})
    assert answer.status_code == 200, answer.text
    return answer.json()
