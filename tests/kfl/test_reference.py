"""One meaning, four engines: generated filters select the same rows in SQL, in Python, in celpy and in Google's CEL."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import celpy  # noqa: F401 it raises the recursion limit when imported, which hypothesis must not see happen
import duckdb
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeshark_mcp.errors import UnsupportedError
from kubeshark_mcp.kfl import Catalogue, Program, canonical, compile_filter
from kubeshark_mcp.kfl.program import predicate
from kubeshark_mcp.kfl.reference import Reference, plain
from kubeshark_mcp.kfl.tree import Call, walk
from kubeshark_mcp.model.field import Field, FieldType

NOW_NS = 1_700_000_000_000_000_000
INT_MAX, INT_MIN = 2**63 - 1, -(2**63)
FIELDS: dict[str, FieldType] = {
    "http": FieldType.BOOL,
    "tcp": FieldType.BOOL,
    "status_code": FieldType.INT,
    "elapsed_time": FieldType.INT,
    "grpc_status": FieldType.INT,
    "loss_ratio": FieldType.DOUBLE,
    "path": FieldType.STRING,
    "src.pod.name": FieldType.STRING,
    "tcp_payload": FieldType.BYTES,
    "timestamp": FieldType.TIMESTAMP,
    "dns_questions": FieldType.STRING_LIST,
    "request.headers": FieldType.STRING_MAP,
}
CATALOGUE = Catalogue(
    Field(name, kind, name, name, default=-1 if name == "grpc_status" else None) for name, kind in FIELDS.items()
)
COLUMNS = {
    FieldType.STRING: pyarrow.string(),
    FieldType.INT: pyarrow.int64(),
    FieldType.DOUBLE: pyarrow.float64(),
    FieldType.BOOL: pyarrow.bool_(),
    FieldType.BYTES: pyarrow.binary(),
    FieldType.TIMESTAMP: pyarrow.int64(),
    FieldType.STRING_LIST: pyarrow.list_(pyarrow.string()),
    FieldType.STRING_MAP: pyarrow.map_(pyarrow.string(), pyarrow.string()),
}
TEXTS = ["", "a", "/", "/api/v1", "/API", "ab", "ünïcode🦈", "a\nb", "x.com", "api.x.com", "nul\0in", "e\u0301"]
INTS = [0, 1, -1, 2, 5, 200, 404, 500, 1000, INT_MAX, INT_MIN, INT_MAX - 1]
DOUBLES = [0.0, -0.0, 0.5, 1.5, -2.25, 1e300, math.inf, -math.inf, math.nan, 500.0]
BYTES = [b"", b"a", b"\x00\xff", b"abc"]
TIMES = [0, NOW_NS, NOW_NS - 300_000_000_000, NOW_NS + 1_000, 1_234_567_890_000_000_000, 86_399_999_999_000]
KEYS = ["a", "Host", "", "ü"]
PATTERNS = ["^/api", "a+$", ".", "(?i)API", "^$", "[[:alpha:]]", "\\\\d", "a.b", "ü", "(a|b)*x"]


def row(source: random.Random) -> dict[str, Any]:
    """An entry; three in ten columns are NULL."""
    make: dict[FieldType, Callable[[], Any]] = {
        FieldType.STRING: lambda: source.choice(TEXTS),
        FieldType.INT: lambda: source.choice(INTS),
        FieldType.DOUBLE: lambda: source.choice(DOUBLES),
        FieldType.BOOL: lambda: source.random() < 0.5,
        FieldType.BYTES: lambda: source.choice(BYTES),
        FieldType.TIMESTAMP: lambda: source.choice(TIMES),
        FieldType.STRING_LIST: lambda: source.sample(TEXTS, source.randrange(4)),
        FieldType.STRING_MAP: lambda: {key: source.choice(TEXTS) for key in source.sample(KEYS, source.randrange(3))},
    }
    return {name: None if source.random() < 0.3 else make[kind]() for name, kind in FIELDS.items()}


@dataclass
class Data:
    rows: list[dict[str, Any]]
    connection: duckdb.DuckDBPyConnection

    def in_sql(self, program: Program) -> set[int]:
        query = f"SELECT id FROM entries WHERE {program.sql.sql}"
        found = {number for (number,) in self.connection.execute(query, program.sql.parameters).fetchall()}
        return {number for number in found if program.residual is None or program.residual(self.rows[number])}


@cache
def data() -> Data:
    source = random.Random(7)
    rows = [{}, *(row(source) for _ in range(99))]
    columns: dict[str, Any] = {name: [entry.get(name) for entry in rows] for name in FIELDS}
    columns["request.headers"] = [
        None if pairs is None else list(pairs.items()) for pairs in columns["request.headers"]
    ]
    types = [pyarrow.field(name, COLUMNS[kind]) for name, kind in FIELDS.items()]
    table = pyarrow.table({"id": range(len(rows)), **columns}, pyarrow.schema([("id", pyarrow.int64()), *types]))
    connection = duckdb.connect()
    connection.register("given", table)
    connection.execute("CREATE TABLE entries AS SELECT * FROM given")
    return Data(rows, connection)


def write(value: Any) -> str:
    from kubeshark_mcp.kfl.literals import write_literal

    return write_literal(value)


def leaves(local: str | None) -> dict[str, list[str]]:
    """The smallest expressions of each kind; `local` is a loop variable that is in scope."""
    by_type = {kind: [name for name, found in FIELDS.items() if found is kind] for kind in FieldType}
    return {
        "string": [*map(write, TEXTS), *by_type[FieldType.STRING] * 4, *([local] * 6 if local else [])],
        "int": [*map(write, INTS), *by_type[FieldType.INT] * 4],
        "double": [*map(write, DOUBLES), *by_type[FieldType.DOUBLE] * 6],
        "bytes": [*map(write, BYTES), *by_type[FieldType.BYTES] * 4],
        "timestamp": ["timestamp", "now()", 'timestamp("2023-11-14T22:13:20Z")'],
        "duration": ['duration("5m")', 'duration("-1.5s")', 'duration("200000h")'],
        "list": ["dns_questions"],
        "bool": [*by_type[FieldType.BOOL] * 2, "true", "false", "has(request.headers.a)"],
        "arithmetic": ["+", "-", "*", "/", "%"],
        "sign": ["+", "-"],
        "order": ["==", "!=", "<", "<=", ">", ">="],
        "equality": ["==", "!="],
        "macro": ["exists", "all", "exists_one"],
        "test": ["contains", "startsWith", "endsWith"],
        "pattern": PATTERNS,
    }


RULES = {
    "int": [
        "({int} {arithmetic} {int})",
        "size({string})",
        "size({list})",
        "-({int})",
        "({bool} ? {int} : {int})",
        "{timestamp}.getHours()",
        "{timestamp}.getFullYear()",
        "size(tcp_payload)",
        "size(request.headers)",
    ],
    "string": [
        "({string} + {string})",
        "({bool} ? {string} : {string})",
        "request.headers[{string}]",
        "request.headers.Host",
        "map_get(request.headers, {string}, {string})",
        "string({int})",
    ],
    "timestamp": ["({timestamp} {sign} {duration})"],
    "duration": ["({timestamp} - {timestamp})"],
    "list": ["[{string}, {string}]", "{list}.filter(x, {x:bool})", "{list}.map(x, {x:string})"],
    "bool": [
        "({int} {order} {int})",
        "({string} {order} {string})",
        "({double} {order} {double})",
        "({bytes} {order} {bytes})",
        "({timestamp} {order} {timestamp})",
        "({duration} {order} {duration})",
        "({list} {equality} {list})",
        "({int} < {double})",
        "({double} >= {int})",
        "!({bool})",
        "({bool} && {bool})",
        "({bool} || {bool})",
        "({bool} || {bool} && !({bool}))",
        "({bool} ? {bool} : {bool})",
        "({int} in [{int}, {int}, 200])",
        "({string} in {list})",
        "({string} in request.headers)",
        "{string}.{test}({string})",
        '{string}.matches("{pattern}")',
        "{list}.{macro}(x, {x:bool})",
        "request.headers.{macro}(x, {x:bool})",
        "dns_questions.{macro}(x, x.{test}({string}))",
    ],
}


def expression(draw: st.DrawFn, kind: str, depth: int, local: str | None = None) -> str:
    choices = leaves(local)[kind]
    rules = RULES.get(kind, []) if depth else []
    if rules and draw(st.integers(0, 3)):
        template = draw(st.sampled_from(rules))
    else:
        return draw(st.sampled_from(choices))

    def part(match: re.Match[str]) -> str:
        return expression(draw, match["kind"], depth - 1, match["local"] or local)

    return re.sub(r"\{(?:(?P<local>x):)?(?P<kind>[a-z]+)\}", part, template)


@st.composite
def filters(draw: st.DrawFn, depth: int) -> str:
    return expression(draw, "bool", depth)


def agree(text: str, checked_rows: int) -> None:
    program = compile_filter(text, CATALOGUE, now_ns=NOW_NS)
    found = data()
    here = predicate(program.tree, NOW_NS)
    selected = {number for number, entry in enumerate(found.rows) if here(entry)}
    assert found.in_sql(program) == selected, program.sql
    again = compile_filter(program.canonical, CATALOGUE, now_ns=NOW_NS)
    assert again.canonical == program.canonical
    assert repr(again.sql) == repr(program.sql)
    reference_agrees(program, selected, checked_rows)
    google_agrees(program, selected)


def reference_agrees(program: Program, selected: set[int], checked_rows: int) -> None:
    rows = data().rows
    try:
        reference = Reference(program.tree, NOW_NS)
    except UnsupportedError:
        return
    step = max(1, len(rows) // checked_rows)
    for number in range(0, len(rows), step):
        assert reference.selects(rows[number]) == (number in selected), (reference.text, rows[number])


@cache
def google() -> Any:
    """Google's CEL with a variable for each field, and `map_get`."""
    from cel_expr_python import cel

    kinds = {
        FieldType.STRING: cel.Type.STRING,
        FieldType.INT: cel.Type.INT,
        FieldType.DOUBLE: cel.Type.DOUBLE,
        FieldType.BOOL: cel.Type.BOOL,
        FieldType.BYTES: cel.Type.BYTES,
        FieldType.TIMESTAMP: cel.Type.TIMESTAMP,
        FieldType.STRING_LIST: cel.Type.List(cel.Type.STRING),
        FieldType.STRING_MAP: cel.Type.Map(cel.Type.STRING, cel.Type.STRING),
    }
    text, pairs = cel.Type.STRING, kinds[FieldType.STRING_MAP]
    overloads = [
        cel.Overload("map_get_2", text, [pairs, text], impl=lambda entries, key: entries.get(key, "")),
        cel.Overload("map_get_3", text, [pairs, text, text], impl=lambda entries, key, other: entries.get(key, other)),
    ]
    variables = {f"f{number}": kinds[kind] for number, kind in enumerate(FIELDS.values())}
    return cel.NewEnv(variables=variables, functions=[cel.FunctionDecl("map_get", overloads)])


