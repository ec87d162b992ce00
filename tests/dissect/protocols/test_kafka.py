"""Kafka found by its bytes, taken out of streams, and compared with what a real client logged."""

from __future__ import annotations

import json
import struct
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.dissect.base import Confidence, Opening, Settings
from kubeshark_mcp.dissect.protocols.kafka import Kafka, begins_request
from kubeshark_mcp.kfl import Catalogue, compile_filter
from kubeshark_mcp.model.entry import Entry
from tests.corpus.harness import dissect_file
from tests.dissect.conversation import CLIENT, SERVER, Talk, connection, play
from tests.dissect.samples.kafka import (
    API_VERSIONS_3,
    batch,
    described,
    fetch_by_id,
    metadata,
    produce,
    produced,
    request,
    response,
    text,
)

RECORDED = Path(__file__).resolve().parents[2] / "recordings" / "kafka"
RECORDINGS = sorted(RECORDED.glob("*.pcap"))
QUIRKS = {("ApiVersions", 3), ("Metadata", 13)}
"""Responses that the recorded broker, made for tests, writes otherwise than the specification says."""


def kafka(talk: Talk, **how: Any) -> list[Entry]:
    return play([Kafka()], talk, settings=how.pop("settings", Settings(decode_as={("tcp", 40080): "kafka"})), **how)


def opinion(client: bytes, server: bytes = b"", *, start: bool = True, complete: bool = False) -> Confidence:
    return Kafka().probe(Opening(connection(), client, server, start, start, complete))


@pytest.mark.parametrize(
    "data",
    [
        produce(1, "orders", batch(3)),
        fetch_by_id(2),
        request(18, 0, 0, b"", None),
        request(18, 3, 1, API_VERSIONS_3, tags=b"\0"),
        struct.pack(">ihhii", 12, 7, 0, 1, 5),
        metadata(1, "a") + metadata(2, "b"),
    ],
)
def test_a_whole_request_that_fits_its_schema_is_certain(data: bytes):
    assert opinion(data) is Confidence.SURE
    assert opinion(data, start=False) is Confidence.SURE
    for length in range(len(data)):
        assert opinion(data[:length]) in {Confidence.UNDECIDED, Confidence.SURE}, length


def test_a_request_that_goes_on_is_likely_by_its_client_id_alone():
    data = produce(1, "orders", batch(3, b"x" * 9000))[:4096]
    assert opinion(data) is Confidence.UNDECIDED
    assert opinion(data, complete=True) is Confidence.LIKELY


def test_without_a_client_id_it_is_possible_at_the_start_and_nothing_else():
    data = request(0, 3, 1, bytes(6000), None)[:4096]
    assert opinion(data, complete=True) is Confidence.POSSIBLE
    assert opinion(data, complete=True, start=False) is Confidence.NO


def test_a_client_that_does_not_keep_to_a_schema_is_believed_at_the_usual_port_only():
    assert opinion(request(3, 1, 1, b"\0\0\0\x01\0\x09short")) is Confidence.POSSIBLE


def test_a_newer_version_is_likely():
    assert opinion(request(0, 15, 1, b"who knows")) is Confidence.LIKELY


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"\0\0\0\x08\x04\xd2\x16\x2f",
        struct.pack(">iiqiq", 45, 0, 0, 30000, 0) + b"\0\0\0\x10" + bytes(17),
        request(300, 0, 1, b""),
        request(0, 40, 1, b""),
        request(3, 1, 1, b"\0\0\0\x01\0\x09short", None),
        request(3, 1, 1, b"\0\0\0\0", "tab\tbed"),
        struct.pack(">i", 1 << 30) + metadata(1)[4:],
        b"798D\0\0\0\r\0\1\0\0\0\x03799D\0\0\0\r\0\1\0\0\0\x03800D\0\0\0\r\0\1\0\0\0\x03801",  # rows of PostgreSQL
    ],
    ids=["http", "postgresql", "zookeeper", "key", "version", "body", "client id", "size", "rows"],
)
def test_other_protocols_and_bodies_that_do_not_fit_are_declined(data: bytes):
    assert opinion(data, complete=True) is Confidence.NO


def test_a_message_of_smpp_whose_length_counts_itself_is_never_taken_without_a_port():
    data = struct.pack(">iiii", 40, 9, 0, 1) + b"smsc\0password\0" + bytes(10)
    assert opinion(data, complete=True) is Confidence.POSSIBLE
    assert opinion(data + bytes(4), complete=True) is Confidence.NO


