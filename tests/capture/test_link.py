from __future__ import annotations

import struct

import pytest

from kubeshark_mcp.capture import link
from tests.capture.building import (
    enhanced,
    ethernet,
    interface,
    ipv4,
    ipv6,
    pcap,
    pktap_header,
    read,
    section,
    seen,
    tcp,
    udp,
)

SEGMENT = ipv4(tcp(b"hello"))
EXPECTED = (6, "10.0.0.1", 40000, "10.0.0.2", 80, b"hello")
SNAP = b"\xaa\xaa\x03\0\0\0\x08\0"

FRAMES = {
    "ethernet": (1, ethernet(SEGMENT)),
    "one tag": (1, ethernet(SEGMENT, tags=(0x8100,))),
    "two tags": (1, ethernet(SEGMENT, tags=(0x88A8, 0x8100))),
    "six tags": (1, ethernet(SEGMENT, tags=(0x8100,) * 6)),
    "802.3 with SNAP": (1, ethernet(SNAP + SEGMENT, len(SNAP + SEGMENT))),
    "cooked": (113, bytes(14) + b"\x08\0" + SEGMENT),
    "cooked with a tag": (113, bytes(14) + b"\x81\0\0\5\x08\0" + SEGMENT),
    "cooked 2": (276, b"\x08\0" + bytes(18) + SEGMENT),
    "raw": (101, SEGMENT),
    "raw of BSD": (12, SEGMENT),
    "raw of OpenBSD": (14, SEGMENT),
    "IPv4": (228, SEGMENT),
    "null": (0, struct.pack("<I", 2) + SEGMENT),
    "null of a big-endian host": (0, struct.pack(">I", 2) + SEGMENT),
    "loop": (108, struct.pack(">I", 2) + SEGMENT),
    "ppp": (9, b"\0\x21" + SEGMENT),
    "ppp with address and control": (50, b"\xff\x03\0\x21" + SEGMENT),
    "ppp with a compressed protocol": (9, b"\x21" + SEGMENT),
    "cisco hdlc": (104, b"\x0f\0\x08\0" + SEGMENT),
    "frame relay": (107, b"\x18\x41\x03\xcc" + SEGMENT),
    "802.11": (105, b"\x08\2" + bytes(22) + SNAP + SEGMENT),
    "802.11 with quality of service": (105, b"\x88\2" + bytes(24) + SNAP + SEGMENT),
    "802.11 from station to station, ordered": (105, b"\x88\x83" + bytes(34) + SNAP + SEGMENT),
    "802.11 with several frames in one": (105, b"\x88\2" + bytes(22) + b"\x80\0" + bytes(14) + SNAP + SEGMENT),
    "radiotap": (127, b"\0\0\x0a\0" + bytes(6) + b"\x08\2" + bytes(22) + SNAP + SEGMENT),
    "per-packet information": (192, b"\0\0\x08\0\1\0\0\0" + ethernet(SEGMENT)),
    "packet filter log": (117, b"\x3d" + bytes(63) + SEGMENT),
    "IPsec of OpenBSD": (109, bytes(12) + SEGMENT),
    "fddi": (10, bytes(13) + SNAP + SEGMENT),
    "token ring": (6, bytes(14) + SNAP + SEGMENT),
    "token ring with a route": (6, bytes(8) + b"\x80" + bytes(5) + b"\2\0" + SNAP + SEGMENT),
    "fibre channel": (122, bytes(16) + SNAP + SEGMENT),
    "atm": (100, SNAP + SEGMENT),
    "pktap": (258, pktap_header(1) + ethernet(SEGMENT)),
    "pktap under the number for private use": (149, pktap_header(12) + SEGMENT),
    "pktap with a longer header": (258, pktap_header(1, size=156) + ethernet(SEGMENT)),
    "netfilter log": (239, b"\2\0\0\0" + struct.pack("<HH", 8, 1) + bytes(4) + struct.pack("<HH", 200, 9) + SEGMENT),
}


@pytest.mark.parametrize("name", FRAMES)
def test_ip_is_found_behind_every_link_layer(tmp_path, name):
    kind, frame = FRAMES[name]
    rows, warnings = read(tmp_path / "a.pcap", pcap(frame, link_type=kind))
    assert [seen(row) for row in rows] == [EXPECTED]
    assert warnings == []


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_cut_anywhere_is_harmless(tmp_path, name):
    kind, frame = FRAMES[name]
    rows, _ = read(tmp_path / "a.pcap", pcap(*(frame[:size] for size in range(len(frame))), link_type=kind))
    assert len(rows) == len(frame)
    assert all(row["payload_length"] + row["payload_missing"] in {0, *range(6)} for row in rows)


@pytest.mark.parametrize("head", [b"\x08\x42", b"\x48\2", b"\x80\0", b"\xb4\0"])
def test_frames_of_80211_that_are_encrypted_empty_or_no_data_hold_nothing(tmp_path, head):
    rows, _ = read(tmp_path / "a.pcap", pcap(head + bytes(22) + SNAP + SEGMENT, link_type=105))
    assert [row["ip_version"] for row in rows] == [0]


@pytest.mark.parametrize("family", [10, 24, 28, 30])
def test_loopback_knows_the_ipv6_of_every_system(tmp_path, family):
    frame = struct.pack("<I", family) + ipv6(udp(b"x"), 17)
    rows, _ = read(tmp_path / "a.pcap", pcap(frame, link_type=0))
    assert seen(rows[0]) == (17, "2001:db8::1", 40000, "2001:db8::2", 53, b"x")


def test_cooked_version_2_tells_the_interface_of_each_packet(tmp_path):
    frames = [b"\x08\0\0\0" + struct.pack(">I", number) + bytes(12) + SEGMENT for number in (3, 9)]
    rows, _ = read(tmp_path / "a.pcap", pcap(*frames, link_type=276))
    assert [row["point"] for row in rows] == [3, 9]
    assert seen(rows[1]) == EXPECTED


def test_several_link_types_in_one_block_are_told_apart(tmp_path):
    content = section() + interface(1) + interface(101) + interface(276)
    content += enhanced(ethernet(SEGMENT), number=0) + enhanced(SEGMENT, number=1)
    content += enhanced(b"\x08\0\0\0" + struct.pack(">I", 77) + bytes(12) + SEGMENT, number=2)
    rows, _ = read(tmp_path / "a.pcapng", content)
    assert [seen(row) for row in rows] == [EXPECTED] * 3
    assert [row["point"] for row in rows] == [0, 1, 77]


def test_an_unknown_link_type_is_reported_once(tmp_path):
    rows, warnings = read(tmp_path / "a.pcap", pcap(b"x" * 60, b"y" * 60, link_type=147))
    assert [(row["ip_version"], row["captured_length"], row["link_type"]) for row in rows] == [(0, 60, 147)] * 2
    assert warnings == ["packets of link type 147 are not decoded: it is not known here (packet 1, byte 24)"]


@pytest.mark.parametrize("kind", [0x0806, 0x88CC, 0x1234])
def test_other_ethertypes_are_packets_without_ip(tmp_path, kind):
    rows, warnings = read(tmp_path / "a.pcap", pcap(ethernet(bytes(46), kind)))
    assert [(row["ip_version"], row["protocol"]) for row in rows] == [(0, 0)]
    assert warnings == []


def test_every_row_of_the_tables_is_callable():
    assert all(callable(handler) for table in (link.LINKS, link.ETHERTYPES) for handler in table.values())
