"""Other payload bytes, and right checksums."""

from __future__ import annotations

import struct
from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.capture.conversations import FoundPacket
from kubeshark_mcp.capture.rewrite import with_payload


def packet(payload: bytes, protocol: int = 6, version: int = 4) -> FoundPacket:
    source, target = ("10.0.0.1", "10.0.0.2") if version == 4 else ("fd00::1", "fd00::2")
    header = (
        struct.pack(">HHIIHHHH", 1000, 80, 5, 6, 5 << 12 | 24, 1000, 0, 0)
        if protocol == 6
        else struct.pack(">HHHH", 1000, 53, 8 + len(payload), 1)
    )
    addresses = ip_address(source).packed + ip_address(target).packed
    length = len(header) + len(payload)
    if version == 4:
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + length, 0, 0, 64, protocol, 0) + addresses
    else:
        ip = struct.pack(">IHBB", 6 << 28, length, protocol, 64) + addresses
    data = ip + header + payload
    ends = (0, 0, 0, 0, 1000, 80, protocol)
    return FoundPacket(
        1, 0, len(data), data, 101, ends, version, 5, 0, len(ip), len(ip) + len(header), len(payload), handshake=False
    )


def verifies(found: FoundPacket, data: bytes) -> bool:
    """Add everything up as a receiver does: all ones when the checksum is right (RFC 1071)."""
    transport = data[found.transport :]
    addresses = data[12:20] if found.ip_version == 4 else data[8:40]
    whole = addresses + struct.pack(">HH", found.ends[6], len(transport)) + transport
    whole += bytes(len(whole) % 2)
    total = sum(struct.unpack(f">{len(whole) // 2}H", whole))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total == 0xFFFF


@given(st.binary(min_size=1, max_size=40), st.sampled_from([6, 17]), st.sampled_from([4, 6]), st.integers(0, 255))
def test_a_whole_packet_gets_the_right_checksum(payload: bytes, protocol: int, version: int, filler: int):
    found = packet(payload, protocol, version)
    changed = with_payload(found, bytes([filler]) * len(payload))
    assert len(changed) == len(found.data)
    assert changed.endswith(bytes([filler]) * len(payload))
    assert verifies(found, changed)


@given(st.binary(min_size=4, max_size=40), st.integers(0, 255))
def test_of_a_cut_packet_the_checksum_changes_by_the_difference(payload: bytes, filler: int):
    whole = packet(payload)
    right = with_payload(whole, payload)
    kept = len(payload) // 2 // 2 * 2  # what is cut off begins at an even byte
    cut = replace(whole, data=right[: whole.payload + kept], payload_length=kept)
    changed = with_payload(cut, bytes([filler]) * kept)
    assert verifies(whole, changed + right[whole.payload + kept :])


def test_a_datagram_without_a_checksum_keeps_none_and_other_lengths_are_refused():
    found = packet(b"abcd", 17)
    none = replace(found, data=found.data[: found.transport + 6] + b"\0\0" + found.data[found.transport + 8 :])
    assert with_payload(none, b"xxxx")[found.transport + 6 : found.transport + 8] == b"\0\0"
    with pytest.raises(ValueError, match="3 bytes cannot take the place of 4"):
        with_payload(found, b"xxx")
