from __future__ import annotations

from typing import Any

import pytest

from kubeshark_mcp.dissect.http2_entry import Targets, make_entry
from kubeshark_mcp.dissect.http2_streams import Half, Stream
from kubeshark_mcp.dissect.wire_grpc import MessageCounter
from kubeshark_mcp.dissect.wire_hpack import UNKNOWN, HeaderSection
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Direction, Piece, Span
from tests.dissect.conversation import CLIENT, SERVER, connection
from tests.dissect.samples.http2 import message

MS = 1_000_000


def section(headers: dict[str, str], **more: Any) -> HeaderSection:
    return HeaderSection(headers, sum(len(name) + len(value) for name, value in headers.items()), **more)


def seen(half: Half, direction: Direction, headers: dict[str, str], body: bytes = b"", time_ms: int = 0) -> Half:
    piece = Piece(direction, bytes(50), 0, 0, [0], [1 + direction], [time_ms * MS])
    half.mark(piece, 0, 50)
    half.section = section(headers)
    half.ended = True
    if headers.get("content-type", "").startswith("application/grpc"):
        half.messages = MessageCounter()
    if body:
        half.add(body, 0, len(body), 100)
    return half


def stream(asked: dict[str, str], answered: dict[str, str] | None = None, body: bytes = b"") -> Stream:
    made = Stream(5, (0, 0))
    seen(made.request, CLIENT, asked)
    if answered is not None:
        seen(made.response, SERVER, answered, body, 20)
    return made


def entry_of(made: Stream, *notes: str) -> Entry:
    return make_entry(made, connection(), Targets(), list(notes))


GET = {":method": "GET", ":scheme": "https", ":authority": "shop", ":path": "/a/b?id=1&q=x%20y"}
CALL = {":method": "POST", ":path": "/shop.Cart/Add", "content-type": "application/grpc", "te": "trailers"}
GRPC = {":status": "200", "content-type": "application/grpc"}


def test_a_request_with_its_response_has_the_fields_of_http():
    made = stream({**GET, "cookie": "a=1; b=2"}, {":status": "200", "content-type": "text/plain"}, b"hello")
    made.response.section = section({":status": "200", "set-cookie": "c=3"}, set_cookies=["c=3; Path=/"])
    assert entry_of(made) == Entry(
        "http2",
        connection(),
        Span(0, 50, 1, 1, 0, 0),
        Span(0, 50, 2, 2, 20 * MS, 20 * MS),
        {
            "http": True,
            "http_version": "HTTP/2",
            "http2_stream": 5,
            "method": "GET",
            "url": "/a/b?id=1&q=x%20y",
            "path": "/a/b",
            "query_string": {"id": "1", "q": "x y"},
            "request.headers": {":scheme": "https", ":authority": "shop", "cookie": "a=1; b=2"},
            "request_headers_size": 72,
            "request_body_size": 0,
            "request.cookies": {"a": "1", "b": "2"},
            "status_code": 200,
            "response.headers": {"set-cookie": "c=3"},
            "response_headers_size": 23,
            "response_body_size": 5,
            "response.cookies": {"c": "3"},
        },
        summary="GET /a/b",
        status="200",
        response_body=b"hello",
    )


@pytest.mark.parametrize(
    ("asked", "summary", "url"),
    [
        ({":method": "CONNECT", ":authority": "db:5432"}, "CONNECT db:5432", "db:5432"),
        ({":method": "CONNECT", ":protocol": "websocket", ":path": "/chat"}, "CONNECT /chat", "/chat"),
        ({":method": "OPTIONS", ":path": "*"}, "OPTIONS *", "*"),
        ({":method": "GET"}, "GET ?", ""),
        ({":path": "/x"}, "? /x", "/x"),
    ],
)
def test_what_is_known_of_a_request_line_is_told(asked: dict[str, str], summary: str, url: str):
    entry = entry_of(stream(asked))
    assert (entry.summary, entry.fields.get("url", "")) == (summary, url)


