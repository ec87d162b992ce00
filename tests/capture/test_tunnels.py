from __future__ import annotations

import struct

import pytest

from tests.capture.building import ethernet, ipv4, ipv6, pcap, pcap_head, read, record, seen, tcp, udp

INNER = ipv4(tcp(b"hello"), source="192.168.1.1", destination="192.168.1.2")
INNER_6 = ipv6(tcp(b"hello"), source="fd00::1", destination="fd00::2")
FRAME = ethernet(INNER)
EXPECTED = (6, "192.168.1.1", 40000, "192.168.1.2", 80, b"hello")
EXPECTED_6 = (6, "fd00::1", 40000, "fd00::2", 80, b"hello")
LABELS = bytes([0, 1, 0, 64, 0, 2, 1, 64])
ROUTED = struct.pack(">BBHI", 0, 0, 0x0800, 7)


def over(port: int, payload: bytes) -> bytes:
    return ethernet(ipv4(udp(payload, ports=(50000, port)), 17))


def gre(kind: int, payload: bytes, flags: int = 0, extra: bytes = b"") -> bytes:
    return ethernet(ipv4(struct.pack(">HH", flags, kind) + extra + payload, 47))


TUNNELS = {
    "IP in IP": ethernet(ipv4(INNER, 4)),
    "4in6": ethernet(ipv6(INNER, 4), 0x86DD),
    "IP in IP in IP": ethernet(ipv4(ipv4(INNER, 4), 4)),
    "EtherIP": ethernet(ipv4(b"\x30\0" + FRAME, 97)),
    "GRE": gre(0x0800, INNER),
    "GRE with checksum, key and sequence": gre(0x0800, INNER, 0xB000, bytes(12)),
    "GRE with Ethernet": gre(0x6558, FRAME),
    "GRE with PPP (PPTP)": gre(0x880B, b"\xff\x03\0\x21" + INNER, 0x3081, bytes(12)),
    "GRE with MPLS": gre(0x8847, LABELS + INNER),
    "ERSPAN I": gre(0x88BE, FRAME),
    "ERSPAN II": gre(0x88BE, bytes(8) + FRAME, 0x1000, bytes(4)),
    "ERSPAN III": gre(0x22EB, bytes(12) + FRAME, 0x1000, bytes(4)),
    "ERSPAN III with a subheader": gre(0x22EB, bytes(11) + b"\1" + bytes(8) + FRAME, 0x1000, bytes(4)),
    "GRE in UDP": over(4754, struct.pack(">HH", 0, 0x0800) + INNER),
    "VXLAN": over(4789, b"\x08\0\0\0\0\0\x2a\0" + FRAME),
    "VXLAN with a tagged frame": over(4789, b"\x08\0\0\0\0\0\x2a\0" + ethernet(INNER, tags=(0x8100,))),
    "VXLAN with group policy": over(4789, b"\x88\0\0\x05\0\0\x2a\0" + FRAME),
    "VXLAN on the port of Linux": over(8472, b"\x08\0\0\0\0\0\1\0" + FRAME),
    "VXLAN over IPv6": ethernet(ipv6(udp(b"\x08\0\0\0\0\0\x2a\0" + FRAME, ports=(1, 4789)), 17), 0x86DD),
    "VXLAN in VXLAN": over(4789, b"\x08" + bytes(7) + over(4789, b"\x08" + bytes(7) + FRAME)),
    "VXLAN from its port": ethernet(ipv4(udp(b"\x08" + bytes(7) + FRAME, ports=(4789, 50000)), 17)),
    "VXLAN-GPE": over(4790, b"\x0c\0\0\1\0\0\x2a\0" + INNER),
    "VXLAN-GPE with NSH": over(4790, b"\x0c\0\0\4\0\0\x2a\0" + b"\0\2\1\3" + bytes(4) + FRAME),
    "Geneve": over(6081, struct.pack(">BBHI", 0, 0, 0x6558, 7) + FRAME),
    "Geneve with options": over(6081, struct.pack(">BBHI", 2, 0, 0x6558, 7) + bytes(8) + FRAME),
    "Geneve with IP": over(6081, ROUTED + INNER),
    "GTP-U": over(2152, struct.pack(">BBHI", 0x30, 255, len(INNER), 1) + INNER),
    "GTP-U with an extension": over(2152, b"\x34\xff" + bytes(6) + b"\0\0\0\x85\1\0\0\0" + INNER),
    "MPLS": ethernet(LABELS + INNER, 0x8847),
    "MPLS pseudowire": ethernet(LABELS + bytes(4) + FRAME, 0x8847),
    "MPLS in UDP": over(6635, LABELS + INNER),
    "MPLS behind a provider's backbone": ethernet(bytes(4) + ethernet(LABELS + INNER, 0x8847), 0x88E7),
    "VN-Tag": ethernet(bytes(4) + b"\x08\0" + INNER, 0x8926),
    "metadata of Cisco": ethernet(b"\1\1\0\1\0\5\x08\0" + INNER, 0x8909),
    "redundant Ethernet": ethernet(bytes(4) + b"\x08\0" + INNER, 0x892F),
    "WCCP 1": gre(0x883E, INNER),
    "WCCP 2": gre(0x883E, bytes(4) + INNER),
    "Aruba's 802.11": gre(0x8210, b"\x08\2" + bytes(22) + b"\xaa\xaa\3\0\0\0\x08\0" + INNER),
    "L2TP": over(1701, struct.pack(">HHH", 2, 1, 2) + b"\xff\x03\0\x21" + INNER),
    "L2TP with all options": over(1701, b"\x4a\2" + bytes(10) + b"\0\2\0\0" + b"\xff\x03\0\x21" + INNER),
    "PPPoE": ethernet(struct.pack(">BBHHH", 0x11, 0, 1, len(INNER) + 2, 0x21) + INNER, 0x8864),
}


