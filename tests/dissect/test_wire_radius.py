from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.wire_radius import (
    VALUE_LIMIT,
    Packet,
    blanked,
    eap_text,
    parse_packet,
    value_text,
    whole_attributes,
)

AUTHENTICATOR = bytes(range(16))


def attribute(kind: int, value: bytes) -> bytes:
    return bytes((kind, len(value) + 2)) + value


def packet(*attributes: bytes, code: int = 1, length: int | None = None) -> bytes:
    body = b"".join(attributes)
    size = 20 + len(body) if length is None else length
    return bytes((code, 7)) + size.to_bytes(2, "big") + AUTHENTICATOR + body


def vendor(number: int, value: bytes) -> bytes:
    return attribute(26, number.to_bytes(4, "big") + value)


def test_a_packet_is_read_whole():
    data = packet(attribute(1, b"bob"), attribute(2, bytes(16)), attribute(61, b"\0\0\0\x13"), attribute(80, bytes(16)))
    assert parse_packet(data) == Packet(
        code=1,
        identifier=7,
        length=len(data),
        authenticator=AUTHENTICATOR.hex(),
        attributes={
            "User-Name": "bob",
            "User-Password": "16 bytes",
            "NAS-Port-Type": "Wireless-802.11",
            "Message-Authenticator": "16 bytes",
        },
        numbers=[1, 2, 61, 80],
        signed=True,
        secrets=[(27, 43), (51, 67)],
    )


@pytest.mark.parametrize(
    ("how", "value", "text"),
    [
        ("text", b"caf\xc3\xa9", "café"),
        ("text", b"caf\xe9", "caf\\xe9"),
        ("text", b"a\nb\x1b[31m", "a\\x0ab\\x1b[31m"),
        ("octets", b"\0\xff", "0x00ff"),
        ("integer", b"\0\0\1\0", "256"),
        ("integer", b"\0\1", "0x0001"),
        ("long", bytes(7) + b"\7", "7"),
        ("address", bytes((10, 0, 0, 1)), "10.0.0.1"),
        ("address", b"\1", "0x01"),
        ("address6", bytes(15) + b"\1", "::1"),
        ("prefix6", b"\0\x30\x20\x01\x0d\xb8\0\x17", "2001:db8:17::/48"),
        ("prefix6", b"\0\xff", "0x00ff"),
        ("prefix4", b"\0\x18\x0a\0\0\0", "10.0.0.0/24"),
        ("interface", bytes(range(8)), "0001:0203:0405:0607"),
        ("date", b"\0\0\0\0", "1970-01-01T00:00:00Z"),
        ("tagged text", b"\x01v17", "v17"),
        ("tagged text", b"v17", "v17"),
        ("secret", b"hello", "5 bytes"),
        ("guess", b"shell", "shell"),
        ("guess", b"\0\1", "0x0001"),
    ],
)
def test_values_are_written_as_people_do(how: str, value: bytes, text: str):
    assert value_text(value, how, -1) == text


def test_enumerated_and_tagged_numbers_go_by_their_names():
    assert value_text(b"\0\0\0\2", "integer", 40) == "Stop"
    assert value_text(b"\1\0\0\x0d", "tagged integer", 64) == "VLAN"


def test_attributes_of_vendors_are_named_where_they_are_known():
    data = packet(
        vendor(9, attribute(1, b"shell:priv-lvl=15") + attribute(1, b"ip:route=1")),
        vendor(14988, attribute(8, b"2M/4M") + attribute(99, b"\1\2")),
        vendor(99999, attribute(3, b"text")),
        vendor(429, b"\0\0\0\1\0"),
    )
    assert parse_packet(data).attributes == {
        "Cisco-AVPair": "shell:priv-lvl=15; ip:route=1",
        "MikroTik-Rate-Limit": "2M/4M",
        "MikroTik-99": "0x0102",
        "Vendor-99999-3": "text",
        "USR": "5 bytes",
    }


