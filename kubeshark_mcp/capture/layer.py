"""One packet read header by header: what its handlers share.

A handler gets the packet and the offset of its header, sets what it learns, and names the next header; None ends the
reading. What was learned so far stays: the columns show the innermost IP packet that could be read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from kubeshark_mcp.capture.fragments import Fragments


class Layer(IntEnum):
    """The table in which the next header's number is looked up."""

    LINK = 0
    """LINKTYPE."""
    ETHERTYPE = 1
    PROTOCOL = 2
    """IP protocol, or IPv6 extension header."""
    UDP_PORT = 3


class Next(NamedTuple):
    """Where to go on: which table, which number in it, and the offset of the header in `Packet.data`."""

    layer: Layer
    number: int
    offset: int


@dataclass(slots=True)
class Packet:
    """What is known of a packet so far; the fields from `ip_version` on are the columns of the same names.

    data: the bytes that offsets index. base: position of data[0] in the block's data.
    stop: end of what was captured of the present layer; wire_stop: its end had nothing been cut off.
    appended: reassembled bytes; they follow the block's own from position `appended_at` on.
    """

    data: memoryview | bytes
    stop: int
    wire_stop: int
    time_ns: int
    point: int
    fragments: Fragments
    appended: list[bytes]
    appended_at: int
    base: int = 0
    ip_version: int = 0
    protocol: int = 0
    fragment: bool = False
    source_high: int = 0
    source_low: int = 0
    destination_high: int = 0
    destination_low: int = 0
    ttl: int = 0
    ip_id: int = 0
    network_offset: int = 0
    transport_offset: int = 0
    source_port: int = field(default=0)
    destination_port: int = field(default=0)
    payload_offset: int = 0
    payload_length: int = 0
    payload_missing: int = 0
    sequence: int = 0
    acknowledgment: int = 0
    flags: int = 0
    window: int = 0

    def has(self, offset: int, size: int) -> bool:
        """Tell whether `size` bytes at `offset` belong to the present layer and were captured."""
        return offset + size <= self.stop

    def number(self, offset: int, size: int) -> int:
        """Give a big-endian number; the caller has checked that it is there."""
        return int.from_bytes(self.data[offset : offset + size], "big")

    def trim(self, end: int) -> None:
        """Let the present layer end at `end`, where its header says so: what follows is padding."""
        self.stop = min(self.stop, end)
        self.wire_stop = min(self.wire_stop, end)

    def begin_network(self, version: int, offset: int, source: int, destination: int) -> None:
        """Begin an IP header: what an outer one said is forgotten. Addresses are 128-bit numbers."""
        self.ip_version = version
        self.network_offset = self.base + offset
        self.source_high, self.source_low = source >> 64, source & 0xFFFFFFFFFFFFFFFF
        self.destination_high, self.destination_low = destination >> 64, destination & 0xFFFFFFFFFFFFFFFF
        self.fragment = False
        self.ip_id = 0
        self.source_port = self.destination_port = 0
        self.payload_offset = self.payload_length = self.payload_missing = 0
        self.sequence = self.acknowledgment = self.flags = self.window = 0

    def begin_transport(self, protocol: int, offset: int) -> None:
        """Note where the header behind the IP header begins."""
        self.protocol = protocol
        self.transport_offset = self.base + offset

    def set_payload(self, offset: int, end: int | None = None) -> None:
        """Let the payload reach from `offset` to `end` (by default to the end of the layer) as far as captured."""
        wire_end = self.wire_stop if end is None else min(end, self.wire_stop)
        stop = min(self.stop, wire_end)
        self.payload_offset = self.base + min(offset, self.stop)
        self.payload_length = max(stop - offset, 0)
        self.payload_missing = max(wire_end - max(stop, offset), 0)

    def go_on_in(self, whole: bytes) -> None:
        """Go on in a reassembled datagram, whose bytes are appended to the block."""
        self.base = self.appended_at
        self.data = whole
        self.stop = self.wire_stop = len(whole)
        self.appended.append(whole)
        self.appended_at += len(whole)


Handler = Callable[[Packet, int], Next | None]
"""Reads one header at an offset."""
