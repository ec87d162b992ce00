from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.frames import HELD, Frame, FrameError, FrameSide, Gatherer
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Direction, Piece, Span
from tests.dissect.conversation import connection

WAY = Direction.CLIENT


def feed(side: FrameSide, data: bytes, offset: int, number: int) -> bytes:
    side.buffer.append(Piece(WAY, data, offset, 0, [0], [number], [number]))
    return side.buffer.data


def test_a_message_that_is_there_is_cut_out_with_its_packets():
    side = FrameSide(WAY)
    data = feed(side, b"abcdef", 100, 7)
    assert side.whole(data, 1, 4) == Frame(b"bcd", Span(101, 3, 7, 7, 7, 7), 3)
    assert side.run(1, 4) == Frame(b"", Span(101, 3, 7, 7, 7, 7), 3)
    assert side.whole(data, 1, 4) != b"bcd"


def test_a_short_message_waits_in_the_buffer():
    side = FrameSide(WAY)
    data = feed(side, b"abc", 0, 1)
    assert (side.wait(data, 1, 100), side.left) == (1, 0)


@given(st.lists(st.integers(1, 50_000), min_size=1, max_size=8))
def test_of_a_long_message_only_its_beginning_is_kept_however_it_is_cut(cuts: list[int]):
    size = HELD + sum(cuts) + 1
    whole = bytes(range(256)) * (size // 256 + 1)
    side = FrameSide(WAY)
    first = HELD + 1
    data = feed(side, whole[:first], 0, 1)
    assert side.wait(data, 0, size) == first
    del data
    side.buffer.consume(first)
    position, frames, number = first, [], 1
    for cut in [*cuts, size]:
        part = whole[position : min(size, position + cut)]
        if not part:
            break
        number += 1
        end, frame = side.go_on(feed(side, part, position, number))
        side.buffer.consume(end)
        frames += [frame] if frame else []
        position += len(part)
    assert frames == [Frame(whole[:HELD], Span(0, size, 1, number, 1, number), size)]
    assert (side.left, len(side.buffer)) == (0, 0)


def test_what_follows_a_long_message_stays():
    side = FrameSide(WAY)
    data = feed(side, b"x" * (HELD + 1), 0, 1)
    side.wait(data, 0, HELD + 3)
    del data
    side.buffer.consume(HELD + 1)
    data = feed(side, b"xxNEXT", HELD + 1, 2)
    end, frame = side.go_on(data)
    assert (data[end:], frame is not None and frame.size) == (b"NEXT", HELD + 3)


def test_unfinished_messages_are_given_and_forgotten():
    short, long = FrameSide(WAY), FrameSide(WAY)
    feed(short, b"abc", 0, 1)
    assert short.unfinished() == Frame(b"abc", Span(0, 3, 1, 1, 1, 1), 3)
    data = feed(long, b"x" * (HELD + 9), 0, 1)
    long.wait(data, 0, 10 * HELD)
    assert long.unfinished() == Frame(b"x" * HELD, Span(0, HELD + 9, 1, 1, 1, 1), HELD + 9)
    assert short.unfinished() is long.unfinished() is None
    assert (len(long.buffer), long.left) == (0, 0)


def test_going_on_without_bytes_does_nothing():
    assert FrameSide(WAY).go_on(b"") == (0, None)


def test_an_error_says_where_it_is():
    assert (str(FrameError("no message", 5)), FrameError("no message", 5).position) == ("no message", 5)


def gatherer(limit: int = 6) -> Gatherer:
    return Gatherer(Entry("any", connection(), None, None), limit)


def test_messages_behind_each_other_are_gathered_with_one_look_before_their_bytes_go():
    side, one = FrameSide(WAY), gatherer()
    data = feed(side, b"abcdef", 100, 7)
    one.ask(side.whole(data, 0, 2))
    one.ask(side.whole(data, 2, 5))
    assert one.entry.request is None
    del data
    side.consume(5)
    assert (one.entry.request, one.entry.request_body, one.size) == (Span(100, 5, 7, 7, 7, 7), b"abcde", 5)
    data = feed(side, b"ghi", 106, 8)
    one.ask(side.whole(data, 0, 4))
    one.settle()
    one.settle()
    assert (one.entry.request, one.entry.request_body) == (Span(100, 9, 7, 8, 7, 8), b"abcdef")


def test_messages_with_others_between_them_are_joined():
    side, one = FrameSide(Direction.SERVER), gatherer()
    side.buffer.append(Piece(Direction.SERVER, b"abcdef", 0, 0, [0], [1], [1]))
    data = side.buffer.data
    one.hear(side.whole(data, 0, 2))
    one.hear(side.whole(data, 4, 6))
    one.settle()
    assert (one.entry.response, one.entry.response_body, one.heard) == (Span(0, 6, 1, 1, 1, 1), b"abef", True)


def test_what_is_not_shown_is_counted_and_not_kept():
    side, one = FrameSide(WAY), gatherer()
    data = feed(side, b"secretshown", 0, 1)
    one.ask(side.whole(data, 0, 6), shown=False)
    one.ask(side.whole(data, 6, 11))
    one.settle()
    assert (one.entry.request_body, one.entry.request, one.size) == (b"shown", Span(0, 11, 1, 1, 1, 1), 11)


def test_messages_whose_bytes_are_gone_are_gathered_too():
    one = gatherer()
    one.ask(Frame(b"abcdefgh", Span(0, 90_000, 1, 9, 1, 9), 90_000))
    assert (one.entry.request_body, one.size) == (b"abcdef", 90_000)
