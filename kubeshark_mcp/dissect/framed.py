"""Messages that say their own length: taken whole, cut where too long, found again after missing bytes."""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_left

from kubeshark_mcp.dissect.base import Context, Dissector
from kubeshark_mcp.dissect.buffer import StreamBuffer, join, piece_span
from kubeshark_mcp.model.stream import Closing, Direction, Piece, Span


class FrameError(Exception):
    """No message begins at `position` of what was looked at."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.position = position


class _Side:
    """One direction. lost: it is not known where a message begins.

    needed: bytes that the first message must have before it is worth another look. left: bytes to come of a message
    that is too long to be kept; `head` is what is kept of it, `span` what has come, `length` what it has in all.
    """

    __slots__ = ("buffer", "head", "left", "length", "lost", "needed", "span")

    def __init__(self, direction: Direction, *, lost: bool) -> None:
        self.buffer = StreamBuffer(direction)
        self.lost = lost
        self.needed = self.left = self.length = 0
        self.head = b""
        self.span: Span | None = None


class FramedDissector(Dissector):
    """Reads a protocol whose messages begin with their length. What a protocol adds are the abstract methods.

    A message longer than settings.message_limit is passed over; what was kept of it counts as cut.
    """

    HEADER = 4
    """Bytes at the beginning of a message that tell its length, or that it is none."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        lost = not context.connection.from_start
        self._sides = (_Side(Direction.CLIENT, lost=lost), _Side(Direction.SERVER, lost=lost))
        self._limit = context.settings.message_limit

    @abstractmethod
    def length_at(self, direction: Direction, data: bytes, position: int) -> int:
        """Give the length of the message at `position`, header included; 0 while too few bytes are there.

        Raises FrameError where no message begins.
        """

    @abstractmethod
    def begins_at(self, direction: Direction, data: bytes, start: int, stop: int) -> bool:
        """Tell whether a message begins with the packet data[start:stop], when the one before it is not known."""

    @abstractmethod
    def on_message(self, direction: Direction, data: bytes, start: int, stop: int, span: Span, cut: str) -> None:
        """Take the message data[start:stop]. cut: why that is not all of it, or empty."""

    @abstractmethod
    def on_unread(self, direction: Direction, data: bytes, span: Span, why: str) -> None:
        """Take bytes that are no message."""

    def on_piece(self, piece: Piece) -> None:
        """Take the messages that end in this piece; where none was unfinished, they are read out of it as it is."""
        direction, side = piece.direction, self._sides[piece.direction]
        position = 0
        if not (side.lost or side.left or len(side.buffer)):
            position = self._read_piece(direction, piece)
            if position == len(piece.data):
                return
            side.needed = 0
        side.buffer.append(piece)
        side.buffer.consume(position)
        self._drain(direction, side, piece)

    def _read_piece(self, direction: Direction, piece: Piece) -> int:
        """Take usual messages out of a piece; give where the first one begins that is unfinished, long or none."""
        length_at, on_message, limit = self.length_at, self.on_message, self._limit
        data = piece.data
        position, end = 0, len(data)
        try:
            while position < end:
                length = length_at(direction, data, position)
                stop = position + length
                if stop > end or not 0 < length <= limit:
                    break
                on_message(direction, data, position, stop, piece_span(piece, position, stop), "")
                position = stop
        except FrameError:
            return position
        return position

    def _drain(self, direction: Direction, side: _Side, piece: Piece) -> None:
        """Take the messages that end in the buffer, of which `piece` is the last."""
        if side.left:
            self._pass(direction, side)
        if side.left or len(side.buffer) < side.needed:
            return
        data = side.buffer.data
        packets = [len(data) - len(piece.data) + start for start in piece.starts]
        position = self._resume(direction, data, packets, 0) if side.lost else 0
        while position < len(data):
            try:
                after = self._read(direction, side, data, position)
            except FrameError as error:
                after = self._resume(direction, data, packets, position + 1)
                reason = f"{error} at byte {side.buffer.offset + error.position} of the stream"
                self.on_unread(direction, data[position:after], side.buffer.span(position, after), reason)
            if after < 0:
                break
            position = after
        del data
        side.buffer.consume(position)

    def on_gap(self, direction: Direction, length: int) -> None:
        """Keep what was read of a message; the next one is looked for at the beginning of a packet."""
        self._end(direction, f"{length} bytes are missing behind them")
        self._sides[direction].lost = True

    def on_close(self, closing: Closing) -> None:
        """Keep what was read of the last messages."""
        for direction in Direction:
            self._end(direction, "the capture ends" if closing.how == "end" else "the connection ends")

    def _read(self, direction: Direction, side: _Side, data: bytes, position: int) -> int:
        """Take the message at `position`; give its end, or -1 while it is not whole. Raises FrameError."""
        left = len(data) - position
        length = self.length_at(direction, data, position)
        kept = min(length, self._limit) or left + 1
        if left < kept:
            side.needed = kept
            return -1
        side.needed = 0
        end = position + length
        whole = min(end, len(data))
        span = side.buffer.span(position, whole)
        if length <= self._limit:
            self.on_message(direction, data, position, end, span, "")
            return end
        side.head, side.length, side.left, side.span = data[position : position + kept], length, end - whole, span
        if not side.left:
            self._take_head(direction, side)
        return whole

    def _pass(self, direction: Direction, side: _Side) -> None:
        """Pass over more of a message that is too long to be kept."""
        length = min(side.left, len(side.buffer))
        more = side.buffer.span(0, length)
        side.span = join(side.span, more) if side.span is not None else more
        side.buffer.consume(length)
        side.left -= length
        if not side.left:
            self._take_head(direction, side)

    def _take_head(self, direction: Direction, side: _Side, why: str = "") -> None:
        head, span = side.head, side.span
        side.head, side.span, side.left = b"", None, 0
        if span is not None:
            cut = f"{len(head)} of {side.length} bytes of the message were kept"
            self.on_message(direction, head, 0, len(head), span, f"{cut}: {why}" if why else cut)

    def _resume(self, direction: Direction, data: bytes, packets: list[int], after: int) -> int:
        """Give where a packet begins with a message, at `after` or behind it; the end of data when none does."""
        side = self._sides[direction]
        for index in range(bisect_left(packets, after), len(packets)):
            start = packets[index]
            stop = packets[index + 1] if index + 1 < len(packets) else len(data)
            if self.begins_at(direction, data, start, stop):
                side.lost = False
                return start
        side.lost = True
        return len(data)

    def _end(self, direction: Direction, why: str) -> None:
        """Take the message that is unfinished and stays so, if it is known what it is."""
        side = self._sides[direction]
        if side.left:
            self._take_head(direction, side, why)
        elif len(side.buffer) > self.HEADER and not side.lost:
            data = side.buffer.data
            cut = f"{len(data)} bytes of the message were seen: {why}"
            self.on_message(direction, data, 0, len(data), side.buffer.span(0, len(data)), cut)
        side.buffer.clear()
        side.needed = 0
