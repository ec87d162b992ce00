"""HTTP/1 start lines and header sections (RFC 9112 sections 2 to 5), remembered because connections repeat them.

The memories belong to one run and are emptied when full, so their size is bounded. What they give is shared by many
entries and must not be changed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import unquote_plus, urlsplit

LINES, SECTIONS = 4096, 1024
"""Lines and header sections that one memory holds."""
REMEMBERED_BYTES = 2048
"""Longest key that is worth remembering."""
LENGTH_LIMIT = 1 << 63
"""Content-Length from which on no body can be meant; a count that overflows a server's integer is an attack."""

_METHOD = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}\Z")
_VERSION = re.compile(rb"[Hh][Tt][Tt][Pp]/(?!/)[!-~]{1,32}\Z")
"""Servers take or refuse what looks like a version; it is no part of the target in either case."""
_STATUS_LINE = re.compile(rb"((?:[Hh][Tt][Tt][Pp]/[^ \t\r\n]{1,32})|ICY)[ \t]+(\d{3})[ \t]*(.*)[ \t]*\Z", re.DOTALL)
"""Clients take what looks like a version, and what follows three digits: so do captures of attacks on them."""
_FOLD = re.compile(rb"\r?\n[ \t]+")

Value = TypeVar("Value")

NO_LENGTH, BAD_LENGTH = -1, -2
"""Values of Head.length without a Content-Length, and with one that cannot be used."""


@dataclass(slots=True, eq=False)
class RequestLine:
    """A request line. version: as sent (`HTTP/1.1`), empty for HTTP/0.9. url: the request target as sent.

    path: of the target, without query. query: decoded parameters, repeated ones joined by `, `.
    """

    method: str
    url: str
    version: str
    path: str
    query: dict[str, str]
    summary: str


@dataclass(slots=True, eq=False)
class StatusLine:
    """A status line. version: as sent in upper case, `ICY` of SHOUTcast and NTRIP servers. text: the code as text."""

    version: str
    code: int
    text: str
    reason: str


class Head:
    """A header section. headers: lower-case names; repeated ones joined by `, ` (RFC 9110 section 5.2).

    length: Content-Length, NO_LENGTH or BAD_LENGTH. chunked: chunked is the last transfer coding. coded: there is a
    Transfer-Encoding at all. upgrade: first protocol of the Upgrade field in lower case, without its version.
    """

    length: int = NO_LENGTH
    chunked: bool = False
    coded: bool = False
    upgrade: str = ""
    request_cookies: dict[str, str] | None = None
    response_cookies: dict[str, str] | None = None

    def __init__(self, headers: dict[str, str]) -> None:
        self.headers = headers


class RequestLines(dict[bytes, "RequestLine | None"]):
    """Request lines by their bytes; None for what is none."""

    def __missing__(self, line: bytes) -> RequestLine | None:
        found = _request_line(line)
        _remember(self, line, found, LINES)
        return found


class StatusLines(dict[bytes, "StatusLine | None"]):
    """Status lines by their bytes; None for what is none."""

    def __missing__(self, line: bytes) -> StatusLine | None:
        match = _STATUS_LINE.match(line)
        found = None
        if match is not None:
            version, code, reason = match.groups()
            found = StatusLine(text(version).upper(), int(code), code.decode(), text(reason or b"").strip())
        _remember(self, line, found, LINES)
        return found


class HeaderLines(dict[bytes, tuple[str, str]]):
    """Header lines by their bytes: lower-case name and value. What is not one simple line has the name ""."""

    def __missing__(self, line: bytes) -> tuple[str, str]:
        name, colon, value = text(line).partition(":")
        found = ("", "")
        if colon and name[:1] not in {" ", "\t", ""} and b"\n" not in line:
            found = (name.strip(" \t\r").lower(), value.strip(" \t\r"))
        if len(line) <= REMEMBERED_BYTES:
            if len(self) >= LINES:
                self.clear()
            self[line] = found
        return found