@pytest.mark.parametrize("name", TUNNELS)
def test_the_columns_show_the_innermost_flow(tmp_path, name):
    rows, warnings = read(tmp_path / "a.pcap", pcap(TUNNELS[name]))
    assert [seen(row) for row in rows] == [EXPECTED]
    assert warnings == []


@pytest.mark.parametrize("name", TUNNELS)
def test_a_tunnel_cut_anywhere_is_harmless(tmp_path, name):
    whole = TUNNELS[name]
    content = pcap_head() + b"".join(record(whole[:size], original=len(whole)) for size in range(len(whole)))
    rows, _ = read(tmp_path / "a.pcap", content)
    assert len(rows) == len(whole)
    assert seen(rows[-1])[:5] == EXPECTED[:5]
    assert (rows[-1]["payload"], rows[-1]["payload_missing"]) == (b"hell", 1)


@pytest.mark.parametrize(
    "packet",
    [
        ethernet(ipv4(INNER_6, 41)),
        ethernet(ipv6(INNER_6, 41), 0x86DD),
        gre(0x86DD, INNER_6),
        over(4789, b"\x08" + bytes(7) + ethernet(INNER_6, 0x86DD)),
        over(6081, struct.pack(">BBHI", 0, 0, 0x86DD, 7) + INNER_6),
        over(3544, INNER_6),
        over(3544, b"\0\1" + bytes(11) + b"\0\0" + bytes(6) + INNER_6),
    ],
)
def test_ipv6_travels_in_tunnels(tmp_path, packet):
    rows, _ = read(tmp_path / "a.pcap", pcap(packet))
    assert seen(rows[0]) == EXPECTED_6


OUTER = {
    "VXLAN without its flag": (over(4789, bytes(8) + FRAME), 4789),
    "VXLAN with ARP": (over(4789, b"\x08" + bytes(7) + ethernet(bytes(28), 0x0806)), 4789),
    "something else on the port of Linux": (over(8472, b"\x08\0\0\1\0\0\1\0" + FRAME), 8472),
    "Geneve of another version": (over(6081, struct.pack(">BBHI", 0x40, 0, 0x6558, 7) + FRAME), 6081),
    "Geneve whose options are cut": (over(6081, struct.pack(">BBHI", 0x3F, 0, 0x6558, 7)), 6081),
    "L2TP control": (over(1701, b"\xc8\2" + bytes(18)), 1701),
    "GTP-U echo": (over(2152, b"\x32\1\0\4" + bytes(8)), 2152),
    "a VXLAN frame too short for Ethernet": (over(4789, b"\x08" + bytes(17)), 4789),
}


@pytest.mark.parametrize("name", OUTER)
def test_what_is_no_tunnel_stays_the_datagram_it_is(tmp_path, name):
    packet, port = OUTER[name]
    rows, _ = read(tmp_path / "a.pcap", pcap(packet))
    assert seen(rows[0]) == (17, "10.0.0.1", 50000, "10.0.0.2", port, packet[42:])


def test_an_inner_packet_without_ports_has_none_of_the_outer_ones(tmp_path):
    packet = over(4789, b"\x08" + bytes(7) + ethernet(ipv4(b"ping", 1)))
    rows, _ = read(tmp_path / "a.pcap", pcap(packet))
    assert seen(rows[0]) == (1, "10.0.0.1", 0, "10.0.0.2", 0, b"ping")
    assert rows[0]["sequence"] == rows[0]["flags"] == 0


def test_the_outer_length_bounds_the_inner_packet(tmp_path):
    inner = ipv4(tcp(b"hello, too long"), source="192.168.1.1", destination="192.168.1.2")
    packet = ethernet(ipv4(udp(b"\x08" + bytes(7) + ethernet(inner), ports=(1, 4789), length=8 + 8 + 14 + 45), 17))
    rows, _ = read(tmp_path / "a.pcap", pcap(packet))
    assert (rows[0]["payload"], rows[0]["payload_missing"]) == (b"hello", 0)


@pytest.mark.parametrize(
    "packet",
    [
        ethernet(ipv4(b"", 4, total=0) * 60),
        ethernet(bytes(200), 0x8847),
        gre(0x0800, b"", 0x4000, bytes(20)),
        gre(0x0800, b"", 3),
        over(2152, b"\x34\xff" + bytes(6) + b"\0\0\0\x85" + b"\0" * 40),
    ],
)
def test_endless_nesting_ends(tmp_path, packet):
    rows, _ = read(tmp_path / "a.pcap", pcap(packet))
    assert len(rows) == 1
