"""One direction of an HTTP/2 connection, split into frames however the bytes were cut into pieces.

DATA passes as it comes, so that a large frame is never held; frames that nobody looks at are stepped over; all others
are held until they are whole, up to a limit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from kubeshark_mcp.dissect.buffer import Source, StreamBuffer, piece_rest, span_of
from kubeshark_mcp.dissect.wire_http2 import (
    CONTINUATION,
    DATA,
    END_STREAM,
    FRAME_LIMIT,
    GOAWAY,
    HEADER_SIZE,
    HEADERS,
    PADDED,
    PREFACE,
    PUSH_PROMISE,
    RST_STREAM,
    STREAM_MASK,
    find_frames,
    frame_fault,
    frame_name,
    read_header,
)
from kubeshark_mcp.model.stream import Direction, Piece, Span

HELD_LIMIT = 256 * 1024
"""Octets of a frame that is held whole; more than any server accepts as one header section."""

_HELD = frozenset(
    {
        HEADERS,
        RST_STREAM,
        PUSH_PROMISE,
        GOAWAY,
        CONTINUATION,
    }
)
_WITH_FIELDS = frozenset({HEADERS, PUSH_PROMISE, CONTINUATION})


@dataclass(slots=True)
class Frame:
    """A frame that is not DATA, and where it lies: source.data[start:end], header included.

    missing: octets at its end that no packet held.
    """

    kind: int
    flags: int
    stream: int
    payload: bytes
    source: Source
    start: int
    end: int
    missing: int = 0


class Listener(ABC):
    """Who takes what a reader finds."""

    @abstractmethod
    def frame(self, direction: Direction, frame: Frame) -> None:
        """Take a frame: HEADERS, CONTINUATION, PUSH_PROMISE, RST_STREAM or GOAWAY; the last two only when whole."""

    @abstractmethod
    def data(
        self, direction: Direction, stream: int, source: Source, where: tuple[int, int, int, int], end: bool
    ) -> None:
        """Take part of a DATA frame.

        where: (start, begin, stop, after): source.data[start:after] is what is here of it, header and padding included,
        source.data[begin:stop] its content. end: the stream ends here (END_STREAM).
        """

    @abstractmethod
    def data_missing(self, direction: Direction, stream: int, length: int, end: bool) -> None:
        """Hear that octets inside a DATA frame are missing, without the position being lost."""

    @abstractmethod
    def fault(self, direction: Direction, kind: int, stream: int, reason: str, header: Span) -> None:
        """Hear that a frame cannot be read and was stepped over. header: where its header is."""

    @abstractmethod
    def lost(self, direction: Direction, length: int) -> None:
        """Hear that `length` octets, and the frames in them, are missing or cannot be read."""


class FrameReader:
    """Reads the frames of one direction. synced: the first byte is the start of a frame, or of the preface."""

    __slots__ = (
        "_carry",
        "_direction",
        "_end",
        "_left",
        "_listener",
        "_need",
        "_padding",
        "_preface",
        "_stream",
        "_strict",
        "_synced",
    )

    def __init__(self, direction: Direction, listener: Listener, *, synced: bool) -> None:
        self._direction, self._listener = direction, listener
        self._preface = direction is Direction.CLIENT
        self._synced = synced
        self._strict = not synced
        self._carry: StreamBuffer | None = None
        self._need = self._left = self._padding = self._stream = 0
        self._end = False

    def feed(self, piece: Piece) -> None:
        """Take the bytes that follow on those before."""
        carry = self._carry
        if carry is None:
            used = self._run(piece.data, piece)
            if used < len(piece.data):
                self._carry = carry = StreamBuffer(self._direction)
                carry.append(piece_rest(piece, used)[0] if used else piece)
            return
        carry.append(piece)
        if len(carry) >= self._need:
            carry.consume(self._run(carry.data, carry))
            if not len(carry):
                self._carry = None

    def gap(self, length: int) -> None:
        """Hear that `length` bytes are missing before what comes next. Their two sides are never joined.

        Bytes missing inside DATA, or inside a frame that is stepped over, do not cost the position.
        """
        held = len(self._carry) if self._carry is not None else 0
        self._give_partial()
        self._carry, self._need = None, 0
        left = self._left
        if left >= length:
            self._left -= length
            if self._stream:
                content = max(0, min(length, left - self._padding))
                ended = self._end and not self._left
                self._listener.data_missing(self._direction, self._stream, content, ended)
            return
        self._left = self._stream = 0
        self._preface = False
        self._synced, self._strict = False, True
        self._listener.lost(self._direction, held + length - left)

    def close(self) -> None:
        """Hear that nothing more comes: hand on what is here of the last frame."""
        self._give_partial()
        self._carry = None

    def _give_partial(self) -> None:
        """Hand on the beginning of a frame with header fields; the rest of it becomes something to step over."""
        carry = self._carry
        if carry is None or not self._synced or len(carry) < HEADER_SIZE:
            return
        data = carry.data
        high, low, kind, flags, stream = read_header(data, 0)
        missing = HEADER_SIZE + (high << 16 | low) - len(data)
        if kind in _WITH_FIELDS and missing > 0:
            frame = Frame(kind, flags, stream & STREAM_MASK, data[HEADER_SIZE:], carry, 0, len(data), missing)
            self._listener.frame(self._direction, frame)
            self._left, self._stream, self._padding = missing, 0, 0

    def _run(self, data: bytes, source: Source) -> int:
        """Read what is whole; give the number of bytes read. `_need` bytes are wanted before the next attempt."""
        position, size = 0, len(data)
        self._need = 0
        if self._preface and not self._left:
            position = self._skip_preface(data)
            if position < 0:
                return 0
        if self._left:
            position = self._pass(source, position, position, size)
        while position < size:
            if not self._synced:
                position, self._synced = self._seek(data, position)
                if not self._synced:
                    return position
            after = self._read(data, source, position, size)
            if after < 0:
                return position
            position = after
        return position

    def _skip_preface(self, data: bytes) -> int:
        """Give the position behind the preface, 0 when there is none, -1 when it is not whole yet."""
        if PREFACE.startswith(data[: len(PREFACE)]):
            if len(data) < len(PREFACE):
                self._need = len(PREFACE)
                return -1
            self._synced = True
            self._preface = False
            return len(PREFACE)
        self._preface = False
        return 0

    def _seek(self, data: bytes, position: int) -> tuple[int, bool]:
        found, certain = find_frames(data, position)
        if found > position:
            self._listener.lost(self._direction, found - position)
        if not certain and len(data) - found >= HEADER_SIZE:
            self._need = 2 * HEADER_SIZE + (data[found + 1] << 8 | data[found + 2])
        return found, certain

    def _read(self, data: bytes, source: Source, position: int, size: int) -> int:
        """Read the frame at `position`; give the position behind what was read of it, -1 when it is not whole."""
        if size - position < HEADER_SIZE:
            self._need = HEADER_SIZE
            return -1
        high, low, kind, flags, stream = read_header(data, position)
        length: int = high << 16 | low
        stream &= STREAM_MASK
        begin = position + HEADER_SIZE
        if reason := frame_fault(length, kind, stream):
            return self._stumble(source, position, (length, kind, stream), reason, size)
        if kind == DATA:
            return self._begin_data(data, source, position, (length, flags, stream), size)
        if kind not in _HELD:
            if kind > CONTINUATION and length > FRAME_LIMIT:
                return self._stumble(source, position, (length, kind, stream), _too_long(kind, length), size)
            return self._step_over(begin, length, size)
        if length > HELD_LIMIT:
            return self._stumble(source, position, (length, kind, stream), _too_long(kind, length), size)
        end = begin + length
        if end > size:
            self._need = end - position
            return -1
        frame = Frame(kind, flags, stream, data[begin:end], source, position, end)
        self._listener.frame(self._direction, frame)
        return end

    def _stumble(self, source: Source, position: int, head: tuple[int, int, int], reason: str, size: int) -> int:
        """Step over a frame that breaks the rules; look for the next one where the position is in doubt."""
        length, kind, stream = head
        if self._strict or length > HELD_LIMIT:
            self._synced, self._strict = False, True
            self._listener.lost(self._direction, HEADER_SIZE)
            return position + HEADER_SIZE
        self._fault(source, position, kind, stream, reason)
        return self._step_over(position + HEADER_SIZE, length, size)

    def _fault(self, source: Source, position: int, kind: int, stream: int, reason: str) -> None:
        where = f"{reason}, at offset {source.offset + position}"
        span = span_of(source, position, position + HEADER_SIZE)
        self._listener.fault(self._direction, kind, stream, where, span)

    def _step_over(self, begin: int, length: int, size: int) -> int:
        end = begin + length
        if end <= size:
            return end
        self._left, self._stream, self._padding = end - size, 0, 0
        return size

    def _begin_data(self, data: bytes, source: Source, start: int, head: tuple[int, int, int], size: int) -> int:
        length, flags, stream = head
        begin, padding = start + HEADER_SIZE, 0
        if flags & PADDED and length:
            if begin == size:
                self._need = HEADER_SIZE + 1
                return -1
            padding = data[begin]
            begin, length = begin + 1, length - 1
            if padding > length:
                self._fault(source, start, DATA, stream, f"{padding} octets of padding in {length}")
                padding = 0
        self._left, self._padding, self._stream = length, padding, stream
        self._end = bool(flags & END_STREAM)
        return self._pass(source, start, begin, size)

    def _pass(self, source: Source, start: int, begin: int, size: int) -> int:
        """Hand on what is here of a payload."""
        left = self._left
        take = min(left, size - begin)
        self._left = rest = left - take
        if self._stream:
            stop = begin + max(0, min(take, left - self._padding))
            after = begin + take
            if after > start:
                ended = self._end and not rest
                self._listener.data(self._direction, self._stream, source, (start, begin, stop, after), ended)
        return begin + take


def _too_long(kind: int, length: int) -> str:
    return f"a {frame_name(kind)} frame of {length} octets, more than anybody sends"
