from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.capture.gather import FRONT_BYTES, Fronts, gather, table
from kubeshark_mcp.capture.headers import UDP


def test_fields_are_read_at_any_alignment():
    data = np.frombuffer(bytes(range(40)), np.uint8)
    heads = gather(data, np.array([1, 7, 32]), UDP)
    assert heads["source_port"].tolist() == [0x0102, 0x0708, 0x2021]
    assert heads["length"].tolist() == [0x0506, 0x0B0C, 0x2425]


def test_no_offsets_give_no_rows_even_in_too_little_data():
    assert len(gather(np.zeros(3, np.uint8), np.array([], np.int64), UDP)) == 0


def test_a_table_marks_its_members():
    assert table(5, {1, 3}).tolist() == [0, 1, 0, 1, 0]
    assert table(5, {1: 7, 4: 2}).tolist() == [0, 7, 0, 0, 2]


@given(st.lists(st.integers(0, 40), min_size=1, max_size=6), st.data())
def test_headers_are_the_same_whether_they_are_views_or_gathered(starts, data):
    content = np.arange(256, dtype=np.uint8)
    begins = np.array(starts)
    place = data.draw(st.integers(0, FRONT_BYTES))
    offsets = begins + (place if data.draw(st.booleans()) else np.arange(len(starts)))
    offsets = offsets[: data.draw(st.integers(0, len(starts)))]
    assert Fronts(content, begins).headers(offsets, UDP).tolist() == gather(content, offsets, UDP).tolist()
