from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.dissect.base import Confidence, Opening, Settings
from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.dissect.protocols.http import Http
from kubeshark_mcp.dissect.protocols.ws import WebSocket
from kubeshark_mcp.kfl import Catalogue, compile_filter
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.field import Field
from kubeshark_mcp.model.stream import Span
from tests.corpus.harness import dissect_file
from tests.dissect.conversation import CLIENT, SERVER, START_NS, Talk, connection, play
from tests.dissect.samples.ws import SAMPLES, TICKS, deflated, frame, said

RECORDED = Path(__file__).parents[2] / "recordings" / "ws"
RECORDINGS = sorted(RECORDED.glob("*.pcap"))

ASKED = b"GET /chat?room=1 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


def after_handshake(talk: Talk, *headers: bytes, **how: Any) -> list[Entry]:
    """Give the WebSocket entries behind a handshake that was answered with these header lines."""
    answer = SWITCHED + b"".join(header + b"\r\n" for header in headers) + b"\r\n"
    entries = play([Http(), WebSocket()], [(CLIENT, ASKED), (SERVER, answer), *talk], **how)
    assert entries[0].protocol == "http"
    return entries[1:]


def test_a_message_of_the_client_is_an_entry_with_all_that_the_handshake_says():
    (entry,) = after_handshake([(CLIENT, said(1, b'{"type": "join"}'))], b"Sec-WebSocket-Protocol: chat.v2")
    start = START_NS + 3_000_000
    assert entry == Entry(
        "ws",
        connection(),
        Span(len(ASKED), 22, 3, 3, start, start),
        None,
        {
            "ws": True,
            "ws_path": "/chat",
            "ws_subprotocol": "chat.v2",
            "ws_request": True,
            "ws_request_payload_length": 16,
            "ws_request_payload_data": '{"type": "join"}',
            "ws_opcode": "text",
            "ws_masked": True,
        },
        "client text /chat join, 16 bytes",
        request_body=b'{"type": "join"}',
    )


def test_a_message_of_the_server_is_an_entry_without_a_request():
    (entry,) = after_handshake([(SERVER, frame(2, b"\x00\x01"))])
    assert (entry.request, entry.response_body, entry.summary) == (None, b"\x00\x01", "server binary /chat, 2 bytes")
    assert entry.fields == {
        "ws": True,
        "ws_path": "/chat",
        "ws_response": True,
        "ws_response_payload_length": 2,
        "ws_opcode": "binary",
    }


def test_frames_in_the_packet_of_the_handshake_belong_to_the_connection():
    answer = SWITCHED + b"\r\n" + frame(1, b"welcome")
    entries = play([Http(), WebSocket()], [(CLIENT, ASKED), (SERVER, answer)])
    assert [entry.summary for entry in entries] == ["GET /chat", "server text /chat, 7 bytes"]


@pytest.mark.parametrize(
    ("code", "failed", "summary"),
    [
        (1000, False, "server close 1000 Normal Closure: why"),
        (1001, False, "server close 1001 Going Away: why"),
        (1011, True, "server close 1011 Internal Error: why"),
        (4401, True, "server close 4401: why"),
    ],
)
def test_a_close_tells_its_code_and_whether_that_is_a_failure(code: int, failed: bool, summary: str):
    talk = [(CLIENT, said(1, b"hello")), (SERVER, frame(8, code.to_bytes(2, "big") + b"why"))]
    entry = play([WebSocket()], talk)[-1]
    assert (entry.status, entry.failed, entry.summary) == (str(code), failed, summary)
    assert (entry.fields["ws_close_code"], entry.fields["ws_close_reason"]) == (code, "why")


@pytest.mark.parametrize(
    ("payload", "malformed"),
    [
        (b"", ""),
        (b"\x03", "a close frame has one byte, which is no status code (stream offset 0)"),
        (b"\x03\xed", "the status code 1005 is not for use in a close frame (stream offset 0)"),
        (b"\x03\xe8\xff", "the reason is no UTF-8 (stream offset 0)"),
        (
            b"\x03\xe8" + b"x" * 200,
            "a control frame has 202 bytes, more than 125 (stream offset 0)",
        ),
    ],
)
def test_a_close_that_breaks_the_rules_says_which(payload: bytes, malformed: str):
    (entry,) = [e for e in after_handshake([(SERVER, frame(8, payload))]) if e.fields["ws_opcode"] == "close"]
    offset = len(SWITCHED) + 2
    assert entry.malformed == malformed.replace("offset 0", f"offset {offset}")
    assert entry.failed == bool(malformed)