def test_too_few_bytes_are_declined_when_no_more_come():
    assert opinion(b"\0\0\0\x20\0\1", complete=True) is Confidence.NO
    assert opinion(b"", b"\0\0\0\x20") is Confidence.UNDECIDED


def test_a_request_is_recognised_at_a_position():
    data = b"xx" + metadata(1, "a")
    assert (begins_request(data, 2), begins_request(data[:10], 2), begins_request(data, 0)) == (True, None, False)


def test_requests_and_responses_in_one_packet_are_taken_apart():
    talk = [(CLIENT, metadata(1, "a") + metadata(2, "b")), (SERVER, described(2, "b") + described(1, "a"))]
    assert [(entry.summary, entry.status) for entry in kafka(talk)] == [("Metadata b", "OK"), ("Metadata a", "OK")]


def test_missing_bytes_of_a_request_are_told_and_the_next_request_is_found():
    first = produce(1, "orders", batch(3))
    talk = [(CLIENT, first[:60]), (CLIENT, first[60:]), (CLIENT, metadata(2, "b")), (SERVER, described(2, "b"))]
    cut, whole = kafka(talk, lost=(1,), apart=True)
    if cut.fields["kafka_api_key"] != 0:
        cut, whole = whole, cut
    assert cut.malformed == f"60 bytes of the message were seen: {len(first) - 60} bytes are missing behind them"
    assert (whole.summary, whole.status, whole.malformed) == ("Metadata b", "OK", "")


def test_missing_responses_leave_their_requests_alone_and_later_ones_are_found():
    talk = [
        (CLIENT, metadata(1, "a") + metadata(2, "b")),
        (SERVER, described(1, "a")),
        (SERVER, described(2, "b")),
    ]
    found = {entry.fields["kafka_correlation_id"]: entry for entry in kafka(talk, lost=(1,), apart=True)}
    assert (found[1].response, found[2].status) == (None, "OK")
    assert found[1].malformed == "bytes of the broker are missing, the response may be among them"


def test_a_connection_whose_beginning_is_missing_is_read_from_the_first_message_on():
    talk = [(SERVER, described(1, "a")), (CLIENT, metadata(2, "b")), (SERVER, described(2, "b"))]
    entries = kafka(talk, from_start=False)
    assert [entry.summary for entry in entries] == ["response 1", "Metadata b"]


def test_garbage_becomes_an_entry_and_reading_goes_on_behind_it():
    talk = [(CLIENT, metadata(1, "a")), (CLIENT, b"\xff\xff\xff\xff garbage"), (CLIENT, metadata(2, "b"))]
    entries = kafka(talk, apart=True)
    assert [(entry.summary, entry.malformed) for entry in entries] == [
        ("unreadable request", f"no message begins at byte {len(metadata(1, 'a'))} of the stream"),
        ("Metadata a", ""),
        ("Metadata b", ""),
    ]


def test_a_wrong_length_does_not_swallow_what_follows():
    wrong = struct.pack(">i", 1 << 29) + metadata(2, "b")[4:12] + b"\x7f\xff"
    talk = [(CLIENT, metadata(1, "a")), (SERVER, b"\x7f\xff\xff\xff12345678"), (SERVER, described(1, "a"))]
    assert [entry.summary for entry in kafka(talk, apart=True)] == ["unreadable response", "Metadata a"]
    talk = [(CLIENT, wrong[:12] + b"\xff\xfe"), (CLIENT, metadata(3, "c"))]
    assert [entry.summary for entry in kafka(talk, apart=True)] == ["unreadable request", "Metadata c"]


def test_a_message_longer_than_the_limit_is_cut_and_still_says_what_it_is_about():
    settings = Settings(decode_as={("tcp", 40080): "kafka"}, message_limit=200)
    talk = [(CLIENT, produce(1, "orders", batch(9, b"x" * 5000))), (SERVER, produced(1, "orders"))]
    (entry,) = kafka(talk, settings=settings)
    assert entry.malformed == f"200 of {len(talk[0][1])} bytes of the message were kept"
    assert (entry.fields["kafka_topics"], entry.fields["kafka_request_size"]) == (("orders",), len(talk[0][1]))
    assert entry.request is not None
    assert entry.request.length == len(talk[0][1])


