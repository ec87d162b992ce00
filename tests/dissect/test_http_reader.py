from __future__ import annotations

import time
from collections.abc import Iterable

import pytest

from kubeshark_mcp.dissect.http_head import Heads, RequestLines, StatusLines
from kubeshark_mcp.dissect.http_message import (
    HEADER_LIMIT,
    HOLD,
    STOPPED,
    TUNNEL,
    Message,
    request_length,
    response_length,
)
from kubeshark_mcp.dissect.http_reader import MessageReader
from kubeshark_mcp.model.stream import Direction, Piece, Span
from tests.dissect.conversation import CLIENT, SERVER


class Reading:
    """A reader of one direction and the messages it gave."""

    def __init__(
        self, direction: Direction = SERVER, *, synced: bool = True, limit: int = 1000, follows: int | None = None
    ):
        self.messages: list[Message] = []
        self.overtaken = False
        self.offset = self.number = 0
        self.direction = direction
        lines = RequestLines() if direction is CLIENT else StatusLines()
        own = request_length if direction is CLIENT else (lambda message: response_length(message, None))
        self.reader: MessageReader = MessageReader(
            direction,
            lines,
            Heads(),
            limit,
            lambda message: own(message) if follows is None else follows,
            self.messages.append,
            lambda: self.overtaken,
            synced=synced,
        )

    def feed(self, *parts: bytes, gap: int = 0) -> Reading:
        for data in parts:
            self.number += 1
            self.offset += gap
            if gap:
                self.reader.gap(gap)
            self.reader.feed(Piece(self.direction, data, self.offset, gap, [0], [self.number], [self.number]))
            self.offset += len(data)
        return self

    def close(self, how: str = "fin") -> Reading:
        self.reader.close(how)
        return self

    @property
    def said(self) -> list[tuple[object, ...]]:
        return [(m.line and getattr(m.line, "code", None), m.body, m.body_size, m.malformed) for m in self.messages]


def single(data: bytes) -> Iterable[bytes]:
    return (data[index : index + 1] for index in range(len(data)))


LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0002\r\nde\r\n0\r\nX: 1\r\n\r\n"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r\r\n"])
@pytest.mark.parametrize("data", [LENGTH, CHUNKS.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"])
def test_lines_of_a_header_may_end_with_less_or_more_than_one_cr(data: bytes, end: bytes):
    head, _, body = data.partition(b"\r\n\r\n")
    written = (head + b"\r\n\r\n").replace(b"\r\n", end) + body
    once, slowly = Reading().feed(written).close(), Reading().feed(*single(written)).close()
    assert once.said == slowly.said == Reading().feed(data).close().said
    assert once.messages[0].head.headers == Reading().feed(data).close().messages[0].head.headers


@pytest.mark.parametrize("data", [LENGTH, CHUNKS])
def test_a_message_is_whole_however_it_was_cut(data: bytes):
    once, slowly = Reading().feed(data), Reading().feed(*single(data))
    assert once.said == slowly.said
    assert [message.span for message in slowly.messages] == [Span(0, len(data), 1, len(data), 1, len(data))]
    assert [message.span for message in once.messages] == [Span(0, len(data), 1, 1, 1, 1)]


def test_trailers_and_sizes():
    message = Reading().feed(CHUNKS).messages[0]
    assert (message.body, message.body_size, message.trailers) == (b"abcde", 5, {"x": "1"})
    assert message.header_size == CHUNKS.index(b"3;a")


def test_many_messages_of_one_piece():
    assert Reading().feed((LENGTH + CHUNKS) * 3).said == [(200, b"hello", 5, ""), (200, b"abcde", 5, "")] * 3


def test_a_body_is_kept_up_to_the_limit_and_counted_whole():
    reading = Reading(limit=3).feed(LENGTH, CHUNKS, *single(LENGTH + CHUNKS))
    assert reading.said == [(200, b"hel", 5, ""), (200, b"abc", 5, "")] * 2
    assert Reading(limit=0).feed(LENGTH).said == [(200, b"", 5, "")]


def test_empty_lines_before_a_message_are_passed_over():
    assert Reading().feed(b"\r\n\r\n" + LENGTH + b"\r\n", LENGTH).said == [(200, b"hello", 5, "")] * 2


def test_line_feeds_alone_end_lines():
    assert Reading().feed(LENGTH.replace(b"\r\n", b"\n")).said == [(200, b"hello", 5, "")]
    mixed = b"HTTP/1.1 200 OK\nContent-Length: 5\r\n\nhello"
    assert Reading().feed(mixed).said == Reading().feed(*single(mixed)).said == [(200, b"hello", 5, "")]


@pytest.mark.parametrize(
    ("how", "reason"),
    [("fin", ""), ("end", ""), ("reset", "the end of the response body is missing: the connection was reset")],
)
def test_a_body_until_the_close(how: str, reason: str):
    reading = Reading().feed(b"HTTP/1.0 200 OK\r\n\r\nabc", b"def").close(how)
    assert reading.said == [(200, b"abcdef", 6, reason)]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (LENGTH[:-2], (200, b"hel", 3, "2 bytes missing at the end of the response body: the capture ends")),
        (CHUNKS[:56], (200, b"ab", 2, "the end of the response body is missing: the capture ends")),
        (LENGTH[:20], (200, b"", 0, "the response header is cut short: the capture ends")),
        (CHUNKS[:-4], (200, b"abcde", 5, "the response trailer is cut short: the capture ends")),
    ],
)
def test_a_message_that_ends_early_says_so(data: bytes, said: tuple[object, ...]):
    assert Reading().feed(data).close("end").said == Reading().feed(*single(data)).close("end").said == [said]


