"""Messages that say the same are read once, and what they say spreads over their rows."""

from __future__ import annotations

import numpy as np
import pytest

from kubeshark_mcp.dissect import remembered
from kubeshark_mcp.dissect.remembered import Remembered, Spread, preferred
from kubeshark_mcp.model.entry_columns import Coded


def test_equal_messages_have_one_code_and_are_read_once():
    read: list[bytes] = []

    def reading(message: bytes) -> str:
        read.append(message)
        return message.decode().upper()

    known = Remembered(reading)
    assert known.codes_of([b"a", b"b", b"a"]).tolist() == [0, 1, 0]
    assert known.codes_of([b"c", b"b"]).tolist() == [2, 1]
    assert known.codes_of([]).tolist() == []
    assert (known.readings, read) == (["A", "B", "C"], [b"a", b"b", b"c"])


@pytest.mark.parametrize(("limit", "value"), [("READINGS", 1), ("READING_BYTES", 5)])
def test_too_many_messages_are_forgotten_but_not_before_their_codes_were_used(limit, value, monkeypatch):
    monkeypatch.setattr(remembered, limit, value)
    known = Remembered(bytes.decode)
    assert known.codes_of([b"abc", b"def"]).tolist() == [0, 1]
    assert known.readings == ["abc", "def"]
    known.trim()
    assert known.readings == []
    assert known.codes_of([b"def"]).tolist() == [0]
    assert known.readings == ["def"]
    known.trim()
    assert known.readings == ["def"]


def test_rows_have_the_values_of_their_readings_and_none_where_they_have_no_reading():
    said = Spread(["zero", "one", "two"], np.array([2, -1, 0, 2], np.int32))
    assert said.distinct == ["zero", "two"]
    assert said.array(len, np.int64).tolist() == [3, 0, 4, 3]
    column = said.column(lambda word: word if word == "two" else None)
    assert column is not None
    assert column.rows() == ["two", None, None, "two"]
    assert said.column(lambda word: None) is None


def test_rows_without_any_reading_have_no_values():
    said = Spread(["zero"], np.array([-1, -1], np.int32))
    assert said.column(str.upper) is None
    assert said.array(len, np.int64).tolist() == [0, 0]


def test_the_first_of_two_columns_is_preferred_where_it_says_something():
    first = Coded(["a", None], np.array([0, 1, -1, 0], np.int32))
    second = Coded(["x", None], np.array([0, 0, 0, -1], np.int32))
    both = preferred(first, second)
    assert both is not None
    assert both.rows() == ["a", "x", "x", "a"]
    assert preferred(first, None) is first
    assert preferred(None, second) is second
    assert preferred(None, None) is None
