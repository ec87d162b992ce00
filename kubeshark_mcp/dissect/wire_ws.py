"""WebSocket frames on the wire (RFC 6455 section 5), and messages compressed with permessage-deflate (RFC 7692)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

OPCODES = {
    CONTINUATION: "continuation",
    TEXT: "text",
    BINARY: "binary",
    CLOSE: "close",
    PING: "ping",
    PONG: "pong",
}
"""IANA WebSocket Opcode Registry; all others are reserved."""

CLOSE_CODES = {
    1000: "Normal Closure",
    1001: "Going Away",
    1002: "Protocol Error",
    1003: "Unsupported Data",
    1007: "Invalid Frame Payload Data",
    1008: "Policy Violation",
    1009: "Message Too Big",
    1010: "Mandatory Extension",
    1011: "Internal Error",
    1012: "Service Restart",
    1013: "Try Again Later",
    1014: "Bad Gateway",
    3000: "Unauthorized",
    3003: "Forbidden",
    3008: "Timeout",
}
"""IANA WebSocket Close Code Number Registry, as far as a frame may carry them."""

CONTROL_LIMIT = 125
"""Bytes of payload that a control frame may have (RFC 6455 section 5.5)."""
FRAME_LIMIT = 1 << 31
"""Length of a frame from which on its header is taken for something else; no endpoint takes more."""

_TAIL = b"\x00\x00\xff\xff"
"""End of a message that its sender left out (RFC 7692 section 7.2.2)."""
_STEP = 64 * 1024
_STREAMS = 64
"""Deflate streams that one message may consist of; most have one."""
_FREE, _RATIO = 64 << 20, 200
"""Bytes that one direction may decompress to in any case, and for each compressed byte beyond."""
_WEIGHED_FRAMES, _WEIGHED_BYTES = 16, 64
_CONTROLS = frozenset(range(32)) - {9, 10, 13}


class FrameHeader(NamedTuple):
    """The header of a frame. reserved: RSV2 and RSV3. mask: four bytes, or none. size: bytes of the header itself.

    minimal: the length is written in as few bytes as it can be.
    """

    opcode: int
    final: bool
    compressed: bool
    reserved: int
    mask: bytes
    length: int
    size: int
    minimal: bool = True


def read_header(data: bytes, position: int) -> FrameHeader | None:
    """Read the header at `position`; None while it is not whole."""
    end = len(data)
    if position + 2 > end:
        return None
    first, second = data[position], data[position + 1]
    length = second & 0x7F
    minimal, size = True, 2
    if length >= 126:
        size = 4 if length == 126 else 10
        if position + size > end:
            return None
        length = int.from_bytes(data[position + 2 : position + size], "big")
        minimal = length >= (126 if size == 4 else 65536)
    mask = b""
    if second & 0x80:
        size += 4
        if position + size > end:
            return None
        mask = data[position + size - 4 : position + size]
    return FrameHeader(first & 0x0F, first >= 0x80, bool(first & 0x40), first & 0x30, mask, length, size, minimal)


def header_fault(header: FrameHeader) -> str:
    """Say why nothing behind this header can be trusted; empty when it may be one."""
    if header.reserved:
        return f"reserved bits {header.reserved:#04x} are set"
    if header.opcode not in OPCODES:
        return f"opcode {header.opcode} is reserved"
    if header.length >= FRAME_LIMIT:
        return f"a frame of {header.length} bytes is announced"
    return ""


def unmask(data: bytes, mask: bytes, phase: int = 0) -> bytes:
    """Undo the masking (RFC 6455 section 5.3) of bytes that begin `phase` bytes into the payload."""
    if not mask or not data:
        return data
    if phase := phase & 3:
        mask = mask[phase:] + mask[:phase]
    size = len(data)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "little") ^ int.from_bytes(key, "little")).to_bytes(size, "little")


def may_be_sent(code: int) -> bool:
    """Tell whether a close frame may carry this code (RFC 6455 section 7.4)."""
    return code in CLOSE_CODES or 3000 <= code <= 4999


def weigh(data: bytes, position: int, *, masked: bool) -> int:
    """Say how much speaks for frames of one side from `position` on; -1 when something speaks against it.

    A printable text counts most, then frames that follow on each other and end where the bytes end. What is not
    there yet never counts against it.
    """
    points, open_message = 0, False
    for count in range(_WEIGHED_FRAMES):
        if position >= len(data):
            break
        header = read_header(data, position)
        if header is None:
            return -1 if _impossible(data, position, masked) else points
        open_message = open_message or (header.opcode == CONTINUATION and not count)
        if not _regular(header, masked, open_message):
            return -1
        if header.opcode < CLOSE:
            open_message = not header.final
        begin, end = position + header.size, position + header.size + header.length
        gained = _weigh_payload(header, unmask(data[begin : min(end, begin + _WEIGHED_BYTES)], header.mask))
        if gained < 0:
            return -1
        if not (header.final or header.length):
            return -1  # nobody sends a fragment of nothing, and zeros are everywhere
        points += gained + ((end <= len(data)) + (end == len(data)) if header.final or header.mask else 0)
        position = end
    return points


def _impossible(data: bytes, position: int, masked: bool) -> bool:
    """Tell whether a header that is not whole cannot become a regular one."""
    first = data[position]
    if first & 0x30 or (first & 0x0F) not in OPCODES or (first & 0x0F >= CLOSE and not first & 0x80):
        return True
    return len(data) > position + 1 and bool(data[position + 1] & 0x80) != masked


def _regular(header: FrameHeader, masked: bool, open_message: bool) -> bool:
    if header_fault(header) or bool(header.mask) != masked or not header.minimal:
        return False
    if header.opcode >= CLOSE:
        return header.final and not header.compressed and header.length <= CONTROL_LIMIT
    return open_message == (header.opcode == CONTINUATION) and not (header.compressed and open_message)


def _weigh_payload(header: FrameHeader, visible: bytes) -> int:
    if header.opcode == CLOSE:
        if header.length == 1 or (len(visible) >= 2 and not may_be_sent(int.from_bytes(visible[:2], "big"))):
            return -1
        return 2 if len(visible) >= 2 else 0
    if header.opcode != TEXT or header.compressed:
        return 0
    try:
        visible.decode()
    except UnicodeDecodeError as error:
        if error.start < len(visible) - 3 or (len(visible) == header.length and header.final):
            return -1
    return -1 if _CONTROLS.intersection(visible) else min(4, len(visible)) // 2 + len(visible) // 32


@dataclass(frozen=True, slots=True)
class Deflate:
    """What was agreed on permessage-deflate (RFC 7692 section 7.1). agreed: None where the handshake was not seen."""

    agreed: bool | None = None
    client_takeover: bool = True
    server_takeover: bool = True


def read_extensions(header: str) -> Deflate:
    """Read the Sec-WebSocket-Extensions field of a response."""
    for extension in header.split(","):
        name, *parameters = (part.strip().lower() for part in extension.split(";"))
        if name == "permessage-deflate":
            given = {parameter.partition("=")[0].strip() for parameter in parameters}
            return Deflate(True, "client_no_context_takeover" not in given, "server_no_context_takeover" not in given)
    return Deflate(False)


class Inflated(NamedTuple):
    """A decompressed message. data: its beginning. size: all of it. fault: why it could not be decompressed whole."""

    data: bytes
    size: int
    fault: str = ""


class Inflater:
    """Decompresses the messages of one direction, within bounds.

    takeover: a message may refer to those before it. limit: bytes that one message may decompress to. After a message
    that could not be read the context begins anew: what refers to lost bytes is refused by zlib, never guessed.
    """

    __slots__ = ("_limit", "_read", "_stream", "_takeover", "_written")

    def __init__(self, limit: int, *, takeover: bool = True) -> None:
        self._limit = limit
        self._takeover = takeover
        self._stream: zlib._Decompress | None = None
        self._read = self._written = 0

    def forget(self) -> None:
        """Hear that a message of this direction was not seen whole."""
        self._stream = None

    def inflate(self, data: bytes, keep: int, *, whole: bool = True) -> Inflated:
        """Decompress one message and keep its first `keep` bytes; whole: its end was seen."""
        self._read += len(data)
        pending = data + _TAIL if whole else data
        kept, size, streams = bytearray(), 0, 0
        stream = self._stream or zlib.decompressobj(-zlib.MAX_WBITS)
        self._stream = None
        while True:
            try:
                output = stream.decompress(pending, _STEP)
            except zlib.error:
                fault = "it cannot be decompressed: it is damaged, or refers to messages that were not seen"
                return Inflated(b"", 0, fault)
            size += len(output)
            self._written += len(output)
            if len(kept) < keep:
                kept += output[: keep - len(kept)]
            if size > self._limit or self._written > _FREE + _RATIO * self._read:
                return Inflated(bytes(kept), size, f"it decompresses to more than {size - len(output)} bytes")
            pending = stream.unconsumed_tail
            if stream.eof:
                pending, streams = stream.unused_data, streams + 1
                stream = zlib.decompressobj(-zlib.MAX_WBITS, zdict=bytes(kept[-32768:]) if size <= keep else b"")
            if streams > _STREAMS:
                return Inflated(bytes(kept), size, f"it consists of more than {_STREAMS} compressed streams")
            if not pending and len(output) < _STEP:
                break
        if self._takeover and whole:
            self._stream = stream
        return Inflated(bytes(kept), size)
