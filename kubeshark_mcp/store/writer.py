"""Entries in, Parquet files out: one file a protocol and task, in row groups sorted by time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.entry_columns import EntryColumns
from kubeshark_mcp.model.field import Field, FieldType
from kubeshark_mcp.store.batch import BatchBuilder
from kubeshark_mcp.store.columns import HEAVY, column_types
from kubeshark_mcp.store.files import FILLED, SUFFIX, TEMPORARY, store_errors
from kubeshark_mcp.store.match import MATCH_FIELDS
from kubeshark_mcp.store.places import PlaceOf

CHUNK = 4096
"""Entries that are held as Python objects, at most, for each protocol; then they become columns."""
HELD = 4_096
"""Entries that are held as Python objects of all protocols together: beyond it the most numerous become columns."""
FEW = 250
"""Entries that come as columns and become objects: to make a table takes as long as so many of them, about."""
CHUNK_BYTES = 16 * 1024 * 1024
"""Bytes of bodies that come with them, about."""
GROUP_BYTES = 12 * 1024 * 1024
"""Bytes of columns in memory, of all protocols together, at most; beyond it the largest become a row group."""
FILE_ROWS = 2_000_000
"""Rows of one file, at most; another one with the next number follows."""
FILE_GROUPS = 8
"""Row groups of one file, at most: what is known of each, some 100 KB, stays in memory until its file is closed."""
_PROTOCOL, _BODIES = attrgetter("protocol"), attrgetter("request_body", "response_body")
_TASKS, _IDS_A_TASK = 2**16, 2**36
_DELTA_CODED = frozenset(
    {"_id", "id", "timestamp", "elapsed_time", "first_byte_time"}
    | {f"_{half}_{part}" for half in ("request", "response") for part in ("first", "last", "start", "end")}
)
"""Numbers that differ from row to row, by little."""
_PLAIN = frozenset({"_match", "_match_response", *HEAVY})
"""Values that hardly ever repeat: a dictionary of them would be built in vain."""
_MEASURED = frozenset({FieldType.INT, FieldType.BOOL, FieldType.TIMESTAMP, FieldType.DOUBLE})
"""Types with minimum and maximum a row group; those of texts cost much to make and prune little."""


@dataclass(frozen=True, slots=True)
class WrittenStats:
    """What a writer wrote. entries: rows by protocol. files: names. size_bytes: of all files."""

    entries: Mapping[str, int] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    size_bytes: int = 0


class _File:
    """One Parquet file under its temporary name."""

    def __init__(self, path: Path, builder: BatchBuilder) -> None:
        self.path = path
        self.rows = self.groups = 0
        names = builder.schema.names
        self._unfilled = set(names)
        self._temporary = path.with_name(f".{path.name}{TEMPORARY}")
        with store_errors(path, "write"):
            self._writer: pq.ParquetWriter | None = pq.ParquetWriter(
                self._temporary,
                builder.schema,
                compression="zstd",
                compression_level=1,
                data_page_size=128 * 1024,
                use_dictionary=[name for name in names if name not in _PLAIN and name not in _DELTA_CODED],
                column_encoding={name: "DELTA_BINARY_PACKED" for name in names if name in _DELTA_CODED},
                write_statistics=[name for name in names if builder.types[name] in _MEASURED],
            )

    def write(self, table: pa.Table) -> None:
        assert self._writer is not None
        with store_errors(self.path, "write"):
            self._writer.write_table(table, row_group_size=len(table))
        self.rows += len(table)
        self.groups += 1
        self._unfilled -= {name for name in self._unfilled if table[name].null_count < len(table)}

    def fits(self, rows: int) -> bool:
        return self.rows + rows <= FILE_ROWS and self.groups < FILE_GROUPS

    def close(self) -> None:
        """Complete it under its temporary name, and let go of the writer, which remembers all that it wrote."""
        writer = self._writer
        if writer is None:
            return
        filled = [name for name in writer.schema.names if name not in self._unfilled]
        with store_errors(self.path, "write"):
            writer.add_key_value_metadata({FILLED: json.dumps(filled)})
            writer.close()
        self._writer = None

    def finish(self) -> None:
        self.close()
        with store_errors(self.path, "write"):
            self._temporary.replace(self.path)

    def discard(self) -> None:
        if self._writer is not None:
            self._writer.is_open = False
        self._temporary.unlink(missing_ok=True)


class _Shelf:
    """What is collected of one protocol: entries, then columns, then row groups of a file."""

    def __init__(self, builder: BatchBuilder) -> None:
        self.builder = builder
        self.entries: list[Entry] = []
        self.tables: list[pa.Table] = []
        self.rows = 0
        self.table_bytes = 0
        self.file: _File | None = None
        self.files: list[_File] = []

    @property
    def written(self) -> int:
        return sum(file.rows for file in self.files)


def _by_protocol(entries: Sequence[Entry]) -> Mapping[str, Sequence[Entry]]:
    """Part entries by their protocol; those of one keep their order."""
    protocols = list(map(_PROTOCOL, entries))
    distinct = dict.fromkeys(protocols)
    if len(distinct) <= 1:
        return dict.fromkeys(distinct, entries)
    found: dict[str, list[Entry]] = {name: [] for name in distinct}
    for name, entry in zip(protocols, entries, strict=True):
        found[name].append(entry)
    return found


class EntryWriter:
    """Writes the entries of one task; close() makes its files visible, discard() leaves nothing.

    folder: exists already or is made. fields: protocol -> the fields it declares. common: fields of every entry.
    batch: rows of a row group. task: a decimal number below 65,536 that no other writer of this folder has.
    """

    def __init__(
        self,
        folder: Path,
        fields: Mapping[str, tuple[Field, ...]],
        common: tuple[Field, ...],
        batch: int = 50_000,
        task: str = "0",
        match_fields: Mapping[str, tuple[str, ...]] = MATCH_FIELDS,
    ) -> None:
        if not (task.isdecimal() and int(task) < _TASKS):
            raise UsageError(f"The task {task!r} is not a number from 0 to {_TASKS - 1}.")
        self._folder = folder
        self._fields = fields
        self._common = common
        self._batch = batch
        self._task = task
        self._matching = match_fields
        self._next_id = int(task) * _IDS_A_TASK + 1
        self._shelves: dict[str, _Shelf] = {}
        self._place_of: PlaceOf | None = None
        self._held = self._body_bytes = self._table_bytes = 0
        with store_errors(folder, "write"):
            folder.mkdir(parents=True, exist_ok=True)

    def add(self, entries: list[Entry], places: PlaceOf) -> None:
        """Take entries of any protocols; `places` is asked once a connection and batch."""
        if self._place_of is not None and self._place_of != places:
            self._make_columns()
        self._place_of = places
        self._held += len(entries)
        for protocol, own in _by_protocol(entries).items():
            shelf = self._shelves.get(protocol) or self._shelf(protocol)
            shelf.entries += own
            while len(shelf.entries) >= CHUNK:
                self._convert(shelf)
        while self._held > HELD:
            self._convert(max(self._shelves.values(), key=lambda shelf: len(shelf.entries)))
        self._body_bytes += sum(map(len, chain.from_iterable(map(_BODIES, entries))))
        if self._body_bytes >= CHUNK_BYTES:
            self._make_columns()

    def add_columns(self, columns: EntryColumns, places: PlaceOf) -> None:
        """Take entries of one protocol in any order, as columns; `places` is asked once a connection.

        They become a table at once, or where they are few go with others that do.
        """
        if len(columns) < FEW:
            self.add(list(columns.entries()), places)
            return
        shelf = self._shelves.get(columns.protocol) or self._shelf(columns.protocol)
        self._keep(shelf, shelf.builder.build_columns(columns, places, self._next_id))

    def close(self) -> WrittenStats:
        """Write what is left and give the files their names."""
        try:
            self._make_columns()
            for shelf in self._shelves.values():
                self._write_group(shelf)
            for shelf in self._shelves.values():
                for file in shelf.files:
                    file.finish()
        except BaseException:
            self.discard()
            raise
        files = [file for shelf in self._shelves.values() for file in shelf.files]
        stats = WrittenStats(
            {name: shelf.written for name, shelf in sorted(self._shelves.items())},
            tuple(file.path.name for file in files),
            sum(file.path.stat().st_size for file in files),
        )
        self._shelves = {}
        return stats

    def discard(self) -> None:
        """Give up: remove everything this writer wrote."""
        for shelf in self._shelves.values():
            for file in shelf.files:
                file.discard()
                file.path.unlink(missing_ok=True)
        self._shelves = {}

    def _shelf(self, protocol: str) -> _Shelf:
        own = self._fields.get(protocol, ())
        types = column_types(self._common, own)
        builder = BatchBuilder(protocol, types, frozenset(f.name for f in own), self._matching.get(protocol))
        return self._shelves.setdefault(protocol, _Shelf(builder))

    def _make_columns(self) -> None:
        self._body_bytes = 0
        for shelf in self._shelves.values():
            self._convert(shelf)

    def _convert(self, shelf: _Shelf) -> None:
        if not shelf.entries or self._place_of is None:
            return
        table = shelf.builder.build(shelf.entries[:CHUNK], self._place_of, self._next_id)
        self._held -= len(table)
        del shelf.entries[:CHUNK]
        self._keep(shelf, table)

    def _keep(self, shelf: _Shelf, table: pa.Table) -> None:
        self._next_id += len(table)
        shelf.tables.append(table)
        shelf.rows += len(table)
        shelf.table_bytes += table.nbytes
        self._table_bytes += table.nbytes
        if shelf.rows >= self._batch:
            self._write_group(shelf)
        while self._table_bytes >= GROUP_BYTES:
            self._write_group(max(self._shelves.values(), key=lambda other: other.table_bytes))

    def _write_group(self, shelf: _Shelf) -> None:
        if not shelf.tables:
            return
        self._table_bytes -= shelf.table_bytes
        table = pa.concat_tables(shelf.tables).unify_dictionaries()
        shelf.tables, shelf.rows, shelf.table_bytes = [], 0, 0
        if shelf.file is None or not shelf.file.fits(len(table)):
            if shelf.file is not None:
                shelf.file.close()
            name = f"{shelf.builder.protocol}-{self._task}-{len(shelf.files):03}{SUFFIX}"
            shelf.file = _File(self._folder / name, shelf.builder)
            shelf.files.append(shelf.file)
        shelf.file.write(table)
