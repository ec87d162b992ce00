from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.crc32c import Crc32c
from kubeshark_mcp.dissect.wire_sctp import (
    Chunk,
    Data,
    Packet,
    causes_of,
    checksum_state,
    chunk_name,
    data_of,
    parse_packet,
    payload_name,
)
from tests.dissect.samples.sctp import CLIENT, chunk, data, packet, sack

CRC = Crc32c()


def test_a_packet_has_its_chunks_without_their_padding():
    _, bytes_ = packet(CLIENT, sack(7), data(9, b"odd"))
    assert parse_packet(bytes_) == Packet(
        50000, 40080, 0x22222222, int.from_bytes(bytes_[8:12], "big"), [Chunk(3, 0, 16, 28), Chunk(0, 3, 32, 47)]
    )


@pytest.mark.parametrize(
    ("chunks", "malformed", "found"),
    [
        (b"\0\0", "2 bytes at byte 12 are less than the header of a chunk", 0),
        (b"\6\0\0\3", "the ABORT chunk at byte 12 claims 3 bytes, 4 are there", 0),
        (b"\6\0\0\0" * 3, "the ABORT chunk at byte 12 claims 0 bytes, 12 are there", 0),
        (data(1, b"abcdefgh")[:-4], "the DATA chunk at byte 12 claims 24 bytes, 20 are there", 1),
        (sack(1) + b"\0\3\0\x08abcd", "the DATA chunk at byte 28 has 8 of at least 16 bytes", 2),
        (b"\3\0\0\4" + b"\0\3\0\x08abcd" + sack(1), "the SACK chunk at byte 12 has 4 of at least 16 bytes", 3),
        (b"\xc8\0\0\x08", "the CHUNK_200 chunk at byte 12 claims 8 bytes, 4 are there", 1),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(chunks: bytes, malformed: str, found: int):
    read = parse_packet(packet(CLIENT, chunks)[1])
    assert (read.malformed, len(read.chunks)) == (malformed, found)


def test_less_than_a_header_is_said():
    assert parse_packet(b"\0\1\0\2").malformed == "the packet has 4 bytes, less than a common header's 12"


def test_data_chunks_tell_where_their_user_data_are():
    _, plain = packet(CLIENT, data(9, b"user", flags=6, stream=3, sequence=2, payload=46))
    assert data_of(plain, parse_packet(plain).chunks[0]) == Data(9, 3, (), 9, 46, True, False, 28, 32)
    first = chunk(64, struct.pack(">IHHII", 9, 3, 0, 77, 46) + b"user", 2)
    later = chunk(64, struct.pack(">IHHII", 10, 3, 0, 77, 5) + b"user", 5)
    _, both = packet(CLIENT, first, later)
    chunks = parse_packet(both).chunks
    assert data_of(both, chunks[0]) == Data(9, 3, (3, 0, 77), 0, 46, True, False, 32, 36)
    assert data_of(both, chunks[1]) == Data(10, 3, (3, 1, 77), 5, -1, False, True, 56, 60)
    _, other = packet(CLIENT, sack(1))
    assert data_of(other, parse_packet(other).chunks[0]) is None


def test_causes_go_by_their_names_and_are_bounded():
    _, abort = packet(CLIENT, chunk(6, struct.pack(">HHHH", 3, 8, 0, 9) + struct.pack(">HH", 999, 4)))
    assert causes_of(abort, parse_packet(abort).chunks[0]) == ("Stale Cookie", "Cause 999")
    _, many = packet(CLIENT, chunk(9, struct.pack(">HH", 9, 4) * 100))
    assert len(causes_of(many, parse_packet(many).chunks[0])) == 16
    _, broken = packet(CLIENT, chunk(9, struct.pack(">HH", 9, 0) * 3))
    assert causes_of(broken, parse_packet(broken).chunks[0]) == ("No User Data",)


def test_chunks_and_payloads_go_by_their_names_or_else_by_their_numbers():
    assert (chunk_name(2), chunk_name(77)) == ("INIT_ACK", "CHUNK_77")
    assert (payload_name(46), payload_name(0), payload_name(-1), payload_name(4000)) == (
        "Diameter",
        "",
        "",
        "PPID 4000",
    )


def test_a_checksum_is_good_bad_absent_or_of_the_old_kind():
    _, good = packet(CLIENT, data(1, b"user"))
    bare = good[:8] + bytes(4) + good[12:]
    old = bare[:8] + zlib.adler32(bare).to_bytes(4, "big") + bare[12:]
    for some, state in ((good, "good"), (good[:-1] + b"!", "bad"), (bare, "absent"), (old, "adler32")):
        assert checksum_state(some, parse_packet(some), CRC) == state


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_a_fault(some: bytes):
    _, whole = packet(CLIENT, some)
    for bytes_ in (some, whole):
        for found in parse_packet(bytes_).chunks:
            assert 16 <= found.start <= found.end <= len(bytes_)
            data_of(bytes_, found)
            causes_of(bytes_, found)
