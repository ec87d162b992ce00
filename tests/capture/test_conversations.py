"""The packets of a conversation."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address
from pathlib import Path

from kubeshark_mcp.capture.conversations import find_packets
from kubeshark_mcp.capture.export import write_packets

SYN, ACK, PSH = 2, 16, 8


def segment(client: int, flags: int, payload: bytes = b"", turned: bool = False, sequence: int = 1) -> bytes:
    ends = (IPv4Address("10.0.0.1").packed, client), (IPv4Address("10.0.0.2").packed, 80)
    (source, source_port), (target, target_port) = ends[::-1] if turned else ends
    tcp = struct.pack(">HHIIHHHH", source_port, target_port, sequence, 1, 5 << 12 | flags, 1000, 0, 0) + payload
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + source + target
    return b"\2" * 12 + b"\x08\x00" + ip + tcp


def written(tmp_path: Path, *frames: bytes) -> Path:
    path = tmp_path / "a.pcap"
    path.write_bytes(write_packets([(10**18 + n * 1000, len(frame), frame, 1) for n, frame in enumerate(frames)]))
    return path


def test_a_span_is_cut_without_what_others_said_meanwhile_but_with_its_handshake(tmp_path: Path):
    path = written(
        tmp_path,
        segment(1000, SYN), segment(2000, SYN), segment(1000, SYN | ACK, turned=True), segment(1000, ACK),
        segment(1000, PSH | ACK, b"before"), segment(1000, PSH | ACK, b"request"), segment(2000, ACK),
        segment(1000, PSH | ACK, b"answer", turned=True),
    )  # fmt: skip
    found = find_packets(path, [(6, 6), (8, 8)])
    assert [(packet.number, packet.handshake) for packet in found] == [
        (1, True), (3, True), (4, True), (6, False), (8, False),
    ]  # fmt: skip
    request = found[3]
    assert request.data[request.payload : request.payload + request.payload_length] == b"request"
    assert (request.network, request.transport, request.payload) == (14, 34, 54)


def test_ports_used_again_bring_the_latest_handshake_only(tmp_path: Path):
    path = written(
        tmp_path, segment(1000, SYN), segment(1000, SYN | ACK, turned=True), segment(1000, ACK),
        segment(1000, SYN), segment(1000, SYN), segment(1000, SYN | ACK, turned=True), segment(1000, ACK),
        segment(1000, ACK, b"x"),
    )  # fmt: skip
    assert [packet.number for packet in find_packets(path, [(8, 8)])] == [4, 5, 6, 7, 8]


def test_a_connection_that_was_open_before_has_no_handshake(tmp_path: Path):
    path = written(tmp_path, segment(1000, ACK, b"a"), segment(1000, ACK, b"b"))
    assert [packet.number for packet in find_packets(path, [(2, 2)])] == [2]


def test_what_is_no_ip_packet_is_found_by_its_number(tmp_path: Path):
    path = written(tmp_path, b"\1" * 30, segment(1, ACK))
    (packet,) = find_packets(path, [(1, 1)])
    assert (packet.number, packet.payload, packet.payload_length) == (1, -1, 0)
    assert find_packets(path, [(99, 99)]) == []
