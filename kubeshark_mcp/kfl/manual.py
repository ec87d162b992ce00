"""The reference pages of KFL, written from the catalogue and the library: text in, text out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kubeshark_mcp.kfl.lexer import LONGEST_TEXT
from kubeshark_mcp.kfl.manual_text import (
    DIFFERENCES,
    FUNCTIONS,
    LEFT_OUT,
    LIMITS,
    MACROS,
    METHODS,
    OPERATORS,
    PITFALLS,
    TYPES,
    Entry,
)
from kubeshark_mcp.kfl.parser import DEEPEST
from kubeshark_mcp.kfl.regex import LONGEST_PATTERN
from kubeshark_mcp.model.field import Field

_INTRODUCTION = """\
KFL is CEL, the Common Expression Language, over the fields of network entries.
A filter is one condition; entries for which it is true are selected.

```kfl
http && status_code >= 500 && dst.namespace == "shop"
```"""
WRITTEN = "<!-- Written by scripts/write_kfl_reference.py; edit the declarations, not this page. -->"


@dataclass(frozen=True, slots=True)
class Section:
    """Fields under one heading. introduction: sentences before the table. elsewhere: names that other tables have."""

    title: str
    introduction: str
    fields: Sequence[Field]
    elsewhere: Sequence[str] = ()


def fields_page(sections: Sequence[Section]) -> str:
    """Write the page of fields: a table of contents, then one table a section."""
    total = sum(len(section.fields) for section in sections)
    lines = [
        "# Fields of KFL",
        "",
        WRITTEN,
        "",
        f"{total} fields. Each entry has all of them: one that it does not carry has its default, which is the empty "
        'value of its type (`""`, `0`, `0.0`, `false`, an empty list or map, 1970) unless the table says another.',
        "A wrong name is an error with a suggestion, never an empty answer.",
        "",
        *(f"- [{section.title}](#{_anchor(section.title)}): {len(section.fields)}" for section in sections),
    ]
    for section in sections:
        lines += ["", f"## {section.title}", "", section.introduction]
        if section.fields:
            lines += ["", "| field | type | meaning | example |", "| --- | --- | --- | --- |"]
        lines += [_row(field) for field in section.fields]
        if section.elsewhere:
            lines += ["", f"Also: {', '.join(f'`{name}`' for name in section.elsewhere)}."]
    return "\n".join(lines) + "\n"


def _row(field: Field) -> str:
    default = "" if field.default is None else f" (default {field.default!r})"
    return f"| `{field.name}` | {field.type.value} | {_cell(field.meaning)}{default} | `{_cell(field.example)}` |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _anchor(title: str) -> str:
    """Give the anchor that Markdown readers make of a heading."""
    return "".join(char for char in title.lower().replace(" ", "-") if char.isalnum() or char in "-_")


def language_page() -> str:
    """Write the page of the language: operators, functions, macros, what is different from CEL and what is left out."""
    limits = {"longest": LONGEST_TEXT, "deepest": DEEPEST, "pattern": LONGEST_PATTERN}
    parts: list[tuple[str, str, list[str]]] = [
        ("Types", "", _bullets(TYPES)),
        ("Operators", "From the weakest binding to the strongest. Brackets group.", _bullets(OPERATORS)),
        ("Functions", "", _bullets(FUNCTIONS)),
        ("Member functions", "", _bullets(METHODS)),
        ("Macros", "`x` is a name of your choice. Over a map they go over its keys.", _bullets(MACROS)),
        ("What is easily misread", "", _bullets(PITFALLS)),
        ("Beyond CEL", "", [f"- {sentence}" for sentence in DIFFERENCES]),
        ("Left out of CEL on purpose", "", [f"- **{what}**: {reason}" for what, reason in LEFT_OUT]),
        ("Limits", "", ["- " + sentence.format(**limits) for sentence in LIMITS]),
    ]
    lines = ["# The language", "", WRITTEN, "", _INTRODUCTION]
    for title, introduction, body in parts:
        lines += ["", f"## {title}", "", *([introduction, ""] if introduction else []), *body]
    return "\n".join(lines) + "\n"


def _bullets(entries: Iterable[Entry]) -> list[str]:
    lines = []
    for usage, meaning, example in entries:
        lines.append(f"- `{usage}`: {meaning}")
        if example:
            lines += ["  ```kfl", f"  {example}", "  ```"]
    return lines
