from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.stream.holding import SEGMENT_COST, Holding, Segment
from kubeshark_mcp.stream.limits import Counters


def segment(offset, data, missing=0):
    return Segment(offset, data, missing, 0, 1, 2)


def test_a_part_of_a_segment_keeps_what_was_cut_off():
    whole = segment(10, b"abcd", 3)
    assert whole.between(12, 17) == segment(12, b"cd", 3)
    assert whole.between(11, 13) == segment(11, b"bc", 0)
    assert whole.between(15, 17) == segment(15, b"", 2)


@given(st.lists(st.tuples(st.integers(0, 30), st.binary(min_size=1, max_size=8)), max_size=20))
def test_the_first_copy_of_each_byte_is_held_once_and_in_order(segments):
    holding, counters, expected = Holding(), Counters(), {}
    for offset, data in segments:
        holding.put(segment(offset, memoryview(data)), counters)
        for place, byte in enumerate(data, offset):
            expected.setdefault(place, byte)
    held, last = {}, -1
    cost = holding.bytes
    count = len(holding)
    while holding.head is not None:
        part = holding.pop()
        assert part.offset > last
        last = part.end - 1
        held.update(enumerate(part.data, part.offset))
    assert held == expected
    assert cost == len(expected) + count * SEGMENT_COST
    assert counters.duplicate_bytes == sum(len(data) for _, data in segments) - len(expected)
    assert holding.bytes == 0


def test_clearing_forgets_all():
    holding = Holding()
    holding.put(segment(5, b"abc"), Counters())
    holding.clear()
    assert (len(holding), holding.bytes, holding.head) == (0, 0, None)
