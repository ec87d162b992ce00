"""A small dissection held in memory: its light columns as one table in order of time, so that a question is one scan.

To plan a statement over the Parquet files of several protocols takes DuckDB ten times as long as to run it, where the
files are small. Maps and bodies stay in the files.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from kubeshark_mcp.errors import StoreError
from kubeshark_mcp.store.cancelling import check_cancelled
from kubeshark_mcp.store.columns import HEAVY, LAYER_4, quoted
from kubeshark_mcp.store.paging import Position
from kubeshark_mcp.store.remembering import Remembered

if TYPE_CHECKING:
    from kubeshark_mcp.store.database import Database

SMALL_ROWS = 32_768
"""Entries of the largest dissection that is held: some 10 MB as a table, DuckDB compresses it."""
COLUMN_BYTES = 16 << 20
"""What columns that pages are made of may take, roughly, as Python values."""
PATIENCE = 2
"""Questions that are answered from the files before; one who asks once is not to wait until everything is read ..."""
_ROWS_A_QUESTION = 4096
"""... and one more for each of so many rows, which take as long to read as a question saves."""
CATALOG = "resident"
"""The in-memory catalog that holds the table."""
PLACE = "rowid"
"""The number of a row in order of time, from 0."""
_TABLE = f"{CATALOG}.entries"


@dataclass(frozen=True, slots=True)
class Found:
    """What a condition selects. total: in all. places: those of the page, in its order. more: whether some follow."""

    total: int
    places: list[int]
    more: bool


class Resident:
    """The light columns of one dissection in memory; safe to use from several threads.

    Reads nothing before enough was asked to make it worth the while.
    """

    def __init__(self, database: Database, patience: int = PATIENCE) -> None:
        self._database = database
        self._small = 0 < database.rows <= SMALL_ROWS
        self._patience = patience + database.rows // _ROWS_A_QUESTION
        self._making = threading.Lock()
        self._made = False
        self._columns: Remembered[list[Any]] = Remembered(COLUMN_BYTES, _weight)
        self._order: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
        self._light = {name: kind for name, kind in database.types.items() if _is_light(name, kind)}

    def has(self, names: Collection[str]) -> bool:
        """Tell whether all of these columns, which have values, are held."""
        return all(name in self._light for name in names)

    @property
    def ready(self) -> bool:
        """Tell whether the table is there."""
        return self._made

    def ask(self) -> bool:
        """Tell whether the table is there for one more question; makes it when enough have asked.

        Others use the files meanwhile. What fails is not tried again, unless who asked has gone.
        """
        if self._made or not self._small or not self._making.acquire(blocking=False):
            return self._made
        try:
            self._patience -= 1
            if self._patience < 0:
                self._make()
                self._made = True
        except StoreError:
            check_cancelled()
            self._small = False
        finally:
            self._making.release()
        return self._made

    def _make(self) -> None:
        parts = []
        for protocol in self._database.protocols:
            names = [quoted(name) for name in self._database.columns_of[protocol] if name in self._light]
            parts.append(f"SELECT {', '.join(names)} FROM {self._database.view(protocol)}")  # noqa: S608
        rows = " UNION ALL BY NAME ".join(parts)
        # The rows keep this order: DuckDB preserves that of insertion.
        self._database.query(f"CREATE OR REPLACE TABLE {_TABLE} AS SELECT * FROM ({rows}) ORDER BY timestamp, _id")  # noqa: S608
        self._database.query(f"CHECKPOINT {CATALOG}")  # compresses it

    def relation(self, texts: Sequence[str], layer_4: bool = True) -> str | None:
        """Give, for FROM, a relation with PLACE and the columns that SQL texts name; None where the table lacks one."""
        names = sorted(self._database.named(*texts))
        if layer_4 and self.has(names):
            return f"{_TABLE} AS entries"  # the quickest: nothing is left to be planned
        chosen = []
        for name in names:
            if name in self._light:
                chosen.append(quoted(name))
            elif name in self._database.types:
                return None
            else:
                chosen.append(f"NULL::{self._database.kinds[name]} AS {quoted(name)}")
        calls = "" if layer_4 else f" WHERE protocol NOT IN ({', '.join(repr(name) for name in sorted(LAYER_4))})"
        return f"(SELECT {', '.join(chosen)}, {PLACE} FROM {_TABLE}{calls}) AS entries"  # noqa: S608

    def find(self, relation: str, where: str, parameters: Sequence[Any]) -> NDArray[np.int64]:
        """Give the places of all rows that meet a condition, in order of time."""
        sql = f"SELECT {PLACE} FROM {relation} WHERE {where}"  # noqa: S608
        with self._database.cursor() as cursor:
            found = cursor.execute(sql, list(parameters)).fetchnumpy()[PLACE]
        return np.sort(np.asarray(found, dtype=np.int64))

    def page(self, places: NDArray[np.int64], limit: int, after: Position | None, newest_first: bool) -> Found:
        """Cut a page out of all places."""
        first, last = 0, len(places)
        if after is not None and newest_first:
            last = int(np.searchsorted(places, self._place(after, "left"), "left"))
        elif after is not None:
            first = int(np.searchsorted(places, self._place(after, "right"), "left"))
        chosen = places[max(first, last - limit) : last][::-1] if newest_first else places[first : first + limit]
        return Found(len(places), chosen.tolist(), last - first > limit)

    def _place(self, position: Position, side: Literal["left", "right"]) -> int:
        """Give the number of rows before a position; side "right": and at it."""
        if self._order is None:
            times, ids = (np.asarray(self.column(name), dtype=np.int64) for name in ("timestamp", "_id"))
            self._order = times, ids
        times, ids = self._order
        first = int(np.searchsorted(times, position.timestamp, "left"))
        last = int(np.searchsorted(times, position.timestamp, "right"))
        return first + int(np.searchsorted(ids[first:last], position.id, side))

    def column(self, name: str) -> list[Any]:
        """Give a column in order of time; nobody may change it."""
        return self._columns.get(name, lambda: self._read(name))

    def _read(self, name: str) -> list[Any]:
        rows = self._database.query(f"SELECT {quoted(name)} FROM {_TABLE} ORDER BY rowid")  # noqa: S608
        if self._light[name] not in _SHARED:
            return [value for (value,) in rows]
        same: dict[Any, Any] = {}
        return [same.setdefault(value, value) for (value,) in rows]

    def rows(self, places: Sequence[int], names: Sequence[str]) -> list[dict[str, Any]]:
        """Make rows; a column without a value is left out, `_id` is always there."""
        columns = [(name, self.column(name)) for name in dict.fromkeys(("_id", *names))]
        return [{name: value for name, column in columns if (value := column[place]) is not None} for place in places]

    def keys(self, places: Sequence[int]) -> list[tuple[int, int, str]]:
        """Give time, id and protocol of rows."""
        times, ids, protocols = (self.column(name) for name in ("timestamp", "_id", "protocol"))
        return [(times[place], ids[place], protocols[place]) for place in places]


_SHARED = frozenset({"VARCHAR", "BIGINT"})
"""Types whose equal values are kept once."""


def _is_light(name: str, kind: str) -> bool:
    """Tell whether a column is neither a map nor a body, which take most of the room and are read by id."""
    return not kind.startswith("MAP") and kind != "BLOB" and name not in HEAVY


def _weight(column: list[Any]) -> int:
    """Estimate what a column takes: a reference a row, and each value once."""
    different = {id(value): value for value in column}
    return 8 * len(column) + sum(
        60 + len(value) if isinstance(value, str | list) else 32 for value in different.values()
    )
