"""Messages whose header tells their length, cut out of one direction; of a long one only the beginning is kept."""

from __future__ import annotations

from typing import NamedTuple

from kubeshark_mcp.dissect.buffer import StreamBuffer, join
from kubeshark_mcp.model.stream import Direction, Span

HELD = 64 * 1024
"""Bytes of a message that are kept; the rest of it is passed over and counted."""


class Frame(NamedTuple):
    """A whole message. body: its first bytes, header included, at most HELD. size: all of its bytes."""

    body: bytes
    span: Span
    size: int


class FrameError(ValueError):
    """Bytes that begin no message. position: of the first of them. The text says what is wrong, without the place."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.position = position


class FrameSide:
    """One direction: its unread bytes, and what is known of a long message that has not ended.

    lost: bytes were missing or unreadable, and no message has begun since. left: bytes still to come of a long message.
    """

    __slots__ = ("_first", "_head", "_size", "buffer", "left", "lost")

    def __init__(self, direction: Direction) -> None:
        self.buffer = StreamBuffer(direction)
        self.lost = False
        self.forget()

    def forget(self) -> None:
        """Be between messages."""
        self.left = self._size = 0
        self._head = b""
        self._first: Span | None = None

    def whole(self, data: bytes, start: int, end: int) -> Frame:
        """Give the message that lies in data[start:end]."""
        return Frame(data[start : min(end, start + HELD)], self.buffer.span(start, end), end - start)

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
            frame = self.whole(data, 0, len(data))
        self.buffer.clear()
        self.forget()
        return frame
