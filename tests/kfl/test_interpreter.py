"""What expressions mean: tables of cases in plain text, and what does not fit there."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow
import pytest

from kubeshark_mcp.errors import FilterError
from kubeshark_mcp.kfl import Catalogue, Duration, EvaluationError, Timestamp, Uint, compile_filter, evaluate
from kubeshark_mcp.kfl.interpreter import STEPS
from kubeshark_mcp.kfl.program import predicate
from kubeshark_mcp.model.field import FieldType

NOW_NS = 1_700_000_000_000_000_000
BINDINGS = {
    "n": 7,
    "u": Uint(7),
    "text": "naïve",
    "m": {"k": "v", "n": 1},
    "l": [3, 1, 2],
    "a.b": {"c": "short", "d": "wrong"},
    "a.b.d": "long",
}


def cel_cases() -> list[tuple[str, str]]:
    text = (Path(__file__).parent / "cel_cases.txt").read_text()
    found = []
    lines: list[str] = []
    for line in text.splitlines():
        if not lines and (not line or line.startswith(("#", "//"))):
            continue
        lines.append(line)
        if " => " in line:
            expression, _, result = "\n".join(lines).rpartition(" => ")
            found.append((expression, result))
            lines = []
    return found


@pytest.mark.parametrize(("expression", "result"), cel_cases())
def test_an_expression_has_the_value_that_cel_gives_it(expression: str, result: str):
    if result == "!":
        with pytest.raises(FilterError):
            evaluate(expression, BINDINGS, now_ns=NOW_NS)
        return
    value, wanted = (evaluate(text, BINDINGS, now_ns=NOW_NS) for text in (expression, result))
    assert (type(value), value) == (type(wanted), wanted)


def filter_cases() -> list[tuple[str, dict[str, Any], bool]]:
    text = (Path(__file__).parent / "filter_cases.txt").read_text()
    lines = [line.split(" | ") for line in text.splitlines() if line and not line.startswith("#")]
    return [(" | ".join(parts[:-2]), json.loads(parts[-2]), parts[-1] == "true") for parts in lines]


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


@pytest.mark.parametrize(("text", "row", "selected"), filter_cases())
def test_a_filter_selects_a_row_or_not_in_every_engine(
    catalogue: Catalogue, text: str, row: dict[str, Any], selected: bool
):
    program = compile_filter(text, catalogue, now_ns=NOW_NS)
    assert predicate(program.tree, NOW_NS)(row) is selected
    columns = {
        field.name: [list(value.items()) if isinstance(value := row.get(field.name), dict) else value]
        for field in catalogue
    }
    schema = pyarrow.schema([(field.name, COLUMNS[field.type]) for field in catalogue])
    connection = duckdb.connect()
    connection.register("entries", pyarrow.table(columns, schema))
    count = connection.execute(
        f"SELECT count(*) FROM entries WHERE {program.sql.sql}", program.sql.parameters
    ).fetchone()
    assert count is not None
    assert (count[0] == 1 and (program.residual is None or program.residual(row))) is selected
    absent = compile_filter(text, catalogue, present=row.keys(), now_ns=NOW_NS)
    assert program.columns == absent.columns


def test_bindings_may_be_times_of_python():
    bindings = {"when": datetime(2025, 1, 1, tzinfo=UTC), "long": timedelta(seconds=1.5)}
    assert evaluate("when + long", bindings) == Timestamp(1_735_689_601_500_000_000)
    assert evaluate("long + long", bindings) == Duration(3_000_000_000)


def test_loops_over_long_lists_end_in_an_error_and_not_in_hours():
    with pytest.raises(EvaluationError, match="too many loop steps"):
        evaluate("l.all(a, l.all(b, l.all(c, true)))", {"l": list(range(STEPS // 100))})


def test_a_large_body_of_a_loop_takes_more_steps():
    body = " + ".join(["x"] * 90)
    assert evaluate(f"[1, 2].all(x, {body} > 0)", {}) is True
    items = list(range(STEPS // 10))
    assert evaluate("items.all(x, x >= 0)", {"items": items}) is True
    with pytest.raises(EvaluationError, match="too many loop steps"):
        evaluate(f"items.all(x, {body} >= 0)", {"items": items})


def test_results_that_grow_without_end_are_refused():
    with pytest.raises(EvaluationError, match="too large"):
        evaluate('text.replace("a", text).replace("a", text).replace("a", text)', {"text": "a" * 1_000})


def test_lists_that_hold_one_list_many_times_over_end_in_an_error():
    grow = "[[x, x]]" + ".map(y, [y, y])" * 60
    with pytest.raises(EvaluationError, match="too"):
        evaluate(f"{grow} == {grow}", {"x": [1, 2]})


def test_a_container_is_looked_into_first_and_a_leading_dot_skips_it():
    bindings = {"x": 1, "a.x": 2, "a.b.x": 3}
    assert [evaluate("x", bindings, container=container) for container in ("", "a", "a.b", "c")] == [1, 2, 3, 1]
    assert evaluate(".x", bindings, container="a.b") == 1
    assert evaluate("[4].map(x, .x)", bindings) == [1]


def test_now_is_an_error_where_nobody_said_what_it_is():
    with pytest.raises(EvaluationError, match="now"):
        evaluate("now()", {})
