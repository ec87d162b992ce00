"""HTTP/1 messages as they come off a connection, and where one begins (RFC 9112)."""

from __future__ import annotations

import re
from typing import Generic, TypeVar

from kubeshark_mcp.dissect.http_head import BAD_LENGTH, Head, RequestLine, StatusLine
from kubeshark_mcp.model.stream import Direction, Span

HEADER_LIMIT = 256 * 1024
"""Bytes of start line and header section; no server takes more."""
CHUNK_LINE_LIMIT = 16 * 1024
"""Bytes of a chunk size with its extensions, or of the trailer section."""
TAIL = 8 * 1024
"""Bytes looked back for the beginning of a start line that is cut in two."""

UNTIL_CLOSE, CHUNKED, TUNNEL, HOLD, LOST = -1, -2, -3, -4, -5
"""What follows a header when it is no known number of bytes: everything, chunks, another protocol at once, perhaps
another protocol (wait for the answer), or nobody can tell."""

HEAD, LENGTH, CHUNKS, TRAILER, CLOSE, SEEK, HELD, STOPPED = range(8)
"""What a reader expects next. Plain numbers: they index its reading functions, once for each message."""

ENDINGS = {
    "fin": "the sender closed",
    "reset": "the connection was reset",
    "evicted": "nothing more was seen",
    "end": "the capture ends",
}
"""Why nothing more came, by Closing.how."""

METHODS = (
    b"GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH QUERY PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK "
    b"REPORT SEARCH SUBSCRIBE UNSUBSCRIBE NOTIFY M-SEARCH PURGE"
).split()
"""Methods that are known without doubt, where a start has to be guessed (IANA registry, and what is in use)."""

_REQUEST_END = re.compile(rb" HTTP/1\.[01]\r?\n")
_METHOD_BEFORE = re.compile(rb"[A-Z][A-Z_-]{2,31}\Z")
_REQUEST_PREFIX = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}(?:[ \t]|\Z)")
_STATUS = re.compile(rb"HTTP/1\.[01] [1-5]\d\d[ \r\n]")
_REQUEST = re.compile(rb"(?:%s) [^\r\n ]{1,%d} HTTP/1\.[01]\r?\n" % (b"|".join(METHODS), TAIL))
Line = TypeVar("Line", RequestLine, StatusLine)


class Message(Generic[Line]):
    """A request or a response. line: None where the start line cannot be read.

    header_size: bytes of start line and header section with the empty line. body: beginning of the content without
    its transfer coding; body_size: all of it. done: nothing more of it will come. missing: bytes no packet held.
    answer: the response, when it was complete before its request was. alone: it will get no answer.
    """

    body: bytes = b""
    body_size: int = 0
    span: Span | None = None
    trailers: dict[str, str] | None = None
    malformed: str = ""
    missing: int = 0
    done: bool = False
    answer: Message[StatusLine] | None = None
    alone: bool = False

    def __init__(self, line: Line | None, head: Head, header_size: int = 0, malformed: str = "") -> None:
        self.line: Line | None = line
        self.head = head
        self.header_size = header_size
        if malformed:
            self.malformed = malformed


def note(message: Message[Line], reason: str) -> None:
    """Add a reason why a message is not whole."""
    message.malformed = f"{message.malformed}; {reason}" if message.malformed else reason


def find_start(direction: Direction, data: bytes, position: int) -> int:
    """Give the position of the next start line from `position` on, -1 where there is none.

    What precedes a request line may be the end of a body, or missing: then only a known method is taken for one.
    """
    if direction is Direction.SERVER:
        found = _STATUS.search(data, position)
        return found.start() if found is not None else -1
    for end in _REQUEST_END.finditer(data, position):
        space = data.rfind(b" ", max(position, end.start() - TAIL), end.start())
        method = _METHOD_BEFORE.search(data[max(position, space - 32) : space]) if space > position else None
        if method is None or space + 1 >= end.start():
            continue
        start = space - len(method[0])
        if start > position and data[start - 1] in b"\r\n":
            return start
        if known := [name for name in METHODS if method[0].endswith(name)]:
            return space - max(map(len, known))
    return -1


def is_plausible(direction: Direction, data: bytes, position: int) -> bool:
    """Tell whether an unfinished line may become a start line."""
    if direction is Direction.SERVER:
        begun = data[position : position + 5]
        return b"HTTP/".startswith(begun.upper()) or b"ICY 2".startswith(begun)
    return _REQUEST_PREFIX.match(data, position) is not None


def is_status(data: bytes) -> bool:
    """Tell whether the bytes begin with a status line."""
    return _STATUS.match(data) is not None


def is_request(data: bytes) -> bool:
    """Tell whether the bytes begin with a request line of a known method."""
    return _REQUEST.match(data) is not None


def request_length(message: Message[RequestLine]) -> int:
    """Say what follows a request header (RFC 9112 section 6.3)."""
    head = message.head
    if head.chunked:
        return CHUNKED
    if head.length >= 0 and not head.coded:
        return head.length
    if head.coded or head.length == BAD_LENGTH:
        note(message, f"the length of the request body is not known: {_framing(head)}")
        return LOST
    return 0


def response_length(message: Message[StatusLine], request: RequestLine | None) -> int:
    """Say what follows a response header (RFC 9112 section 6.3)."""
    line, head = message.line, message.head
    if line is None:
        return UNTIL_CLOSE if request is not None and not request.version else LOST
    method, code = request.method if request is not None else "", line.code
    if code == 101 or (method == "CONNECT" and 200 <= code < 300):
        return TUNNEL
    if code < 200 or code in {204, 304} or method == "HEAD":
        return 0
    if head.chunked:
        return CHUNKED
    if head.coded:
        return UNTIL_CLOSE
    if head.length == BAD_LENGTH:
        note(message, f"the length of the response body is not known: {_framing(head)}")
    return head.length if head.length >= 0 else UNTIL_CLOSE


def _framing(head: Head) -> str:
    name = "transfer-encoding" if head.coded else "content-length"
    return f"{name} {head.headers.get(name, '')[:80]!r}"
