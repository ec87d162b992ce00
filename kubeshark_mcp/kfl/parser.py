"""Tokens -> tree: precedence climbing over the CEL grammar, bounded in depth and size.

Written here rather than taken from the reference library because a filter is parsed on every request: this costs
microseconds a token instead of milliseconds, needs no import of a grammar tool at start-up, and hostile text
(a megabyte, ten thousand brackets) ends in an error at once.
Source: Common Expression Language specification, "Syntax" and "Macros".
"""

from __future__ import annotations

from kubeshark_mcp.kfl.diagnostics import KflError, Source, quoted
from kubeshark_mcp.kfl.lexer import RESERVED, Token, tokens
from kubeshark_mcp.kfl.tree import (
    Call,
    Conditional,
    Ident,
    Index,
    ListNode,
    Literal,
    Logical,
    Macro,
    MapNode,
    Node,
    Select,
)
from kubeshark_mcp.kfl.values import INT_MAX

DEEPEST = 100
"""Brackets, chains and operators nested deeper than this are refused; the CEL specification asks for at least 32."""

MACROS = frozenset({"all", "exists", "exists_one", "existsOne", "map", "filter"})
_PRECEDENCE = {
    "||": 1,
    "&&": 2,
    "==": 3,
    "!=": 3,
    "<": 3,
    "<=": 3,
    ">": 3,
    ">=": 3,
    "in": 3,
    "+": 4,
    "-": 4,
    "*": 5,
    "/": 5,
    "%": 5,
}
_WORDS = {"and": "&&", "or": "||", "not": "!", "eq": "==", "ne": "!=", "contains": "", "matches": "", "startswith": ""}


def parse(text: str) -> Node:
    """Parse an expression. Raises KflError with the position of the first mistake."""
    return _Parser(Source(text)).whole()


