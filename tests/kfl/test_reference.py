"""The reference library as a second opinion, and all engines over rows that are made of edge cases."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import duckdb
import pyarrow
import pytest
from agreement import BYTES, DOUBLES, INTS, NOW_NS, TEXTS, Chooser, Data, Generator, disagreements
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeshark_mcp.errors import UnsupportedError
from kubeshark_mcp.kfl import Catalogue, compile_filter
from kubeshark_mcp.kfl.reference import Reference
from kubeshark_mcp.model.field import Field, FieldType

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
TIMES = [0, NOW_NS, NOW_NS - 300_000_000_000, NOW_NS + 1_000, 1_234_567_890_000_000_000, 86_399_999_999_000]
KEYS = ["a", "Host", "", "ü"]


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


@cache
def data() -> Data:
    source = random.Random(7)
    rows = [{}, *(row(source) for _ in range(99))]
    columns: dict[str, Any] = {name: [entry.get(name) for entry in rows] for name in FIELDS}
    columns["request.headers"] = [
        None if pairs is None else list(pairs.items()) for pairs in columns["request.headers"]
    ]
    types = [pyarrow.field(name, COLUMNS[kind]) for name, kind in FIELDS.items()]
    table = pyarrow.table({"_row": range(len(rows)), **columns}, pyarrow.schema([("_row", pyarrow.int64()), *types]))
    connection = duckdb.connect()
    connection.register("given", table)
    connection.execute("CREATE TABLE sample AS SELECT * FROM given")
    return Data(CATALOGUE, rows, connection)


class Drawn(Chooser):
    """Choices of hypothesis, so that a filter that fails is made smaller."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def below(self, limit: int) -> int:
        return self._draw(st.integers(0, limit - 1))

    def of(self, choices: Sequence[Any]) -> Any:
        return self._draw(st.sampled_from(choices))


@st.composite
def filters(draw: st.DrawFn) -> str:
    return Generator(data(), Drawn(draw)).filter(3)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(filters())
def test_sql_python_celpy_and_googles_cel_select_the_same_rows(text: str):
    assert disagreements(data(), [text], 20) == []


@pytest.mark.parametrize("seed", range(2))
def test_they_do_for_a_thousand_filters_more(seed: int):
    assert disagreements(data(), list(Generator(data(), Chooser(seed)).filters(1000, 4)), 30, 10) == []


@pytest.mark.parametrize(
    "text",
    [
        "path.trim() == ''",
        "string(status_code + 1) == '1'",
        "(path + 'a').contains('a')",
        "status_code < loss_ratio",
        "[status_code / 0].exists(x, x == 1)",
        "timestamp > timestamp(5)",
    ],
)
def test_what_the_reference_library_cannot_say_is_refused_and_not_guessed(text: str):
    with pytest.raises(UnsupportedError, match="the reference library"):
        Reference(compile_filter(text, CATALOGUE, now_ns=NOW_NS).tree, NOW_NS)


def test_a_missing_value_is_the_default_there_too():
    tree = compile_filter('grpc_status == -1 && request.headers["a"] == "" && !http', CATALOGUE, now_ns=NOW_NS).tree
    assert Reference(tree, NOW_NS).selects({})
    assert not Reference(tree, NOW_NS).selects({"http": True})
