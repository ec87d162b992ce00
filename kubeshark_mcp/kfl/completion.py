"""What can follow in a filter that is being typed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kubeshark_mcp.kfl import library
from kubeshark_mcp.kfl.catalogue import Catalogue
from kubeshark_mcp.kfl.overloads import CEL_TYPES, Overloads
from kubeshark_mcp.kfl.parser import MACROS
from kubeshark_mcp.kfl.types import FIELD_TYPES, Type
from kubeshark_mcp.model.field import Field

MOST = 50
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")
_AFTER_OPERAND = re.compile(r"""(?:[A-Za-z0-9_.\])]|"[^"]*"|'[^']*')\s+\Z""")
_OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "in", "&&", "||")
_LONGEST_LOOK_BACK = 500


@dataclass(frozen=True, slots=True)
class Completion:
    """Text that may take the place of `text[start:end]`. kind: field, function, macro or operator; detail: one line."""

    text: str
    start: int
    end: int
    kind: str
    detail: str


def complete(text: str, position: int, catalogue: Catalogue) -> list[Completion]:
    """Give what can stand at a position (in characters, clamped to the text), the likeliest first, `MOST` at most."""
    position = max(0, min(position, len(text)))
    before = text[max(0, position - _LONGEST_LOOK_BACK) : position]
    if _in_text(before):
        return []
    match = _WORD.search(before)
    word = match.group() if match else ""
    start = position - len(word)
    found = _members(word, position, catalogue) if "." in word else []
    found += [_field(field, start, position) for field in _ranked(word, catalogue)]
    if not word and _AFTER_OPERAND.search(before):
        found = [Completion(sign, position, position, "operator", "") for sign in _OPERATORS]
    elif "." not in word:
        found += _named(library.FUNCTIONS, word, start, position, "function")
    return found[:MOST]


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
    """Give the fields that begin with the word, then those that have a part or an alias that does."""
    folded = word.lower()
    first = [field for field in catalogue if field.name.lower().startswith(folded)]
    if not folded:
        return first
    parts = [
        field
        for field in catalogue
        if field not in first
        and any(part.startswith(folded) for part in (*re.split(r"[._]", field.name.lower()), *field.aliases))
    ]
    return first + parts


def _field(field: Field, start: int, end: int) -> Completion:
    return Completion(field.name, start, end, "field", f"{field.type.value}: {field.meaning}")


def _members(word: str, end: int, catalogue: Catalogue) -> list[Completion]:
    """Give the member functions of a field before the last dot."""
    name, _, typed = word.rpartition(".")
    field = catalogue.get(name)
    if field is None:
        return []
    kind = FIELD_TYPES[field.type]
    methods = {method: overloads for method, overloads in library.METHODS.items() if _takes(overloads, kind)}
    found = _named(methods, typed, end - len(typed), end, "function")
    if kind.name in {"list", "map"}:
        found += [
            Completion(f"{macro}(", end - len(typed), end, "macro", f"{name}.{macro}(x, …)")
            for macro in sorted(MACROS - {"existsOne"})
            if macro.startswith(typed)
        ]
    return found


def _takes(overloads: Overloads, kind: Type) -> bool:
    return any(CEL_TYPES[types[0]].name == kind.name for types in overloads)


def _named(table: Mapping[str, Overloads], typed: str, start: int, end: int, kind: str) -> list[Completion]:

    return [
        Completion(f"{name}(", start, end, kind, _signature(name, overloads))
        for name, overloads in sorted(table.items())
        if name.lower().startswith(typed.lower())
    ]


def _signature(name: str, overloads: Overloads) -> str:
    types, overload = next(iter(overloads.items()))
    return f"{name}({', '.join(CEL_TYPES[kind].name for kind in types)}) -> {overload.result}"