class _Parser:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._tokens = tokens(source)
        self._at = 0
        self._next = self._tokens[0]
        self._depth = 0

    def whole(self) -> Node:
        node = self._expression()
        if self._next.kind != "end":
            raise self._unexpected("the end of the filter or an operator such as `&&`")
        return node

    def _advance(self) -> Token:
        token = self._next
        if token.kind != "end":
            self._at += 1
            self._next = self._tokens[self._at]
        return token

    def _expect(self, kind: str) -> Token:
        if self._next.kind != kind:
            raise self._unexpected(quoted(kind))
        return self._advance()

    def _error(self, message: str, start: int, end: int, replacement: str | None = None) -> KflError:
        found = self._source.diagnostic(message, start, end, suggestion=replacement, replacement=replacement)
        return KflError(self._source, (found,))

    def _unexpected(self, wanted: str) -> KflError:
        token = self._next
        if token.kind == "end":
            return self._error(f"The filter ends here, but {wanted} must follow.", token.start, token.end)
        text = self._source.text[token.start : token.end]
        word = _WORDS.get(text.lower())
        if word is not None:
            advice = f"write {quoted(word)}" if word else f'write `field.{text}("…")`'
            return self._error(
                f"{quoted(text)} is not an operator of KFL: {advice}.", token.start, token.end, word or None
            )
        return self._error(f"{quoted(text)} cannot stand here: expected {wanted}.", token.start, token.end)

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            token = self._next
            message = f"The filter is nested more than {DEEPEST} levels deep: simplify it."
            raise self._error(message, token.start, token.end)

    def _expression(self) -> Node:
        """Read `condition ? yes : no`, or what binds tighter."""
        self._deeper()
        condition = self._binary(1)
        if self._next.kind == "?":
            self._advance()
            yes = self._binary(1)
            self._expect(":")
            no = self._expression()
            condition = Conditional(start=condition.start, end=no.end, condition=condition, yes=yes, no=no)
        self._depth -= 1
        return condition

    def _binary(self, weakest: int) -> Node:
        before = self._depth
        left = self._unary()
        while (level := _PRECEDENCE.get(self._next.kind, 0)) >= weakest:
            sign = self._next.kind
            if sign in {"&&", "||"}:
                left = self._logical(left, sign, level)
                continue
            self._advance()
            self._deeper()
            right = self._binary(level + 1)
            left = Call(
                start=left.start, end=right.end, function=sign, target=None, arguments=(left, right), operator=True
            )
        self._depth = before
        return left

    def _logical(self, first: Node, sign: str, level: int) -> Node:
        operands = [first]
        while self._next.kind == sign:
            self._advance()
            operands.append(self._binary(level + 1))
        flat: list[Node] = []
        for operand in operands:
            flat.extend(operand.operands if isinstance(operand, Logical) and operand.operator == sign else (operand,))
        return Logical(start=first.start, end=operands[-1].end, operator=sign, operands=tuple(flat))

    def _unary(self) -> Node:
        token = self._next
        if token.kind not in {"!", "-"}:
            return self._member()
        self._advance()
        number = self._next
        if token.kind == "-" and number.kind == "literal" and type(number.value) in {int, float}:
            return self._member(negative_from=token.start)
        self._deeper()
        operand = self._unary()
        self._depth -= 1
        function = "!_" if token.kind == "!" else "-_"
        return Call(
            start=token.start, end=operand.end, function=function, target=None, arguments=(operand,), operator=True
        )

    def _member(self, negative_from: int | None = None) -> Node:
        """Read a primary and the `.name`, `.call()` and `[index]` after it."""
        before = self._depth
        node = self._primary(negative_from)
        while self._next.kind in {".", "["}:
            self._deeper()
            node = self._index(node) if self._next.kind == "[" else self._dot(node)
        if self._next.kind == "{" and isinstance(node, Ident | Select):
            message = "KFL has no messages: write the condition with fields, or a map `{key: value}`."
            raise self._error(message, self._next.start, self._next.end)
        self._depth = before
        return node

    def _index(self, operand: Node) -> Node:
        self._advance()
        index = self._expression()
        end = self._expect("]").end
        return Index(start=operand.start, end=end, operand=operand, index=index)

    def _dot(self, operand: Node) -> Node:
        self._advance()
        if self._next.kind == "escaped":
            token = self._advance()
            return Select(start=operand.start, end=token.end, operand=operand, name=token.value)
        token = self._name()
        if self._next.kind != "(":
            return Select(start=operand.start, end=token.end, operand=operand, name=token.value)
        arguments, end = self._arguments()
        if token.value in MACROS and self._is_macro(token, arguments):
            return self._macro(operand, token, arguments, end)
        return Call(start=operand.start, end=end, function=token.value, target=operand, arguments=arguments)

    def _name(self) -> Token:
        token = self._next
        if token.kind == "in" or (token.kind == "literal" and token.value in {True, False, None}):
            token = Token("name", self._source.text[token.start : token.end], token.start, token.end)
            raise self._error(f"{quoted(token.value)} cannot be a name here.", token.start, token.end)
        if token.kind != "name":
            raise self._unexpected("a name")
        return self._advance()

    def _arguments(self) -> tuple[tuple[Node, ...], int]:
        self._expect("(")
        arguments: list[Node] = []
        while self._next.kind != ")":
            arguments.append(self._expression())
            if self._next.kind != ",":
                break
            self._advance()
            if self._next.kind == ")":
                raise self._unexpected("another argument")
        return tuple(arguments), self._expect(")").end

    @staticmethod
    def _is_macro(token: Token, arguments: tuple[Node, ...]) -> bool:
        return len(arguments) == 2 or (len(arguments) == 3 and token.value == "map")

    def _macro(self, target: Node, token: Token, arguments: tuple[Node, ...], end: int) -> Node:
        variable = arguments[0]
        if not isinstance(variable, Ident) or variable.rooted:
            message = f"The first argument of `{token.value}` names the loop variable: a plain name such as `x`."
            raise self._error(message, variable.start, variable.end)
        kind = "exists_one" if token.value == "existsOne" else token.value
        condition = arguments[1] if len(arguments) == 3 else None
        return Macro(
            start=target.start,
            end=end,
            kind=kind,
            target=target,
            variable=variable.name,
            condition=condition,
            body=arguments[-1],
        )

    def _primary(self, negative_from: int | None) -> Node:
        token = self._next
        if token.kind == "literal":
            return self._literal(negative_from)
        if token.kind == "name":
            return self._identifier(rooted=False)
        if token.kind == "(":
            self._advance()
            node = self._expression()
            self._expect(")")
            return node
        if token.kind == "[":
            return self._list()
        if token.kind == "{":
            return self._map()
        if token.kind == ".":
            self._advance()
            return self._identifier(rooted=True)
        raise self._unexpected("a field, a value or `(`")

    def _literal(self, negative_from: int | None) -> Node:
        token = self._advance()
        value, start = token.value, token.start
        if negative_from is not None:
            value, start = -value, negative_from
        elif type(value) is int and value > INT_MAX:
            text = self._source.text[token.start : token.end]
            raise self._error(f"{quoted(text)} does not fit 64 bits (int).", token.start, token.end)
        return Literal(start=start, end=token.end, value=value)

    def _identifier(self, *, rooted: bool) -> Node:
        token = self._name()
        if token.value in RESERVED:
            raise self._error(f"{quoted(token.value)} is a reserved word of CEL.", token.start, token.end)
        if self._next.kind != "(":
            return Ident(start=token.start, end=token.end, name=token.value, rooted=rooted)
        arguments, end = self._arguments()
        if token.value == "has" and len(arguments) == 1:
            return self._has(arguments[0], token.start, end)
        return Call(start=token.start, end=end, function=token.value, target=None, arguments=arguments)

    def _has(self, argument: Node, start: int, end: int) -> Node:
        if not isinstance(argument, Select) or argument.test:
            message, replacement = "`has` takes a selection, `has(map.key)`.", None
            if isinstance(argument, Index):
                text = self._source.text
                key = text[argument.index.start : argument.index.end]
                replacement = f"{key} in {text[argument.operand.start : argument.operand.end]}"
                message = f"`has` takes a selection; for a key in brackets write `{replacement}`."
            raise self._error(message, start, end, replacement)
        return Select(start=start, end=end, operand=argument.operand, name=argument.name, test=True)

    def _list(self) -> Node:
        start = self._advance().start
        items: list[Node] = []
        while self._next.kind != "]":
            items.append(self._expression())
            if self._next.kind != ",":
                break
            self._advance()
        return ListNode(start=start, end=self._expect("]").end, items=tuple(items))

    def _map(self) -> Node:
        start = self._advance().start
        entries: list[tuple[Node, Node]] = []
        while self._next.kind != "}":
            key = self._expression()
            self._expect(":")
            entries.append((key, self._expression()))
            if self._next.kind != ",":
                break
            self._advance()
        return MapNode(start=start, end=self._expect("}").end, entries=tuple(entries))
