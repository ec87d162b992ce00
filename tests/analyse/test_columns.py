from __future__ import annotations

import numpy as np

from kubeshark_mcp.analyse.columns import Texts, groups
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
