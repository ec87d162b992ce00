"""Entries that come as columns, as the columns of a batch."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kubeshark_mcp.model.entry_columns import Coded, EntryColumns, Numbers, Slices
from kubeshark_mcp.model.field import FieldType
from kubeshark_mcp.store.arrays import coded_array, constant_array
from kubeshark_mcp.store.column_arrays import column_array, column_hashes, without_empty
from kubeshark_mcp.store.entry_rows import Rows
from kubeshark_mcp.store.halves import Half, in_order_of_time
from kubeshark_mcp.store.hashing import Hashes, value_hash
from kubeshark_mcp.store.place_columns import connections_of
from kubeshark_mcp.store.places import PlaceOf

Int64 = NDArray[np.int64]


class ColumnRows(Rows):
    """Entries of columns in order of time; no object is made of any."""

    def __init__(self, columns: EntryColumns, place_of: PlaceOf) -> None:
        """Take them, and ask for their places."""
        self._columns = columns
        self.request, self.response = Half.of_columns(columns.request), Half.of_columns(columns.response)
        self.start, self._order = in_order_of_time(self.request, self.response)
        codes = columns.connection
        if self._order is not None:
            self.request, self.response = self.request.taken(self._order), self.response.taken(self._order)
            self.start, codes = self.start[self._order], codes[self._order]
        self.connections = connections_of(columns.connections, codes, self.start, place_of)

    def text(self, part: str) -> pa.Array:
        """Give `summary` or `status`, or `malformed`, which is null where it is empty."""
        column: Coded | Slices | None = getattr(self._columns, part)
        if part == "malformed":
            return _nothing(len(self)) if column is None else column_array(_but_empty(column), _TEXT, self._order)
        if column is None:
            return constant_array("", len(self))
        return column_array(_filled(column), _TEXT, self._order)

    def failed(self) -> pa.Array:
        """Tell which failed."""
        failed = self._columns.failed
        return pa.array(np.zeros(len(self), np.bool_) if failed is None else self._ordered(failed))

    def bodies(self, part: str) -> pa.Array:
        """Give `request_body` or `response_body`, null where there is none."""
        column: Slices | None = getattr(self._columns, part)
        if column is None:
            return pa.nulls(len(self), pa.binary())
        return column_array(without_empty(column), FieldType.BYTES, self._order)

    def field(self, name: str, kind: FieldType) -> pa.Array | None:
        """Give a field of the entries; None where no entry has it."""
        column = self._columns.fields.get(name)
        return None if column is None else column_array(column, kind, self._order)

    def largest(self, names: Iterable[str]) -> Int64:
        """Give the largest of some fields that are numbers; at least 0."""
        largest = np.zeros(len(self), np.int64)
        for name in names:
            column = self._columns.fields.get(name)
            if isinstance(column, Numbers):
                values = column.values if column.seen is None else np.where(column.seen, column.values, 0)
                largest = np.maximum(largest, self._ordered(values.astype(np.int64)))
            elif column is not None:
                rows = self._ordered(np.array([one if isinstance(one, int) else 0 for one in column.rows()], np.int64))
                largest = np.maximum(largest, rows)
        return largest

    def hashes(self, names: Iterable[str]) -> list[Hashes]:
        """Hash some fields."""
        nothing = np.full(len(self), value_hash(None), np.uint64)
        columns = [self._columns.fields.get(name) for name in names]
        return [nothing if column is None else column_hashes(column, self._order) for column in columns]

    def summary_hashes(self) -> Hashes:
        """Hash the summaries."""
        summary = self._columns.summary
        if summary is None:
            return np.full(len(self), value_hash(""), np.uint64)
        return column_hashes(_filled(summary), self._order)

    def _ordered(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        return values if self._order is None else values[self._order]


_TEXT = FieldType.STRING


def _nothing(length: int) -> pa.Array:
    return coded_array(np.full(length, -1, np.int32), [], _TEXT)


def _but_empty(column: Coded | Slices) -> Coded | Slices:
    """Give the same with nothing where the text is empty."""
    if isinstance(column, Slices):
        return without_empty(column)
    return Coded([value or None for value in column.values], column.codes)


def _filled(column: Coded | Slices) -> Coded | Slices:
    """Give the same with an empty text where there is none."""
    if isinstance(column, Slices):
        return Slices(column.data, column.starts, np.maximum(column.lengths, 0), column.text)
    if not (column.codes < 0).any():
        return column
    return Coded([*column.values, ""], np.where(column.codes < 0, len(column.values), column.codes).astype(np.int32))
