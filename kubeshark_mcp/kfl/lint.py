"""Warnings: a filter that is valid and probably not what was meant."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from kubeshark_mcp.kfl.diagnostics import Diagnostic, EvaluationError, Source, quoted
from kubeshark_mcp.kfl.interpreter import Interpreter, new_frame
from kubeshark_mcp.kfl.literals import write_literal
from kubeshark_mcp.kfl.networks import network_test
from kubeshark_mcp.kfl.tree import Call, FieldRef, Index, Literal, Logical, Node, Select, conjuncts, walk
from kubeshark_mcp.kfl.types import DOUBLE, INT, STRING
from kubeshark_mcp.kfl.values import compare, equals
from kubeshark_mcp.model.common_fields import COMMON_FIELDS
from kubeshark_mcp.model.field import FieldType

_FLIP = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_RANGES: dict[str, tuple[int, int, str]] = {
    "src.port": (0, 65535, "a port"),
    "dst.port": (0, 65535, "a port"),
    "status_code": (0, 999, "an HTTP status"),
    "tlsx_version": (0, 65535, "a TLS version"),
    "radius_code": (0, 255, "a RADIUS code"),
}
_LOWER_KEYS = frozenset({"request.headers", "response.headers"})
_ADDRESSES = frozenset({"src.ip", "dst.ip", "node_ip"})
_OF_EVERY_ENTRY = frozenset(field.name for field in COMMON_FIELDS)
_FLAGS = {
    "GraphQL": "gql",
    "WebSocket": "ws",
    "TLS handshake": "tlsx",
    "TCP Metrics": "tcp_conn",
    "L4 Connection Tracking": "conn",
    "L4 Flow Tracking": "flow",
    "HTTP/2": "http2",
    "gRPC": "grpc",
}
"""Group of a field -> the flag of entries that have it, where that is not the group's name in lower case."""
_STEPS = 1_000
_METHODS = re.compile(r"[A-Z][A-Z_-]*\Z", re.ASCII)


def warnings(source: Source, tree: Node, filled: Collection[str] | None) -> tuple[Diagnostic, ...]:
    """Look for what is probably a mistake, in the order of the text.

    filled: the fields that have a value anywhere in the data set; None when that is not known.
    """
    found = [*_tests(source, tree), *_unguarded(source, tree), *_contradictions(source, tree)]
    found.extend(_holds_without(source, tree))
    if filled is not None:
        found.extend(_never_filled(source, tree, filled))
    return tuple(sorted(found, key=lambda warning: (warning.start, warning.message)))


def _warn(source: Source, node: Node, message: str, suggestion: str | None = None) -> Diagnostic:
    return source.diagnostic(message, node.start, node.end, suggestion=suggestion, severity="warning")


def _tests(source: Source, tree: Node) -> Iterator[Diagnostic]:
    """Look at each comparison of a field with a constant."""
    for node in walk(tree):
        test = _test(node)
        if test is None:
            continue
        field, operator, literal = test
        for check in (_microseconds, _outside, _address, _upper_case):
            warning = check(source, node, field, operator, literal)
            if warning is not None:
                yield warning
                break


def _test(node: Node) -> tuple[FieldRef, str, Literal] | None:
    if not isinstance(node, Call) or not node.operator or node.function not in _FLIP:
        return None
    left, right = node.arguments
    if isinstance(left, FieldRef) and isinstance(right, Literal):
        return left, node.function, right
    if isinstance(right, FieldRef) and isinstance(left, Literal):
        return right, _FLIP[node.function], left
    return None


def _microseconds(source: Source, node: Node, field: FieldRef, operator: str, literal: Literal) -> Diagnostic | None:
    """`elapsed_time > 5` was probably meant in seconds or milliseconds."""
    in_microseconds = field.field.name == "elapsed_time" or "microsecond" in field.field.meaning.lower()
    if not in_microseconds or type(literal.value) is not int or not 0 < literal.value < 1000:
        return None
    value, name = literal.value, field.field.name
    message = f"`{name}` is in microseconds: {value} is {value / 1000:g} ms. For {value} ms write {value * 1000}"
    return _warn(
        source, node, f"{message}, for {value} s write {value * 1_000_000}.", f"{name} {operator} {value * 1000}"
    )


def _outside(source: Source, node: Node, field: FieldRef, operator: str, literal: Literal) -> Diagnostic | None:
    """Say so when no value of the field can make a comparison true, or none can make it false."""
    bounds = _RANGES.get(field.field.name)
    value = literal.value
    if bounds is None or type(value) is not int:
        return None
    low, high, what = bounds
    never = {
        "==": not low <= value <= high,
        "<": value <= low,
        "<=": value < low,
        ">": value >= high,
        ">=": value > high,
        "!=": False,
    }
    if never[operator]:
        return _warn(source, node, f"This can't be true: {what} is between {low} and {high}, not {value}.")
    return None


