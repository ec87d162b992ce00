"""AMQP's methods with their answers and contents as entries."""

from __future__ import annotations

import struct

import pytest

from kubeshark_mcp.dissect.amqp_pairing import ADRIFT, CONTENTS, MISSING, UNFINISHED, AmqpPairing
from kubeshark_mcp.dissect.amqp_reading import Readings
from kubeshark_mcp.dissect.base import Context, Settings
from kubeshark_mcp.dissect.pairing import WAITING
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Direction, Span
from tests.dissect.conversation import CLIENT, SERVER, connection
from tests.dissect.samples.amqp import START, START_OK, close, content, deliver, method, publish, short, table

GET_OK = struct.pack(">QB", 1, 0) + short("") + short("orders") + struct.pack(">I", 3)


class Exchange:
    """A pairing with what it emits. It takes frames one after another, each in a packet of its own."""

    def __init__(self, body_limit: int = 1000) -> None:
        self.entries: list[Entry] = []
        self.pairing = AmqpPairing(
            Context(connection(), Settings(body_limit=body_limit), self.entries.append), Readings()
        )
        self.offsets = [0, 0]
        self.number = 0

    def say(self, direction: Direction, data: bytes, cut: str = "") -> None:
        at = 0
        while at < len(data):
            size = 8 + int.from_bytes(data[at + 3 : at + 7], "big")
            self.frame(direction, data[at : at + size], cut)
            at += size

    def frame(self, direction: Direction, data: bytes, cut: str) -> None:
        self.number += 1
        n = self.number
        span = Span(self.offsets[direction], len(data), n, n, n, n)
        self.offsets[direction] += len(data)
        channel = int.from_bytes(data[1:3], "big")
        if data[0] == 1:
            self.pairing.method(direction, channel, data[7:-1], span, cut)
        elif data[0] == 2:
            self.pairing.content_header(direction, channel, data[7:-1], span, cut)
        else:
            self.pairing.body(direction, channel, data, 7, len(data) - 1, span)

    @property
    def last(self) -> Entry:
        return self.entries[-1]


def declare(name: str, options: int = 0, **arguments: str) -> bytes:
    return method(1, 50, 10, b"\0\0" + short(name) + bytes([options]) + table(**arguments))


def declared(name: str, messages: int = 0) -> bytes:
    return method(1, 50, 11, short(name) + struct.pack(">II", messages, 0))


def get(queue: str, channel: int = 1) -> bytes:
    return method(channel, 60, 70, b"\0\0" + short(queue) + b"\0")


def test_a_method_and_its_answer_are_one_entry_with_all_that_both_say():
    talk = Exchange()
    asked, answer = declare("orders", 2, **{"x-type": "quorum"}), declared("orders", 17)
    talk.say(CLIENT, asked)
    assert talk.entries == []
    talk.say(SERVER, answer)
    assert talk.entries == [
        Entry(
            "amqp",
            connection(),
            Span(0, len(asked), 1, 1, 1, 1),
            Span(0, len(answer), 2, 2, 2, 2),
            {
                "amqp": True,
                "amqp_method": "Queue.Declare",
                "amqp_summary": "Queue.Declare orders",
                "amqp_sender": "client",
                "amqp_channel": 1,
                "amqp_queue": "orders",
                "amqp_options": ("durable",),
                "amqp_arguments": {"x-type": "quorum"},
                "amqp_message_count": 17,
                "amqp_request": True,
                "amqp_response": True,
                "amqp_request_length": len(asked),
                "amqp_response_length": len(answer),
                "amqp_total_size": len(asked) + len(answer),
            },
            "Queue.Declare orders",
            "OK",
        )
    ]


def test_a_message_is_one_entry_with_the_pieces_of_its_body_joined():
    talk = Exchange()
    data = publish(3, "events", "orders.new", b"abcdefghij", options=1, parts=3)
    talk.say(CLIENT, data)
    assert talk.entries == [
        Entry(
            "amqp",
            connection(),
            Span(0, len(data), 1, 5, 1, 5),
            None,
            {
                "amqp": True,
                "amqp_method": "Basic.Publish",
                "amqp_summary": "Basic.Publish events orders.new",
                "amqp_sender": "client",
                "amqp_channel": 3,
                "amqp_exchange": "events",
                "amqp_routing_key": "orders.new",
                "amqp_options": ("mandatory",),
                "amqp_body_size": 10,
                "amqp_request": True,
                "amqp_request_length": len(data),
                "amqp_total_size": len(data),
            },
            "Basic.Publish events orders.new",
            request_body=b"abcdefghij",
        )
    ]


