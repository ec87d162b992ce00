from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.stream.table import BASE_FIELDS, FlowTable


def words(keys):
    columns = [np.array([key % 3 for key in keys], dtype=np.uint64) for _ in range(4)]
    return [*columns, np.array(keys, dtype=np.uint64)]


@given(st.lists(st.lists(st.integers(0, 60), min_size=1, max_size=40), max_size=12))
def test_a_table_gives_each_key_one_row_like_a_dictionary(batches):
    table, known = FlowTable(BASE_FIELDS, capacity=2), {}
    for keys in batches:
        rows, fresh = table.assign(words(keys))
        assert fresh.tolist() == [key not in known for key in keys]
        for key, row in zip(keys, rows.tolist(), strict=True):
            assert known.setdefault(key, row) == row
    assert len(table) == len(known) == len(set(known.values()))
    assert sorted(table.live_rows().tolist()) == sorted(known.values())


def test_keys_whose_hashes_meet_stay_apart():
    table = FlowTable(BASE_FIELDS)
    table._hash = lambda words: np.zeros(len(words[0]), dtype=np.int64)
    rows, _ = table.assign(words([1, 2, 3, 1, 2]))
    assert len(set(rows.tolist())) == 3
    assert table.assign(words([3, 2, 1]))[0].tolist() == [rows[2], rows[1], rows[0]]


def test_a_released_row_is_archived_and_its_key_makes_a_new_one():
    table = FlowTable(BASE_FIELDS)
    rows, _ = table.assign(words([7, 8]))
    table.rows["number"][rows] = [70, 80]
    table.release(rows[:1])
    again, fresh = table.assign(words([7, 8]))
    assert fresh.tolist() == [True, False]
    assert table.rows["number"][again].tolist() == [0, 80]
    assert [archived["number"].tolist() for archived in table.drain()] == [[70]]
    assert list(table.drain()) == []


def test_a_renewed_key_leads_to_the_new_row():
    table = FlowTable(BASE_FIELDS)
    row = int(table.assign(words([7]))[0][0])
    new = table.renew(row)
    assert table.assign(words([7]))[0].tolist() == [new]
    table.release(np.array([row]), keyed=False)
    assert table.assign(words([7]))[0].tolist() == [new]
    assert len(table) == 1


def test_rows_are_grouped_by_first_appearance():
    table = FlowTable(BASE_FIELDS)
    group, first = table.group(np.array([9, 4, 9, 9, 2, 4]))
    assert group.tolist() == [0, 1, 0, 0, 2, 1]
    assert first.tolist() == [0, 1, 4]


def test_archived_rows_are_given_by_transport_and_number_whenever_they_left():
    table = FlowTable(BASE_FIELDS)
    rows, _ = table.assign(words([1 << 8, 3 << 8, 1 << 8 | 1, 2 << 8]))
    table.rows["number"][rows] = [5, 2, 1, 3]
    table.release(rows[:1])
    table.release(rows[1:])
    assert [archived["number"].tolist() for archived in table.drain()] == [[2, 3, 5, 1]]
    assert table.archive == []