def test_a_text_that_is_cut_ends_with_a_whole_character():
    settings = Settings(body_limit=10)
    (entry,) = after_handshake([(SERVER, frame(1, "a€€€€€".encode()))], settings=settings)
    assert entry.fields["ws_response_payload_data"] == "a€€€"
    assert (entry.fields["ws_payload_cut"], entry.fields["ws_response_payload_length"]) == (True, 16)
    assert entry.malformed == ""


def test_a_text_that_is_none_is_shown_as_far_as_it_is_one():
    (entry,) = after_handshake([(SERVER, frame(1, b"caf\xe9 au lait"))])
    assert entry.fields["ws_response_payload_data"] == "caf\ufffd au lait"
    assert entry.malformed.startswith("the text is no UTF-8 at payload offset 3")
    assert entry.failed


def test_compression_is_undone_as_the_handshake_agreed():
    together = [(SERVER, b"".join(frame(1, tick, compressed=True) for tick in TICKS))]
    entries = after_handshake(together, b"Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover")
    prices = [json.loads(entry.fields["ws_response_payload_data"])["price"] for entry in entries]
    assert prices == [100.25, 101.25, 102.25, 103.25, 104.25]
    assert {entry.fields["ws_compressed"] for entry in entries} == {True}
    alone = after_handshake(together, b"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover")
    assert [entry.malformed == "" for entry in alone] == [True, False, False, False, False]
    never = after_handshake(together)
    assert {entry.malformed.partition(" (")[0] for entry in never} == {
        "it is marked as compressed, which was not agreed"
    }


def test_each_direction_has_its_own_context():
    first, second = deflated(b"the same words, again", b"the same words, again")
    packed = {"compressed": True}
    talk = [(CLIENT, said(1, first, **packed) + said(1, second, **packed)), (SERVER, frame(1, first, **packed))]
    entries = after_handshake(talk, b"Sec-WebSocket-Extensions: permessage-deflate")
    texts = [entry.request_body or entry.response_body for entry in entries]
    assert texts == [b"the same words, again"] * 3


def test_a_connection_declared_websocket_that_begins_with_its_handshake_is_read_from_there():
    settings = Settings(decode_as={("tcp", 40080): "ws"})
    talk = [(CLIENT, ASKED), (SERVER, SWITCHED + b"\r\n"), (CLIENT, said(1, b"hi"))]
    entries = play([Http(), WebSocket()], talk, settings=settings)
    assert [entry.summary for entry in entries] == ["GET /chat", "client text /chat, 2 bytes"]


def test_a_connection_declared_websocket_may_begin_anywhere():
    settings = Settings(decode_as={("tcp", 40080): "ws"})
    entries = play([WebSocket()], [(SERVER, frame(2, b"\x01"))], settings=settings, from_start=False)
    assert [entry.summary for entry in entries] == ["server binary, 1 bytes"]


def test_client_and_server_are_told_by_the_mask_where_the_beginning_was_not_seen():
    talk = [(SERVER, said(1, b"hello, server")), (CLIENT, frame(1, b"hello, client"))]
    entries = play([WebSocket()], talk, from_start=False)
    assert [entry.summary for entry in entries] == ["client text, 13 bytes", "server text, 13 bytes"]
    assert entries[0].connection.client.port == 40080


@pytest.mark.parametrize(
    ("client", "server", "complete", "opinion"),
    [
        (said(1, b"hello"), frame(1, b"hello"), False, Confidence.SURE),
        (said(1, b"hello"), b"", False, Confidence.LIKELY),
        (b"", frame(1, b"hello"), False, Confidence.LIKELY),
        (said(2, b"\x01"), b"", False, Confidence.UNDECIDED),
        (said(2, b"\x01"), b"", True, Confidence.POSSIBLE),
        (said(2, b"\x01\x02")[:7], b"", True, Confidence.NO),
        (b"\x81", b"", False, Confidence.UNDECIDED),
        (b"", b"", True, Confidence.NO),
        (frame(1, b"hello"), b"", False, Confidence.NO),
        (said(1, b"hello"), b"\x16\x03\x01\x00", False, Confidence.NO),
        (b"\x81\x00\x00\x44 CKFDENECFDEFFCFGEF", b"\x82\x00\x00\x00", True, Confidence.NO),
    ],
)
def test_frames_are_recognised_by_what_they_hold(client: bytes, server: bytes, complete: bool, opinion: Confidence):
    opening = Opening(connection(), client, server, False, False, complete)
    assert WebSocket().probe(opening) is opinion


