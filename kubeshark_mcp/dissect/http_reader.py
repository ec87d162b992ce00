"""One direction of an HTTP/1 connection, split into messages (RFC 9112), however the bytes were cut into pieces.

Reading works on whole pieces by position. Only an unfinished header, chunk size or search is carried to the next piece;
a body is counted, and kept up to a limit, as it passes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Generic

from kubeshark_mcp.dissect.buffer import Source, StreamBuffer, join, piece_rest, span_of
from kubeshark_mcp.dissect.http_head import Head, Heads
from kubeshark_mcp.dissect.http_message import (
    CHUNK_LINE_LIMIT,
    CHUNKED,
    CHUNKS,
    CLOSE,
    ENDINGS,
    HEAD,
    HEADER_LIMIT,
    HELD,
    HOLD,
    LENGTH,
    LOST,
    SEEK,
    STOPPED,
    TAIL,
    TRAILER,
    TUNNEL,
    UNTIL_CLOSE,
    Line,
    Message,
    find_start,
    is_plausible,
    is_request,
    is_status,
    note,
)
from kubeshark_mcp.model.stream import Direction, Piece

_BLANK_LINE = re.compile(rb"\n\r{0,2}\n")  # of senders that end lines with LF alone, or with one CR more
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?\r?\Z", re.DOTALL)


class MessageReader(Generic[Line]):
    """Reads the messages of one direction.

    begun: hears of a header and says what follows: a number of bytes or one of the constants above.
    finished: takes the message. overtaken: whether the peer asked for the next one, or refused the body of this one.
    synced: the position is known to be the start of a message.
    """

    def __init__(
        self,
        direction: Direction,
        lines: Mapping[bytes, Line | None],
        heads: Heads,
        body_limit: int,
        begun: Callable[[Message[Line]], int],
        finished: Callable[[Message[Line]], None],
        overtaken: Callable[[], bool],
        *,
        synced: bool,
    ) -> None:
        self.synced, self.state = synced, HEAD if synced else SEEK
        self._name = "request" if direction is Direction.CLIENT else "response"
        self._direction, self._heads, self._limit, self._overtaken = direction, heads, body_limit, overtaken
        self._lines: Mapping[bytes, Line | None] = lines
        self._begun: Callable[[Message[Line]], int] = begun
        self._finished: Callable[[Message[Line]], None] = finished
        self._carry: StreamBuffer | None = None
        self._unread: list[Piece] = []
        self._message: Message[Line] | None = None
        self._line: Line | None = None
        self._parts: list[bytes] = []
        self._start = self._scanned = self._room = self._remaining = 0
        self._chunk_ended = False

    @property
    def partial(self) -> bool:
        """Tell whether part of a header waits for the rest."""
        return self._carry is not None and self.state == HEAD

    def feed(self, piece: Piece) -> None:
        """Take the bytes that follow on those before."""
        carry = self._carry
        if carry is None:
            self._run(piece.data, piece)
            return
        carry.append(piece)
        if self.state != HEAD or b"\n" in piece.data or len(carry) > HEADER_LIMIT:
            self._run(carry.data, carry)

    def gap(self, length: int) -> None:
        """Hear that `length` bytes are missing before what comes next. Their two sides are never joined.

        Bytes missing inside a body of known length, or inside a chunk, do not cost the position.
        """
        message, state = self._message, self.state
        if message is None or state == TRAILER:
            self._abandon(f"{length} bytes missing in the {self._name} header")
        else:
            inside = length if state == CLOSE else min(length, self._remaining)
            note(message, f"{length} bytes missing in the {self._name} body at offset {message.body_size}")
            message.missing += inside
            message.body_size += inside
            self._room = 0
            self._carry = None
            if state == CLOSE:
                return
            self._remaining -= inside
            self._chunk_ended = state == CHUNKS and not self._remaining
            if not self._remaining and (state == LENGTH or inside < length):
                self._end(message)
            if inside == length:
                return
        self._carry = None
        if self.state != STOPPED:
            self._lose()

    def close(self, how: str) -> None:
        """Hear that nothing more comes: finish what is being read. how: see Closing."""
        message, ending = self._message, ENDINGS.get(how, how)
        if message is None or self.state == TRAILER:
            self._abandon(f"the {self._name} header is cut short: {ending}")
        else:
            if self.state == LENGTH:
                note(message, f"{self._remaining} bytes missing at the end of the {self._name} body: {ending}")
            elif self.state == CHUNKS or how == "reset":
                note(message, f"the end of the {self._name} body is missing: {ending}")
            self._end(message)
        self.state = STOPPED

    def settle(self) -> None:
        """Take a waiting line as a whole HTTP/0.9 request: the server has begun to answer."""
        if self.partial and self._carry is not None:
            line, end, more = self._carry.data.partition(b"\n")
            found = self._lines[line.removesuffix(b"\r")] if end and not more.strip(b"\r\n") else None
            if found is not None and not found.version:
                self._abandon("")

    def release(self) -> None:
        """Go on after a HOLD that came to nothing."""
        if self.state == HELD:
            self.state = HEAD
            if self._carry is not None:
                self._run(self._carry.data, self._carry)

    def stop(self) -> list[Piece]:
        """Read no more, and give back what was not read."""
        self.state = STOPPED
        rest, self._unread = self._unread, []
        if self._carry is not None:
            rest = self._carry.rest()
            self._carry = None
        return rest

    def _run(self, data: bytes, source: Source) -> None:
        """Read as far as the data goes, and carry what cannot be read yet."""
        position, end, self._start = 0, len(data), 0
        while position < end:
            following = _STEPS[self.state](self, data, position, source)
            if following < 0:
                break
            position = following
        if self._message is not None:
            self._extend(self._message, source, position)
        if position >= end:
            self._carry = None
        elif isinstance(source, StreamBuffer):
            source.consume(position)
        elif self.state == STOPPED:
            self._unread = piece_rest(source, position)
        else:
            self._carry = StreamBuffer(self._direction)
            self._carry.append(source)
            self._carry.consume(position)

    def _read_head(self, data: bytes, position: int, source: Source) -> int:
        if data[position] in b"\r\n":
            return position + 1
        line_end = data.find(b"\n", position)
        stop = -1
        if line_end >= 0 and data[line_end - 1] == 13:
            stop = data.find(b"\r\n\r\n", position + self._scanned, position + HEADER_LIMIT)
        body = stop + 4
        if stop < 0 <= line_end:
            blank = _BLANK_LINE.search(data, position + self._scanned, position + HEADER_LIMIT)
            stop, body = blank.span() if blank is not None else (-1, -1)
        line = self._line
        if line is None and line_end >= 0:
            line = self._lines[data[position:line_end].rstrip(b"\r")]
        if line is None and (line_end >= 0 or not is_plausible(self._direction, data, position)):
            return self._stray(position, source)
        if stop < 0:
            return self._wait(data, position, source, line)
        self.synced, self._start, self._scanned, self._line = True, position, 0, None
        message: Message[Line] = Message(line, self._heads[data[line_end + 1 : stop]], body - position)
        length = self._begun(message)
        if not 0 <= length <= len(data) - body:
            self._follow(message, length, source, body)
            return body
        if length:
            message.body, message.body_size = data[body : body + min(length, self._limit)], length
        message.span = span_of(source, position, body + length)
        message.done = True
        self._finished(message)
        return body + length

    def _wait(self, data: bytes, position: int, source: Source, line: Line | None) -> int:
        """Wait for the rest of a header, remembering what was looked at already."""
        if len(data) - position > HEADER_LIMIT:
            self._cut_head(data[position:], source, position, f"the {self._name} header is over {HEADER_LIMIT} bytes")
            self._lose()
            return len(data)
        self._scanned, self._line = max(0, len(data) - position - 3), line
        return -1

    def _follow(self, message: Message[Line], length: int, source: Source, body: int) -> None:
        """Go on behind a header with what follows it."""
        if length > 0 or length in {CHUNKED, UNTIL_CLOSE}:
            self.state = LENGTH if length > 0 else CHUNKS if length == CHUNKED else CLOSE
            self._message, self._remaining, self._room = message, max(length, 0), self._limit
            self._chunk_ended = False
            return
        self._end(message, source, body)
        if length == TUNNEL:
            self.state = STOPPED
        elif length == HOLD:
            self.state = HELD
        elif length == LOST:
            self._lose()

    def _stray(self, position: int, source: Source) -> int:
        """Deal with bytes that begin no message: at the expected place they are one that cannot be read."""
        if not self.synced:
            self._lose()
            return position + 1
        self._start = position
        message: Message[Line] = Message(None, Head({}))
        length = UNTIL_CLOSE if self._begun(message) == UNTIL_CLOSE else LOST
        if length == LOST:
            note(message, f"no {self._name} line at {self._name} stream offset {source.offset + position}")
        self._follow(message, length, source, position + 1 if length == LOST else position)
        return position

    def _read_length(self, data: bytes, position: int, source: Source) -> int:
        message = self._message
        assert message is not None
        if not message.body_size and self._name == "request" and self._overtaken() and is_request(data[position:]):
            self._end(message)
            return position
        stop = min(len(data), position + self._remaining)
        self._keep(message, data, position, stop)
        self._remaining -= stop - position
        if not self._remaining:
            self._end(message, source, stop)
        return stop

    def _read_chunks(self, data: bytes, position: int, source: Source) -> int:
        """Read chunk sizes and chunks (RFC 9112 section 7.1) as far as they go."""
        message = self._message
        assert message is not None
        begin = position
        while position < len(data):
            if self._remaining:
                stop = min(len(data), position + self._remaining)
                self._keep(message, data, position, stop)
                self._remaining -= stop - position
                self._chunk_ended = not self._remaining
                position = stop
                continue
            line_end = data.find(b"\n", position, position + CHUNK_LINE_LIMIT)
            if line_end < 0 and len(data) - position < CHUNK_LINE_LIMIT:
                break
            line = data[position:line_end] if line_end >= 0 else b"?"
            size = _CHUNK_SIZE.match(line)
            if self._chunk_ended and line in {b"", b"\r"}:
                self._chunk_ended = False
            elif self._chunk_ended or size is None:
                note(message, f"no chunk size in the {self._name} body at offset {message.body_size}")
                self._end(message, source, position)
                self._lose()
                return position
            elif not (length := int(size[1], 16)):
                self.state = TRAILER
                return line_end + 1
            else:
                self._remaining = length
            position = line_end + 1
        return position if position > begin else -1

    def _read_trailer(self, data: bytes, position: int, source: Source) -> int:
        message = self._message
        assert message is not None
        line_end = data.find(b"\n", position)
        if line_end < 0 and len(data) - position < CHUNK_LINE_LIMIT:
            return -1
        line = data[position:line_end].removesuffix(b"\r") if line_end >= 0 else b""
        self._room -= len(line)
        if line and self._room > -CHUNK_LINE_LIMIT:
            if message.trailers is None:
                message.trailers = {}
            message.trailers.update(self._heads[line].headers)
            return line_end + 1
        self._end(message, source, max(line_end + 1, position))
        return max(line_end + 1, position)

    def _read_close(self, data: bytes, position: int, source: Source) -> int:
        message = self._message
        assert message is not None
        if position == 0 and message.body_size and self._overtaken() and is_status(data):
            self._end(message)
            return position
        self._keep(message, data, position, len(data))
        return len(data)

    def _seek(self, data: bytes, position: int, source: Source) -> int:
        """Look for the next start line, keeping what may be the beginning of one."""
        if (start := find_start(self._direction, data, position)) >= 0:
            self.state = HEAD
            return start
        kept = max(position, len(data) - TAIL)
        return kept if kept > position else -1

    def _hold(self, data: bytes, position: int, source: Source) -> int:
        if len(data) - position > HEADER_LIMIT:
            self._lose()
            return position
        return -1

    def _keep(self, message: Message[Line], data: bytes, start: int, stop: int) -> None:
        """Count body bytes, and keep them while there is room."""
        message.body_size += stop - start
        if self._room > 0:
            part = data[start : min(stop, start + self._room)]
            self._parts.append(part)
            self._room -= len(part)

    def _extend(self, message: Message[Line], source: Source, stop: int) -> None:
        """Add the bytes from where the message, or this piece, begins to its evidence."""
        if stop > self._start:
            span = span_of(source, self._start, stop)
            message.span = span if message.span is None else join(message.span, span)
            self._start = stop

    def _end(self, message: Message[Line], source: Source | None = None, stop: int = 0) -> None:
        """Give a message away, with the bytes up to `stop` as the last of its evidence."""
        if source is not None:
            self._extend(message, source, stop)
        parts = self._parts
        if parts:
            message.body = parts[0] if len(parts) == 1 else b"".join(parts)
            self._parts = []
        message.done = True
        if message.missing and message.span is not None:
            message.span = message.span._replace(missing=message.missing)
        self._message = None
        self.state = HEAD
        self._finished(message)

    def _abandon(self, reason: str) -> None:
        """Give what was read of a message whose rest will not come."""
        carry, self._carry = self._carry, None
        if self._message is not None:
            note(self._message, reason.replace(f"{self._name} header", f"{self._name} trailer"))
            self._end(self._message)
        elif carry is not None and self.state == HEAD:
            self._cut_head(carry.data, carry, 0, reason)

    def _cut_head(self, data: bytes, source: Source, position: int, reason: str) -> None:
        """Give a message that ends within its header, if its start line can be read."""
        line_end = data.find(b"\n")
        line = self._lines[data[:line_end].removesuffix(b"\r")] if line_end >= 0 else None
        self._scanned, self._line = 0, None
        if line is None:
            return
        block = data[line_end + 1 : max(line_end, data.rfind(b"\n"))].removesuffix(b"\r")
        message: Message[Line] = Message(line, self._heads[block], len(data), malformed=reason)
        self._begun(message)
        self._start = position
        self._end(message, source, position + len(data))

    def _lose(self) -> None:
        self.synced, self._scanned, self._line = False, 0, None
        self.state = SEEK


_STEPS: tuple[Callable[[MessageReader[Any], bytes, int, Source], int], ...] = (
    MessageReader._read_head,
    MessageReader._read_length,
    MessageReader._read_chunks,
    MessageReader._read_trailer,
    MessageReader._read_close,
    MessageReader._seek,
    MessageReader._hold,
    lambda reader, data, position, source: -1,
)
