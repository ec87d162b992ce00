"""AMQP's frames, arguments, content headers and tables."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.wire_amqp import (
    DEPTH,
    ENTRIES,
    AmqpError,
    frame_begins,
    method_at,
    read_arguments,
    read_content_header,
    read_table,
)
from kubeshark_mcp.dissect.wire_amqp_methods import METHODS
from tests.dissect.samples.amqp import HEARTBEAT, START, content, frame, long, method, publish, short, table


def arguments(number: tuple[int, int], data: bytes) -> dict[str, Any]:
    return read_arguments(METHODS[number], data, 0)


@pytest.mark.parametrize("data", [HEARTBEAT, START, publish(1, "", "a", b"x"), content(1, b""), frame(3, 1, b"body")])
def test_a_frame_is_recognised_when_it_is_whole(data: bytes):
    assert frame_begins(b"x" + data, 1) is True
    end = 8 + int.from_bytes(data[3:7], "big")
    for length in range(end):
        assert frame_begins(data[:length], 0) is None, length


@pytest.mark.parametrize(
    "data",
    [
        b"\x05\0\1\0\0\0\0\xce",
        b"\x08\0\0\0\0\0\1",
        b"\x01\0\0\0\0\0\2ab\xce",
        b"\x02\0\1\0\0\0\5hello\xce",
        method(1, 50, 99),
        method(1, 50, 11)[:-1] + b"\0",
        b"GET / HTTP/1.1\r\n",
    ],
    ids=["type", "heartbeat with a payload", "short method", "short header", "unknown method", "end octet", "http"],
)
def test_what_is_no_frame_is_told(data: bytes):
    assert frame_begins(data, 0) is False


def test_a_method_is_found_by_its_numbers():
    found = method_at(b"xx\0\x3c\0\x28", 2)
    assert found is not None
    assert found.name == "Basic.Publish"
    assert method_at(b"\1\x3c\0\x28", 0) is None


def test_arguments_are_read_in_order_and_bits_share_octets():
    data = b"\0\0" + short("orders") + b"\x15" + table(**{"x-type": "quorum"})
    assert arguments((50, 10), data) == {
        "ticket": 0,
        "queue": "orders",
        "passive": True,
        "durable": False,
        "exclusive": True,
        "auto_delete": False,
        "no_wait": True,
        "arguments": {"x-type": "quorum"},
    }


def test_numbers_bytes_and_texts_are_read():
    data = struct.pack(">QB", 2**40, 1) + short("amq.topic") + short("ä")
    assert arguments((60, 60), short("tag") + data) == {
        "consumer_tag": "tag",
        "delivery_tag": 2**40,
        "redelivered": True,
        "exchange": "amq.topic",
        "routing_key": "ä",
    }
    assert arguments((10, 21), long(b"\0\xff")) == {"response": b"\0\xff"}


@pytest.mark.parametrize("length", range(2, 19))
def test_arguments_that_end_too_early_keep_what_was_read(length: int):
    whole = b"\0\0" + short("events") + short("new") + b"\1"
    data = whole[:length]
    if len(data) == len(whole):
        assert arguments((60, 40), data)["mandatory"] is True
        return
    with pytest.raises(AmqpError, match="ends inside its arguments") as caught:
        arguments((60, 40), data)
    assert caught.value.read == {"ticket": 0} | ({"exchange": "events"} if length >= 9 else {}) | (
        {"routing_key": "new"} if length >= 13 else {}
    )
    assert caught.value.position == len(data)


def test_a_content_header_has_size_and_properties():
    data = struct.pack(">HHQH", 60, 0, 2**33, 0x8400) + short("text/plain") + short("c-7")
    assert read_content_header(data, 0) == (60, 2**33, {"content_type": "text/plain", "correlation_id": "c-7"})


def test_all_properties_are_read_and_further_flags_are_passed_over():
    texts = [short(text) for text in ("a", "b")]
    data = struct.pack(">HHQHH", 60, 0, 5, 0xFFFD, 0) + b"".join(texts) + table(k="v") + b"\2\5"
    data += b"".join(short(text) for text in "cdef") + struct.pack(">Q", 1_700_000_000) + b"".join(map(short, "ghij"))
    _, _, read = read_content_header(data, 0)
    assert list(read.values()) == ["a", "b", {"k": "v"}, 2, 5, "c", "d", "e", "f", 1_700_000_000, "g", "h", "i", "j"]


def test_properties_that_end_too_early_keep_what_was_read():
    with pytest.raises(AmqpError, match="ends inside its properties") as caught:
        read_content_header(struct.pack(">HHQH", 60, 0, 1, 0x8400) + short("a/b") + b"\5c", 0)
    assert caught.value.read == {"content_type": "a/b"}


VALUES = {
    b"t\1": "true",
    b"t\0": "false",
    b"b\xff": "-1",
    b"B\xff": "255",
    b"s\xff\xfe": "-2",
    b"u\xff\xfe": "65534",
    b"I\xff\xff\xff\xff": "-1",
    b"i\xff\xff\xff\xff": "4294967295",
    b"l" + b"\xff" * 8: "-1",
    b"L" + bytes(7) + b"\7": "7",
    b"f" + struct.pack(">f", 1.5): "1.5",
    b"d" + struct.pack(">d", -0.25): "-0.25",
    b"D\2" + struct.pack(">i", 314): "314e-2",
    b"T" + struct.pack(">Q", 1_700_000_000): "1700000000",
    b"V": "",
    b"S" + long(b"text"): "text",
    b"x" + long(b"raw"): "raw",
    b"F" + table(a="1", b="2"): "{a: 1, b: 2}",
    b"A" + long(b"t\1" + b"I\0\0\0\3" + b"S" + long(b"x")): "[true, 3, x]",
}


@pytest.mark.parametrize("value", VALUES, ids=lambda value: f"{chr(value[0])}{len(value)}")
def test_every_type_of_a_tables_values_becomes_text(value: bytes):
    data = long(short("key") + value + short("next") + b"t\1")
    assert read_table(data, 0) == ({"key": VALUES[value], "next": "true"}, len(data))


def test_an_unknown_type_is_told_with_its_place():
    with pytest.raises(AmqpError, match="unknown type 'q'") as caught:
        read_table(long(short("key") + b"q1"), 0)
    assert caught.value.position == 8


def test_a_value_longer_than_its_table_is_told():
    with pytest.raises(AmqpError, match="longer than the table"):
        read_table(long(short("k") + b"I\0\0") + bytes(9), 0)


def test_tables_that_lie_too_deep_are_told():
    nested = table(end="x")
    for _ in range(DEPTH + 1):
        nested = long(short("k") + b"F" + nested)
    with pytest.raises(AmqpError, match="deep in one another"):
        read_table(nested, 0)


def test_of_very_many_fields_and_elements_the_first_are_kept():
    many = b"".join(short(f"k{number}") + b"t\1" for number in range(ENTRIES + 9))
    found, end = read_table(long(many), 0)
    assert (len(found), end) == (ENTRIES, len(many) + 4)
    elements = b"A" + long(b"t\1" * (ENTRIES + 9))
    assert read_table(long(short("a") + elements), 0)[0]["a"].count("true") <= ENTRIES


def outcome(read: Callable[[], Any], length: int) -> bool:
    """Whether reading succeeds, or fails as declared and within the bytes."""
    try:
        read()
    except AmqpError as error:
        return 0 <= error.position <= length
    return True


@given(st.binary(max_size=80))
def test_no_bytes_raise_anything_but_what_is_declared(data: bytes):
    assert outcome(lambda: read_content_header(data, 0), len(data))
    for each in METHODS.values():
        assert outcome(partial(read_arguments, each, data, 0), len(data))
