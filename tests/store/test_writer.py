"""EntryWriter: entries become files, whole or not at all."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from kubeshark_mcp.errors import StoreError, UsageError
from kubeshark_mcp.model.entry_columns import Coded, ConnectionColumns, EntryColumns, Lists, Numbers, SpanColumns
from kubeshark_mcp.store import writer as module
from kubeshark_mcp.store.writer import EntryWriter, WrittenStats


def test_each_protocol_gets_files_of_its_own_with_row_groups_in_order_of_time(write, make):
    calls = [make.http(make.connection(n), at_ms=10 - n) for n in range(10)]
    lookups = [make.http(make.connection(20, transport="udp"), protocol="dns", fields={"dns": True, "dns_id": 7})]
    folder = write(calls + lookups, task="3")
    assert sorted(path.name for path in folder.iterdir()) == ["dns-3-000.parquet", "http-3-000.parquet"]
    table = pq.read_table(folder / "http-3-000.parquet")
    assert table["timestamp"].to_pylist() == sorted(make.START + n * make.MS for n in range(1, 11))
    assert len(set(table["id"].to_pylist())) == 10
    assert table["id"].to_pylist() == table["_id"].to_pylist()


def test_ids_are_unique_over_protocols_and_tasks_and_fit_a_json_number(write, make):
    ids = []
    for task in ("0", "1", "65535"):
        folder = write([make.http(make.connection()), make.http(make.connection(), protocol="dns")], task=task)
        for path in folder.glob(f"*-{task}-*.parquet"):
            ids += pq.read_table(path)["id"].to_pylist()
    assert len(set(ids)) == 6
    assert max(ids) < 2**53


def test_a_task_that_is_no_small_number_is_refused(tmp_path, make):
    with pytest.raises(UsageError, match=r"The task 'node-a' is not a number from 0 to 65535\."):
        EntryWriter(tmp_path, make.FIELDS, make.COMMON, task="node-a")


def test_small_batches_make_several_row_groups_and_full_files_are_followed_by_the_next(write, make, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 10)
    monkeypatch.setattr(module, "FILE_ROWS", 40)
    folder = write([make.http(make.connection(), at_ms=n) for n in range(100)], batch=20)
    files = sorted(folder.iterdir())
    assert [path.name for path in files] == ["http-0-000.parquet", "http-0-001.parquet", "http-0-002.parquet"]
    assert [pq.ParquetFile(path).metadata.num_row_groups for path in files] == [2, 2, 1]


def test_a_file_of_many_row_groups_is_closed_and_followed_by_the_next_and_none_is_visible_before_all_are(
    tmp_path, make, monkeypatch
):
    monkeypatch.setattr(module, "CHUNK", 10)
    monkeypatch.setattr(module, "FILE_GROUPS", 2)
    writer = EntryWriter(tmp_path, make.FIELDS, make.COMMON, batch=10)
    writer.add([make.http(make.connection(), at_ms=n) for n in range(50)], make.place)
    assert [path.name for path in tmp_path.glob("[!.]*")] == []
    writer.close()
    files = sorted(tmp_path.iterdir())
    assert [path.name for path in files] == ["http-0-000.parquet", "http-0-001.parquet", "http-0-002.parquet"]
    assert [pq.ParquetFile(path).metadata.num_row_groups for path in files] == [2, 2, 1]


def test_a_row_group_is_bounded_by_bytes_as_well(tmp_path, make, monkeypatch):
    monkeypatch.setattr(module, "CHUNK_BYTES", 10_000)
    monkeypatch.setattr(module, "GROUP_BYTES", 15_000)
    writer = EntryWriter(tmp_path, make.FIELDS, make.COMMON)
    for n in range(10):
        writer.add([make.http(make.connection(), at_ms=n, response_body=bytes(6000))], make.place)
    writer.close()
    assert pq.ParquetFile(tmp_path / "http-0-000.parquet").metadata.num_row_groups == 3


def test_nothing_is_visible_before_close_and_nothing_is_left_after_discard(tmp_path, make):
    writer = EntryWriter(tmp_path, make.FIELDS, make.COMMON, batch=1)
    for n in range(3):
        writer.add([make.http(make.connection(n))], make.place)
        writer.add([make.http(make.connection(n))], lambda connection, time_ns: {})
    assert [path for path in tmp_path.iterdir() if not path.name.startswith(".")] == []
    writer.discard()
    assert list(tmp_path.iterdir()) == []


def test_close_tells_what_was_written(tmp_path, make):
    writer = EntryWriter(tmp_path, make.FIELDS, make.COMMON)
    writer.add([make.http(make.connection())] * 3, make.place)
    stats = writer.close()
    size = (tmp_path / "http-0-000.parquet").stat().st_size
    assert stats == WrittenStats({"http": 3}, ("http-0-000.parquet",), size)
    assert EntryWriter(tmp_path / "none", make.FIELDS, make.COMMON).close() == WrittenStats()


def test_a_place_is_asked_once_for_a_connection_with_the_time_of_its_first_entry(tmp_path, make):
    asked = []

    def places(connection, time_ns):
        asked.append((connection.number, time_ns))
        return {}

    one, two = make.connection(1), make.connection(2)
    writer = EntryWriter(tmp_path, make.FIELDS, make.COMMON)
    writer.add([make.http(one, 5), make.http(two, 3), make.http(one, 1)], places)
    writer.close()
    assert sorted(asked) == [(1, make.START + make.MS), (2, make.START + 3 * make.MS)]


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path, make):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"Cannot write '.*file/entries': Not a directory\."):
        EntryWriter(tmp_path / "file" / "entries", make.FIELDS, make.COMMON)


def test_a_full_disk_is_a_sentence_and_leaves_nothing(make, tmp_path, monkeypatch):
    writer = EntryWriter(tmp_path, make.FIELDS, make.COMMON)
    writer.add([make.http(make.connection())], make.place)

    def full(self, table, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.pq.ParquetWriter, "write_table", full)
    with pytest.raises(StoreError, match="the disk is full; free some space"):
        writer.close()
    assert list(tmp_path.iterdir()) == []


def test_a_completed_file_holds_nothing_of_what_it_wrote(tmp_path, make, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 10)
    monkeypatch.setattr(module, "FILE_GROUPS", 1)
    writer = EntryWriter(tmp_path, make.FIELDS, make.COMMON, batch=10)
    writer.add([make.http(make.connection(), at_ms=n) for n in range(30)], make.place)
    files = [file for shelf in writer._shelves.values() for file in shelf.files]
    assert [file._writer is None for file in files] == [True, True, False]
    writer.close()
    assert [file._writer for file in files] == [None] * 3


def test_columns_are_written_like_the_entries_that_they_mean(tmp_path, make):
    columns = _lookups(range(20))
    tables = []
    for name in ("columns", "entries"):
        writer = EntryWriter(tmp_path / name, make.FIELDS, make.COMMON)
        if name == "columns":
            writer.add_columns(columns, make.place)
        else:
            writer.add(list(columns.entries()), make.place)
        assert writer.close().entries == {"dns": 20}
        tables.append(pq.read_table(tmp_path / name / "dns-0-000.parquet"))
    assert tables[0] == tables[1]


def _lookups(numbers):
    """Questions that come in the wrong order, of two connections."""
    count = len(numbers)
    zeros, start = np.zeros(count, np.int64), np.array([(7 * n % 5) * 1000 for n in numbers])
    asked = SpanColumns(np.ones(count, bool), zeros, zeros + 40, start + 1, start + 1, start, start, zeros)
    never = SpanColumns(np.zeros(count, bool), *[zeros] * 7)
    pair, codes = np.zeros(2, np.int64), np.zeros(2, np.int32)
    unknown = pair - 1
    connections = ConnectionColumns(
        "udp", ["10.0.0.1"], np.arange(2), codes, pair + 4000, codes, pair + 53, pair, pair, unknown, unknown, pair > 0
    )
    questions = Lists(np.ones(count, np.int64), Coded(["api.example.com"], np.zeros(count, np.int32)))
    fields = {"dns": Numbers(np.ones(count, bool)), "dns_id": Numbers(np.array(numbers)), "dns_questions": questions}
    return EntryColumns("dns", connections, np.array([n % 2 for n in numbers], np.int32), asked, never, fields)
