from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.wire_diameter import (
    AVP_LIMIT,
    VALUE_LIMIT,
    Message,
    avp_text,
    begins_message,
    blanked,
    is_filled,
    is_known,
    message_length,
    parse_message,
)
from tests.dissect.samples.diameter import CREDIT, EXCHANGE, GRANTED, REFUSED, ROAMING, avp, identity, message, number


def test_a_request_is_read_whole():
    assert parse_message(CREDIT) == Message(
        length=len(CREDIT),
        flags=0xC0,
        command=272,
        application=4,
        hop_by_hop=2,
        end_to_end=0x1002,
        avps={
            "Session-Id": "gw.example.net;1;2",
            "Origin-Host": "gw.example.net",
            "Origin-Realm": "example.net",
            "Destination-Realm": "example.net",
            "CC-Request-Type": "INITIAL_REQUEST",
            "Subscription-Id.Subscription-Id-Type": "END_USER_IMSI",
            "Subscription-Id.Subscription-Id-Data": "001010123456789",
        },
        count=8,
    )


@pytest.mark.parametrize(
    ("data", "code", "name"),
    [
        (GRANTED, 2001, "DIAMETER_SUCCESS"),
        (REFUSED, 4012, "DIAMETER_CREDIT_LIMIT_REACHED"),
        (ROAMING, 5004, "DIAMETER_ERROR_ROAMING_NOT_ALLOWED"),
        (message(0, 272, 4, 1, avp(268, number(5999))), 5999, "5999"),
        (CREDIT, -1, ""),
    ],
)
def test_results_go_by_number_and_name(data: bytes, code: int, name: str):
    read = parse_message(data)
    assert (read.result, read.result_name) == (code, name)


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (b"caf\xc3\xa9", "utf8", "café"),
        (b"a\nb", "utf8", "a\\x0ab"),
        (b"\0\0\1\0", "unsigned", "256"),
        (bytes(7) + b"\1", "unsigned", "1"),
        (b"\0\1", "unsigned", "0x0001"),
        (b"\xff\xff\xff\xfe", "signed", "-2"),
        (b"\0\1\x0a\0\0\1", "address", "10.0.0.1"),
        (b"\0\2" + bytes(15) + b"\1", "address", "::1"),
        (b"\0\x08ab", "address", "0x00086162"),
        (b"\x83\xaa\x7e\x80", "time", "1970-01-01T00:00:00Z"),
        (b"\0\0\0\0", "time", "2036-02-07T06:28:16Z"),
        (b"text", "guess", "text"),
        (b"\0\1", "guess", "0x0001"),
        (b"text", "octets", "0x74657874"),
        (b"text", "secret", "4 bytes"),
    ],
)
def test_values_are_written_as_people_do(value: bytes, form: str, text: str):
    assert avp_text(value, "Some-AVP", form) == text


def test_vendors_unknown_numbers_and_depth_are_told_by_the_name():
    data = message(
        0x80,
        9999,
        99,
        1,
        avp(1407, b"\0\xf1\x10", 10415),
        avp(7777, b"x", 10415),
        avp(1, b"v", 9),
        avp(60000, b"plain"),
    )
    read = parse_message(data)
    assert read.avps == {"Visited-PLMN-Id": "0x00f110", "3GPP-7777": "x", "AVP-9-1": "v", "AVP-60000": "plain"}
    assert (read.name, read.application_name) == ("Command-9999", "Application-99")


def test_groups_are_opened_as_deep_as_the_limit():
    inner = avp(1, b"bob")
    for _ in range(20):
        inner = avp(279, inner)
    ((path, text),) = parse_message(message(0, 272, 4, 1, inner)).avps.items()
    assert path == ".".join(["Failed-AVP"] * 9)
    assert text.startswith("0x")


def test_what_is_repeated_is_joined_and_bounded():
    read = parse_message(message(0x80, 272, 4, 1, *[avp(282, b"x" * 100)] * 10))
    assert len(read.avps["Route-Record"]) == VALUE_LIMIT
    many = parse_message(message(0x80, 272, 4, 1, *[avp(282, b"")] * (AVP_LIMIT + 1)))
    assert many.malformed == f"more than {AVP_LIMIT} AVPs, the next one at byte {20 + 8 * AVP_LIMIT}"


def test_keys_and_passwords_are_not_shown():
    data = message(
        0x40, 318, 16777251, 1, avp(1413, avp(1414, avp(1450, b"K" * 32, 10415), 10415), 10415), identity("h")
    )
    read = parse_message(data)
    assert read.avps["Authentication-Info.E-UTRAN-Vector.KASME"] == "32 bytes"
    assert blanked(data, read, 10_000) == data.replace(b"K" * 32, bytes(32))
    assert blanked(data, read, 60)[56:] == bytes(4)


@pytest.mark.parametrize(
    ("data", "malformed", "names"),
    [
        (b"\1\0\0", "the message has 3 bytes, less than a header's 20", []),
        (CREDIT[:-4], f"{len(CREDIT) - 4} of {len(CREDIT)} bytes of the message were seen", ["Session-Id"]),
        (message(0, 272, 4, 1, avp(1, b"bob!"), b"\0\0\0\1"), "the AVP at byte 32 has 0 bytes of 4", ["User-Name"]),
        (
            message(0, 272, 4, 1, avp(1, b"bob!"), b"\0\0\0\1\0\0\0\x40"),
            "the AVP at byte 32 has 64 bytes of 8",
            ["User-Name"],
        ),
        (message(0, 272, 4, 1, b"\0\0\0\1\x80\0\0\x08"), "the AVP at byte 20 has 8 bytes of 8", []),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(data: bytes, malformed: str, names: list[str]):
    read = parse_message(data)
    assert (read.malformed, list(read.avps)[:1]) == (malformed, names)


def test_a_message_is_known_by_its_header_and_the_first_avps():
    for length in range(1, len(EXCHANGE) + 1):
        assert begins_message(EXCHANGE[:length])
    assert begins_message(EXCHANGE, whole=True)
    assert not begins_message(EXCHANGE + b"\0", whole=True)
    assert not begins_message(b"")
    assert begins_message(b"xx" + EXCHANGE, 2)
    assert is_known(EXCHANGE)
    assert message_length(EXCHANGE) == len(EXCHANGE)
    for place, byte in ((0, 2), (3, 1), (4, 0x8F), (4, 0xA0), (24, 0x5F), (26, 0xFF)):
        damaged = bytearray(EXCHANGE)
        damaged[place] = byte
        assert not begins_message(bytes(damaged)), (place, byte)


def test_a_message_is_filled_by_avps_that_end_where_it_ends():
    assert is_filled(EXCHANGE)
    assert not is_filled(message(0x80, 272, 4, 1))
    longer = bytearray(EXCHANGE)
    longer[26:28] = (len(EXCHANGE) - 24).to_bytes(2, "big")
    assert not is_filled(bytes(longer))


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes_are_read_without_a_fault(data: bytes, body: bytes):
    for some in (data, message(0x80, 272, 4, 1, body)):
        read = parse_message(some)
        assert len(blanked(some, read, 10_000)) == len(some)
        begins_message(some)
