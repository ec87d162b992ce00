"""Out-of-order bytes of one direction: held by stream offset without overlap, the first copy of a byte wins."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from operator import ne
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubeshark_mcp.stream.limits import Counters

SEGMENT_COST = 256
"""Bytes charged for holding a segment, beside its data: so that many small ones are bounded too."""


@dataclass(slots=True)
class Segment:
    """Payload of one packet: `data` at stream `offset`, then `missing` bytes that the snap length cut off.

    needs: offset of the other direction that the sender had received; the bytes before it travelled first.
    """

    offset: int
    data: bytes | memoryview
    missing: int
    needs: int
    number: int
    time: int

    @property
    def end(self) -> int:
        """Offset behind the segment."""
        return self.offset + len(self.data) + self.missing

    def between(self, start: int, end: int) -> Segment:
        """Give the part of the segment in [start, end), which must lie in it."""
        head, size = start - self.offset, end - start
        data = self.data[head : head + size]
        return replace(self, offset=start, data=data, missing=size - len(data))


class Holding:
    """Segments of one direction that cannot be joined yet, ascending."""

    def __init__(self) -> None:
        self.bytes = 0
        """What they cost, in bytes."""
        self._offsets: list[int] = []
        self._segments: list[Segment] = []

    def __len__(self) -> int:
        return len(self._segments)

    @property
    def head(self) -> Segment | None:
        """The segment with the lowest offset."""
        return self._segments[0] if self._segments else None

    def pop(self) -> Segment:
        """Take the segment with the lowest offset."""
        segment = self._segments.pop(0)
        del self._offsets[0]
        self.bytes -= len(segment.data) + SEGMENT_COST
        return segment

    def clear(self) -> None:
        """Hold nothing any more."""
        self.bytes = 0
        self._offsets.clear()
        self._segments.clear()

    def put(self, segment: Segment, counters: Counters) -> None:
        """Hold those bytes of `segment` that are not held yet (copied); compare the others with what is held."""
        if not self._segments or segment.offset >= self._segments[-1].end:
            self._append(segment)
            return
        for start, end in list(self._uncovered(segment, counters)):
            part = segment.between(start, end)
            part.data = bytes(part.data)
            place = bisect_left(self._offsets, start)
            self._offsets.insert(place, start)
            self._segments.insert(place, part)
            self.bytes += len(part.data) + SEGMENT_COST

    def _append(self, segment: Segment) -> None:
        segment.data = bytes(segment.data)
        self._offsets.append(segment.offset)
        self._segments.append(segment)
        self.bytes += len(segment.data) + SEGMENT_COST

    def _uncovered(self, segment: Segment, counters: Counters) -> Iterator[tuple[int, int]]:
        """Give the ranges of `segment` between the held ones, and count the rest as duplicate."""
        place = max(bisect_right(self._offsets, segment.offset) - 1, 0)
        position, end = segment.offset, segment.end
        while position < end and place < len(self._segments):
            held = self._segments[place]
            if held.offset >= end:
                break
            if held.offset > position:
                yield position, held.offset
            overlap_start, overlap_end = max(position, held.offset), min(held.end, end)
            if overlap_end > overlap_start:
                _compare(held, segment, overlap_start, overlap_end, counters)
            position = max(position, held.end)
            place += 1
        if position < end:
            yield position, end


def _compare(held: Segment, again: Segment, start: int, end: int, counters: Counters) -> None:
    first = bytes(held.between(start, end).data)
    second = bytes(again.between(start, end).data)
    counters.duplicate_bytes += len(second)
    if first != second:
        counters.conflicting_bytes += sum(map(ne, first, second))
