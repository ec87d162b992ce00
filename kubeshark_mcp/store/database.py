"""Parquet folders as one DuckDB relation: views, execution, cancellation, and errors as sentences.

Each database has its own in-memory DuckDB, so any number of processes read the same files. It reads the files that it
was opened with and nothing else, and its configuration is locked.
"""

from __future__ import annotations

import json
import re
import secrets
import tempfile
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from kubeshark_mcp.errors import NotFoundError, StoreError
from kubeshark_mcp.model.field import FieldType
from kubeshark_mcp.store.cancelling import stoppable
from kubeshark_mcp.store.columns import COMPUTED, LAYER_4, SQL_TYPES, quoted
from kubeshark_mcp.store.files import FILLED, JOINED, MAP_FILE, entry_files, is_complete, read_manifest
from kubeshark_mcp.store.hashing import stable_hash
from kubeshark_mcp.store.resident import CATALOG

MEMORY_LIMIT = "512MB"
THREADS = 2
FEW_ROWS = 100_000
"""Up to so many rows one thread does all: to share out less than a row group costs more than it gives."""
_KEYS = "timestamp _id protocol"
_NAMES = re.compile(r'"((?:[^"]|"")+)"|([A-Za-z_][A-Za-z_0-9]*)')
"""Column names in SQL, and other words."""
_EMPTY = (
    "SELECT NULL::BIGINT AS id, NULL::BIGINT AS _id, NULL::BIGINT AS timestamp, NULL::VARCHAR AS protocol WHERE false"
)