def _address(source: Source, node: Node, field: FieldRef, operator: str, literal: Literal) -> Diagnostic | None:
    if field.field.name not in _ADDRESSES or operator not in {"==", "!="} or not literal.value:
        return None
    from ipaddress import ip_address

    text = str(literal.value)
    try:
        plain = str(ip_address(text))
    except ValueError:
        message = f"{quoted(text)} is not one IP address, so this can't be equal."
        return _warn(source, node, message, network_test(field.field.name, text))
    if plain != text:
        message = f"Addresses are written in their short form: {quoted(plain)}, not {quoted(text)}."
        return _warn(source, node, message, f'{field.field.name} {operator} "{plain}"')
    return None


def _upper_case(source: Source, node: Node, field: FieldRef, operator: str, literal: Literal) -> Diagnostic | None:
    text = literal.value
    if field.field.name != "method" or operator != "==" or not isinstance(text, str) or not text.isalpha():
        return None
    if _METHODS.match(text):
        return None
    return _warn(
        source,
        node,
        f"HTTP methods are case-sensitive, as a rule upper case: {quoted(text)}.",
        f'method == "{text.upper()}"',
    )


def _unguarded(source: Source, tree: Node) -> Iterator[Diagnostic]:
    """Find keys of field maps that are read where nothing says that they are there."""
    guarded = {key for node in walk(tree) if (key := _guard(node)) is not None}
    told: set[tuple[str, str]] = set()
    for node in walk(tree):
        key = _access(node)
        asked = key or _guard(node)
        if asked is not None and asked[0] in _LOWER_KEYS and asked[1] != asked[1].lower():
            lower = f"{asked[0]}[{write_literal(asked[1].lower())}]"
            yield _warn(source, node, f"Header names are kept in lower case: {quoted(asked[1])} is never found.", lower)
        if key is None or key in guarded or key in told:
            continue
        told.add(key)
        field, name = key
        message = (
            f'Where {quoted(field)} has no key {quoted(name)} this is "", not an error; a guard tells the two apart.'
        )
        yield _warn(source, node, message, f"{write_literal(name)} in {field} && …")


def _guard(node: Node) -> tuple[str, str] | None:
    """Give (field, key) of `"key" in field` and `has(field.key)`."""
    if isinstance(node, Select) and node.test and isinstance(node.operand, FieldRef):
        return node.operand.field.name, node.name
    if isinstance(node, Call) and node.operator and node.function == "in":
        key, container = node.arguments
        if isinstance(key, Literal) and isinstance(container, FieldRef):
            return container.field.name, str(key.value)
    return None


def _access(node: Node) -> tuple[str, str] | None:
    """Give (field, key) of `field["key"]` and `field.key`."""
    if isinstance(node, Select) and not node.test and isinstance(node.operand, FieldRef):
        return node.operand.field.name, node.name
    if isinstance(node, Index) and isinstance(node.operand, FieldRef) and isinstance(node.index, Literal):
        return (node.operand.field.name, str(node.index.value)) if node.operand.type.name == "map" else None
    return None


def _contradictions(source: Source, tree: Node) -> Iterator[Diagnostic]:
    """Find `a == 1 && a == 2`."""
    for node in walk(tree):
        if not isinstance(node, Logical) or node.operator != "&&":
            continue
        wanted: dict[str, object] = {}
        for operand in conjuncts(node):
            test = _test(operand)
            if test is None or test[1] != "==":
                continue
            name, value = test[0].field.name, test[2].value
            if wanted.setdefault(name, value) != value:
                message = f"This can't be true: {quoted(name)} must also equal {write_literal(wanted[name])}."
                yield _warn(source, operand, message, f"{name} in {write_literal([wanted[name], value])}")


def _holds_without(source: Source, tree: Node) -> Iterator[Diagnostic]:
    """Find `status_code != 200` in a filter that also selects entries which have no status at all."""
    interpreter = Interpreter(0)
    try:
        if interpreter.build(tree)({}, new_frame(interpreter.depth, _STEPS)) is not True:
            return
    except EvaluationError:
        return
    for node in walk(tree):
        test = _test(node)
        if test is None or test[0].field.name in _OF_EVERY_ENTRY or test[0].type not in {INT, DOUBLE, STRING}:
            continue
        field, operator, literal = test
        if _compared(field.field.missing_value, operator, literal.value):
            name, default = field.field.name, write_literal(field.field.missing_value)
            flag = _FLAGS.get(field.field.group, field.field.group.lower())
            advice = f"write `{flag} && …`" if flag.isalnum() or "_" in flag else "name the protocol as well"
            message = f"Entries without {quoted(name)} have {default}, so this holds for them too: {advice}."
            yield _warn(source, node, message)
            return


def _compared(default: Any, operator: str, value: Any) -> bool:
    if operator in {"==", "!="}:
        return equals(default, value) == (operator == "==")
    order = compare(operator, default, value)
    return order is not None and {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[operator]


def _never_filled(source: Source, tree: Node, filled: Collection[str]) -> Iterator[Diagnostic]:
    told: set[str] = set()
    for node in walk(tree):
        if isinstance(node, FieldRef) and node.field.name not in filled and node.field.name not in told:
            told.add(node.field.name)
            default = node.field.missing_value
            shown = {FieldType.STRING: '""', FieldType.BOOL: "false"}.get(node.field.type, default)
            message = f"No entry of this data set has {quoted(node.field.name)}; it is {shown} everywhere here."
            yield _warn(source, node, message)
