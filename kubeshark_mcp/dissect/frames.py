"""Messages whose header tells their length, cut out of one direction; of a long one only the beginning is kept."""

from __future__ import annotations

from kubeshark_mcp.dissect.buffer import StreamBuffer, join
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Direction, Span

HELD = 64 * 1024
"""Bytes of a message that are kept; the rest of it is passed over and counted."""


class Frame:
    """A whole message, or several that lie behind each other.

    body: its first bytes, header included, at most HELD; empty for several. size: all of its bytes.
    side: where its bytes still are, None when they were dropped. offset: of its first byte in the stream.
    """

    __slots__ = ("_span", "body", "offset", "side", "size")

    def __init__(
        self, body: bytes, span: Span | None, size: int, side: FrameSide | None = None, offset: int = 0
    ) -> None:
        self.body = body
        self.size = size
        self.side = side
        self.offset = span.offset if span is not None else offset
        self._span = span

    @property
    def span(self) -> Span:
        """Give its evidence. Most messages are never asked for theirs alone, and looking it up is not free."""
        if self._span is None and self.side is not None:
            start = self.offset - self.side.buffer.offset
            self._span = self.side.buffer.span(start, start + self.size)
        return self._span or Span(self.offset, self.size, 0, 0, 0, 0)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Frame):
            return NotImplemented
        return (self.body, self.span, self.size) == (other.body, other.span, other.size)

    __hash__ = None  # type: ignore[assignment]


class FrameError(ValueError):
    """Bytes that begin no message. position: of the first of them. The text says what is wrong, without the place."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.position = position


class FrameSide:
    """One direction: its unread bytes, and what is known of a long message that has not ended.

    lost: bytes were missing or unreadable, and no message has begun since. left: bytes still to come of a long message.
    gathering: who took messages out of the bytes that are in the buffer now.
    """

    __slots__ = ("_first", "_head", "_size", "buffer", "gathering", "left", "lost")

    def __init__(self, direction: Direction) -> None:
        self.buffer = StreamBuffer(direction)
        self.lost = False
        self.gathering: list[Gatherer] = []
        self.forget()

    def forget(self) -> None:
        """Be between messages."""
        self.left = self._size = 0
        self._head = b""
        self._first: Span | None = None

    def whole(self, data: bytes, start: int, end: int) -> Frame:
        """Give the message that lies in data[start:end]."""
        return Frame(data[start : min(end, start + HELD)], None, end - start, self, self.buffer.offset + start)

    def run(self, start: int, end: int) -> Frame:
        """Give messages that lie in data[start:end], of which only their number matters."""
        return Frame(b"", None, end - start, self, self.buffer.offset + start)

    def consume(self, length: int) -> None:
        """Forget the first `length` bytes; who took messages out of them keeps what they need."""
        for gatherer in self.gathering:
            gatherer.settle()
        self.gathering.clear()
        self.buffer.consume(length)

    def wait(self, data: bytes, start: int, size: int) -> int:
        """Take what is there of an unfinished message of `size` bytes; give where unread bytes begin.

        A short one waits in the buffer. Of a long one the beginning is kept, `left` says what is still to come.
        """
        end = len(data)
        if end - start <= HELD:
            return start
        self._head, self._size = data[start : start + HELD], size
        self._first = self.buffer.span(start, end)
        self.left = size - (end - start)
        return end

    def go_on(self, data: bytes) -> tuple[int, Frame | None]:
        """Pass over the rest of a long message; give where that ends, and the message once it is whole."""
        end = min(self.left, len(data))
        if not end or self._first is None:
            return 0, None
        self._first = join(self._first, self.buffer.span(0, end))
        self.left -= end
        if self.left:
            return end, None
        frame = Frame(self._head, self._first, self._size)
        self.forget()
        return end, frame

    def unfinished(self) -> Frame | None:
        """Give what is there of a message that will not be finished, and forget it."""
        frame = None
        if self._first is not None:
            frame = Frame(self._head, self._first, self._size - self.left)
        elif data := self.buffer.data:
            frame = Frame(data[:HELD], self.buffer.span(0, len(data)), len(data))
        self.buffer.clear()
        self.forget()
        return frame


class Gatherer:
    """An entry on its way, that messages of both sides are added to.

    What lies behind each other in the same direction is noted as a range, and looked at once.
    """

    __slots__ = ("_begin", "_end", "_limit", "_shown", "_side", "entry", "heard", "size")

    def __init__(self, entry: Entry, limit: int) -> None:
        self.entry = entry
        self.size = 0
        self.heard = False
        self._limit = min(limit, HELD)
        self._side: FrameSide | None = None
        self._begin = self._end = 0
        self._shown = True

    def ask(self, frame: Frame, *, shown: bool = True) -> None:
        """Add messages of the client. shown: their bytes may be kept as a body."""
        self.size += frame.size
        self._gather(frame, Direction.CLIENT, shown)

    def hear(self, frame: Frame, *, shown: bool = True) -> None:
        """Add messages of the server. shown: their bytes may be kept as a body."""
        self.heard = True
        side, offset = frame.side, frame.offset
        if side is not None and side is self._side and offset == self._end and shown is self._shown:
            self._end = offset + frame.size
        else:
            self._gather(frame, Direction.SERVER, shown)

    def settle(self) -> None:
        """Write the noted range into the entry, while its bytes are in the buffer."""
        side = self._side
        if side is None:
            return
        self._side = None
        buffer = side.buffer
        start, end = self._begin - buffer.offset, self._end - buffer.offset
        body = buffer.data[start : min(end, start + self._limit)] if self._shown else b""
        self._add(buffer.direction, buffer.span(start, end), body)

    def _gather(self, frame: Frame, direction: Direction, shown: bool) -> None:
        side = frame.side
        if side is not None and side is self._side and frame.offset == self._end and shown is self._shown:
            self._end += frame.size
            return
        self.settle()
        if side is None:
            self._add(direction, frame.span, frame.body[: self._limit] if shown else b"")
            return
        self._side, self._shown = side, shown
        self._begin, self._end = frame.offset, frame.offset + frame.size
        side.gathering.append(self)

    def _add(self, direction: Direction, span: Span, body: bytes) -> None:
        entry = self.entry
        if direction is Direction.CLIENT:
            entry.request = span if entry.request is None else join(entry.request, span)
            entry.request_body = entry.request_body + body[: self._limit - len(entry.request_body)]
        else:
            entry.response = span if entry.response is None else join(entry.response, span)
            entry.response_body = entry.response_body + body[: self._limit - len(entry.response_body)]
