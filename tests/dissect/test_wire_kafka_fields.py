"""Kafka's fields one by one: lengths, tagged fields, arrays, record batches, and what does not fit."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.wire_kafka_fields import (
    BATCHES,
    NOTED,
    Found,
    KafkaError,
    array,
    fixed_array,
    lengths,
    note_acks,
    note_error,
    note_throttle,
    note_topic_id,
    noting_records,
    noting_subscription,
    noting_text,
    optional,
    pass_tags,
    passing,
    passing_text,
    read_varint,
)
from tests.dissect.samples.kafka import batch, text

OLD_STRING, OLD_LONG = lengths(flexible=False)
STRING, LONG = lengths(flexible=True)


def varint(value: int) -> bytes:
    data = b""
    while value > 0x7F:
        data += bytes([value & 0x7F | 0x80])
        value >>= 7
    return data + bytes([value])


@given(st.integers(0, 2**32 - 1), st.binary(max_size=3))
def test_a_varint_is_read_as_it_was_written(value: int, behind: bytes):
    assert read_varint(b"x" + varint(value) + behind, 1) == (value, 1 + len(varint(value)))


def test_a_varint_of_more_than_five_bytes_is_refused():
    with pytest.raises(KafkaError, match="more than 32 bits"):
        read_varint(b"\xff" * 6, 0)


def test_tagged_fields_are_passed_over_by_their_lengths():
    assert pass_tags(b"\0x", 0, Found()) == 1
    assert pass_tags(b"\x02\x00\x01a\x05\x03bcdx", 0, Found()) == 9


def test_a_count_of_tagged_fields_beyond_the_message_ends_with_the_message():
    assert pass_tags(varint(2**31) + b"\x00\x7f", 0, Found()) > 7


@pytest.mark.parametrize(
    ("data", "expected", "end"),
    [(b"\0\2ab", ["ab"], 4), (b"\xff\xff", [], 2), (b"\0\0", [], 2), (b"\0\2\xc3\x28", ["\ufffd("], 4)],
)
def test_a_string_is_noted_unless_it_is_null_or_empty(data: bytes, expected: list[str], end: int):
    found = Found()
    assert noting_text("topic", OLD_STRING)(data, 0, found) == end
    assert found.topics == expected


@pytest.mark.parametrize(("data", "expected", "end"), [(b"\3ab", ["ab"], 3), (b"\0", [], 1), (b"\1", [], 1)])
def test_a_compact_string_has_its_length_plus_one_before_it(data: bytes, expected: list[str], end: int):
    found = Found()
    assert noting_text("group", STRING)(data, 0, found) == end
    assert found.groups == expected


def test_of_very_many_topics_the_first_are_kept():
    found = Found()
    step = noting_text("topic", STRING)
    for _ in range(NOTED + 5):
        step(b"\2a", 0, found)
    assert found.topics == ["a"] * NOTED


def test_fields_that_do_not_matter_are_passed_over():
    assert passing(7)(b"", 3, Found()) == 10
    assert passing_text(OLD_LONG)(b"\0\0\0\3abc", 0, Found()) == 7
    assert passing_text(OLD_LONG)(b"\xff\xff\xff\xff", 0, Found()) == 4


def test_errors_are_noted_but_success_is_not():
    found = Found()
    for data in (b"\0\0", b"\0\6", b"\xff\xff"):
        assert note_error(data, 0, found) == 2
    assert found.errors == [6, -1]


def test_acks_throttle_time_and_topic_ids_are_noted():
    found = Found()
    assert note_acks(b"\xff\xff", 0, found) == 2
    assert note_throttle(b"\0\0\1\0", 0, found) == 4
    assert note_topic_id(bytes(range(16)), 0, found) == 16
    assert (found.acks, found.throttle, found.topic_ids) == (-1, 256, [bytes(range(16))])


def test_the_topics_of_a_subscription_are_noted_whatever_follows_them():
    found = Found()
    data = b"\0\3" + struct.pack(">i", 2) + text("a") + text("bc") + b"\xff\xff\xff\xffmore"
    assert noting_subscription(OLD_LONG)(struct.pack(">i", len(data)) + data + b"!", 0, found) == 4 + len(data)
    assert found.topics == ["a", "bc"]


@pytest.mark.parametrize("data", [b"", b"\0\1", b"\0\1\0\0\xff\xff", b"\0\1\0\0\0\5\0\x99ab", b"\0\1\xff\xff\xff\xff"])
def test_a_subscription_that_is_none_is_passed_over(data: bytes):
    found = Found()
    assert noting_subscription(LONG)(bytes([len(data) + 1]) + data, 0, found) == 1 + len(data)
    assert found.topics == []


def records(data: bytes) -> Found:
    found = Found()
    assert noting_records(OLD_LONG)(struct.pack(">i", len(data)) + data, 0, found) == 4 + len(data)
    return found


def test_records_are_counted_by_the_headers_of_their_batches():
    found = records(batch(3, attributes=4) + batch(200))
    assert (found.batches, found.records, found.compression) == (2, 203, "zstd")


def test_messages_of_the_old_format_are_counted_one_by_one():
    message = struct.pack(">qiibbii", 0, 18, 0, 1, 1, -1, 4) + b"abcd"
    found = records(message * 3)
    assert (found.batches, found.records, found.compression) == (3, 3, "gzip")


@pytest.mark.parametrize("data", [b"", b"short", bytes(200), batch(3)[:40], struct.pack(">qi", 0, -5) + bytes(60)])
def test_what_is_no_batch_is_passed_over(data: bytes):
    assert (records(data).records, records(data).batches) == (0, 0)


def test_of_very_many_batches_the_first_are_looked_at():
    message = struct.pack(">qiibbii", 0, 14, 0, 0, 0, -1, -1)
    assert records(message * (BATCHES + 10)).batches == BATCHES


def test_an_array_reads_its_elements_and_counts_partitions():
    found = Found()
    data = struct.pack(">i", 2) + text("a") + text("b")
    assert array([noting_text("topic", OLD_STRING)], OLD_LONG, counted=True)(data, 0, found) == len(data)
    assert (found.topics, found.partitions) == (["a", "b"], 2)
    assert fixed_array(4, OLD_LONG, counted=True)(struct.pack(">iii", 2, 0, 0), 0, found) == 12
    assert found.partitions == 4


@pytest.mark.parametrize("count", [5, 2**31 - 1])
def test_an_array_longer_than_the_message_is_refused_at_once(count: int):
    data = struct.pack(">i", count) + b"abc"
    for step in (array([passing(1), passing(1)], OLD_LONG, counted=False), fixed_array(1, OLD_LONG, counted=False)):
        with pytest.raises(KafkaError, match=f"an array of {count} elements is longer than the message"):
            step(data, 0, Found())


def test_arrays_and_structures_may_be_null():
    assert array([passing(1)], OLD_LONG, counted=True)(b"\xff\xff\xff\xff", 0, Found()) == 4
    assert fixed_array(1, LONG, counted=True)(b"\0", 0, Found()) == 1
    assert optional([passing(3)])(b"\xffabc", 0, Found()) == 1
    assert optional([passing(3)])(b"\1abc", 0, Found()) == 4
