"""A small dissection in memory answers as its files do."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from kubeshark_mcp.errors import StoreError
from kubeshark_mcp.store import resident
from kubeshark_mcp.store.cancelling import CancelledQuestionError, Question
from kubeshark_mcp.store.database import Database
from kubeshark_mcp.store.query import EntrySource, Query
from kubeshark_mcp.store.resident import PATIENCE, Resident

QUERIES = (
    Query(),
    Query("status_code >= ?", (500,)),
    Query("http AND path = ?", ("/none",)),
    Query("dns OR conn", needs=(frozenset({"dns", "conn"}),)),
    Query("list_contains(dns_questions, ?)", ("shop",)),
    Query("dns_answers IS NULL AND tcp_conn IS NULL", layer_4=False),
    Query("\"request.headers\"['host'] = ?", ("shop",)),
    Query(
        "status_code > 0", residual=lambda row: row["status_code"] > 400, residual_columns=("status_code",), text="r"
    ),
)
COLUMNS = (
    None,
    ("timestamp", "path", "dns", "src.ip"),
    ("dns_questions", "request.headers"),
    ("_request_body", "path"),
)


@pytest.fixture
def folder(write, make):
    calls = [make.http(make.connection(n % 5), at_ms=n // 4, code=500 if n % 10 == 0 else 200) for n in range(60)]
    lookups = [
        make.http(make.connection(50 + n, transport="udp"), at_ms=n, protocol="dns", fields={"dns": True, **more})
        for n, more in enumerate(({"dns_questions": ["shop"]}, {"dns_id": 7}, {"dns_questions": []}))
    ]
    ends = [make.http(make.connection(n), at_ms=9, protocol="tcp_conn", fields={"conn": True}) for n in range(2)]
    return write([*calls, *lookups, *ends])


@pytest.fixture
def fields(make):
    return [field for fields in make.FIELDS.values() for field in fields]


def held(folder, fields):
    """Open a folder and ask until it is held."""
    source = EntrySource([folder], fields)
    for limit in range(1, PATIENCE + 2):
        source.page(Query(), limit)
    return source


def statements(database, monkeypatch):
    asked = []
    cursor, query = database.cursor, database.query
    monkeypatch.setattr(database, "query", lambda sql, values=(): asked.append(sql) or query(sql, values))
    monkeypatch.setattr(database, "cursor", lambda: asked.append("cursor") or cursor())
    return asked


def walk(source, query, limit, columns):
    """Give all pages of a question."""
    pages, cursor = [], None
    while not pages or cursor is not None:
        page = source.page(query, limit, cursor, columns)
        pages.append((page.rows, page.total, page.exact, page.cursor))
        cursor = page.cursor
    return pages


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("columns", COLUMNS)
def test_every_page_is_the_one_that_the_files_give(folder, fields, make, newest_first, columns):
    inside = {"start_ns": make.START + 2 * make.MS, "end_ns": make.START + 9 * make.MS}
    in_memory, in_files = held(folder, fields), EntrySource([folder], fields, remember=False)
    for query in QUERIES:
        for window in ({}, inside):
            asked = replace(query, newest_first=newest_first, **window)
            assert walk(in_memory, asked, 7, columns) == walk(in_files, asked, 7, columns)


def test_counts_and_statistics_are_those_of_the_files(folder, fields):
    in_memory, in_files = held(folder, fields), EntrySource([folder], fields, remember=False)
    for query in QUERIES:
        assert in_memory.stats(query, "path") == in_files.stats(query, "path")
        assert in_memory.field_profile(["dns_questions", "path"], query) == in_files.field_profile(
            ["dns_questions", "path"], query
        )
        if query.residual is None:
            assert in_memory.count(query) == in_files.count(query)
    clauses = [("http", ()), ("status_code > ?", (300,))]
    assert in_memory.clause_counts(clauses) == in_files.clause_counts(clauses)
    assert (in_memory.get(3), in_memory.bounds()) == (in_files.get(3), in_files.bounds())


def test_a_new_question_about_what_is_held_reads_no_file_and_is_one_statement(folder, fields, monkeypatch):
    source = held(folder, fields)
    source.page(Query("status_code > 1"), 5, columns=("path", "src.ip"))
    asked = statements(source.database, monkeypatch)
    assert source.page(Query("status_code > 2"), 5, columns=("path", "src.ip")).total == 60
    assert asked == ["cursor"]


def test_nothing_is_held_of_what_is_large_or_asked_about_once(folder, fields, monkeypatch):
    source = EntrySource([folder], fields)
    asked = statements(source.database, monkeypatch)
    for limit in range(1, PATIENCE + 1):
        source.page(Query(), limit)
    assert not [sql for sql in asked if resident.CATALOG in sql]
    monkeypatch.setattr(resident, "SMALL_ROWS", 64)
    large = EntrySource([folder], fields)
    asked = statements(large.database, monkeypatch)
    assert walk(large, Query(), 3, None) == walk(source, Query(), 3, None)
    assert not [sql for sql in asked if resident.CATALOG in sql]


def test_the_larger_a_dissection_the_longer_the_files_are_asked(folder, fields, monkeypatch):
    monkeypatch.setattr(resident, "_ROWS_A_QUESTION", 10)
    memory = Resident(Database([folder]))
    assert [memory.ask() for _ in range(PATIENCE + 8)] == [False] * (PATIENCE + 6) + [True, True]


def test_what_cannot_be_read_is_asked_of_the_files_from_then_on(folder, fields, monkeypatch):
    source = EntrySource([folder], fields)
    query = source.database.query

    def failing(sql, values=()):
        if "CREATE" in sql:
            raise StoreError("no room")
        return query(sql, values)

    monkeypatch.setattr(source.database, "query", failing)
    assert [source.page(Query(), limit).total for limit in range(1, PATIENCE + 4)] == [65] * (PATIENCE + 3)


def test_who_goes_while_it_is_read_spoils_it_for_nobody(folder, fields, monkeypatch):
    source = EntrySource([folder], fields)
    for limit in range(1, PATIENCE + 1):
        source.page(Query(), limit)
    gone, query = Question(), source.database.query

    def leaving(sql, values=()):
        if "CREATE" in sql:
            gone.cancel()
        return query(sql, values)

    monkeypatch.setattr(source.database, "query", leaving)
    with gone.current(), pytest.raises(CancelledQuestionError):
        source.page(Query(), 20)
    monkeypatch.setattr(source.database, "query", query)
    asked = statements(source.database, monkeypatch)
    assert source.page(Query(), 21).total == 65
    assert [sql for sql in asked if "CREATE" in sql]


def test_others_are_answered_from_the_files_while_it_is_read(folder, fields, monkeypatch):
    source = EntrySource([folder], fields)
    for limit in range(1, PATIENCE + 1):
        source.page(Query(), limit)
    begun, go_on, query = threading.Event(), threading.Event(), source.database.query

    def slow(sql, values=()):
        if "CREATE" in sql:
            begun.set()
            assert go_on.wait(10)
        return query(sql, values)

    monkeypatch.setattr(source.database, "query", slow)
    reader = threading.Thread(target=source.page, args=(Query(), 20))
    reader.start()
    assert begun.wait(10)
    assert source.page(Query("status_code > 1"), 3).total == 60
    go_on.set()
    reader.join()


def test_columns_in_memory_are_bounded(folder, fields, monkeypatch):
    monkeypatch.setattr(resident, "COLUMN_BYTES", 0)
    source = held(folder, fields)
    files = EntrySource([folder], fields, remember=False)
    columns = ("timestamp", "path", "src.ip")
    assert walk(source, Query(), 9, columns) == walk(files, Query(), 9, columns)