def test_tokens_without_headers_are_read_only_after_a_handshake_of_the_old_kind():
    token = b"\0\0\0\x0d\0alice\0secret"
    handshake = [(CLIENT, request(17, 0, 1, text("PLAIN"))), (SERVER, response(1, bytes(6)))]
    talk = [*handshake, (CLIENT, token), (SERVER, bytes(4)), (CLIENT, metadata(2)), (SERVER, described(2, "a"))]
    entries = kafka(talk)
    assert [entry.summary for entry in entries] == ["SaslHandshake PLAIN", "SASL token PLAIN", "Metadata a"]
    assert "secret" not in repr(entries)


def test_an_answer_that_is_no_token_ends_the_exchange_of_tokens():
    handshake = [(CLIENT, request(17, 0, 1, text("PLAIN")) + metadata(2)), (SERVER, response(1, bytes(6)))]
    entries = kafka([*handshake, (SERVER, described(2, "a"))])
    assert [entry.summary for entry in entries] == ["SaslHandshake PLAIN", "Metadata a"]


@pytest.mark.parametrize("field", Kafka.fields, ids=lambda field: field.name)
def test_the_example_of_each_field_compiles(field: Any):
    assert compile_filter(field.example, Catalogue(Kafka.fields), now_ns=0).text == field.example


def logged(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.with_suffix(".json").read_text())
    return found


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_each_request_of_a_real_client_is_one_entry_with_version_id_and_sizes(path: Path):
    result = dissect_file(path)
    names = ("client_id", "api_key_name", "api_version", "correlation_id", "request_size", "response_size")
    seen = Counter(
        tuple(entry.fields.get(f"kafka_{name}") for name in names)
        for entry in result.of("kafka")
        if entry.request is not None
    )
    keys = ("client_id", "name", "version", "correlation", "request_bytes", "response_bytes")
    assert seen == Counter(tuple(call.get(key) for key in keys) for call in logged(path)["calls"])
    assert (result.warnings, result.bytes_unknown) == ([], 0)


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_bodies_of_a_real_client_fit_their_schemas(path: Path):
    entries = [entry for entry in dissect_file(path).of("kafka") if entry.request is not None]
    calls = [(entry.fields["kafka_api_key_name"], entry.fields["kafka_api_version"]) for entry in entries]
    wrong = {call for call, entry in zip(calls, entries, strict=True) if entry.malformed}
    assert wrong <= QUIRKS
    assert not any("kafka_unread" in entry.fields for entry in entries)


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_records_sent_and_fetched_are_those_of_the_clients_account(path: Path):
    log = logged(path)
    found: dict[str, Counter[str]] = {"Produce": Counter(), "Fetch": Counter()}
    for entry in dissect_file(path).of("kafka"):
        name = entry.fields.get("kafka_api_key_name")
        if name in found and not entry.failed:
            (topic,) = entry.fields.get("kafka_topics", ("",))[:1] or ("",)
            found[name][topic] += entry.fields.get("kafka_records", 0)
    assert +found["Produce"] == Counter(log["delivered"])
    assert +found["Fetch"] == Counter(log["consumed"])


def test_errors_that_a_real_client_met_are_failures():
    entries = dissect_file(RECORDED / "errors.pcap").of("kafka")
    failed = Counter((entry.fields["kafka_api_key_name"], entry.status) for entry in entries if entry.failed)
    assert failed == Counter(
        {
            ("Produce", "NOT_LEADER_OR_FOLLOWER"): 1,
            ("Produce", "REQUEST_TIMED_OUT"): 1,
            ("Produce", "TOPIC_AUTHORIZATION_FAILED"): 1,
            ("FindCoordinator", "COORDINATOR_NOT_AVAILABLE"): 1,
            ("JoinGroup", "REBALANCE_IN_PROGRESS"): 1,
            ("Fetch", "NOT_LEADER_OR_FOLLOWER"): 1,
        }
    )


def test_the_coding_of_batches_is_told():
    entries = dissect_file(RECORDED / "compressed.pcap").of("kafka")
    assert {entry.fields["kafka_compression"] for entry in entries if "kafka_compression" in entry.fields} == {
        "none",
        "gzip",
        "snappy",
        "lz4",
        "zstd",
    }


def test_groups_and_transactions_are_named():
    group = dissect_file(RECORDED / "group.pcap").of("kafka")
    assert {"JoinGroup billing: orders", "SyncGroup billing", "Heartbeat billing", "LeaveGroup billing"} <= {
        entry.summary for entry in group
    }
    bank = dissect_file(RECORDED / "transactions.pcap").of("kafka")
    assert {entry.fields.get("kafka_transactional_id", "bank-1") for entry in bank} == {"bank-1"}