def test_a_start_line_that_is_cut_says_nothing():
    assert Reading().feed(b"HTTP/1.1 20").close().said == []


def test_a_gap_inside_a_body_does_not_cost_the_position():
    reading = Reading().feed(LENGTH[:-4]).feed(b"o" + LENGTH, gap=3)
    reason = "3 bytes missing in the response body at offset 1"
    assert reading.said == [(200, b"h", 5, reason), (200, b"hello", 5, "")]
    assert reading.messages[0].span == Span(0, len(LENGTH), 1, 2, 1, 2, missing=3)


def test_a_gap_up_to_the_end_of_a_body_ends_it():
    assert Reading().feed(LENGTH[:-4]).feed(LENGTH, gap=4).said[1] == (200, b"hello", 5, "")


def test_a_gap_inside_a_chunk_does_not_cost_the_position():
    start = CHUNKS.index(b"bc\r\n")
    reading = Reading().feed(CHUNKS[:start]).feed(CHUNKS[start + 1 :] + LENGTH, gap=1)
    assert reading.said == [
        (200, b"a", 5, "1 bytes missing in the response body at offset 1"),
        (200, b"hello", 5, ""),
    ]


def test_a_gap_beyond_a_body_ends_the_message_and_the_next_start_is_looked_for():
    reading = Reading().feed(LENGTH[:-4]).feed(b"rest of something" + LENGTH, gap=100)
    assert reading.said == [
        (200, b"h", 5, "100 bytes missing in the response body at offset 1"),
        (200, b"hello", 5, ""),
    ]


def test_a_gap_in_a_header_gives_what_was_read_of_it():
    reading = Reading().feed(LENGTH[:25]).feed(b"th: 5\r\n\r\nhello" + LENGTH, gap=5)
    assert reading.said == [(200, b"", 0, "5 bytes missing in the response header"), (200, b"hello", 5, "")]


def test_a_start_is_found_where_it_is_cut_in_two():
    for cut in range(1, len(LENGTH)):
        reading = Reading(synced=False).feed(b"end of a body" + LENGTH[:cut], LENGTH[cut:])
        assert reading.said == [(200, b"hello", 5, "")], cut
    request = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
    for cut in range(1, len(request)):
        reading = Reading(CLIENT, synced=False).feed(b"end of a body" + request[:cut], request[cut:])
        assert [message.line.url for message in reading.messages] == ["/a"], cut


