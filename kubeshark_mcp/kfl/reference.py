"""The same filter, evaluated by the reference library: a second opinion, row by row, for tests and for `explain`.

The only importer of `celpy`, on first use (0.15 s). Fields get plain names and the keys of field maps go through
`map_get`, so that what is compared is the meaning of the language and not the naming of fields.
Source: cel-python's implementation of the Common Expression Language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from kubeshark_mcp.errors import UnsupportedError
from kubeshark_mcp.kfl.canonical import write
from kubeshark_mcp.kfl.tree import (
    Call,
    FieldRef,
    Index,
    ListNode,
    Literal,
    Local,
    Macro,
    Node,
    Select,
    walk,
    with_children,
)
from kubeshark_mcp.kfl.types import DOUBLE, INT, STRING
from kubeshark_mcp.kfl.values import Timestamp
from kubeshark_mcp.model.field import Field, FieldType

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KNOWN = frozenset(
    {"contains", "startsWith", "endsWith", "matches", "size", "int", "uint", "double", "string", "bool", "bytes"}
    | {"timestamp", "duration", "map_get", "now", "getFullYear", "getMonth", "getDate", "getDayOfMonth"}
    | {"getDayOfWeek", "getDayOfYear", "getHours", "getMinutes", "getSeconds"}
)
"""Functions that the reference has; the string extension is not among them."""


class Reference:
    """One checked filter in the reference library. Raises UnsupportedError for a function that it does not have."""

    def __init__(self, tree: Node, now_ns: int) -> None:
        import celpy
        from celpy.evaluation import CELEvalError

        self._fields: dict[str, Field] = {}
        for node in walk(tree):
            _refuse_unknown(node)
            if isinstance(node, FieldRef):
                self._fields.setdefault(node.field.name, node.field)
        self._names = {name: f"f{number}" for number, name in enumerate(self._fields)}
        self.text = write(plain(tree, now_ns), lambda found: self._names[found.field.name])
        environment = celpy.Environment()
        self._program = environment.program(environment.compile(self.text), functions={"map_get": _map_get})
        self._error = CELEvalError

    def selects(self, row: Mapping[str, Any]) -> bool:
        """Say whether the reference selects the row; not when evaluating it is an error."""
        bindings = {self._names[name]: _value(field, row.get(name)) for name, field in self._fields.items()}
        try:
            return bool(self._program.evaluate(bindings) == True)  # noqa: E712
        except self._error:
            return False


def _refuse_unknown(node: Node) -> None:
    """Refuse what the reference has not, or does not compute as the specification says."""
    if isinstance(node, Macro) and any(_may_fail(inner) for inner in walk(node.target)):
        raise UnsupportedError("the reference library goes on with a list of which an item has no value")
    if not isinstance(node, Call):
        return
    if not node.operator and node.function not in KNOWN:
        raise UnsupportedError(f"the reference library has no function {node.function}")
    if node.function == "timestamp" and node.arguments[0].type == INT:
        raise UnsupportedError("the reference library makes no timestamp of a number")
    if node.function == "string" and any(_is_arithmetic(inner) for inner in walk(node)):
        raise UnsupportedError("the reference library makes a text of an error")
    if node.target is not None and any(_is_concatenation(inner) for inner in walk(node.target)):
        raise UnsupportedError("the reference library loses the type of a text that `+` made")
    if node.operator and DOUBLE in (kinds := {side.type for side in node.arguments}) and INT in kinds:
        raise UnsupportedError(f"the reference library does not compare int and double with {node.function}")


def _may_fail(node: Node) -> bool:
    return isinstance(node, ListNode) and not all(isinstance(item, Literal | FieldRef | Local) for item in node.items)


def _is_arithmetic(node: Node) -> bool:
    return isinstance(node, Call) and node.operator and node.function in {"+", "-", "*", "/", "%", "-_"}


def _is_concatenation(node: Node) -> bool:
    return isinstance(node, Call) and node.function == "+" and node.type == STRING


def plain(node: Node, now_ns: int) -> Node:
    """Write what only KFL has as calls that the reference can be given."""
    node = with_children(node, tuple(plain(child, now_ns) for child in node.children()))
    if isinstance(node, Call) and node.function == "now":
        return Literal(start=node.start, end=node.end, value=Timestamp(now_ns))
    if isinstance(node, Index) and isinstance(node.operand, FieldRef) and node.operand.type.name == "map":
        return _call("map_get", node, node.operand, node.index)
    if isinstance(node, Select) and isinstance(node.operand, FieldRef):
        key = Literal(start=node.start, end=node.end, type=STRING, value=node.name)
        if node.test:
            return replace(_call("in", node, key, node.operand), operator=True)
        return _call("map_get", node, node.operand, key)
    return node


def _call(function: str, place: Node, *arguments: Node) -> Call:
    return Call(start=place.start, end=place.end, function=function, target=None, arguments=arguments)


def _map_get(entries: Any, key: Any, default: Any = None) -> Any:
    from celpy.celtypes import StringType

    if key in entries:
        return entries[key]
    return StringType("") if default is None else default


def _value(field: Field, value: Any) -> Any:
    """Turn a column's value into the reference's; timestamps lose what is below a microsecond."""
    from celpy import celtypes

    makers: dict[FieldType, Callable[[Any], Any]] = {
        FieldType.STRING: celtypes.StringType,
        FieldType.INT: celtypes.IntType,
        FieldType.DOUBLE: celtypes.DoubleType,
        FieldType.BOOL: celtypes.BoolType,
        FieldType.BYTES: celtypes.BytesType,
        FieldType.TIMESTAMP: lambda ns: celtypes.TimestampType(_EPOCH + timedelta(microseconds=ns // 1000)),
        FieldType.STRING_LIST: lambda items: celtypes.ListType([celtypes.StringType(item) for item in items]),
        FieldType.STRING_MAP: lambda entries: celtypes.MapType(
            {celtypes.StringType(key): celtypes.StringType(item) for key, item in entries.items()}
        ),
    }
    return makers[field.type](field.missing_value if value is None else value)