def test_keys_and_passwords_of_vendors_are_not_shown():
    data = packet(
        vendor(311, attribute(16, b"a key that nobody may see")),
        vendor(9, attribute(1, b"psk=hunter22")),
        vendor(9, attribute(1, b"tunnel-password=hunter22")),
    )
    read = parse_packet(data)
    assert read.attributes == {"MS-MPPE-Send-Key": "25 bytes", "Cisco-AVPair": "12 bytes; 24 bytes"}
    shown = blanked(data, read, 1000)
    assert len(shown) == len(data)
    assert b"hunter" not in shown
    assert b"nobody" not in shown
    assert blanked(data, read, 30) == data[:28] + bytes(2)


def test_what_is_repeated_is_joined_and_bounded():
    read = parse_packet(packet(*[attribute(18, b"x" * 200)] * 12))
    assert len(read.attributes["Reply-Message"]) == VALUE_LIMIT
    assert len(read.numbers) == 12


@pytest.mark.parametrize(
    ("data", "malformed", "names"),
    [
        (b"", "the packet has 0 bytes, less than a header's 20", []),
        (packet(attribute(1, b"bob"))[:-1], "the header at byte 2 claims 25 bytes, 24 are there", []),
        (packet(attribute(1, b"bob"), b"\2\1"), "the attribute at byte 25 has 1 bytes of 2", ["User-Name"]),
        (packet(attribute(1, b"bob"), b"\2\x30abc"), "the attribute at byte 25 has 48 bytes of 5", ["User-Name"]),
        (packet(attribute(1, b"bob"), b"\2"), "the attribute at byte 25 has 0 bytes of 1", ["User-Name"]),
        (packet(attribute(26, b"\0\1")), "the vendor at byte 22 has 2 bytes, fewer than 4", []),
        (packet(length=5), "the header at byte 2 claims 5 bytes, 20 are there", []),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(data: bytes, malformed: str, names: list[str]):
    read = parse_packet(data)
    assert (read.malformed, list(read.attributes)) == (malformed, names)


def test_bytes_behind_the_claimed_length_are_padding():
    assert parse_packet(packet(attribute(1, b"bob"), length=25) + b"padding").malformed == ""


def test_a_password_in_a_damaged_attribute_is_blanked_too():
    data = packet(attribute(1, b"bob"), b"\2\x30secret")
    assert b"secret" not in blanked(data, parse_packet(data), 1000)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"\2\1\0\x08\1bob", "Response Identity"),
        (b"\1\1\0\x06\x19\0", "Request PEAP"),
        (b"\3\1\0\4", "Success"),
        (b"\1\1\0\x06\xc8\0", "Request Type 200"),
        (b"\2\1\0", ""),
    ],
)
def test_eap_goes_by_its_name(value: bytes, text: str):
    assert eap_text(value) == text


def test_attributes_are_counted_only_where_they_fill_the_packet():
    data = packet(attribute(1, b"bob"), attribute(4, bytes(4)))
    assert whole_attributes(data, len(data)) == 2
    assert whole_attributes(data, len(data) - 1) == -1
    assert whole_attributes(packet(b"\0\2"), 22) == -1
    assert whole_attributes(packet(), 20) == 0


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_bytes_are_read_without_a_fault(data: bytes, body: bytes):
    for some in (data, packet(body)):
        read = parse_packet(some)
        assert len(blanked(some, read, 10_000)) == len(some)


def test_a_damaged_attribute_is_not_remembered_as_a_whole_one():
    known: dict[bytes, tuple[tuple[str, str], ...]] = {}
    reason = "the vendor at byte 22 has 1 bytes, fewer than 4"
    for data in (packet(attribute(26, b"\1"), attribute(26, b"\2")), packet(attribute(26, b"\2"))):
        assert parse_packet(data, known).malformed == reason
    assert known == {}


def test_what_a_packet_names_is_told_by_field():
    nas = attribute(4, bytes((10, 0, 0, 7)))
    read = parse_packet(packet(attribute(1, b"bob"), nas, attribute(79, b"\2\1\0\x08\1bob"), attribute(18, b"")))
    assert read.named() == {"radius_user": "bob", "radius_nas": "10.0.0.7", "radius_eap": "Response Identity"}
    assert read.summary == "Access-Request bob"
    assert parse_packet(packet(attribute(31, b"00-1B"), code=4)).summary == "Accounting-Request 00-1B"