def test_unknown_header_fields_are_counted_and_told():
    made = stream({":method": "POST", UNKNOWN: UNKNOWN})
    assert made.request.section is not None
    made.request.section.unknown = 1
    entry = entry_of(made, "and a note")
    assert entry.fields["http2_unknown_headers"] == 1
    assert entry.malformed == ("and a note; 1 of the header fields refers to table entries that are not in the capture")


@pytest.mark.parametrize("code", ["2000", "abc", "", "20x"])
def test_a_status_that_is_no_number_of_three_digits_is_left_out(code: str):
    entry = entry_of(stream(GET, {":status": code}))
    assert ("status_code" in entry.fields, entry.status) == (False, "")


def test_a_lone_response_says_so():
    made = Stream(5, (0, 0))
    seen(made.response, SERVER, {":status": "404"})
    entry = entry_of(made)
    assert (entry.summary, entry.status, entry.failed, entry.request) == ("response 404", "404", True, None)


def reset(made: Stream, code: int, by: Direction, at_ms: int = 50) -> Stream:
    made.reset, made.reset_by, made.reset_ns = code, by, at_ms * MS
    made.abandoned = by is CLIENT and not made.response.seen
    return made


@pytest.mark.parametrize(
    ("answered", "code", "by", "status", "failed"),
    [
        (None, 7, SERVER, "REFUSED_STREAM", True),
        ({":status": "200"}, 2, SERVER, "INTERNAL_ERROR", True),
        ({":status": "200"}, 0, SERVER, "200", False),
        ({":status": "200"}, 8, CLIENT, "200", False),
        ({":status": "500"}, 8, CLIENT, "500", True),
        (None, 8, CLIENT, "CANCEL", True),
        ({":status": "200"}, 3, CLIENT, "FLOW_CONTROL_ERROR", True),
    ],
)
def test_a_reset_is_a_failure_unless_a_client_had_its_answer(
    answered: dict[str, str] | None, code: int, by: Direction, status: str, failed: bool
):
    entry = entry_of(reset(stream(GET, answered), code, by))
    assert (entry.status, entry.failed) == (status, failed)
    assert ("http2_error" in entry.fields) is bool(code)


def test_an_answer_after_the_client_gave_up_stays_a_failure():
    made = stream(GET, {":status": "200"})
    reset(made, 8, CLIENT)
    made.abandoned = True
    entry = entry_of(made)
    assert (entry.status, entry.failed, entry.fields["status_code"]) == ("CANCEL", True, 200)


def test_a_stream_that_goaway_left_unprocessed_says_so():
    made = reset(stream(GET), 0, SERVER)
    made.goaway = True
    entry = entry_of(made)
    assert (entry.status, entry.failed, entry.fields["http2_error"]) == ("GOAWAY", True, "NO_ERROR")


def test_a_grpc_call_has_method_status_and_messages():
    made = stream(CALL, GRPC, message(b"one") + message(b"two", compressed=True))
    assert made.request.messages is not None
    made.request.messages.feed(message(b"ask"), 0, 8)
    made.response.trailers = section({"grpc-status": "0", "grpc-message": "fine%21"})
    made.grpc = True
    entry = entry_of(made)
    told = {name: value for name, value in entry.fields.items() if name.startswith("grpc")}
    assert told == {
        "grpc": True,
        "grpc_method": "/shop.Cart/Add",
        "grpc_status": 0,
        "grpc_status_name": "OK",
        "grpc_message": "fine!",
        "grpc_request_messages": 1,
        "grpc_request_bytes": 3,
        "grpc_response_messages": 2,
        "grpc_response_bytes": 6,
        "grpc_response_compressed": 1,
        "grpc_streaming": "server",
    }
    assert (entry.summary, entry.status, entry.failed, entry.malformed) == ("/shop.Cart/Add", "OK", False, "")


def grpc_entry(made: Stream) -> Entry:
    made.grpc = True
    return entry_of(made)


