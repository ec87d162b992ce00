"""MongoDB messages and compressions, by the byte."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.wire_mongodb import decompress, read_message, snappy
from tests.dissect.samples.mongodb import compressed, message, sequence

FIND = message(7, {"find": "orders", "$db": "shop"})


def test_a_message_is_read_with_its_sections():
    data = message(7, {"insert": "orders", "$db": "shop"}, flags=2, more=sequence("documents", {"a": 1}, {"a": 2}))
    found = read_message(data, 0, len(data))
    assert (found.request_id, found.opcode, found.flags, found.documents) == (7, 2013, 2, 2)
    assert found.body == {"insert": "orders", "$db": "shop"}
    assert found.unread == ""


def test_a_checksum_is_no_section():
    data = bytearray(message(7, {"ping": 1}, flags=1, more=b"\xde\xad\xbe\xef"))
    assert read_message(bytes(data), 0, len(data)).unread == ""


def test_compressed_in_compressed_is_refused():
    twice = compressed(compressed(FIND))
    assert "compressed again" in read_message(twice, 0, len(twice)).unread


def test_a_bomb_comes_out_no_larger_than_it_says():
    assert decompress(2, zlib.compress(b"\0" * 10_000_000), 1000) == b"\0" * 1000
    assert decompress(2, b"no zlib", 10) is None
    assert decompress(2, b"", 2**31 - 1) is None
    assert decompress(9, b"", 10) is None


def test_zstd_is_undone():
    try:
        from compression import zstd
    except ImportError:
        from backports import zstd
    assert decompress(3, zstd.compress(b"hello " * 20), 120) == b"hello " * 20
    assert decompress(3, b"nothing of it", 10) is None


@pytest.mark.parametrize(
    ("data", "plain"),
    [
        (b"\x05\x10hello", b"hello"),
        (b"\x0a\x04ab\x1d\x02", None),
        (b"\x08\x04ab\x09\x02", b"abababab"),
        (b"\x0a\x04ab" + bytes([(8 - 1) << 2 | 2, 2, 0]), b"ababababab"),
        (b"\x06\x04ab" + bytes([0 << 2 | 1, 2]), b"ababab"),
        (b"\x46" + bytes([60 << 2, 69]) + b"x" * 70, b"x" * 70),
        (b"\x05\x10hell", None),
        (b"\x04\x04ab" + bytes([(2 - 1) << 2 | 2, 9, 0]), None),
        (b"", None),
    ],
)
def test_snappy_literals_and_copies(data: bytes, plain: bytes | None):
    size = data[0] if data else 0
    assert snappy(data, size) == plain


@given(st.binary(max_size=300), st.integers(0, 1000))
def test_any_bytes_are_survived_by_snappy(data: bytes, size: int):
    found = snappy(data, size)
    assert found is None or len(found) == size


@given(st.binary(min_size=16, max_size=200))
def test_any_bytes_are_a_message_or_say_why_not(data: bytes):
    for opcode in (1, 2004, 2012, 2013, 2005):
        changed = data[:12] + struct.pack("<i", opcode) + data[16:]
        found = read_message(changed, 0, len(changed))
        assert found.unread or isinstance(found.body, dict)
