"""RESP, the Redis serialization protocol, versions 2 and 3: where messages end, and what they say.

Source: the RESP specification of Redis (types `+ - : $ * _ # , ( ! = % | ~ >`).

"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kubeshark_mcp.dissect.buffer import StreamBuffer, join
from kubeshark_mcp.model.stream import Direction, Span

HELD = 64 * 1024
"""Bytes of an unfinished message that are kept; the rest of it is walked through and dropped."""

LINE_LIMIT = 64 * 1024
"""Bytes of a line without its end that are believed to become one (Redis: PROTO_INLINE_MAX_SIZE)."""

ARGUMENTS_KEPT = 16
"""Arguments of a command that are looked at; the others are only counted."""

TEXT_LIMIT = 1024
"""Characters of a key, a channel or an error that are kept."""

_LINES = frozenset(b"+-:_#,(")
_BULKS = frozenset(b"$!=")
_AGGREGATES = frozenset(b"*%~>|")

REPLY_TYPES = {
    ord("+"): "simple string",
    ord("-"): "simple error",
    ord(":"): "integer",
    ord("$"): "bulk string",
    ord("*"): "array",
    ord("_"): "null",
    ord("#"): "boolean",
    ord(","): "double",
    ord("("): "big number",
    ord("!"): "bulk error",
    ord("="): "verbatim string",
    ord("%"): "map",
    ord("~"): "set",
    ord(">"): "push",
}
"""Names of the types as the specification has them; an attribute belongs to the value behind it."""


class RespError(ValueError):
    """Bytes that are no RESP. position: of the first of them. The text says what is wrong, without the place."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.position = position


Command = tuple[list[bytes], int]
"""The words of a command: the first ones, name included; and how many follow the name."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a reply says of itself.

    error: its text, for errors. first, second: elements of an array or a push; of a `pmessage` the channel.
    """

    type: str
    error: str = ""
    first: str = ""
    second: str = ""


def read_size(data: bytes, start: int, stop: int) -> int:
    """Read the length of a bulk string or an aggregate; -1 is null. Raises RespError."""
    digits = data[start:stop]
    if digits.isdigit() and len(digits) <= 10:
        return int(digits)
    if digits == b"-1":
        return -1
    if digits == b"?":
        raise RespError("a streamed type begins, which no server sends", start - 1)
    raise RespError(f"{_shown(digits)} is no length", start - 1)


def scan(data: bytes, position: int, remaining: int, skip: int) -> tuple[int, int, int]:
    """Walk on through values. remaining: how many are still to come. skip: bytes left of the present bulk string.

    Begin with (position, 1, 0); the message is whole when `remaining` comes back as 0. What comes back is given again
    with more bytes, so that nothing is walked twice; everything before `position` may be dropped. Raises RespError.
    """
    end = len(data)
    while remaining:
        if skip:
            if end - position < skip:
                return end, remaining, skip - (end - position)
            position += skip
            skip = 0
            if not b"\r\n".endswith(data[max(0, position - 2) : position]):
                raise RespError("a bulk string does not end where its length says", position - 2)
            remaining -= 1
            continue
        stop = data.find(b"\r\n", position)
        if stop < 0:
            if end - position > LINE_LIMIT:
                raise RespError(f"a line is longer than {LINE_LIMIT} bytes", position)
            return position, remaining, 0
        kind = data[position]
        position, start = stop + 2, position
        if kind in _LINES:
            remaining -= 1
        elif kind == 0x24 and (after := bulk_end(data, start, stop)):
            position = after
            remaining -= 1
        else:
            remaining, skip = _open(data, start, stop, remaining)
    return position, 0, 0


def bulk_end(data: bytes, start: int, stop: int) -> int:
    """Give where a bulk string ends whose first line is data[start:stop]; 0 where it is not whole, or null, or none."""
    digits = data[start + 1 : stop]
    if not digits.isdigit() or len(digits) > 10:
        return 0
    after = stop + 4 + int(digits)
    return after if data[after - 2 : after] == b"\r\n" else 0


