"""KFL over a million stored entries, against celpy and Google's CEL row by row: `python -m benchmarks.kfl`.

The entries are written once through the store into a temporary folder and stay there. Ours answers a page of 100 with
the exact total, a next page, and the first one again, with the columns that a list shows; only "again" may give what
was remembered. The others are measured on a sample of the same rows, already read into Python, and extrapolated to all
rows. Prints milliseconds; never fails on a time.
"""

from __future__ import annotations

import argparse
import itertools
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.errors import UnsupportedError
from kubeshark_mcp.hub.queries import EntryBase, Language
from kubeshark_mcp.kfl import Program, canonical, compile_filter
from kubeshark_mcp.kfl.reference import Reference, plain
from kubeshark_mcp.kfl.tree import FieldRef, walk
from kubeshark_mcp.model.common_fields import COMMON_FIELDS
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Connection, Endpoint, Span
from kubeshark_mcp.store.query import Query
from kubeshark_mcp.store.writer import EntryWriter

FILTERS = {
    "server errors": "http && status_code >= 500",
    "gateway errors of writes": 'http && method in ["POST", "PUT"] && status_code in [502, 503, 504]',
    "slow calls": "http && elapsed_time > 250000",
    "one service": 'dst.service.name == "cart" && dst.namespace == "shop"',
    "across namespaces": "http && src.namespace != dst.namespace",
    "a path by its beginning": 'http && path.startsWith("/api/v1/orders")',
    "a path by a pattern": 'path.matches("^/users/[0-9]+7$")',
    "a header": 'request.headers["x-tenant"] == "blue"',
    "missing names": 'dns && dns_rcode == "NXDOMAIN"',
    "a name": '"api.example.com" in dns_questions',
    "refused commands": "redis && failed",
    "statements on a table": 'postgresql && postgresql_query.contains("orders")',
}
START = 1_760_000_000_000_000_000
CHUNK = 20_000
SAMPLE = 300
"""Rows that celpy is measured on; Google's CEL gets four times as many."""
NAMESPACES = ["shop", "data", "edge", "batch", "monitoring"]
SERVICES = ["cart", "orders", "catalog", "payments", "redis", "postgres", "storefront", "rates"]
GOALS = {"page p50": "<= 25 ms", "celpy": ">= 1000x", "parse and check": "<= 2 ms", "import of celpy": "<= 200 ms"}


def folder_of(entries: int) -> Path:
    """Give the folder of the entries; written on first use."""
    folder = Path(tempfile.gettempdir()) / "kubeshark-benchmarks" / f"kfl-{entries}"
    if not folder.exists():
        write(folder, entries)
    return folder


def write(folder: Path, entries: int) -> None:
    """Write entries of five protocols in order of time."""
    source = random.Random(5)
    partial = folder.with_suffix(".partial")
    fields = {protocol.name: protocol.fields for protocol in load_protocols()}
    writer = EntryWriter(partial, fields, COMMON_FIELDS)
    connections = [_connection(number) for number in range(4_000)]
    for first in range(0, entries, CHUNK):
        made = [_entry(source, number, source.choice(connections)) for number in range(first, first + CHUNK)]
        writer.add(made, _place)
    writer.close()
    partial.rename(folder)


def _connection(number: int) -> Connection:
    client = Endpoint(f"10.244.{number % 7}.{number % 200}", 30_000 + number)
    server = Endpoint(f"10.96.0.{number % 8}", [80, 443, 53, 6379, 5432][number % 5])
    return Connection(number, "tcp", client, server, 1, 1)


def _place(where: Connection, time_ns: int = 0) -> Mapping[str, Any]:
    service = SERVICES[where.number % len(SERVICES)]
    client, server = NAMESPACES[where.number % 3], NAMESPACES[where.number % 5]
    return {
        "node_name": f"node-{where.number % 3}",
        "src.pod.name": f"web-{where.number % 20}", "src.name": f"web-{where.number % 20}", "src.namespace": client,
        "src.pod.namespace": client, "dst.service.name": service, "dst.service.namespace": server,
        "dst.name": service, "dst.namespace": server,
    }  # fmt: skip


def _entry(source: random.Random, number: int, where: Connection) -> Entry:
    start = START + number * 1_000_000 + source.randrange(900_000)
    elapsed = int(source.expovariate(1 / 40_000)) * 1_000
    kind = source.choices(list(_MAKERS), (60, 15, 15, 10))[0]
    fields, summary, status, failed = _MAKERS[kind](source)
    request = Span(number, 300, number, number, start, start)
    response = Span(number, 900, number, number, start + elapsed, start + elapsed)
    return Entry(kind, where, request, response, fields, summary, status, failed)


