"""Columns of a batch as Arrow arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.model.entry_columns import Coded, Lists, Numbers, Slices
from kubeshark_mcp.model.field import FieldType
from kubeshark_mcp.store import column_arrays
from kubeshark_mcp.store.arrays import ARROW_TYPES, array_of
from kubeshark_mcp.store.column_arrays import column_array, column_hashes, text_rows
from kubeshark_mcp.store.hashing import value_hashes


def numbers(*values):
    return np.array(values, np.int64)


SAMPLES = [
    Numbers(numbers(1, -2, 0)),
    Numbers(numbers(1, -2, 0), np.array([True, False, True])),
    Numbers(np.array([True, False, True])),
    Numbers(np.array([2**64 - 1, 1, 2], np.uint64)),
    Numbers(np.array([1.5, float("inf"), -0.0])),
    Coded(["a", "b", "a"], np.array([2, -1, 0], np.int32)),
    Coded([], np.array([-1, -1, -1], np.int32)),
    Coded([1, None, 2**70], np.array([0, 1, 2], np.int32)),
    Coded([["a"], ("b", None)], np.array([1, 0, -1], np.int32)),
    Coded([{"a": "b"}, {}], np.array([1, 0, -1], np.int32)),
    Slices(b"abc", numbers(0, 1, 2), numbers(1, 2, 0)),
    Slices(b"abc", numbers(2, 0, 0), numbers(1, -1, 3), text=True),
    Slices(b"ab", numbers(0, 1, 2), numbers(1, 1, 0), text=True),
    Lists(numbers(2, -1, 1), Coded(["x", "y"], np.array([0, -1, 1], np.int32))),
    Lists(numbers(0, 1, 0), Slices(b"abc", numbers(1), numbers(2), text=True)),
]


@pytest.mark.parametrize("kind", list(ARROW_TYPES))
@pytest.mark.parametrize("column", SAMPLES)
def test_a_column_makes_the_array_that_its_rows_make(column, kind):
    rows = column.rows()
    assert column_array(column, kind).to_pylist() == array_of(rows, kind).to_pylist()
    assert column_array(column, kind).type == array_of(rows, kind).type
    backwards = column_array(column, kind, numbers(2, 0))
    assert backwards.to_pylist() == array_of([rows[2], rows[0]], kind).to_pylist()


@pytest.mark.parametrize("column", SAMPLES)
def test_a_column_has_the_hashes_of_its_rows(column):
    assert column_hashes(column).tolist() == value_hashes(column.rows()).tolist()
    assert column_hashes(column, numbers(2, 0)).tolist() == value_hashes([column.rows()[2], column.rows()[0]]).tolist()


def test_text_that_is_no_utf8_is_repaired():
    for text in (True, False):
        column = Slices(b"a\xffb", numbers(0, 1), numbers(1, 2), text=text)
        assert column_array(column, FieldType.STRING).to_pylist() == ["a", "\ufffdb"]
        in_lists = Lists(numbers(1, 1), column)
        assert column_array(in_lists, FieldType.STRING_LIST).to_pylist() == [["a"], ["\ufffdb"]]
        assert column_array(in_lists, FieldType.STRING).type == column_array(column, FieldType.STRING).type
    assert text_rows(Slices(b"\xff", numbers(0), numbers(1), text=True)) == ["\ufffd"]


@given(st.binary(max_size=8), st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), max_size=5))
def test_places_outside_the_data_raise_nothing(data, places):
    starts, lengths = (np.array([place[at] for place in places], np.int64) for at in (0, 1))
    for kind in (FieldType.STRING, FieldType.BYTES):
        assert len(column_array(Slices(data, starts, lengths), kind)) == len(places)


def test_more_bytes_than_an_array_can_address_raise_nothing(monkeypatch):
    monkeypatch.setattr(column_arrays, "_ADDRESSABLE", 2)
    column = Slices(b"abc", numbers(0, 1), numbers(1, 2))
    assert column_array(column, FieldType.BYTES).to_pylist() == [b"a", b"bc"]
