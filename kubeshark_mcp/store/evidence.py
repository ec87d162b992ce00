"""Wide rows by their ids, and the sightings that a joined call rests on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson

from kubeshark_mcp.store.columns import quoted
from kubeshark_mcp.store.database import Database

Row = dict[str, Any]
"""Column name -> value; a column without a value is left out. Maps are dicts, lists lists, timestamps Unix ns."""

EVIDENCE = frozenset({"_sightings", "_joined_into"})
"""Columns that no file has: they are looked up for the rows of an answer."""

_SIGHTING = (
    "_id", "node_name", "capture", "_point", "_server", "_near", "timestamp", "elapsed_time", "_elapsed_time",
    "_request_first", "_request_last", "_response_first", "_response_last",
)  # fmt: skip


def fetch(database: Database, view: str, columns: Sequence[str], numbers: Sequence[int]) -> list[Row]:
    """Read columns of the rows of a relation with these ids, in no particular order."""
    if not numbers:
        return []
    names = list(dict.fromkeys(columns))
    return _rows(database, names, _part(database, view, names, names, numbers))


def fetch_of_all(database: Database, columns: Sequence[str], numbers: Mapping[str, Sequence[int]]) -> list[Row]:
    """Read columns of the rows with these ids of several protocols with one statement, in no particular order."""
    names = [name for name in dict.fromkeys(columns) if name in database.types]
    parts = [
        _part(database, database.view(protocol), names, database.columns_of[protocol], wanted)
        for protocol, wanted in numbers.items()
    ]
    return _rows(database, names, " UNION ALL ".join(parts)) if parts else []


def _part(database: Database, view: str, names: Sequence[str], present: Collection[str], numbers: Sequence[int]) -> str:
    chosen = ", ".join(_value(database, name, name in present) for name in names)
    return (
        f"SELECT {chosen} FROM {view} "  # noqa: S608
        f"WHERE _id BETWEEN {min(numbers):d} AND {max(numbers):d} AND _id IN ({', '.join(map(str, numbers))})"
    )


def _value(database: Database, name: str, present: bool) -> str:
    """Write a column; DuckDB makes Python dictionaries of its maps three times as slowly as of their JSON."""
    kind = database.types.get(name, "")
    if not present:
        return f"NULL::{'VARCHAR' if _is_map(kind) else kind}"
    return f"to_json({quoted(name)})::VARCHAR" if _is_map(kind) else quoted(name)


def _is_map(kind: str) -> bool:
    return kind.startswith("MAP")


def _rows(database: Database, names: Sequence[str], sql: str) -> list[Row]:
    maps = [name for name in names if _is_map(database.types.get(name, ""))]
    rows = []
    for values in database.query(sql):
        row = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        for name in maps:
            if name in row:
                row[name] = orjson.loads(row[name])
        rows.append(row)
    return rows


def add_evidence(database: Database, rows: Mapping[int, Row], by_protocol: Mapping[str, Sequence[int]]) -> None:
    """Add `_sightings` to calls seen at several places; to a row that was joined away, `_joined_into`.

    _sightings: JSON text of a list, nearest to the client first, of {id, node, file, point, server, packets {request,
    response}, time (Unix ns UTC), elapsed_us}; packets are [first, last] numbers in the capture `file`.
    """
    numbers = ", ".join(map(str, rows))
    if database.keep_duplicates:
        sql = f"SELECT _id, _joined_into FROM sightings WHERE _id IN ({numbers})"  # noqa: S608
        pairs = database.query(sql) if rows else []
        for number, target in pairs:
            if number != target:
                rows[number]["_joined_into"] = target
        return
    for protocol, called in by_protocol.items():
        wanted = [number for number in called if rows[number].get("sightings", 2) > 1]
        if wanted:
            _add_sightings(database, protocol, rows, wanted)


def _add_sightings(database: Database, protocol: str, rows: Mapping[int, Row], wanted: Sequence[int]) -> None:
    numbers = ", ".join(map(str, wanted))
    sql = f"SELECT _id, _joined_into FROM sightings WHERE _joined_into IN ({numbers})"  # noqa: S608
    members: dict[int, int] = dict(database.query(sql))
    columns = [name for name in _SIGHTING if name in database.raw_columns[protocol]]
    found: dict[int, list[Row]] = {}
    for row in fetch(database, database.raw(protocol), columns, list(members)):
        found.setdefault(members[row["_id"]], []).append(row)
    for number, sightings in found.items():
        ordered = sorted(sightings, key=_from_client_to_server)
        rows[number]["_sightings"] = orjson.dumps([_sighting(row) for row in ordered]).decode()


def _from_client_to_server(row: Row) -> tuple[int, int, int]:
    elapsed = row.get("elapsed_time") or row.get("_elapsed_time") or 0
    return row["_near"], -elapsed, row["timestamp"]


def _sighting(row: Row) -> dict[str, Any]:
    packets = {
        half: [row[f"_{half}_first"], row[f"_{half}_last"]]
        for half in ("request", "response")
        if f"_{half}_first" in row
    }
    sighting = {
        "id": row["_id"],
        "node": row.get("node_name"),
        "file": row.get("capture", {}).get("file"),
        "point": row["_point"],
        "server": row["_server"],
        "packets": packets,
        "time": row["timestamp"],
        "elapsed_us": row.get("elapsed_time", row.get("_elapsed_time")),
    }
    return {name: value for name, value in sighting.items() if value is not None}
