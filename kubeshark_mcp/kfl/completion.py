"""What can follow in a filter that is being typed: fields, values seen, functions by type, operators."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kubeshark_mcp.kfl import library
from kubeshark_mcp.kfl.catalogue import Catalogue
from kubeshark_mcp.kfl.checker import Checker
from kubeshark_mcp.kfl.diagnostics import KflError, Source
from kubeshark_mcp.kfl.literals import write_literal
from kubeshark_mcp.kfl.overloads import CEL_TYPES, Overloads
from kubeshark_mcp.kfl.parser import MACROS, parse
from kubeshark_mcp.kfl.suggest import MEANINGS
from kubeshark_mcp.kfl.types import DYN, Type
from kubeshark_mcp.model.field import Field, FieldType

MOST = 100
"""Completions of one answer: as many as MCP allows."""
_LONGEST_LOOK_BACK = 500
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")
_AFTER_OPERAND = re.compile(r"""(?:[A-Za-z0-9_.\])]|"[^"]*"|'[^']*')\s+\Z""")
_OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "in", "&&", "||")
_NAME = r"(?P<field>[A-Za-z_][A-Za-z0-9_.]*?)"
_BEGUN = r"""(?P<typed>"[^"]*+|'[^']*+|[A-Za-z0-9_.+-]*+)\Z"""
_BEFORE_VALUE = tuple(
    re.compile(_NAME + between + _BEGUN)
    for between in (
        r"\s*(?:==|!=|<=|>=|<|>)\s*",
        r"""\s+in\s*\[(?:[^"'\]]|"[^"]*"|'[^']*')*?(?<=[\[,\s])""",
        r"\.(?:contains|startsWith|endsWith)\(\s*",
        r"\[\s*",
    )
)
_KEY = _BEFORE_VALUE[-1]
_TEXTS = frozenset({FieldType.STRING, FieldType.STRING_LIST, FieldType.STRING_MAP})
_WRITABLE = _TEXTS | {FieldType.INT, FieldType.DOUBLE, FieldType.BOOL}
_OPENING = {")": "(", "]": "["}


@dataclass(frozen=True, slots=True)
class Completion:
    """Text that may take the place of `text[start:end]`.

    kind: field, function, macro, operator or value. detail: one line, for a value how many entries have it.
    """

    text: str
    start: int
    end: int
    kind: str
    detail: str

    def applied(self, text: str) -> str:
        """Give the whole filter with the completion in its place."""
        return text[: self.start] + self.text + text[self.end :]


@dataclass(frozen=True, slots=True)
class ValuePlace:
    """A place where a value of `field` is expected; `typed`, what there is of it, begins at `start`."""

    field: Field
    typed: str
    start: int
    end: int


def value_place(text: str, position: int, catalogue: Catalogue) -> ValuePlace | None:
    """Say whose value is being typed, so that the caller can look up the commonest ones; None where none is.

    Known: after a comparison, in the list after `in`, in contains, startsWith, endsWith, and the key of a map.
    """
    position = max(0, min(position, len(text)))
    before = text[max(0, position - _LONGEST_LOOK_BACK) : position]
    for pattern in _BEFORE_VALUE:
        match = pattern.search(before)
        field = catalogue.get(match["field"]) if match else None
        if match and field is not None and (pattern is not _KEY or field.type is FieldType.STRING_MAP):
            return ValuePlace(field, match["typed"], position - len(match["typed"]), position)
    return None


def complete(
    text: str, position: int, catalogue: Catalogue, values: Sequence[tuple[str, int]] = ()
) -> list[Completion]:
    """Give what can stand at a position (in characters, clamped to the text), the likeliest first, `MOST` at most.

    values: (value, entries that have it) of the field that `value_place` names, commonest first.
    """
    position = max(0, min(position, len(text)))
    place = value_place(text, position, catalogue)
    found = [] if place is None else _values(place, values)
    before = text[max(0, position - _LONGEST_LOOK_BACK) : position]
    if not _in_text(text[:position]):
        found += _names(before, position, catalogue)
    return found[:MOST]


def _names(before: str, position: int, catalogue: Catalogue) -> list[Completion]:
    match = _WORD.search(before)
    word = match.group() if match else ""
    start = position - len(word)
    if not word and _AFTER_OPERAND.search(before):
        return [Completion(sign, position, position, "operator", "") for sign in _OPERATORS]
    operand, dot, typed = before.rpartition(".")
    found = _members(operand, typed, position, catalogue) if dot and re.fullmatch(r"\w*", typed) else []
    if before[: len(before) - len(word)].endswith("."):
        return found
    found += [_field(field, start, position) for field in _ranked(word, catalogue)]
    if "." not in word:
        found += _functions(library.FUNCTIONS, word, start, position)
    return found


