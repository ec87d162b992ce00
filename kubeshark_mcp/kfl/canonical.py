"""Tree -> text: the canonical form of a filter, one spelling for one meaning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kubeshark_mcp.kfl.literals import write_literal
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

_LEVELS = {"||": 1, "&&": 2, "+": 4, "-": 4, "*": 5, "/": 5, "%": 5}
_UNARY = 6
_MEMBER = 7


def write(node: Node, name_of: Callable[[FieldRef], str] | None = None) -> str:
    """Write a tree as KFL with the fewest brackets. `name_of` gives other names to the fields."""
    return _Writer(name_of or (lambda found: found.field.name)).write(node)[0]


class _Writer:
    """Each method gives the text and how tightly it binds."""

    def __init__(self, name_of: Callable[[FieldRef], str]) -> None:
        self._name_of = name_of

    def write(self, node: Node) -> tuple[str, int]:
        return _WRITERS[type(node)](self, node)

    def at(self, node: Node, level: int) -> str:
        text, binds = self.write(node)
        return text if binds >= level else f"({text})"

    def literal(self, node: Literal) -> tuple[str, int]:
        text = write_literal(node.value)
        return text, _UNARY if text.startswith("-") else _MEMBER

    def field(self, node: FieldRef) -> tuple[str, int]:
        return self._name_of(node), _MEMBER

    def name(self, node: Local) -> tuple[str, int]:
        return node.name, _MEMBER

    def ident(self, node: Ident) -> tuple[str, int]:
        return f".{node.name}" if node.rooted else node.name, _MEMBER

    def select(self, node: Select) -> tuple[str, int]:
        name = node.name if node.name.isidentifier() and node.name.isascii() else f"`{node.name}`"
        text = f"{self.at(node.operand, _MEMBER)}.{name}"
        return f"has({text})" if node.test else text, _MEMBER

    def index(self, node: Index) -> tuple[str, int]:
        return f"{self.at(node.operand, _MEMBER)}[{self.write(node.index)[0]}]", _MEMBER

    def call(self, node: Call) -> tuple[str, int]:
        if node.operator:
            return self._operator(node)
        arguments = ", ".join(self.write(argument)[0] for argument in node.arguments)
        target = "" if node.target is None else f"{self.at(node.target, _MEMBER)}."
        return f"{target}{node.function}({arguments})", _MEMBER

    def _operator(self, node: Call) -> tuple[str, int]:
        if len(node.arguments) == 1:
            operand = node.arguments[0]
            text = self.at(operand, _MEMBER)
            # `-5` would read back as a constant, `-(5)` as the negation that it is.
            is_number = node.function == "-_" and isinstance(operand, Literal) and not text.startswith("(")
            return f"{node.function[0]}({text})" if is_number else f"{node.function[0]}{text}", _UNARY
        level = _LEVELS.get(node.function, 3)
        left, right = node.arguments
        return f"{self.at(left, level)} {node.function} {self.at(right, level + 1)}", level

    def logical(self, node: Logical) -> tuple[str, int]:
        level = _LEVELS[node.operator]
        return f" {node.operator} ".join(self.at(operand, level + 1) for operand in node.operands), level

    def conditional(self, node: Conditional) -> tuple[str, int]:
        parts = self.at(node.condition, 1), self.at(node.yes, 1), self.at(node.no, 0)
        return f"{parts[0]} ? {parts[1]} : {parts[2]}", 0

    def list(self, node: ListNode) -> tuple[str, int]:
        return f"[{', '.join(self.write(item)[0] for item in node.items)}]", _MEMBER

    def map(self, node: MapNode) -> tuple[str, int]:
        pairs = (f"{self.write(key)[0]}: {self.write(value)[0]}" for key, value in node.entries)
        return f"{{{', '.join(pairs)}}}", _MEMBER

    def macro(self, node: Macro) -> tuple[str, int]:
        condition = "" if node.condition is None else f"{self.write(node.condition)[0]}, "
        target, body = self.at(node.target, _MEMBER), self.write(node.body)[0]
        return f"{target}.{node.kind}({node.variable}, {condition}{body})", _MEMBER


_WRITERS: dict[type[Node], Callable[[_Writer, Any], tuple[str, int]]] = {
    Literal: _Writer.literal,
    FieldRef: _Writer.field,
    Local: _Writer.name,
    Ident: _Writer.ident,
    Select: _Writer.select,
    Index: _Writer.index,
    Call: _Writer.call,
    Logical: _Writer.logical,
    Conditional: _Writer.conditional,
    ListNode: _Writer.list,
    MapNode: _Writer.map,
    Macro: _Writer.macro,
}
