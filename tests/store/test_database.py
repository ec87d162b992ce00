"""Files as one relation: read by many, by nobody changed, and by nothing left."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from kubeshark_mcp.errors import NotFoundError, StoreError
from kubeshark_mcp.model.field import FieldType
from kubeshark_mcp.store import database as module
from kubeshark_mcp.store.database import Database


@pytest.fixture
def folder(write, make):
    calls = [make.http(make.connection(n), at_ms=n) for n in range(20)]
    return write([*calls, make.http(make.connection(99), protocol="tcp_conn", fields={"tcp_conn": True})])


def test_protocols_are_one_relation_and_calls_leave_out_connections(folder):
    database = Database([folder])
    assert database.protocols == ["http", "tcp_conn"]
    assert database.query("SELECT count(*) FROM entries") == [(21,)]
    assert database.query("SELECT count(*) FROM calls") == [(20,)]
    assert [database.relation(), database.relation(False)] == ["entries", "calls"]


def test_declared_fields_that_no_file_has_are_null(folder):
    declared = {
        "grpc_status": FieldType.INT,
        "ws": FieldType.BOOL,
        "x.y": FieldType.STRING_MAP,
        "path": FieldType.STRING,
    }
    database = Database([folder], declared)
    assert database.query('SELECT "grpc_status", "ws", "x.y", "path" FROM entries WHERE http LIMIT 1') == [
        (None, None, None, "/orders")
    ]


def test_several_folders_are_read_as_one(write, make):
    first = write([make.http(make.connection())], name="one", task="0")
    second = write([make.http(make.connection())], name="two", task="1")
    assert Database([first, second]).query("SELECT count(DISTINCT id) FROM entries") == [(2,)]


def test_rows_come_in_blocks(folder):
    blocks = list(Database([folder]).stream("SELECT _id FROM calls ORDER BY _id", (), 8))
    assert [len(block) for block in blocks] == [8, 8, 4]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "COPY calls TO '{}/out.parquet'",
        "ATTACH '{}/other.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
    ],
)
def test_nothing_but_its_own_files_can_be_reached(folder, statement, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(StoreError, match=r"cannot be (run|read)"):
        Database([folder]).query(statement.format(tmp_path))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_statement_that_cannot_run_is_a_sentence(folder):
    with pytest.raises(StoreError, match=r"The query cannot be run on these entries: .*nope.*"):
        Database([folder]).query("SELECT nope FROM entries")


def test_a_missing_folder_and_a_damaged_file_are_sentences(folder, tmp_path):
    with pytest.raises(NotFoundError, match="There are no entries in"):
        Database([tmp_path / "none"])
    (folder / "http-0-000.parquet").write_bytes(b"PAR1 no PAR1")
    with pytest.raises(StoreError, match=r"dissect the captures again|cannot be run"):
        Database([folder])


def test_a_folder_that_a_later_version_wrote_is_refused(folder):
    (folder / "entries.json").write_text('{"format": 99}')
    with pytest.raises(StoreError, match="has format 99, this version reads up to 1: update kubeshark-mcp"):
        Database([folder])


def test_too_much_memory_is_a_sentence(folder, monkeypatch):
    database = Database([folder])

    def exhausted(*args):
        raise module.duckdb.OutOfMemoryException("no")

    with pytest.raises(StoreError, match="needs more than 512MB of memory: narrow it"), database.cursor():
        exhausted()


def test_a_running_query_is_interrupted_from_another_thread(folder):
    database = Database([folder])
    timer = threading.Timer(0.2, database.interrupt)
    timer.start()
    with pytest.raises(StoreError, match="The query was cancelled"):
        database.query("SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = 1")
    timer.join()
    assert database.query("SELECT count(*) FROM calls") == [(20,)]


def test_other_processes_read_while_one_writes(folder, write, make):
    code = (
        "import sys; from pathlib import Path; from kubeshark_mcp.store.query import EntrySource, Query\n"
        "source = EntrySource([Path(sys.argv[1])])\n"
        "print(sum(len(source.page(Query(), 1000).rows) for _ in range(20)))"
    )
    readers = [
        subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    written = [write([make.http(make.connection(n)) for n in range(50)], name=f"other-{turn}") for turn in range(5)]
    assert [reader.communicate()[0].strip() for reader in readers] == ["420", "420"]
    assert Database(written[:1]).query("SELECT count(*) FROM entries") == [(50,)]


def test_reading_needs_no_arrow():
    code = "import sys, kubeshark_mcp.store.query; print('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
    bare = "import sys, kubeshark_mcp.store; print({'duckdb', 'pyarrow', 'numpy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", bare], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_a_fingerprint_tells_data_apart(folder, write, make):
    other = write([make.http(make.connection())], name="other")
    prints = {Database([folder]).fingerprint, Database([other]).fingerprint, Database([folder], {}, True).fingerprint}
    assert len(prints) == 3
    assert Database([folder]).fingerprint in prints


def test_a_narrow_relation_has_the_columns_that_are_named_and_nulls_where_a_protocol_has_none(write, make):
    lookup = make.http(make.connection(9, transport="udp"), protocol="dns", fields={"dns": True, "dns_id": 7})
    database = Database([write([make.http(make.connection(), code=404), lookup])], {"absent": FieldType.STRING})
    relation = database.narrow('"status_code" >= 400 AND "absent" IS NULL AND dns IS NULL')
    assert [row[0] for row in database.query(f"DESCRIBE SELECT * FROM {relation}")] == [
        "_id", "absent", "dns", "protocol", "status_code", "timestamp",
    ]  # fmt: skip
    assert database.query(f"SELECT protocol, status_code, dns FROM {relation} ORDER BY 1") == [
        ("dns", None, True), ("http", 404, None),
    ]  # fmt: skip
    assert Database([]).query(f"SELECT * FROM {Database([]).narrow('x')}") == []


def test_every_statement_finds_what_is_known_of_the_files(folder):
    with Database([folder]).cursor() as cursor:
        names = "parquet_metadata_cache", "late_materialization_max_rows"
        assert [cursor.execute(f"SELECT current_setting('{name}')").fetchall() for name in names] == [
            [(True,)],
            [(1000,)],
        ]


def test_a_flag_that_all_rows_have_is_a_constant_and_no_other_one_is(write, make):
    entries = [
        make.http(make.connection(n), fields={"http": True, "tcp_conn": n == 3, "method": "GET", "path": "/"})
        for n in range(5)
    ]
    lookup = make.http(make.connection(9, transport="udp"), protocol="dns", fields={"dns": True})
    database = Database([write([*entries, lookup])], {"ws": FieldType.BOOL})
    relation = database.narrow("http dns failed answered ws", protocols=["http"])
    assert relation.startswith(
        '(SELECT "_id", "answered", NULL::BOOLEAN AS "dns", "failed", TRUE AS "http", "protocol", "timestamp",'
    )
    assert database.query(f"SELECT DISTINCT http, dns, ws FROM {relation}") == [(True, None, None)]
    assert database.query(f"SELECT count(*) FROM {database.narrow('http', protocols=[])}") == [(0,)]


def test_protocols_are_known_by_the_columns_that_they_fill(write, make):
    lookup = make.http(make.connection(9, transport="udp"), protocol="dns", fields={"dns": True})
    database = Database([write([make.http(make.connection()), lookup])])
    needs = [{"http", "dns"}], [{"http"}, {"src.ip"}], [{"dns"}, {"http"}], [set()], []
    assert [sorted(database.protocols_with(one)) for one in needs] == [
        ["dns", "http"],
        ["http"],
        [],
        [],
        ["dns", "http"],
    ]
