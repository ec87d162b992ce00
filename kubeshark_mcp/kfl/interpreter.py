"""Tree -> Python closures that evaluate it over one row: CEL's meaning, step for step.

A closure takes the row (field or variable name -> value) and a frame: a list whose first item is the budget of loop
steps that are left and whose others are the loop variables. It gives a value (see values.py) or raises EvaluationError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kubeshark_mcp.kfl import library
from kubeshark_mcp.kfl.conversions import TYPE_CONSTANTS
from kubeshark_mcp.kfl.diagnostics import EvaluationError, quoted
from kubeshark_mcp.kfl.macros import MACRO_LOOPS
from kubeshark_mcp.kfl.overloads import Overloads
from kubeshark_mcp.kfl.regex import searcher
from kubeshark_mcp.kfl.tree import (
    Call,
    Conditional,
    FieldRef,
    Ident,
    Index,
    ListNode,
    Literal,
    Local,
    Logical,
    Macro,
    MapNode,
    Node,
    Select,
    walk,
)
from kubeshark_mcp.kfl.values import Timestamp, compare, equals, from_python, map_key, no_overload, type_name
from kubeshark_mcp.model.field import FieldType

Row = Mapping[str, Any]
Frame = list[Any]
Evaluate = Callable[[Row, Frame], Any]

STEPS = 50_000
"""Loop steps of one evaluation; more end in an error, so that nested macros over long lists cannot run for hours."""

LIGHT = 12
"""Nodes of a macro's body that one loop step pays for."""
_ORDER: dict[str, Callable[[int], bool]] = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


def new_frame(depth: int, steps: int = STEPS) -> Frame:
    """Make the frame for one evaluation of a tree whose macros are nested `depth` deep."""
    return [steps, *([None] * depth)]