@pytest.mark.parametrize(("client_start", "server_start"), [(True, False), (True, True)])
def test_a_weak_likeness_does_not_count_where_a_connection_begins(client_start: bool, server_start: bool):
    opening = Opening(connection(), said(2, b"\x01"), b"", client_start, server_start, complete=True)
    assert WebSocket().probe(opening) is Confidence.NO
    assert WebSocket().probe(replace(opening, client_start=False, server_start=False)) is Confidence.POSSIBLE


def declared() -> list[Any]:
    return [pytest.param(field, id=field.name) for field in WebSocket.fields]


@pytest.mark.parametrize("field", declared())
def test_the_example_of_each_field_compiles(field: Field):
    catalogue = Catalogue([*WebSocket.fields, *Http.fields])
    assert compile_filter(field.example, catalogue, now_ns=0).text == field.example


def test_samples_show_the_fields_that_only_some_messages_have():
    fields = {name for talk in SAMPLES.values() for entry in play([WebSocket()], talk) for name in entry.fields}
    assert {"ws_close_code", "ws_close_reason", "ws_compressed", "ws_payload_cut"} <= fields


def of_log(row: dict[str, Any]) -> tuple[Any, ...]:
    """Give what the client's log says of a message."""
    sent = row["from"] == "client"
    return (
        row["client_port"],
        sent,
        row["opcode"],
        row["bytes"],
        row["frames"],
        row.get("code", 0),
        row.get("reason", ""),
    )


def of_entry(entry: Entry) -> tuple[Any, ...]:
    fields = entry.fields
    sent = "ws_request" in fields
    length = fields["ws_request_payload_length" if sent else "ws_response_payload_length"]
    code, reason = fields.get("ws_close_code", 0), fields.get("ws_close_reason", "")
    port = entry.connection.client.port
    return port, sent, fields["ws_opcode"], length, fields.get("ws_fragments", 1), code, reason


@pytest.mark.parametrize(
    "path", [path for path in RECORDINGS if path.stem != "broken_rules"], ids=lambda path: path.stem
)
def test_messages_of_a_real_server_are_those_of_the_clients_log(path: Path):
    log = json.loads(path.with_suffix(".json").read_text())["calls"]
    result = dissect_file(path, settings=Settings(body_limit=100_000))
    entries = result.of("ws")
    assert result.warnings == []
    assert sorted(map(of_entry, entries)) == sorted(map(of_log, log))
    assert {entry.malformed for entry in entries} == {""}
    assert {entry.fields["ws_path"] for entry in entries} == {row["path"] for row in log}
    hashes = {hashlib.sha256(entry.request_body or entry.response_body).hexdigest() for entry in entries}
    assert {row["sha256"] for row in log if "sha256" in row} <= hashes
    texts = {
        entry.fields.get("ws_request_payload_data") or entry.fields.get("ws_response_payload_data") for entry in entries
    }
    assert {row["data"] for row in log if row["opcode"] == "text" and row.get("data")} <= texts


def test_broken_rules_of_a_real_client_are_named_and_so_is_the_servers_answer():
    path = RECORDED / "broken_rules.pcap"
    log = json.loads(path.with_suffix(".json").read_text())["calls"]
    entries = {(e.connection.client.port, "ws_request" in e.fields): e for e in dissect_file(path).of("ws")}
    assert len(entries) == len(log) == 20
    for row in log:
        entry = entries[row["client_port"], row["from"] == "client"]
        if row["from"] == "server":
            assert (entry.fields["ws_close_code"], entry.fields["ws_close_reason"]) == (row["code"], row["reason"])
            continue
        sent = base64.b64decode(row["sent"])
        assert entry.request is not None
        assert entry.request.length <= len(sent)
        assert entry.fields.get("ws_opcode", "") == row.get("opcode", "")
        assert entry.fields.get("ws_masked", False) == (row["breaks"] != "not masked")
        assert (entry.malformed != "") == (row["breaks"] != "not masked")


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_each_recording_is_small_and_has_its_log(path: Path):
    told = json.loads(path.with_suffix(".json").read_text())
    assert path.stat().st_size <= 40_000
    assert told["about"]
    assert len(told["calls"]) >= 2


def test_it_is_found_by_being_there():
    assert "ws" in {protocol.name for protocol in load_protocols()}
