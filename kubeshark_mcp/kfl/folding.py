"""Checked tree -> smaller tree of the same meaning: constants computed, absent columns replaced by their defaults."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from kubeshark_mcp.kfl.diagnostics import EvaluationError
from kubeshark_mcp.kfl.interpreter import Interpreter, new_frame
from kubeshark_mcp.kfl.tree import (
    Conditional,
    FieldRef,
    Literal,
    Local,
    Logical,
    Macro,
    Node,
    with_children,
)
from kubeshark_mcp.kfl.values import size_of

_STEPS = 10_000
_LARGEST = 10_000
"""A constant of more characters or items is not kept; the expression is evaluated where it is needed."""


def fold(node: Node, present: Collection[str] | None, now_ns: int) -> Node:
    """Compute what does not depend on the row. An expression that fails stays as it is and fails on each row.

    present: the columns that there are; a field without one is the constant that its default is. None: all are there.
    """
    return _Folder(present, now_ns).fold(node)


class _Folder:
    def __init__(self, present: Collection[str] | None, now_ns: int) -> None:
        self._present = present
        self._now_ns = now_ns

    def fold(self, node: Node) -> Node:
        if isinstance(node, Literal | Local):
            return node
        if isinstance(node, FieldRef):
            return self._compute(node) if self._is_absent(node) and node.type.name != "map" else node
        if isinstance(node, Logical):
            return self._logical(node)
        rebuilt = with_children(node, tuple(self.fold(child) for child in node.children()))
        if isinstance(rebuilt, Conditional) and isinstance(rebuilt.condition, Literal):
            return rebuilt.yes if rebuilt.condition.value is True else rebuilt.no
        return self._compute(rebuilt) if self._is_closed(rebuilt, frozenset()) else rebuilt

    def _is_absent(self, node: Node) -> bool:
        return isinstance(node, FieldRef) and self._present is not None and node.field.name not in self._present

    def _is_closed(self, node: Node, bound: frozenset[str]) -> bool:
        """Say whether nothing in the tree depends on the row; looks below the children only in a macro."""
        if isinstance(node, Local):
            return node.name in bound
        if isinstance(node, Literal) or self._is_absent(node):
            return True
        if isinstance(node, Macro):
            inner = bound | {node.variable}
            condition = node.condition is None or self._is_closed(node.condition, inner)
            return condition and self._is_closed(node.target, bound) and self._is_closed(node.body, inner)
        if isinstance(node, FieldRef):
            return False
        return all(
            isinstance(child, Literal) or self._is_absent(child) or (bound and self._is_closed(child, bound))
            for child in node.children()
        )

    def _logical(self, node: Logical) -> Node:
        """Drop operands that cannot decide; one that does is the whole."""
        decisive = node.operator == "||"
        operands: list[Node] = []
        for operand in node.operands:
            folded = self.fold(operand)
            if not isinstance(folded, Literal):
                operands.append(folded)
            elif folded.value is decisive:
                return replace(folded, start=node.start, end=node.end)
        if not operands:
            return Literal(start=node.start, end=node.end, type=node.type, value=not decisive)
        return operands[0] if len(operands) == 1 else replace(node, operands=tuple(operands))

    def _compute(self, node: Node) -> Node:
        interpreter = Interpreter(self._now_ns)
        try:
            value = interpreter.build(node)({}, new_frame(interpreter.depth, _STEPS))
        except EvaluationError:
            return node
        if size_of(value, _LARGEST) > _LARGEST:
            return node
        return Literal(start=node.start, end=node.end, type=node.type, value=value)
