from __future__ import annotations

import struct

from kubeshark_mcp.capture import transport, tunnels
from tests.capture.building import ethernet, ipv4, ipv6, pcap, pcap_head, read, record, seen, tcp, udp


def one(tmp_path, payload: bytes, protocol: int, original: int | None = None):
    content = pcap_head() + record(ethernet(ipv4(payload, protocol)), original=original)
    rows, _ = read(tmp_path / "a.pcap", content)
    return rows[0]


def test_tcp_fields_are_those_of_the_header(tmp_path):
    segment = tcp(b"x", ports=(1, 65535), sequence=2**32 - 1, acknowledgment=5, flags=0x1FF, options=b"\1\1\1\1")
    row = one(tmp_path, segment, 6)
    names = ("source_port", "destination_port", "sequence", "acknowledgment", "flags", "window", "payload")
    assert tuple(row[name] for name in names) == (1, 65535, 2**32 - 1, 5, 0x1FF, 512, b"x")


def test_a_tcp_header_below_its_own_size_is_not_believed(tmp_path):
    segment = bytearray(tcp(b"x"))
    segment[12] = 0x40
    row = one(tmp_path, bytes(segment), 6)
    assert (row["fragment"], row["source_port"]) == (True, 0)


def test_tcp_options_beyond_the_packet_leave_no_payload(tmp_path):
    segment = bytearray(tcp(b"x"))
    segment[12] = 0xF0
    row = one(tmp_path, bytes(segment), 6)
    assert (row["source_port"], row["payload_length"], row["payload_missing"]) == (40000, 0, 0)


def test_the_udp_length_bounds_the_payload(tmp_path):
    assert one(tmp_path, udp(b"abcdef", length=11), 17)["payload"] == b"abc"
    assert one(tmp_path, udp(b"abcdef", length=0), 17)["payload"] == b"abcdef"
    assert one(tmp_path, udp(b"abcdef", length=5), 17)["payload"] == b""
    assert one(tmp_path, udp(b"abcdef", length=999), 17)["payload"] == b"abcdef"


def test_a_udp_header_that_is_cut_has_no_ports(tmp_path):
    row = one(tmp_path, udp(b"")[:7], 17)
    assert (row["protocol"], row["fragment"], row["source_port"]) == (17, True, 0)


def test_sctp_gives_its_chunks_as_payload(tmp_path):
    row = one(tmp_path, struct.pack(">HHII", 2905, 2906, 1, 2) + b"chunks", 132)
    assert seen(row) == (132, "10.0.0.1", 2905, "10.0.0.2", 2906, b"chunks")
    assert one(tmp_path, struct.pack(">HHI", 1, 2, 3), 132)["fragment"]


def test_protocols_without_ports_give_the_whole_message(tmp_path):
    row = one(tmp_path, b"\x08\0\0\0ping", 1)
    assert seen(row) == (1, "10.0.0.1", 0, "10.0.0.2", 0, b"\x08\0\0\0ping")
    assert row["payload_offset"] == row["transport_offset"]
    assert one(tmp_path, b"secret", 50)["payload"] == b"secret"


def test_transports_may_alternate_in_a_block(tmp_path):
    packets = [
        ethernet(ipv4(tcp(b"t"), 6)),
        ethernet(ipv4(udp(b"u"), 17)),
        ethernet(ipv4(b"ping", 1)),
        ethernet(ipv6(b"ping6", 58), 0x86DD),
    ] * 3
    rows, _ = read(tmp_path / "a.pcap", pcap(*packets))
    assert [(row["protocol"], row["payload"]) for row in rows] == [
        (6, b"t"),
        (17, b"u"),
        (1, b"ping"),
        (58, b"ping6"),
    ] * 3


def test_every_tunnel_port_has_a_handler():
    assert set(tunnels.UDP_PORTS) == transport.TUNNEL_PORTS
