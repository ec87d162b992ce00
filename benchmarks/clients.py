"""Many clients at once: how long a page of calls takes beside a running dissection.

`python -m benchmarks.clients CAPTURE... [--servers 2] [--clients 8] [--seconds 30]`

Starts servers over stdio on one workspace, as several assistants do, dissects the captures once, then again while the
clients ask. Every answer is compared with the one that was given while nothing else ran.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PAGES: list[dict[str, Any]] = [
    {"limit": 50},
    {"limit": 50, "kfl": "http && status_code >= 200"},
    {"limit": 20, "kfl": 'http && path.startsWith("/items/0000")'},
    {"limit": 100, "format": "compact", "kfl": "http && elapsed_time > 0"},
]
"""Questions that clients ask in turn: arguments of `list_api_calls`."""


class Server:
    """A server over stdio, and what a client needs of the protocol; requests may overlap."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._numbers = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reading = asyncio.create_task(self._read())

    @classmethod
    @asynccontextmanager
    async def started(cls, arguments: Sequence[str]) -> AsyncIterator[Server]:
        """Start a server with these arguments and greet it; ends it afterwards."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "kubeshark_mcp", *arguments,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 26,
        )  # fmt: skip
        server = cls(process)
        client = {"name": "clients", "version": "1"}
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}
        await server.request("initialize", hello)
        server.notify("notifications/initialized", {})
        try:
            yield server
        finally:
            assert process.stdin is not None
            process.stdin.close()
            await process.wait()
            server._reading.cancel()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            message = json.loads(line)
            waiting = self._waiting.pop(message.get("id"), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(message)

    def send(self, message: dict[str, Any]) -> None:
        """Write one message."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def notify(self, method: str, parameters: dict[str, Any]) -> None:
        """Send a notification."""
        self.send({"method": method, "params": parameters})

    def begin(self, method: str, parameters: dict[str, Any]) -> tuple[int, asyncio.Future[dict[str, Any]]]:
        """Send a request; give its number and what will hold the response."""
        self._numbers += 1
        number = self._numbers
        self._waiting[number] = asyncio.get_running_loop().create_future()
        self.send({"id": number, "method": method, "params": parameters})
        return number, self._waiting[number]

    async def request(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Ask and wait for the response."""
        return await self.begin(method, parameters)[1]

    async def call(self, tool: str, **arguments: Any) -> str:
        """Call a tool and give its text; a failure raises RuntimeError with it."""
        response = await self.request("tools/call", {"name": tool, "arguments": arguments})
        if "error" in response:
            raise RuntimeError(f"{tool}: {response['error']}")
        text = "".join(part.get("text", "") for part in response["result"]["content"])
        if response["result"].get("isError"):
            raise RuntimeError(f"{tool}: {text}")
        return text


@dataclass(slots=True)
class Asked:
    """What the clients met. seconds: of each answer. wrong: answers unlike the quiet one."""

    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Give the time within which a share of the answers came, in milliseconds."""
        return sorted(self.seconds)[min(len(self.seconds) - 1, int(share * len(self.seconds)))] * 1000

    def line(self) -> str:
        """Say it in one line."""
        return (
            f"{len(self.seconds)} answers, median {statistics.median(self.seconds) * 1000:.0f} ms, "
            f"p95 {self.percentile(0.95):.0f} ms, longest {max(self.seconds) * 1000:.0f} ms, {len(self.wrong)} wrong"
        )


async def ask(
    servers: Sequence[Server], clients: int, quiet: Sequence[str], database: str, until: asyncio.Event
) -> Asked:
    """Let clients ask in turn until the event; each on its server, each pausing as a model does that reads."""
    asked = Asked()

    async def client(number: int) -> None:
        turn = number
        while not until.is_set():
            page = turn % len(PAGES)
            began = time.perf_counter()
            text = await servers[number % len(servers)].call("list_api_calls", db=database, **PAGES[page])
            asked.seconds.append(time.perf_counter() - began)
            if text != quiet[page]:
                asked.wrong.append(text)
            turn += 1
            await asyncio.sleep(PAUSE_S)

    await asyncio.gather(*(client(number) for number in range(clients)))
    return asked


PAUSE_S = 0.25
"""Between an answer and the next question of the same client."""


async def snapshot_of(server: Server) -> str:
    """Make a snapshot of everything; give its id."""
    text = await server.call("create_snapshot", name="clients", wait=True)
    found = re.search(r"clients-[0-9a-f]{8}", text)
    assert found is not None, text
    return found[0]


async def dissected(server: Server, snapshot: str, name: str) -> str:
    """Dissect a snapshot to the end; give the name under which its calls are found."""
    text = await server.call("start_snapshot_dissection", snapshot_id=snapshot, name=name, wait=True)
    while "completed" not in text:
        await asyncio.sleep(0.5)
        text = await server.call("get_snapshot_dissection_status", snapshot_id=snapshot, name=name)
    return f"{snapshot}/{name}"


async def measure(captures: Sequence[Path], servers: int, clients: int, seconds: float) -> tuple[Asked, Asked]:
    """Give what clients meet without and with a dissection beside them."""
    async with AsyncExitStack() as stack:
        workspace = stack.enter_context(tempfile.TemporaryDirectory(prefix="kubeshark-clients-"))
        arguments = ["--workspace", workspace, *(part for path in captures for part in ("--pcap", str(path)))]
        running = [await stack.enter_async_context(Server.started(arguments)) for _ in range(servers)]
        snapshot = await snapshot_of(running[0])
        database = await dissected(running[0], snapshot, "first")
        quiet = [await running[0].call("list_api_calls", db=database, **page) for page in PAGES]
        results = []
        for busy in (False, True):
            if busy:
                await running[0].call("start_snapshot_dissection", snapshot_id=snapshot, name="second")
            until = asyncio.Event()
            asyncio.get_running_loop().call_later(seconds, until.set)
            results.append(await ask(running, clients, quiet, database, until))
        state = await running[0].call("get_snapshot_dissection_status", snapshot_id=snapshot, name="second")
        print(f"the dissection beside them, at the end: {' '.join(state.split())[:100]}")
        return results[0], results[1]


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clients", description=__doc__)
    parser.add_argument("captures", nargs="+", type=Path)
    parser.add_argument("--servers", type=int, default=2)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args(arguments)
    captures = [path.resolve() for path in options.captures]
    alone, beside = asyncio.run(measure(captures, options.servers, options.clients, options.seconds))
    print(f"page of calls, {options.servers} servers, {options.clients} clients, alone: {alone.line()}")
    print(f"page of calls, {options.servers} servers, {options.clients} clients, beside a dissection: {beside.line()}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
