"""The tree of an expression. The parser builds it, the checker resolves names in it and fills in the types.

Every node knows its span in the text (`start`, `end`: offsets in characters). Chains of `&&` and `||` are one node with
many operands, so that a long filter is a wide tree and not a deep one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from kubeshark_mcp.kfl.types import BOOL, DYN, Type
from kubeshark_mcp.model.field import Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Base of all nodes. `type` is `dyn` until the tree is checked."""

    start: int
    end: int
    type: Type = DYN

    def children(self) -> tuple[Node, ...]:
        """Give the operands in the order of the text."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal(Node):
    """A constant; `value` as in values.py."""

    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Ident(Node):
    """A name that is not resolved: a variable of the caller's bindings. `.name` (rooted) skips loop variables."""

    name: str
    rooted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRef(Node):
    """A KFL field; `field.name` is the column."""

    field: Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Local(Node):
    """The variable of an enclosing macro."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Select(Node):
    """`operand.name`, or `has(operand.name)` when `test` is set."""

    operand: Node
    name: str
    test: bool = False

    def children(self) -> tuple[Node, ...]:
        """Give the operand."""
        return (self.operand,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Index(Node):
    """`operand[index]` on a list or a map."""

    operand: Node
    index: Node

    def children(self) -> tuple[Node, ...]:
        """Give the operand and the index."""
        return (self.operand, self.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Node):
    """A function, `function(arguments)`, or with `target` a member function. Operators are calls of their sign."""

    function: str
    target: Node | None
    arguments: tuple[Node, ...]
    operator: bool = False

    def children(self) -> tuple[Node, ...]:
        """Give the target, where there is one, and the arguments."""
        return self.arguments if self.target is None else (self.target, *self.arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logical(Node):
    """`&&` or `||` over two operands or more; both absorb errors as CEL says."""

    operator: str
    operands: tuple[Node, ...]
    type: Type = BOOL

    def children(self) -> tuple[Node, ...]:
        """Give the operands."""
        return self.operands


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditional(Node):
    """`condition ? yes : no`."""

    condition: Node
    yes: Node
    no: Node

    def children(self) -> tuple[Node, ...]:
        """Give condition and both branches."""
        return (self.condition, self.yes, self.no)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListNode(Node):
    """`[a, b]`."""

    items: tuple[Node, ...]

    def children(self) -> tuple[Node, ...]:
        """Give the items."""
        return self.items


@dataclass(frozen=True, slots=True, kw_only=True)
class MapNode(Node):
    """`{key: value}`."""

    entries: tuple[tuple[Node, Node], ...]

    def children(self) -> tuple[Node, ...]:
        """Give keys and values in turn."""
        return tuple(node for entry in self.entries for node in entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Macro(Node):
    """`target.kind(variable, body)`: all, exists, exists_one, map, filter.

    `condition` is the middle argument of the three-argument map.
    """

    kind: str
    target: Node
    variable: str
    body: Node
    condition: Node | None = None

    def children(self) -> tuple[Node, ...]:
        """Give target, condition where there is one, and body."""
        if self.condition is None:
            return (self.target, self.body)
        return (self.target, self.condition, self.body)


def walk(node: Node) -> Iterator[Node]:
    """Give the node and all below it, parents first."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        yield found
        waiting.extend(reversed(found.children()))


def columns(node: Node) -> frozenset[str]:
    """Give the names of the fields that the tree reads."""
    return frozenset(found.field.name for found in walk(node) if isinstance(found, FieldRef))


def conjuncts(node: Node) -> tuple[Node, ...]:
    """Split a tree at its outermost `&&`."""
    return node.operands if isinstance(node, Logical) and node.operator == "&&" else (node,)


def with_children(node: Node, children: tuple[Node, ...]) -> Node:
    """Give the node with other children."""
    if all(one is other for one, other in zip(children, node.children(), strict=True)):
        return node
    if isinstance(node, Call):
        if node.target is None:
            return replace(node, arguments=children)
        return replace(node, target=children[0], arguments=children[1:])
    if isinstance(node, Macro):
        condition = children[1] if node.condition is not None else None
        return replace(node, target=children[0], condition=condition, body=children[-1])
    if isinstance(node, MapNode):
        return replace(node, entries=tuple(zip(children[::2], children[1::2], strict=True)))
    if isinstance(node, ListNode):
        return replace(node, items=children)
    if isinstance(node, Logical):
        return replace(node, operands=children)
    names = {Select: ("operand",), Index: ("operand", "index"), Conditional: ("condition", "yes", "no")}[type(node)]
    changes: dict[str, Any] = dict(zip(names, children, strict=True))
    return replace(node, **changes)