def test_bytes_in_the_place_of_a_message_are_one_that_cannot_be_read():
    reading = Reading(CLIENT).feed(b"GET / HTTP/1.1\r\n\r\na=b&c=d", b"GET /x HTTP/1.1\r\n\r\n")
    assert [(message.line and message.line.url, message.malformed) for message in reading.messages] == [
        ("/", ""),
        (None, "no request line at request stream offset 18"),
        ("/x", ""),
    ]


def test_bytes_at_an_unknown_place_are_passed_over():
    assert Reading(CLIENT, synced=False).feed(b"a=b&c=d" * 5000).close().said == []


def test_a_chunk_size_that_is_none_ends_the_message():
    for size in (b"10000000000000000", b"xyz", b"-1", b"1_0", b"0x1"):
        data = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + size + b"\r\n\r\nGET /x HTTP/1.1\r\n\r\n"
        reading = Reading(CLIENT).feed(data)
        assert [(message.line.url, message.malformed) for message in reading.messages] == [
            ("/", "no chunk size in the request body at offset 0"),
            ("/x", ""),
        ]


def test_a_chunk_longer_than_its_size_ends_the_message():
    assert Reading().feed(CHUNKS.replace(b"abc", b"abcX")).said == [
        (200, b"abc", 3, "no chunk size in the response body at offset 3")
    ]


def test_an_unknown_length_loses_the_position_on_purpose():
    data = b"POST / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"
    assert [message.line.url for message in Reading(CLIENT).feed(data).messages] == ["/", "/smuggled"]


def test_a_header_without_end_is_given_up():
    reading = Reading(CLIENT).feed(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * (HEADER_LIMIT // 6 + 10))
    assert [(message.line.url, message.malformed) for message in reading.messages] == [
        ("/", f"the request header is over {HEADER_LIMIT} bytes")
    ]


def test_a_response_without_length_ends_where_the_next_one_begins_if_that_was_asked_for():
    endless = b"HTTP/1.1 200 OK\r\n\r\nabc"
    patient = Reading().feed(endless, LENGTH).close()
    assert [message.body for message in patient.messages] == [b"abc" + LENGTH]
    overtaken = Reading()
    overtaken.overtaken = True
    assert overtaken.feed(endless, LENGTH).said == [(200, b"abc", 3, ""), (200, b"hello", 5, "")]


def test_a_tunnel_stops_the_reading_and_gives_the_rest_back():
    for parts in ([b"HTTP/1.1 101 S\r\n\r\nrest"], [b"HTTP/1.1 101 S\r", b"\n\r\nrest"]):
        reading = Reading(follows=TUNNEL).feed(*parts)
        assert reading.reader.state == STOPPED
        rest = reading.reader.stop()
        assert [(piece.data, piece.offset) for piece in rest] == [(b"rest", 18)]
        assert reading.reader.stop() == []


def test_what_is_held_is_read_after_all_or_given_back():
    connect = b"CONNECT a:1 HTTP/1.1\r\n\r\n"
    reading = Reading(CLIENT, follows=HOLD).feed(connect + b"GET /x HTTP/1.1\r\n\r\n")
    assert len(reading.messages) == 1
    reading.reader.release()
    assert [message.line.url for message in reading.messages] == ["a:1", "/x"]
    again = Reading(CLIENT, follows=HOLD).feed(connect, b"\x16\x03")
    assert [piece.data for piece in again.reader.stop()] == [b"\x16\x03"]


def test_a_line_alone_is_a_simple_request_once_the_server_answers():
    for data in (b"GET /old\r\n", b"GET /old\n"):
        reading = Reading(CLIENT).feed(data)
        assert reading.reader.partial
        reading.reader.settle()
        assert [(message.line.url, message.line.version, message.malformed) for message in reading.messages] == [
            ("/old", "", "")
        ]
    unfinished = Reading(CLIENT).feed(b"GET /new HTTP/1.1\r\n")
    unfinished.reader.settle()
    assert unfinished.messages == []


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n" + b"a\n" * 100_000,
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n" + b"a:\n" * 20_000,
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 30_000,
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 15_000,
        b"\n" * 100_000,
    ],
)
def test_single_bytes_take_linear_time(data: bytes):
    begun = time.process_time()
    Reading(CLIENT).feed(*single(data)).close()
    assert time.process_time() - begun < 10