def _open(data: bytes, position: int, stop: int, remaining: int) -> tuple[int, int]:
    """Take a length: of a bulk string, whose bytes are skipped next, or of an aggregate, whose values come next."""
    kind = data[position]
    if kind in _BULKS:
        size = read_size(data, position + 1, stop)
        return (remaining, size + 2) if size >= 0 else (remaining - 1, 0)
    if kind in _AGGREGATES:
        size = read_size(data, position + 1, stop)
        values = max(0, size) * (2 if kind in b"%|" else 1)
        return remaining + values - (kind != 0x7C), 0
    raise RespError(f"byte 0x{kind:02x} begins no value", position)


def read_command(data: bytes, start: int) -> tuple[Command, int] | None:
    """Read a command that is an array of bulk strings; give it and the position behind it, None while unfinished.

    Raises RespError.
    """
    stop = data.find(b"\r\n", start)
    if stop < 0:
        if len(data) - start > LINE_LIMIT:
            raise RespError(f"a line is longer than {LINE_LIMIT} bytes", start)
        return None
    count = read_size(data, start + 1, stop)
    words: list[bytes] = []
    position = stop + 2
    for index in range(count):
        stop = data.find(b"\r\n", position)
        if stop < 0:
            return None
        if data[position] != 0x24:
            raise RespError(f"argument {index} of a command is no bulk string", position)
        begin = stop + 2
        digits = data[position + 1 : stop]
        size = int(digits) if digits.isdigit() and len(digits) < 10 else read_size(data, position + 1, stop)
        position = begin + size + 2
        if size < 0:
            raise RespError(f"argument {index} of a command is null", stop)
        if position > len(data):
            return None
        if data[position - 2] != 0x0D or data[position - 1] != 0x0A:
            raise RespError("a bulk string does not end where its length says", position - 2)
        if index < ARGUMENTS_KEPT:
            words.append(data[begin : position - 2])
    return (words, max(0, count - 1)), position


def words_of(data: bytes) -> Command:
    """Give the words at the beginning of a command that was not kept whole; the last one may be cut."""
    stop = data.find(b"\r\n")
    count = read_size(data, 1, stop)
    words: list[bytes] = []
    position = stop + 2
    while len(words) < min(count, ARGUMENTS_KEPT) and (stop := data.find(b"\r\n", position)) >= 0:
        end = stop + 2 + max(0, read_size(data, position + 1, stop))
        words.append(data[stop + 2 : end])
        position = end + 2
    return words, max(0, count - 1)


_WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'|(\S+)')


def read_inline(line: bytes) -> Command:
    """Split an inline command into words; quotes hold spaces together."""
    words = [b"".join(match) for match in _WORD.findall(line)]
    return words[:ARGUMENTS_KEPT], max(0, len(words) - 1)


def text(data: bytes) -> str:
    r"""Write bytes as text, what is no UTF-8 as `\xDD`, cut at TEXT_LIMIT."""
    return data[:TEXT_LIMIT].decode("utf-8", "backslashreplace")


def read_reply(data: bytes) -> Reply:
    """Say what a whole reply is; of a long one its beginning is enough. Raises RespError."""
    start = 0
    while data[start] == 0x7C:
        stop = data.find(b"\r\n", start)
        start, remaining, _ = scan(data, stop + 2, 2 * max(0, read_size(data, start + 1, stop)), 0)
        if remaining or start >= len(data):
            return Reply("attribute")
    kind = data[start]
    stop = data.find(b"\r\n", start)
    if kind in b"$*" and data[start + 1 : stop] == b"-1":
        return Reply("null")
    if kind == 0x2D:
        return Reply("simple error", text(data[start + 1 : stop]))
    if kind == 0x21:
        return Reply("bulk error", text(data[stop + 2 : -2]))
    if kind in b"*>":
        first, position = _bulk(data, stop + 2)
        second, position = _bulk(data, position) if first else ("", position)
        return Reply(REPLY_TYPES[kind], "", first, _bulk(data, position)[0] if first == "pmessage" else second)
    return Reply(REPLY_TYPES.get(kind, "unknown"))


