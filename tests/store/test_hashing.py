"""Hashes alike in every process and version."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.store.hashing import list_hashes, number_hashes, stable_hash, value_hash, value_hashes


def test_a_hash_never_changes():
    assert stable_hash("tcp", "10.0.0.1", 40000) == 6021355265358437953
    assert stable_hash("\ud800") == stable_hash("?")


def test_parts_are_kept_apart():
    assert stable_hash("ab", "c") != stable_hash("a", "bc")


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.text(max_size=3), st.binary(max_size=3), st.floats()
)


@given(st.lists(st.one_of(VALUES, st.lists(VALUES, max_size=20))))
def test_many_values_are_hashed_as_one_by_one(values):
    assert value_hashes(values).tolist() == [value_hash(value) for value in values]


def test_values_that_equal_each_other_and_differ_in_type_are_told_apart():
    values = [[False, False], [False, 0.0], [(0.0,)], [(False,)], 0.0, False, -0.0]
    assert value_hashes(values).tolist() == [value_hash(value) for value in values]
    assert value_hash(-0.0) == value_hash(0.0)


TEXTS = st.sampled_from(["", "a", "b", "\ud800"])


@given(st.lists(st.one_of(st.none(), st.lists(TEXTS, max_size=20), st.lists(TEXTS, max_size=3).map(tuple))))
def test_many_lists_of_texts_are_hashed_as_one_by_one(values):
    assert value_hashes(values).tolist() == [value_hash(value) for value in values]


@given(st.lists(st.one_of(st.none(), TEXTS)))
def test_many_texts_are_hashed_as_one_by_one(values):
    assert value_hashes(values).tolist() == [value_hash(value) for value in values]


def test_values_that_cannot_be_looked_up_are_hashed_too():
    assert value_hashes([{"a": 1}, [{"a": 1}]]).tolist() == [value_hash({"a": 1}), value_hash([{"a": 1}])]


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_arrays_of_numbers_are_hashed_as_one_by_one(values):
    assert number_hashes(np.array(values, np.int64)).tolist() == [value_hash(value) for value in values]


@given(st.lists(st.one_of(st.none(), st.lists(st.integers(0, 9), max_size=20))))
def test_lists_are_hashed_by_their_items_and_length(lists):
    lengths = np.array([-1 if one is None else len(one) for one in lists], np.int64)
    items = np.array([item for one in lists for item in one or ()], np.int64)
    assert list_hashes(lengths, number_hashes(items)).tolist() == [value_hash(one) for one in lists]


def test_what_differs_has_another_hash():
    values = [None, 0, 1, -1, "", "a", "0", [], [None], ["a"], ["a", ""], [["a"]], ["", "a"], 2**64]
    assert len(set(value_hashes(values).tolist())) == len(values) - 1  # 2^64 is 0 in 64 bits
    assert value_hash(b"a") == value_hash("a")
    assert value_hash(("a",)) == value_hash(["a"])
