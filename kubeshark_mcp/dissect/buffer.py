"""Bytes of one direction that are not consumed yet, with the packets they came in."""

from __future__ import annotations

from bisect import bisect_right

from kubeshark_mcp.model.stream import Direction, Piece, Span


class StreamBuffer:
    """Joins pieces of one direction and answers where a byte range came from.

    `data` holds the unconsumed bytes, `offset` the stream offset of data[0]. Appending to an empty buffer copies
    nothing; so read all whole messages by position, then `consume` once.
    """

    __slots__ = ("_numbers", "_starts", "_times", "data", "direction", "offset")

    def __init__(self, direction: Direction) -> None:
        self.direction = direction
        self.data = b""
        self.offset = 0
        self._starts: list[int] = []
        self._numbers: list[int] = []
        self._times: list[int] = []

    def __len__(self) -> int:
        return len(self.data)

    def append(self, piece: Piece) -> None:
        """Add the piece behind what is here; the caller has dealt with a gap before (see `clear`)."""
        if not self.data:
            self.data, self.offset = piece.data, piece.offset
            self._starts = [piece.offset + start for start in piece.starts]
            self._numbers, self._times = list(piece.packets), list(piece.times)
            return
        self.data += piece.data
        self._starts += [piece.offset + start for start in piece.starts]
        self._numbers += piece.packets
        self._times += piece.times

    def consume(self, length: int) -> None:
        """Forget the first `length` bytes."""
        self.offset += length
        self.data = self.data[length:]
        keep = bisect_right(self._starts, self.offset) - 1
        if keep > 0:
            del self._starts[:keep], self._numbers[:keep], self._times[:keep]

    def clear(self) -> None:
        """Forget everything, as after a gap."""
        self.data = b""

    def span(self, start: int, end: int) -> Span:
        """Give the evidence of the bytes data[start:end] (positions in `data`, end excluded, end > start)."""
        begin, stop = self.offset + start, self.offset + end
        first = max(0, bisect_right(self._starts, begin) - 1)
        last = max(first, bisect_right(self._starts, stop - 1) - 1)
        return Span(
            begin,
            stop - begin,
            self._numbers[first],
            self._numbers[last],
            self._times[first],
            self._times[last],
        )

    def rest(self) -> list[Piece]:
        """Give the unconsumed bytes as a piece again, for a hand-over; empty when there are none."""
        if not self.data:
            return []
        first = max(0, bisect_right(self._starts, self.offset) - 1)
        starts = [max(0, start - self.offset) for start in self._starts[first:]]
        return [Piece(self.direction, self.data, self.offset, 0, starts, self._numbers[first:], self._times[first:])]


def join(first: Span, last: Span) -> Span:
    """Give the span from the start of one to the end of another of the same direction."""
    return Span(
        first.offset,
        last.offset + last.length - first.offset,
        first.first_packet,
        last.last_packet,
        first.start_ns,
        last.end_ns,
        first.missing + last.missing,
    )
