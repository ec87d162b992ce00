from __future__ import annotations

import time

import pytest

from kubeshark_mcp.dissect.http_head import (
    BAD_LENGTH,
    LINES,
    NO_LENGTH,
    SECTIONS,
    Head,
    HeaderLines,
    Heads,
    RequestLine,
    RequestLines,
    StatusLines,
    text,
)


def request(line: bytes) -> tuple[object, ...] | None:
    found = RequestLines()[line]
    return (found.method, found.url, found.version, found.path, found.query) if found else None


def head(block: bytes) -> Head:
    return Heads()[block]


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        (b"GET / HTTP/1.1", ("GET", "/", "HTTP/1.1", "/", {})),
        (
            b"GET /a?x=1&y=%2F+z&x=2&k HTTP/1.0",
            ("GET", "/a?x=1&y=%2F+z&x=2&k", "HTTP/1.0", "/a", {"x": "1, 2", "y": "/ z", "k": ""}),
        ),
        (b"GET http://h:8/p/q?a=b#f HTTP/1.1", ("GET", "http://h:8/p/q?a=b#f", "HTTP/1.1", "/p/q", {"a": "b"})),
        (b"GET HTTP://bro.org HTTP/1.1", ("GET", "HTTP://bro.org", "HTTP/1.1", "/", {})),
        (b"CONNECT db:5432 HTTP/1.1", ("CONNECT", "db:5432", "HTTP/1.1", "", {})),
        (b"OPTIONS * HTTP/1.1", ("OPTIONS", "*", "HTTP/1.1", "*", {})),
        (b"get /a b c http/1.1", ("get", "/a b c", "HTTP/1.1", "/a b c", {})),
        (b"GET\t/a\tHTTP/1.1", ("GET", "/a", "HTTP/1.1", "/a", {})),
        (b"GET /old", ("GET", "/old", "", "/old", {})),
        (b"GET HTTP/1.1", ("GET", "HTTP/1.1", "", "HTTP/1.1", {})),
        (b"GET  HTTP/1.1", ("GET", "", "HTTP/1.1", "", {})),
        (b"GET  /a  HTTP/1.1", ("GET", "/a", "HTTP/1.1", "/a", {})),
        (b"GET /a HTTP/JUNK", ("GET", "/a", "HTTP/JUNK", "/a", {})),
        (b"GET /a HTTP/1.1x", ("GET", "/a", "HTTP/1.1X", "/a", {})),
        (b"GET /a HTTP://b", ("GET", "/a HTTP://b", "", "/a HTTP://b", {})),
        (b"M-SEARCH * HTTP/1.1", ("M-SEARCH", "*", "HTTP/1.1", "*", {})),
        ("GET /grüße HTTP/1.1".encode(), ("GET", "/grüße", "HTTP/1.1", "/grüße", {})),
        (b"GET /gr\xfc\xdfe HTTP/1.1", ("GET", "/grüße", "HTTP/1.1", "/grüße", {})),
        (b"GET http://[::1 HTTP/1.1", ("GET", "http://[::1", "HTTP/1.1", "http://[::1", {})),
        (b"GET", None),
        (b"GET ", None),
        (b"", None),
        (b"(GET) / HTTP/1.1", None),
        (b"\x16\x03\x01 / HTTP/1.1", None),
    ],
)
def test_request_lines(line: bytes, meaning: tuple[object, ...] | None):
    assert request(line) == meaning


def test_a_summary_has_no_query_because_secrets_travel_there():
    line = RequestLines()[b"GET /a?token=x HTTP/1.1"]
    assert line is not None
    assert line.summary == "GET /a"


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        (b"HTTP/1.1 200 OK", ("HTTP/1.1", 200, "200", "OK")),
        (b"HTTP/1.1 404", ("HTTP/1.1", 404, "404", "")),
        (b"HTTP/1.0  301  Moved  Permanently ", ("HTTP/1.0", 301, "301", "Moved  Permanently")),
        (b"http/1.1 200 ok", ("HTTP/1.1", 200, "200", "ok")),
        (b"HTTP/1.1foobar\rTransfer-Encoding:chunked", None),
        (b"HTTP/1.1 2000 OK", ("HTTP/1.1", 200, "200", "0 OK")),
        (b"HTTP/1.1 20x OK", None),
        (b"HTTP/1.1 abc", None),
        (b"ICY 200 OK", ("ICY", 200, "200", "OK")),
        (b"HTTP/1.01 200ok", ("HTTP/1.01", 200, "200", "ok")),
        (b"HTTP/10.1 200\0", ("HTTP/10.1", 200, "200", "\0")),
    ],
)
def test_status_lines(line: bytes, meaning: tuple[object, ...] | None):
    found = StatusLines()[line]
    assert ((found.version, found.code, found.text, found.reason) if found else None) == meaning


