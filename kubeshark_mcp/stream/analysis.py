"""TCP analysis of one connection, packet by packet, for what is not in plain order.

The conditions are those that Wireshark documents (User's Guide, chapter "TCP Analysis"); each flag has its method.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from kubeshark_mcp.model.packet import TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN
from kubeshark_mcp.stream.metrics import (
    COMPLETE_ACK,
    COMPLETE_DATA,
    COMPLETE_FIN,
    COMPLETE_RST,
    COMPLETE_SYN,
    COMPLETE_SYN_ACK,
)
from kubeshark_mcp.stream.rows import (
    KEPT_SEGMENTS,
    LONGEST_ROUND_TRIP_NS,
    MARK_ACKNOWLEDGING,
    MARK_KEEP_ALIVE,
    MARK_PROBE,
    SCALE_ABSENT,
    SCALE_UNKNOWN,
)
from kubeshark_mcp.stream.table import NEVER

_WHOLE, _HALF = 1 << 32, 1 << 31
_CONTROL = TCP_SYN | TCP_FIN | TCP_RST
_OPENING = TCP_SYN | TCP_ACK
_FAST_RETRANSMISSION_NS = 20_000_000
_DEFAULT_ROUND_TRIP_NS = 3_000_000


def distance(later: int, earlier: int) -> int:
    """Give how far one sequence number is ahead of another (RFC 9293 section 3.4), negative if behind."""
    ahead = (later - earlier) % _WHOLE
    return ahead if ahead < _HALF else ahead - _WHOLE


class Packet(NamedTuple):
    """One packet. payload: bytes on the wire. length: sequence numbers it takes. window: raw."""

    direction: int
    sequence: int
    acknowledgment: int
    flags: int
    window: int
    payload: int
    length: int
    time: int


@dataclass(slots=True)
class Side:
    """What is remembered of one direction; see rows.ANALYSIS_FIELDS.

    unacknowledged: end of segment -> time sent. order: a heap of the same, (bytes from where it was begun, end).
    advanced: bytes that next_sequence went on since the heap was begun.
    """

    seen: bool = False
    next_sequence: int = 0
    acknowledgment: int = 0
    window: int = 0
    scaled_window: int = 0
    scale: int = SCALE_UNKNOWN
    marks: int = 0
    duplicates: int = 0
    packet_ns: int = 0
    advance_ns: int = 0
    data_ns: int = NEVER
    contiguous: int = 0
    overtaken: bool = False
    unacknowledged: dict[int, int] = field(default_factory=dict)
    order: list[tuple[int, int]] = field(default_factory=list)
    advanced: int = 0

    def place(self, number: int) -> int:
        """Give where a sequence number lies, without the turn at 2^32."""
        return self.advanced + distance(number, self.next_sequence)

    def note_sent(self, end: int, time: int) -> None:
        """Note a segment that is to be acknowledged, as long as there are not too many."""
        if end not in self.unacknowledged and len(self.unacknowledged) < KEPT_SEGMENTS:
            self._keep_order()
            self.unacknowledged[end] = time
            heappush(self.order, (self.place(end), end))

    def forget_sent(self, acknowledgment: int) -> None:
        """Forget the segments that end at an acknowledgment or before it."""
        self._keep_order()
        reached = self.place(acknowledgment)
        while self.order and self.order[0][0] <= reached:
            del self.unacknowledged[heappop(self.order)[1]]

    def _keep_order(self) -> None:
        if len(self.order) != len(self.unacknowledged):  # it was just loaded
            self.order = [(self.place(end), end) for end in self.unacknowledged]
            heapify(self.order)


@dataclass(slots=True)
class Tally:
    """Increments of rows.COUNTER_FIELDS and the round-trip samples (ns)."""

    retransmissions: int = 0
    fast_retransmissions: int = 0
    out_of_order: int = 0
    dup_acks: int = 0
    missing_segments: int = 0
    zero_window_events: int = 0
    window_full_events: int = 0
    keepalive_count: int = 0
    rst_count: int = 0
    fin_count: int = 0
    data_segments: int = 0
    repeated_bytes: int = 0
    window_sum: int = 0
    window_count: int = 0
    samples: list[int] = field(default_factory=list)


class Analysis:
    """The state of one connection; `take` moves it on by a packet."""

    def __init__(self, sides: tuple[Side, Side], completeness: int, times: tuple[int, int, int]) -> None:
        self.sides = sides
        self.completeness = completeness
        self.syn_ns, self.syn_ack_ns, self.ack_ns = times
        self.tally = Tally()

    def take(self, packet: Packet) -> None:
        """Compare a packet with what came before, count what is wrong, remember it."""
        ours, theirs = self.sides[packet.direction], self.sides[1 - packet.direction]
        if not (ours.seen or theirs.seen) and packet.flags & _OPENING == TCP_SYN:
            self.completeness |= COMPLETE_SYN
        marks = self._look_at_acknowledgment(packet, ours, theirs)
        if packet.acknowledgment != ours.acknowledgment:
            ours.duplicates, ours.overtaken = 0, False
        if packet.flags & TCP_ACK and theirs.seen and distance(packet.acknowledgment, theirs.contiguous) > 0:
            self._overtake(theirs)
        if packet.length and not marks & MARK_KEEP_ALIVE:
            self._look_at_repetition(packet, ours, theirs)
        window = self._scaled(packet, ours, theirs)
        self._remember(packet, window, marks, ours)
        self._sample(packet, theirs)
        self._count(packet, window, ours)

    def _scaled(self, packet: Packet, ours: Side, theirs: Side) -> int:
        """Scale the window: not a SYN's, nor where the other side is known not to scale (RFC 7323 section 2.2)."""
        if packet.flags & TCP_SYN or ours.scale < 0 or theirs.scale == SCALE_ABSENT:
            return packet.window
        return packet.window << ours.scale

    def _look_at_acknowledgment(self, packet: Packet, ours: Side, theirs: Side) -> int:
        """Look for probes, keep-alives, full windows, lost segments and duplicate ACKs. Give the marks it leaves."""
        if not ours.seen:
            self._look_at_window(packet, ours, theirs)
            return 0
        ahead = distance(packet.sequence, ours.next_sequence)
        if packet.payload == 1 and ahead == 0 and theirs.seen and theirs.window == 0:
            return MARK_PROBE
        self._look_at_window(packet, ours, theirs)
        if ahead > 0 and not packet.flags & TCP_RST:
            self.tally.missing_segments += 1
        if packet.flags & _CONTROL:
            return 0
        if ahead == -1 and packet.payload <= 1:
            self.tally.keepalive_count += 1
            return MARK_KEEP_ALIVE
        if packet.payload == 0 and ahead == 0 and packet.window == ours.window:
            self._look_at_duplicate(packet, ours, theirs)
        return 0

    def _look_at_window(self, packet: Packet, ours: Side, theirs: Side) -> None:
        if packet.flags & _CONTROL:
            return
        if packet.window == 0:
            self.tally.zero_window_events += 1
        known = theirs.scale != SCALE_UNKNOWN or ours.scale == SCALE_ABSENT
        if packet.payload and theirs.seen and known:
            limit = (theirs.acknowledgment + theirs.scaled_window) % _WHOLE
            self.tally.window_full_events += (packet.sequence + packet.length) % _WHOLE == limit

    def _look_at_duplicate(self, packet: Packet, ours: Side, theirs: Side) -> None:
        """Tell a duplicate ACK from the answers to keep-alives and zero-window probes, which look the same."""
        same = packet.acknowledgment == ours.acknowledgment
        if packet.window and same and not theirs.marks & MARK_KEEP_ALIVE:
            ours.duplicates += 1
            ours.overtaken = False
            self.tally.dup_acks += 1

    @staticmethod
    def _overtake(theirs: Side) -> None:
        """Take note that more was acknowledged than captured: the capture may lack duplicate ACKs as well."""
        if theirs.contiguous == theirs.next_sequence:
            theirs.duplicates, theirs.overtaken = 0, True
        theirs.contiguous = theirs.next_sequence

    def _look_at_repetition(self, packet: Packet, ours: Side, theirs: Side) -> None:
        """Tell spurious and fast retransmission, reordering and retransmission apart, in Wireshark's precedence.

        Where the capture's times go back, nothing is known to have come soon after something else.
        """
        end = (packet.sequence + packet.length) % _WHOLE
        behind = (packet.sequence + packet.payload) % _WHOLE
        if packet.payload and theirs.acknowledgment and distance(behind, theirs.acknowledgment) <= 0:
            self._repeat(packet)
        elif not ours.seen or self._is_new(packet, ours):
            return
        elif (
            (theirs.duplicates >= 2 or theirs.overtaken)
            and theirs.acknowledgment == packet.sequence
            and 0 <= packet.time - theirs.packet_ns < _FAST_RETRANSMISSION_NS
        ):
            self.tally.fast_retransmissions += 1
            self._repeat(packet)
        elif 0 <= packet.time - ours.advance_ns < self._reordering_ns() and end != ours.next_sequence:
            self.tally.out_of_order += 1
        else:
            self._repeat(packet)

    @staticmethod
    def _is_new(packet: Packet, ours: Side) -> bool:
        """Tell whether it begins where the direction goes on, or one before that with more than a probe's byte."""
        ahead = distance(packet.sequence, ours.next_sequence)
        return ahead >= 0 or (ahead == -1 and packet.payload > 1)

    def _repeat(self, packet: Packet) -> None:
        self.tally.retransmissions += 1
        self.tally.repeated_bytes += packet.payload

    def _reordering_ns(self) -> int:
        """How long after the highest segment a lower one counts as reordered: the handshake's round trip, else 3 ms."""
        if NEVER in {self.syn_ns, self.ack_ns} or self.ack_ns == self.syn_ns:
            return _DEFAULT_ROUND_TRIP_NS
        return self.ack_ns - self.syn_ns

    def _remember(self, packet: Packet, window: int, marks: int, ours: Side) -> None:
        end = (packet.sequence + packet.length) % _WHOLE
        ahead = distance(end, ours.next_sequence) if ours.seen else 0
        if not ours.seen or (ahead > 0 and not marks & MARK_PROBE):
            ours.next_sequence, ours.advance_ns = end, packet.time
            ours.advanced += ahead
        if packet.length:
            ours.note_sent(end, packet.time)
        if not ours.seen or (packet.sequence == ours.contiguous and not marks & MARK_PROBE):
            ours.contiguous = ours.next_sequence
        ours.seen = True
        ours.acknowledgment, ours.packet_ns, ours.marks = packet.acknowledgment, packet.time, marks
        ours.window, ours.scaled_window = packet.window, window
        if packet.flags & TCP_ACK:
            ours.marks |= MARK_ACKNOWLEDGING

    def _sample(self, packet: Packet, theirs: Side) -> None:
        """Sample the round trip that ends here. The number counts without the flag too, as it does in Wireshark."""
        sent = theirs.unacknowledged.get(packet.acknowledgment)
        if sent is not None and 0 < packet.time - sent <= LONGEST_ROUND_TRIP_NS:
            self.tally.samples.append(packet.time - sent)
        theirs.forget_sent(packet.acknowledgment)

    def _count(self, packet: Packet, window: int, ours: Side) -> None:
        tally, flags = self.tally, packet.flags
        if packet.payload:
            tally.data_segments += 1
            self.completeness |= COMPLETE_DATA if flags & _OPENING == TCP_ACK else 0
            if ours.data_ns == NEVER:
                ours.data_ns = packet.time
        if not flags & (TCP_SYN | TCP_RST):
            tally.window_sum += window
            tally.window_count += 1
        if flags & TCP_FIN:
            tally.fin_count += 1
            self.completeness |= COMPLETE_FIN
        if flags & TCP_RST:
            tally.rst_count += 1
            self.completeness |= COMPLETE_RST
        self._note_handshake(packet)

    def _note_handshake(self, packet: Packet) -> None:
        """Note the last SYN before the handshake was answered, the SYN-ACK behind it, and the first ACK of any kind."""
        opening = packet.flags & _OPENING
        if opening == TCP_SYN and self.ack_ns == NEVER:
            self.syn_ns, self.syn_ack_ns = packet.time, NEVER
        elif opening == _OPENING:
            self.completeness |= COMPLETE_SYN_ACK
            self.syn_ack_ns = packet.time if self.syn_ack_ns == NEVER else self.syn_ack_ns
        elif opening == TCP_ACK:
            self.completeness |= COMPLETE_ACK if packet.payload == 0 else 0
            if self.ack_ns in {NEVER, self.syn_ns} and self.syn_ns != NEVER:
                self.ack_ns = packet.time