def test_a_delivery_has_its_properties_and_the_queue_of_its_consumer():
    talk = Exchange()
    talk.say(CLIENT, method(1, 60, 20, b"\0\0" + short("orders") + short("") + b"\0" + table()))
    talk.say(SERVER, method(1, 60, 21, short("ctag1")) + deliver(1, 9, b"{}", redelivered=True))
    assert talk.entries[0].fields["amqp_consumer_tag"] == "ctag1"
    fields = talk.last.fields
    assert (fields["amqp_queue"], fields["amqp_delivery_tag"], fields["amqp_redelivered"]) == ("orders", 9, True)
    assert (fields["amqp_content_type"], fields["amqp_headers"]) == ("application/json", {"traceparent": "00-1-2-01"})
    assert (talk.last.request, talk.last.response_body) == (None, b"{}")


def test_a_get_is_answered_by_a_message_or_by_nothing():
    talk = Exchange()
    talk.say(CLIENT, get("orders"))
    talk.say(SERVER, method(1, 60, 71, GET_OK) + content(1, b"hello"))
    talk.say(CLIENT, get("orders"))
    talk.say(SERVER, method(1, 60, 72, short("")))
    first, second = talk.entries
    assert (first.status, first.response_body, first.fields["amqp_message_count"]) == ("OK", b"hello", 3)
    assert (second.status, second.fields["amqp_method"], second.failed) == ("EMPTY", "Basic.Get", False)


def test_messages_of_several_channels_may_come_in_turns():
    talk = Exchange()
    one, two = publish(1, "", "a", b"11", parts=2), publish(2, "", "b", b"22", parts=2)
    cut = len(one) - 9
    talk.say(CLIENT, one[:cut])
    talk.say(CLIENT, two)
    talk.say(CLIENT, one[cut:])
    assert [(entry.fields["amqp_routing_key"], entry.request_body) for entry in talk.entries] == [
        ("b", b"22"),
        ("a", b"11"),
    ]


def test_answers_go_to_their_channel_and_in_order_of_the_methods():
    talk = Exchange()
    talk.say(CLIENT, get("a", 1) + get("b", 2) + get("c", 1))
    for channel in (2, 1, 1):
        talk.say(SERVER, method(channel, 60, 72, short("")))
    assert [entry.fields["amqp_queue"] for entry in talk.entries] == ["b", "a", "c"]


def test_a_method_that_wants_no_answer_is_whole_at_once():
    talk = Exchange()
    talk.say(CLIENT, declare("orders", 0x10))
    assert (talk.last.status, talk.last.response, talk.last.fields["amqp_options"]) == ("", None, ("no_wait",))


def test_what_the_broker_begins_has_its_part_as_the_response():
    talk = Exchange()
    talk.say(SERVER, START)
    talk.say(CLIENT, START_OK)
    entry, fields = talk.last, talk.last.fields
    assert (entry.summary, fields["amqp_sender"], entry.status) == ("Connection.Start RabbitMQ 3.12.1", "server", "OK")
    assert entry.request is not None
    assert (entry.request.length, fields["amqp_response_length"]) == (len(START_OK), len(START))
    assert fields["amqp_server_product"] == "RabbitMQ 3.12.1"
    assert (fields["amqp_client_product"], fields["amqp_mechanism"]) == ("shop 2", "PLAIN")
    assert "secret" not in repr(talk.entries)


def test_a_queue_that_the_broker_names_is_named_in_the_entry():
    talk = Exchange()
    talk.say(CLIENT, declare(""))
    talk.say(SERVER, declared("amq.gen-1"))
    assert (talk.last.summary, talk.last.fields["amqp_queue"]) == ("Queue.Declare amq.gen-1", "amq.gen-1")


def test_a_channel_that_is_closed_by_the_broker_tells_which_method_failed():
    talk = Exchange()
    talk.say(CLIENT, get("other") + declare("nope", 1))
    talk.say(SERVER, close(1, 20, 404, "NOT_FOUND - no queue 'nope'", (50, 10)))
    talk.say(CLIENT, method(1, 20, 41))
    failed, closed = talk.entries
    assert (failed.summary, failed.status, failed.failed) == ("Queue.Declare nope", "NOT_FOUND", True)
    assert (failed.response, failed.fields["amqp_reply_code"]) == (None, 404)
    assert closed.summary == "Channel.Close 404 NOT_FOUND - no queue 'nope'"
    assert (closed.status, closed.failed, closed.fields["amqp_sender"]) == ("NOT_FOUND", True, "server")
    assert closed.request is not None


