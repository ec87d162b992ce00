"""gRPC as it lies in HTTP/2 (gRPC over HTTP/2, protocol description): messages in DATA, metadata, status, deadline."""

from __future__ import annotations

import re
from binascii import Error, a2b_base64
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from kubeshark_mcp.dissect.http_head import text

STATUS_NAMES = (
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
)
"""Status codes by number."""

NO_STATUS = -1
"""Value of grpc_status while no status was seen."""

_PREFIX = 5
_COMPRESSED, _TRAILERS = 0x01, 0x80
_TRAILERS_LIMIT = 8 * 1024
_TIMEOUT = re.compile(r"(\d{1,8})([HMSmun])\Z", re.ASCII)
_MICROSECONDS = {"H": 3_600_000_000, "M": 60_000_000, "S": 1_000_000, "m": 1000, "u": 1}
_SEGMENT = re.compile(rb"[^=]+={0,2}|=+")
_CODE = re.compile(r"\d{1,9}\Z", re.ASCII)


def is_grpc(headers: Mapping[str, str]) -> bool:
    """Tell whether a header section is one of gRPC, by its content type."""
    return headers.get("content-type", "").startswith("application/grpc")


def counter_for(headers: Mapping[str, str]) -> MessageCounter:
    """Give what counts the messages behind a header section of gRPC, by its content type."""
    text_mode = headers.get("content-type", "").startswith("application/grpc-web-text")
    return TextMessageCounter() if text_mode else MessageCounter()


def status_name(code: int) -> str:
    """Give the name of a status code, or the code as a number where it has none."""
    return STATUS_NAMES[code] if 0 <= code < len(STATUS_NAMES) else str(code)


def read_status(headers: Mapping[str, str]) -> int:
    """Give grpc-status, NO_STATUS where it is missing or no number."""
    value = headers.get("grpc-status", "")
    return int(value) if _CODE.match(value) else NO_STATUS


def read_message(headers: Mapping[str, str]) -> str:
    """Give grpc-message, its percent-encoding undone."""
    value = headers.get("grpc-message", "")
    return text(unquote_to_bytes(value)) if "%" in value else value


def read_timeout(headers: Mapping[str, str]) -> int:
    """Give grpc-timeout in microseconds, rounded down; 0 where it is missing or cannot be read."""
    match = _TIMEOUT.match(headers.get("grpc-timeout", ""))
    if match is None:
        return 0
    amount, unit = int(match[1]), match[2]
    return amount // 1000 if unit == "n" else amount * _MICROSECONDS[unit]


class MessageCounter:
    """Counts the length-prefixed messages of one direction of a call, however DATA was cut.

    count: messages that began. bytes: octets of them that were seen, prefixes aside, as compressed as they were sent.
    compressed: messages with the compressed flag. broken: why counting stopped, or empty. trailers: those that gRPC-Web
    sends as a last message.
    """

    __slots__ = ("_head", "_left", "_trailing", "broken", "bytes", "compressed", "count", "trailers")

    def __init__(self) -> None:
        self.count = self.bytes = self.compressed = 0
        self.broken = ""
        self.trailers = b""
        self._head = b""
        self._left = 0
        self._trailing = False

    @property
    def unfinished(self) -> bool:
        """Tell whether the last message is not whole."""
        return not self.broken and bool(self._left or self._head)

    def feed(self, data: bytes, begin: int, stop: int) -> None:
        """Take data[begin:stop], which follows on what came before."""
        position = begin
        while position < stop and not self.broken:
            if self._left:
                position = self._pass(data, position, stop)
                continue
            if self._head or stop - position < _PREFIX:
                taken = data[position : min(stop, position + _PREFIX - len(self._head))]
                self._head += taken
                position += len(taken)
                if len(self._head) < _PREFIX:
                    return
                self._begin(self._head, 0)
                self._head = b""
            else:
                self._begin(data, position)
                position += _PREFIX

    def missing(self, length: int) -> None:
        """Hear that octets are missing; inside a message that does not cost the position."""
        if length <= self._left:
            self._left -= length
        elif not self.broken:
            self._left, self._head = 0, b""
            self.broken = "bytes are missing between messages"

    def web_trailers(self) -> dict[str, str]:
        """Give the trailers of gRPC-Web by lower-case name."""
        pairs = (line.partition(":") for line in text(self.trailers).split("\r\n") if ":" in line)
        return {name.strip().lower(): value.strip() for name, _, value in pairs}

    def _begin(self, data: bytes, position: int) -> None:
        flags = data[position]
        if flags & ~(_COMPRESSED | _TRAILERS):
            self.broken = f"a message begins with {flags:#04x} instead of 0 or 1"
            return
        self._left = int.from_bytes(data[position + 1 : position + _PREFIX])
        self._trailing = bool(flags & _TRAILERS)
        if not self._trailing:
            self.count += 1
            self.compressed += flags & _COMPRESSED

    def _pass(self, data: bytes, position: int, stop: int) -> int:
        take = min(self._left, stop - position)
        self._left -= take
        if not self._trailing:
            self.bytes += take
        elif len(self.trailers) < _TRAILERS_LIMIT:
            self.trailers += data[position : position + min(take, _TRAILERS_LIMIT - len(self.trailers))]
        return position + take


class TextMessageCounter(MessageCounter):
    """Counts the messages of gRPC-Web in its text form: base64, in segments that each may end with padding."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        super().__init__()
        self._rest = b""

    @property
    def unfinished(self) -> bool:
        """Tell whether the last message, or the last group of four letters, is not whole."""
        return super().unfinished or bool(self._rest and not self.broken)

    def feed(self, data: bytes, begin: int, stop: int) -> None:
        """Take data[begin:stop], which follows on what came before."""
        if self.broken:
            return
        letters = self._rest + data[begin:stop]
        whole = len(letters) & ~3
        self._rest = letters[whole:]
        try:
            decoded = b"".join(map(a2b_base64, _SEGMENT.findall(letters[:whole])))
        except Error:
            self.broken = "they are no base64"
            return
        super().feed(decoded, 0, len(decoded))

    def missing(self, length: int) -> None:
        """Hear that letters are missing, and with them the position."""
        self.broken = self.broken or "bytes of their base64 are missing"