def _values(place: ValuePlace, values: Sequence[tuple[str, int]]) -> list[Completion]:
    """Write the values that continue what is typed, quoted where the field holds text."""
    kind = place.field.type
    if kind not in _WRITABLE:
        return []
    if kind is FieldType.BOOL:
        values = [("true", 0), ("false", 0)]
    quote = place.typed[:1] if place.typed[:1] in {'"', "'"} else ""
    typed = place.typed[len(quote) :].lower()
    is_text = kind in _TEXTS
    return [
        Completion(write_literal(value) if is_text else value, place.start, place.end, "value", _entries(count))
        for value, count in sorted(values, key=lambda pair: not pair[0].lower().startswith(typed))
        if typed in value.lower() and (is_text or not quote)
    ]


def _entries(count: int) -> str:
    return f"{count} entr{'y' if count == 1 else 'ies'}" if count else ""


def _in_text(before: str) -> bool:
    """Say whether the position is inside quotes."""
    quote = ""
    skip = False
    for char in before:
        if skip:
            skip = False
        elif char == "\\" and quote:
            skip = True
        elif quote:
            quote = "" if char == quote else quote
        elif char in {'"', "'"}:
            quote = char
    return bool(quote)


def _ranked(word: str, catalogue: Catalogue) -> list[Field]:
    """Give the fields that begin with the word, those of which a part or an alias does, then those that mean it."""
    folded = word.lower()
    if not folded:
        return list(catalogue)
    ranks: dict[int, list[Field]] = {0: [], 1: [], 2: [], 3: []}
    meant = {field for said, field in MEANINGS.items() if said.startswith(folded)}
    for field in catalogue:
        name = field.name.lower()
        if name.startswith(folded):
            ranks[0].append(field)
        elif _begins(folded, (*re.split(r"[._]", name), *field.aliases)):
            ranks[1].append(field)
        elif field.name in meant:
            ranks[2].append(field)
        elif len(folded) > 2 and _begins(folded, re.split(r"\W+", field.meaning.lower())):
            ranks[3].append(field)
    return [field for rank in ranks.values() for field in rank]


def _begins(start: str, words: Iterable[str]) -> bool:
    return any(word.startswith(start) for word in words)


def _field(field: Field, start: int, end: int) -> Completion:
    return Completion(field.name, start, end, "field", f"{field.type.value}: {field.meaning}")


def _members(before: str, typed: str, end: int, catalogue: Catalogue) -> list[Completion]:
    """Give the member functions and macros of the expression before the dot, by its type."""
    text = before[_operand_start(before) :]
    kind = _type_of(text, catalogue)
    if kind is None:
        return []
    methods = {name: overloads for name, overloads in library.METHODS.items() if _takes(overloads, kind)}
    found = _functions(methods, typed, end - len(typed), end)
    if kind.name in {"list", "map"}:
        found += [
            Completion(f"{macro}(", end - len(typed), end, "macro", f"{text}.{macro}(x, …)")
            for macro in sorted(MACROS - {"existsOne"})
            if macro.startswith(typed)
        ]
    return found


def _operand_start(before: str) -> int:
    """Find where the operand that ends here begins: a name, a text, with its brackets and members."""
    at = len(before)
    while at > 0:
        char = before[at - 1]
        if char in {'"', "'"}:
            opening = before.rfind(char, 0, at - 1)
        elif char in _OPENING:
            opening = _opening(before, at - 1)
        elif char.isalnum() or char in "._":
            opening = at - 1
        else:
            break
        if opening < 0:
            break
        at = opening
    return at


def _opening(before: str, closing: int) -> int:
    """Find the bracket that the one at `closing` closes, texts skipped; -1 where there is none."""
    wanted, depth, quote = _OPENING[before[closing]], 0, ""
    for at in range(closing, -1, -1):
        char = before[at]
        if quote:
            quote = "" if char == quote else quote
        elif char in {'"', "'"}:
            quote = char
        elif char == before[closing]:
            depth += 1
        elif char == wanted:
            depth -= 1
            if depth == 0:
                return at
    return -1


def _type_of(text: str, catalogue: Catalogue) -> Type | None:
    """Give the type of an expression, or None where it is none."""
    try:
        checker = Checker(Source(text), catalogue)
        kind = checker.check(parse(text)).type
    except KflError:
        return None
    return None if checker.errors or kind == DYN else kind


def _takes(overloads: Overloads, kind: Type) -> bool:
    return any(CEL_TYPES[types[0]].name == kind.name for types in overloads)


def _functions(table: Mapping[str, Overloads], typed: str, start: int, end: int) -> list[Completion]:
    return [
        Completion(f"{name}(", start, end, "function", signature(name, overloads))
        for name, overloads in sorted(table.items())
        if name.lower().startswith(typed.lower())
    ]


def signature(name: str, overloads: Overloads) -> str:
    """Write the first overload of a function: `size(string) -> int`."""
    types, overload = next(iter(overloads.items()))
    return f"{name}({', '.join(CEL_TYPES[kind].name for kind in types)}) -> {overload.result}"
