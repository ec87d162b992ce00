"""Checked tree -> DuckDB SQL with parameters. Nothing that the user wrote becomes part of the SQL text.

Two ways to write a condition:

- `value` is exact in three values: NULL means that CEL has an evaluation error, because fields are never NULL here
  (`coalesce` with their default), and SQL's AND, OR and NOT treat NULL as CEL's operators treat errors.
- `condition` is for the top of a WHERE, where NULL and FALSE both drop the row. It leaves the columns bare where that
  comes to the same, so that the database can use its statistics, and pushes `!` down to the comparisons.

What has no exact SQL raises Untranslatable and is evaluated on the rows instead.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from kubeshark_mcp.kfl.diagnostics import EvaluationError
from kubeshark_mcp.kfl.interpreter import Interpreter, new_frame
from kubeshark_mcp.kfl.sql_functions import function_in_sql
from kubeshark_mcp.kfl.sql_text import Fragment, Untranslatable, quote_name
from kubeshark_mcp.kfl.tree import (
    Call,
    Conditional,
    FieldRef,
    Index,
    ListNode,
    Literal,
    Local,
    Logical,
    Macro,
    Node,
    Select,
    walk,
)
from kubeshark_mcp.kfl.types import BOOL, BYTES, DOUBLE, DURATION, INT, NUMBERS, STRING, TIMESTAMP
from kubeshark_mcp.kfl.values import INT_MAX, INT_MIN, Duration, Timestamp

_SCALARS = frozenset({STRING, INT, BOOL, BYTES, TIMESTAMP, DURATION})
_SIGNS = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_LEAVES = frozenset({*_SIGNS, "in", "contains", "startsWith", "endsWith", "matches"})


@dataclass(frozen=True, slots=True)
class SqlPredicate:
    """A condition for a WHERE: DuckDB SQL with `?` for the parameters, which go with it in this order."""

    sql: str
    parameters: tuple[Any, ...] = ()


class Translator:
    """Translates one clause. present: the columns that there are; None means all."""

    def __init__(self, present: Collection[str] | None) -> None:
        self._present = present
        self._bare = False
        self._loops: list[str] = []

    def condition(self, node: Node, *, negated: bool = False) -> Fragment:
        """Write a condition whose NULL may as well be FALSE."""
        if isinstance(node, Logical):
            parts = [self.condition(operand, negated=negated) for operand in node.operands]
            return Fragment.joined(" AND " if (node.operator == "&&") != negated else " OR ", parts)
        if isinstance(node, Call) and node.function == "!_":
            return self.condition(node.arguments[0], negated=not negated)
        if isinstance(node, FieldRef) and node.field.missing_value is False:
            column = self._column(node)
            return Fragment(f"{column} IS NOT TRUE" if negated else column)
        leaf = self._leaf(node, negated)
        if leaf is not None:
            return leaf
        whole = self.value(node)
        return whole.wrapped("(NOT ", ")") if negated else whole

    def _leaf(self, node: Node, negated: bool) -> Fragment | None:
        """Write a test of one column against constants, the column bare; None when the node is something else."""
        if not isinstance(node, Call) or node.function not in _LEAVES:
            return None
        fields = [child for child in node.children() if isinstance(child, FieldRef)]
        constants = [child for child in node.children() if isinstance(child, Literal)]
        if len(fields) != 1 or len(constants) != len(node.children()) - 1 or fields[0].type not in _SCALARS:
            return None
        holds = _on_default(node)
        if holds is None:
            return None
        self._bare = True
        try:
            test = self.value(node)
        finally:
            self._bare = False
        if negated:
            test = test.wrapped("NOT ", "")
        if holds != negated:
            return test.wrapped("(", f" OR {self._column(fields[0])} IS NULL)")
        return test

    def value(self, node: Node) -> Fragment:
        """Write an expression exactly; NULL is an evaluation error."""
        writer = _WRITERS.get(type(node))
        if writer is None:
            raise Untranslatable
        return writer(self, node)

    def _column(self, node: FieldRef) -> str:
        if self._present is not None and node.field.name not in self._present:
            raise Untranslatable
        return quote_name(node.field.name)

    def literal(self, node: Literal) -> Fragment:
        """Write a constant as a parameter."""
        value = node.value
        if type(value) is bool:
            return Fragment("TRUE" if value else "FALSE")
        if type(value) in {Timestamp, Duration}:
            value = value.ns
        if type(value) is int and INT_MIN <= value <= INT_MAX:
            return Fragment("CAST(? AS BIGINT)", (value,))
        if type(value) is float:
            return Fragment("CAST(? AS DOUBLE)", (value,))
        if type(value) in {str, bytes}:
            return Fragment("?", (value,))
        raise Untranslatable

    def field(self, node: FieldRef) -> Fragment:
        """Write a column, its NULL replaced by the default."""
        column = self._column(node)
        if self._bare:
            return Fragment(column)
        if node.type.name == "list":
            if node.field.missing_value:
                raise Untranslatable
            return Fragment(f"coalesce({column}, CAST([] AS VARCHAR[]))")
        if node.type.name == "map":
            if node.field.missing_value:
                raise Untranslatable
            return Fragment(f"coalesce({column}, CAST(MAP {{}} AS MAP(VARCHAR, VARCHAR)))")
        default = self.literal(Literal(start=0, end=0, value=node.field.missing_value))
        return default.wrapped(f"coalesce({column}, ", ")")

    def local(self, node: Local) -> Fragment:
        """Write the variable of a lambda."""
        return Fragment(f"coalesce(item{len(self._loops) - self._loops[::-1].index(node.name)}, '')")

    def select(self, node: Select) -> Fragment:
        """`headers.name` is `headers["name"]`."""
        key = Literal(start=node.start, end=node.end, type=STRING, value=node.name)
        if node.test:
            return self._contains_key(key, node.operand)
        return self._key(node.operand, key, Fragment("''"))

    def index(self, node: Index) -> Fragment:
        """Write the value of a key; a missing one gives the empty text."""
        return self._key(node.operand, node.index, Fragment("''"))

    def _key(self, operand: Node, key: Node, default: Fragment) -> Fragment:
        if not isinstance(operand, FieldRef) or operand.type.name != "map" or operand.field.missing_value:
            raise Untranslatable
        name = self._sure(key)
        lookup = name.wrapped(f"{self._column(operand)}[", "]")
        return Fragment.joined(", ", [lookup, default]).wrapped("coalesce", "")

    def _sure(self, node: Node) -> Fragment:
        """Write an operand of a function that hides NULL: it must be one that cannot fail."""
        if not isinstance(node, Literal | FieldRef | Local) or node.type != STRING:
            raise Untranslatable
        return self.value(node)

    def _contains_key(self, key: Node, operand: Node) -> Fragment:
        if not isinstance(operand, FieldRef) or operand.field.missing_value:
            raise Untranslatable
        name = self._sure(key)
        return name.wrapped(f"coalesce(map_contains({self._column(operand)}, ", "), FALSE)")

    def call(self, node: Call) -> Fragment:
        """Write an operator or a function."""
        if node.function in _SIGNS and node.operator:
            return self._comparison(node)
        if node.function == "in":
            return self._in(*node.arguments)
        if node.function == "map_get":
            default = self._sure(node.arguments[2]) if len(node.arguments) == 3 else Fragment("''")
            return self._key(node.arguments[0], node.arguments[1], default)
        return function_in_sql(node, self.value)

    def _comparison(self, node: Call) -> Fragment:
        left, right = node.arguments
        if left.type == right.type and left.type in _SCALARS:
            return Fragment.joined(f" {_SIGNS[node.function]} ", [self.value(left), self.value(right)])
        if left.type in NUMBERS and right.type in NUMBERS and DOUBLE in {left.type, right.type}:
            return self._double_comparison(node)
        raise Untranslatable

    def _double_comparison(self, node: Call) -> Fragment:
        """DuckDB takes NaN for equal to itself and larger than all; CEL says that nothing holds for it but `!=`."""
        parts = []
        guards = []
        for side in node.arguments:
            if not isinstance(side, FieldRef | Literal) or side.type not in {INT, DOUBLE}:
                raise Untranslatable
            written = self.value(side)
            parts.append(written if side.type == DOUBLE else written.wrapped("CAST(", " AS DOUBLE)"))
            if side.type == DOUBLE:
                guards.append(written.wrapped("isnan(", ")"))
        test = Fragment.joined(f" {_SIGNS[node.function]} ", parts)
        if node.function == "!=":
            return Fragment.joined(" OR ", [test, *guards])
        return Fragment.joined(" AND ", [test, *(guard.wrapped("NOT ", "") for guard in guards)])

    def _in(self, item: Node, container: Node) -> Fragment:
        if isinstance(container, FieldRef) and container.type.name == "map":
            return self._contains_key(item, container)
        if isinstance(container, FieldRef):
            if container.field.missing_value:
                raise Untranslatable
            return self._sure(item).wrapped(f"coalesce(list_contains({self._column(container)}, ", "), FALSE)")
        items = _items(container)
        if not items or item.type not in _SCALARS or any(one.type != item.type for one in items):
            raise Untranslatable
        written = [self.value(one) for one in items]
        return Fragment.joined(" IN ", [self.value(item), Fragment.joined(", ", written)])

    def logical(self, node: Logical) -> Fragment:
        """SQL's AND and OR are CEL's, with NULL for an error."""
        return Fragment.joined(
            " AND " if node.operator == "&&" else " OR ", [self.value(operand) for operand in node.operands]
        )

    def conditional(self, node: Conditional) -> Fragment:
        """Write a CASE without ELSE: NULL when the condition is an error."""
        if node.yes.type != node.no.type:
            raise Untranslatable
        parts = [self.value(node.condition), self.value(node.yes), self.value(node.no)]
        condition, yes, no = parts
        return Fragment(
            f"(CASE {condition.sql} WHEN TRUE THEN {yes.sql} WHEN FALSE THEN {no.sql} END)",
            (*condition.parameters, *yes.parameters, *no.parameters),
            fails=any(part.fails for part in parts),
        )

    def macro(self, node: Macro) -> Fragment:
        """exists, all and exists_one over a list field count the items for which the body holds."""
        target = node.target
        count = {"exists": "> 0", "all": "= 0", "exists_one": "= 1"}.get(node.kind)
        if count is None or self._loops or not isinstance(target, FieldRef) or target.type.name != "list":
            raise Untranslatable
        items = self.value(target)
        self._loops.append(node.variable)
        body = self.value(node.body)
        self._loops.pop()
        if body.fails:
            raise Untranslatable
        test = body.wrapped("NOT (", ")") if node.kind == "all" else body
        return Fragment(
            f"(len(list_filter({items.sql}, lambda item1: {test.sql})) {count})", (*items.parameters, *test.parameters)
        )


def _items(container: Node) -> list[Node]:
    """Give the items of a list that cannot fail to be built; none where it may."""
    if isinstance(container, Literal) and type(container.value) is list and container.type.parameters:
        kind = container.type.parameters[0]
        return [Literal(start=0, end=0, type=kind, value=value) for value in container.value]
    if isinstance(container, ListNode) and all(isinstance(item, Literal | FieldRef) for item in container.items):
        return list(container.items)
    return []


def _on_default(node: Node) -> bool | None:
    """Say whether a test holds for a row without the field."""
    interpreter = Interpreter()
    try:
        found = interpreter.build(node)({}, new_frame(interpreter.depth))
    except EvaluationError:
        return None
    return found if type(found) is bool else None


def translate(node: Node, present: Collection[str] | None) -> SqlPredicate | None:
    """Translate a clause, or give None where that is not exact."""
    if any(found.type.name == "uint" for found in walk(node)):
        return None
    try:
        written = Translator(present).condition(node)
    except Untranslatable:
        return None
    return SqlPredicate(written.sql, written.parameters)


_WRITERS: dict[type[Node], Callable[[Translator, Any], Fragment]] = {
    Literal: Translator.literal,
    FieldRef: Translator.field,
    Local: Translator.local,
    Select: Translator.select,
    Index: Translator.index,
    Call: Translator.call,
    Logical: Translator.logical,
    Conditional: Translator.conditional,
    Macro: Translator.macro,
}
