"""The frame layer of HTTP/2 (RFC 9113): header layout, what a frame may look like, and names of its numbers."""

from __future__ import annotations

import re
from struct import Struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client says first (section 3.4)."""

HEADER_SIZE = 9
"""Octets of a frame header: length (24 bits), type, flags, reserved bit and stream identifier."""
FRAME_LIMIT = 16384
"""Octets of a payload unless a peer allows more (SETTINGS_MAX_FRAME_SIZE)."""
STREAM_MASK = 0x7FFFFFFF

END_STREAM, END_HEADERS, PADDED, PRIORITY_FIELDS = 0x1, 0x4, 0x8, 0x20
"""Flags of frames."""

read_header = Struct(">BHBBI").unpack_from
"""Upper octet of the length, the rest of it, type, flags, stream identifier with the reserved bit."""


FRAME_NAMES = (
    "DATA",
    "HEADERS",
    "PRIORITY",
    "RST_STREAM",
    "SETTINGS",
    "PUSH_PROMISE",
    "PING",
    "GOAWAY",
    "WINDOW_UPDATE",
    "CONTINUATION",
)
"""Types of frames by number (section 6)."""
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
"""The same as plain numbers: they are compared once for each frame."""

ERROR_NAMES = (
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
)
"""Error codes by number (section 7)."""

_FIXED = {PRIORITY: 5, RST_STREAM: 4, PING: 8, WINDOW_UPDATE: 4}
_OF_CONNECTION = frozenset({SETTINGS, PING, GOAWAY})
PRIORITY_UPDATE = 0x10
"""Type of the frames by which browsers change priorities (RFC 9218 section 7.1), the only extension that is usual."""

_LEAST = {HEADERS: 1, PUSH_PROMISE: 5, GOAWAY: 8, PRIORITY_UPDATE: 4}

_STREAM = rb"(?!\x00{4})[\x00-\x7f].{3}"
_FRAME = re.compile(
    rb"(?:\x00[\x00-\x40].(?:"
    rb"\x00[\x00\x01\x08\x09]" + _STREAM + rb"|\x01[\x00\x01\x04\x05\x08\x09\x0c\x0d\x20\x21\x24\x25\x28\x29\x2c\x2d]"
    + _STREAM + rb"|\x05[\x00\x04\x08\x0c]" + _STREAM + rb"|\x09[\x00\x04]" + _STREAM + rb"|\x04\x00\x00{4}"
    rb"|\x07\x00\x00{4}|\x10\x00\x00{4})"
    rb"|\x00\x00(?:\x05\x02\x00" + _STREAM + rb"|\x04\x03\x00" + _STREAM + rb"|\x00\x04\x01\x00{4}"
    rb"|\x08\x06[\x00\x01]\x00{4}|\x04\x08\x00[\x00-\x7f].{3}))",
    re.DOTALL,
)  # fmt: skip
_ANYWHERE = re.compile(rb"(?=(" + _FRAME.pattern + rb"))", re.DOTALL)


def error_name(code: int) -> str:
    """Give the name of an error code, or the code as a number where it has none."""
    return ERROR_NAMES[code] if code < len(ERROR_NAMES) else str(code)


def frame_name(kind: int) -> str:
    """Give the name of a type of frames, or its number where it has none."""
    return FRAME_NAMES[kind] if kind < len(FRAME_NAMES) else f"type {kind}"


def frame_fault(length: int, kind: int, stream: int) -> str:
    """Say what is wrong with a frame header (sections 4.2 and 6), or nothing. Unknown types are allowed."""
    if kind <= HEADERS:
        return "" if stream else f"a {frame_name(kind)} frame on stream 0"
    if kind in _FIXED and length != _FIXED[kind]:
        return f"a {frame_name(kind)} frame of {length} instead of {_FIXED[kind]} octets"
    if kind >= WINDOW_UPDATE and (kind != CONTINUATION or stream):
        return ""
    if (stream == 0) != (kind in _OF_CONNECTION):
        return f"a {frame_name(kind)} frame on stream {stream}"
    if kind == SETTINGS and length % 6:
        return f"a SETTINGS frame of {length} octets, which is no multiple of 6"
    return ""


def plausible_frame(data: bytes, position: int) -> int:
    """Give the size of the frame that seems to begin here, header included; 0 where nothing usual does.

    Stricter than the protocol, for bytes of which nobody knows yet whether they are frames.
    """
    if _FRAME.match(data, position) is None:
        return 0
    length = data[position + 1] << 8 | data[position + 2]
    kind, flags = data[position + 3], data[position + 4]
    least = _LEAST.get(kind, 0)
    if kind == DATA:
        least = 0 if flags & END_STREAM else 1
    if length < least or (kind == SETTINGS and length % 6):
        return 0
    return HEADER_SIZE + length


def may_begin_frame(data: bytes) -> bool:
    """Tell whether bytes too few for a frame header may become one that plausible_frame accepts."""
    if data[:1] > b"\0" or data[1:2] > b"\x40":
        return False
    if len(data) < 4:
        return True
    length, kind = data[1] << 8 | data[2], data[3]
    return (kind < len(FRAME_NAMES) or kind == PRIORITY_UPDATE) and length == _FIXED.get(kind, length)


def find_frames(data: bytes, position: int) -> tuple[int, bool]:
    """Look for the next place from which frames follow one another.

    Give its position and True; or False with the position from which on the bytes have to be kept to decide later.
    Two empty frames prove nothing where the bytes do not begin with them: zeros are everywhere.
    """
    size = len(data)
    for match in _ANYWHERE.finditer(data, position):
        start = match.start()
        first = plausible_frame(data, start)
        if not first:
            continue
        second = start + first
        weak = first == HEADER_SIZE and start > position
        following = plausible_frame(data, second) if second <= size - HEADER_SIZE else 0
        if weak and following == HEADER_SIZE:
            continue
        if following or second == size:
            return start, True
        if second > size - HEADER_SIZE:
            return start, False
    return max(position, size - HEADER_SIZE + 1), False
