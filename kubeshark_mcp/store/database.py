"""Parquet folders as one DuckDB relation: views, execution, cancellation, and errors as sentences.

Each database has its own in-memory DuckDB, so any number of processes read the same files. It reads the files that it
was opened with and nothing else, and its configuration is locked.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from kubeshark_mcp.errors import NotFoundError, StoreError
from kubeshark_mcp.model.field import FieldType
from kubeshark_mcp.store.columns import LAYER_4, SQL_TYPES, quoted
from kubeshark_mcp.store.files import JOINED, entry_files
from kubeshark_mcp.store.hashing import stable_hash

MEMORY_LIMIT = "512MB"
THREADS = 2
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
        self._files = _chosen_files(folders, keep_duplicates)
        self._running: set[duckdb.DuckDBPyConnection] = set()
        self._lock = threading.Lock()
        paths = [str(path) for files in self._files.values() for path in files]
        self._connection = duckdb.connect(":memory:", config={"threads": THREADS, "memory_limit": MEMORY_LIMIT})
        with self._sentences():
            self._configure(paths)
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
        """Give the columns that at least one file has."""
        return frozenset(self.types)

    def relation(self, layer_4: bool = True) -> str:
        """Give the name of the view over all protocols, or of the one without connections and flows."""
        return "entries" if layer_4 else "calls"

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and give its rows."""
        with self.cursor() as cursor:
            return cursor.execute(sql, list(parameters)).fetchall()

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run one statement and give its rows by column name, without nulls."""
        with self.cursor() as cursor:
            result = cursor.execute(sql, list(parameters))
            names = [column[0] for column in result.description or ()]
            return [
                {name: value for name, value in zip(names, row, strict=True) if value is not None}
                for row in result.fetchall()
            ]

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
        run("SET parquet_metadata_cache = true")
        run("SET late_materialization_max_rows = 1000")
        run("SET autoinstall_known_extensions = false")
        run("SET autoload_known_extensions = false")
        run(f"SET temp_directory = '{_escaped(tempfile.gettempdir())}'")
        run(f"SET allowed_paths = [{', '.join(_literal(path) for path in paths)}]")
        run("SET enable_external_access = false")
        run("SET lock_configuration = true")

    def _make_views(self, declared: Mapping[str, FieldType]) -> dict[str, dict[str, str]]:
        """Make a view a protocol, `entries` over all and `calls` without connections and flows; give their columns."""
        columns = {}
        for protocol, files in self._files.items():
            paths = ", ".join(_literal(str(path)) for path in files)
            view = quoted(f"protocol {protocol}")
            # File paths cannot be bound in a view's definition, so they are written as literals.
            self._connection.execute(f"CREATE VIEW {view} AS SELECT * FROM read_parquet([{paths}])")  # noqa: S608
            described = self._connection.execute(f"DESCRIBE {view}").fetchall()
            columns[protocol] = {row[0]: row[1] for row in described}
        present = {name for types in columns.values() for name in types}
        absent = ", ".join(
            f"NULL::{SQL_TYPES[kind]} AS {quoted(name)}" for name, kind in declared.items() if name not in present
        )
        for name, protocols in (("entries", list(columns)), ("calls", [p for p in columns if p not in LAYER_4])):
            parts = [f"SELECT * FROM {quoted(f'protocol {protocol}')}" for protocol in protocols] or [_EMPTY]  # noqa: S608
            union = " UNION ALL BY NAME ".join(parts)
            wanted = f"SELECT *, {absent} FROM ({union})" if absent else union  # noqa: S608
            self._connection.execute(f"CREATE VIEW {name} AS {wanted}")
        return columns


def _chosen_files(folders: Sequence[Path], keep_duplicates: bool) -> dict[str, list[Path]]:
    """Give the files to read by protocol: where calls were joined, those with one row a call, unless told otherwise."""
    chosen: dict[str, list[Path]] = {}
    for folder in folders:
        if not folder.is_dir():
            raise NotFoundError(f"There are no entries in {str(folder)!r}: dissect the captures first.")
        files = entry_files(folder)
        if not keep_duplicates:
            files |= entry_files(folder / JOINED)
        for protocol, paths in files.items():
            chosen.setdefault(protocol, []).extend(paths)
    return chosen


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0].rstrip(".")


def _escaped(text: str) -> str:
    return text.replace("'", "''")


def _literal(text: str) -> str:
    return f"'{_escaped(text)}'"
