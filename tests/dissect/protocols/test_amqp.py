"""AMQP found by its bytes, taken out of streams, and compared with what a real client logged."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.dissect.base import Confidence, Opening, Settings
from kubeshark_mcp.dissect.protocols.amqp import Amqp
from kubeshark_mcp.kfl import Catalogue, compile_filter
from kubeshark_mcp.model.entry import Entry
from tests.corpus.harness import dissect_file
from tests.dissect.conversation import CLIENT, SERVER, Talk, connection, play, run
from tests.dissect.samples.amqp import (
    HEARTBEAT,
    PROTOCOL_HEADER,
    START,
    close,
    content,
    deliver,
    frame,
    method,
    publish,
    short,
)

RECORDED = Path(__file__).resolve().parents[2] / "recordings" / "amqp"
RECORDINGS = sorted(RECORDED.glob("*.pcap"))


def amqp(talk: Talk, **how: Any) -> list[Entry]:
    return play([Amqp()], talk, settings=how.pop("settings", Settings(decode_as={("tcp", 40080): "amqp"})), **how)


def opinion(client: bytes, server: bytes = b"", *, complete: bool = False) -> Confidence:
    return Amqp().probe(Opening(connection(), client, server, True, True, complete))


@pytest.mark.parametrize(
    "data", [PROTOCOL_HEADER, b"AMQP\3\1\0\0", b"AMQP\1\1\0\x0a", publish(1, "", "a", b"x"), close(0, 10, 200, "bye")]
)
def test_a_protocol_header_or_a_whole_method_is_certain(data: bytes):
    assert opinion(data) is Confidence.SURE
    for length in range(1, len(data)):
        assert opinion(data[:length]) in {Confidence.UNDECIDED, Confidence.SURE}, length


@pytest.mark.parametrize("data", [content(1, b"hello"), frame(3, 1, b"hello"), HEARTBEAT])
def test_other_frames_are_likely(data: bytes):
    assert opinion(data) is Confidence.LIKELY


@pytest.mark.parametrize(
    ("client", "server"),
    [(deliver(1, 1, b"{}"), b""), (b"", publish(1, "", "a", b"x")), (publish(1, "", "a", b"x"), START[:20] + b"AMQP")],
)
def test_methods_of_the_wrong_side_are_declined(client: bytes, server: bytes):
    expected = Confidence.SURE if client and server else Confidence.NO
    assert opinion(client, server) is expected


@pytest.mark.parametrize(
    "data",
    [b"AMQX", b"AMQP1234", b"AMQP\0", b"GET / HTTP/1.1\r\n", b"\x01\0", bytes(20), b"\x01\0\1\0\0\0\4\0\x32\0\x0a"],
)
def test_other_bytes_are_declined_when_no_more_come(data: bytes):
    assert opinion(data, complete=True) is Confidence.NO


def test_nothing_is_decided_without_bytes():
    assert opinion(b"") is Confidence.UNDECIDED
    assert opinion(b"", complete=True) is Confidence.NO


def test_heartbeats_are_read_and_are_no_entries():
    assert amqp([(CLIENT, PROTOCOL_HEADER + HEARTBEAT), (SERVER, HEARTBEAT)])[0].summary == "AMQP 0-9-1"
    assert len(amqp([(CLIENT, PROTOCOL_HEADER + HEARTBEAT), (SERVER, HEARTBEAT)])) == 1


@pytest.mark.parametrize(
    ("header", "version"),
    [
        (b"AMQP\0\0\x09\x01", "0-9-1"),
        (b"AMQP\1\1\0\x0a", "0-10"),
        (b"AMQP\1\1\x08\0", "0-8"),
        (b"AMQP\1\1\0\x09", "0-9"),
        (b"AMQP\0\1\0\0", "1.0"),
        (b"AMQP\3\1\0\0", "1.0 (SASL)"),
        (b"AMQP\2\1\0\0", "1.0 (TLS)"),
    ],
)
def test_versions_are_named(header: bytes, version: str):
    (entry,) = amqp([(CLIENT, header)])
    assert (entry.summary, entry.fields["amqp_version"]) == (f"AMQP {version}", version)


def test_of_amqp_1_0_only_the_headers_are_entries_and_all_bytes_are_recognised():
    talk = [
        (CLIENT, b"AMQP\3\1\0\0"),
        (SERVER, b"AMQP\3\1\0\0" + b"\0\0\0\x0c\2\1\0\0abcd"),
        (CLIENT, b"\0\0\0\x0a\2\1\0\0xy"),
        (CLIENT, b"AMQP\0\1\0\0"),
        (SERVER, b"AMQP\0\1\0\0"),
    ]
    assert [(entry.summary, entry.status, entry.failed) for entry in amqp(talk)] == [
        ("AMQP 1.0 (SASL)", "1.0 (SASL)", False),
        ("AMQP 1.0", "1.0", False),
    ]


def test_missing_bytes_are_never_joined_and_the_next_frame_is_found():
    message = publish(1, "", "a", b"x" * 40)
    talk = [
        (CLIENT, PROTOCOL_HEADER),
        (CLIENT, message[:30]),
        (CLIENT, message[30:]),
        (CLIENT, publish(1, "", "b", b"whole")),
    ]
    found = [(entry.summary, entry.request_body, bool(entry.malformed)) for entry in amqp(talk, lost=(2,), apart=True)]
    assert found == [
        ("AMQP 0-9-1", b"", False),
        ("Basic.Publish a", b"", True),
        ("Basic.Publish b", b"whole", False),
    ]


def test_a_connection_whose_beginning_is_missing_is_read_from_the_first_frame_on():
    talk = [(SERVER, b"middle of a body"), (SERVER, deliver(1, 3, b"{}")), (CLIENT, method(1, 20, 10, short("")))]
    assert [entry.summary for entry in amqp(talk, from_start=False)] == [
        "Basic.Deliver amq.topic orders.new",
        "Channel.Open",
    ]


def test_a_missing_end_octet_is_told_and_reading_goes_on_with_the_next_packet():
    broken = publish(1, "", "a", b"x")[:-1] + b"\0"
    talk = [(CLIENT, PROTOCOL_HEADER), (CLIENT, broken), (CLIENT, publish(1, "", "b", b"y"))]
    unreadable = [entry for entry in amqp(talk, apart=True) if entry.summary == "unreadable"]
    assert [entry.malformed for entry in unreadable] == [
        f"the end octet of a frame is missing at byte {len(PROTOCOL_HEADER + broken) - 1} of the stream"
    ]
    assert amqp(talk, apart=True)[-1].summary in {"Basic.Publish b", "Basic.Publish a"}


def test_a_method_frame_longer_than_any_is_no_frame():
    talk = [(CLIENT, PROTOCOL_HEADER), (CLIENT, b"\x01\0\1\x7f\xff\xff\xff1234"), (CLIENT, publish(1, "", "b", b"y"))]
    assert [entry.summary for entry in amqp(talk, apart=True)] == ["unreadable", "AMQP 0-9-1", "Basic.Publish b"]


def test_a_body_frame_longer_than_the_limit_is_counted_and_not_kept():
    settings = Settings(decode_as={("tcp", 40080): "amqp"}, message_limit=500, body_limit=50)
    talk = [(CLIENT, PROTOCOL_HEADER + publish(1, "", "big", b"y" * 4000) + publish(1, "", "b", b"z"))]
    _, big, small = amqp(talk, settings=settings)
    assert (big.fields["amqp_body_size"], big.request_body, small.request_body) == (4000, b"y" * 50, b"z")
    assert big.fields["amqp_request_length"] == len(publish(1, "", "big", b"y" * 4000))


@pytest.mark.parametrize("field", Amqp.fields, ids=lambda field: field.name)
def test_the_example_of_each_field_compiles(field: Any):
    assert compile_filter(field.example, Catalogue(Amqp.fields), now_ns=0).text == field.example


def logged(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.with_suffix(".json").read_text())["calls"]
    return found


def is_answer(call: dict[str, Any]) -> bool:
    return str(call["method"]).endswith(("-Ok", "-Empty"))


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_each_method_of_a_real_client_is_one_entry_with_its_names_and_numbers(path: Path):
    result = dissect_file(path)
    keys = ("sender", "channel", "method", "exchange", "routing_key", "delivery_tag", "reply_code", "redelivered")
    seen = Counter(
        tuple(entry.fields.get(f"amqp_{key}") for key in keys[:3])
        + tuple(entry.fields.get(f"amqp_{key}") for key in keys[3:] if entry.fields["amqp_method"] != "Basic.Get")
        for entry in result.of("amqp")
        if entry.fields["amqp_method"] != "Protocol-Header"
    )
    expected = Counter()
    for call in logged(path):
        if not is_answer(call):
            names = {**call, "exchange": call.get("source", call.get("exchange"))}
            known = keys[:3] if call["method"] == "Basic.Get" else keys
            expected[tuple(names.get(key) for key in known)] += 1
    refused = {entry.fields["amqp_method"] for entry in result.of("amqp") if entry.failed and entry.response is None}
    assert {key[:3] for key in seen} == {key[:3] for key in expected}
    assert sum(seen.values()) == sum(expected.values())
    assert {key for key in (seen - expected) if key[2] not in refused} == set()
    assert (result.warnings, result.bytes_unknown, [e.malformed for e in result.of("amqp") if e.malformed]) == (
        [],
        0,
        [],
    )


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_each_answer_that_a_real_client_sent_or_got_is_part_of_an_entry(path: Path):
    entries = dissect_file(path).of("amqp")
    whole = Counter(e.fields["amqp_method"] for e in entries if e.request is not None and e.response is not None)
    expected = Counter(
        "Basic.Get" if call["method"] == "Basic.Get-Empty" else call["method"].removesuffix("-Ok")
        for call in logged(path)
        if is_answer(call)
    )
    whole.pop("Protocol-Header", None)
    assert whole == expected


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_messages_have_the_sizes_that_a_real_client_logged(path: Path):
    entries = dissect_file(path).of("amqp")
    seen = Counter(entry.fields["amqp_body_size"] for entry in entries if "amqp_body_size" in entry.fields)
    assert seen == Counter(call["body_bytes"] for call in logged(path) if "body_bytes" in call)
    for entry in entries:
        size = entry.fields.get("amqp_body_size", 0)
        assert len(entry.request_body or entry.response_body) == size


def test_what_a_real_broker_refuses_names_the_method_and_the_reason():
    entries = dissect_file(RECORDED / "refused.pcap").of("amqp")
    refused = [(e.summary, e.status) for e in entries if e.failed and e.fields["amqp_method"] != "Channel.Close"]
    assert refused == [
        ("Queue.Declare nope", "NOT_FOUND"),
        ("Queue.Declare orders", "PRECONDITION_FAILED"),
        ("Basic.Consume nope", "NOT_FOUND"),
        ("Basic.Return 312 NO_ROUTE amq.direct nowhere", "NO_ROUTE"),
    ]


def test_a_wrong_password_and_a_wrong_virtual_host_are_told_and_the_password_is_not():
    entries = dissect_file(RECORDED / "not_allowed.pcap").of("amqp")
    assert [(e.fields["amqp_method"], e.status) for e in entries if e.failed] == [
        ("Connection.Close", "ACCESS_REFUSED"),
        ("Connection.Open", "NOT_ALLOWED"),
        ("Connection.Close", "NOT_ALLOWED"),
        ("Protocol-Header", "0-9-1"),
    ]
    assert "wrong" not in repr(entries)


def test_frames_of_amqp_1_are_recognised_and_not_counted_as_read():
    opening = b"\0\0\0\x10\2\0\0\0\0\x53\x10\xc0\3\1\x40\x40"
    entries, engine = run([Amqp()], [(CLIENT, b"AMQP\0\1\0\0" + opening), (SERVER, b"AMQP\0\1\0\0" + opening)])
    assert [(entry.summary, entry.malformed) for entry in entries] == [("AMQP 1.0", "")]
    assert (engine.bytes_dissected, engine.bytes_recognised, engine.bytes_unknown) == (16, 32, 0)