def test_a_connection_that_is_closed_for_a_method_of_any_channel_tells_which():
    talk = Exchange()
    talk.say(CLIENT, get("orders", 7))
    talk.say(SERVER, close(0, 10, 540, "NOT_IMPLEMENTED", (60, 70)))
    assert [(entry.summary, entry.status) for entry in talk.entries] == [("Basic.Get orders", "NOT_IMPLEMENTED")]


@pytest.mark.parametrize(
    ("direction", "data", "status", "failed"),
    [
        (SERVER, method(0, 10, 60, short("low on memory")), "BLOCKED", True),
        (SERVER, method(1, 60, 120, struct.pack(">QB", 1, 0)), "NACK", True),
        (CLIENT, method(1, 60, 120, struct.pack(">QB", 1, 2)), "", False),
        (SERVER, method(1, 60, 80, struct.pack(">QB", 1, 0)), "", False),
        (SERVER, method(1, 60, 30, short("ctag1") + b"\1"), "CANCELLED", True),
        (
            SERVER,
            method(1, 60, 50, struct.pack(">H", 312) + short("NO_ROUTE") + short("e") + short("k")) + content(1, b"x"),
            "NO_ROUTE",
            True,
        ),
    ],
)
def test_what_a_broker_refuses_is_a_failure(direction: Direction, data: bytes, status: str, failed: bool):
    talk = Exchange()
    talk.say(direction, data)
    assert (talk.last.status, talk.last.failed) == (status, failed)


@pytest.mark.parametrize(
    ("code", "status", "failed"),
    [(200, "OK", False), (0, "OK", False), (320, "CONNECTION_FORCED", True), (999, "999", True)],
)
def test_the_code_of_a_closing_is_its_outcome(code: int, status: str, failed: bool):
    talk = Exchange()
    talk.say(CLIENT, close(0, 10, code, "bye"))
    talk.say(SERVER, method(0, 10, 51))
    assert (talk.last.status, talk.last.failed, talk.last.summary) == (status, failed, f"Connection.Close {code} bye")


def test_a_broker_that_pauses_a_client_is_told():
    talk = Exchange()
    talk.say(SERVER, method(1, 20, 20, b"\0"))
    talk.say(CLIENT, method(1, 20, 21, b"\0"))
    assert (talk.last.status, talk.last.failed) == ("PAUSED", False)


def test_bindings_between_exchanges_have_source_and_destination():
    talk = Exchange()
    names = short("audit") + short("events") + short("#")
    talk.say(CLIENT, method(1, 40, 40, b"\0\0" + names + b"\0" + table()))
    talk.say(SERVER, method(1, 40, 51))
    fields = talk.last.fields
    assert (fields["amqp_exchange"], fields["amqp_destination"], talk.last.status) == ("events", "audit", "OK")


def test_an_answer_or_content_without_its_method_is_an_entry_of_its_own():
    talk = Exchange()
    talk.say(SERVER, declared("orders"))
    talk.say(SERVER, content(1, b"lost"))
    first, second = talk.entries
    assert (first.summary, first.request, first.fields["amqp_queue"]) == ("Queue.Declare-Ok orders", None, "orders")
    assert (second.response_body, second.malformed) == (b"lost", "the method of this content was not seen")


def test_a_body_without_a_header_is_passed_over():
    talk = Exchange()
    talk.say(SERVER, content(1, b"lost")[22:])
    talk.pairing.flush()
    assert talk.entries == []


def test_a_content_that_another_method_interrupts_is_marked():
    talk = Exchange()
    talk.say(CLIENT, publish(1, "", "a", b"12345", parts=5)[:-9] + get("orders"))
    assert (talk.last.request_body, talk.last.malformed) == (b"1234", UNFINISHED)


def test_missing_bytes_end_contents_and_let_go_of_what_may_have_been_answered():
    talk = Exchange()
    talk.say(CLIENT, get("orders") + publish(2, "", "a", b"12")[:-10])
    talk.pairing.lose(SERVER)
    assert [(entry.summary, entry.malformed) for entry in talk.entries] == [("Basic.Get orders", MISSING)]
    talk.pairing.lose(CLIENT)
    assert talk.last.malformed == "bytes are missing before the end of the content"


