"""Bytes of one direction that are not consumed yet, with the packets they came in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO

from kubeshark_mcp.model.stream import Direction, Piece, Span

_new_span: Callable[[tuple[int, int, int, int, int, int, int]], Span] = partial(tuple.__new__, Span)
"""Makes a span of all its values: every message makes one, and this takes half the time of calling `Span`."""


class StreamBuffer:
    """Joins pieces of one direction and answers where a byte range came from.

    `data` holds the unconsumed bytes, `offset` the stream offset of data[0]. Appending is cheap however small the
    pieces are. Taking `data` after a `consume` copies what is left, so read all whole messages by position, then
    `consume` once. Let go of `data` before the next `append`, or that append copies.

    Most pieces hold whole messages only: a piece that comes to an empty buffer is kept as it is, and is joined with
    others once there are others.
    """

    __slots__ = ("_bytes", "_consumed", "_length", "_numbers", "_piece", "_starts", "_times", "direction", "offset")

    def __init__(self, direction: Direction) -> None:
        self.direction = direction
        self.offset = 0
        self._piece: Piece | None = None
        self._bytes: BytesIO | None = None
        self._consumed = self._length = 0
        self._starts: list[int] = []
        self._numbers: list[int] = []
        self._times: list[int] = []

    @property
    def data(self) -> bytes:
        """Give the unconsumed bytes.

        BytesIO hands out its own bytes object while nobody else holds it, and grows it in place: a peer that sends
        single bytes costs no copy of all that is waiting for each of them.
        """
        if self._length == self._consumed:
            return b""
        if self._piece is not None and not self._consumed:
            return self._piece.data
        if self._consumed or self._bytes is None:
            self._bytes = self._joined()
        return self._bytes.getvalue()

    def __len__(self) -> int:
        return self._length - self._consumed

    def append(self, piece: Piece) -> None:
        """Add the piece behind what is here; the caller has dealt with a gap before (see `clear`)."""
        if self._length == self._consumed:
            self._piece, self._bytes = piece, None
            self._consumed, self._length, self.offset = 0, len(piece.data), piece.offset
            return
        if self._consumed:
            self._forget_packets()
        if self._piece is not None or self._bytes is None:
            self._bytes = self._joined()
        self._length += self._bytes.write(piece.data)
        self._starts += [piece.offset + start for start in piece.starts]
        self._numbers += piece.packets
        self._times += piece.times

    def consume(self, length: int) -> None:
        """Forget the first `length` bytes."""
        length = min(length, self._length - self._consumed)
        self.offset += length
        self._consumed += length

    def clear(self) -> None:
        """Forget everything, as after a gap."""
        self._piece = self._bytes = None
        self._consumed = self._length = 0

    def span(self, start: int, end: int) -> Span:
        """Give the evidence of the bytes data[start:end] (positions in `data`, end excluded, end > start)."""
        if self._piece is not None:
            return piece_span(self._piece, start + self._consumed, end + self._consumed)
        begin, stop = self.offset + start, self.offset + end
        first = max(0, bisect_right(self._starts, begin) - 1)
        last = max(first, bisect_right(self._starts, stop - 1) - 1)
        return _span(begin, stop - begin, self._numbers[first : last + 1], self._times[first : last + 1])

    def packets(self, start: int, end: int) -> Packets:
        """Give the packets of data[start:end]: where in that range each begins, their numbers and times."""
        if self._piece is not None:
            return packets_of(self._piece, start + self._consumed, end + self._consumed)
        begin, stop = self.offset + start, self.offset + end
        first = max(0, bisect_right(self._starts, begin) - 1)
        last = max(first, bisect_right(self._starts, stop - 1) - 1) + 1
        starts = [max(0, position - begin) for position in self._starts[first:last]]
        return starts, self._numbers[first:last], self._times[first:last]

    def rest(self) -> list[Piece]:
        """Give the unconsumed bytes as a piece again, for a hand-over; empty when there are none."""
        if not len(self):
            return []
        if self._piece is not None:
            return piece_rest(self._piece, self._consumed)
        self._forget_packets()
        starts = [max(0, start - self.offset) for start in self._starts]
        return [Piece(self.direction, self.data, self.offset, 0, starts, list(self._numbers), list(self._times))]

    def _joined(self) -> BytesIO:
        """Give the unconsumed bytes as a stream that others can be written to."""
        kept = b"" if self._bytes is None else self._bytes.getvalue()[self._consumed :]
        if self._piece is not None:
            piece, self._piece = self._piece, None
            kept = piece.data[self._consumed :]
            self._starts = [piece.offset + start for start in piece.starts]
            self._numbers, self._times = list(piece.packets), list(piece.times)
            self._forget_packets()
        self._consumed, self._length = 0, len(kept)
        joined = BytesIO(kept)
        joined.seek(0, 2)
        return joined

    def _forget_packets(self) -> None:
        """Drop the packets that lie before the first unconsumed byte."""
        keep = bisect_right(self._starts, self.offset) - 1
        if keep > 0:
            del self._starts[:keep], self._numbers[:keep], self._times[:keep]


def join(first: Span, last: Span) -> Span:
    """Give the span from the start of one to the end of another of the same direction."""
    offset, _, first_packet, last_packet, start_ns, end_ns, missing = first
    return _new_span(
        (
            offset,
            last.offset + last.length - offset,
            min(first_packet, last.first_packet),
            max(last_packet, last.last_packet),
            min(start_ns, last.start_ns),
            max(end_ns, last.end_ns),
            missing + last.missing,
        )
    )


def piece_span(piece: Piece, start: int, end: int) -> Span:
    """Give the evidence of piece.data[start:end] (end excluded, end > start)."""
    starts = piece.starts
    if len(starts) == 1:
        number, time_ns = piece.packets[0], piece.times[0]
        return _new_span((piece.offset + start, end - start, number, number, time_ns, time_ns, 0))
    first = bisect_right(starts, start) - 1
    last = bisect_right(starts, end - 1, first + 1) - 1
    return _span(piece.offset + start, end - start, piece.packets[first : last + 1], piece.times[first : last + 1])


def _span(offset: int, length: int, numbers: Sequence[int], times: Sequence[int]) -> Span:
    """Packets may have come in another order than their bytes have."""
    if len(numbers) == 1:
        return _new_span((offset, length, numbers[0], numbers[0], times[0], times[0], 0))
    return _new_span((offset, length, min(numbers), max(numbers), min(times), max(times), 0))


def piece_rest(piece: Piece, start: int) -> list[Piece]:
    """Give what follows the first `start` bytes as a piece, for a hand-over; empty when nothing does."""
    if start >= len(piece.data):
        return []
    first = bisect_right(piece.starts, start) - 1
    starts = [max(0, begin - start) for begin in piece.starts[first:]]
    return [
        Piece(
            piece.direction,
            piece.data[start:],
            piece.offset + start,
            0,
            starts,
            piece.packets[first:],
            piece.times[first:],
        )
    ]


Source = Piece | StreamBuffer
"""Where bytes that are being read, and their packets, are."""


Packets = tuple[Sequence[int], Sequence[int], Sequence[int]]
"""Packets of a range: where in it each begins, their numbers and times."""


def packets_of(source: Source, start: int, end: int) -> Packets:
    """Give the packets of source.data[start:end] (end excluded, end > start)."""
    if isinstance(source, StreamBuffer):
        return source.packets(start, end)
    first = bisect_right(source.starts, start) - 1
    last = bisect_right(source.starts, end - 1, first + 1)
    starts = [max(0, begin - start) for begin in source.starts[first:last]]
    return starts, source.packets[first:last], source.times[first:last]


def span_of(source: Source, start: int, end: int) -> Span:
    """Give the evidence of the bytes source.data[start:end] (end excluded, end > start)."""
    return piece_span(source, start, end) if isinstance(source, Piece) else source.span(start, end)