class Database:
    """The entries of dissections, readable from several threads.

    folders: of dissections whose tasks have different numbers. declared: fields that a predicate may name; those that
    no file has are null. keep_duplicates: each sighting of a call is a row of its own.
    """

    def __init__(
        self, folders: Sequence[Path], declared: Mapping[str, FieldType] | None = None, keep_duplicates: bool = False
    ) -> None:
        self.keep_duplicates = keep_duplicates
        self._raw = _files_by_protocol(folders)
        self._files = self._raw if keep_duplicates else self._raw | _joined_files(folders, self._raw)
        self._maps = [path for folder in folders if (path := folder / JOINED / MAP_FILE).is_file()]
        self._flags: dict[tuple[str, str], bool] = {}
        self._running: set[duckdb.DuckDBPyConnection] = set()
        self._lock = threading.Lock()
        read = [
            *self._maps,
            *(path for files in (self._raw, self._files) for paths in files.values() for path in paths),
        ]
        paths = list(dict.fromkeys(map(str, read)))
        self._connection = duckdb.connect(":memory:", config={"threads": THREADS, "memory_limit": MEMORY_LIMIT})
        with self._sentences():
            self._configure(paths)
            self.kinds = {name: SQL_TYPES[kind] for name, kind in (declared or {}).items()}
            self._all_columns: set[str] = set()
            self.raw_columns: dict[str, dict[str, str]] = {}
            self.columns_of = self._make_views(declared or {})
        self.types: dict[str, str] = {}
        for types in self.columns_of.values():
            self.types.update(types)
        sizes = [(path.name, path.stat().st_size) for files in self._files.values() for path in files]
        self.fingerprint = stable_hash(keep_duplicates, *(str(folder) for folder in folders), *sizes)

    @property
    def protocols(self) -> list[str]:
        """Give the protocols that have files."""
        return sorted(self._files)

    @property
    def columns(self) -> frozenset[str]:
        """Give the columns that have a value in some row."""
        return frozenset(self.types)

    @property
    def joined(self) -> bool:
        """Tell whether some calls were seen at several places."""
        return bool(self._maps)

    def view(self, protocol: str) -> str:
        """Give, for FROM, the rows of one protocol: a row a call, or a row a sighting when duplicates are kept."""
        return _scan(self._files[protocol])

    def raw(self, protocol: str) -> str:
        """Give, for FROM, the rows of one protocol as they were written, with bodies."""
        return _scan(self._raw[protocol])

    def relation(self, layer_4: bool = True) -> str:
        """Give the name of the view over all protocols, or of the one without connections and flows."""
        return "entries" if layer_4 else "calls"

    def protocols_with(self, needs: Iterable[Collection[str]]) -> list[str]:
        """Give the protocols that fill, of each of the given sets of columns, at least one."""
        wanted = [frozenset(names) for names in needs]
        return [
            protocol
            for protocol, types in self.columns_of.items()
            if not any(names.isdisjoint(types) for names in wanted)
        ]

    def narrow(self, *texts: str, layer_4: bool = True, protocols: Collection[str] | None = None) -> str:
        """Give, for FROM, a relation like `relation` that has only the columns that these SQL texts name.

        protocols: the only ones whose rows it is to have. Planning a query over all columns of all protocols takes
        DuckDB several times as long as running it, and about a millisecond for each protocol whatever its columns.
        """
        chosen = [p for p in self._files if (layer_4 or p not in LAYER_4) and (protocols is None or p in protocols)]
        names = sorted(self.named(*texts))
        parts = [
            f"SELECT {', '.join(self._column(protocol, name) for name in names)} FROM {self.view(protocol)}"  # noqa: S608
            for protocol in chosen
        ]
        if not parts and not self._files:
            return self.relation(layer_4)
        nulls = ", ".join(f"NULL::{self.kinds[name]} AS {quoted(name)}" for name in names)
        return f"({' UNION ALL '.join(parts) or f'SELECT {nulls} WHERE false'}) AS entries"

    def named(self, *texts: str) -> set[str]:
        """Give the columns that SQL texts name, and those that every question needs."""
        words = {quoted or plain for text in (*texts, _KEYS) for quoted, plain in _NAMES.findall(text)}
        return {name for word in words if (name := word.replace('""', '"')) in self.kinds}

    def _column(self, protocol: str, name: str) -> str:
        """Write a column of a protocol; as a constant where all rows have the same, for then no row is read for it."""
        own = quoted(name)
        if name not in self.columns_of[protocol]:
            return f"NULL::{self.kinds[name]} AS {own}"
        if self.kinds[name] == "BOOLEAN" and name not in COMPUTED and self._always(protocol, name):
            return f"TRUE AS {own}"
        return own

    def _always(self, protocol: str, name: str) -> bool:
        """Tell whether a flag is set in every row: that of a protocol is in its own files."""
        known = self._flags.get((protocol, name))
        if known is None:
            other = f"SELECT 1 FROM {self.view(protocol)} WHERE {quoted(name)} IS NOT TRUE LIMIT 1"  # noqa: S608
            known = self._flags[protocol, name] = not self.query(other)
        return known

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and give its rows."""
        with self.cursor() as cursor:
            return cursor.execute(sql, list(parameters)).fetchall()

    def stream(self, sql: str, parameters: Sequence[Any], size: int) -> Iterator[list[tuple[Any, ...]]]:
        """Run one statement and give its rows in blocks of `size`."""
        with self.cursor() as cursor:
            cursor.execute(sql, list(parameters))
            while block := cursor.fetchmany(size):
                yield block

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a connection of its own for one statement; interrupt() reaches it."""
        with self._sentences():
            cursor = self._connection.cursor()
            with self._lock:
                self._running.add(cursor)
            try:
                with stoppable(cursor.interrupt):
                    yield cursor
            finally:
                with self._lock:
                    self._running.discard(cursor)
                cursor.close()

    def interrupt(self) -> None:
        """Stop what other threads are asking just now; their calls raise StoreError."""
        with self._lock:
            for cursor in self._running:
                cursor.interrupt()

    def close(self) -> None:
        """Release memory and files."""
        self.interrupt()
        self._connection.close()

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except duckdb.InterruptException as error:
            raise StoreError("The query was cancelled before it was done.") from error
        except duckdb.OutOfMemoryException as error:
            raise StoreError(
                f"The query needs more than {MEMORY_LIMIT} of memory: narrow it by time or by a clause."
            ) from error
        except duckdb.IOException as error:
            raise StoreError(
                f"The entries cannot be read ({_first_line(error)}): dissect the captures again."
            ) from error
        except duckdb.Error as error:
            raise StoreError(f"The query cannot be run on these entries: {_first_line(error)}.") from error

    def _configure(self, paths: Sequence[str]) -> None:
        run = self._connection.execute
        # A plain SET is for one connection, and each statement has one of its own.
        run("SET GLOBAL parquet_metadata_cache = true")
        run("SET GLOBAL late_materialization_max_rows = 1000")
        run("SET autoinstall_known_extensions = false")
        run("SET autoload_known_extensions = false")
        run(f"ATTACH ':memory:' AS {CATALOG} (COMPRESS)")
        # What DuckDB spills into can be read and written by statements, so it is a folder of its own.
        spill = Path(tempfile.gettempdir()) / f"kubeshark-mcp-{secrets.token_hex(8)}"
        run(f"SET temp_directory = {_literal(str(spill))}")
        run(f"SET allowed_paths = [{', '.join(_literal(path) for path in paths)}]")
        run("SET enable_external_access = false")
        self.rows = self._count_rows()
        if self.rows <= FEW_ROWS:
            run("SET threads = 1")
        run("SET lock_configuration = true")

    def _count_rows(self) -> int:
        """Count the rows of all files, by what these say of themselves."""
        files = [path for paths in self._files.values() for path in paths]
        if not files:
            return 0
        sql = f"SELECT sum(num_rows) FROM parquet_file_metadata([{_list(files)}])"  # noqa: S608
        return int(self._connection.execute(sql).fetchall()[0][0])

    def _make_views(self, declared: Mapping[str, FieldType]) -> dict[str, dict[str, str]]:
        """Make a view a protocol, `entries` over all and `calls` without connections and flows; give their columns."""
        columns = {}
        for protocol, files in self._files.items():
            raw = self._raw[protocol]
            self.raw_columns[protocol] = self._read_columns(raw)
            columns[protocol] = self.raw_columns[protocol] if files == raw else self._read_columns(files)
        if self._maps:
            self._connection.execute(f"CREATE VIEW sightings AS SELECT * FROM {_scan(self._maps)}")  # noqa: S608
            self._read_columns(self._maps)
        absent = ", ".join(
            f"NULL::{SQL_TYPES[kind]} AS {quoted(name)}"
            for name, kind in declared.items()
            if name not in self._all_columns
        )
        for name, protocols in (("entries", list(columns)), ("calls", [p for p in columns if p not in LAYER_4])):
            parts = [f"SELECT * FROM {self.view(protocol)}" for protocol in protocols] or [_EMPTY]  # noqa: S608
            union = " UNION ALL BY NAME ".join(parts)
            wanted = f"SELECT *, {absent} FROM ({union})" if absent else union  # noqa: S608
            self._connection.execute(f"CREATE VIEW {name} AS {wanted}")
        return columns

    def _read_columns(self, files: Sequence[Path]) -> dict[str, str]:
        """Give the columns of files that have values, and their types."""
        run = self._connection.execute
        types = {row[0]: row[1] for row in run(f"DESCRIBE SELECT * FROM {_scan(files)}").fetchall()}  # noqa: S608
        lists = run(
            f"SELECT decode(value) FROM parquet_kv_metadata([{_list(files)}]) WHERE decode(key) = '{FILLED}'"  # noqa: S608
        ).fetchall()
        filled = {name for (text,) in lists for name in json.loads(text)} if len(lists) == len(files) else set(types)
        self._all_columns |= set(types)
        self.kinds.update(types)
        return {name: kind for name, kind in types.items() if name in filled}


