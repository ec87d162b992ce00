"""Cursors."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.store.paging import Position, read_cursor, write_cursor

NUMBERS = st.integers(-(2**63), 2**63 - 1)


@given(NUMBERS, NUMBERS, st.integers(0, 2**64 - 1))
def test_a_cursor_gives_its_position_back(timestamp, number, fingerprint):
    cursor = write_cursor(Position(timestamp, number), fingerprint)
    assert read_cursor(cursor, fingerprint) == Position(timestamp, number)


def test_the_cursor_of_another_query_is_refused():
    with pytest.raises(UsageError, match="belongs to another query or dissection"):
        read_cursor(write_cursor(Position(1, 2), 3), 4)


NO_CURSORS = [
    "",
    "x",
    "ümlaut",
    "a" * 5000,
    *(base64.urlsafe_b64encode(raw).decode() for raw in (b"[]", b"[1,2]", b"{}", b"[[],1,2]", b"[" * 300)),
]


@pytest.mark.parametrize("text", NO_CURSORS)
def test_what_is_no_cursor_is_refused_with_a_sentence(text):
    with pytest.raises(UsageError, match="is not a cursor: use the one that the page before gave, or none"):
        read_cursor(text, 1)


@given(st.text(max_size=60))
def test_no_text_makes_it_fail_otherwise(text):
    with pytest.raises(UsageError):
        read_cursor(text, 1)
