"""SCTP packets that the laws of every dissector are tried on, built by hand as RFC 9260 lays them out."""

from __future__ import annotations

import struct

from kubeshark_mcp.dissect.crc32c import Crc32c
from kubeshark_mcp.model.stream import Direction

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER
PORTS = {CLIENT: (50000, 40080), SERVER: (40080, 50000)}
TAGS = {CLIENT: 0x22222222, SERVER: 0x11111111}
_CRC = Crc32c()


def chunk(kind: int, value: bytes, flags: int = 0) -> bytes:
    """Give a chunk, padded."""
    return struct.pack(">BBH", kind, flags, 4 + len(value)) + value + bytes(-len(value) % 4)


def data(tsn: int, value: bytes, *, flags: int = 3, stream: int = 0, sequence: int = 0, payload: int = 3) -> bytes:
    """Give a DATA chunk; flags: 4 unordered, 2 begins, 1 ends. payload: payload protocol identifier."""
    return chunk(0, struct.pack(">IHHI", tsn, stream, sequence, payload) + value, flags)


def sack(acknowledged: int, window: int = 65535, gaps: int = 0) -> bytes:
    """Give a SACK chunk with `gaps` blocks behind gaps."""
    return chunk(3, struct.pack(">IIHH", acknowledged, window, gaps, 0) + struct.pack(">HH", 2, 3) * gaps)


def packet(direction: Direction, *chunks: bytes, tag: int | None = None) -> tuple[Direction, bytes]:
    """Give a packet with its checksum, and its direction."""
    bare = struct.pack(">HHII", *PORTS[direction], TAGS[direction] if tag is None else tag, 0) + b"".join(chunks)
    return direction, bare[:8] + struct.pack("<I", _CRC.of(bare)) + bare[12:]


_INIT = struct.pack(">IIHHI", TAGS[SERVER], 65535, 10, 10, 1000)
_INIT_ACK = struct.pack(">IIHHI", TAGS[CLIENT], 65535, 10, 10, 5000) + chunk(7, b"cookie")
HANDSHAKE = [
    packet(CLIENT, chunk(1, _INIT), tag=0),
    packet(SERVER, chunk(2, _INIT_ACK)),
    packet(CLIENT, chunk(10, b"cookie")),
    packet(SERVER, chunk(11, b"")),
]

SAMPLES: dict[str, list[tuple[Direction, bytes]]] = {
    "an association begins and carries data": [
        *HANDSHAKE,
        packet(CLIENT, data(1000, b"\1\0\3\1\0\0\0\x08")),
        packet(SERVER, sack(1000), data(5000, b"\1\0\3\4\0\0\0\x08")),
        packet(CLIENT, sack(5000)),
    ],
    "a message comes in fragments": [
        packet(CLIENT, data(1000, b"first ", flags=2)),
        packet(CLIENT, data(1001, b"second ", flags=0), data(1002, b"third", flags=1)),
    ],
    "data are lost and sent again": [
        packet(CLIENT, data(1000, b"one")),
        packet(CLIENT, data(1002, b"three")),
        packet(SERVER, sack(1000, gaps=1)),
        packet(CLIENT, data(1001, b"two")),
        packet(CLIENT, data(1002, b"three")),
    ],
    "an association is aborted": [
        packet(CLIENT, chunk(1, _INIT), tag=0),
        packet(SERVER, chunk(6, struct.pack(">HH", 12, 8) + b"bye!", 1)),
    ],
    "a heartbeat is answered": [
        packet(CLIENT, chunk(4, b"\0\1\0\x08abcd")),
        packet(SERVER, chunk(5, b"\0\1\0\x08abcd")),
    ],
    "an association ends": [
        packet(CLIENT, chunk(7, struct.pack(">I", 5000))),
        packet(SERVER, chunk(8, b"")),
        packet(CLIENT, chunk(14, b"")),
    ],
}

TRANSPORT = "sctp"
