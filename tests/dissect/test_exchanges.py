"""Pairing as columns is pairing one by one, wherever it calls a conversation usual."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.exchanges import Bounds, Exchanges, pair, repeats

BOUNDS = Bounds(lifetime_ns=60, same_number=3, at_once=5)

Row = tuple[int, int, int, bool, int]


def paired(rows: list[Row], bounds: Bounds = BOUNDS) -> tuple[list[int], list[tuple[int, int]], list[int]]:
    """Give the unusual connections, the pairs, and what waits. Rows: connection, number, key, answers, time."""
    columns = list(zip(*rows, strict=True)) or [()] * 5
    found = pair(
        Exchanges(
            np.array(columns[0], np.int32),
            np.array(columns[1], np.int64),
            np.array(columns[2], np.int32),
            np.array(columns[3], bool),
            np.array(columns[4], np.int64),
        ),
        4,
        bounds,
    )
    pairs = list(zip(found.asked.tolist(), found.answered.tolist(), strict=True))
    return np.flatnonzero(found.unusual).tolist(), pairs, found.waiting.tolist()


def reference(rows: list[Row]) -> tuple[set[int], list[tuple[int, int]], list[int]]:
    """Do it as a person would: give who did something unusual, and the pairs and waiting of the others."""
    unusual: set[int] = set()
    waiting: dict[int, list[int]] = {}
    pairs = []
    for place, (connection, number, key, answers, time) in enumerate(rows):
        mine = waiting.setdefault(connection, [])
        if not answers:
            mine.append(place)
            if len(mine) > BOUNDS.at_once or sum(rows[at][1] == number for at in mine) > BOUNDS.same_number:
                unusual.add(connection)
            continue
        same = [at for at in mine if rows[at][1] == number]
        fitting = [at for at in same if rows[at][2] == key]
        if not fitting or any(time - rows[at][4] > BOUNDS.lifetime_ns for at in same):
            unusual.add(connection)
        else:
            mine.remove(fitting[0])
            pairs.append((fitting[0], place))
    usual = [(asked, answered) for asked, answered in pairs if rows[asked][0] not in unusual]
    return unusual, usual, sorted(at for of, found in waiting.items() if of not in unusual for at in found)


def test_interleaved_questions_get_their_answers_by_number_and_key():
    rows: list[Row] = [
        (0, 7, 1, False, 0), (0, 7, 2, False, 1), (1, 7, 1, False, 2), (0, 7, 2, True, 3), (1, 7, 1, True, 4),
        (0, 7, 1, True, 5), (0, 8, 1, False, 6),
    ]  # fmt: skip
    assert paired(rows) == ([], [(1, 3), (2, 4), (0, 5)], [6])


def test_a_question_asked_twice_is_answered_first_come_first_served():
    rows: list[Row] = [(0, 7, 1, False, 0), (0, 7, 1, False, 1), (0, 7, 1, True, 2), (0, 7, 1, True, 3)]
    assert paired(rows) == ([], [(0, 2), (1, 3)], [])


def test_what_nobody_asked_for_or_waited_for_is_unusual_for_its_connection_alone():
    fine: list[Row] = [(3, 1, 1, False, 0), (3, 1, 1, True, 1)]
    assert paired([(0, 7, 1, True, 0), *fine]) == ([0], [(1, 2)], [])
    assert paired([(0, 7, 1, False, 0), (0, 7, 2, True, 1), *fine]) == ([0], [(2, 3)], [])
    assert paired([(0, 7, 1, False, 0), (0, 7, 1, True, 61), *fine]) == ([0], [(2, 3)], [])
    assert paired([(0, 7, key, False, 0) for key in range(4)] + fine) == ([0], [(4, 5)], [])
    assert paired([(0, number, 0, False, 0) for number in range(6)] + fine) == ([0], [(6, 7)], [])


def test_a_number_that_comes_again_later_is_not_late_where_each_pair_counts_alone():
    each = Bounds(lifetime_ns=60, same_number=3, at_once=5, each=True)
    rows: list[Row] = [(0, 7, 1, False, 0), (0, 7, 1, True, 60), (0, 7, 1, False, 100), (0, 7, 1, True, 160)]
    assert paired(rows) == ([0], [], [])
    assert paired(rows, each) == ([], [(0, 1), (2, 3)], [])
    late: list[Row] = [(1, 1, 1, False, 0), (1, 2, 1, False, 0), (1, 1, 1, True, 61), (2, 1, 1, False, 0)]
    assert paired(rows + late, each) == ([1], [(0, 1), (2, 3)], [7])


def test_a_question_is_asked_again_while_one_of_its_number_is_open():
    connection, number, answers = zip(
        (0, 7, False), (0, 8, False), (0, 7, False), (1, 7, False), (0, 7, False), (0, 7, True), (0, 8, True),
        (0, 8, False), (0, 7, False), strict=True,
    )  # fmt: skip
    nothing = np.zeros(9, np.int64)
    messages = Exchanges(
        np.array(connection, np.int32), np.array(number), nothing.astype(np.int32), np.array(answers), nothing
    )
    assert repeats(messages).tolist() == [-1, -1, 0, -1, 2, -1, -1, -1, 4]
    assert repeats(messages.taken(np.zeros(9, bool))).tolist() == []


def test_nothing_is_paired_with_nothing():
    assert paired([]) == ([], [], [])


ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 65535]), st.integers(0, 2), st.booleans(), st.integers(0, 80)),
    max_size=40,
)


@given(ROWS)
def test_what_is_called_usual_is_what_pairing_one_by_one_gives(rows: list[Row]):
    unusual, pairs, waiting = paired(rows)
    strange, expected, left = reference(rows)
    assert strange <= set(unusual)
    assert pairs == [each for each in expected if rows[each[0]][0] not in unusual]
    assert waiting == [place for place in left if rows[place][0] not in unusual]


@given(ROWS)
def test_nothing_else_is_unusual_where_time_stands_still(rows: list[Row]):
    rows = [(*row[:4], 0) for row in rows]
    assert set(paired(rows)[0]) == reference(rows)[0]
