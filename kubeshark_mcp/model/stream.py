"""Connections and the bytes they carry: the nouns between stream and dissect."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple


class Direction(IntEnum):
    """Which way bytes travel on a connection."""

    CLIENT = 0
    """From the client to the server."""
    SERVER = 1
    """From the server to the client."""

    @property
    def other(self) -> Direction:
        """Give the opposite direction."""
        return _OTHER[self]


_OTHER = (Direction.SERVER, Direction.CLIENT)
"""The opposite of each direction: asked for so often that making it of a number would be felt."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One end of a connection: the address as text, and the port (0 where the transport has none)."""

    address: str
    port: int


@dataclass(slots=True)
class Connection:
    """One TCP connection, UDP conversation or SCTP association as one capture point saw it.

    number: 0-based in order of first packet within the capture and transport (Wireshark's tcp.stream, udp.stream).
    transport: `tcp`, `udp`, `sctp` or `icmp`.
    capture: position of the capture among those of the run. point: see PacketBlock.
    client_sequence, server_sequence: TCP sequence number of stream offset 0 in each direction, -1 while unknown.
    from_start: the SYN was seen, so offset 0 is the first byte ever sent.
    muted: nobody wants this connection's bytes any more; the stream room then only counts its packets.
    """

    number: int
    transport: str
    client: Endpoint
    server: Endpoint
    capture: int = 0
    point: int = 0
    client_sequence: int = -1
    server_sequence: int = -1
    from_start: bool = False
    muted: bool = False


class Span(NamedTuple):
    """Where a message was: the evidence of an entry. A tuple, because every message makes one and tuples are cheap.

    offset, length: byte range in its direction's stream (or in its datagram).
    first_packet, last_packet: packet numbers in the capture. start_ns, end_ns: their times, Unix nanoseconds UTC.
    missing: bytes inside the range that no packet of the capture held.
    """

    offset: int
    length: int
    first_packet: int
    last_packet: int
    start_ns: int
    end_ns: int
    missing: int = 0


@dataclass(slots=True)
class Piece:
    """Contiguous new bytes of one direction, with the packets they came in.

    offset: stream offset of data[0]. gap: bytes known to be missing just before data[0], 0 when it follows on;
        after a gap a dissector must find its feet again and must not join the two sides.
    starts: position in `data` where each packet's bytes begin, ascending, starts[0] == 0.
    packets, times: number and time (ns) of each of these packets.
    """

    direction: Direction
    data: bytes
    offset: int
    gap: int
    starts: Sequence[int]
    packets: Sequence[int]
    times: Sequence[int]

    def packet_at(self, position: int) -> tuple[int, int]:
        """Give (packet number, time in ns) of the byte at `position` in `data`."""
        index = bisect_right(self.starts, position) - 1
        return self.packets[index], self.times[index]


@dataclass(slots=True)
class Window:
    """What one connection carried in one window of the capture, in the order in which it travelled.

    pieces: at least one; those of one direction follow on from each other, or say how much is missing between them.
    """

    connection: Connection
    pieces: list[Piece] = field(default_factory=list)

    def __iter__(self) -> Iterator[Piece]:
        return iter(self.pieces)


@dataclass(slots=True)
class Datagram:
    """One datagram: the payload of UDP, an SCTP packet or ICMP message from its own header on.

    missing: bytes cut off by the snap length. Not frozen, because that would triple the price of making one.
    """

    connection: Connection
    direction: Direction
    data: bytes
    packet: int
    time_ns: int
    missing: int = 0

    @property
    def span(self) -> Span:
        """Give the evidence of a message that fills this datagram."""
        return Span(0, len(self.data), self.packet, self.packet, self.time_ns, self.time_ns, self.missing)


@dataclass(frozen=True, slots=True)
class Closing:
    """A connection has ended or was given up; the last thing a dissector hears of it.

    how: `fin`, `reset`, `evicted` (idle too long or too many open), or `end` (end of the capture).
    """

    connection: Connection
    how: str
    time_ns: int


@dataclass(slots=True)
class Traffic:
    """What one direction of a connection sent. bytes: whole frames on the wire. payload: transport payload bytes."""

    packets: int = 0
    bytes: int = 0
    payload: int = 0


@dataclass(slots=True)
class TcpMetrics:
    """Health of one TCP connection; each number as Wireshark's TCP analysis defines it, both directions together.

    `*_us` are microseconds, None where it was not seen. retransmission_rate: 0..1 of segments with payload.
    connection_completeness: 1 SYN, 2 SYN-ACK, 4 ACK, 8 DATA, 16 FIN, 32 RST. jitter_us: standard deviation of the RTT.
    goodput_bytes: payload without retransmissions. avg_receive_window: bytes, scaled. window_scale: shift count of the
    server, -1 if unknown.
    """

    retransmissions: int = 0
    fast_retransmissions: int = 0
    retransmission_rate: float = 0.0
    zero_window_events: int = 0
    window_full_events: int = 0
    window_scale: int = -1
    avg_receive_window: int = 0
    out_of_order: int = 0
    dup_acks: int = 0
    missing_segments: int = 0
    rst_count: int = 0
    fin_count: int = 0
    keepalive_count: int = 0
    connection_completeness: int = 0
    initial_rtt_us: int | None = None
    handshake_time_us: int | None = None
    connection_time_us: int | None = None
    time_to_first_byte_us: int | None = None
    rtt_min_us: int | None = None
    rtt_max_us: int | None = None
    rtt_avg_us: int | None = None
    rtt_samples: int = 0
    jitter_us: int | None = None
    goodput_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """Payload of one connection that no protocol read.

    how: `data` (unknown), `encrypted` (of a known protocol), `decrypted` (of no known protocol inside TLS).
    request, response: where it lies in each direction, None where there is none; their lengths count its bytes alone.
    first: its first bytes of each direction. packets: how many packets began in it, as far as that is known.
    """

    how: str
    request: Span | None
    response: Span | None
    first: tuple[bytes, bytes] = (b"", b"")
    packets: int = 0


@dataclass(slots=True)
class ConnectionStats:
    """A connection as the flow table knows it at the end: the material of tcp_conn, udp_conn and flow entries.

    state: `syn_sent`, `refused`, `established`, `closing`, `closed`, `reset` (TCP), `active` (others).
    first_packet, last_packet: packet numbers. first_ns, last_ns: Unix nanoseconds UTC.
    l7: KFL names of the protocols found inside, in order of appearance. unclaimed: what none of them read.
    Not frozen, nor its parts: every connection makes one, and a frozen class takes three times as long.
    """

    connection: Connection
    state: str
    client: Traffic
    server: Traffic
    first_packet: int
    last_packet: int
    first_ns: int
    last_ns: int
    metrics: TcpMetrics | None = None
    l7: tuple[str, ...] = ()
    unclaimed: Unclaimed | None = None
