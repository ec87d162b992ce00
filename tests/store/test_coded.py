"""Columns as codes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.errors import NotFoundError
from kubeshark_mcp.store.cancelling import CancelledQuestionError, Question
from kubeshark_mcp.store.coded import Growing, Part, combined, files_of, in_order, narrowest, read_groups, rows_of

TEXTS = st.lists(st.sampled_from(["", "a", "b", "ü", None]), max_size=12)


def part(texts):
    values = [None, *{text for text in texts if text is not None}]
    return Part(np.array([values.index(text) for text in texts], np.int32), values)


def decoded(column):
    return [column.values[code] for code in column.codes]


@given(st.lists(TEXTS, max_size=4), st.integers(0, 60))
def test_a_column_is_its_groups_one_after_the_other(groups, rows):
    column = Growing(rows)
    for texts in groups:
        column.add(part(texts))
    whole = column.whole()
    every = [text or "" for texts in groups for text in texts]
    assert decoded(whole) == every
    assert list(whole.values) == list(dict.fromkeys(every))


def test_codes_grow_wider_with_the_number_of_texts():
    column = Growing(2)
    column.add(part(["a", "b"]))
    column.add(Part(np.arange(40_000, dtype=np.int32), [str(number) for number in range(40_000)]))
    whole = column.whole()
    assert whole.codes.dtype == np.int32
    assert decoded(whole)[:3] == ["a", "b", "0"]
    assert [narrowest(size) for size in (0, 128, 129, 32_768, 32_769)] == [np.int8, np.int8, *[np.int16] * 2, np.int32]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["x", None])), max_size=20))
def test_combinations_are_asked_once_and_spread_over_their_rows(pairs):
    asked = []

    def make(*pair):
        asked.append(pair)
        return repr(pair)

    found = combined([part([one for one, _ in pairs]), part([other for _, other in pairs])], make)
    assert decoded(found) == [repr(pair) for pair in pairs]
    assert sorted(map(repr, asked)) == sorted({repr(pair) for pair in pairs})


def test_very_many_combinations_are_told_apart_as_well():
    one = Part(np.arange(3000, dtype=np.int32), [str(number) for number in range(3000)])
    assert decoded(combined([one, one], lambda a, b: a + b)) == [str(number) * 2 for number in range(3000)]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), unique=True))
def test_rows_are_ordered_by_time_then_id(rows):
    times, ids = (np.array([row[place] for row in rows], np.int64) for place in (0, 1))
    order = in_order(times, ids)
    found = rows if order is None else [rows[place] for place in order]
    assert found == sorted(rows)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "http-0-000.parquet"
    maps = pa.array([[("app", "x")], None, [("other", "y")]] * 2, pa.map_(pa.string(), pa.string()))
    table = pa.table(
        {
            "timestamp": [1, 2, 3, 4, 5, 6],
            "text": ["a", None, "b", "a", "a", "c"],
            "flag": [True, None] * 3,
            "labels": maps,
        }
    )
    pq.write_table(table, path, row_group_size=3)
    return path


def test_groups_give_columns_nulls_and_maps(file):
    groups = read_groups([file], ["text"], ["flag"], (2, 5))
    first = next(groups)
    assert (len(first), decoded(first.texts("text")), decoded(first.texts("gone"))) == (2, [None, "b"], [None, None])
    assert (first.numbers("flag", False).tolist(), first.numbers("gone", 7).tolist()) == ([False, True], [7, 7])
    assert [decoded(column) for column in first.mapped("gone", ["app"], np.array([0]))] == [[None]]
    second = next(groups)
    assert (len(second), decoded(second.texts("text"))) == (2, ["a", "a"])
    found = second.mapped("labels", ["app", "other"], np.array([0, 1]))
    assert [decoded(column) for column in found] == [["x", None], [None, None]]
    assert (list(groups), rows_of([file, file])) == ([], 12)


def test_reading_ends_when_nobody_waits_any_more(file):
    question = Question()
    question.cancel()
    with question.current(), pytest.raises(CancelledQuestionError):
        list(read_groups([file], ["text"], [], (None, None)))


def test_joined_files_stand_for_those_of_their_protocol(tmp_path):
    (tmp_path / "joined").mkdir()
    for name in ("http-0-000", "dns-0-000", "joined/http-joined-000", "joined/_map"):
        (tmp_path / f"{name}.parquet").touch()
    assert files_of(tmp_path, True) == {
        "dns": [tmp_path / "dns-0-000.parquet"],
        "http": [tmp_path / "http-0-000.parquet"],
    }
    assert files_of(tmp_path, False)["http"] == [tmp_path / "joined" / "http-joined-000.parquet"]
    with pytest.raises(NotFoundError, match="dissect the captures first"):
        files_of(tmp_path / "gone", True)
