from __future__ import annotations

from itertools import groupby

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.analyse.columns import Texts, combinations, distinct, groups
from tests.analyse.building import BuiltFacts, Call


def test_a_column_of_texts_keeps_each_text_once() -> None:
    column = Texts.of(["a", "b", "a"])
    assert (column.values, column.codes.tolist(), column[2], column.decoded()) == (
        ("a", "b"),
        [0, 1, 0],
        "a",
        ["a", "b", "a"],
    )
    assert column.counts() == {"a": 2, "b": 1}
    assert column.equal("b").tolist() == [False, True, False]


def test_an_empty_column_matches_nothing() -> None:
    assert Texts.of([]).equal("a").tolist() == []
    assert list(groups(Texts.of([]))) == []


def test_rows_are_grouped_by_every_combination_in_one_go() -> None:
    texts, numbers = Texts.of(["a", "b", "a", "a"]), np.array([1, 1, 1, 2])
    assert {key: rows.tolist() for key, rows in groups(texts, numbers)} == {
        ("a", 1): [0, 2],
        ("b", 1): [1],
        ("a", 2): [3],
    }


def test_rows_of_a_table_are_taken_by_mask_and_by_number() -> None:
    calls = BuiltFacts([Call(0, "s/a", "s/b"), Call(1, "s/a", "s/c"), Call(2, "s/a", "s/b")]).calls
    assert calls.taken(calls.server.equal("s/b")).id.tolist() == [1, 3]
    assert calls.taken(np.array([1])).server.decoded() == ["s/c"]
    assert len(calls) == 3


NUMBERS = st.integers(-(2**62), 2**62) | st.integers(-3, 3) | st.integers(0, 70_000)


@given(st.lists(st.tuples(st.sampled_from("abc"), NUMBERS, st.integers(-2, 2)), min_size=1, max_size=30))
def test_groups_are_those_of_sorting_row_by_row(rows: list[tuple[str, int, int]]) -> None:
    texts, first, second = (list(column) for column in zip(*rows, strict=True))
    found = list(groups(Texts.of(texts), np.array(first, np.int64), np.array(second, np.int8)))
    order = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    sorted_rows = sorted(range(len(rows)), key=lambda row: (order[rows[row][0]], *rows[row][1:]))
    expected = [(key, list(own)) for key, own in groupby(sorted_rows, key=lambda row: rows[row])]
    assert [(key, own.tolist()) for key, own in found] == expected


@given(st.lists(NUMBERS, max_size=30))
def test_distinct_numbers_come_in_their_order_with_the_place_of_each(numbers: list[int]) -> None:
    values, places = distinct(np.array(numbers, np.int64))
    assert values.tolist() == sorted(set(numbers))
    assert values[places].tolist() == numbers


def test_many_combinations_are_numbered_densely_and_stay_in_order() -> None:
    numbers = np.random.default_rng(7)
    columns = [numbers.integers(0, 400, 5000) for _ in range(4)]
    found = combinations(*columns)
    order = np.lexsort(tuple(reversed(columns)))
    assert (np.diff(found[order].astype(np.int64)) >= 0).all()
    assert (found.dtype, int(found.max()) + 1) == (
        np.uint16,
        len(set(zip(*(c.tolist() for c in columns), strict=True))),
    )


def test_exactly_as_many_texts_as_two_bytes_hold_are_told_apart() -> None:
    many = Texts(np.arange(65_536, dtype=np.int32), tuple(str(number) for number in range(65_536)))
    assert combinations(many, Texts.of(["x"] * 65_536)).tolist() == list(range(65_536))