def test_a_status_may_come_without_anything_else():
    entry = grpc_entry(stream(CALL, {**GRPC, "grpc-status": "5"}))
    assert (entry.fields["grpc_status"], entry.status, entry.failed) == (5, "NOT_FOUND", True)


def test_a_response_that_ends_without_a_status_is_told_and_one_of_a_proxy_is_not_blamed():
    entry = grpc_entry(stream(CALL, GRPC))
    assert (entry.fields["grpc_status"], entry.malformed) == (-1, "the response ended without grpc-status")
    entry = grpc_entry(stream(CALL, {":status": "503", "content-type": "text/plain"}))
    assert (entry.fields["grpc_status"], entry.status, entry.failed, entry.malformed) == (-1, "503", True, "")


@pytest.mark.parametrize(
    ("timeout", "at_ms", "late"),
    [
        ("50m", 50, True),
        ("50m", 49, True),
        ("50m", 40, False),
        ("5S", 4950, True),
        ("5S", 4800, False),
        ("", 60, False),
    ],
)
def test_a_call_given_up_when_its_time_was_over_is_late(timeout: str, at_ms: int, late: bool):
    made = reset(stream({**CALL, "grpc-timeout": timeout}), 8, CLIENT, at_ms)
    entry = grpc_entry(made)
    assert entry.fields.get("grpc_deadline_exceeded", False) is late
    assert (entry.status, entry.failed) == ("deadline exceeded" if late else "CANCEL", True)


def test_a_call_in_time_is_not_late():
    made = stream({**CALL, "grpc-timeout": "5m"}, {**GRPC, "grpc-status": "0"})
    entry = grpc_entry(made)
    assert "grpc_deadline_exceeded" not in entry.fields
    assert entry.fields["grpc_timeout_us"] == 5000


def test_messages_that_are_not_whole_or_no_messages_are_told():
    made = stream(CALL, {**GRPC, "grpc-status": "0"}, b"\0\0\0\0\x09abc")
    assert grpc_entry(made).malformed == "the last response message is not whole"
    made = stream(CALL, {**GRPC, "grpc-status": "0"}, b"<html>")
    assert grpc_entry(made).malformed == (
        "the response messages cannot be counted: a message begins with 0x3c instead of 0 or 1"
    )


def test_a_request_by_http_1_is_taken_over():
    upgrade = Entry("http", connection(), Span(0, 90, 1, 1, 0, 0), None, summary="GET /a")
    upgrade.fields = {"method": "GET", "url": "/a", "request.headers": {"host": "x"}, "http_version": "HTTP/1.1"}
    made = Stream(1, (0, 0))
    made.upgrade = upgrade
    seen(made.response, SERVER, {":status": "200"})
    entry = entry_of(made)
    assert (entry.summary, entry.request, entry.fields["http2_upgraded"]) == ("GET /a", upgrade.request, True)
    assert (entry.fields["http_version"], entry.fields["request.headers"]) == ("HTTP/2", {"host": "x"})


def test_what_cannot_be_read_is_told_with_its_place():
    made = stream(GET, {":status": "200"})
    made.request.section = section({":method": "GET"}, error="it ends within a field, at offset 1")
    made.response.trailers = section({}, cut=True)
    made.response.miss(7)
    made.notes.append("a note of its own")
    assert entry_of(made).malformed == (
        "a note of its own; the request header section cannot be read: it ends within a field, at offset 1; "
        "only the first of 0 octets of the response trailers are kept; 7 bytes missing in the response body"
    )


def test_targets_are_remembered_within_bounds():
    targets = Targets()
    line = targets["GET", "/a?b=1"]
    assert targets["GET", "/a?b=1"] is line
    for number in range(5000):
        assert targets["GET", f"/{number}"].path == f"/{number}"
    assert len(targets) <= 4096
    assert targets["GET", "/" + "x" * 5000].version == "HTTP/2"
    assert ("GET", "/" + "x" * 5000) not in targets
