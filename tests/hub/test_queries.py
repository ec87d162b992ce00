"""KFL against the store."""

from __future__ import annotations

import pytest

from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.errors import FilterError
from kubeshark_mcp.hub.queries import EntryBase, Language, as_query, evidence, public
from kubeshark_mcp.store.query import Query


@pytest.fixture(scope="module")
def language() -> Language:
    return Language(load_protocols())


@pytest.fixture(scope="module")
def base(incident, language) -> EntryBase:
    folder = incident.workspace / "snapshots" / incident.snapshot / "dissections" / "default"
    return EntryBase(folder, language)


def test_every_example_of_the_catalogue_compiles(language):
    for field in language.fields:
        program = language.compile(field.example)
        assert program is not None, field.name


def test_no_filter_is_no_program(language):
    assert language.compile(None) is None
    assert language.compile("  ") is None
    with pytest.raises(FilterError):
        language.compile("htpp")


def test_a_filter_keeps_the_window_and_the_order(language):
    window = Query(start_ns=5, end_ns=9, newest_first=True)
    query = as_query(language.compile("status_code >= 500"), window)
    assert (query.start_ns, query.end_ns, query.newest_first) == (5, 9, True)
    assert 500 in query.parameters
    assert as_query(None, window) == window


@pytest.mark.parametrize(
    ("kfl", "same"),
    [
        ("status_code / 100 == 5", "status_code >= 500 && status_code < 600"),
        ('path.charAt(1) == "a" && http', 'path.startsWith("/a") && http'),
        ('request.headers.exists(k, k == "x-request-id")', '"x-request-id" in request.headers'),
    ],
)
def test_what_is_tried_row_by_row_selects_what_its_sql_twin_selects(base, kfl, same):
    slow, fast = ([row["id"] for row in base.rows(text, None)] for text in (kfl, same))
    assert slow == fast
    assert slow


def test_rows_can_be_limited_and_need_no_more_than_a_page_at_once(base):
    assert len(list(base.rows("http", 7))) == 7
    assert len(list(base.rows("http", 0))) == 0


@pytest.mark.parametrize("kfl", ["timestamp < now()", 'timestamp < now() && path.charAt(1) == "a"'])
def test_a_filter_that_means_another_time_a_page_later_can_be_followed(base, kfl):
    first = base.page(kfl, Query(), 3, None)
    second = base.page(kfl, Query(), 3, first.page.cursor)
    assert first.query.parameters != second.query.parameters or first.query.residual is not second.query.residual
    assert (first.query.lasting, second.query.lasting) == (first.query.residual is None,) * 2
    both = base.page(kfl, Query(), 6, None).page
    assert [row["_id"] for row in (*first.page.rows, *second.page.rows)] == [row["_id"] for row in both.rows]


def test_a_window_that_moved_on_can_be_followed_too(base):
    first = base.page("http", Query(start_ns=1), 3, None).page
    second = base.page("http", Query(start_ns=2), 3, first.cursor).page
    assert {row["_id"] for row in first.rows}.isdisjoint(row["_id"] for row in second.rows)


def test_internal_columns_are_not_shown_and_evidence_is():
    row = {"id": 1, "_id": 1, "_request_first": 3, "_request_last": 4, "_response_first": 6, "_response_last": 6}
    assert evidence(row) == {"request": [3, 4], "response": [6, 6]}
    assert public(row) == {"id": 1, "packets": evidence(row)}
    assert evidence({"_response_first": 6, "_response_last": 7}) == {"response": [6, 7]}
