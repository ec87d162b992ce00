"""What AMQP's methods and content headers say, whoever sent them."""

from __future__ import annotations

import struct

import pytest

from kubeshark_mcp.dissect.amqp_reading import REMEMBERED, REMEMBERED_BYTES, ContentReading, MethodReading, Readings
from kubeshark_mcp.dissect.wire_amqp_methods import METHODS
from tests.dissect.samples.amqp import START, START_OK, close, deliver, method, publish, short, table


def payload(data: bytes) -> bytes:
    """Give the payload of the first frame."""
    return data[7 : 7 + int.from_bytes(data[3:7], "big")]


def read(data: bytes) -> MethodReading:
    found = Readings().method(payload(data))
    assert found is not None
    return found


def test_a_method_has_fields_options_and_a_summary():
    data = method(1, 50, 10, b"\0\0" + short("orders") + b"\x0a" + table(**{"x-type": "quorum"}))
    assert read(data) == MethodReading(
        METHODS[50, 10],
        (50, 10),
        {
            "ticket": 0,
            "queue": "orders",
            "passive": False,
            "durable": True,
            "exclusive": False,
            "auto_delete": True,
            "no_wait": False,
            "arguments": {"x-type": "quorum"},
        },
        {
            "amqp": True,
            "amqp_method": "Queue.Declare",
            "amqp_summary": "Queue.Declare orders",
            "amqp_total_size": 0,
            "amqp_queue": "orders",
            "amqp_arguments": {"x-type": "quorum"},
            "amqp_options": ("durable", "auto_delete"),
        },
        "Queue.Declare orders",
    )


@pytest.mark.parametrize(
    ("data", "summary"),
    [
        (publish(1, "", "orders", b""), "Basic.Publish orders"),
        (publish(1, "events", "orders.new", b""), "Basic.Publish events orders.new"),
        (deliver(1, 7, b""), "Basic.Deliver amq.topic orders.new"),
        (method(1, 60, 80, struct.pack(">QB", 7, 0)), "Basic.Ack 7"),
        (close(1, 20, 404, "NOT_FOUND - no queue", (50, 10)), "Channel.Close 404 NOT_FOUND - no queue"),
        (START, "Connection.Start RabbitMQ 3.12.1"),
        (START_OK, "Connection.Start-Ok PLAIN"),
        (method(0, 10, 60, short("low on memory")), "Connection.Blocked low on memory"),
        (method(1, 90, 10), "Tx.Select"),
    ],
)
def test_a_summary_names_what_a_method_is_about(data: bytes, summary: str):
    assert read(data).summary == summary


@pytest.mark.parametrize(
    ("data", "status", "failed", "by_broker"),
    [
        (close(0, 10, 200, "bye"), "OK", False, False),
        (close(0, 10, 541, "INTERNAL_ERROR"), "INTERNAL_ERROR", True, False),
        (method(1, 60, 120, struct.pack(">QB", 1, 0)), "NACK", True, True),
        (method(1, 60, 30, short("c") + b"\1"), "CANCELLED", True, True),
        (method(0, 10, 60, short("disk")), "BLOCKED", True, False),
        (method(1, 20, 20, b"\0"), "PAUSED", False, False),
        (method(1, 20, 20, b"\1"), "", False, False),
        (publish(1, "", "a", b""), "", False, False),
    ],
)
def test_some_methods_tell_an_outcome(data: bytes, status: str, failed: bool, by_broker: bool):
    reading = read(data)
    assert (reading.status, reading.failed, reading.by_broker) == (status, failed, by_broker)


def test_an_unknown_method_is_none_and_a_broken_one_keeps_what_was_read():
    assert Readings().method(b"\0\x32\0\x63") is None
    assert Readings().method(b"\0\x32") is None
    broken = Readings().method(b"\0\x3c\0\x28\0\0\3abc\x09k")
    assert broken is not None
    assert (broken.summary, broken.malformed) == ("Basic.Publish abc", "the frame ends inside its arguments at byte 12")


def test_a_content_header_gives_size_and_properties_or_says_why_not():
    data = struct.pack(">HHQH", 60, 0, 9, 0x8480) + short("a/b") + short("c-1") + short("m-1")
    assert Readings().content(data) == ContentReading(
        9, {"amqp_body_size": 9, "amqp_content_type": "a/b", "amqp_correlation_id": "c-1", "amqp_message_id": "m-1"}
    )
    assert Readings().content(data[:-2]).malformed == f"the frame ends inside its properties at byte {len(data) - 2}"


def test_what_peers_repeat_is_read_once_but_numbered_deliveries_are_not_remembered():
    readings = Readings()
    for data in (publish(1, "", "a", b""), close(0, 10, 200, "bye")):
        assert readings.method(payload(data)) is readings.method(payload(data))
    ack = payload(method(1, 60, 80, struct.pack(">QB", 7, 0)))
    assert readings.method(ack) is not readings.method(ack)
    assert readings.method(ack) == readings.method(ack)


def test_what_is_remembered_is_bounded():
    readings = Readings()
    for number in range(2 * REMEMBERED + 5):
        readings.method(payload(publish(1, "", f"key{number}", b"")))
        readings.content(struct.pack(">HHQH", 60, 0, number, 0))
    assert max(len(readings._methods.known), len(readings._contents.known)) <= REMEMBERED
    big = payload(method(1, 50, 10, b"\0\0" + short("q") + b"\0" + table(x="y" * REMEMBERED_BYTES)))
    assert readings.method(big) is not readings.method(big)
