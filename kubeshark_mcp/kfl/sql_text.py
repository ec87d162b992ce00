"""Pieces of SQL with their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

LONGEST_SQL = 400_000


class Untranslatable(Exception):
    """An expression has no SQL of exactly the same meaning."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """SQL text with `?`, the parameters in their order, and whether it can be NULL, an evaluation error."""

    sql: str
    parameters: tuple[Any, ...] = ()
    fails: bool = False

    def wrapped(self, before: str, after: str) -> Fragment:
        """Put SQL around it."""
        return replace(self, sql=f"{before}{self.sql}{after}")

    @staticmethod
    def joined(separator: str, parts: Sequence[Fragment]) -> Fragment:
        """Join in brackets. Raises Untranslatable when the text becomes too long."""
        if sum(len(part.sql) for part in parts) > LONGEST_SQL:
            raise Untranslatable
        return Fragment(
            f"({separator.join(part.sql for part in parts)})",
            tuple(value for part in parts for value in part.parameters),
            any(part.fails for part in parts),
        )


def quote_name(name: str) -> str:
    """Quote a column's name."""
    return '"' + name.replace('"', '""') + '"'
