"""Entries as the rows of a batch."""

from __future__ import annotations

from kubeshark_mcp.model.field import FieldType
from kubeshark_mcp.store.entry_rows import EntryRows


def test_entries_are_visited_in_order_of_time(make):
    entries = [
        make.http(make.connection(n), at_ms=3 - n, fields={"n": n} if n else {}, malformed="cut" * n) for n in range(3)
    ]
    rows = EntryRows(entries, ("n", "absent"), make.place)
    assert len(rows) == 3
    assert rows.start.tolist() == [make.START + n * make.MS for n in (1, 2, 3)]
    assert rows.field("n", FieldType.INT).to_pylist() == [2, 1, None]
    assert rows.field("absent", FieldType.INT) is None
    assert rows.text("malformed").to_pylist() == ["cutcut", "cut", None]
    assert rows.text("status").to_pylist() == ["200"] * 3
    assert rows.failed().to_pylist() == [False] * 3
    assert rows.bodies("request_body").null_count == 3
    assert rows.largest(("n", "absent")).tolist() == [2, 1, 0]


def test_what_is_equal_has_one_hash(make):
    entries = [make.http(make.connection(), fields={"n": n}, summary=str(n)) for n in (1, 2, 1)]
    rows = EntryRows(entries, ("n",), make.place)
    for hashes in (*rows.hashes(("n",)), rows.summary_hashes()):
        assert hashes[0] == hashes[2] != hashes[1]


def test_bodies_are_kept_where_there_are_any(make):
    entries = [make.http(make.connection(), request_body=body) for body in (b"", b"x")]
    assert EntryRows(entries, (), make.place).bodies("request_body").to_pylist() == [None, b"x"]
