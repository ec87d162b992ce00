from __future__ import annotations

import struct
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.wire_icmp import LIST_LIMIT, Message, parse_message


def head(kind: int, code: int = 0, rest: bytes = bytes(4)) -> bytes:
    return bytes((kind, code, 0, 0)) + rest


def address6(text: str) -> bytes:
    return IPv6Address(text).packed


def ipv4(protocol: int, payload: bytes, *, fragment: int = 0, options: bytes = b"", size: int = 60) -> bytes:
    first = 0x45 + len(options) // 4
    ends = bytes((10, 0, 0, 1, 10, 0, 0, 2))
    return struct.pack(">BBHHHBBH", first, 0, size, 1, fragment, 64, protocol, 0) + ends + options + payload


def ipv6(following: int, payload: bytes, size: int = 20) -> bytes:
    ends = address6("2001:db8::1") + address6("2001:db8::2")
    return struct.pack(">IHBB", 0x60000000, size, following, 64) + ends + payload


ABOUT = {"icmp_about_src": "10.0.0.1", "icmp_about_dst": "10.0.0.2", "icmp_about_length": 60}
ABOUT6 = {"icmp_about_src": "2001:db8::1", "icmp_about_dst": "2001:db8::2", "icmp_about_length": 60}
PORTS = {"icmp_about_src_port": 40000, "icmp_about_dst_port": 53}
DNS = struct.pack(">HHHH", 40000, 53, 8, 0)


def test_an_echo_names_its_identifier_and_its_reply_has_the_same_key():
    request, reply = parse_message(head(8, 0, b"\0\7\0\1"), 4), parse_message(head(0, 0, b"\0\7\0\1"), 4)
    assert request == Message(8, 0, "Echo Request", "", 8, False, b"\0\7\0\1", 8, {"icmp_id": 7, "icmp_sequence": 1})
    assert reply == Message(0, 0, "Echo Reply", "", 8, True, b"\0\7\0\1", 8, {"icmp_id": 7, "icmp_sequence": 1})


@pytest.mark.parametrize(
    ("data", "version", "fields", "about"),
    [
        (
            head(3, 3) + ipv4(17, DNS),
            4,
            {**ABOUT, **PORTS, "icmp_about_protocol": "udp"},
            "udp 10.0.0.1:40000 to 10.0.0.2:53",
        ),
        (
            head(3, 4, struct.pack(">HH", 0, 1400)) + ipv4(6, DNS, options=bytes(8)),
            4,
            {**ABOUT, **PORTS, "icmp_about_protocol": "tcp", "icmp_mtu": 1400},
            "tcp 10.0.0.1:40000 to 10.0.0.2:53",
        ),
        (
            head(11) + ipv4(1, head(8, 0, b"\0\7\0\3")),
            4,
            {**ABOUT, "icmp_about_protocol": "icmp", "icmp_about_id": 7, "icmp_about_sequence": 3},
            "icmp id 7 seq 3 10.0.0.1 to 10.0.0.2",
        ),
        (
            head(11, 1) + ipv4(17, b"in the middle", fragment=100),
            4,
            {**ABOUT, "icmp_about_protocol": "udp"},
            "udp fragment 10.0.0.1 to 10.0.0.2",
        ),
        (
            head(5, 1, bytes((10, 0, 0, 9))) + ipv4(47, b""),
            4,
            {**ABOUT, "icmp_about_protocol": "gre", "icmp_gateway": "10.0.0.9"},
            "gre 10.0.0.1 to 10.0.0.2",
        ),
        (
            head(2, 0, struct.pack(">I", 1280)) + ipv6(6, DNS),
            6,
            {**ABOUT6, **PORTS, "icmp_about_protocol": "tcp", "icmp_mtu": 1280},
            "tcp [2001:db8::1]:40000 to [2001:db8::2]:53",
        ),
        (
            head(4, 1, struct.pack(">I", 40))
            + ipv6(0, bytes((44, 0)) + bytes(6) + bytes((17, 0, 0, 1)) + bytes(4) + DNS),
            6,
            {**ABOUT6, **PORTS, "icmp_about_protocol": "udp", "icmp_pointer": 40},
            "udp [2001:db8::1]:40000 to [2001:db8::2]:53",
        ),
        (
            head(1) + ipv6(44, bytes((17, 0, 1, 0)) + bytes(4) + b"later"),
            6,
            {**ABOUT6, "icmp_about_protocol": "udp"},
            "udp fragment 2001:db8::1 to 2001:db8::2",
        ),
    ],
)
def test_an_error_says_which_packet_it_is_about(data: bytes, version: int, fields: dict[str, object], about: str):
    message = parse_message(data, version)
    assert (message.fields, message.about, message.malformed) == (fields, about, "")


