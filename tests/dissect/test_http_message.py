from __future__ import annotations

import time

import pytest

from kubeshark_mcp.dissect.http_head import Head, Heads, RequestLine, RequestLines, StatusLine, StatusLines
from kubeshark_mcp.dissect.http_message import (
    CHUNKED,
    LOST,
    TUNNEL,
    UNTIL_CLOSE,
    Message,
    find_start,
    is_plausible,
    is_status,
    note,
    request_length,
    response_length,
)
from tests.dissect.conversation import CLIENT, SERVER


def request(line: bytes, block: bytes = b"") -> Message[RequestLine]:
    return Message(RequestLines()[line], Heads()[block])


def response(line: bytes, block: bytes = b"") -> Message[StatusLine]:
    return Message(StatusLines()[line], Heads()[block])


@pytest.mark.parametrize(
    ("block", "length"),
    [
        (b"", 0),
        (b"Content-Length: 5", 5),
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked", CHUNKED),
        (b"Content-Length: 5, 6", LOST),
        (b"Transfer-Encoding: gzip", LOST),
    ],
)
def test_what_follows_a_request_header(block: bytes, length: int):
    message = request(b"POST / HTTP/1.1", block)
    assert request_length(message) == length
    assert (message.malformed != "") is (length == LOST)


GET, HEAD, CONNECT = (RequestLines()[line] for line in (b"GET / HTTP/1.1", b"HEAD / HTTP/1.1", b"CONNECT a:1 HTTP/1.1"))


@pytest.mark.parametrize(
    ("asked", "line", "block", "length"),
    [
        (GET, b"HTTP/1.1 200 OK", b"Content-Length: 5", 5),
        (None, b"HTTP/1.1 200 OK", b"Content-Length: 5", 5),
        (GET, b"HTTP/1.1 200 OK", b"Content-Length: 5\r\nTransfer-Encoding: chunked", CHUNKED),
        (GET, b"HTTP/1.1 200 OK", b"", UNTIL_CLOSE),
        (GET, b"HTTP/1.1 200 OK", b"Transfer-Encoding: xchunked\r\nContent-Length: 5", UNTIL_CLOSE),
        (GET, b"HTTP/1.1 200 OK", b"Content-Length: 68.0", UNTIL_CLOSE),
        (HEAD, b"HTTP/1.1 200 OK", b"Content-Length: 5", 0),
        (GET, b"HTTP/1.1 204 No Content", b"Content-Length: 5", 0),
        (GET, b"HTTP/1.1 304 Not Modified", b"Content-Length: 5", 0),
        (GET, b"HTTP/1.1 103 Early Hints", b"", 0),
        (GET, b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", TUNNEL),
        (CONNECT, b"HTTP/1.1 200 Connection established", b"", TUNNEL),
        (CONNECT, b"HTTP/1.1 407 No", b"Content-Length: 5", 5),
        (RequestLines()[b"GET /"], b"<html>", b"", UNTIL_CLOSE),
        (GET, b"<html>", b"", LOST),
        (None, b"<html>", b"", LOST),
    ],
)
def test_what_follows_a_response_header(asked: RequestLine | None, line: bytes, block: bytes, length: int):
    assert response_length(response(line, block), asked) == length


def test_a_bad_length_is_quoted():
    message = response(b"HTTP/1.1 200 OK", b"Content-Length: 68.0")
    response_length(message, None)
    assert message.malformed == "the length of the response body is not known: content-length '68.0'"


@pytest.mark.parametrize(
    ("data", "start"),
    [
        (b"GET /a HTTP/1.1\r\n", 0),
        (b"end of a bodyGET /a HTTP/1.1\r\n", 13),
        (b"ABCPOST /a HTTP/1.0\n", 3),
        (b"xyz\r\nBREW /a HTTP/1.1\r\n", 5),
        (b"OST /a HTTP/1.1\r\n", -1),
        (b'10.0.0.1 "GET /a HTTP/1.1" 200\r\n', -1),
        (b"GET /a HTTP/1.1", -1),
        (b" HTTP/1.1\r\n", -1),
        (b"GET  HTTP/1.1\r\n", -1),
        (b"GET /a HTTP/2.0\r\n", -1),
    ],
)
def test_where_a_request_begins(data: bytes, start: int):
    assert find_start(CLIENT, data, 0) == start


@pytest.mark.parametrize(
    ("data", "start"),
    [
        (b"HTTP/1.1 200 OK\r\n", 0),
        (b"</html>HTTP/1.0 404 Not", 7),
        (b"HTTP/1.1 999 Odd\r\n", -1),
        (b"HTTP/1.1 2", -1),
        (b"HTTP/2.0 200 OK", -1),
    ],
)
def test_where_a_response_begins(data: bytes, start: int):
    assert find_start(SERVER, data, 0) == start
    assert is_status(data) is (start == 0)


def test_the_search_begins_at_the_position():
    data = b"GET /a HTTP/1.1\r\n" * 2
    assert find_start(CLIENT, data, 1) == 17
    assert find_start(SERVER, b"HTTP/1.1 200 OK\r\n" * 2, 1) == 17


@pytest.mark.parametrize(
    "data", [b" HTTP/1.1\r\n" * 200_000, b"A" * 2_000_000, b"A HTTP/1.1\n" * 200_000, b"a" * 2_000_000 + b" HTTP/1.1\n"]
)
def test_a_search_takes_linear_time(data: bytes):
    begun = time.process_time()
    assert find_start(CLIENT, data, 0) == -1
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("direction", "data", "plausible"),
    [
        (CLIENT, b"GE", True),
        (CLIENT, b"GET /a", True),
        (CLIENT, b"a=b", False),
        (CLIENT, b"\x16\x03", False),
        (CLIENT, b"A" * 65, False),
        (SERVER, b"HT", True),
        (SERVER, b"http/1.1 20", True),
        (SERVER, b"<html>", False),
    ],
)
def test_what_may_become_a_start_line(direction, data: bytes, plausible: bool):
    assert is_plausible(direction, data, 0) is plausible


def test_reasons_add_up():
    message: Message[RequestLine] = Message(None, Head({}))
    note(message, "one")
    note(message, "two")
    assert message.malformed == "one; two"
