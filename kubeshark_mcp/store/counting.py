"""Several counts in one statement: what a finding claims is read once, not once for each number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubeshark_mcp.store.database import Database

Condition = tuple[str, Sequence[Any]]
"""A condition over quoted column names with a `?` for each parameter, and the parameters."""


def count_each(database: Database, conditions: Sequence[Condition]) -> list[int]:
    """Count the entries that meet each of some conditions, which may be met together.

    Rows that meet none are left out first, so conditions with a part in common are looked for by that part.
    """
    if not conditions:
        return []
    texts = [text for text, _ in conditions]
    values = [value for _, parameters in conditions for value in parameters]
    counters = ", ".join(f"count(*) FILTER (WHERE {text})" for text in texts)
    some = " OR ".join(f"({text})" for text in texts)
    sql = f"SELECT {counters} FROM {database.narrow(*texts)} WHERE {some}"  # noqa: S608
    return [int(number) for number in database.query(sql, [*values, *values])[0]]
