"""What differs between two times, as text: worse first, chance counted and left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubeshark_mcp.present.budget import fitting

COLUMNS = ("", "change", "where", "before", "after", "unit", "p")


def comparison_text(found: Mapping[str, Any], brief: bool = True) -> str:
    """Write the differences (the contract's shape as a mapping), a line each; brief: within the budget of tokens."""
    rows = comparison_rows(found)
    lines = [
        f"{mark + ' ' if mark else ''}{change}: {where}: {before} -> {after} {unit}{f' (p {p})' if p else ''}"
        for mark, change, where, before, after, unit, p in rows
    ]
    if not lines:
        return "Nothing differs beyond chance."
    return "\n".join(fitting(lines, "({} more differences: format=full)") if brief else lines)


def comparison_rows(found: Mapping[str, Any]) -> list[list[str]]:
    """Give COLUMNS of each difference; the first is `worse` or empty."""
    return [
        [
            "worse" if one["worse"] else "", one["change"], one["where"], amount(one["before"], one["unit"]),
            amount(one["after"], one["unit"]), one["unit"].replace("share of", "of"), _chance(one["p"]),
        ]
        for one in found["differences"]
    ]  # fmt: skip


def amount(value: float | None, unit: str) -> str:
    """Write a number of that unit; shares in per cent."""
    if value is None:
        return "none"
    if unit.startswith("share"):
        return f"{value:.1%}"
    return f"{value:,.0f}" if abs(value) >= 1000 or float(value).is_integer() else f"{value:.3g}"


def _chance(p: float | None) -> str:
    if p is None:
        return ""
    return "<0.0001" if p < 0.0001 else f"{p:.2g}"
