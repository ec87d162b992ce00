"""Packets as people think of them, turned into blocks: what the tests of the stream room feed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from kubeshark_mcp.model.datagrams import Closings, DatagramBlock
from kubeshark_mcp.model.packet import (
    IPV4_MAPPED,
    PROTOCOL_TCP,
    TCP_ACK,
    TCP_FIN,
    TCP_PSH,
    TCP_RST,
    TCP_SYN,
    PacketBlock,
)
from kubeshark_mcp.model.stream import Closing, Connection, Datagram, Window
from kubeshark_mcp.stream.engine import Limits, StreamEngine

START_NS = 1_700_000_000_000_000_000
MILLISECOND = 1_000_000
CLIENT = (0x0A000001, 40000)
SERVER = (0x0A000002, 80)
BITS = {"S": TCP_SYN, "A": TCP_ACK, "F": TCP_FIN, "R": TCP_RST, "P": TCP_PSH}


@dataclass(frozen=True)
class Sent:
    """One packet. flags: letters of SAFRP. time: ns since the start. missing: payload bytes cut off."""

    source: tuple[int, int] = CLIENT
    destination: tuple[int, int] = SERVER
    sequence: int = 0
    acknowledgment: int = 0
    flags: str = "A"
    data: bytes = b""
    time: int = 0
    missing: int = 0
    window: int = 1000
    options: bytes = b""
    protocol: int = PROTOCOL_TCP
    point: int = 0
    number: int = 0
    high: int = 0


@dataclass
class Talk:
    """Writes a TCP conversation; each call appends one packet, 1 ms after the one before."""

    client_isn: int = 1000
    server_isn: int = 5000
    client: tuple[int, int] = CLIENT
    server: tuple[int, int] = SERVER

    def __post_init__(self) -> None:
        self.packets: list[Sent] = []
        self.next = [self.client_isn, self.server_isn]
        self.now = 0

    def send(self, way: int, data: bytes = b"", flags: str = "A", **changes: object) -> Sent:
        """Append a packet; `changes` replace its fields."""
        ends = (self.client, self.server)
        acknowledgment = self.next[1 - way] if "A" in flags else 0
        self.now += MILLISECOND
        sent = Sent(ends[way], ends[1 - way], self.next[way] % 2**32, acknowledgment % 2**32, flags, data, self.now)
        sent = replace(sent, **changes)  # type: ignore[arg-type]
        self.next[way] += len(sent.data) + sent.missing + ("S" in flags) + ("F" in flags)
        self.packets.append(sent)
        return sent

    def handshake(self, options: bytes = b"") -> Talk:
        self.send(0, flags="S", options=options)
        self.send(1, flags="SA", options=options)
        self.send(0)
        return self

    def say(self, way: int, *parts: bytes) -> Talk:
        """Send segments, each acknowledged at once."""
        for part in parts:
            self.send(way, part, "PA")
            self.send(1 - way)
        return self

    def close(self) -> Talk:
        self.send(0, flags="FA")
        self.send(1, flags="FA")
        self.send(0)
        return self


def numbered(packets: Iterable[Sent]) -> list[Sent]:
    """Give packets their numbers, and times that never go back."""
    result: list[Sent] = []
    for number, packet in enumerate(packets, 1):
        time = max(packet.time, result[-1].time + 1000) if result else packet.time
        result.append(replace(packet, number=number, time=time))
    return result


def block(packets: Sequence[Sent]) -> PacketBlock:
    """Make one block; a packet's record is its TCP header (with options) and payload."""
    body = bytearray(b"\xee" * 8)
    transport, payload = [], []
    for packet in packets:
        transport.append(len(body))
        padded = packet.options + bytes(-len(packet.options) % 4)
        body += bytes(20 if packet.protocol == PROTOCOL_TCP else 8) + padded
        payload.append(len(body))
        body += packet.data

    def column(values: Iterable[int], kind: type) -> np.ndarray:
        return np.array(list(values), dtype=kind)

    def low(end: tuple[int, int], high: int) -> int:
        return end[0] if high else end[0] + IPV4_MAPPED

    count = len(packets)
    lengths = [len(packet.data) for packet in packets]
    return PacketBlock(
        data=np.frombuffer(bytes(body), dtype=np.uint8),
        number=column((packet.number for packet in packets), np.int64),
        time_ns=column((START_NS + packet.time for packet in packets), np.int64),
        point=column((packet.point for packet in packets), np.int32),
        captured_length=column((length + 54 for length in lengths), np.uint32),
        original_length=column((len(packet.data) + packet.missing + 54 for packet in packets), np.uint32),
        record_offset=column(transport, np.int64),
        link_type=np.zeros(count, dtype=np.int32),
        ip_version=column((6 if packet.high else 4 for packet in packets), np.uint8),
        protocol=column((packet.protocol for packet in packets), np.uint8),
        fragment=np.zeros(count, dtype=bool),
        source_high=column((packet.high for packet in packets), np.uint64),
        source_low=column((low(packet.source, packet.high) for packet in packets), np.uint64),
        destination_high=column((packet.high for packet in packets), np.uint64),
        destination_low=column((low(packet.destination, packet.high) for packet in packets), np.uint64),
        source_port=column((packet.source[1] for packet in packets), np.uint16),
        destination_port=column((packet.destination[1] for packet in packets), np.uint16),
        ttl=np.full(count, 64, dtype=np.uint8),
        ip_id=np.zeros(count, dtype=np.uint16),
        network_offset=column(transport, np.int64),
        transport_offset=column(transport, np.int64),
        payload_offset=column(payload, np.int64),
        payload_length=column(lengths, np.int32),
        payload_missing=column((packet.missing for packet in packets), np.int32),
        sequence=column((packet.sequence for packet in packets), np.uint32),
        acknowledgment=column((packet.acknowledgment for packet in packets), np.uint32),
        flags=column((sum(BITS[letter] for letter in packet.flags) for packet in packets), np.uint16),
        window=column((packet.window for packet in packets), np.uint16),
    )