def test_behind_missing_methods_an_answer_is_not_trusted_until_one_is_in():
    talk = Exchange()
    talk.pairing.lose(CLIENT)
    for _ in range(2):
        talk.say(CLIENT, get("orders"))
        talk.say(SERVER, method(1, 60, 72, short("")))
    assert [entry.malformed for entry in talk.entries] == [ADRIFT, ""]


def test_what_waits_is_emitted_at_the_end():
    talk = Exchange()
    talk.say(CLIENT, get("orders") + publish(2, "", "a", b"12")[:-9])
    talk.pairing.flush()
    assert [(entry.summary, entry.malformed) for entry in talk.entries] == [
        ("Basic.Publish a", "the connection or capture ends before the content does"),
        ("Basic.Get orders", ""),
    ]


def test_the_protocol_header_is_an_entry_that_the_first_method_or_another_header_answers():
    talk = Exchange()
    span = Span(0, 8, 1, 1, 1, 1)
    talk.pairing.header(CLIENT, "0-9-1", span)
    talk.say(SERVER, START)
    talk.pairing.header(CLIENT, "0-10", span)
    talk.pairing.header(SERVER, "0-9-1", span)
    found = [(entry.summary, entry.status, entry.failed, entry.response) for entry in talk.entries]
    assert found == [("AMQP 0-9-1", "OK", False, None), ("AMQP 0-10", "0-9-1", True, span)]
    assert talk.entries[0].fields == {
        "amqp": True,
        "amqp_method": "Protocol-Header",
        "amqp_summary": "AMQP 0-9-1",
        "amqp_version": "0-9-1",
        "amqp_sender": "client",
        "amqp_request": True,
        "amqp_request_length": 8,
        "amqp_total_size": 8,
    }


def test_an_unknown_method_and_one_that_is_too_short_are_told():
    talk = Exchange()
    talk.say(CLIENT, method(1, 50, 99))
    talk.say(CLIENT, method(1, 60, 40, b"\0\0\x05ab")[:-1] + b"\xce")
    talk.pairing.flush()
    first, second = talk.entries
    assert (first.malformed, first.summary) == ("the method is unknown", "method 00320063")
    assert second.malformed.startswith("the frame ends inside its arguments at byte 9")


def test_properties_that_cannot_be_read_are_told_and_the_message_is_kept():
    talk = Exchange()
    data = method(1, 60, 40, b"\0\0" + short("e") + short("k") + b"\0")
    header = struct.pack(">HHQH", 60, 0, 3, 0x8000) + b"\x20abc"
    talk.say(CLIENT, data + struct.pack(">BHI", 2, 1, len(header)) + header + b"\xce")
    assert talk.last.summary == "Basic.Publish e k"
    assert talk.last.malformed == f"the frame ends inside its properties at byte {len(header)}"


def test_a_cut_frame_keeps_what_it_says():
    talk = Exchange()
    talk.say(CLIENT, declare("orders"), cut="cut")
    talk.say(SERVER, declared("orders"))
    assert (talk.last.malformed, talk.last.status) == ("cut", "OK")


def test_bodies_are_kept_up_to_the_limit():
    talk = Exchange(body_limit=5)
    talk.say(CLIENT, publish(1, "", "a", b"1234567890", parts=4))
    assert (talk.last.request_body, talk.last.fields["amqp_body_size"]) == (b"12345", 10)


def test_what_waits_is_bounded():
    talk = Exchange()
    talk.say(CLIENT, get("orders") * (WAITING + 1))
    assert len(talk.entries) == 1
    for channel in range(CONTENTS + 1):
        talk.say(CLIENT, method(channel + 2, 60, 40, b"\0\0" + short("") + short("a") + b"\0"))
    assert len(talk.entries) == 2


def test_bytes_that_are_no_frame_are_kept_in_their_half():
    talk = Exchange()
    span = Span(0, 3, 1, 1, 1, 1)
    talk.pairing.unread(CLIENT, b"abc", span, "why")
    talk.pairing.unread(SERVER, b"abc", span, "why")
    assert [(entry.request_body, entry.response_body, entry.malformed) for entry in talk.entries] == [
        (b"abc", b"", "why"),
        (b"", b"abc", "why"),
    ]
