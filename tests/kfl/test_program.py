from __future__ import annotations

import pytest

from kubeshark_mcp.kfl import Catalogue, KflError, SqlPredicate, compile_filter, evaluate

NOW_NS = 1_700_000_000_000_000_000


def test_what_sql_can_say_is_sql_and_the_rest_is_evaluated_on_rows(catalogue: Catalogue):
    program = compile_filter('http && path.charAt(0) == "/" && status_code >= 500', catalogue, now_ns=NOW_NS)
    assert program.sql == SqlPredicate('"http" AND ("status_code" >= CAST(? AS BIGINT))', (500,))
    assert program.residual is not None
    assert [clause.in_sql for clause in program.clauses] == [True, False, True]
    assert program.residual({"path": "/a"})
    assert not program.residual({"path": "a"})
    assert not program.residual({"path": None})
    assert program.columns == {"http", "path", "status_code"}
    assert program.residual_columns == {"path"}


def test_nothing_of_the_users_text_is_in_the_sql(catalogue: Catalogue):
    program = compile_filter("""path == "'; DROP TABLE entries; --" """, catalogue, now_ns=NOW_NS)
    assert program.sql == SqlPredicate('("path" = ?)', ("'; DROP TABLE entries; --",))


def test_a_column_that_is_absent_is_its_default(catalogue: Catalogue):
    program = compile_filter('status_code == 0 && path != "/a"', catalogue, present=set(), now_ns=NOW_NS)
    assert program.sql == SqlPredicate("TRUE AND TRUE")
    assert program.residual is None


def test_an_unknown_field_is_refused_with_its_place_and_the_field_that_was_meant(catalogue: Catalogue):
    with pytest.raises(KflError) as raised:
        compile_filter("http && response.status == 500", catalogue, now_ns=NOW_NS)
    assert (raised.value.line, raised.value.column, raised.value.offending, raised.value.suggestion) == (
        1,
        9,
        "response.status",
        "status_code",
    )


def test_an_expression_is_evaluated_over_bindings():
    assert evaluate("x.a + 1", {"x": {"a": 41}}) == 42


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ("http && status_code >= 500", ({"http"}, {"status_code"})),
        ("(http || dns) && path == src.name", ({"http", "dns"},)),
        ('"api" in dns_questions || path == "/x"', ({"dns_questions", "path"},)),
        ("!http", ()),
        ("status_code < 400", ()),
        ("1 / status_code > 0", ()),
        ('path.charAt(1) == "/"', ()),
        ('path.matches("^/users")', ({"path"},)),
        ("elapsed_time > 5 || true", ()),
        ("false", (set(),)),
    ],
)
def test_what_a_row_must_have_some_of_to_be_selected(catalogue: Catalogue, text: str, needs: tuple[set[str], ...]):
    assert compile_filter(text, catalogue, now_ns=NOW_NS).needs == needs