def _bulk(data: bytes, position: int) -> tuple[str, int]:
    """Give the bulk or simple string at `position` and the position behind it; empty when there is none."""
    stop = data.find(b"\r\n", position)
    if stop < 0:
        return "", position
    if data[position] == 0x2B:
        return text(data[position + 1 : stop]), stop + 2
    if data[position] != 0x24 or not data[position + 1 : stop].isdigit():
        return "", position
    end = stop + 2 + int(data[position + 1 : stop])
    return text(data[stop + 2 : end]), end + 2


def _shown(data: bytes) -> str:
    return repr(data[:40].decode("latin-1"))


@dataclass(slots=True)
class Message:
    """A whole message. body: its first bytes, at most HELD. size: all of its bytes."""

    span: Span
    body: bytes
    size: int


class Side:
    """One direction: its unread bytes, and how far the unfinished message in them was walked.

    remaining, skip: see `scan`; remaining is 0 between messages. begin: of the message in work. position: where to
    walk on.
    head, first, size: of the bytes of the message that were dropped.
    """

    __slots__ = ("begin", "buffer", "first", "head", "lost", "position", "remaining", "size", "skip")

    def __init__(self, direction: Direction) -> None:
        self.buffer = StreamBuffer(direction)
        self.lost = False
        self.begin = 0
        self.forget()

    def forget(self) -> None:
        """Be between messages."""
        self.remaining = self.skip = self.position = self.size = 0
        self.head = b""
        self.first: Span | None = None

    def walk(self, data: bytes, start: int) -> Message | None:
        """Walk on through the message at `start`; give it when it is whole, its end is then `position`."""
        if not self.remaining:
            self.position, self.remaining = start, 1
        self.position, self.remaining, self.skip = scan(data, self.position, self.remaining, self.skip)
        return None if self.remaining else self.take(data, start, self.position)

    def take(self, data: bytes, start: int, end: int) -> Message:
        """Give the message that ends at `end`."""
        span = self.buffer.span(start, end)
        if self.first is None:
            return Message(span, data[start : min(end, start + HELD)], end - start)
        return Message(join(self.first, span), self.head, self.size + end - start)

    def unfinished(self) -> Message | None:
        """Give what is there of a message that will not be finished."""
        data = self.buffer.data
        if data:
            return self.take(data, 0, len(data))
        return None if self.first is None else Message(self.first, self.head, self.size)

    def drop(self, data: bytes, start: int) -> int:
        """Leave the unfinished message behind as far as it was walked, if it is long; give where the rest begins."""
        if self.remaining and self.position > start and (self.first is not None or len(data) - start > HELD):
            span = self.buffer.span(start, self.position)
            self.head = self.head or data[start : start + HELD]
            self.first = span if self.first is None else join(self.first, span)
            self.size += self.position - start
            start = self.position
        self.position -= start
        return start


@dataclass(slots=True)
class Dump:
    """The database that a replica gets: `$LENGTH` or `$EOF:MARK`, then bytes without an end of line.

    left: bytes still to come, -1 while that is not known. mark: 40 bytes that end it, in place of a length.
    """

    left: int = -1
    mark: bytes = b""
    span: Span | None = None

    def walk(self, data: bytes, start: int) -> int:
        """Pass over what is there; give where that ends, -1 when more is needed. It is over when `left` is 0.

        Raises RespError.
        """
        if self.left >= 0:
            end = min(len(data), start + self.left)
            self.left -= end - start
            return end
        if self.mark:
            found = data.find(self.mark, start)
            self.left = 0 if found >= 0 else -1
            end = found + len(self.mark) if found >= 0 else len(data) - len(self.mark) + 1
            return end if end > start else -1
        stop = data.find(b"\r\n", start, start + 64)
        line = data[start : max(start, stop)]
        if stop < 0 and len(data) - start < 64:
            return -1
        if len(line) == 45 and line.startswith(b"$EOF:"):
            self.mark = line[5:]
        elif line[:1] == b"$" and line[1:].isdigit() and len(line) < 20:
            self.left = int(line[1:])
        else:
            raise RespError("no database begins", start)
        return stop + 2
