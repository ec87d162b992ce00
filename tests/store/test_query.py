"""EntrySource: pages, single entries and counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubeshark_mcp.errors import NotFoundError, UsageError
from kubeshark_mcp.store import resident
from kubeshark_mcp.store.query import EntrySource, Query


def ids(rows):
    return [row["id"] for row in rows]


@pytest.fixture
def calls(make):
    return [
        make.http(make.connection(n % 7), at_ms=n // 3, code=500 if n % 10 == 0 else 200, packet=n) for n in range(95)
    ]


def test_a_row_holds_kfl_names_and_leaves_out_what_is_unknown(write, make):
    where = make.connection(3)
    source = EntrySource([write([make.http(where, at_ms=2, response_body=b"hello", packet=10)])])
    [row] = source.page(Query()).rows
    internal = {name: row.pop(name) for name in list(row) if name.startswith("_")}
    assert row == {
        "id": 1,
        "timestamp": make.START + 2 * make.MS,
        "protocol": "http",
        "http": True,
        "method": "GET",
        "path": "/orders",
        "status_code": 200,
        "request.headers": {"host": "shop"},
        "src.ip": "10.0.0.1",
        "src.port": 40003,
        "dst.ip": "10.96.0.9",
        "dst.port": 80,
        "src.pod.name": "web-0",
        "dst.service.name": "cart",
        "node_name": "node-0",
        "conn_id": 3,
        "elapsed_time": 5000,
        "first_byte_time": 4999,
        "summary": "GET /orders",
        "status": "200",
        "answered": True,
        "failed": False,
        "sightings": 1,
    }
    assert (internal["_request_first"], internal["_response_first"], internal["_response_last"]) == (10, 11, 12)
    assert source.get(1)["summary"] == "GET /orders"
    assert source.bodies(1) == (b"", b"hello")


@pytest.mark.parametrize("newest_first", [False, True])
def test_pages_follow_each_other_without_loss_or_repetition(write, calls, newest_first):
    source = EntrySource([write(calls)])
    query = Query(newest_first=newest_first)
    found, cursor = [], None
    while True:
        page = source.page(query, limit=10, cursor=cursor)
        assert page.total == 95
        found += page.rows
        cursor = page.cursor
        if cursor is None:
            break
    keys = [(row["timestamp"], row["id"]) for row in found]
    assert keys == sorted(keys, reverse=newest_first)
    assert len(set(ids(found))) == 95


def test_a_condition_and_a_window_choose(write, make, calls):
    source = EntrySource([write(calls)])
    failed = Query('"status_code" >= ?', (500,), start_ns=make.START + 3 * make.MS, end_ns=make.START + 20 * make.MS)
    page = source.page(failed)
    assert [row["_request_first"] for row in page.rows] == [10, 20, 30, 40, 50, 60]
    assert (page.total, page.cursor, source.count(failed)) == (6, None, 6)


def test_a_cursor_of_another_query_or_dissection_is_refused(write, make, calls):
    source = EntrySource([write(calls)])
    cursor = source.page(Query(), limit=10).cursor
    with pytest.raises(UsageError, match="belongs to another query"):
        source.page(Query("status_code = ?", (200,)), cursor=cursor)
    with pytest.raises(UsageError, match="belongs to another query"):
        EntrySource([write(calls[:50], name="other")]).page(Query(), cursor=cursor)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_that_is_not_positive_is_refused(write, calls, limit):
    with pytest.raises(UsageError, match=f"The limit {limit} is not a positive number"):
        EntrySource([write(calls)]).page(Query(), limit=limit)


def test_a_residual_predicate_is_asked_for_the_rows_that_are_left(write, calls):
    source = EntrySource([write(calls)])
    asked = []

    def odd(row):
        asked.append(row)
        return row["_request_first"] % 20 == 10

    query = Query("status_code >= ?", (500,), residual=odd, residual_columns=("_request_first",), text="odd")
    first = source.page(query, limit=3, columns=("path",))
    second = source.page(query, limit=3, cursor=first.cursor, columns=("_request_first",))
    assert asked[0] == {"_id": 1, "_request_first": 0}
    assert first.rows[0].keys() == {"_id", "path"}
    assert [row["_request_first"] for row in second.rows] == [70, 90]
    assert (first.total, second.total, second.cursor) == (5, 5, None)


def test_a_residual_predicate_looks_at_a_bounded_number_of_rows_and_says_so(write, calls, monkeypatch):
    monkeypatch.setattr("kubeshark_mcp.store.query.EXAMINED", 20)
    monkeypatch.setattr("kubeshark_mcp.store.query.BLOCK", 10)
    source = EntrySource([write(calls)])
    query = Query(residual=lambda row: row["_request_first"] == 94)
    page = source.page(query)
    seen = 1
    while not page.rows:
        assert not page.exact
        page = source.page(query, cursor=page.cursor)
        seen += 1
    assert (seen, [row["_request_first"] for row in page.rows]) == (5, [94])


def test_clauses_are_counted_one_after_the_other(write, calls):
    source = EntrySource([write(calls)])
    clauses = [("status_code >= ?", (500,)), ("path = ?", ("/orders",)), ("path = ?", ("/none",))]
    assert source.clause_counts(clauses) == [10, 10, 0]
    assert source.clause_counts([]) == []


def test_columns_bounds_and_counts_describe_the_data(write, make, calls):
    lookup = make.http(make.connection(50, transport="udp"), at_ms=100, protocol="dns", fields={"dns": True})
    source = EntrySource([write([*calls, lookup])], [field for fields in make.FIELDS.values() for field in fields])
    assert source.bounds() == (make.START, make.START + 100 * make.MS)
    assert source.protocol_counts() == {"dns": 1, "http": 95}
    assert {"dns", "status_code", "src.pod.name", "_id"} <= source.columns
    assert source.columns.isdisjoint({"tcp_conn", "dns_id", "dst.pod.name"})
    assert source.count(Query('coalesce("tcp_conn", false)')) == 0


def test_an_empty_folder_answers_with_nothing(tmp_path, make):
    source = EntrySource([tmp_path])
    assert (source.bounds(), source.protocol_counts(), source.page(Query()).rows) == (None, {}, [])
    with pytest.raises(NotFoundError, match="There is no entry 7 here"):
        source.get(7)
    with pytest.raises(NotFoundError, match="There are no entries in"):
        EntrySource([tmp_path / "none"])


def counting(source, monkeypatch):
    """Note every statement that a source runs."""
    statements, run = [], source.database.query
    monkeypatch.setattr(source.database, "query", lambda sql, *rest: statements.append(sql) or run(sql, *rest))
    return statements


def test_a_page_that_is_asked_for_again_costs_nothing_and_is_nobody_elses_to_change(write, calls, monkeypatch):
    source = EntrySource([write(calls)])
    statements = counting(source, monkeypatch)
    first = source.page(Query(), 10, columns=("path",))
    made = len(statements)
    first.rows[0]["path"] = "scribbled"
    first.rows.clear()
    again = source.page(Query(), 10, columns=("path",))
    assert (again.rows[0]["path"], len(again.rows), len(statements)) == ("/orders", 10, made)
    assert len(source.page(Query(), 11, columns=("path",)).rows) == 11
    assert len(statements) == made + 1  # the total is known


def test_nothing_is_remembered_where_that_is_not_wanted(write, calls, monkeypatch):
    source = EntrySource([write(calls)], remember=False)
    statements = counting(source, monkeypatch)
    for _ in range(2):
        source.page(Query(), 10, columns=("path",))
    assert len(statements) == 4


def test_a_page_of_columns_is_one_statement_and_the_next_one_counts_no_more(write, calls, monkeypatch):
    source = EntrySource([write(calls)])
    statements = counting(source, monkeypatch)
    first = source.page(Query(), 10, columns=("path", "nowhere", "path"))
    assert [row.keys() for row in first.rows] == [{"_id", "path"}] * 10
    assert [sql.split(" FROM ")[0] for sql in statements] == [
        'SELECT timestamp, _id, protocol, "path"', "SELECT count(*)",
    ]  # fmt: skip
    second = source.page(Query(), 10, first.cursor, ("path", "_request_first"))
    assert [row["_request_first"] for row in second.rows] == list(range(10, 20))
    assert (second.total, len(statements)) == (95, 3)


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("query", [Query(), Query("status_code >= ?", (500,)), Query("path = ?", ("/none",))])
def test_a_row_is_the_same_whichever_way_its_columns_are_read(write, calls, make, query, newest_first):
    lookup = make.http(make.connection(50, transport="udp"), at_ms=100, protocol="dns", fields={"dns": True})
    source = EntrySource([write([*calls, lookup])])
    asked = replace(query, newest_first=newest_first)
    whole = source.page(asked, 20)
    for columns in (("timestamp", "path", "dns", "src.ip"), ("timestamp", "request.headers", "dns")):
        page = source.page(asked, 20, columns=columns)
        chosen = [{name: row[name] for name in ("_id", *columns) if name in row} for row in whole.rows]
        assert (page.rows, page.total, page.cursor) == (chosen, whole.total, whole.cursor)


def test_protocols_that_lack_what_a_condition_needs_are_not_read(write, make, calls, monkeypatch):
    lookup = make.http(make.connection(50, transport="udp"), at_ms=100, protocol="dns", fields={"dns": True})
    fields = [field for fields in make.FIELDS.values() for field in fields]
    source = EntrySource([write([*calls, lookup])], fields)
    statements = counting(source, monkeypatch)
    needs = (frozenset({"dns"}), frozenset({"src.ip"}))
    assert [row["dns"] for row in source.page(Query("dns", needs=needs), columns=("dns",)).rows] == [True]
    assert not any("http-0-000" in sql for sql in statements)
    nowhere = (frozenset({"dns"}), frozenset({"status_code"}))
    assert source.page(Query("dns AND status_code > 1", needs=nowhere)).total == 0
    assert source.count(Query("dns AND status_code > 1", needs=nowhere)) == 0
    assert source.clause_counts([("status_code > 1", ())], Query(needs=needs)) == [95]


def test_a_window_around_all_entries_is_no_window(write, make, calls, monkeypatch):
    monkeypatch.setattr(resident, "SMALL_ROWS", 0)
    source = EntrySource([write(calls)])
    around = Query(start_ns=make.START - 5, end_ns=make.START + make.MS * 1000)
    assert source.page(around, 7).total == 95
    statements = counting(source, monkeypatch)
    inside = replace(around, start_ns=make.START + make.MS)
    assert (source.page(around, 8).total, source.page(inside, 8).total) == (95, 92)
    assert [("timestamp >= ?" in sql, "timestamp <= ?" in sql) for sql in statements if "count" in sql] == [
        (True, False)
    ]