@cache
def google_rows() -> dict[int, dict[str, Any]]:
    """The rows that its Python binding can take: it cuts text and bytes at a null byte."""
    rows = {}
    for row_number, entry in enumerate(data().rows):
        if "\\x00" in repr(entry):
            continue
        values = {}
        for number, name in enumerate(FIELDS):
            value = CATALOGUE.get(name).missing_value if entry.get(name) is None else entry[name]
            if FIELDS[name] is FieldType.TIMESTAMP:
                value = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=value // 1000)
            values[f"f{number}"] = list(value) if isinstance(value, tuple) else value
        rows[row_number] = values
    return rows


def google_agrees(program: Program, selected: set[int]) -> None:
    """Compare with Google's CEL, but for comparisons of int with double, which it has not."""
    names = {name: f"f{number}" for number, name in enumerate(FIELDS)}
    text = canonical.write(plain(program.tree, NOW_NS), lambda found: names[found.field.name])
    sides = [{str(side.type) for side in node.arguments} for node in walk(program.tree) if isinstance(node, Call)]
    if any({"int", "double"} <= kinds for kinds in sides) or ("map_get" in text and "\\u0000" in text):
        return
    expression = google().compile(text)
    found = set()
    for number, values in google_rows().items():
        value = expression.eval(data=values)
        if value.type().name() == "BOOL" and value.value():
            found.add(number)
    assert found == selected & google_rows().keys(), text


@settings(max_examples=500, deadline=None, derandomize=True)
@given(filters(3))
def test_sql_python_and_the_reference_select_the_same_rows(text: str):
    agree(text, 5)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@settings(max_examples=10_000, deadline=None)
@given(filters(4))
def test_sql_python_and_the_reference_select_the_same_rows_for_ten_thousand_filters(text: str):
    agree(text, 5)
