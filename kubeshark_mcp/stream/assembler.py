"""TCP reassembly of one connection, packet by packet: for what is not in plain order (RFC 9293 section 3.10).

The connections whose packets arrive in order never come here; they are joined as columns (`joining`). Both give the
same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from kubeshark_mcp.model.packet import TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN
from kubeshark_mcp.stream.holding import Holding, Segment

if TYPE_CHECKING:
    from kubeshark_mcp.stream.limits import Counters, Limits

UNKNOWN = -1
_HALF, _WHOLE = 1 << 31, 1 << 32
_LARGEST_WINDOW = 1 << 30
"""No receive window is larger (RFC 7323 section 2.3): what is farther ahead does not belong to this connection."""
_RESET_BEHIND, _RESET_AHEAD = 1 << 16, 1 << 24
"""How far a RST may be from what is expected, and still be believed."""


class Joined(NamedTuple):
    """Bytes of one packet that have their place in the stream: `gap` bytes before `data` are missing."""

    direction: int
    offset: int
    gap: int
    data: bytes | memoryview
    number: int
    time: int


class Arrival(NamedTuple):
    """One packet of the connection. data: captured payload; missing: payload bytes cut off by the snap length."""

    direction: int
    sequence: int
    acknowledgment: int
    flags: int
    data: memoryview
    missing: int
    number: int
    time: int


@dataclass(slots=True)
class Wait:
    """Evidence that bytes exist which were not seen: `reach` is the offset they go to, `mark` what it was at `since`.

    While the stream gets on, the wait begins anew: only what blocks it counts as a hole. A hole is given up when the
    wait since the mark is over, so that each hole waits for one to two times the patience.
    """

    reach: int = 0
    mark: int = 0
    since: int = 0
    progress: int = 0

    def note(self, reach: int, expected: int, now: int) -> None:
        """Hear that bytes up to `reach` exist, where `expected` is the offset that comes next."""
        self.reach = max(self.reach, reach)
        if self.reach > expected and (self.mark <= expected or self.progress < expected):
            self.mark, self.since, self.progress = self.reach, now, expected


@dataclass(slots=True)
class Half:
    """One direction of a connection.

    origin: sequence number of offset 0, UNKNOWN if so. expected: offset that comes next; gap: bytes missing just before
    it. fin: offset of the FIN, UNKNOWN if none. sent: reach of what the sender's own numbers tell, acknowledged: of
    what the receiver has acknowledged.
    """

    origin: int = UNKNOWN
    expected: int = 0
    gap: int = 0
    fin: int = UNKNOWN
    held: Holding = field(default_factory=Holding)
    sent: Wait = field(default_factory=Wait)
    acknowledged: Wait = field(default_factory=Wait)

    @property
    def waits(self) -> bool:
        """Whether bytes are known of that were not joined."""
        reach = max(self.sent.reach, self.acknowledged.reach, self.fin)
        return len(self.held) > 0 or reach > self.expected

    def offset_of(self, sequence: int) -> int:
        """Unwrap a sequence number: the stream offset nearest to what is expected."""
        distance = (sequence - self.origin - self.expected) % _WHOLE
        return self.expected + (distance if distance < _HALF else distance - _WHOLE)


class Assembler:
    """Joins the two directions of one connection. `out` collects what was joined, in the order of joining.

    reset_at, closed_at: time of the RST or of the last FIN that ended the connection, None while open.
    started: a SYN was seen. refused: a RST came before anything else did. muted: bytes are counted on, not kept.
    """

    def __init__(self, halves: tuple[Half, Half], limits: Limits, counters: Counters) -> None:
        self.halves = halves
        self.out: list[Joined] = []
        self.reset_at: int | None = None
        self.closed_at: int | None = None
        self.started = False
        self.refused = False
        self.muted = False
        self._counters = counters
        self._flow_bytes = limits.flow_bytes
        self._reorder_ns = int(limits.reorder_seconds * 1e9)
        self._acknowledged_ns = int(limits.acknowledged_seconds * 1e9)

    @property
    def waits(self) -> bool:
        """Whether anything is still held or missing."""
        return self.halves[0].waits or self.halves[1].waits

    @property
    def held_bytes(self) -> int:
        """What the held segments cost."""
        return self.halves[0].held.bytes + self.halves[1].held.bytes

    @property
    def ended(self) -> bool:
        """Whether a RST or both FINs were reached."""
        return self.reset_at is not None or self.closed_at is not None

    def arrive(self, packet: Arrival) -> None:
        """Take the next packet of the connection."""
        if self.ended:
            self._counters.dropped_bytes += len(packet.data)
            return
        ours, theirs = self.halves[packet.direction], self.halves[1 - packet.direction]
        self._learn(packet, ours)
        needs = self._heed_acknowledgment(packet, ours, theirs)
        if packet.flags & TCP_RST:
            self._heed_reset(packet, ours)
            return
        if ours.origin != UNKNOWN:
            self._heed_segment(packet, ours, theirs, needs)
        if self.waits:
            self._lose_patience(packet.time)
            if self.held_bytes > self._flow_bytes:
                self.abandon()
        self._note_closing(packet.time)

    def mute(self) -> None:
        """Keep no more bytes."""
        self.muted = True
        for half in self.halves:
            half.held.clear()

    def flush(self) -> None:
        """Give up every hole, and join what is held."""
        self._shrink(0)

    def abandon(self) -> None:
        """Give up the oldest holes for lack of room, until half of the room is free."""
        self._counters.abandoned_holes += 1
        self._shrink(self._flow_bytes // 2)

    def _shrink(self, room: int) -> None:
        """Join held segments in order of arrival, whatever is missing before them, until they cost at most `room`."""
        while self.held_bytes > room:
            heads = [(half.held.head.number, way) for way, half in enumerate(self.halves) if half.held.head is not None]
            _, direction = min(heads)
            half = self.halves[direction]
            segment = half.held.pop()
            self._skip(half, segment.offset)
            self._join(direction, half, segment)
            self._release()

    def _learn(self, packet: Arrival, ours: Half) -> None:
        """Fix offset 0 of a direction, as `origins.learn_origins` does for whole blocks."""
        if packet.flags & TCP_RST:
            return
        syn = packet.flags & TCP_SYN
        self.started |= bool(syn)
        if ours.origin == UNKNOWN and (packet.flags & (TCP_SYN | TCP_FIN) or packet.data or packet.missing):
            ours.origin = (packet.sequence + (1 if syn else 0)) % _WHOLE

    def _heed_acknowledgment(self, packet: Arrival, ours: Half, theirs: Half) -> int:
        """Hear what the receiver has; give its offset. A stranger's ACK in a handshake is none (RFC 5961 section 4)."""
        stranger = self.started and ours.origin == UNKNOWN
        if not packet.flags & TCP_ACK or theirs.origin == UNKNOWN or stranger:
            return 0
        reach = theirs.offset_of(packet.acknowledgment)
        if reach - theirs.expected > _LARGEST_WINDOW:
            return 0
        if theirs.fin != UNKNOWN and reach > theirs.fin:
            reach = theirs.fin  # the FIN takes a sequence number, not a byte
        theirs.acknowledged.note(reach, theirs.expected, packet.time)
        return reach

    def _heed_reset(self, packet: Arrival, ours: Half) -> None:
        if ours.origin != UNKNOWN:
            distance = ours.offset_of(packet.sequence) - ours.expected
            if not -_RESET_BEHIND <= distance <= _RESET_AHEAD:
                return
        if not self._answered():
            self.refused = True  # and may be tried again with the same SYN
            return
        self.flush()
        self.reset_at = packet.time

    def _answered(self) -> bool:
        """Tell whether there is anything to reset: a SYN-ACK (it makes both origins known), or bytes."""
        first, second = self.halves
        return UNKNOWN not in {first.origin, second.origin} or any(
            half.expected or len(half.held) for half in self.halves
        )

    def _heed_segment(self, packet: Arrival, ours: Half, theirs: Half, needs: int) -> None:
        offset = ours.offset_of((packet.sequence + (1 if packet.flags & TCP_SYN else 0)) % _WHOLE)
        if offset - ours.expected > _LARGEST_WINDOW:
            self._counters.dropped_bytes += len(packet.data)
            return
        if offset <= ours.expected and not (packet.data or packet.missing or packet.flags & TCP_FIN):
            return
        segment = Segment(offset, packet.data, packet.missing, needs, packet.number, packet.time)
        if packet.flags & TCP_FIN and ours.fin == UNKNOWN and segment.end >= ours.expected:
            ours.fin = segment.end
        ours.sent.note(segment.end if ours.fin == UNKNOWN else min(segment.end, ours.fin), ours.expected, packet.time)
        if segment.end > segment.offset:
            self._place(packet.direction, segment)
        if len(ours.held) or len(theirs.held):
            self._release()

    def _place(self, direction: int, segment: Segment) -> None:
        """Join a segment at once where it fits, else hold it."""
        half = self.halves[direction]
        if half.fin != UNKNOWN and segment.end > half.fin:
            self._counters.dropped_bytes += segment.end - max(segment.offset, half.fin)
            segment = segment.between(segment.offset, max(segment.offset, half.fin))
        if segment.offset < half.expected:
            self._counters.duplicate_bytes += min(len(segment.data), half.expected - segment.offset)
            segment = segment.between(min(half.expected, segment.end), segment.end)
        if segment.end <= segment.offset:
            return
        other = self.halves[1 - direction]
        if self.muted:
            half.expected = max(half.expected, segment.end)
        elif not len(half.held) and segment.offset == half.expected and segment.needs <= other.expected:
            self._join(direction, half, segment)
        else:
            half.held.put(segment, self._counters)

    def _join(self, direction: int, half: Half, segment: Segment) -> None:
        """Append a segment that begins at, or before, what is expected."""
        if segment.offset < half.expected:
            segment = segment.between(min(half.expected, segment.end), segment.end)
        if len(segment.data):
            self.out.append(Joined(direction, segment.offset, half.gap, segment.data, segment.number, segment.time))
            half.gap = 0
        half.gap += segment.missing
        half.expected = max(half.expected, segment.end)

    def _release(self) -> None:
        """Join every held segment whose turn has come, in either direction."""
        progress = True
        while progress:
            progress = False
            for direction, half in enumerate(self.halves):
                other = self.halves[1 - direction]
                while (head := half.held.head) and head.offset <= half.expected and head.needs <= other.expected:
                    self._join(direction, half, half.held.pop())
                    progress = True

    def _lose_patience(self, now: int) -> None:
        for direction, half in enumerate(self.halves):
            for wait, patience in ((half.acknowledged, self._acknowledged_ns), (half.sent, self._reorder_ns)):
                if wait.mark > half.expected and now - wait.since >= patience:
                    self._resolve(direction, wait.mark)
                    self._release()
                    wait.note(wait.reach, half.expected, now)

    def _resolve(self, direction: int, mark: int) -> None:
        """Give up the holes below `mark`, and join what is held below it."""
        half = self.halves[direction]
        while half.expected < mark:
            head = half.held.head
            self._skip(half, mark if head is None else min(head.offset, mark))
            if head is not None and head.offset <= half.expected:
                self._join(direction, half, half.held.pop())

    def _skip(self, half: Half, offset: int) -> None:
        """Declare the bytes up to `offset` missing."""
        if offset > half.expected:
            self._counters.gap_bytes += offset - half.expected
            half.gap += offset - half.expected
            half.expected = offset

    def _note_closing(self, now: int) -> None:
        client, server = self.halves
        if UNKNOWN not in {client.fin, server.fin} and client.expected >= client.fin and server.expected >= server.fin:
            self.closed_at = now
