from __future__ import annotations

import asyncio
import json
import math
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx2
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from benchmarks import served_hub


@asynccontextmanager
async def served(answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]):
    """Answer connections on loopback; a client that leaves ends its own."""

    async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            await answer(reader, writer)
        writer.close()

    server = await asyncio.start_server(quietly, "127.0.0.1", 0)
    async with server:
        yield httpx2.URL(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")


async def test_a_refusal_is_told():
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone")

    async with served(refuse) as url:
        asker = served_hub.Asker(url)
        with pytest.raises(RuntimeError, match="gone"):
            await asker.ask("list_api_calls", db="s/d")
        await asker.close()


@pytest.mark.parametrize("fresh", [False, True])
async def test_clients_ask_what_was_asked_before_or_what_nobody_asked(fresh: bool):
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(int(head.rpartition(b": ")[2]))
            asked.append(json.loads(body)["arguments"]["kfl"])
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async with served(answer) as url:
        taken = await served_hub.load(url, "s/d", 3, 0.2, fresh)
    assert len(taken) == len(asked) > len(served_hub.FILTERS)
    assert len(set(asked)) == (len(asked) if fresh else len(served_hub.FILTERS))
    assert all(text.startswith(served_hub.FILTERS) for text in asked)


def test_a_line_tells_who_asked_what_beside_what():
    taken = [0.010] * 90 + [0.200] * 10
    assert served_hub.line(32, True, False, taken, 5.0, 0.0042) == (
        "| 32 | beside a dissection | asked before | 20 | 10 | 200 | 4.2 |"
    )
    assert served_hub.line(1, False, True, taken, 5.0, 1.0).startswith("| 1 | alone | new |")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc here")
def test_the_cpu_time_of_a_process_grows_and_of_none_is_unknown():
    before = served_hub.cpu_seconds(os.getpid())
    while (now := served_hub.cpu_seconds(os.getpid())) == before:
        sum(range(100_000))
    assert now > before > 0
    assert math.isnan(served_hub.cpu_seconds(2**22 + 1))
