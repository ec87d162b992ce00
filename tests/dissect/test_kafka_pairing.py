"""Kafka's requests and responses as entries: what they say, who belongs to whom, and what is never kept."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from kubeshark_mcp.dissect.base import Context, Settings
from kubeshark_mcp.dissect.kafka_pairing import (
    MISSING,
    REMEMBERED,
    TOPIC_IDS,
    KafkaPairing,
    Readings,
    api_name,
    error_name,
    topic_id,
)
from kubeshark_mcp.dissect.pairing import WAITING
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Direction, Span
from tests.dissect.conversation import connection
from tests.dissect.samples.kafka import (
    TOPIC_ID,
    array,
    batch,
    compact,
    compact_array,
    described,
    fetch_by_id,
    fetched_by_id,
    metadata,
    named,
    produce,
    produced,
    request,
    response,
    text,
)


class Exchange:
    """A pairing with what it emits; `number` is the packet of the next message."""

    def __init__(self, readings: Readings | None = None, **settings: Any) -> None:
        self.entries: list[Entry] = []
        self.number = 0
        context = Context(connection(), Settings(**settings), self.entries.append)
        self.pairing = KafkaPairing(context, readings or Readings())

    def span(self, length: int) -> Span:
        self.number += 1
        return Span(self.number * 1000, length, self.number, self.number, self.number, self.number)

    def ask(self, data: bytes, cut: str = "") -> None:
        self.pairing.ask(data[4:], self.span(len(data)), int.from_bytes(data[:4], "big"), cut)

    def answer(self, data: bytes, cut: str = "") -> Entry:
        self.pairing.answer(data[4:], self.span(len(data)), int.from_bytes(data[:4], "big"), cut)
        return self.entries[-1]


def test_a_request_and_its_response_are_one_entry_with_all_that_both_say():
    talk = Exchange()
    asked, answer = produce(7, "orders", batch(3), acks=-1), produced(7, "orders", error=6, throttle=250)
    talk.ask(asked)
    assert talk.answer(answer) == Entry(
        "kafka",
        connection(),
        Span(1000, len(asked), 1, 1, 1, 1),
        Span(2000, len(answer), 2, 2, 2, 2),
        {
            "kafka": True,
            "kafka_api_key": 0,
            "kafka_api_key_name": "Produce",
            "kafka_api_version": 7,
            "kafka_client_id": "shop",
            "kafka_correlation_id": 7,
            "kafka_size": len(asked) - 4,
            "kafka_request": True,
            "kafka_request_size": len(asked),
            "kafka_request_summary": "Produce orders (3 records)",
            "kafka_topics": ("orders",),
            "kafka_partitions": 1,
            "kafka_record_batches": 1,
            "kafka_records": 3,
            "kafka_compression": "none",
            "kafka_acks": -1,
            "kafka_throttle_ms": 250,
            "kafka_error_code": 6,
            "kafka_error": "NOT_LEADER_OR_FOLLOWER",
            "kafka_errors": ("NOT_LEADER_OR_FOLLOWER",),
            "kafka_response": True,
            "kafka_response_size": len(answer),
        },
        "Produce orders (3 records)",
        "NOT_LEADER_OR_FOLLOWER",
        True,
        asked[4:],
        answer[4:],
    )


def test_responses_in_another_order_find_their_requests():
    talk = Exchange()
    talk.ask(metadata(1, "a"))
    talk.ask(metadata(2, "b"))
    assert talk.answer(described(2, "b")).summary == "Metadata b"
    assert talk.answer(described(1, "a")).summary == "Metadata a"


def test_a_request_that_wants_no_acknowledgement_is_whole_at_once():
    talk = Exchange()
    talk.ask(produce(1, "logs", batch(2), acks=0))
    (entry,) = talk.entries
    assert (entry.response, entry.fields["kafka_acks"], entry.status) == (None, 0, "")


def test_a_response_without_its_request_is_an_entry_of_its_own():
    entry = Exchange().answer(described(9, "orders"))
    assert (entry.request, entry.summary, entry.status) == (None, "response 9", "")
    assert entry.fields == {
        "kafka": True,
        "kafka_api_key": -1,
        "kafka_api_version": -1,
        "kafka_correlation_id": 9,
        "kafka_size": len(described(9, "orders")) - 4,
        "kafka_response": True,
        "kafka_response_size": len(described(9, "orders")),
    }


def test_requests_without_an_answer_are_emitted_at_the_end_in_order():
    talk = Exchange()
    talk.ask(metadata(1, "a"))
    talk.ask(metadata(2, "b"))
    talk.pairing.flush()
    assert [(entry.summary, entry.response, entry.malformed) for entry in talk.entries] == [
        ("Metadata a", None, ""),
        ("Metadata b", None, ""),
    ]


def test_a_correlation_id_that_is_used_again_lets_the_older_request_go():
    talk = Exchange()
    talk.ask(metadata(1, "a"))
    talk.ask(metadata(1, "b"))
    assert [entry.summary for entry in talk.entries] == ["Metadata a"]
    assert talk.answer(described(1, "b")).summary == "Metadata b"


def test_requests_whose_answer_may_be_missing_say_so_and_later_ones_do_not():
    talk = Exchange()
    talk.ask(metadata(1, "a"))
    talk.ask(metadata(2, "b"))
    talk.pairing.lose()
    talk.ask(metadata(3, "c"))
    assert talk.answer(described(2, "b")).malformed == ""
    talk.pairing.flush()
    assert [(entry.summary, entry.malformed) for entry in talk.entries[1:]] == [
        ("Metadata a", MISSING),
        ("Metadata c", ""),
    ]


def test_of_very_many_requests_the_oldest_is_let_go():
    talk = Exchange()
    for number in range(WAITING + 1):
        talk.ask(metadata(number, "a"))
    assert [entry.fields["kafka_correlation_id"] for entry in talk.entries] == [0]


def test_a_topic_that_is_named_by_id_has_the_name_that_any_connection_said():
    readings = Readings()
    first, second = Exchange(readings), Exchange(readings)
    second.ask(fetch_by_id(4))
    assert second.answer(fetched_by_id(4, batch(1))).fields["kafka_topics"] == (topic_id(TOPIC_ID),)
    first.ask(request(3, 10, 1, compact_array() + b"\1\0\0\0", tags=b"\0"))
    assert first.answer(named(1, "orders")).fields["kafka_topics"] == ("orders",)
    second.ask(fetch_by_id(5))
    entry = second.answer(fetched_by_id(5, batch(1) + batch(4)))
    assert (entry.fields["kafka_topics"], entry.summary) == (("orders",), "Fetch orders (5 records)")


def test_an_id_is_written_as_kafkas_tools_write_it():
    assert topic_id(bytes(range(16))) == "AAECAwQFBgcICQoLDA0ODw"


def test_what_is_remembered_is_bounded():
    readings = Readings()
    for number in range(TOPIC_IDS + 10):
        item = b"\0\0" + compact(f"t{number}") + number.to_bytes(16, "big") + b"\0" + compact_array() + bytes(4) + b"\0"
        body = bytes(5) + bytes(4) + compact_array() + compact("c") + bytes(4) + compact_array(item) + b"\0"
        readings.response(3, 10, body)
        readings.request(metadata(1, f"t{number}")[4:], len(metadata(1, f"t{number}")) - 4)
    assert len(readings._names) <= TOPIC_IDS
    assert max(len(readings._responses), len(readings._requests)) <= REMEMBERED


def test_a_message_that_was_read_before_reads_the_same_again_whatever_its_id():
    readings = Readings()
    first = readings.request(metadata(1, "a")[4:], 22)
    again = metadata(2, "a")[4:]
    assert readings.request(again, len(again)) is readings.request(metadata(3, "a")[4:], len(again))
    assert first.fields["kafka_size"] == 22


@pytest.mark.parametrize(
    ("asked", "summary"),
    [
        (metadata(1), "Metadata"),
        (metadata(1, "a", "b", "c"), "Metadata a, b, c"),
        (metadata(1, "a", "b", "c", "d", "e", "a"), "Metadata a, b, c and 2 more"),
        (produce(1, "orders", batch(1)), "Produce orders (1 record)"),
        (request(12, 0, 1, text("billing") + bytes(4) + text("m")), "Heartbeat billing"),
        (request(9, 1, 1, text("billing") + array(text("orders") + array(bytes(4)))), "OffsetFetch billing: orders"),
        (request(10, 0, 1, text("billing")), "FindCoordinator billing"),
        (request(22, 0, 1, text("bank-1") + bytes(4)), "InitProducerId bank-1"),
        (request(17, 1, 1, text("SCRAM-SHA-256")), "SaslHandshake SCRAM-SHA-256"),
        (request(400, 0, 1, b""), "Api400"),
    ],
)
def test_a_summary_names_what_a_request_is_about(asked: bytes, summary: str):
    talk = Exchange()
    talk.ask(asked)
    talk.pairing.flush()
    assert [entry.summary for entry in talk.entries] == [summary]
    assert talk.entries[0].fields["kafka_request_summary"] == summary


def test_topics_that_only_the_response_names_are_in_summary_and_fields():
    talk = Exchange()
    talk.ask(metadata(1))
    entry = talk.answer(described(1, "orders"))
    assert (entry.summary, entry.fields["kafka_request_summary"]) == ("Metadata orders", "Metadata")
    assert entry.fields["kafka_topics"] == ("orders",)


@pytest.mark.parametrize(
    ("asked", "answer", "status"),
    [
        (
            request(11, 0, 1, text("g") + bytes(4) + text("") + text("consumer") + array()),
            response(1, b"\0\x4f" + bytes(4) + text("") + text("") + text("m") + array()),
            "MEMBER_ID_REQUIRED",
        ),
        (request(18, 2, 1, b""), response(1, b"\0\x23" + array()), "UNSUPPORTED_VERSION"),
    ],
)
def test_errors_that_are_a_step_of_a_working_exchange_are_no_failures(asked: bytes, answer: bytes, status: str):
    talk = Exchange()
    talk.ask(asked)
    entry = talk.answer(answer)
    assert (entry.status, entry.failed, entry.fields["kafka_error"]) == (status, False, status)


def test_all_errors_of_a_response_are_listed_once_each():
    talk = Exchange()
    talk.ask(request(8, 0, 1, text("g") + array()))
    parts = array(*[struct.pack(">ih", number, code) for number, code in enumerate((0, 27, 25, 27))])
    entry = talk.answer(response(1, array(text("orders") + parts)))
    assert (entry.status, entry.failed) == ("REBALANCE_IN_PROGRESS", True)
    assert entry.fields["kafka_errors"] == ("REBALANCE_IN_PROGRESS", "UNKNOWN_MEMBER_ID")


def test_an_unknown_error_and_an_unknown_request_have_their_number():
    assert (error_name(5120), error_name(3), api_name(1), api_name(400)) == (
        "ERROR_5120",
        "UNKNOWN_TOPIC_OR_PARTITION",
        "Fetch",
        "Api400",
    )


def test_what_a_broker_says_of_an_error_is_kept():
    talk = Exchange()
    talk.ask(request(10, 1, 1, text("g") + b"\0"))
    entry = talk.answer(response(1, bytes(4) + b"\0\x1e" + text("not yours") + bytes(4) + text("") + bytes(4)))
    assert (entry.status, entry.fields["kafka_error_message"]) == ("GROUP_AUTHORIZATION_FAILED", "not yours")


def test_credentials_are_never_kept():
    talk = Exchange()
    talk.ask(request(36, 0, 1, struct.pack(">i", 13) + b"\0alice\0secret"))
    entry = talk.answer(response(1, bytes(2) + text(None) + struct.pack(">i", 3) + b"abc"))
    assert (entry.request_body, entry.response_body, entry.status) == (b"", b"", "OK")
    assert "secret" not in repr(entry)


def test_a_token_without_a_header_is_paired_and_never_kept():
    talk = Exchange()
    talk.ask(request(17, 0, 1, text("PLAIN")))
    talk.answer(response(1, bytes(2) + array()))
    assert talk.pairing.tokens
    talk.pairing.token(Direction.CLIENT, talk.span(16), 12)
    assert talk.pairing.waits_for_token
    talk.pairing.token(Direction.SERVER, talk.span(4), 0)
    entry = talk.entries[-1]
    assert (entry.summary, entry.request_body, entry.response_body) == ("SASL token PLAIN", b"", b"")
    assert (entry.fields["kafka_request_size"], entry.fields["kafka_response_size"]) == (16, 4)
    assert not talk.pairing.waits_for_token


def test_a_cut_request_waits_for_its_answer_and_says_why_it_is_cut():
    talk = Exchange()
    talk.ask(produce(1, "orders", batch(3))[:-20], "20 bytes are missing")
    entry = talk.answer(produced(1, "orders"))
    assert (entry.malformed, entry.status, entry.fields["kafka_topics"]) == ("20 bytes are missing", "OK", ("orders",))


def test_a_cut_response_completes_its_request_without_an_outcome():
    talk = Exchange()
    talk.ask(metadata(1, "orders"))
    entry = talk.answer(described(1, "orders")[:-3], "cut")
    assert (entry.malformed, entry.status, entry.failed) == ("cut", "", False)


def test_a_request_of_which_not_even_the_header_is_there_is_kept_as_it_is():
    talk = Exchange()
    talk.ask(b"\0\0\1\0\0\1\0\2", "cut")
    talk.pairing.answer(b"\0\0", talk.span(6), 4, "cut")
    first, second = talk.entries
    assert (first.summary, first.request_body, first.malformed) == ("unreadable request", b"\0\1\0\2", "cut")
    assert (second.summary, second.response_body, second.request) == ("unreadable response", b"\0\0", None)


def test_bodies_are_cut_at_the_limit():
    talk = Exchange(body_limit=10)
    talk.ask(metadata(1, "orders"))
    entry = talk.answer(described(1, "orders"))
    assert (len(entry.request_body), len(entry.response_body)) == (10, 10)


def test_a_version_that_is_not_known_is_marked_unread():
    talk = Exchange()
    talk.ask(request(0, 99, 1, b"new"))
    entry = talk.answer(response(1, b"new"))
    assert (entry.summary, entry.status, entry.malformed) == ("Produce", "", "")
    assert entry.fields["kafka_unread"] is True