def _files_by_protocol(folders: Sequence[Path]) -> dict[str, list[Path]]:
    """Give the files as they were written."""
    found: dict[str, list[Path]] = {}
    for folder in folders:
        if not folder.is_dir():
            raise NotFoundError(f"There are no entries in {str(folder)!r}: dissect the captures first.")
        if is_complete(folder):
            read_manifest(folder)  # Refuses a folder that a later version wrote.
        for protocol, paths in entry_files(folder).items():
            found.setdefault(protocol, []).extend(paths)
    return found


def _joined_files(folders: Sequence[Path], raw: Mapping[str, list[Path]]) -> dict[str, list[Path]]:
    """Give, for protocols with joined calls somewhere, the files with one row a call."""
    found: dict[str, list[Path]] = {}
    for folder in folders:
        for protocol, paths in entry_files(folder / JOINED).items():
            others = [path for path in found.get(protocol, raw[protocol]) if path.parent != folder]
            found[protocol] = [*others, *paths]
    return found


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0].rstrip(".")


def _scan(files: Sequence[Path]) -> str:
    """Write what reads files; a view over them would make DuckDB bind all of their columns for each query."""
    return f"read_parquet([{_list(files)}])"


def _list(files: Sequence[Path]) -> str:
    """Write paths as literals: they cannot be bound."""
    return ", ".join(_literal(str(path)) for path in files)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
