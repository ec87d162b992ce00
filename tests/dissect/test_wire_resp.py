from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.wire_resp import (
    HELD,
    LINE_LIMIT,
    Dump,
    Message,
    Reply,
    RespError,
    Side,
    read_command,
    read_inline,
    read_reply,
    read_size,
    scan,
    text,
    words_of,
)
from kubeshark_mcp.model.stream import Direction, Piece, Span

VALUES = [
    b"+OK\r\n",
    b"-ERR no\r\n",
    b":-5\r\n",
    b"$5\r\nhe\r\nl\r\n",
    b"$0\r\n\r\n",
    b"$-1\r\n",
    b"*-1\r\n",
    b"*0\r\n",
    b"*2\r\n:1\r\n*1\r\n$1\r\na\r\n",
    b"_\r\n",
    b"#t\r\n",
    b",1.5\r\n",
    b"(123456789012345678901234567890\r\n",
    b"!5\r\nERR x\r\n",
    b"=7\r\ntxt:abc\r\n",
    b"%1\r\n+a\r\n~2\r\n:1\r\n:2\r\n",
    b">2\r\n+a\r\n+b\r\n",
    b"|1\r\n+ttl\r\n:5\r\n*2\r\n:1\r\n|1\r\n+a\r\n+b\r\n:2\r\n",
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_the_end_of_every_type_is_found(value: bytes):
    assert scan(value + b"+next\r\n", 0, 1, 0) == (len(value), 0, 0)


@given(st.lists(st.sampled_from(VALUES), min_size=1, max_size=6), st.data())
def test_walking_in_steps_ends_where_walking_at_once_does(values: list[bytes], data: st.DataObject):
    whole = b"*%d\r\n" % len(values) + b"".join(values)
    position, remaining, skip, seen = 0, 1, 0, 0
    while remaining:
        seen = min(len(whole), seen + data.draw(st.integers(1, 9)))
        position, remaining, skip = scan(whole[:seen], position, remaining, skip)
    assert position == len(whole)


@pytest.mark.parametrize(
    ("data", "reason", "position"),
    [
        (b"HTTP/1.1 200 OK\r\n", "byte 0x48 begins no value", 0),
        (b"*1\r\nx\r\n", "byte 0x78 begins no value", 4),
        (b"$abc\r\n", "'abc' is no length", 0),
        (b"$99999999999\r\n", "'99999999999' is no length", 0),
        (b"*?\r\n", "a streamed type begins, which no server sends", 0),
        (b"$2\r\nabcd\r\n", "a bulk string does not end where its length says", 6),
        (b"+" + b"a" * (LINE_LIMIT + 1), "a line is longer than 65536 bytes", 0),
    ],
)
def test_what_is_no_value_is_refused_with_its_place(data: bytes, reason: str, position: int):
    with pytest.raises(RespError, match=reason) as caught:
        scan(data, 0, 1, 0)
    assert caught.value.position == position


def test_a_command_is_read_with_its_words_counted():
    data = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$2\r\n\r\n\r\nrest"
    assert read_command(data, 0) == (([b"SET", b"a", b"\r\n"], 2), 28)
    assert [read_command(data[:end], 0) for end in range(28)] == [None] * 28
    many = b"*40\r\n" + b"$1\r\na\r\n" * 40
    assert read_command(many, 0) == (([b"a"] * 16, 39), len(many))
    assert words_of(many) == ([b"a"] * 16, 39)
    assert words_of(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$99\r\nxx") == ([b"SET", b"a", b"xx"], 2)


@pytest.mark.parametrize("data", [b"*1\r\n:1\r\n", b"*1\r\n$-1\r\n", b"*1\r\n$1\r\nabc", b"*x\r\n", b"*1\r\n$x\r\n"])
def test_a_command_of_other_values_is_refused(data: bytes):
    with pytest.raises(RespError):
        read_command(data, 0)


def test_quotes_hold_the_words_of_an_inline_command_together():
    assert read_inline(b"SET key \"a 'b' c\" 'd e'") == ([b"SET", b"key", b"a 'b' c", b"d e"], 3)
    assert read_inline(b'SET key "open') == ([b"SET", b"key", b'"open'], 2)
    assert read_inline(b"") == ([], 0)


@pytest.mark.parametrize(
    ("data", "reply"),
    [
        (b"+OK\r\n", Reply("simple string")),
        (b"-ERR bad thing\r\n", Reply("simple error", "ERR bad thing")),
        (b"!7\r\nERR bad\r\n", Reply("bulk error", "ERR bad")),
        (b"$-1\r\n", Reply("null")),
        (b"*-1\r\n", Reply("null")),
        (b"_\r\n", Reply("null")),
        (b"%0\r\n", Reply("map")),
        (b"*2\r\n$7\r\nmessage\r\n$4\r\nnews\r\n", Reply("array", "", "message", "news")),
        (b"*4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$1\r\nx\r\n", Reply("array", "", "pmessage", "news")),
        (b"*2\r\n:1\r\n:2\r\n", Reply("array")),
        (b">1\r\n+a\r\n", Reply("push", "", "a")),
        (b"|1\r\n+ttl\r\n:5\r\n:2\r\n", Reply("integer")),
        (b"|1\r\n+ttl\r\n:5\r\n", Reply("attribute")),
    ],
)
def test_a_reply_says_what_it_is(data: bytes, reply: Reply):
    assert read_reply(data) == reply


def test_sizes_and_texts_are_bounded():
    assert read_size(b"-1", 0, 2) == -1
    assert text(b"caf\xc3\xa9\xff") == "café\\xff"
    assert len(text(b"a" * 5000)) == 1024


def side_with(*parts: bytes) -> tuple[Side, int]:
    side, offset = Side(Direction.SERVER), 0
    for number, part in enumerate(parts, 1):
        side.buffer.append(Piece(Direction.SERVER, part, offset, 0, [0], [number], [number]))
        offset += len(part)
    return side, offset


def test_a_long_message_is_walked_through_without_being_kept():
    side = Side(Direction.SERVER)
    value = b"$%d\r\n" % (5 * HELD) + b"x" * (5 * HELD) + b"\r\n"
    found, held = None, 0
    for number, begin in enumerate(range(0, len(value), 10_000), 1):
        side.buffer.append(Piece(Direction.SERVER, value[begin : begin + 10_000], begin, 0, [0], [number], [number]))
        data = side.buffer.data
        found = side.walk(data, 0)
        held = max(held, len(data))
        if found is None:
            start = side.drop(data, 0)
            del data
            side.buffer.consume(start)
    assert found == Message(Span(0, len(value), 1, number, 1, number), value[:HELD], len(value))
    assert held < 2 * HELD


def test_an_unfinished_message_can_be_given_as_it_is():
    side, length = side_with(b"$9\r\nab", b"cd")
    assert side.walk(side.buffer.data, 0) is None
    assert side.unfinished() == Message(Span(0, length, 1, 2, 1, 2), b"$9\r\nabcd", length)
    assert Side(Direction.SERVER).unfinished() is None


def test_a_database_ends_by_its_length_or_by_its_mark():
    sized = Dump()
    assert sized.walk(b"$5\r", 0) == -1
    assert sized.walk(b"$5\r\nabcdef", 0) == 4
    assert sized.walk(b"$5\r\nabcdef", 4) == 9
    assert sized.left == 0
    mark = b"0123456789" * 4
    marked = Dump()
    assert marked.walk(b"$EOF:" + mark + b"\r\n", 0) == 47
    assert marked.walk(b"abc" + mark[:20], 0) == -1
    assert marked.walk(b"a" * 50 + mark[:20], 0) == 31
    assert marked.walk(b"abc" + mark + b"*1", 0) == 43
    assert marked.left == 0
    with pytest.raises(RespError, match="no database begins"):
        Dump().walk(b"+OK\r\n", 0)


@given(st.binary(max_size=200))
def test_any_bytes_are_walked_or_refused(data: bytes):
    try:
        position, remaining, skip = scan(data, 0, 1, 0)
    except RespError as error:
        position, remaining, skip = error.position, 1, 0
    assert 0 <= position <= len(data)
    assert remaining or not skip


def test_many_attributes_before_a_value_are_read_in_linear_time():
    begin = time.process_time()
    assert read_reply(b"|0\r\n" * 50_000 + b":1\r\n") == Reply("integer")
    assert time.process_time() - begin < 2
