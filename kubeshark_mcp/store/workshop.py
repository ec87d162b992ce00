"""A private DuckDB in which a dissection that was just written is reworked: views over its files, Parquet out."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb

from kubeshark_mcp.errors import StoreError
from kubeshark_mcp.store.columns import quoted
from kubeshark_mcp.store.files import FILLED, entry_files, store_errors

MEMORY_LIMIT = "192MB"
_WATCH_S = 0.1
_ROW_GROUP = 24_576


class Workshop:
    """The files of one folder as views `raw <protocol>`, and a temporary folder beside them.

    watch: called from another thread several times a second while statements run; what it raises stops the work and
    is raised there.
    """

    def __init__(self, folder: Path, watch: Callable[[], None] | None = None) -> None:
        self.folder = folder
        self._stopped: BaseException | None = None
        self._done = threading.Event()
        self.files = entry_files(folder)
        self.temporary = folder / ".workshop"
        with store_errors(self.temporary, "write"):
            shutil.rmtree(self.temporary, ignore_errors=True)
            self.temporary.mkdir()
        self._connection = duckdb.connect(
            ":memory:",
            config={"threads": 2, "memory_limit": MEMORY_LIMIT, "temp_directory": str(self.temporary / "spill")},
        )
        self._watcher: threading.Thread | None = None
        if watch is not None:
            self._watcher = threading.Thread(target=self._watching, args=(watch,), daemon=True)
            self._watcher.start()
        # The wide rows are to stream past hash tables of narrow ones, whatever the numbers of rows suggest.
        self.run("SET partitioned_write_flush_threshold = 16384")
        self.run("SET disabled_optimizers = 'build_side_probe_side,join_order'")
        self.columns: dict[str, dict[str, str]] = {}
        self._filled: dict[str, set[str]] = {}
        for protocol in self.files:
            # File paths cannot be bound in a view's definition, so they are written as literals.
            self.run(f"CREATE VIEW {self.raw(protocol)} AS SELECT * FROM read_parquet([{self.paths(protocol)}])")  # noqa: S608
            self.columns[protocol] = {row[0]: row[1] for row in self.run(f"DESCRIBE {self.raw(protocol)}")}

    @staticmethod
    def raw(protocol: str) -> str:
        """Give the name of the view over a protocol's files."""
        return quoted(f"raw {protocol}")

    def paths(self, protocol: str) -> str:
        """Give the paths of a protocol's files as SQL literals."""
        return ", ".join(map(_literal, self.files[protocol]))

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and give its rows; errors are sentences."""
        if self._stopped is not None:
            raise self._stopped
        try:
            return self._connection.execute(sql, list(parameters)).fetchall()
        except duckdb.Error as error:
            if self._stopped is not None:
                raise self._stopped from None
            reason = str(error).strip().split("\n", 1)[0].rstrip(".")
            name = str(self.folder)
            raise StoreError(
                f"The entries in {name!r} cannot be joined ({reason}): free some disk space, then dissect again."
            ) from error

    def filled(self, protocol: str) -> set[str]:
        """Give the columns that have a value in some row of a protocol."""
        if protocol not in self._filled:
            source = f"parquet_kv_metadata([{self.paths(protocol)}])"
            rows = self.run(f"SELECT decode(value) FROM {source} WHERE decode(key) = '{FILLED}'")  # noqa: S608
            self._filled[protocol] = {name for (text,) in rows for name in json.loads(text)}
        return self._filled[protocol]

    def write(self, sql: str, path: Path, filled: Iterable[str] = ()) -> None:
        """Write the rows of a statement as Parquet; `filled` names the columns that have values."""
        target = _literal(path)
        known = json.dumps(sorted(filled)).replace("'", "''")
        options = (
            f"FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {_ROW_GROUP}, "
            f"KV_METADATA {{'{FILLED}': '{known}'}}"
        )
        # One thread fills one row group at a time: several of them, wide as they are, would not fit.
        self.run("SET threads = 1")
        self.run(f"COPY ({sql}) TO {target} ({options})")
        self.run("SET threads = 2")

    def split(self, sql: str, name: str) -> None:
        """Write the rows of a statement into files by the values of its integer column `name`; see `share`."""
        target = _literal(self.temporary / name)
        self.run(f"COPY ({sql}) TO {target} (FORMAT parquet, COMPRESSION snappy, PARTITION_BY ({name}))")

    def share(self, name: str, value: int) -> str | None:
        """Give the relation of the rows that `split` found for one value; None when there are none."""
        folder = self.temporary / name / f"{name}={value:d}"
        return f"read_parquet({_literal(folder / '*.parquet')}, hive_partitioning = false)" if folder.is_dir() else None

    def piece(self, name: str, number: int) -> Path:
        """Give the path of one of several files that together are a relation; see `pieces`."""
        return self.temporary / f"{name}-{number:05}.parquet"

    def pieces(self, name: str) -> str:
        """Give the relation of all files that were written to paths from `piece`."""
        return f"read_parquet({_literal(self.temporary / f'{name}-*.parquet')})"

    def close(self) -> None:
        """Release memory and remove the temporary folder."""
        self._done.set()
        if self._watcher is not None:
            self._watcher.join()
        self._connection.close()
        shutil.rmtree(self.temporary, ignore_errors=True)

    def _watching(self, watch: Callable[[], None]) -> None:
        while not self._done.wait(_WATCH_S):
            try:
                watch()
            except BaseException as stopped:  # noqa: BLE001 - raised where the work is done
                self._stopped = stopped
                break
        while not self._done.wait(_WATCH_S):
            # Again and again: the work may have been between two statements.
            self._connection.interrupt()


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
