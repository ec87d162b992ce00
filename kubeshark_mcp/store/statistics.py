"""Numbers over entries: counts, errors, exact percentiles, bytes; and what values fields have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from string import Template
from typing import Any

from kubeshark_mcp.store.columns import quoted
from kubeshark_mcp.store.database import Database

PERCENTILES = (("p50_us", 0.5), ("p90_us", 0.9), ("p95_us", 0.95), ("p99_us", 0.99))
MEASURED = (
    "elapsed_time _elapsed_time failed _failed answered _answered _request_first _request_bytes _response_bytes "
    "timestamp protocol _endpoint"
)
"""Columns that measure() may read, beside the one to group by."""
_SHORTEST_NS = 10**9
_COMMONEST = 5

_NUMBERS = Template("""
SELECT $key AS key, count(*) AS count, count(*) FILTER ($failed) AS errors,
    count(*) FILTER (_request_first IS NOT NULL AND NOT $answered) AS unanswered,
    quantile_disc($elapsed, [$percentiles]) FILTER ($answered) AS percentiles,
    max($elapsed) FILTER ($answered) AS slowest,
    coalesce(sum(_request_bytes), 0)::BIGINT AS request_bytes,
    coalesce(sum(_response_bytes), 0)::BIGINT AS response_bytes, min(timestamp) AS first, max(timestamp) AS last
    $groups
FROM $relation WHERE $where
""")


@dataclass(frozen=True, slots=True)
class Statistics:
    """Numbers of all entries that match and of groups, biggest first.

    A row is {key, count, errors, error_rate, unanswered, p50_us, p90_us, p95_us, p99_us, max_us (microseconds over
    answered entries, None without any), request_bytes, response_bytes, per_second}. first_ns, last_ns: times of the
    first and last entry, Unix ns UTC, None without entries. exact: false where a residual predicate saw only a part.
    """

    total: dict[str, Any]
    groups: list[dict[str, Any]] = field(default_factory=list)
    groups_total: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    exact: bool = True


@dataclass(frozen=True, slots=True)
class FieldProfile:
    """How a field is filled. filled: entries that have it, of `total`. distinct: about how many values it has.

    commonest: (value, entries) of the most frequent values; for maps their keys, for lists their items.
    """

    name: str
    total: int
    filled: int
    distinct: int
    commonest: list[tuple[Any, int]]


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows to count: a relation and a condition with its parameters; window_ns: length of the window asked for."""

    relation: str
    where: str
    parameters: Sequence[Any]
    window_ns: int | None = None


def measure(database: Database, chosen: Selection, group: str | None, limit: int) -> Statistics:
    """Count and measure the chosen rows, in all and by the values of a column (None: not by groups)."""
    total = database.query(_statement(database, chosen, "'all'", ""), chosen.parameters)[0]
    first, last = total[8], total[9]
    if first is None:
        return Statistics(_row(total, 1.0))
    seconds = max(last - first if chosen.window_ns is None else chosen.window_ns, _SHORTEST_NS) / 1e9
    if group is None:
        return Statistics(_row(total, seconds), [], 0, first, last)
    key, columns = _key(database, group)
    statement = _statement(database, chosen, key, ", count(*) OVER () AS groups")
    statement += f" GROUP BY {columns} ORDER BY count DESC, key LIMIT {limit:d}"
    rows = database.query(statement, chosen.parameters)
    groups = [_row(row, seconds) for row in rows]
    return Statistics(_row(total, seconds), groups, rows[0][10], first, last)


def profile(database: Database, chosen: Selection, name: str) -> FieldProfile:
    """Tell how often a field is filled, and with what."""
    column = quoted(name)
    kind = database.types.get(name)
    if kind is None:
        sql = f"SELECT count(*) FROM {chosen.relation} WHERE {chosen.where}"  # noqa: S608
        ((total,),) = database.query(sql, chosen.parameters)
        return FieldProfile(name, total, 0, 0, [])
    value = f"unnest(map_keys({column}))" if kind.startswith("MAP") else column
    value = f"unnest({column})" if kind.endswith("[]") else value
    source = f"FROM {chosen.relation} WHERE {chosen.where}"
    ((total, filled),) = database.query(f"SELECT count(*), count({column}) {source}", chosen.parameters)
    rows = database.query(
        f"SELECT value, count(*) AS n, count(*) OVER () FROM (SELECT {value} AS value {source}) "  # noqa: S608
        f"WHERE value IS NOT NULL GROUP BY value ORDER BY n DESC, value LIMIT {_COMMONEST}",
        chosen.parameters,
    )
    return FieldProfile(name, total, filled, rows[0][2] if rows else 0, [(row[0], row[1]) for row in rows])


def _statement(database: Database, chosen: Selection, key: str, groups: str) -> str:
    def named(name: str) -> str:
        return name if name in database.types else f"_{name}"

    def flag(name: str) -> str:
        return f"coalesce({named(name)}, false)" if named(name) in database.types else "false"

    return _NUMBERS.substitute(
        key=key,
        failed=flag("failed"),
        answered=flag("answered"),
        elapsed=named("elapsed_time") if named("elapsed_time") in database.types else "NULL::BIGINT",
        percentiles=", ".join(str(fraction) for _, fraction in PERCENTILES),
        groups=groups,
        relation=chosen.relation,
        where=chosen.where,
    )


def _key(database: Database, group: str) -> tuple[str, str]:
    """Give a group's key as text, and what to group by; an endpoint is named with its protocol."""
    kind = database.types.get(group)
    if kind is None:
        return "''", "()"
    column = quoted(group)
    if group == "_endpoint":
        return "protocol || ' ' || coalesce(_endpoint, '')", "protocol, _endpoint"
    if kind == "VARCHAR":
        return f"coalesce({column}, '')", f"coalesce({column}, '')"
    return f"coalesce({column}::VARCHAR, '')", column


def _row(row: Sequence[Any], seconds: float) -> dict[str, Any]:
    key, count, errors, unanswered, percentiles, slowest, request_bytes, response_bytes = row[:8]
    measured = percentiles or [None] * len(PERCENTILES)
    return {
        "key": key,
        "count": count,
        "errors": errors,
        "error_rate": errors / count if count else 0.0,
        "unanswered": unanswered,
        **{name: value for (name, _), value in zip(PERCENTILES, measured, strict=True)},
        "max_us": slowest,
        "request_bytes": request_bytes,
        "response_bytes": response_bytes,
        "per_second": count / seconds,
    }
