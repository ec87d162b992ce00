from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.capture.merge import Chosen, as_records, merge_by_time

TIMES = st.lists(st.integers(0, 50), max_size=20)


def stream(times: list[int], source: int, size: int):
    packets = [(time, 9, bytes([source, number]), 1) for number, time in enumerate(times)]
    for first in range(0, len(packets), size):
        part = packets[first : first + size]
        yield Chosen(as_records(part), np.full(len(part), source, np.int64))


def merged(sources: list[list[int]], size: int) -> list[tuple[int, int, int]]:
    found = []
    for chosen in merge_by_time([stream(times, source, size) for source, times in enumerate(sources)]):
        records = chosen.records
        for row in range(len(records)):
            start = int(records.offset[row])
            source, number = records.data[start : start + 2].tolist()
            assert source == chosen.source[row]
            found.append((int(records.time_ns[row]), source, number))
    return found


@given(sources=st.lists(TIMES, min_size=1, max_size=4), size=st.integers(1, 7))
def test_files_in_order_merge_like_a_sort(sources, size):
    ordered = [sorted(times) for times in sources]
    expected = sorted(
        (time, source, number) for source, times in enumerate(ordered) for number, time in enumerate(times)
    )
    assert merged(ordered, size) == expected


@given(sources=st.lists(TIMES, min_size=1, max_size=4), size=st.integers(1, 7))
def test_no_packet_is_lost_and_each_file_keeps_its_order(sources, size):
    found = merged(sources, size)
    for source, times in enumerate(sources):
        assert [(time, number) for time, origin, number in found if origin == source] == [
            (time, number) for number, time in enumerate(times)
        ]
    assert len(found) == sum(map(len, sources))