class Interpreter:
    """Builds closures. `depth` is how deep macros are nested, for `new_frame`."""

    def __init__(self, now_ns: int | None = None, container: str = "") -> None:
        self.depth = 0
        self._container = container
        self._now_ns = now_ns
        self._scope: list[str] = []

    def build(self, node: Node) -> Evaluate:
        """Turn a tree, checked or not, into a closure."""
        return _BUILDERS[type(node)](self, node)

    def literal(self, node: Literal) -> Evaluate:
        """Give the constant."""
        value = node.value
        return lambda row, frame: value

    def field(self, node: FieldRef) -> Evaluate:
        """Read a field of the row; a missing one is its default."""
        name, kind = node.field.name, node.field.type
        default = field_value(kind, node.field.missing_value)
        if kind in {FieldType.TIMESTAMP, FieldType.STRING_LIST, FieldType.STRING_MAP}:

            def converted(row: Row, frame: Frame) -> Any:
                value = row.get(name)
                return default if value is None else field_value(kind, value)

            return converted

        def read(row: Row, frame: Frame) -> Any:
            value = row.get(name)
            return default if value is None else value

        return read

    def local(self, node: Local) -> Evaluate:
        """Read a loop variable."""
        return self._slot(node.name)

    def _slot(self, name: str) -> Evaluate:
        slot = len(self._scope) - self._scope[::-1].index(name)
        return lambda row, frame: frame[slot]

    def ident(self, node: Ident) -> Evaluate:
        """Read a variable of the bindings, or a type by its name."""
        if not node.rooted and node.name in self._scope:
            return self._slot(node.name)
        return self._dotted([node.name], rooted=node.rooted)

    def select(self, node: Select) -> Evaluate:
        """Read `operand.name` of a map, or a dotted variable of the bindings."""
        path = self._path(node)
        if path is not None:
            return self._dotted(path, test=node.test, rooted=_root(node).rooted)
        operand, name, test = self.build(node.operand), node.name, node.test
        lenient = isinstance(node.operand, FieldRef)
        return lambda row, frame: _member(operand(row, frame), name, test, lenient)

    def _path(self, node: Node) -> list[str] | None:
        names: list[str] = []
        while isinstance(node, Select) and (not node.test or not names):
            names.append(node.name)
            node = node.operand
        if isinstance(node, Ident) and (node.rooted or node.name not in self._scope):
            return [node.name, *reversed(names)]
        return None

    def _dotted(self, path: list[str], *, test: bool = False, rooted: bool = False) -> Evaluate:
        """Resolve `a.b.c` in the bindings: innermost container first, longest dotted name first, then keys of maps."""
        outer = [] if rooted or not self._container else self._container.split(".")
        scopes = [f"{'.'.join(outer[:length])}." for length in range(len(outer), 0, -1)] + [""]
        lengths = range(len(path) - (1 if test else 0), 0, -1)
        names = [(f"{scope}{'.'.join(path[:size])}", path[size:]) for scope in scopes for size in lengths]
        types = [(name, rest) for name, rest in names if name in TYPE_CONSTANTS]

        def resolve(row: Row, frame: Frame) -> Any:
            for name, rest in names:
                if name in row:
                    return _descend(from_python(row[name]), rest, test)
            for name, rest in types:
                return _descend(TYPE_CONSTANTS[name], rest, test)
            raise EvaluationError(f"undeclared reference to {quoted(path[0])}")

        return resolve

    def index(self, node: Index) -> Evaluate:
        """Read `operand[index]`; a missing key of a field is the empty text, of another map an error."""
        operand, index = self.build(node.operand), self.build(node.index)
        if isinstance(node.operand, FieldRef) and node.operand.field.type is FieldType.STRING_MAP:
            return lambda row, frame: operand(row, frame).get(map_key(index(row, frame)), "")
        return lambda row, frame: element(operand(row, frame), index(row, frame))

    def call(self, node: Call) -> Evaluate:
        """Call an operator, a function or a member function."""
        special = _SPECIAL.get(node.function) if node.operator else None
        if special is not None:
            left, right = (self.build(argument) for argument in node.arguments)
            function = special
            return lambda row, frame: function(left(row, frame), right(row, frame))
        if node.function == "now" and node.target is None and not node.arguments:
            return self._now()
        return self._overloaded(node)

    def _now(self) -> Evaluate:
        if self._now_ns is None:
            return _failing(EvaluationError("now() is not known here"))
        stamp = Timestamp(self._now_ns)
        return lambda row, frame: stamp

    def _overloaded(self, node: Call) -> Evaluate:
        name, target = node.function, node.target
        if isinstance(target, Ident) and target.name == "strings" and "strings" not in self._scope:
            name, target = f"strings.{name}", None
        table = library.OPERATORS if node.operator else library.FUNCTIONS if target is None else library.METHODS
        overloads = table.get(name)
        if overloads is None:
            return _failing(EvaluationError(f"unknown function {quoted(name)}"))
        children = node.arguments if target is None else (target, *node.arguments)
        if name == "matches" and len(children) == 2:
            pattern = children[1]
            if isinstance(pattern, Literal) and type(pattern.value) is str:
                return self._matches(children[0], pattern.value)
        return _dispatch(name.removesuffix("_"), overloads, [self.build(child) for child in children])

    def _matches(self, text: Node, pattern: str) -> Evaluate:
        read = self.build(text)
        try:
            search = searcher(pattern)
        except EvaluationError as error:
            return _failing(error)

        def found(row: Row, frame: Frame) -> bool:
            value: Any = read(row, frame)
            if not isinstance(value, str):
                raise no_overload("matches", value, pattern)
            return search(value)

        return found

    def logical(self, node: Logical) -> Evaluate:
        """`&&` and `||`: an operand that decides wins over errors on either side."""
        operands = [self.build(operand) for operand in node.operands]
        decisive, sign = node.operator == "||", node.operator

        def decide(row: Row, frame: Frame) -> bool:
            error: EvaluationError | None = None
            for operand in operands:
                try:
                    value: Any = operand(row, frame)
                except EvaluationError as raised:
                    error = error or raised
                    continue
                if type(value) is not bool:
                    error = error or no_overload(sign, value)
                elif value is decisive:
                    return decisive
            if error is not None:
                raise error
            return not decisive

        return decide

    def conditional(self, node: Conditional) -> Evaluate:
        """`condition ? yes : no`; only the chosen branch is evaluated."""
        condition, yes, no = self.build(node.condition), self.build(node.yes), self.build(node.no)

        def choose(row: Row, frame: Frame) -> Any:
            chosen = condition(row, frame)
            if type(chosen) is not bool:
                raise no_overload("?:", chosen)
            return yes(row, frame) if chosen else no(row, frame)

        return choose

    def list(self, node: ListNode) -> Evaluate:
        """Build a list."""
        items = [self.build(item) for item in node.items]
        return lambda row, frame: [item(row, frame) for item in items]

    def map(self, node: MapNode) -> Evaluate:
        """Build a map; a repeated key is an error."""
        entries = [(self.build(key), self.build(value)) for key, value in node.entries]

        def make(row: Row, frame: Frame) -> dict[Any, Any]:
            made: dict[Any, Any] = {}
            for key, value in entries:
                name = map_key(key(row, frame))
                if type(name) is float:
                    raise EvaluationError("unsupported key type: double")
                if name in made:
                    raise EvaluationError(f"repeated key {name!r} in a map")
                made[name] = value(row, frame)
            return made

        return make

    def macro(self, node: Macro) -> Evaluate:
        """Loop over a list or over the keys of a map."""
        target = self.build(node.target)
        self._scope.append(node.variable)
        slot = len(self._scope)
        self.depth = max(self.depth, slot)
        condition = None if node.condition is None else self.build(node.condition)
        body = _weighed(self.build(node.body), sum(1 for _ in walk(node.body)) // LIGHT)
        self._scope.pop()
        return MACRO_LOOPS[node.kind](target, slot, body, condition)


def _weighed(body: Evaluate, weight: int) -> Evaluate:
    """Take more loop steps for a large body, so that the steps of an evaluation bound its time."""
    if not weight:
        return body

    def run(row: Row, frame: Frame) -> Any:
        frame[0] -= weight
        return body(row, frame)

    return run


def field_value(kind: FieldType, value: Any) -> Any:
    """Turn a column's value into the CEL value of its type."""
    if kind is FieldType.TIMESTAMP:
        return Timestamp(value)
    if kind is FieldType.STRING_LIST:
        return ["" if item is None else item for item in value]
    if kind is FieldType.STRING_MAP:
        return {key: "" if item is None else item for key, item in dict(value).items()}
    return value


def _failing(error: EvaluationError) -> Evaluate:
    def fail(row: Row, frame: Frame) -> Any:
        raise error

    return fail


def _dispatch(name: str, overloads: Overloads, arguments: list[Evaluate]) -> Evaluate:
    def call(row: Row, frame: Frame) -> Any:
        values = [argument(row, frame) for argument in arguments]
        overload = overloads.get(tuple(map(type, values)))
        if overload is None:
            raise no_overload(name, *values)
        return overload.function(*values)

    return call


def _root(node: Node) -> Ident:
    while isinstance(node, Select):
        node = node.operand
    assert isinstance(node, Ident)
    return node


def _descend(value: Any, names: list[str], test: bool) -> Any:
    for at, name in enumerate(names):
        value = _member(value, name, test and at == len(names) - 1, False)
    return value


def _member(value: Any, name: str, test: bool, lenient: bool) -> Any:
    if type(value) is not dict:
        raise EvaluationError(f"type {type_name(value)} has no field {quoted(name)}: no matching overload")
    if test:
        return name in value
    if name in value:
        return value[name]
    if lenient:
        return ""
    raise EvaluationError(f"no such key: {quoted(name)}")


def element(value: Any, index: Any) -> Any:
    """Give the element of a list or map; a missing one is an error."""
    if type(value) is dict:
        key = map_key(index)
        if key not in value:
            raise EvaluationError(f"no such key: {index!r}")
        return value[key]
    if type(value) is not list or type(index) in {bool, str, bytes, type(None)}:
        raise no_overload("[]", value, index)
    if isinstance(index, float):
        if not index.is_integer():
            raise EvaluationError(f"invalid index: {index}")
        index = int(index)
    if not isinstance(index, int):
        raise no_overload("[]", value, index)
    if not 0 <= index < len(value):
        raise EvaluationError(f"index out of bounds: {int(index)}")
    return value[index]


def _in(item: Any, container: Any) -> bool:
    if type(container) is list:
        return any(equals(item, found) for found in container)
    if type(container) is dict:
        return map_key(item) in container
    raise no_overload("in", item, container)


def _ordered(sign: str) -> Callable[[Any, Any], bool]:
    holds = _ORDER[sign]

    def test(left: Any, right: Any) -> bool:
        order = compare(sign, left, right)
        return order is not None and holds(order)

    return test


_SPECIAL: dict[str, Callable[[Any, Any], bool]] = {
    "==": equals,
    "!=": lambda left, right: not equals(left, right),
    "in": _in,
    **{sign: _ordered(sign) for sign in _ORDER},
}
_BUILDERS: dict[type[Node], Callable[[Interpreter, Any], Evaluate]] = {
    Literal: Interpreter.literal,
    FieldRef: Interpreter.field,
    Local: Interpreter.local,
    Ident: Interpreter.ident,
    Select: Interpreter.select,
    Index: Interpreter.index,
    Call: Interpreter.call,
    Logical: Interpreter.logical,
    Conditional: Interpreter.conditional,
    ListNode: Interpreter.list,
    MapNode: Interpreter.map,
    Macro: Interpreter.macro,
}
