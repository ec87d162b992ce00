"""How much is shown."""

from __future__ import annotations

from kubeshark_mcp.present.paging import shown_of


def test_a_page_says_how_much_it_shows_and_how_to_go_on():
    assert shown_of(12, 1340, "calls", "abc") == "12 of 1,340 calls, next: cursor=abc"


def test_all_rows_are_just_counted():
    assert shown_of(12, 12, "calls") == "12 calls"
    assert shown_of(1, 1, "addresses") == "1 address"
    assert shown_of(1, 1, "calls") == "1 call"


def test_a_last_page_still_says_of_how_many():
    assert shown_of(12, 340, "flows") == "12 of 340 flows"