def _http(source: random.Random) -> tuple[dict[str, Any], str, str, bool]:
    path = source.choice(["/api/v1/orders/{}", "/users/{}", "/cart/{}", "/static/{}.js"]).format(source.randrange(9999))
    code = source.choices([200, 201, 302, 404, 500, 503], (800, 90, 50, 50, 6, 4))[0]
    method = source.choices(["GET", "POST", "PUT"], (8, 2, 1))[0]
    headers = {"host": "shop.example", "user-agent": "bench/1", "x-tenant": source.choice(["red", "green", "blue"])}
    fields = {
        "http": True, "method": method, "path": path, "url": path, "status_code": code, "request.headers": headers,
        "response.headers": {"content-type": "application/json"}, "response_body_size": source.randrange(5000),
    }  # fmt: skip
    return fields, f"{method} {path}", str(code), code >= 400


def _dns(source: random.Random) -> tuple[dict[str, Any], str, str, bool]:
    name = source.choice(["api.example.com", "cart.shop.svc.cluster.local", f"n{source.randrange(500)}.example.com"])
    rcode = source.choices(["NOERROR", "NXDOMAIN"], (9, 1))[0]
    fields = {"dns": True, "dns_questions": [name], "dns_question_types": ["A"], "dns_rcode": rcode}
    return fields, f"A {name}", rcode, rcode != "NOERROR"


def _redis(source: random.Random) -> tuple[dict[str, Any], str, str, bool]:
    key, failed = f"cart:{source.randrange(5000)}", source.random() < 0.01
    fields = {"redis": True, "redis_command": "SET", "redis_key": key}
    return fields, f"SET {key}", "OOM" if failed else "OK", failed


def _postgresql(source: random.Random) -> tuple[dict[str, Any], str, str, bool]:
    table = source.choice(["orders", "items", "users", "sessions"])
    query = f"SELECT * FROM {table} WHERE id = {source.randrange(99999)}"  # noqa: S608 it is stored, never run
    fields = {"postgresql": True, "postgresql_command": "SELECT", "postgresql_query": query}
    return fields, query, "OK", False


_MAKERS = {"http": _http, "dns": _dns, "redis": _redis, "postgresql": _postgresql}


def milliseconds(work: Callable[[], Any], rounds: int, clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """Run something again and again; the times in order."""
    found = []
    for _ in range(rounds):
        started = clock()
        work()
        found.append((clock() - started) * 1000)
    return sorted(found)


COLUMNS = (
    "timestamp", "protocol", "src.name", "src.namespace", "src.ip", "dst.name", "dst.namespace", "dst.ip", "dst.port",
    "summary", "status", "elapsed_time", "failed", "node_name",
)  # fmt: skip
"""What a list of calls shows."""


@dataclass(frozen=True, slots=True)
class Pages:
    """Milliseconds that pages take, sorted. first: on the wall clock, and of CPU; following: none without a cursor."""

    first: list[float]
    cpu: list[float]
    following: list[float]
    again: list[float]


def pages(base: EntryBase, forgetful: EntryBase, text: str, rounds: int) -> Pages:
    """Time first pages, next pages and the first page again. forgetful: the same entries, nothing is remembered."""
    first = lambda: forgetful.page(text, Query(), 100, None, COLUMNS)  # noqa: E731
    first()
    again = lambda: base.page(text, Query(), 100, None, COLUMNS)  # noqa: E731
    cursor = again().page.cursor
    # A column that there is not changes nothing but what the page would be remembered by.
    other = (f"none {number}" for number in itertools.count())
    after = lambda: base.page(text, Query(), 100, cursor, (*COLUMNS, next(other)))  # noqa: E731
    return Pages(
        milliseconds(first, rounds),
        milliseconds(first, rounds, time.process_time),
        milliseconds(after, rounds) if cursor else [],
        milliseconds(again, rounds),
    )


def celpy_row(program: Program, rows: list[dict[str, Any]]) -> float | None:
    """Give milliseconds a row with celpy; None where it cannot say the filter."""
    try:
        reference = Reference(program.tree, 0)
    except UnsupportedError:
        return None
    return statistics.median(milliseconds(lambda: [reference.selects(row) for row in rows[:SAMPLE]], 3)) / SAMPLE


def google_row(program: Program, rows: list[dict[str, Any]]) -> float | None:
    """Give milliseconds a row with cel-expr-python; None where that is not installed."""
    try:
        from cel_expr_python import cel
    except ImportError:
        return None
    fields = {node.field.name: node.field for node in walk(program.tree) if isinstance(node, FieldRef)}
    names = {name: f"f{number}" for number, name in enumerate(fields)}
    text = cel.Type.STRING
    kinds = {
        "string": text, "int": cel.Type.INT, "bool": cel.Type.BOOL, "[]string": cel.Type.List(text),
        "map[string]string": cel.Type.Map(text, text),
    }  # fmt: skip
    look_up = cel.Overload("look_up", text, [kinds["map[string]string"], text], impl=lambda m, key: m.get(key, ""))
    environment = cel.NewEnv(
        variables={names[name]: kinds[field.type.value] for name, field in fields.items()},
        functions=[cel.FunctionDecl("map_get", [look_up])],
    )
    expression = environment.compile(canonical.write(plain(program.tree, 0), lambda found: names[found.field.name]))
    given = [
        {
            names[name]: (list(field.missing_value) if field.type.value == "[]string" else field.missing_value)
            if row.get(name) is None
            else row[name]
            for name, field in fields.items()
        }
        for row in rows
    ]
    return statistics.median(milliseconds(lambda: [expression.eval(data=row) for row in given], 3)) / len(given)


def first_use() -> tuple[float, float]:
    """Give milliseconds of CPU that a fresh process pays for celpy: its import, and the first filter in it."""
    script = (
        "import time\n"
        "from kubeshark_mcp.kfl import Catalogue, compile_filter\n"
        "from kubeshark_mcp.kfl.reference import Reference\n"
        "from kubeshark_mcp.model.common_fields import COMMON_FIELDS\n"
        "tree = compile_filter('dst.port == 80', Catalogue(COMMON_FIELDS), now_ns=0).tree\n"
        "started = time.process_time()\n"
        "import celpy\n"
        "imported = time.process_time()\n"
        "Reference(tree, 0)\n"
        "print((imported - started) * 1000, (time.process_time() - imported) * 1000)\n"
    )
    runs = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True) for _ in range(5)
    ]
    imports, filters = zip(*(map(float, run.stdout.split()) for run in runs), strict=True)
    return statistics.median(imports), statistics.median(filters)


