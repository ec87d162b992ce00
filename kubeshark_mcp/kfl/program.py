"""A compiled filter: the SQL for what DuckDB computes, the Python for the rest, and both for each clause."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from kubeshark_mcp.kfl.canonical import write
from kubeshark_mcp.kfl.catalogue import Catalogue
from kubeshark_mcp.kfl.diagnosis import checked_tree, with_correction
from kubeshark_mcp.kfl.diagnostics import Diagnostic, EvaluationError, KflError, Source
from kubeshark_mcp.kfl.folding import fold
from kubeshark_mcp.kfl.interpreter import Interpreter, new_frame
from kubeshark_mcp.kfl.lint import warnings
from kubeshark_mcp.kfl.parser import parse
from kubeshark_mcp.kfl.sql import SqlPredicate, translate
from kubeshark_mcp.kfl.tree import Node, columns, conjuncts
from kubeshark_mcp.kfl.values import to_python

_STEPS = 10_000
Test = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Clause:
    """One operand of the outermost `&&`: either SQL says all of it, or `residual` does on each row.

    text: canonical KFL. columns: the fields that it reads. by_default: whether it may hold for a row without any.
    """

    text: str
    sql: SqlPredicate | None
    residual: Test | None
    columns: frozenset[str]
    by_default: bool = True

    @property
    def in_sql(self) -> bool:
        """Say whether SQL says all of it."""
        return self.sql is not None


@dataclass(frozen=True, slots=True)
class Program:
    """A filter ready to run: select rows WHERE `sql`, then keep those for which `residual` (where there is one) holds.

    The row given to `residual` maps field names to values as the store has them (timestamps in Unix nanoseconds, lists
    and maps as Python's own); None and absent both mean the default. It never raises.
    """

    text: str
    canonical: str
    sql: SqlPredicate
    residual: Test | None
    clauses: tuple[Clause, ...]
    columns: frozenset[str]
    warnings: tuple[Diagnostic, ...]
    tree: Node

    @property
    def residual_columns(self) -> frozenset[str]:
        """Give the fields that `residual` reads."""
        return frozenset().union(*(clause.columns for clause in self.clauses if clause.sql is None))

    @property
    def needs(self) -> tuple[frozenset[str], ...]:
        """Give sets of fields; a row that lacks all of one set is not selected (`http && …`: one without `http`)."""
        return tuple(clause.columns for clause in self.clauses if not clause.by_default)


def compile_filter(text: str, catalogue: Catalogue, *, present: Collection[str] | None = None, now_ns: int) -> Program:
    """Compile a filter.

    present: the columns that the data set has; a field without a column is its default there. None: all have one.
    now_ns: what `now()` is, Unix nanoseconds UTC. Raises KflError, which says where, why, and what to write instead.
    """
    try:
        checked = checked_tree(text, catalogue)
    except KflError as error:
        raise with_correction(error, catalogue) from None
    clauses = tuple(_clause(node, present, now_ns) for node in conjuncts(checked))
    return Program(
        text=text,
        canonical=write(checked),
        sql=_all_of([clause.sql for clause in clauses if clause.sql is not None]),
        residual=_every([clause.residual for clause in clauses if clause.residual is not None]),
        clauses=clauses,
        columns=columns(checked),
        warnings=warnings(Source(text), checked, present),
        tree=checked,
    )


def _clause(node: Node, present: Collection[str] | None, now_ns: int) -> Clause:
    folded = fold(node, present, now_ns)
    sql = translate(folded, present)
    residual = None if sql is not None else predicate(folded, now_ns)
    return Clause(write(node), sql, residual, columns(node), _by_default(folded, now_ns))


def _by_default(node: Node, now_ns: int) -> bool:
    """Say whether a condition may hold for a row without any field; where that takes long or fails, it may."""
    interpreter = Interpreter(now_ns)
    try:
        return interpreter.build(node)({}, new_frame(interpreter.depth, _STEPS)) is not False
    except EvaluationError:
        return True


def _all_of(predicates: list[SqlPredicate]) -> SqlPredicate:
    if not predicates:
        return SqlPredicate("TRUE")
    sql = " AND ".join(predicate.sql for predicate in predicates)
    return SqlPredicate(sql, tuple(value for predicate in predicates for value in predicate.parameters))


def _every(tests: list[Test]) -> Test | None:
    if len(tests) <= 1:
        return tests[0] if tests else None
    return lambda row: all(test(row) for test in tests)


def predicate(node: Node, now_ns: int | None) -> Test:
    """Turn a checked condition into a test of rows; a row on which it has no value is not selected."""
    interpreter = Interpreter(now_ns)
    run = interpreter.build(node)

    def test(row: Mapping[str, Any]) -> bool:
        try:
            return run(row, new_frame(interpreter.depth)) is True
        except EvaluationError:
            return False

    return test


def evaluate(
    program: str | Program, bindings: Mapping[str, Any], *, now_ns: int | None = None, container: str = ""
) -> Any:
    """Evaluate an expression and give its value.

    A text is plain CEL over `bindings`, unchecked, as a conformance test wants it: names are looked up when they are
    needed, the longest dotted one first (`{"a.b": 1}` binds `a.b`), and every CEL error raises. A Program is evaluated
    over a row, with the defaults of fields.

    Bind None, bool, int (CEL int), `Uint`, float, str, bytes, list, dict, `CelType`, `Timestamp` or an aware datetime,
    `Duration` or a timedelta; the value comes back as one of these (times as `Timestamp` and `Duration` with `.ns`).
    container: the namespace in which names are looked up first. now_ns: what `now()` is.
    Raises KflError for a text that is no expression, EvaluationError for an expression that has no value.
    """
    interpreter = Interpreter(now_ns, container)
    tree = parse(program) if isinstance(program, str) else program.tree
    try:
        return to_python(interpreter.build(tree)(bindings, new_frame(interpreter.depth)))
    except RecursionError:
        raise EvaluationError("the bindings are nested too deep") from None
