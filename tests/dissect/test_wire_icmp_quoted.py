"""What is left of an ICMP message reads as the whole message does."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.wire_icmp import HEADER_LENGTH, Message, parse_message
from kubeshark_mcp.dissect.wire_icmp_quoted import quoting_lengths


def ipv4(protocol: int, carried: bytes, *, identification: int = 1, ttl: int = 64, later: int = 0) -> bytes:
    words = (0x4500, 20 + len(carried), identification, later, ttl << 8 | protocol, 0xBEEF)
    return struct.pack(">6H", *words) + bytes([10, 0, 0, 7, 10, 0, 0, 8]) + carried


def ipv6(protocol: int, carried: bytes, *, limit: int = 64, flow: int = 7) -> bytes:
    head = struct.pack(">IHBB", 6 << 28 | flow, len(carried), protocol, limit)
    return head + b"\xfd" + bytes(14) + b"\1" + b"\xfd" + bytes(14) + b"\2" + carried


def error(kind: int, quoted: bytes, code: int = 3, rest: int = 0, checksum: int = 0x1234) -> bytes:
    return struct.pack(">BBHI", kind, code, checksum, rest) + quoted


def left_of(data: bytes, version: int) -> bytes:
    gap = b"\xff" * 3
    octets = np.frombuffer(gap + data + gap, np.uint8).copy()
    starts, lengths = np.array([3]), np.array([len(data)])
    [length] = quoting_lengths(octets, starts, lengths, np.array([version == 6])).tolist()
    assert octets[:3].tobytes() == octets[3 + len(data) :].tobytes() == gap
    return octets[3 : 3 + length].tobytes()


UDP = struct.pack(">4H", 4000, 53, 30, 0xABCD) + b"question"


@pytest.mark.parametrize(
    ("version", "first", "second"),
    [
        (4, error(3, ipv4(17, UDP)), error(3, ipv4(17, UDP, identification=9, ttl=3), checksum=9)),
        (4, error(3, ipv4(17, UDP)), error(3, ipv4(17, UDP[:6] + b"\0\0" + UDP[8:]))),
        (4, error(11, ipv4(1, b"\x08\0\1\1" + UDP), 0), error(11, ipv4(1, b"\x08\0\2\2" + UDP), 0)),
        (6, error(1, ipv6(17, UDP), 4), error(1, ipv6(17, UDP, limit=1, flow=3), 4)),
        (6, error(3, ipv6(58, b"\x80\0\1\1" + UDP), 0), error(3, ipv6(58, b"\x80\0\2\2" + UDP), 0)),
    ],
)
def test_messages_that_say_the_same_are_the_same_bytes(version, first, second):
    assert left_of(first, version) == left_of(second, version)
    assert parse_message(left_of(first, version), version) == parse_message(first, version)


@pytest.mark.parametrize(
    ("version", "data"),
    [
        (4, error(3, ipv4(17, UDP, later=185))),
        (4, error(3, ipv4(17, UDP[:3]))),
        (4, error(3, ipv4(47, UDP))),
        (4, error(3, b"\x46" + ipv4(17, UDP)[1:])),
        (4, error(3, ipv6(17, UDP))),
        (6, error(1, ipv6(44, UDP + UDP), 4)),
        (6, error(1, ipv6(0, UDP + UDP), 4)),
        (6, error(2, ipv6(6, UDP), 0, 1400)),
        (4, error(5, ipv4(6, UDP), 1, 0x0A000001)),
        (4, bytes(8)),
    ],
)
def test_what_is_quoted_in_another_way_is_kept_whole_or_reads_the_same(version, data):
    assert parse_message(left_of(data, version), version) == parse_message(data, version)


QUOTED = st.one_of(
    st.builds(ipv4, st.sampled_from([1, 6, 17, 47, 58, 132]), st.binary(max_size=24), later=st.sampled_from([0, 0, 9])),
    st.builds(ipv6, st.sampled_from([0, 6, 17, 44, 58, 132]), st.binary(max_size=24)),
    st.binary(max_size=60),
)
ERRORS = st.builds(error, st.sampled_from([1, 2, 3, 4, 5, 11, 12, 137]), QUOTED, st.integers(0, 5), st.integers(0, 99))


@given(ERRORS, st.sampled_from([4, 6]), st.lists(st.tuples(st.integers(0, 80), st.integers(0, 255)), max_size=3))
def test_every_message_reads_as_what_is_left_of_it(data, version, changes):
    changed = bytearray(data)
    for at, byte in changes:
        changed[at % len(changed)] = byte
    data = bytes(changed)
    assert len(data) >= HEADER_LENGTH
    whole: Message = parse_message(data, version)
    assert parse_message(left_of(data, version), version) == whole