def lines(entries: int, rounds: int) -> Iterator[str]:
    """Measure, and give the table line by line."""
    language = Language(load_protocols())
    base, forgetful = (EntryBase(folder_of(entries), language, remember=kept) for kept in (True, False))
    catalogue, total = base.language.catalogue, base.source.count(Query())
    rows = list(base.rows(None, 4 * SAMPLE))
    yield f"{total:,} entries; page of 100 with exact total, {rounds} rounds; the others extrapolated from a row\n"
    yield "| filter | matches | p50 ms | p95 ms | CPU ms | next | again | celpy s | ratio | cel-expr-python s | ratio |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    halves: dict[str, list[float]] = {"first": [], "cpu": [], "following": [], "again": []}
    for name, text in FILTERS.items():
        program = compile_filter(text, catalogue, now_ns=0)
        found = pages(base, forgetful, text, rounds)
        for kind, medians in halves.items():
            medians.extend(statistics.median(times) for times in [getattr(found, kind)] if times)
        middle = statistics.median(found.first)
        others = []
        for one in (celpy_row(program, rows), google_row(program, rows)):
            others += ["-", "-"] if one is None else [f"{one * total / 1000:.0f}", f"{one * total / middle:,.0f}x"]
        matches = base.page(text, Query(), 1, None).page.total
        yield f"| {name} | {matches:,} | {_cells(found)} | {' | '.join(others)} |"
    yield "\nmedian of the filters (the worst of them), ms: " + ", ".join(
        f"{said} {statistics.median(medians):.1f} ({max(medians):.1f})"
        for said, medians in zip(("page of 100", "its CPU", "next page", "page again"), halves.values(), strict=True)
        if medians
    )
    checked = [milliseconds(lambda t=text: compile_filter(t, catalogue, now_ns=0), 50)[25] for text in FILTERS.values()]
    yield f"parse and check: {statistics.median(checked):.2f} ms, worst {max(checked):.2f} ms"
    imported, filtered = first_use()
    yield f"first use of celpy: its import {imported:.0f} ms, its grammar and the first filter {filtered:.0f} ms"
    yield "goals: " + ", ".join(f"{name} {goal}" for name, goal in GOALS.items())
    forgetful.close()
    base.close()


def _cells(found: Pages) -> str:
    """Give the cells of one filter: p50, p95, and the medians of CPU, next page and again."""
    high = found.first[int(len(found.first) * 0.95)]
    following = f"{statistics.median(found.following):.1f}" if found.following else "-"
    rest = f"{statistics.median(found.cpu):.1f} | {following} | {statistics.median(found.again):.1f}"
    return f"{statistics.median(found.first):.1f} | {high:.1f} | {rest}"


def main(arguments: list[str]) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kfl", description="KFL over many stored entries.")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args(arguments)
    for line in lines(options.entries, options.rounds):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
