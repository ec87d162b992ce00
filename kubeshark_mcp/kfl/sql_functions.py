"""Functions and arithmetic that DuckDB computes exactly as CEL does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kubeshark_mcp.kfl.sql_text import Fragment, Untranslatable
from kubeshark_mcp.kfl.tree import Call, FieldRef, Literal, Node
from kubeshark_mcp.kfl.types import INT, STRING, TIMESTAMP

_Value = Callable[[Node], Fragment]
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER = _UPPER.lower()


def function_in_sql(node: Call, value: _Value) -> Fragment:
    """Write a call. Raises Untranslatable where there is no SQL of the same meaning."""
    writer = (_OPERATORS if node.operator else _FUNCTIONS).get(node.function)
    if writer is None:
        raise Untranslatable
    return writer(node, value)


def _arithmetic(sign: str) -> Callable[[Call, _Value], Fragment]:
    """64-bit integers: TRY turns overflow into NULL, and DuckDB gives NULL for division by zero."""

    def write(node: Call, value: _Value) -> Fragment:
        left, right = node.arguments
        if left.type == right.type == INT:
            whole = Fragment.joined(f" {sign} ", [value(left), value(right)]).wrapped("TRY", "")
            return replace(whole, fails=True)
        if sign == "+" and left.type == right.type == STRING:
            return Fragment.joined(" || ", [value(left), value(right)])
        if sign in {"+", "-"} and node.type == TIMESTAMP:
            return _shifted(sign, node, value)
        if sign == "-" and left.type == right.type == TIMESTAMP and _is_plain(left) and _is_plain(right):
            whole = Fragment.joined(" - ", [value(left), value(right)]).wrapped("TRY", "")
            return replace(whole, fails=True)
        raise Untranslatable

    return write


def _is_plain(node: Node) -> bool:
    return isinstance(node, Literal | FieldRef)


def _shifted(sign: str, node: Call, value: _Value) -> Fragment:
    """Move a time by a duration: in 128 bits it can neither overflow nor leave the years 1 to 9999."""
    if not all(_is_plain(side) for side in node.arguments):
        raise Untranslatable
    parts = [value(side).wrapped("CAST(", " AS HUGEINT)") for side in node.arguments]
    return Fragment.joined(f" {sign} ", parts)


def _not(node: Call, value: _Value) -> Fragment:
    return value(node.arguments[0]).wrapped("(NOT ", ")")


def _negative(node: Call, value: _Value) -> Fragment:
    if node.type != INT:
        raise Untranslatable
    return replace(value(node.arguments[0]).wrapped("TRY(CAST(0 AS BIGINT) - ", ")"), fails=True)


def _test(name: str) -> Callable[[Call, _Value], Fragment]:
    def write(node: Call, value: _Value) -> Fragment:
        return Fragment.joined(", ", [value(child) for child in node.children()]).wrapped(name, "")

    return write


def _matches(node: Call, value: _Value) -> Fragment:
    if not isinstance(node.children()[1], Literal):
        raise Untranslatable
    return _test("regexp_matches")(node, value)


def _size(node: Call, value: _Value) -> Fragment:
    (operand,) = node.children()
    function = {"string": "length", "bytes": "octet_length", "list": "len", "map": "cardinality"}.get(operand.type.name)
    if function is None or (operand.type.name in {"list", "map"} and not isinstance(operand, FieldRef)):
        raise Untranslatable
    return value(operand).wrapped(f"CAST({function}(", ") AS BIGINT)")


def _case(from_letters: str, to_letters: str) -> Callable[[Call, _Value], Fragment]:
    def write(node: Call, value: _Value) -> Fragment:
        (operand,) = node.children()
        return value(operand).wrapped("translate(", f", '{from_letters}', '{to_letters}')")

    return write


_OPERATORS: dict[str, Callable[[Call, _Value], Fragment]] = {
    "+": _arithmetic("+"),
    "-": _arithmetic("-"),
    "*": _arithmetic("*"),
    "/": _arithmetic("//"),
    "%": _arithmetic("%"),
    "!_": _not,
    "-_": _negative,
}
_FUNCTIONS: dict[str, Callable[[Call, _Value], Fragment]] = {
    "contains": _test("contains"),
    "startsWith": _test("starts_with"),
    "endsWith": _test("ends_with"),
    "matches": _matches,
    "size": _size,
    "lowerAscii": _case(_UPPER, _LOWER),
    "upperAscii": _case(_LOWER, _UPPER),
}
