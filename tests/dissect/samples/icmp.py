"""Messages of ICMP that the laws of every dissector are tried on, built by hand as RFC 792 lays them out."""

from __future__ import annotations

import struct

from kubeshark_mcp.model.stream import Direction

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER


def message(kind: int, code: int, rest: bytes) -> bytes:
    """Give a message; rest: what follows the checksum."""
    data = struct.pack(">BBH", kind, code, 0) + rest
    total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    total = (total & 0xFFFF) + (total >> 16)
    return data[:2] + struct.pack(">H", ~(total + (total >> 16)) & 0xFFFF) + data[4:]


def echo(identifier: int, sequence: int, data: bytes = b"abcdefgh", *, reply: bool = False) -> bytes:
    """Give an echo request or reply."""
    return message(0 if reply else 8, 0, struct.pack(">HH", identifier, sequence) + data)


def ipv4(source: str, destination: str, protocol: int, payload: bytes, size: int = 0) -> bytes:
    """Give an IPv4 packet; size: total length that its header claims, when its end is not quoted."""
    ends = b"".join(bytes(map(int, address.split("."))) for address in (source, destination))
    return struct.pack(">BBHHHBBH", 0x45, 0, size or 20 + len(payload), 1, 0x4000, 64, protocol, 0) + ends + payload


def udp(source: int, destination: int, data: bytes = b"") -> bytes:
    """Give a UDP datagram."""
    return struct.pack(">HHHH", source, destination, 8 + len(data), 0) + data


_UNREACHABLE = message(3, 3, bytes(4) + ipv4("10.0.0.1", "10.0.0.2", 17, udp(40000, 53, b"who is there")))
_TOO_BIG = message(3, 4, struct.pack(">HH", 0, 1400) + ipv4("10.0.0.2", "10.0.9.9", 6, udp(443, 50000), 1500))
_EXPIRED = message(11, 0, bytes(4) + ipv4("10.0.0.1", "10.0.9.9", 1, echo(7, 3, b"")))

SAMPLES: dict[str, list[tuple[Direction, bytes]]] = {
    "a ping is answered": [(CLIENT, echo(7, 1)), (SERVER, echo(7, 1, reply=True))],
    "pings overtake each other": [
        (CLIENT, echo(7, 1)),
        (CLIENT, echo(7, 2, b"another")),
        (SERVER, echo(7, 2, b"another", reply=True)),
        (SERVER, echo(7, 1, reply=True)),
    ],
    "both sides ping": [
        (CLIENT, echo(7, 1)),
        (SERVER, echo(9, 1)),
        (CLIENT, echo(9, 1, reply=True)),
        (SERVER, echo(7, 1, reply=True)),
    ],
    "a ping stays unanswered": [(CLIENT, echo(7, 4))],
    "a reply comes alone": [(SERVER, echo(7, 5, reply=True))],
    "a port is unreachable": [(SERVER, _UNREACHABLE)],
    "a packet is too big": [(CLIENT, _TOO_BIG)],
    "a packet is on its way for too long": [(SERVER, _EXPIRED)],
    "the time is asked for": [
        (CLIENT, message(13, 0, struct.pack(">HHIII", 1, 2, 3, 0, 0))),
        (SERVER, message(14, 0, struct.pack(">HHIII", 1, 2, 3, 4, 5))),
    ],
    "a router sends elsewhere": [
        (SERVER, message(5, 1, bytes((10, 0, 0, 254)) + ipv4("10.0.0.1", "10.0.9.9", 1, echo(7, 6, b"")))),
    ],
}

TRANSPORT = "icmp"
