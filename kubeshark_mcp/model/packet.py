"""Decoded packets as columns: the noun between capture and stream. No Python object stands for a packet."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

IPV4_MAPPED = 0xFFFF << 32
"""Low half of an IPv4 address held in 128 bits (`::ffff:a.b.c.d`, RFC 4291 section 2.5.5.2) less its 32 bits."""

TCP_FIN, TCP_SYN, TCP_RST, TCP_PSH, TCP_ACK, TCP_URG, TCP_ECE, TCP_CWR = (1 << bit for bit in range(8))
"""Bits of the `flags` column (RFC 9293 section 3.1)."""

PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_ICMPV6, PROTOCOL_SCTP = 1, 6, 17, 58, 132
"""IANA protocol numbers that have a meaning here."""


@dataclass(frozen=True, slots=True)
class PacketBlock:
    """Consecutive packets of one capture, decoded into columns of equal length.

    Only valid until the next block of the same capture is asked for: `data` may be a view on a mapped file.

    data: uint8, the bytes that all offsets below index. Reassembled fragments are appended behind the file's bytes.
    number: int64, 1-based position of the packet in the capture (Wireshark's frame.number).
    time_ns: int64, capture time in Unix nanoseconds UTC.
    point: int32, capture point within the file: pcapng interface, or interface index of Linux cooked v2; 0 otherwise.
    captured_length, original_length: uint32, bytes of the record kept and bytes on the wire.
    record_offset: int64, where the record's bytes begin in `data` (its link-layer header).
    link_type: int32, LINKTYPE of the record.
    ip_version: uint8, 4, 6, or 0 where no IP packet was found; all columns below are 0 there.
    protocol: uint8, IP protocol of the innermost header (6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6, 132 SCTP).
    fragment: bool, a fragment that could not be completed here, or a transport header that is cut or damaged; no
        transport columns.
    source_high, source_low, destination_high, destination_low: uint64 halves of the 128-bit address, host order;
        IPv4 as `::ffff:a.b.c.d`.
    source_port, destination_port: uint16, TCP, UDP and SCTP.
    ttl: uint8, IPv4 TTL or IPv6 hop limit. ip_id: uint16, IPv4 identification.
    network_offset, transport_offset: int64, where the innermost IP header and its payload's header begin in `data`.
    payload_offset: int64, where the transport payload begins in `data`: behind the headers of TCP and UDP and the
        common header of SCTP; for protocols without ports (ICMP) the payload is the whole message.
    payload_length: int32, captured payload bytes. payload_missing: int32, payload bytes cut off by the snap length.
    sequence, acknowledgment: uint32. flags: uint16. window: uint16, unscaled. All four TCP only.
    """

    data: NDArray[np.uint8]
    number: NDArray[np.int64]
    time_ns: NDArray[np.int64]
    point: NDArray[np.int32]
    captured_length: NDArray[np.uint32]
    original_length: NDArray[np.uint32]
    record_offset: NDArray[np.int64]
    link_type: NDArray[np.int32]
    ip_version: NDArray[np.uint8]
    protocol: NDArray[np.uint8]
    fragment: NDArray[np.bool_]
    source_high: NDArray[np.uint64]
    source_low: NDArray[np.uint64]
    destination_high: NDArray[np.uint64]
    destination_low: NDArray[np.uint64]
    source_port: NDArray[np.uint16]
    destination_port: NDArray[np.uint16]
    ttl: NDArray[np.uint8]
    ip_id: NDArray[np.uint16]
    network_offset: NDArray[np.int64]
    transport_offset: NDArray[np.int64]
    payload_offset: NDArray[np.int64]
    payload_length: NDArray[np.int32]
    payload_missing: NDArray[np.int32]
    sequence: NDArray[np.uint32]
    acknowledgment: NDArray[np.uint32]
    flags: NDArray[np.uint16]
    window: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.number)


@dataclass(frozen=True, slots=True)
class CaptureWarning:
    """Something about a capture that an answer must not hide: damage, cuts, drops.

    packet: 1-based packet number, 0 when it is not about one packet. offset: byte position in the file, -1 if unknown.
    """

    reason: str
    packet: int = 0
    offset: int = -1

    def __str__(self) -> str:
        where = [f"packet {self.packet}"] if self.packet else []
        where += [f"byte {self.offset}"] if self.offset >= 0 else []
        return f"{self.reason} ({', '.join(where)})" if where else self.reason


def address_text(high: int, low: int) -> str:
    """Write a 128-bit address (two host-order halves) as people do: IPv4-mapped ones as IPv4."""
    if high == 0 and low >> 32 == 0xFFFF:
        return str(IPv4Address(low & 0xFFFFFFFF))
    return str(IPv6Address(high << 64 | low))
