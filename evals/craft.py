"""Makes a capture of HTTP calls that a case spells out: one connection each, Ethernet, IPv4, with right checksums."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from evals.desk import DataSet
from evals.suites import Exchange

CLIENT, SERVER, PORT = "10.244.1.20", "10.244.2.30", 8080
_BEGIN = 1_790_000_000
_FIN, _SYN, _PSH, _ACK = 1, 2, 8, 16
_MAGIC, _LINK_ETHERNET, _SNAPLEN, _SEGMENT = 0xA1B2C3D4, 1, 262_144, 1400


def data_set(name: str, exchanges: Sequence[Exchange], folder: Path) -> DataSet:
    """Write the capture into a folder and name it as data to start a server on."""
    path = folder / "node-a.pcap"
    path.write_bytes(capture_of(exchanges))
    return DataSet(name.replace("/", "-"), (("node-a", path),))


def capture_of(exchanges: Sequence[Exchange]) -> bytes:
    """Make the bytes of a pcap file; calls follow each other by a second, packets within one by a millisecond."""
    parts = [struct.pack("<IHHiIII", _MAGIC, 2, 4, 0, 0, _SNAPLEN, _LINK_ETHERNET)]
    for number, exchange in enumerate(exchanges):
        for step, packet in enumerate(_connection(41_000 + number, exchange)):
            stamp = (_BEGIN + number, step * 1000, len(packet), len(packet))
            parts += [struct.pack("<IIII", *stamp), packet]
    return b"".join(parts)


def message(text: str) -> bytes:
    """Make an HTTP/1.1 message from text: CRLF in its head, and the length of its body added."""
    head, _, body = text.strip("\n").partition("\n\n")
    content = body.encode()
    lines = head.split("\n")
    if content or lines[0].startswith("HTTP/"):
        lines.append(f"content-length: {len(content)}")
    return "\r\n".join([*lines, "", ""]).encode() + content


def _connection(port: int, exchange: Exchange) -> Iterator[bytes]:
    asked, answered = message(exchange.request), message(exchange.response)
    sent, received = 1000, 5000
    yield _packet(port, True, sent, 0, _SYN)
    yield _packet(port, False, received, sent + 1, _SYN | _ACK)
    sent, received = sent + 1, received + 1
    yield _packet(port, True, sent, received, _ACK)
    for begin in range(0, len(asked), _SEGMENT):
        piece = asked[begin : begin + _SEGMENT]
        yield _packet(port, True, sent, received, _PSH | _ACK, piece)
        sent += len(piece)
    for begin in range(0, len(answered), _SEGMENT):
        piece = answered[begin : begin + _SEGMENT]
        yield _packet(port, False, received, sent, _PSH | _ACK, piece)
        received += len(piece)
    yield _packet(port, True, sent, received, _FIN | _ACK)
    yield _packet(port, False, received, sent + 1, _FIN | _ACK)
    yield _packet(port, True, sent + 1, received + 1, _ACK)


def _packet(port: int, from_client: bool, sequence: int, acknowledged: int, flags: int, payload: bytes = b"") -> bytes:
    ends = (CLIENT, SERVER) if from_client else (SERVER, CLIENT)
    ports = (port, PORT) if from_client else (PORT, port)
    source, target = (socket.inet_aton(each) for each in ends)
    tcp = struct.pack("!HHIIBBHHH", *ports, sequence, acknowledged, 5 << 4, flags, 64_240, 0, 0)
    pseudo = source + target + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(tcp) + len(payload))
    tcp = tcp[:16] + struct.pack("!H", _checksum(pseudo + tcp + payload)) + tcp[18:]
    length = 20 + len(tcp) + len(payload)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, length, 1, 0x4000, 64, socket.IPPROTO_TCP, 0) + source + target
    ip = ip[:10] + struct.pack("!H", _checksum(ip)) + ip[12:]
    return bytes.fromhex("02000000000202000000000108 00".replace(" ", "")) + ip + tcp + payload


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