@pytest.mark.parametrize(
    ("block", "headers"),
    [
        (b"", {}),
        (b"Host: a\r\nX-Y:b", {"host": "a", "x-y": "b"}),
        (b"Host: a\nX-Y:b", {"host": "a", "x-y": "b"}),
        (b"Accept: a\r\naccept: b\r\nACCEPT: c", {"accept": "a, b, c"}),
        (b"X-Long: one\r\n  two\r\n\tthree\r\nHost: a", {"x-long": "one two three", "host": "a"}),
        (b"X-Long: one\n two", {"x-long": "one two"}),
        (b"Content-Encoding : gzip", {"content-encoding": "gzip"}),
        (b"Content-Encoding:\r gzip\r\nHost: a", {"content-encoding": "gzip", "host": "a"}),
        (b"\x7f\r\nHost: a", {"host": "a"}),
        (b"no colon\r\nno colon\r\nHost: a", {"host": "a"}),
        (b"no colon\nHost: a", {"host": "a"}),
        (b"X: \xc3\xbc\r\nY: \xfc", {"x": "ü", "y": "ü"}),
    ],
)
def test_header_sections(block: bytes, headers: dict[str, str]):
    assert head(block).headers == headers


@pytest.mark.parametrize(
    ("block", "length", "coded", "chunked"),
    [
        (b"Host: a", NO_LENGTH, False, False),
        (b"Content-Length: 68", 68, False, False),
        (b"Content-Length: 68\r\nContent-Length: 68", 68, False, False),
        (b"Content-Length: 68\r\nContent-Length: 136", BAD_LENGTH, False, False),
        (b"Content-length: 68.0", BAD_LENGTH, False, False),
        (b"Content-Length: -1", BAD_LENGTH, False, False),
        (b"Content-Length:", BAD_LENGTH, False, False),
        ("Content-Length: ٣".encode(), BAD_LENGTH, False, False),
        (b"Content-Length: 18446744073709551615", BAD_LENGTH, False, False),
        (b"Content-Length: " + b"9" * 100_000, BAD_LENGTH, False, False),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 5", 5, True, True),
        (b"Transfer-Encoding: gzip, Chunked", NO_LENGTH, True, True),
        (b"Transfer-Encoding: chunked, gzip", NO_LENGTH, True, False),
        (b"Transfer-Encoding: xchunked", NO_LENGTH, True, False),
    ],
)
def test_framing(block: bytes, length: int, coded: bool, chunked: bool):
    found = head(block)
    assert (found.length, found.coded, found.chunked) == (length, coded, chunked)


def test_cookies():
    assert head(b'Cookie: a=1; b=x=y; =z; flag; c="q"').request_cookies == {"a": "1", "b": "x=y", "c": "q"}
    block = b"Set-Cookie: a=1; Path=/\r\nHost: h\r\nSet-Cookie: b=2; Expires=Wed, 21 Oct 2030 07:28:00 GMT"
    assert head(block).response_cookies == {"a": "1", "b": "2"}
    assert head(b"Set-Cookie: a=1; Path=/").response_cookies == {"a": "1"}
    assert head(b"Host: h").request_cookies is head(b"Host: h").response_cookies is None


@pytest.mark.parametrize(
    ("value", "token"),
    [(b"websocket", "websocket"), (b"WebSocket", "websocket"), (b"h2c, x", "h2c"), (b"SPDY/3.1", "spdy")],
)
def test_upgrades(value: bytes, token: str):
    assert head(b"Upgrade: " + value).upgrade == token


def test_the_same_bytes_give_the_same_object_and_memories_are_bounded():
    heads, lines = Heads(), HeaderLines()
    assert heads[b"Host: a"] is heads[b"Host: a"]
    for number in range(2 * LINES + 10):
        heads[b"Host: %d" % number]
        lines[b"Host: %d" % number]
    assert len(heads) <= SECTIONS
    assert len(lines) <= LINES
    heads.clear()
    heads[b"X: " + b"y" * 100_000]
    assert len(heads) == 0


@pytest.mark.parametrize(
    "block",
    [
        b"\n " * 100_000,
        b"a:" + b" " * 200_000 + b"b",
        b"Cookie: " + b"a=b;" * 50_000,
        b"a: b\n" * 50_000,
        b"Content-Length: " + b"1," * 100_000,
    ],
)
def test_hostile_sections_take_linear_time(block: bytes):
    begun = time.process_time()
    head(block)
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("line", [b"GET " + b" " * 200_000, b"GET " + b"a " * 100_000, b"GET /?" + b"a=%41&" * 40_000])
def test_hostile_request_lines_take_linear_time(line: bytes):
    begun = time.process_time()
    RequestLines()[line]
    assert time.process_time() - begun < 2


def test_text_is_utf_8_or_byte_by_byte():
    assert text("ü".encode()) == text(b"\xfc") == "ü"


def test_a_request_line_is_shared_so_nobody_changes_it():
    lines = RequestLines()
    first = lines[b"GET /a?x=1 HTTP/1.1"]
    assert isinstance(first, RequestLine)
    assert lines[b"GET /a?x=1 HTTP/1.1"] is first
