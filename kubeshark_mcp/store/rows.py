"""Rows of answers: their columns read by id, or made of what the search for them gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kubeshark_mcp.store.columns import HEAVY
from kubeshark_mcp.store.database import Database
from kubeshark_mcp.store.evidence import EVIDENCE, Row, add_evidence, fetch, fetch_of_all

Key = tuple[Any, ...]
"""Time, id and protocol of an entry, and what else was read of it."""


class RowReader:
    """Makes the rows of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def light(self, columns: Sequence[str]) -> list[str] | None:
        """Give those of the columns that have values; None where one is a map or a body, which are fetched by id."""
        types = self._database.types
        names = [name for name in dict.fromkeys(columns) if name in types]
        return None if any(types[name].startswith("MAP") or name in HEAVY for name in names) else names

    def of(self, keys: Sequence[Key], names: Sequence[str] | None, columns: Sequence[str] | None) -> list[Row]:
        """Make rows of keys that have the values of `names` behind them; None: read them."""
        if names is None:
            return self.fetch(keys, columns)
        found = [
            {"_id": key[1]} | {n: value for n, value in zip(names, key[3:], strict=True) if value is not None}
            for key in keys
        ]
        return self.with_evidence(found, keys, columns)

    def with_evidence(self, rows: list[Row], keys: Sequence[Key], columns: Sequence[str] | None) -> list[Row]:
        """Give rows, in the order of their keys, with the sightings that they rest on where those are asked for."""
        if self._database.joined and (columns is None or not EVIDENCE.isdisjoint(columns)):
            by_id: Mapping[int, Row] = {row["_id"]: row for row in rows}
            add_evidence(self._database, by_id, _by_protocol(keys))
        return rows

    def fetch(self, keys: Sequence[Key], columns: Sequence[str] | None) -> list[Row]:
        """Read the wide rows of these keys, in the order of the keys; columns None: all but bodies."""
        by_protocol = _by_protocol(keys)
        if columns is None:
            read = [
                row
                for protocol, numbers in by_protocol.items()
                for row in fetch(self._database, self._database.view(protocol), self._all(protocol), numbers)
            ]
        else:
            read = fetch_of_all(self._database, ["_id", *columns], by_protocol)
        found = {row["_id"]: row for row in read}
        return self.with_evidence([found[number] for number in (key[1] for key in keys)], keys, columns)

    def _all(self, protocol: str) -> list[str]:
        return ["_id", *(name for name in self._database.columns_of[protocol] if name not in HEAVY)]


def _by_protocol(keys: Sequence[Key]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for key in keys:
        found.setdefault(key[2], []).append(key[1])
    return found
