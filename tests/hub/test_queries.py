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


def test_internal_columns_are_not_shown_and_evidence_is():
    row = {"id": 1, "_id": 1, "_request_first": 3, "_request_last": 4, "_response_first": 6, "_response_last": 6}
    assert evidence(row) == {"request": [3, 4], "response": [6, 6]}
    assert public(row) == {"id": 1, "packets": evidence(row)}
    assert evidence({"_response_first": 6, "_response_last": 7}) == {"response": [6, 7]}
