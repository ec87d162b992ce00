from __future__ import annotations

from kubeshark_mcp.kfl import Catalogue, SqlPredicate, compile_filter
from kubeshark_mcp.kfl.folding import fold
from kubeshark_mcp.kfl.tree import Call, Literal

NOW_NS = 1_700_000_000_000_000_000


def test_what_does_not_depend_on_the_row_is_computed_once(catalogue: Catalogue):
    program = compile_filter('timestamp > now() - duration("5m")', catalogue, now_ns=NOW_NS)
    assert program.sql == SqlPredicate('("timestamp" > CAST(? AS BIGINT))', (NOW_NS - 300_000_000_000,))


def test_a_constant_that_fails_stays_and_fails_on_each_row(catalogue: Catalogue):
    tree = compile_filter("1 / 0 == 1", catalogue, now_ns=0).tree
    assert isinstance(fold(tree, None, 0), Call)


def test_a_decided_condition_is_a_constant(catalogue: Catalogue):
    for text, value in (("http && 1 == 2", False), ("http || 'a' == 'a'", True), ("!(1 > 2)", True)):
        folded = fold(compile_filter(text, catalogue, now_ns=0).tree, None, 0)
        assert isinstance(folded, Literal)
        assert folded.value is value


def test_an_absent_column_is_its_default_also_in_maps_and_macros(catalogue: Catalogue):
    text = 'pods.all(p, p == "a") && request.headers["a"] == "" && !("a" in request.headers) && grpc_status == -1'
    program = compile_filter(text, catalogue, present=[], now_ns=0)
    assert {clause.sql for clause in program.clauses} == {SqlPredicate("TRUE")}
    assert program.columns == {"pods", "request.headers", "grpc_status"}


def test_a_large_constant_is_not_kept(catalogue: Catalogue):
    text = f'"{"a" * 500}".replace("a", "{"b" * 100}") == path'
    assert isinstance(fold(compile_filter(text, catalogue, now_ns=0).tree, None, 0), Call)
