from __future__ import annotations

from kubeshark_mcp.dissect.buffer import StreamBuffer
from kubeshark_mcp.dissect.http2_streams import CLOSED_LIMIT, ClosedStreams, Half, Stream, only_packet
from kubeshark_mcp.dissect.wire_grpc import MessageCounter
from kubeshark_mcp.dissect.wire_hpack import HeaderSection
from kubeshark_mcp.model.stream import Piece, Span
from tests.dissect.conversation import CLIENT, SERVER

PIECE = Piece(CLIENT, b"0123456789", 100, 0, [0, 4, 8], [7, 5, 9], [70, 50, 90])


def test_the_packet_that_holds_a_range_is_found_where_it_is_one():
    assert [only_packet(PIECE, start, end) for start, end in ((0, 4), (4, 8), (8, 10), (5, 6), (0, 5), (7, 9))] == [
        0, 1, 2, 1, -1, -1,
    ]  # fmt: skip
    buffer = StreamBuffer(CLIENT)
    buffer.append(PIECE)
    assert only_packet(buffer, 0, 4) == -1


def test_evidence_reaches_from_the_first_frame_to_the_last_whatever_the_order_of_packets():
    half = Half()
    assert (half.seen, half.span) == (False, None)
    half.mark(PIECE, 2, 3)
    assert half.span == Span(102, 1, 7, 7, 70, 70)
    half.mark(PIECE, 5, 6)
    assert half.span == Span(102, 4, 5, 7, 50, 70)
    half.mark(PIECE, 6, 10)
    assert half.span == Span(102, 8, 5, 9, 50, 90)
    half.unmark()
    assert half.span is None


def test_content_is_counted_whole_and_kept_up_to_the_limit():
    half = Half()
    assert [half.add(b"abcdef", 1, 5, 6), half.add(b"ghijkl", 0, 6, 6), half.add(b"m", 0, 1, 6)] == [4, 2, 0]
    assert (half.body, half.body_size, half.kept) == ([b"bcde", b"gh"], 11, 6)


def test_content_behind_missing_bytes_is_counted_and_not_kept():
    half = Half()
    half.messages = MessageCounter()
    half.add(b"\0\0\0\0\x0aab", 0, 7, 100)
    half.miss(3)
    half.add(b"cdefg", 0, 5, 100)
    assert (half.body, half.body_size, half.missing, half.whole) == ([b"\0\0\0\0\x0aab"], 15, 3, False)
    assert (half.messages.count, half.messages.unfinished) == (1, False)


def test_a_half_is_sound_when_all_of_it_was_read():
    half = Half()
    assert half.sound
    half.mark(PIECE, 0, 1)
    assert not half.sound
    half.section = HeaderSection({})
    assert half.sound
    for broken in (HeaderSection({}, error="x"), HeaderSection({}, cut=True)):
        half.trailers = broken
        assert not half.sound


def test_a_stream_is_finished_when_both_sides_are_or_the_request_was_not_seen():
    stream = Stream(1, (0, 0))
    assert stream.half(CLIENT) is stream.request
    assert stream.half(SERVER) is stream.response
    assert not stream.finished
    stream.response.ended = True
    assert stream.finished
    stream.request.mark(PIECE, 0, 1)
    assert not stream.finished
    stream.request.ended = True
    assert stream.finished


def test_closed_streams_are_remembered_up_to_a_limit():
    closed = ClosedStreams()
    for number in range(CLOSED_LIMIT + 10):
        closed.add(number)
    assert 9 not in closed
    assert 10 in closed
    assert CLOSED_LIMIT + 9 in closed
