"""Whether anything may have been seen at several places: told from a few columns, before a database is started for it.

Most captures saw each call once. To find that out takes a sort of numbers; to start DuckDB takes as long as to dissect
ten thousand packets, and room of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kubeshark_mcp.store.columns import FLOWS
from kubeshark_mcp.store.files import entry_files, store_errors

MOST_ROWS = 500_000
"""Rows that are looked through here, at most: with more, what is looked at would take as much room as it saves."""
_NUMBERS = ("_match", "_match_response", "_request_first", "_capture", "_point")
_SERVER = "_server"

Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]


def row_counts(folder: Path) -> dict[str, int]:
    """Count the rows of a folder of written entries by protocol; only the ends of files are read."""
    return {protocol: sum(map(_rows, paths)) for protocol, paths in sorted(entry_files(folder).items())}


def may_repeat(folder: Path) -> bool:
    """Tell whether some call in a folder of written entries may have been seen at several places.

    False is certain: `grouping.split_rows` would find nothing. True where it has to look: something does repeat, there
    are too many rows to look through here, or a file cannot be read, of which the database says why.
    """
    paths = [path for name, own in entry_files(folder).items() if name not in FLOWS for path in own]
    try:
        if sum(map(_rows, paths)) > MOST_ROWS:
            return True
        servers: dict[str | None, int] = {}
        parts = [part for path in paths for part in _parts(path, servers)]
    except (pa.ArrowException, KeyError):
        return True
    if not parts:
        return False
    match, lone, asked, capture, point, server = map(
        np.concatenate, zip(*((part.match, part.lone, part.asked, *part.places) for part in parts), strict=True)
    )
    return _Rows(match, lone, asked, (capture, point, server)).repeat()


@dataclass(frozen=True, slots=True)
class _Rows:
    """What tells rows with a match apart.

    lone: matches of responses whose request was not seen; asked: those of responses whose request was seen. Both may be
    shorter than the others. places: capture, point and a number for the server address.
    """

    match: Whole
    lone: Whole
    asked: Whole
    places: tuple[Whole, Whole, Whole]

    def repeat(self) -> bool:
        """Tell whether a match is at several places, or a lone response may take the match of a request."""
        if np.isin(self.lone, self.asked).any():
            return True
        order = np.argsort(self.match, kind="stable")
        match = self.match[order]
        again = match[1:] == match[:-1]
        return any(bool((again & (place[order][1:] != place[order][:-1])).any()) for place in self.places)


def _rows(path: Path) -> int:
    with store_errors(path, "read"):
        return int(pq.read_metadata(path).num_rows)


def _parts(path: Path, servers: dict[str | None, int]) -> list[_Rows]:
    """Read a file. servers: numbers of server addresses so far; is added to."""
    with store_errors(path, "read"), pq.ParquetFile(path, read_dictionary=[_SERVER]) as file:
        table = file.read([*_NUMBERS, _SERVER], use_threads=False)
    return [_part(batch, servers) for batch in table.to_batches()]


def _part(batch: pa.RecordBatch, servers: dict[str | None, int]) -> _Rows:
    (match, known), (response, replied), (_, asked), (capture, _), (point, _) = map(
        _numbers, (batch.column(name) for name in _NUMBERS)
    )
    replied &= known
    server = _codes(batch.column(_SERVER), servers)
    places = capture[known], point[known], server[known]
    return _Rows(match[known], response[replied & ~asked], response[replied & asked], places)


def _numbers(column: pa.Array) -> tuple[Whole, Flags]:
    """Give the values of a column of whole numbers, anything where there is none, and which there are."""
    validity, values = column.buffers()
    rows = slice(column.offset, column.offset + len(column))
    found = np.frombuffer(values, np.int64)[rows]
    return found, _valid(validity, rows)


def _codes(column: pa.DictionaryArray, numbers: dict[str | None, int]) -> Whole:
    """Give a number for each text, the same in all columns; 0 where there is none."""
    known = [numbers.setdefault(text, len(numbers) + 1) for text in column.dictionary.to_pylist()]
    validity, values = column.indices.buffers()
    rows = slice(column.indices.offset, column.indices.offset + len(column))
    codes = np.frombuffer(values, np.int32)[rows]
    return np.where(_valid(validity, rows), np.array([*known, 0], np.int64)[np.clip(codes, -1, len(known))], 0)


def _valid(validity: pa.Buffer | None, rows: slice) -> Flags:
    if validity is None:
        return np.ones(rows.stop - rows.start, np.bool_)
    return np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")[rows].astype(np.bool_)