@pytest.mark.parametrize(
    ("data", "version", "malformed"),
    [
        (b"", 4, "the message has 0 bytes, less than a header's 8"),
        (head(8)[:6], 4, "the message has 6 bytes, less than a header's 8"),
        (head(3), 4, "the message ends at byte 8 and quotes no packet"),
        (head(3) + b"\x45" + bytes(10), 4, "the packet quoted at byte 8 has no whole IPv4 header"),
        (head(3) + b"\x41" + bytes(30), 4, "the packet quoted at byte 8 has no whole IPv4 header"),
        (head(3) + b"\x95" + bytes(30), 4, "the packet quoted at byte 8 has IP version 9"),
        (head(3) + ipv4(17, b"\0"), 4, "the quoted packet ends at byte 29, before its ports"),
        (head(1) + ipv6(17, b"")[:20], 6, "the packet quoted at byte 8 has no whole IPv6 header"),
        (head(1) + ipv6(0, b"\x11"), 6, "the packet quoted at byte 8 ends inside its extension headers"),
        (head(135) + bytes(3), 6, "the message ends at byte 11 inside the address at byte 8"),
        (head(137) + bytes(20), 6, "the message ends at byte 28 inside the address at byte 24"),
        (head(133) + b"\1\0", 6, "the option at byte 8 has 0 bytes of the 2 that follow"),
        (head(133) + b"\1\2" + bytes(6), 6, "the option at byte 8 has 16 bytes of the 8 that follow"),
        (head(143, 0, b"\0\0\0\2"), 6, "the message ends at byte 8 inside the record at byte 8"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(data: bytes, version: int, malformed: str):
    assert parse_message(data, version).malformed == malformed


def test_neighbour_discovery_tells_addresses_prefixes_and_the_mtu():
    link = b"\1\1\2\x42\xac\x11\0\2"
    prefix = struct.pack(">BBBBIII", 3, 4, 64, 0, 1, 1, 0) + address6("2001:db8::")
    advert = head(134) + bytes(8) + link + struct.pack(">BBHI", 5, 1, 0, 1400) + prefix
    assert parse_message(advert, 6).fields == {
        "icmp_link_address": "02:42:ac:11:00:02",
        "icmp_mtu": 1400,
        "icmp_prefixes": ("2001:db8::/64",),
    }
    assert parse_message(head(135) + address6("fe80::1") + link, 6).fields == {
        "icmp_target": "fe80::1",
        "icmp_link_address": "02:42:ac:11:00:02",
    }
    quoted = ipv6(17, DNS)
    quoted += bytes(-len(quoted) % 8)
    redirect = head(137) + address6("fe80::9") + address6("2001:db8::2") + bytes((4, 1 + len(quoted) // 8)) + bytes(6)
    message = parse_message(redirect + quoted, 6)
    assert message.fields == {
        **ABOUT6,
        **PORTS,
        "icmp_about_protocol": "udp",
        "icmp_gateway": "fe80::9",
        "icmp_target": "2001:db8::2",
    }


def test_a_listener_report_names_its_groups_as_far_as_the_limit():
    record = bytes((4, 0, 0, 0)) + address6("ff02::fb")
    many = parse_message(head(143, 0, struct.pack(">HH", 0, 100)) + record * 100, 6)
    assert many.fields == {"icmp_groups": ("ff02::fb",) * LIST_LIMIT}
    assert many.malformed == ""


@given(st.binary(max_size=120), st.sampled_from((4, 6)), st.integers(0, 255))
def test_any_bytes_are_read_without_a_fault(data: bytes, version: int, kind: int):
    message = parse_message(bytes((kind,)) + data, version)
    assert message.type == kind or message.malformed


def test_a_single_byte_names_the_type():
    message = parse_message(b"\x08", 4)
    assert (message.type, message.name, message.request) == (8, "Echo Request", -1)
    assert message.malformed == "the message has 1 bytes, less than a header's 8"
