from __future__ import annotations

import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.wire_ws import (
    FRAME_LIMIT,
    OPCODES,
    Deflate,
    FrameHeader,
    Inflated,
    Inflater,
    header_fault,
    may_be_sent,
    read_extensions,
    read_header,
    unmask,
    weigh,
)
from tests.dissect.samples.ws import MASK, TICKS, deflated, frame, said

LIMIT = 1 << 20
DAMAGED = "it cannot be decompressed: it is damaged, or refers to messages that were not seen"


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
@pytest.mark.parametrize("mask", [b"", MASK])
def test_a_header_is_read_in_every_form_of_its_length(size: int, mask: bytes):
    data = b"?" + frame(2, b"x" * size, mask=mask)
    header = read_header(data, 1)
    assert header == FrameHeader(2, True, False, 0, mask, size, len(data) - 1 - size)
    assert header_fault(header) == ""
    assert [read_header(data[:cut], 1) for cut in range(1, 1 + header.size)] == [None] * header.size


def test_bits_of_the_first_byte_are_told_apart():
    assert read_header(b"\x41\x00", 0) == FrameHeader(1, False, True, 0, b"", 0, 2)
    assert read_header(b"\xb9\x00", 0) == FrameHeader(9, True, False, 0x30, b"", 0, 2)


@pytest.mark.parametrize("data", [b"\x82\x7e\x00\x7d", b"\x82\x7f" + (65535).to_bytes(8, "big")])
def test_a_length_in_more_bytes_than_it_needs_is_not_minimal(data: bytes):
    header = read_header(data, 0)
    assert header is not None
    assert not header.minimal


def test_what_cannot_be_a_header_is_named():
    assert header_fault(FrameHeader(1, True, False, 0x10, b"", 0, 2)) == "reserved bits 0x10 are set"
    assert header_fault(FrameHeader(3, True, False, 0, b"", 0, 2)) == "opcode 3 is reserved"
    huge = FrameHeader(2, True, False, 0, b"", FRAME_LIMIT, 10)
    assert header_fault(huge) == f"a frame of {FRAME_LIMIT} bytes is announced"


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4), st.data())
def test_masking_is_undone_part_by_part(payload: bytes, mask: bytes, data: st.DataObject):
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    cut = data.draw(st.integers(0, len(payload)))
    assert unmask(masked[:cut], mask) + unmask(masked[cut:], mask, cut) == payload
    assert unmask(payload, b"", cut) == payload


def test_codes_that_a_close_frame_may_carry():
    assert [code for code in range(990, 1020) if may_be_sent(code)] == [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
    ]  # fmt: skip
    assert [may_be_sent(code) for code in (2999, 3000, 4999, 5000)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("header", "agreed"),
    [
        ("", Deflate(False)),
        ("x-webkit-deflate-frame", Deflate(False)),
        ("permessage-deflate", Deflate(True)),
        ("foo, Permessage-Deflate ; client_no_context_takeover", Deflate(True, False, True)),
        (
            "permessage-deflate; server_no_context_takeover; client_max_window_bits=10",
            Deflate(True, True, False),
        ),
    ],
)
def test_extensions_say_what_was_agreed_on_compression(header: str, agreed: Deflate):
    assert read_extensions(header) == agreed


def test_messages_of_one_context_are_decompressed_one_after_the_other():
    inflater = Inflater(LIMIT)
    prices = [inflater.inflate(tick, 9) for tick in TICKS]
    assert prices == [Inflated(b'{"type": ', 51)] * 5


def test_a_message_that_refers_to_one_that_was_not_seen_is_refused_and_the_next_is_tried():
    inflater = Inflater(LIMIT)
    first, second, third = deflated(b"the price is 17.25 euros", b"the price is 17.25 euros", b"99999")
    assert inflater.inflate(second, 100) == Inflated(b"", 0, DAMAGED)
    assert inflater.inflate(first, 100) == Inflated(b"the price is 17.25 euros", 24)
    assert inflater.inflate(second, 100) == Inflated(b"the price is 17.25 euros", 24)
    inflater.forget()
    assert inflater.inflate(third, 100) == Inflated(b"99999", 5)


def test_without_takeover_each_message_stands_alone():
    first, second = deflated(b"the price is 17.25 euros", b"the price is 17.25 euros")
    inflater = Inflater(LIMIT, takeover=False)
    assert inflater.inflate(first, 100).fault == ""
    assert inflater.inflate(second, 100).fault == DAMAGED


