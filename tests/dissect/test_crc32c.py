from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.crc32c import Crc32c

CRC = Crc32c()


def bit_by_bit(data: bytes) -> int:
    state = 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
    return state ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_the_examples_of_rfc_3720_appendix_b_4(data: bytes, expected: int):
    assert CRC.of(data) == expected


@given(st.binary(max_size=100))
def test_it_equals_the_definition(data: bytes):
    assert CRC.of(data) == bit_by_bit(data)


@pytest.mark.parametrize("length", [0, 1, 3, 4, 2047, 2048, 2049, 2051, 2052, 4097])
def test_it_equals_the_definition_around_the_ends_of_blocks(length: int):
    data = bytes(index * 7 & 0xFF for index in range(length))
    assert CRC.of(data) == bit_by_bit(data)
