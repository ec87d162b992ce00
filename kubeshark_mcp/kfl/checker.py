"""Tree -> checked tree: names become fields, every node gets its type, and mistakes are collected with their places."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from kubeshark_mcp.kfl import library
from kubeshark_mcp.kfl.catalogue import Catalogue
from kubeshark_mcp.kfl.conversions import TYPE_CONSTANTS
from kubeshark_mcp.kfl.diagnostics import Diagnostic, Source, quoted
from kubeshark_mcp.kfl.fixes import (
    Fix,
    a_type,
    constant_mistake,
    has_of_field,
    mismatch,
    no_overload,
    truth_of,
    unknown_function,
    unknown_name,
)
from kubeshark_mcp.kfl.overloads import PYTHON_TYPES, Overloads, of_value
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
)
from kubeshark_mcp.kfl.types import (
    BOOL,
    DYN,
    FIELD_TYPES,
    NUMBERS,
    ORDERED,
    STRING,
    TIMESTAMP,
    TYPE,
    Type,
    agree,
    join,
    list_of,
    map_of,
)

_COMPARISONS = frozenset({"<", "<=", ">", ">="})
EXPLAINED = 12
"""Unknown names for which the nearest one is looked for; a filter with more of them is no slip of the pen."""
_KEY_TYPES = frozenset({"bool", "int", "uint", "string", "dyn"})


class Checker:
    """Checks one tree. `errors` fills up; what is wrong has type `dyn`, so that it is told only once."""

    def __init__(self, source: Source, catalogue: Catalogue) -> None:
        self.errors: list[Diagnostic] = []
        self._source = source
        self._catalogue = catalogue
        self._scope: dict[str, Type] = {}

    def filter(self, node: Node) -> Node:
        """Check a whole filter; it must be a condition."""
        checked = self.check(node)
        self._must_be_bool(checked)
        return checked

    def check(self, node: Node) -> Node:
        """Give the node with names resolved and types filled in."""
        return _CHECKS[type(node)](self, node)

    def _fail(self, node: Node, fix: Fix) -> Node:
        start, end = (node.start, node.end) if fix.span is None else fix.span
        self.errors.append(
            self._source.diagnostic(
                fix.message, start, end, suggestion=fix.suggestion or fix.replacement, replacement=fix.replacement
            )
        )
        return Local(start=node.start, end=node.end, name="")

    def _must_be_bool(self, node: Node) -> None:
        if not agree(node.type, BOOL):
            self._fail(node, truth_of(self._source.text, node))

    def literal(self, node: Literal) -> Node:
        """Give a constant its type."""
        return replace(node, type=of_value(node.value))

    def ident(self, node: Ident) -> Node:
        """Resolve a plain name: loop variable, field, type."""
        return self._resolve(node, [node])

    def select(self, node: Select) -> Node:
        """Resolve `a.b.c`: the longest dotted field name wins, the rest selects keys of a map."""
        chain: list[Node] = [node]
        inner: Node = node
        while isinstance(inner, Select) and (inner is node or not inner.test):
            inner = inner.operand
            chain.append(inner)
        if isinstance(inner, Ident):
            return self._resolve(node, chain[::-1])
        return self._member(node, self.check(node.operand))

    def _resolve(self, node: Node, chain: list[Node]) -> Node:
        """Resolve a chain of an Ident and the Selects on it, innermost first."""
        first = chain[0]
        names = (
            [first.name, *(link.name for link in chain[1:] if isinstance(link, Select))]
            if isinstance(first, Ident)
            else []
        )
        length, found = self._longest(first, names)
        if found is None and len(self.errors) >= EXPLAINED:
            return self._fail(node, Fix(f"{quoted('.'.join(names))} is not a field."))
        if found is None:
            return self._fail(node, unknown_name(self._catalogue, names, chain, self._source.text))
        for link in chain[length:]:
            if isinstance(link, Select):
                found = self._member(link, found)
        if isinstance(node, Select) and node.test and length == len(chain):
            return self._fail(node, has_of_field(found))
        return found

    def _longest(self, first: Node, names: list[str]) -> tuple[int, Node | None]:
        rooted = isinstance(first, Ident) and first.rooted
        if names[0] in self._scope and not rooted:
            return 1, Local(start=first.start, end=first.end, name=names[0], type=self._scope[names[0]])
        for length in range(len(names), 0, -1):
            name = ".".join(names[:length])
            field = self._catalogue.get(name)
            if field is not None:
                end = first.end + len(name) - len(names[0])
                return length, FieldRef(start=first.start, end=end, field=field, type=FIELD_TYPES[field.type])
            if name in TYPE_CONSTANTS:
                return length, Literal(start=first.start, end=first.end, value=TYPE_CONSTANTS[name], type=TYPE)
        return 0, None

    def _member(self, node: Select, operand: Node) -> Node:
        if operand.type.name not in {"map", "dyn"}:
            text = self._source.text[operand.start : operand.end]
            message = f"{quoted(text)} is {a_type(operand.type)}; it has nothing called {quoted(node.name)}."
            if node.name in library.METHODS:
                message = f"{quoted(node.name)} is a function: write `{text}.{node.name}(…)`."
            return self._fail(node, Fix(message))
        value = operand.type.parameters[1] if operand.type.parameters else DYN
        return replace(node, operand=operand, type=BOOL if node.test else value)

    def index(self, node: Index) -> Node:
        """Check `operand[index]`."""
        operand, index = self.check(node.operand), self.check(node.index)
        kind = operand.type
        if kind.name == "list":
            if not agree(index.type, Type("int")) and index.type not in NUMBERS:
                return self._fail(index, Fix(f"A list is indexed by int, not by {a_type(index.type)}."))
            return replace(node, operand=operand, index=index, type=kind.parameters[0])
        if kind.name == "map":
            if not agree(index.type, kind.parameters[0]):
                return self._fail(index, mismatch("[]", index, kind.parameters[0], self._source.text))
            return replace(node, operand=operand, index=index, type=kind.parameters[1])
        if kind != DYN:
            return self._fail(node, Fix(f"{a_type(kind).capitalize()} has no elements: `[…]` is for lists and maps."))
        return replace(node, operand=operand, index=index, type=DYN)

    def logical(self, node: Logical) -> Node:
        """Demand conditions on both sides."""
        operands = tuple(self.check(operand) for operand in node.operands)
        for operand in operands:
            self._must_be_bool(operand)
        return replace(node, operands=operands)

    def conditional(self, node: Conditional) -> Node:
        """`?:` takes a condition and two branches of one type."""
        condition, yes, no = self.check(node.condition), self.check(node.yes), self.check(node.no)
        self._must_be_bool(condition)
        if not agree(yes.type, no.type):
            return self._fail(no, mismatch("?:", no, yes.type, self._source.text))
        return replace(node, condition=condition, yes=yes, no=no, type=join(yes.type, no.type))

    def list(self, node: ListNode) -> Node:
        """Find the type of the items; different ones make `dyn`."""
        items = tuple(self.check(item) for item in node.items)
        return replace(node, items=items, type=list_of(_joined(item.type for item in items)))

    def map(self, node: MapNode) -> Node:
        """Find the types of keys and values; keys are bool, int, uint or string."""
        entries = tuple((self.check(key), self.check(value)) for key, value in node.entries)
        for key, _ in entries:
            if key.type.name not in _KEY_TYPES:
                self._fail(key, Fix(f"{a_type(key.type).capitalize()} can't be a key of a map."))
        keys, values = _joined(key.type for key, _ in entries), _joined(value.type for _, value in entries)
        return replace(node, entries=entries, type=map_of(keys, values))

    def macro(self, node: Macro) -> Node:
        """Check `target.kind(variable, body)` with the variable in scope."""
        target = self.check(node.target)
        if target.type.name not in {"list", "map", "dyn"}:
            text = self._source.text[target.start : target.end]
            return self._fail(
                node, Fix(f"`{node.kind}` goes over a list or a map; {quoted(text)} is {a_type(target.type)}.")
            )
        outer = self._scope
        self._scope = {**outer, node.variable: target.type.parameters[0] if target.type.parameters else DYN}
        condition = None if node.condition is None else self.check(node.condition)
        body = self.check(node.body)
        self._scope = outer
        if condition is not None:
            self._must_be_bool(condition)
        if node.kind != "map":
            self._must_be_bool(body)
        results = {"map": list_of(body.type), "filter": list_of(self._element(target.type))}
        return replace(node, target=target, condition=condition, body=body, type=results.get(node.kind, BOOL))

    @staticmethod
    def _element(kind: Type) -> Type:
        return kind.parameters[0] if kind.parameters else DYN

    def call(self, node: Call) -> Node:
        """Check an operator or a function against its overloads."""
        target = node.target
        if isinstance(target, Ident) and target.name == "strings" and target.name not in self._scope:
            checked = self._function(replace(node, target=None, function=f"strings.{node.function}"))
            return replace(checked, target=None) if isinstance(checked, Call) else checked
        if node.operator:
            return self._operator(node)
        return self._function(node)

    def _operator(self, node: Call) -> Node:
        arguments = tuple(self.check(argument) for argument in node.arguments)
        if node.function in {"==", "!=", *_COMPARISONS}:
            return self._comparison(node, arguments)
        if node.function == "in":
            return self._in(node, arguments)
        if node.function == "!_":
            self._must_be_bool(arguments[0])
            return replace(node, arguments=arguments, type=BOOL)
        if node.function == "+" and all(argument.type.name == "list" for argument in arguments):
            return replace(node, arguments=arguments, type=join(arguments[0].type, arguments[1].type))
        return self._overload(node, library.OPERATORS[node.function], arguments, arguments)

    def _comparison(self, node: Call, arguments: tuple[Node, ...]) -> Node:
        left, right = arguments
        fits = agree(left.type, right.type)
        if node.function in _COMPARISONS:
            fits = fits or (left.type in NUMBERS and right.type in NUMBERS)
            for side in arguments:
                if side.type != DYN and side.type not in ORDERED:
                    return self._fail(node, Fix(f"{a_type(side.type).capitalize()} has no order: use `==` or `!=`."))
        if not fits:
            wrong, other = (left, right) if isinstance(left, Literal) else (right, left)
            return self._fail(wrong, mismatch(node.function, wrong, other.type, self._source.text, other))
        return replace(node, arguments=arguments, type=BOOL)

    def _in(self, node: Call, arguments: tuple[Node, ...]) -> Node:
        item, container = arguments
        if container.type.name not in {"list", "map", "dyn"}:
            text, part = (self._source.text[side.start : side.end] for side in (container, item))
            replacement = f"{text}.contains({part})" if {container.type, item.type} == {STRING} else None
            message = f"`in` looks into a list or a map; {quoted(text)} is {a_type(container.type)}."
            return self._fail(node, Fix(message, replacement=replacement))
        if container.type.parameters and not agree(item.type, container.type.parameters[0]):
            return self._fail(item, mismatch("in", item, container.type.parameters[0], self._source.text))
        return replace(node, arguments=arguments, type=BOOL)

    def _function(self, node: Call) -> Node:
        if node.function == "now" and node.target is None and not node.arguments:
            return replace(node, type=TIMESTAMP)
        table = library.FUNCTIONS if node.target is None else library.METHODS
        overloads = table.get(node.function)
        if overloads is None and len(self.errors) >= EXPLAINED:
            return self._fail(node, Fix(f"{quoted(node.function)} is not a function of KFL."))
        if overloads is None:
            return self._fail(node, unknown_function(node, self._source.text))
        target = None if node.target is None else self.check(node.target)
        arguments = tuple(self.check(argument) for argument in node.arguments)
        children = arguments if target is None else (target, *arguments)
        fix = constant_mistake(node.function, children)
        if fix is not None:
            return self._fail(node, fix)
        return self._overload(replace(node, target=target), overloads, children, arguments)

    def _overload(
        self, node: Call, overloads: Overloads, children: tuple[Node, ...], arguments: tuple[Node, ...]
    ) -> Node:
        kinds = [PYTHON_TYPES.get(child.type.name) for child in children]
        fitting = [
            overload.result
            for types, overload in overloads.items()
            if len(types) == len(kinds) and all(k is None or k is t for k, t in zip(kinds, types, strict=True))
        ]
        if not fitting:
            return self._fail(node, no_overload(node, overloads, children, self._source.text))
        result = fitting[0] if len(set(fitting)) == 1 else DYN
        if node.function == "map_get" and children[0].type.parameters:
            result = children[0].type.parameters[1]
        return replace(node, arguments=arguments, type=result)


def _joined(kinds: Iterable[Type]) -> Type:
    found: Type | None = None
    for kind in kinds:
        found = kind if found is None else join(found, kind)
    return DYN if found is None else found


_CHECKS: dict[type[Node], Callable[[Checker, Any], Node]] = {
    Literal: Checker.literal,
    Ident: Checker.ident,
    Select: Checker.select,
    Index: Checker.index,
    Call: Checker.call,
    Logical: Checker.logical,
    Conditional: Checker.conditional,
    ListNode: Checker.list,
    MapNode: Checker.map,
    Macro: Checker.macro,
}
