from __future__ import annotations

import pytest

from tests.capture.building import ethernet, ipv4, ipv6, pcap, pcap_head, read, record, seen, tcp, udp

V4 = (6, "10.0.0.1", 40000, "10.0.0.2", 80)
V6 = (6, "2001:db8::1", 40000, "2001:db8::2", 80)


def one(tmp_path, packet: bytes, kind: int = 0x0800, original: int | None = None):
    content = pcap_head() + record(ethernet(packet, kind), original=original)
    rows, _ = read(tmp_path / "a.pcap", content)
    return rows[0]


def test_ethernet_padding_is_no_payload(tmp_path):
    assert seen(one(tmp_path, ipv4(tcp()) + bytes(6))) == (*V4, b"")
    assert seen(one(tmp_path, ipv6(tcp(b"ab")) + bytes(6), 0x86DD)) == (*V6, b"ab")


def test_options_move_the_transport_header(tmp_path):
    row = one(tmp_path, ipv4(tcp(b"x"), options=b"\x94\x04\0\0" * 3))
    assert seen(row) == (*V4, b"x")
    assert row["transport_offset"] - row["network_offset"] == 32


def test_a_length_of_zero_means_that_the_network_card_segments(tmp_path):
    assert seen(one(tmp_path, ipv4(tcp(b"large"), total=0))) == (*V4, b"large")
    assert seen(one(tmp_path, ipv6(tcp(b"large"), length=0), 0x86DD)) == (*V6, b"large")


@pytest.mark.parametrize("total", [1, 19, 20, 30, 39])
def test_a_total_length_too_short_for_its_headers_has_no_transport(tmp_path, total):
    row = one(tmp_path, ipv4(tcp(b"hidden"), total=total))
    assert (row["source_port"], row["payload"], row["payload_missing"]) == (0, b"", 0)
    assert row["ip_version"] == (4 if total >= 20 else 0)


def test_a_total_length_beyond_the_packet_counts_only_what_was_on_the_wire(tmp_path):
    row = one(tmp_path, ipv4(tcp(b"abc"), total=1000))
    assert (row["payload"], row["payload_missing"]) == (b"abc", 0)
    row = one(tmp_path, ipv4(tcp(b"abc"), total=100), original=14 + 90)
    assert (row["payload"], row["payload_missing"]) == (b"abc", 47)


def test_what_the_snap_length_cut_off_is_missing_not_gone(tmp_path):
    whole = ipv4(tcp(b"x" * 1000))
    row = one(tmp_path, whole[:140], original=14 + len(whole))
    assert (row["payload_length"], row["payload_missing"]) == (100, 900)
    row = one(tmp_path, whole[:40], original=14 + len(whole))
    assert (row["payload_length"], row["payload_missing"], row["source_port"]) == (0, 1000, 40000)
    row = one(tmp_path, whole[:39], original=14 + len(whole))
    assert (row["ip_version"], row["fragment"], row["source_port"]) == (4, True, 0)


EXTENSIONS = {
    "hop-by-hop": (0, b"\x06\0" + bytes(6)),
    "routing": (43, b"\x06\x02" + bytes(22)),
    "destination options": (60, b"\x06\x01" + bytes(14)),
    "authentication": (51, b"\x06\x04" + bytes(22)),
    "two of them": (0, b"\x3c\0" + bytes(6) + b"\x06\0" + bytes(6)),
}


@pytest.mark.parametrize("name", EXTENSIONS)
def test_extension_headers_are_passed(tmp_path, name):
    number, header = EXTENSIONS[name]
    row = one(tmp_path, ipv6(header + tcp(b"data"), number), 0x86DD)
    assert seen(row) == (*V6, b"data")
    assert row["ttl"] == 63


def test_authentication_is_passed_in_ipv4_too(tmp_path):
    assert seen(one(tmp_path, ipv4(b"\x06\x04" + bytes(22) + tcp(b"data"), 51))) == (*V4, b"data")


def test_extension_headers_that_are_cut_or_loop_end_quietly(tmp_path):
    assert one(tmp_path, ipv6(b"\0\xff" + bytes(6), 0), 0x86DD)["fragment"]
    assert one(tmp_path, ipv6(b"\x06", 44), 0x86DD)["fragment"]
    assert one(tmp_path, ipv6(b"\0\0" + bytes(6), 0) + b"\0\0" * 4000, 0x86DD)["protocol"] == 0
    row = one(tmp_path, ipv6(b"", 59), 0x86DD)
    assert (row["protocol"], row["fragment"], row["payload"]) == (59, False, b"")


def test_the_version_nibble_must_agree_with_the_ethertype(tmp_path):
    assert one(tmp_path, ipv6(tcp(b"x")), 0x0800)["ip_version"] == 0
    assert one(tmp_path, ipv4(tcp(b"x")), 0x86DD)["ip_version"] == 0


def test_protocol_zero_in_ipv4_is_no_extension_header(tmp_path):
    row = one(tmp_path, ipv4(b"\x06\0" + bytes(6) + tcp(b"x"), 0))
    assert (row["protocol"], row["source_port"]) == (0, 0)


def test_versions_may_alternate(tmp_path):
    packets = [ethernet(ipv4(udp(b"4"), 17)), ethernet(ipv6(udp(b"6"), 17), 0x86DD)] * 3
    rows, _ = read(tmp_path / "a.pcap", pcap(*packets))
    assert [(row["source"], row["payload"]) for row in rows] == [("10.0.0.1", b"4"), ("2001:db8::1", b"6")] * 3
