"""Numbers over entries."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from kubeshark_mcp.model.stream import Span
from kubeshark_mcp.store.query import EntrySource, Query
from kubeshark_mcp.store.statistics import FieldProfile


@pytest.fixture
def source(write, make):
    rng = random.Random(7)
    calls = [
        make.http(
            make.connection(n % 5),
            at_ms=n * 10,
            elapsed_ms=None if n % 20 == 19 else rng.randint(1, 500),
            path=f"/users/{n}" if n % 2 else "/login",
            code=503 if n % 10 == 0 else 200,
        )
        for n in range(1001)
    ]
    span = Span(0, 10, 1, 9, make.START, make.START + 3600 * 10**9)
    whole = make.http(make.connection(9), protocol="tcp_conn", request=span, response=span, fields={"tcp_conn": True})
    return EntrySource([write([*calls, whole])])


def test_percentiles_are_exact_and_over_answered_calls_alone(source):
    rows = source.page(Query("http"), 2000, columns=("elapsed_time", "answered", "failed")).rows
    times = sorted(row["elapsed_time"] for row in rows if row["answered"])
    total = source.stats().total

    def nearest_rank(percent):
        return times[-(-len(times) * percent // 100) - 1]

    assert total == {
        "key": "all",
        "count": 1001,
        "errors": 101,
        "error_rate": 101 / 1001,
        "unanswered": 50,
        "p50_us": nearest_rank(50),
        "p90_us": nearest_rank(90),
        "p95_us": nearest_rank(95),
        "p99_us": nearest_rank(99),
        "max_us": times[-1],
        "request_bytes": 100_100,
        "response_bytes": 951 * 200,
        "per_second": 1001 / 10.0,
    }


def test_groups_come_biggest_first_with_their_number(source):
    found = source.stats(group="_endpoint")
    assert [(row["key"], row["count"]) for row in found.groups] == [
        ("http GET /login", 501),
        ("http GET /users/{}", 500),
    ]
    limited = source.stats(group="src.port", limit=2)
    assert ([row["key"] for row in limited.groups], limited.groups_total) == (["40000", "40001"], 5)
    assert [row["key"] for row in source.stats(group="no_such_field").groups] == [""]


def test_connections_are_not_mixed_with_calls_unless_the_condition_asks(source):
    by_protocol = [row["key"] for row in source.stats(group="protocol").groups]
    assert by_protocol == ["http"]
    assert source.stats(Query('coalesce("tcp_conn", false)')).total["count"] == 1
    assert source.stats(Query("protocol = ?", ("tcp_conn",))).total["max_us"] == 3600 * 10**6
    assert source.stats(Query(layer_4=True)).total["count"] == 1002


def test_a_window_gives_the_rate(source, make):
    query = Query("status_code = 503", start_ns=make.START, end_ns=make.START + 5 * 10**9)
    total = source.stats(query).total
    assert (total["count"], total["per_second"]) == (51, 51 / 5)


def test_a_residual_predicate_restricts_statistics_too(source):
    query = Query("http", residual=lambda row: row["path"] == "/login", residual_columns=("path",))
    found = source.stats(query, group="status_code")
    assert (found.total["count"], found.exact) == (501, True)
    assert [(row["key"], row["count"]) for row in found.groups] == [("200", 400), ("503", 101)]


def test_nothing_matching_gives_zeros(source):
    found = source.stats(Query("status_code = 418"), group="path")
    assert (found.total["count"], found.total["p50_us"], found.total["error_rate"]) == (0, None, 0.0)
    assert (found.groups, found.groups_total, found.first_ns) == ([], 0, None)


def test_a_profile_tells_how_fields_are_filled(source):
    code, headers, missing = source.field_profile(["status_code", "request.headers", "grpc_status"], Query("http"))
    assert code == FieldProfile("status_code", 1001, 951, 2, [(200, 850), (503, 101)])
    assert headers == FieldProfile("request.headers", 1001, 1001, 1, [("host", 1001)])
    assert missing == FieldProfile("grpc_status", 1001, 0, 0, [])


def test_a_failed_flag_that_is_unknown_counts_as_no_error(write, make):
    entry = replace(make.http(make.connection()), failed=False)
    assert EntrySource([write([entry])]).stats().total["errors"] == 0
