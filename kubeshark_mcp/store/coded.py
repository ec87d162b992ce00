"""Columns of Parquet files as numbers and codes, straight from the dictionaries that the files keep their texts in.

No text is made a second time for a row: a million calls with a dozen texts each are read in tenths of a second, and
what stays of a text are one to four bytes a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kubeshark_mcp.errors import NotFoundError, StoreError
from kubeshark_mcp.store.cancelling import check_cancelled
from kubeshark_mcp.store.files import JOINED, entry_files, store_errors

Numbers = NDArray[Any]
Whole = NDArray[np.int64]
Window = tuple[int | None, int | None]
"""First and last `timestamp` (Unix ns UTC), both included; None: from the beginning, to the end."""
_COMBINED = 1 << 18
"""Numbers of combinations up to which a table tells them apart; above, they are sorted."""
_CODES = (np.int8, np.int16, np.int32)


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of texts: `values[codes[row]]`, codes as narrow as they can be; null is the empty text."""

    codes: Numbers
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A column of texts in one group, or of what was made of them: `values[codes[row]]`, None for null.

    A value may be there twice, or be unused.
    """

    codes: Numbers
    values: Sequence[Any]

    def taken(self, rows: Whole) -> Part:
        """Give the column of some rows."""
        return Part(self.codes[rows], self.values)


class Growing:
    """A column of texts that grows by groups; a text gets its code when it first occurs.

    rows: how many there will be at most, 0 unknown. Known, they lie in one piece that nothing has to be copied out of.
    """

    def __init__(self, rows: int = 0) -> None:
        self._numbers: dict[str, int] = {}
        self._codes: Numbers = np.zeros(rows, np.int8)
        self._filled = 0

    def add(self, texts: Part) -> None:
        """Take the rows of a group."""
        if not len(texts.codes):
            return
        new = np.zeros(len(texts.values), np.int32)
        for code in _occurring(texts):
            new[code] = self._numbers.setdefault(texts.values[code] or "", len(self._numbers))
        begin, self._filled = self._filled, self._filled + len(texts.codes)
        dtype = narrowest(len(self._numbers))
        if self._codes.dtype.itemsize < dtype().itemsize:
            self._codes = self._codes.astype(dtype)
        if len(self._codes) < self._filled:
            self._codes = np.concatenate([self._codes, np.zeros(self._filled, self._codes.dtype)])
        self._codes[begin : self._filled] = new.astype(dtype)[texts.codes]

    def whole(self, order: Whole | None = None) -> Coded:
        """Give the column, in another order where one is given; it cannot grow any more."""
        codes, self._codes = self._codes[: self._filled], np.zeros(0, np.int8)
        return Coded(codes if order is None else codes[order], tuple(self._numbers))


def narrowest(size: int) -> type[np.signedinteger[Any]]:
    """Give the narrowest signed type for numbers below `size`."""
    return next(dtype for dtype in _CODES if size - 1 <= np.iinfo(dtype).max)


def _occurring(texts: Part) -> list[int]:
    """Give the codes that some row has, in the order in which they first occur."""
    first = np.full(len(texts.values), -1, np.int64)
    first[texts.codes[::-1]] = np.arange(len(texts.codes) - 1, -1, -1)  # Of equal places the last one written stays.
    found = np.flatnonzero(first >= 0)
    return [int(code) for code in found[np.argsort(first[found])]]


class Group:
    """Some rows of one file, until the next are read; columns that the file has not are null."""

    def __init__(self, file: pq.ParquetFile, number: int, table: pa.Table, rows: Numbers | None) -> None:
        self._file, self._number, self._rows = file, number, rows
        self._table = table
        self._length = len(table)

    def __len__(self) -> int:
        return self._length if self._rows is None else len(self._rows)

    def texts(self, name: str | None) -> Part:
        """Give a column of texts."""
        column = self._column(name)
        if column is None:
            return Part(np.zeros(len(self), np.int8), (None,))
        found = _decoded(column)
        return found if self._rows is None else found.taken(self._rows)

    def numbers(self, name: str | None, missing: int | bool) -> Numbers:
        """Give a column of whole numbers as int64, or of flags as bool; null is `missing`."""
        dtype = np.bool_ if isinstance(missing, bool) else np.int64
        column = self._column(name)
        if column is None:
            return np.full(len(self), missing, dtype)
        filled = pc.fill_null(column, missing) if column.null_count else column
        found: Numbers = filled.to_numpy().astype(dtype, copy=False)
        return found if self._rows is None else found[self._rows]

    def mapped(self, name: str, keys: Sequence[str], rows: Whole) -> list[Part]:
        """Give the values of some keys of a column of maps, for some rows of the group. It is read for this."""
        if name not in self._file.schema_arrow.names:
            return [Part(np.zeros(len(rows), np.int8), (None,)) for _ in keys]
        places = rows if self._rows is None else self._rows[rows]
        column = self._file.read_row_group(self._number, columns=[name], use_threads=False)[name]
        maps = pa.concat_arrays(column.chunks).take(pa.array(places))
        return [_decoded(pc.map_lookup(maps, pa.scalar(key), "first")) for key in keys]

    def _column(self, name: str | None) -> pa.ChunkedArray | None:
        return self._table[name] if name is not None and name in self._table.column_names else None


def _decoded(column: pa.ChunkedArray | pa.Array) -> Part:
    """Give a column with dictionaries as codes; code 0 is null."""
    parts, values = [], [None]
    for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
        if chunk.null_count == len(chunk):
            parts.append(np.zeros(len(chunk), np.int32))
            continue
        coded = chunk if pa.types.is_dictionary(chunk.type) else chunk.cast(pa.string()).dictionary_encode()
        indices = pc.fill_null(coded.indices, -len(values)) if coded.null_count else coded.indices
        parts.append(indices.to_numpy(zero_copy_only=False).astype(np.int32) + np.int32(len(values)))
        values += coded.dictionary.to_pylist()
    return Part(parts[0] if len(parts) == 1 else np.concatenate([np.zeros(0, np.int32), *parts]), values)


def read_groups(files: Sequence[Path], texts: Sequence[str], numbers: Sequence[str], window: Window) -> Iterator[Group]:
    """Read columns of files group by group, in the order in which they lie.

    Raises StoreError where a file cannot be read, and CancelledQuestionError where nobody waits any more.
    """
    for path in files:
        with _reading(path):
            metadata = pq.read_metadata(path)
        present = set(metadata.schema.to_arrow_schema().names)
        coded = [name for name in dict.fromkeys(texts) if name in present]
        with _reading(path), pq.ParquetFile(path, metadata=metadata, read_dictionary=coded) as file:
            wanted = [name for name in dict.fromkeys((*texts, *numbers, "timestamp")) if name in present]
            for number in range(file.num_row_groups):
                check_cancelled()
                table = file.read_row_group(number, columns=wanted, use_threads=False)
                rows = _within(table["timestamp"].to_numpy(), window)
                if rows is None or len(rows):
                    yield Group(file, number, table, rows)
                del table
        pa.default_memory_pool().release_unused()


def _within(times: Whole, window: Window) -> Whole | None:
    """Give the rows within a window; None for all."""
    start, end = window
    inside = np.ones(len(times), np.bool_)
    if start is not None:
        inside &= times >= start
    if end is not None:
        inside &= times <= end
    return None if inside.all() else np.flatnonzero(inside)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        with store_errors(path, "read"):
            yield
    except pa.ArrowException as error:
        reason = str(error).strip().split("\n", 1)[0].rstrip(".")
        raise StoreError(f"The entries cannot be read ({reason}): dissect the captures again.") from error


def rows_of(files: Sequence[Path]) -> int:
    """Count the rows of files; only their ends are read. Raises StoreError where one cannot be read."""
    count = 0
    for path in files:
        with _reading(path):
            count += pq.read_metadata(path).num_rows
    return count


def files_of(folder: Path, keep_duplicates: bool) -> dict[str, list[Path]]:
    """Give the files of a dissection by protocol: with a row a call, or a row a sighting."""
    if not folder.is_dir():
        raise NotFoundError(f"There are no entries in {str(folder)!r}: dissect the captures first.")
    written = entry_files(folder)
    return written if keep_duplicates else written | entry_files(folder / JOINED)


def combined(columns: Sequence[Part], make: Callable[..., Any]) -> Part:
    """Make something of the values of each row; `make` is asked once for each combination of them."""
    length = len(columns[0].codes)
    key = np.zeros(length, np.int64)
    size = 1
    for column in columns:
        if len(column.values) > 1:
            size *= len(column.values)
            key = key * len(column.values) + column.codes
            if size > _COMBINED:
                key = np.unique(key, return_inverse=True)[1]
                size = int(key.max(initial=0)) + 1
    row_of = np.full(size, -1, np.int64)
    row_of[key] = np.arange(length)
    keys = np.flatnonzero(row_of >= 0)
    values = [make(*(column.values[column.codes[row]] for column in columns)) for row in row_of[keys].tolist()]
    places = np.zeros(size, np.int32)
    places[keys] = np.arange(len(keys))
    return Part(places[key], values)


def in_order(times: Whole, ids: Whole) -> Whole | None:
    """Give the order of rows by time and id, None where they are in it.

    Every file is in order by itself or nearly so, which the stable sort is fastest with; equal times are rare.
    """
    if (times[1:] > times[:-1]).all():
        return None
    order = np.argsort(times, kind="stable")
    ordered = times[order]
    second = np.flatnonzero(ordered[1:] == ordered[:-1]) + 1
    if (ids[order[second]] < ids[order[second - 1]]).any():
        return np.lexsort((ids, times))
    return order