class Heads(dict[bytes, Head]):
    """Header sections by their bytes, without the start line and the empty line."""

    def __init__(self) -> None:
        super().__init__()
        self._lines = HeaderLines()

    def __missing__(self, block: bytes) -> Head:
        lines = block.split(b"\r\n")
        headers = dict(map(self._lines.__getitem__, lines))
        if "" in headers or len(headers) != len(lines):
            lines = [line.removesuffix(b"\r") for line in _FOLD.sub(b" ", block).split(b"\n")]
            headers = self._join(lines)
        found = _head(headers)
        if "set-cookie" in headers:
            pairs = map(self._lines.__getitem__, lines)
            found.response_cookies = read_cookies(
                [value.partition(";")[0] for name, value in pairs if name == "set-cookie"]
            )
        _remember(self, block, found, SECTIONS)
        return found

    def _join(self, lines: list[bytes]) -> dict[str, str]:
        """Join repeated fields (RFC 9110 section 5.2); what has no name is left out."""
        headers: dict[str, str] = {}
        for name, value in map(self._lines.__getitem__, lines):
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        headers.pop("", None)
        return headers


def text(value: bytes) -> str:
    """Give captured text: UTF-8 where it is, else byte by byte (ISO 8859-1)."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _remember(memory: dict[bytes, Value], key: bytes, value: Value, limit: int) -> None:
    if len(key) <= REMEMBERED_BYTES:
        if len(memory) >= limit:
            memory.clear()
        memory[key] = value


def _request_line(line: bytes) -> RequestLine | None:
    method, _, rest = line.replace(b"\t", b" ").partition(b" ")
    absent, rest = rest.startswith(b" "), rest.strip(b" ")
    if not rest or _METHOD.match(method) is None:
        return None
    target, _, version = rest.rpartition(b" ")
    if not (target or absent) or _VERSION.match(version) is None:
        target, version = rest, b""
    name, url = text(method), text(target.rstrip(b" "))
    path, query = split_target(name, url)
    return RequestLine(name, url, text(version).upper(), path, query, f"{name} {path or url}")


def split_target(method: str, url: str) -> tuple[str, dict[str, str]]:
    """Split a request target (RFC 9112 section 3.2) into path and query parameters."""
    if method == "CONNECT":
        return "", {}
    if not url.startswith("/") and "://" in url:
        try:
            parts = urlsplit(url)
        except ValueError:
            return url, {}
        return parts.path or "/", _parameters(parts.query)
    path, mark, query = url.partition("?")
    return path, _parameters(query.partition("#")[0]) if mark else {}


def _parameters(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            if "%" in part or "+" in part:
                name, value = unquote_plus(name), unquote_plus(value)
            found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _head(headers: dict[str, str]) -> Head:
    head = Head(headers)
    if "content-length" in headers:
        head.length = _length(headers["content-length"])
    if "transfer-encoding" in headers:
        head.coded = True
        head.chunked = headers["transfer-encoding"].rpartition(",")[2].strip().lower() == "chunked"
    if "upgrade" in headers:
        head.upgrade = headers["upgrade"].partition(",")[0].partition("/")[0].strip().lower()
    if "cookie" in headers:
        head.request_cookies = read_cookies(headers["cookie"].split(";"))
    return head


def _length(value: str) -> int:
    """Read Content-Length; a repeated one counts when all agree (RFC 9112 section 6.3)."""
    single = value
    if "," in value:
        single, *others = {part.strip() for part in value.split(",")}
        if others:
            return BAD_LENGTH
    if not (single.isascii() and single.isdigit()) or len(single) > 20:
        return BAD_LENGTH
    length = int(single)
    return length if length < LENGTH_LIMIT else BAD_LENGTH


def read_cookies(pairs: list[str]) -> dict[str, str]:
    """Give the cookies of `name=value` pairs (RFC 6265 section 4); what is no pair is left out."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.strip().partition("=")
        if equals and name:
            found[name] = value.strip('"')
    return found
