from __future__ import annotations

import numpy as np

from kubeshark_mcp.stream.batch import Batch, Segments, heads_of, stable_order


def batch(starts, directions):
    count = len(directions)
    column = np.arange(count)
    group = np.cumsum(np.isin(column, starts)) - 1
    rows = np.arange(len(starts))
    fresh = np.ones(len(starts), dtype=bool)
    return Batch(
        np.array(starts), rows, fresh, group, column, np.array(directions), column, column, column, column, column
    )


def test_keys_are_sorted_stably_whatever_their_bound():
    keys = np.array([3, 1, 3, 0, 1])
    assert stable_order(keys, 4).tolist() == stable_order(keys, 1 << 20).tolist() == [3, 1, 4, 0, 2]


def test_values_are_summed_by_group_and_direction():
    made = batch([0, 3], [0, 1, 0, 1, 1])
    assert made.total(np.array([1, 2, 4, 8, 16])).tolist() == [[5, 2], [0, 24]]
    assert made.ends.tolist() == [3, 5]


def test_the_first_and_last_marked_packets_of_each_group_are_found():
    made = batch([0, 3, 5], [0] * 6)
    marks = np.array([False, True, True, False, False, True])
    assert made.first(marks).tolist() == [1, 6, 5]
    assert made.last(marks).tolist() == [2, -1, 5]
    assert made.any(marks).tolist() == [True, False, True]


def test_marked_packets_are_found_alike_in_few_large_groups_and_in_many_small_ones():
    random = np.random.default_rng(7)
    for groups in (1, 3, 50, 400):
        count = 800
        starts = np.append(0, np.sort(random.choice(np.arange(1, count), groups - 1, replace=False)))
        made = batch(starts, [0] * count)
        for share in (0.0, 0.01, 0.5, 1.0):
            marks = random.random(count) < share
            places = [np.flatnonzero(marks[start:end]) + start for start, end in zip(starts, made.ends, strict=True)]
            assert made.first(marks).tolist() == [int(place[0]) if len(place) else count for place in places]
            assert made.last(marks).tolist() == [int(place[-1]) if len(place) else -1 for place in places]


def test_heads_are_where_values_change():
    assert heads_of(np.array([5, 5, 2, 2, 2, 5])).tolist() == [0, 2, 5]
    assert heads_of(np.array([], dtype=np.int64)).tolist() == []


def test_a_syn_and_a_fin_take_a_sequence_number_and_numbers_wrap():
    segments = Segments(
        sequence=np.array([10, 2**32 - 2, 5], dtype=np.uint32),
        acknowledgment=np.zeros(3, dtype=np.uint32),
        flags=np.array([2, 0x11, 0x10]),
        window=np.zeros(3, dtype=np.int64),
    )
    segments.measure(np.array([0, 4, 7]))
    assert segments.length.tolist() == [1, 5, 7]
    assert segments.end.tolist() == [11, 3, 12]
