"""User messages out of DATA chunks: duplicates dropped, fragments joined in order, all of it bounded.

RFC 9260 sections 6.2 and 6.9: the fragments of a message have consecutive numbers (TSN; FSN with RFC 8260); the first
bears the flag B, the last one E. What is missing is never bridged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from kubeshark_mcp.dissect.wire_sctp import INIT, INIT_ACK, Chunk, Data, data_of
from kubeshark_mcp.model.stream import Datagram, Direction, Piece

AHEAD_LIMIT = 4096
"""Transmission sequence numbers beyond a missing one that are remembered; then the older half is given up."""

_HALF, _MASK = 1 << 31, (1 << 32) - 1

Place = tuple[tuple[int, ...], int]


@dataclass(slots=True)
class Part:
    """User data of one chunk with the packet that carried it."""

    data: bytes
    packet: int
    time_ns: int


@dataclass(slots=True)
class _Run:
    """Fragments of one message that follow on each other; `end` is the place behind the last."""

    start: Place
    end: Place
    parts: deque[Part] = field(default_factory=deque)
    first: bool = False
    last: bool = False
    payload: int = -1
    size: int = 0


class Sequence:
    """Which transmission sequence numbers of one direction were seen."""

    __slots__ = ("_ahead", "_next")

    def __init__(self) -> None:
        self._next: int | None = None
        self._ahead: set[int] = set()

    def begin(self, tsn: int) -> None:
        """Hear of the first number, from INIT or INIT ACK."""
        self._next, self._ahead = tsn, set()

    def is_new(self, tsn: int) -> bool:
        """Tell whether a number is seen for the first time; the first one of a direction always is."""
        if self._next is None:
            self._next = tsn
        if (tsn - self._next) & _MASK >= _HALF or tsn in self._ahead:
            return False
        self._ahead.add(tsn)
        if len(self._ahead) > AHEAD_LIMIT:
            ordered = sorted(self._ahead, key=self._distance)[AHEAD_LIMIT // 2 :]
            self._next, self._ahead = ordered[0], set(ordered)
        while self._next in self._ahead:
            self._ahead.discard(self._next)
            self._next = (self._next + 1) & _MASK
        return True

    def _distance(self, tsn: int) -> int:
        return (tsn - (self._next or 0)) & _MASK


class Reassembly:
    """Joins fragments of one direction. limit: bytes that are held; the oldest fragments are dropped beyond it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._by_start: dict[Place, _Run] = {}
        self._by_end: dict[Place, _Run] = {}

    def clear(self) -> None:
        """Forget all fragments: the association begins anew."""
        self._held = 0
        self._by_start.clear()
        self._by_end.clear()

    def add(self, data: Data, part: Part) -> tuple[int, list[Part]] | None:
        """Take the data of a new chunk; give (payload protocol, parts in order) when a message is whole."""
        if data.first and data.last:
            return data.payload, [part]
        place: Place = (data.group, data.number)
        if place in self._by_start:
            return None
        run = _Run(place, _after(place), deque((part,)), data.first, data.last, data.payload, len(part.data))
        self._held += run.size
        before = None if run.first else self._by_end.get(place)
        if before is not None and not before.last:
            run = self._join(before, run)
        behind = None if run.last else self._by_start.get(run.end)
        if behind is not None and not behind.first:
            run = self._join(run, behind)
        if run.first and run.last:
            self._remove(run)
            self._held -= run.size
            return run.payload, list(run.parts)
        self._by_start[run.start], self._by_end[run.end] = run, run
        self._shrink()
        return None

    def _join(self, before: _Run, behind: _Run) -> _Run:
        """Move the parts of the shorter run over to the longer one."""
        self._remove(before)
        self._remove(behind)
        if len(before.parts) >= len(behind.parts):
            before.parts.extend(behind.parts)
            parts = before.parts
        else:
            behind.parts.extendleft(reversed(before.parts))
            parts = behind.parts
        payload = before.payload if before.payload >= 0 else behind.payload
        size = before.size + behind.size
        return _Run(before.start, behind.end, parts, before.first, behind.last, payload, size)

    def _remove(self, run: _Run) -> None:
        self._by_start.pop(run.start, None)
        self._by_end.pop(run.end, None)

    def _shrink(self) -> None:
        while self._held > self._limit and self._by_start:
            oldest = next(iter(self._by_start.values()))
            self._remove(oldest)
            self._held -= oldest.size


def _after(place: Place) -> Place:
    return place[0], (place[1] + 1) & _MASK


@dataclass(frozen=True, slots=True)
class UserMessage:
    """One whole user message. payload: its payload protocol identifier."""

    direction: Direction
    payload: int
    parts: list[Part]

    def piece(self, offset: int) -> Piece:
        """Give the message as a piece of a stream that has `offset` bytes before it."""
        starts, at = [], 0
        for part in self.parts:
            starts.append(at)
            at += len(part.data)
        packets, times = [part.packet for part in self.parts], [part.time_ns for part in self.parts]
        return Piece(self.direction, b"".join([part.data for part in self.parts]), offset, 0, starts, packets, times)


class Association:
    """What both sides of an association send each other. limit: bytes of fragments that each direction may hold."""

    def __init__(self, limit: int) -> None:
        self._sequences = (Sequence(), Sequence())
        self._fragments = (Reassembly(limit), Reassembly(limit))

    def take(
        self, datagram: Datagram, chunks: Iterable[Chunk], wanted: Callable[[int], bool]
    ) -> tuple[list[UserMessage], int]:
        """Read the chunks of one packet; give the messages that are whole now, and how many chunks came again.

        wanted: tells by a payload protocol identifier (-1 unknown) whether user data are of interest.
        """
        direction, data = datagram.direction, datagram.data
        messages: list[UserMessage] = []
        repeated = 0
        for chunk in chunks:
            if chunk.kind in (INIT, INIT_ACK) and chunk.end - chunk.start >= 16:
                self._sequences[direction].begin(int.from_bytes(data[chunk.start + 12 : chunk.start + 16], "big"))
                self._fragments[direction].clear()
                continue
            found = data_of(data, chunk)
            if found is None:
                continue
            if not self._sequences[direction].is_new(found.tsn):
                repeated += 1
                continue
            if wanted(found.payload):
                part = Part(data[found.start : found.end], datagram.packet, datagram.time_ns)
                whole = self._fragments[direction].add(found, part)
                if whole is not None:
                    messages.append(UserMessage(direction, *whole))
        return messages, repeated
