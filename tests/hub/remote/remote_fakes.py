"""Hubs that are not there: a route table behind an httpx2 transport, and a socket server that misbehaves as told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import httpx2
import respx

from kubeshark_mcp.hub.remote.access import UrlAccess
from kubeshark_mcp.hub.remote.asking import Asking
from kubeshark_mcp.hub.remote.client import HubClient
from kubeshark_mcp.hub.remote.hub import RemoteHub

URL = "https://hub.test"
TOKEN = "tok-3f9a8b7c6d5e4f3a2b1c"


def text(*names: str) -> dict[str, Any]:
    return {"type": "object", "properties": {name: {"type": "string"} for name in names}}


KUBESHARK = {
    "get_data_boundaries": {},
    "get_l7_data_boundaries": {},
    "get_dissection_status": {},
    "get_snapshot": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
    "list_snapshots": {},
    "get_snapshot_dissection_status": text("snapshot_id", "name"),
    "list_api_calls": {
        "type": "object",
        "properties": {
            "kfl": {"type": "string"},
            "limit": {"type": "integer"},
            "format": {"type": "string", "enum": ["compact", "full", "raw"]},
            "start": {"type": "integer"},
            "end": {"type": "integer"},
            "db": {"type": "string"},
        },
    },
    "get_api_call_details": {"type": "object", "properties": {"id": {"type": "string"}}},
    "get_api_stats": text("kfl"),
    "list_workloads": text("snapshot_id", "name", "namespace"),
    "export_snapshot_pcap": text("id", "bpf_filter"),
    "find_slow_queries": {
        "type": "object",
        "properties": {"above_ms": {"type": "integer"}, "kfl": {"type": "string"}},
        "required": ["above_ms"],
    },
    "purge_everything": {"type": "object", "properties": {}},
}
"""Tools as a Hub of Kubeshark might declare them: without pages, with one that only it has, and one that destroys."""


def discovery(tools: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    listed = [
        {"name": name, "description": f"Do {name}.", "inputSchema": schema}
        for name, schema in (KUBESHARK if tools is None else tools).items()
    ]
    return {"name": "hub", "version": "53.1", "tools": listed, **more}


def adapted(router: respx.MockRouter) -> httpx2.MockTransport:
    """Let a table of respx answer what httpx2 asks."""

    async def handle(request: httpx2.Request) -> httpx2.Response:
        asked = httpx.Request(request.method, str(request.url), headers=request.headers.raw, content=request.content)
        given = await router.async_handler(asked)
        return httpx2.Response(given.status_code, headers=given.headers.raw, content=given.content)

    return httpx2.MockTransport(handle)


class Naps:
    """Stands in for sleeping: remembers how long."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


class Clock:
    """Monotonic seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Routes:
    """A Hub of routes: discovery, and one answer (a value, or a function of the arguments) a tool."""

    def __init__(self, answers: dict[str, Any] | None = None, tools: dict[str, Any] | None = None, **more: Any) -> None:
        self.router = respx.MockRouter(assert_all_called=False)
        self.answers = answers or {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.discovered = self.router.get(f"{URL}/api/mcp").respond(json=discovery(tools, **more))
        self.called = self.router.post(f"{URL}/api/mcp/tools/call").mock(side_effect=self._call)
        self.naps = Naps()
        self.clock = Clock()
        self.client = HubClient(UrlAccess(URL, TOKEN), adapted(self.router), self.naps)
        self.asking = Asking(self.client, self.clock)
        self.hub = RemoteHub(self.client, self.asking)

    def _call(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        self.asked.append((body["name"], body["arguments"]))
        answer = self.answers[body["name"]]
        if callable(answer):
            answer = answer(body["arguments"])
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def arguments(self, tool: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.asked if name == tool]


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]


@asynccontextmanager
async def socket_server(serve: Serve):
    """Serve on a real port of this machine; `serve` gets the head of each request and writes what it likes."""
    heads: list[bytes] = []
    tasks: set[asyncio.Task[Any]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            heads.append(head)
            await serve(reader, writer, head)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}", heads
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answer(status: str, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    """Write an HTTP answer. length: what is declared, where that is not the truth."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", "Connection: close"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body