def cut(packets: Sequence[Sent], cuts: Iterable[int] = ()) -> list[PacketBlock]:
    """Cut a capture into blocks at the given positions."""
    bounds = sorted({0, len(packets), *(place for place in cuts if 0 < place < len(packets))})
    return [block(packets[start:end]) for start, end in pairwise(bounds)]


def run(
    packets: Iterable[Sent], cuts: Iterable[int] = (), limits: Limits | None = None
) -> tuple[list[Window | Datagram | Closing], StreamEngine]:
    """Feed a capture whole; give all events, and the engine."""
    engine = StreamEngine(limits=limits)
    events: list[Window | Datagram | Closing] = []
    seen: dict[tuple[str, int], Connection] = {}
    for part in cut(numbered(packets), cuts):
        events += one_by_one(engine.feed(part), seen)
    events += one_by_one(engine.finish(), seen)
    return events, engine


def one_by_one(
    events: Iterable[Window | Closing | DatagramBlock | Closings], seen: dict[tuple[str, int], Connection]
) -> Iterator[Window | Datagram | Closing]:
    """Give the events of datagrams one by one; an end only of connections that anybody `seen` heard of before."""
    for event in events:
        if isinstance(event, DatagramBlock):
            for datagram in event.datagrams():
                seen[datagram.connection.transport, datagram.connection.number] = datagram.connection
                yield datagram
        elif isinstance(event, Closings):
            for number, time in zip(event.numbers.tolist(), event.times.tolist(), strict=True):
                if (connection := seen.pop((event.transport, number), None)) is not None:
                    yield Closing(connection, event.how, time)
        else:
            yield event


@dataclass
class Stream:
    """What one direction carried. bytes: (offset, byte, packet number, time); gaps: (offset behind it, length)."""

    bytes: list[tuple[int, int, int, int]]
    gaps: list[tuple[int, int]]

    @property
    def data(self) -> bytes:
        return bytes(byte for _, byte, _, _ in self.bytes)


def streams(events: Iterable[object]) -> dict[tuple[int, int], Stream]:
    """Put windows together: (connection number, direction) -> what it carried, byte by byte."""
    found: dict[tuple[int, int], Stream] = {}
    for window in events:
        if not isinstance(window, Window):
            continue
        for piece in window.pieces:
            stream = found.setdefault((window.connection.number, int(piece.direction)), Stream([], []))
            if piece.gap:
                stream.gaps.append((piece.offset, piece.gap))
            for place, byte in enumerate(piece.data):
                stream.bytes.append((piece.offset + place, byte, *piece.packet_at(place)))
    return found


def turns(events: Iterable[object], number: int = 0) -> list[tuple[int, bytes, int]]:
    """Give a connection's pieces in order: (direction, data, gap), with neighbours that follow on joined."""
    result: list[tuple[int, bytes, int]] = []
    for window in events:
        for piece in window.pieces if isinstance(window, Window) and window.connection.number == number else []:
            if result and result[-1][0] == piece.direction and not piece.gap:
                result[-1] = (result[-1][0], result[-1][1] + piece.data, result[-1][2])
            else:
                result.append((int(piece.direction), piece.data, piece.gap))
    return result


def closings(events: Iterable[object]) -> list[tuple[int, str, int]]:
    """Give (connection number, how, ns since the start) of each closing, by connection."""
    found = [event for event in events if isinstance(event, Closing)]
    return sorted((event.connection.number, event.how, event.time_ns - START_NS) for event in found)
