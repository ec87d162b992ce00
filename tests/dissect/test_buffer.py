from __future__ import annotations

import random
import time

from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.buffer import StreamBuffer, join, packets_of, piece_rest, piece_span, span_of
from kubeshark_mcp.model.stream import Direction, Piece, Span


def piece(data: bytes, offset: int, starts: list[int], first: int = 1) -> Piece:
    numbers = list(range(first, first + len(starts)))
    return Piece(Direction.CLIENT, data, offset, 0, starts, numbers, [number * 10 for number in numbers])


def test_bytes_are_joined_and_know_their_packets():
    buffer = StreamBuffer(Direction.CLIENT)
    buffer.append(piece(b"abcdef", 100, [0, 4]))
    buffer.append(piece(b"ghi", 106, [0], first=7))
    assert buffer.data == b"abcdefghi"
    assert buffer.span(0, 9) == Span(100, 9, 1, 7, 10, 70)
    assert buffer.span(4, 6) == Span(104, 2, 2, 2, 20, 20)
    buffer.consume(5)
    assert (buffer.data, buffer.offset, len(buffer)) == (b"fghi", 105, 4)
    assert buffer.span(0, 2) == Span(105, 2, 2, 7, 20, 70)


def test_a_piece_that_stays_alone_gives_the_spans_and_packets_that_joined_pieces_give():
    alone, joined = StreamBuffer(Direction.CLIENT), StreamBuffer(Direction.CLIENT)
    alone.append(piece(b"abcdef", 100, [0, 2, 4]))
    joined.append(piece(b"abcd", 100, [0, 2]))
    joined.append(piece(b"ef", 104, [0], first=3))
    for _ in range(2):
        for end in range(1, len(alone) + 1):
            for start in range(end):
                assert alone.span(start, end) == joined.span(start, end)
                assert alone.packets(start, end) == joined.packets(start, end)
        assert (alone.data, alone.offset, alone.rest()) == (joined.data, joined.offset, joined.rest())
        alone.consume(3)
        joined.consume(3)


def test_the_rest_is_a_piece_again():
    buffer = StreamBuffer(Direction.CLIENT)
    buffer.append(piece(b"abcdef", 100, [0, 4]))
    assert buffer.rest() == [piece(b"abcdef", 100, [0, 4])]
    buffer.consume(5)
    assert buffer.rest() == [Piece(Direction.CLIENT, b"f", 105, 0, [0], [2], [20])]
    buffer.consume(10)
    assert buffer.rest() == []
    assert len(buffer) == 0


def test_nothing_is_left_after_clear_and_the_next_piece_gives_the_offset():
    buffer = StreamBuffer(Direction.SERVER)
    buffer.append(piece(b"abc", 0, [0]))
    buffer.consume(1)
    buffer.clear()
    assert buffer.data == b""
    buffer.append(piece(b"xyz", 50, [0], first=9))
    assert (buffer.data, buffer.offset) == (b"xyz", 50)
    assert buffer.span(0, 3) == Span(50, 3, 9, 9, 90, 90)


def test_packets_that_came_out_of_order_give_a_range_that_holds_them_all():
    late = Piece(Direction.CLIENT, b"abcd", 0, 0, [0, 2], [8, 5], [80, 50])
    assert piece_span(late, 0, 4) == Span(0, 4, 5, 8, 50, 80)
    assert piece_span(late, 1, 2) == Span(1, 1, 8, 8, 80, 80)
    assert join(piece_span(late, 0, 2), piece_span(late, 2, 4)) == Span(0, 4, 5, 8, 50, 80)
    buffer = StreamBuffer(Direction.CLIENT)
    buffer.append(late)
    assert span_of(buffer, 0, 4) == span_of(late, 0, 4)


def test_the_rest_of_a_piece_begins_within_a_packet():
    whole = piece(b"abcdef", 100, [0, 4])
    assert piece_rest(whole, 2) == [Piece(Direction.CLIENT, b"cdef", 102, 0, [0, 2], [1, 2], [10, 20])]
    assert piece_rest(whole, 6) == []


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 12)), max_size=40))
def test_any_order_of_appending_and_consuming_keeps_bytes_and_offsets(steps: list[tuple[int, int]]):
    buffer = StreamBuffer(Direction.CLIENT)
    sent = b""
    taken = 0
    for size, consumed in steps:
        data = bytes((len(sent) + index) % 256 for index in range(size))
        buffer.append(piece(data, len(sent), [0]))
        sent += data
        taken += min(consumed, len(buffer))
        buffer.consume(consumed)
        assert buffer.data == sent[taken:]
        if len(buffer):
            assert buffer.offset == taken


def test_small_pieces_do_not_cost_the_square_of_their_number():
    buffer = StreamBuffer(Direction.CLIENT)
    begun = time.process_time()
    for offset in range(200_000):
        buffer.append(Piece(Direction.CLIENT, b"x", offset, 0, [0], [offset], [offset]))
        assert buffer.data[-1] == 120
    assert time.process_time() - begun < 5
    assert len(buffer) == 200_000


def test_many_small_messages_of_one_piece_are_consumed_at_once_or_one_by_one():
    data = random.Random(1).randbytes(50_000)
    buffer = StreamBuffer(Direction.CLIENT)
    buffer.append(piece(data, 0, [0]))
    for _ in range(50_000):
        buffer.consume(1)
    assert (len(buffer), buffer.offset) == (0, 50_000)


def test_packets_of_a_range_are_the_same_in_a_piece_and_in_a_buffer():
    piece = Piece(Direction.CLIENT, b"abcdefgh", 100, 0, [0, 3, 5], [7, 8, 9], [70, 80, 90])
    buffer = StreamBuffer(Direction.CLIENT)
    buffer.append(piece)
    for source in (piece, buffer):
        assert [list(part) for part in packets_of(source, 0, 3)] == [[0], [7], [70]]
        assert [list(part) for part in packets_of(source, 2, 6)] == [[0, 1, 3], [7, 8, 9], [70, 80, 90]]
        assert [list(part) for part in packets_of(source, 4, 5)] == [[0], [8], [80]]
