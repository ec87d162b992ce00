"""Tables for models: one line a row, `|` between cells, nothing spent on frames."""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import east_asian_width

MANY_ROWS = 2
"""From so many rows on, a column that never changes is said once, above the table."""


def pipe_table(columns: Sequence[str], rows: Sequence[Sequence[object]], fold: bool = True) -> str:
    """Write rows of cells as lines with `|` between them, header first.

    Columns that are empty in every row are left out; with `fold`, those with one value throughout are said once above
    (`all: proto=http, node=n1`). Cells are one line each: line ends become spaces, a bar gets a backslash.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        return ""
    used = [index for index in range(len(columns)) if any(row[index] for row in cells)]
    same = [
        index
        for index in used
        if fold and len(cells) >= MANY_ROWS and all(row[index] == cells[0][index] for row in cells)
    ]
    if len(same) == len(used):
        same = same[1:]
    shown = [index for index in used if index not in same]
    lines = ["all: " + ", ".join(f"{columns[index]}={cells[0][index]}" for index in same)] if same else []
    lines.append("|".join(columns[index] for index in shown))
    lines += ["|".join(row[index] for index in shown) for row in cells]
    return "\n".join(lines)


def aligned_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Write a table for a terminal: columns padded to their widest cell, numbers to the right, two spaces between."""
    cells = [[str(column) for column in columns], *([_cell(value, "|") for value in row] for row in rows)]
    widths = [max(_width(row[index]) for row in cells) for index in range(len(columns))]
    right = [
        bool(rows) and all(isinstance(row[index], int | float) and not isinstance(row[index], bool) for row in rows)
        for index in range(len(columns))
    ]
    lines = []
    for row in cells:
        padded = [
            " " * (width - _width(text)) + text if to_right else text + " " * (width - _width(text))
            for text, width, to_right in zip(row, widths, right, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def _cell(value: object, pipe: str = "\\|") -> str:
    """Write one cell: empty for None, numbers plainly, text on one line."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".") or "0"
    return " ".join(str(value).split()).replace("|", pipe)


def _width(text: str) -> int:
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)