def test_a_message_that_ends_its_stream_is_read_and_so_is_the_next():
    stream = zlib.compressobj(wbits=-15)
    ended = stream.compress(b"final block") + stream.flush() + b"\x00"
    inflater = Inflater(LIMIT)
    assert inflater.inflate(ended, 100) == Inflated(b"final block", 11)
    assert inflater.inflate(deflated(b"once more")[0], 100) == Inflated(b"once more", 9)


def test_a_message_that_breaks_off_gives_its_beginning():
    whole = deflated(bytes(range(256)) * 4)[0]
    found = Inflater(LIMIT).inflate(whole[: len(whole) - 20], 2000, whole=False)
    assert found.fault == ""
    assert 0 < found.size < 1024
    assert (bytes(range(256)) * 4).startswith(found.data)


def test_a_bomb_stops_at_the_limit():
    bomb = deflated(b"\x00" * (8 << 20))[0]
    found = Inflater(1 << 20).inflate(bomb, 10)
    assert found.data == b"\x00" * 10
    assert found.fault.startswith("it decompresses to more than 10")
    assert found.size <= (1 << 20) + (64 << 10)


def test_many_bombs_stop_when_they_are_out_of_proportion():
    bomb = deflated(b"\x00" * (8 << 20))[0]
    inflater = Inflater(16 << 20, takeover=False)
    begun = time.process_time()
    faults = [inflater.inflate(bomb, 10).fault for _ in range(200)]
    assert faults[0] == ""
    assert faults[-1] != ""
    assert time.process_time() - begun < 5


def test_a_message_of_very_many_streams_is_given_up():
    one = zlib.compressobj(wbits=-15)
    empty = one.flush()
    found = Inflater(LIMIT).inflate(empty * 10_000, 10)
    assert found == Inflated(b"", 0, "it consists of more than 64 compressed streams")


@given(st.binary(max_size=200))
def test_any_bytes_are_decompressed_without_a_fault_of_ours(data: bytes):
    inflater = Inflater(1 << 16)
    for _ in range(2):
        found = inflater.inflate(data, 50)
        assert len(found.data) <= 50
        assert len(found.data) <= found.size


@pytest.mark.parametrize(
    "data",
    [
        bytes.fromhex("00000013000000070000000000010000000000000000"),  # an answer of Kafka
        bytes.fromhex("020000040103")
        + bytes.fromhex("1700000500000002400000000e0509080000000000000000040100"),  # MySQL
        bytes.fromhex("001300070100000100000000000000016100000100"),  # DNS in a stream
    ],
)
def test_lengths_and_zeros_of_other_protocols_are_no_fragments(data: bytes):
    assert weigh(data, 0, masked=False) <= 0


def test_frames_of_the_right_side_have_weight():
    assert weigh(said(1, b"hello"), 0, masked=True) == 4
    assert weigh(frame(1, b"hello"), 0, masked=False) == 4
    assert weigh(frame(1, b"hello") + frame(1, b"again"), 0, masked=False) == 7
    assert weigh(b"?" + said(2, b"\x00\x01"), 1, masked=True) == 2
    assert weigh(frame(8, b"\x03\xe8"), 0, masked=False) == 4
    assert weigh(said(1, b"x" * 500)[:100], 0, masked=True) == 4
    assert weigh(frame(0, b"the rest") + frame(1, b"hello"), 0, masked=False) == 5


@pytest.mark.parametrize(
    "data",
    [
        frame(1, b"hello"),
        said(1, b"\x01\x02\x03"),
        said(1, b"\xc3\x28 and more"),
        said(3, b""),
        said(8, b"\x03"),
        said(8, b"\x03\xee"),
        said(9, b"", final=False),
        said(9, b"", compressed=True),
        said(1, b"hello") + said(0, b"hello"),
        said(1, b"hello", final=False) + said(1, b"hello"),
        b"\x82\xfe\x00\x01" + MASK + b"x",
        b"\x16\x03\x01",
        b"\x71",
        b"GET /",
    ],
)
def test_what_no_client_sends_has_none(data: bytes):
    assert weigh(data, 0, masked=True) == -1


@given(st.sampled_from([said(1, "prix: 17 €".encode()), said(8, b"\x03\xe8"), said(2, b"\xff" * 200)]), st.data())
def test_a_beginning_never_speaks_against_what_the_whole_speaks_for(data: bytes, draw: st.DataObject):
    assert weigh(data[: draw.draw(st.integers(0, len(data)))], 0, masked=True) >= 0


@given(st.binary(max_size=100), st.booleans())
def test_any_bytes_can_be_weighed(data: bytes, masked: bool):
    assert weigh(data, 0, masked=masked) >= -1


def test_opcodes_are_those_of_the_registry():
    assert OPCODES == {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
