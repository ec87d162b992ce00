from __future__ import annotations

import itertools
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.wire_grpc import (
    NO_STATUS,
    MessageCounter,
    TextMessageCounter,
    counter_for,
    is_grpc,
    read_message,
    read_status,
    read_timeout,
    status_name,
)
from tests.dissect.samples.http2 import message


def test_grpc_is_known_by_its_content_type():
    assert is_grpc({"content-type": "application/grpc"})
    assert is_grpc({"content-type": "application/grpc+proto"})
    assert not is_grpc({"content-type": "application/json"})
    assert not is_grpc({})


@pytest.mark.parametrize(
    ("value", "microseconds"),
    [
        ("50m", 50000),
        ("2S", 2000000),
        ("1H", 3600000000),
        ("3M", 180000000),
        ("1500n", 1),
        ("7u", 7),
        ("", 0),
        ("m", 0),
        ("123456789m", 0),
        ("5x", 0),
        ("-5m", 0),
        ("\N{ARABIC-INDIC DIGIT FIVE}m", 0),
    ],
)
def test_deadlines_are_read_in_their_units(value: str, microseconds: int):
    assert read_timeout({"grpc-timeout": value}) == microseconds


@pytest.mark.parametrize(
    ("value", "code", "name"),
    [("0", 0, "OK"), ("14", 14, "UNAVAILABLE"), ("77", 77, "77"), ("", NO_STATUS, "-1"), ("x", NO_STATUS, "-1")],
)
def test_statuses_have_names(value: str, code: int, name: str):
    assert read_status({"grpc-status": value}) == code
    assert status_name(code) == name


def test_status_texts_are_decoded():
    assert read_message({"grpc-message": "caf%C3%A9 100%25"}) == "café 100%"
    assert read_message({"grpc-message": "plain"}) == "plain"
    assert read_message({"grpc-message": "broken %C3 %zz"}) == "broken Ã %zz"
    assert read_message({}) == ""


@given(
    st.lists(st.tuples(st.binary(max_size=30), st.booleans()), max_size=8), st.lists(st.integers(0, 300), max_size=20)
)
def test_any_cutting_of_data_counts_the_same_messages(messages: list[tuple[bytes, bool]], cuts: list[int]):
    data = b"".join(message(content, packed) for content, packed in messages)
    counter = MessageCounter()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for begin, stop in itertools.pairwise(edges):
        counter.feed(data, begin, stop)
    assert counter.count == len(messages)
    assert counter.bytes == sum(len(content) for content, _ in messages)
    assert counter.compressed == sum(packed for _, packed in messages)
    assert (counter.unfinished, counter.broken) == (False, "")


def test_a_message_that_is_not_whole_is_told():
    counter = MessageCounter()
    counter.feed(message(b"12345")[:-1], 0, 9)
    assert (counter.count, counter.bytes, counter.unfinished) == (1, 4, True)
    counter = MessageCounter()
    counter.feed(b"\0\0", 0, 2)
    assert (counter.count, counter.unfinished) == (0, True)


def test_missing_bytes_inside_a_message_do_not_cost_the_count_and_others_do():
    data = message(b"x" * 100) + message(b"y")
    counter = MessageCounter()
    counter.feed(data, 0, 20)
    counter.missing(60)
    counter.feed(data, 80, len(data))
    assert (counter.count, counter.bytes, counter.broken) == (2, 41, "")
    counter.missing(3)
    counter.feed(data, 0, len(data))
    assert (counter.count, counter.broken) == (2, "bytes are missing between messages")


def test_data_that_is_no_message_stops_the_count():
    counter = MessageCounter()
    counter.feed(b"<html>", 0, 6)
    assert (counter.count, counter.broken) == (0, "a message begins with 0x3c instead of 0 or 1")


def test_trailers_of_grpc_web_are_no_message():
    trailers = b"grpc-status: 5\r\nGrpc-Message: none\r\n"
    data = message(b"hello") + b"\x80" + len(trailers).to_bytes(4) + trailers
    counter = MessageCounter()
    counter.feed(data, 0, len(data))
    assert (counter.count, counter.bytes) == (1, 5)
    assert counter.web_trailers() == {"grpc-status": "5", "grpc-message": "none"}


WEB_TEXT = {"content-type": "application/grpc-web-text+proto"}
SEGMENTS = b"".join(b64encode(part) for part in (message(b"hello"), message(b"hi"), b"\x80\0\0\0\x0egrpc-status: 0"))


@pytest.mark.parametrize("size", [1, 3, 7, len(SEGMENTS)])
def test_the_text_form_of_grpc_web_is_read_however_it_was_cut(size: int):
    counter = counter_for(WEB_TEXT)
    for begin in range(0, len(SEGMENTS), size):
        counter.feed(SEGMENTS, begin, min(len(SEGMENTS), begin + size))
    assert (counter.count, counter.bytes, counter.broken, counter.unfinished) == (2, 7, "", False)
    assert counter.web_trailers() == {"grpc-status": "0"}


def test_the_text_form_of_grpc_web_is_told_from_the_others():
    assert type(counter_for({"content-type": "application/grpc-web"})) is MessageCounter
    assert type(counter_for({})) is MessageCounter


def test_in_the_text_form_missing_bytes_cost_the_position_and_broken_base64_is_told():
    counter = TextMessageCounter()
    counter.feed(b"AA", 0, 2)
    assert counter.unfinished
    counter.missing(4)
    counter.feed(SEGMENTS, 0, len(SEGMENTS))
    assert (counter.count, counter.broken, counter.unfinished) == (0, "bytes of their base64 are missing", False)
    broken = TextMessageCounter()
    broken.feed(b"A===", 0, 4)
    assert broken.broken == "they are no base64"
