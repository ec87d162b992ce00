"""What the stream room may keep in memory, and for how long."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one engine. Times are capture time, so a capture gives the same result however fast it is read.

    flow_bytes: bytes of one connection that wait for a hole to fill; beyond it the hole is given up as a gap.
    total_bytes: the same over all connections; beyond it the connections that hold most are given up first.
    open_connections: connections in the table; beyond it the ones idle longest are evicted.
    tcp_idle_seconds, datagram_idle_seconds: an idle connection leaves the table after this time.
    exchange_idle_seconds: the same for datagrams where there were two at most, such as a question and its answer.
    closed_idle_seconds: a connection that ended leaves the table after this time (twice the maximum segment lifetime,
        RFC 9293 section 3.4.2, so that late segments still count to it).
    reorder_seconds: how long a hole is waited for while nothing shows that the receiver has the bytes.
    acknowledged_seconds: how long a hole is waited for once the receiver has acknowledged it: the capture lost it, or
        recorded the two directions out of order.
    """

    flow_bytes: int = 4 << 20
    total_bytes: int = 64 << 20
    open_connections: int = 200_000
    tcp_idle_seconds: float = 3600.0
    datagram_idle_seconds: float = 600.0
    exchange_idle_seconds: float = 600.0
    closed_idle_seconds: float = 120.0
    reorder_seconds: float = 10.0
    acknowledged_seconds: float = 0.05


@dataclass(slots=True)
class Counters:
    """What an engine did that an answer must not hide.

    skipped_packets: packets without a transport that is followed here (no IP, incomplete fragments, other protocols).
    evicted_connections: TCP connections left the table by idleness, or any by number, before they ended.
    superseded_connections: ended by a new SYN on the same addresses and ports. gap_bytes: bytes given up as missing.
    duplicate_bytes: bytes that had come before. conflicting_bytes: those of them that differed from the first copy
    while it was still held.
    dropped_bytes: bytes that were captured and not joined: behind the end of a connection, or before offset 0.
    abandoned_holes: holes given up because of the byte limits rather than of time or acknowledgment.
    """

    skipped_packets: int = 0
    evicted_connections: int = 0
    superseded_connections: int = 0
    gap_bytes: int = 0
    duplicate_bytes: int = 0
    conflicting_bytes: int = 0
    dropped_bytes: int = 0
    abandoned_holes: int = 0
