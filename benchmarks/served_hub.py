"""A served Hub under load: `python -m benchmarks.served_hub [--clients 32] [--seconds 10] [--capture FILE]`.

Each client asks for a page of calls again and again, first alone, then beside a running dissection; once with questions
that were asked before, which the Hub may remember, and once with questions that nobody asked yet. Prints how long an
answer takes, p50 and p95 of all; never fails on a time. Two users are two who ask; 32 who never pause are far more.
The clients share the machine with the server, so they do little: they write a request, and read the answer to its end.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import math
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2

INCIDENT = Path(__file__).resolve().parents[1] / "examples" / "incident"
FILTERS = ("http", "redis", "http && status_code >= 500", "dns", "elapsed_time > 1000")
PAGE = 100
GOAL = "p95 <= 150 ms with 32 clients beside a dissection"


async def call(client: httpx2.AsyncClient, name: str, /, **arguments: Any) -> Any:
    """Call a tool of the Hub."""
    answer = await client.post("/api/mcp/tools/call", json={"name": name, "arguments": arguments})
    answer.raise_for_status()
    return answer.json()


async def ended(client: httpx2.AsyncClient, name: str, /, **arguments: Any) -> None:
    """Wait until a job has ended."""
    while (await call(client, name, **arguments))["status"] not in {"completed", "failed", "cancelled"}:
        await asyncio.sleep(0.1)


class Asker:
    """One client with a connection of its own (HTTP/1.1, kept alive)."""

    def __init__(self, url: httpx2.URL) -> None:
        self._host, self._port = url.host, url.port or 80
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, name: str, /, **arguments: Any) -> bytes:
        """Call a tool; gives the body of the answer, unread. Raises RuntimeError for a failure."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port, limit=1 << 24)
        reader, writer = self._streams
        body = json.dumps({"name": name, "arguments": arguments}).encode()
        head = f"POST /api/mcp/tools/call HTTP/1.1\r\nhost: {self._host}\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].partition("\r")[0])
        answer = await reader.readexactly(length)
        if head.split(maxsplit=2)[1] != "200":
            raise RuntimeError(answer.decode())
        return answer

    async def close(self) -> None:
        """Leave."""
        if self._streams is not None:
            self._streams[1].close()
            await self._streams[1].wait_closed()


async def load(url: httpx2.URL, database: str, clients: int, seconds: float, fresh: bool) -> list[float]:
    """Let clients ask without a pause; gives the seconds that each answer took. fresh: no question is asked twice."""
    taken: list[float] = []
    numbers = itertools.count(time.time_ns())
    deadline = time.perf_counter() + seconds

    async def one(number: int) -> None:
        asker = Asker(url)
        while (started := time.perf_counter()) < deadline:
            kfl = FILTERS[(number + len(taken)) % len(FILTERS)]
            if fresh:
                kfl = f"{kfl} && elapsed_time != {next(numbers)}"
            await asker.ask("list_api_calls", db=database, kfl=kfl, limit=PAGE)
            taken.append(time.perf_counter() - started)
        await asker.close()

    await asyncio.gather(*(one(number) for number in range(clients)))
    return taken


def cpu_seconds(process: int) -> float:
    """Give the CPU time that a process has used; nothing is known where there is no /proc (Linux, proc(5))."""
    try:
        parts = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return math.nan
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


async def measure(url: str, clients: Sequence[int], seconds: float, server: int) -> None:
    """Prepare the data and print a line for each setting. server: its process."""
    async with httpx2.AsyncClient(base_url=url, timeout=120) as client:
        snapshot = (await call(client, "create_snapshot", name="load"))["id"]
        await ended(client, "get_snapshot", id=snapshot)
        await call(client, "start_snapshot_dissection", snapshot_id=snapshot, name="first")
        await ended(client, "get_snapshot_dissection_status", snapshot_id=snapshot, name="first")
        for beside, fresh, count in itertools.product((False, True), (False, True), clients):
            job = asyncio.create_task(dissect(client, snapshot)) if beside else None
            before = cpu_seconds(server)
            taken = await load(httpx2.URL(url), f"{snapshot}/first", count, seconds, fresh)
            cpu = (cpu_seconds(server) - before) / len(taken)
            if job is not None:
                job.cancel()
                await asyncio.gather(job, return_exceptions=True)
            print(line(count, beside, fresh, taken, seconds, cpu), flush=True)


async def dissect(client: httpx2.AsyncClient, snapshot: str) -> None:
    """Keep a dissection running, one after the other."""
    for number in range(1000):
        name = f"beside-{time.time_ns()}-{number}"
        await call(client, "start_snapshot_dissection", snapshot_id=snapshot, name=name)
        await ended(client, "get_snapshot_dissection_status", snapshot_id=snapshot, name=name)


def line(clients: int, beside: bool, fresh: bool, taken: Sequence[float], seconds: float, cpu: float) -> str:
    """Give one line of the table. cpu: seconds of the server for a page."""
    cuts = statistics.quantiles(taken, n=20)
    where = "beside a dissection" if beside else "alone"
    asked = "new" if fresh else "asked before"
    rate, half, high = len(taken) / seconds, cuts[9] * 1000, cuts[18] * 1000
    return f"| {clients} | {where} | {asked} | {rate:.0f} | {half:.0f} | {high:.0f} | {cpu * 1000:.1f} |"


def main(arguments: Sequence[str]) -> int:
    """Serve a Hub in a process of its own and ask it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.served_hub", description="A served Hub under load.")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 2, 32], help="how many ask at once")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each line")
    parser.add_argument("--capture", type=Path, nargs="+", default=sorted(INCIDENT.glob("node-?.pcap")))
    options = parser.parse_args(arguments)
    workspace = Path(tempfile.mkdtemp(prefix="kubeshark-bench-"))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "kubeshark_mcp",
        "hub",
        "serve",
        "--port",
        str(port),
        "--workspace",
        str(workspace),
    ]
    command += ["--drain-seconds", "0", *(part for path in options.capture for part in ("--pcap", str(path)))]
    process = subprocess.Popen(command)
    try:
        url = f"http://127.0.0.1:{port}"
        while True:
            try:
                httpx2.get(f"{url}/healthz")
                break
            except httpx2.ConnectError:
                if process.poll() is not None:
                    return 1
                time.sleep(0.05)
        print("| clients | setting | questions | pages/s | p50 ms | p95 ms | server CPU ms a page |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        asyncio.run(measure(url, options.clients, options.seconds, process.pid))
        print(f"goal: {GOAL}")
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(workspace, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
