"""A diagnosis of a million stored entries of sixty workloads: `python -m benchmarks.diagnose`.

The entries are written once through the store into a temporary folder and stay there: a call graph of sixty workloads
on three nodes, HTTP, SQL, Redis and DNS, with a cache that begins to refuse in the second half. The diagnosis runs in a
process of its own, so that its peak memory is its own. Prints seconds and megabytes; never fails on a time.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from kubeshark_mcp.analyse.detector import Detector, load_detectors
from kubeshark_mcp.analyse.diagnosis import diagnose
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.findings import Finding
from kubeshark_mcp.analyse.graph import service_graph
from kubeshark_mcp.analyse.nesting import nesting
from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.hub.analysis import as_answer
from kubeshark_mcp.hub.facts import StoredFacts
from kubeshark_mcp.hub.queries import EntryBase, Language
from kubeshark_mcp.model.common_fields import COMMON_FIELDS
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Connection, Endpoint, Span
from kubeshark_mcp.present.diagnosis import diagnosis_text
from kubeshark_mcp.present.tokens import rough_tokens
from kubeshark_mcp.store.writer import EntryWriter

START = 1_760_000_000_000_000_000
CHUNK = 20_000
WORKLOADS = 60
CALLS_A_REQUEST = 5
FEW = 10_000
GOALS = "<= 3 s, < 300 MB, <= 1,200 tokens"


def folder_of(entries: int) -> Path:
    """Give the folder of the entries; written on first use."""
    folder = Path(tempfile.gettempdir()) / "kubeshark-benchmarks" / f"diagnose-{entries}"
    if not folder.exists():
        write(folder, entries)
    return folder


def write(folder: Path, entries: int) -> None:
    """Write requests that go from a front workload to a middle one, and on to a database, a cache and the resolver."""
    source = random.Random(9)
    partial = folder.with_suffix(".partial")
    fields = {protocol.name: protocol.fields for protocol in load_protocols()}
    writer = EntryWriter(partial, fields, COMMON_FIELDS)
    links = {(client, server): _link(client, server) for client, server in _pairs()}
    requests = entries // CALLS_A_REQUEST
    for first in range(0, requests, CHUNK // CALLS_A_REQUEST):
        made = [
            entry
            for number in range(first, min(first + CHUNK // CALLS_A_REQUEST, requests))
            for entry in _request(source, number, requests, links)
        ]
        writer.add(sorted(made, key=lambda entry: entry.start_ns), _place)
    writer.close()
    partial.rename(folder)


def _pairs() -> Iterator[tuple[int, int]]:
    """Workloads 0-19 are in front, 20-39 behind them, 40-49 databases, 50-58 caches, 59 the resolver."""
    for front in range(20):
        for step in (0, 1, 2):
            yield front, 20 + (front + step) % 20
    for middle in range(20, 40):
        yield from ((middle, 40 + middle % 10), (middle, 50 + middle % 9), (middle, 59))


def _link(client: int, server: int) -> Connection:
    port = 80 if server < 40 else 5432 if server < 50 else 6379 if server < 59 else 53
    ends = Endpoint(f"10.244.{client % 3}.{client + 10}", 30_000 + client), Endpoint(f"10.244.9.{server}", port)
    return Connection(client * 100 + server, "tcp" if port != 53 else "udp", *ends, 1, 1)


def _place(where: Connection, time_ns: int = 0) -> Mapping[str, Any]:
    client, server = divmod(where.number, 100)
    return {
        "node_name": f"node-{client % 3}",
        "src.pod.name": f"w{client}-7d9f8b6c5d-abcde", "src.name": f"w{client}", "src.namespace": f"ns{client % 4}",
        "src.pod.namespace": f"ns{client % 4}", "src.service.name": f"w{client}",
        "src.service.namespace": f"ns{client % 4}", "dst.service.name": f"w{server}",
        "dst.service.namespace": f"ns{server % 4}", "dst.name": f"w{server}", "dst.namespace": f"ns{server % 4}",
        "dst.pod.name": f"w{server}-7d9f8b6c5d-{server:05}", "dst.pod.namespace": f"ns{server % 4}",
    }  # fmt: skip


def _request(
    source: random.Random, number: int, requests: int, links: Mapping[tuple[int, int], Connection]
) -> Iterator[Entry]:
    front = source.randrange(20)
    middle = 20 + (front + source.randrange(3)) % 20
    start = START + number * 600_000 + source.randrange(500_000)
    refused = middle % 9 == 0 and number > requests // 2 and source.random() < 0.6
    times = [int(source.expovariate(1 / mean)) + 20_000 for mean in (900_000, 150_000, 80_000)]
    inner = start + 200_000
    whole = sum(times) + 900_000
    path, status = f"/api/orders/{source.randrange(9999)}", 503 if refused else 200
    http = {"http": True, "method": "GET", "path": path, "url": path, "status_code": status, "request.headers": {}}
    cache = links[middle, 50 + middle % 9]
    yield _entry("http", links[front, middle], start, whole, http, f"GET {path}", str(status), refused)
    yield _entry("dns", links[middle, 59], inner, times[2], {
        "dns": True, "dns_questions": ["db.data.svc.cluster.local"], "dns_question_types": ["A"],
        "dns_rcode": "NOERROR",
    }, "A db.data.svc.cluster.local", "NOERROR", False)  # fmt: skip
    for step in range(2):
        at = inner + times[2] + step * times[1]
        key = f"order:{source.randrange(5000)}"
        fields = {"redis": True, "redis_command": "SET", "redis_key": key, "redis_error": "OOM" if refused else ""}
        yield _entry("redis", cache, at, times[1], fields, f"SET {key}", "OOM" if refused else "OK", refused)
    query = f"SELECT id FROM orders WHERE id = {source.randrange(99999)}"  # noqa: S608 it is stored, never run
    fields = {"postgresql": True, "postgresql_command": "SELECT", "postgresql_query": query}
    yield _entry("postgresql", links[middle, 40 + middle % 10], inner + times[2] + 2 * times[1], times[0], fields,
                 query, "OK", False)  # fmt: skip


def _entry(
    kind: str, where: Connection, at: int, took: int, fields: dict[str, Any], summary: str, status: str, bad: bool
) -> Entry:
    first, last = Span(1, 300, 1, 1, at, at), Span(2, 900, 2, 2, at + took, at + took)
    return Entry(kind, where, first, last, fields, summary, status, bad)


def measure(entries: int) -> dict[str, Any]:
    """Diagnose in this process, cold, and tell on a second set of facts what takes how long on the processor."""
    base = EntryBase(folder_of(entries), Language(load_protocols()))
    detectors = load_detectors()
    started, busy = time.perf_counter(), time.process_time()
    fresh = StoredFacts(base)
    found = diagnose(fresh, detectors)
    seconds, cpu = time.perf_counter() - started, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    facts = StoredFacts(base)
    steps: dict[str, float] = {}
    for name, work in {
        "read calls": lambda: facts.calls, "read connections": lambda: facts.connections,
        "service graph": lambda: facts.derived(service_graph), "nesting": lambda: facts.derived(nesting),
    }.items():  # fmt: skip
        steps[name] = _took(work)
    for detector in detectors:
        if not detector.protocols or detector.protocols & facts.protocols:
            steps[detector.name] = _took(partial(_ask, detector, facts))
    answer = as_answer(found, "s/d", fresh, None, None)
    text = diagnosis_text(answer.model_dump(), str)
    return {
        "seconds": seconds, "cpu": cpu, "steps": steps, "tokens": rough_tokens(text), "peak_mb": peak,
        "calls": len(fresh.calls), "first": str(found.ranked[0].finding.mechanism) if found.ranked else "nothing",
    }  # fmt: skip


def _ask(detector: Detector, facts: Facts) -> list[Finding]:
    return list(detector.detect(facts))


def _took(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def lines(entries: int) -> Iterator[str]:
    """Measure in processes of their own, and give the table line by line; the same few show how the answer grows."""
    yield f"{WORKLOADS} workloads; goals: {GOALS}, not longer than for few entries\n"
    yield "| calls | finds | wall s | CPU s | peak MB | tokens |"
    yield "| --- | --- | --- | --- | --- | --- |"
    found: dict[str, Any] = {}
    for number in dict.fromkeys((min(FEW, entries), entries)):
        folder_of(number)
        command = [sys.executable, "-m", "benchmarks.diagnose", "--entries", str(number), "--inside"]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        cells = (f"{found['calls']:,}", found["first"], f"{found['seconds']:.2f}", f"{found['cpu']:.2f}")
        yield "| " + " | ".join((*cells, f"{found['peak_mb']:.0f}", f"{found['tokens']:,}")) + " |"
    slowest = sorted(found["steps"].items(), key=lambda step: -step[1])[:12]
    yield "\nslowest steps, CPU: " + ", ".join(f"{name} {took:.2f} s" for name, took in slowest)


def main(arguments: list[str]) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.diagnose", description="Diagnose many entries.")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.inside:
        print(json.dumps(measure(options.entries)))
        return 0
    for line in lines(options.entries):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
