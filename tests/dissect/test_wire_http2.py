from __future__ import annotations

import random
import time

import pytest

from kubeshark_mcp.dissect.wire_http2 import (
    error_name,
    find_frames,
    frame_fault,
    frame_name,
    may_begin_frame,
    plausible_frame,
)
from tests.dissect.samples.http2 import (
    ASK,
    DATA,
    GOAWAY,
    HEADERS,
    PING,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    data,
    frame,
    headers,
    settings,
)


@pytest.mark.parametrize(
    ("length", "kind", "stream", "fault"),
    [
        (5, DATA, 1, ""),
        (5, DATA, 0, "a DATA frame on stream 0"),
        (5, HEADERS, 0, "a HEADERS frame on stream 0"),
        (3, RST_STREAM, 1, "a RST_STREAM frame of 3 instead of 4 octets"),
        (8, PING, 0, ""),
        (8, PING, 7, "a PING frame on stream 7"),
        (12, SETTINGS, 0, ""),
        (13, SETTINGS, 0, "a SETTINGS frame of 13 octets, which is no multiple of 6"),
        (12, SETTINGS, 3, "a SETTINGS frame on stream 3"),
        (4, WINDOW_UPDATE, 0, ""),
        (4, WINDOW_UPDATE, 9, ""),
        (8, GOAWAY, 1, "a GOAWAY frame on stream 1"),
        (0, 9, 0, "a CONTINUATION frame on stream 0"),
        (70_000, 0xFA, 0, ""),
    ],
)
def test_frame_headers_are_judged_by_their_rules(length: int, kind: int, stream: int, fault: str):
    assert frame_fault(length, kind, stream) == fault


def test_numbers_have_names():
    assert (frame_name(1), frame_name(200)) == ("HEADERS", "type 200")
    assert (error_name(8), error_name(11), error_name(99)) == ("CANCEL", "ENHANCE_YOUR_CALM", "99")


@pytest.mark.parametrize(
    "made",
    [
        data(1, b"x"),
        data(1, b"", end=True),
        headers(3, ASK, end=True),
        frame(2, 0, 3, b"12345"),
        frame(RST_STREAM, 0, 3, b"\0\0\0\x08"),
        settings((1, 4096)),
        frame(SETTINGS, 1, 0),
        frame(5, 4, 1, b"\0\0\0\x02\x82"),
        frame(PING, 1, 0, b"12345678"),
        frame(GOAWAY, 0, 0, b"\0\0\0\x01\0\0\0\x02text"),
        frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\x01"),
        frame(9, 4, 1, b"\x82"),
    ],
)
def test_real_frames_are_plausible_and_shifted_ones_are_not(made: bytes):
    assert plausible_frame(made, 0) == len(made)
    assert plausible_frame(b"x" + made, 1) == len(made)
    assert plausible_frame(b"x" + made, 0) == 0


@pytest.mark.parametrize(
    "made",
    [
        b"",
        bytes(9),
        data(1, b""),
        frame(PING, 2, 0, b"12345678"),
        frame(HEADERS, 4, 0, ASK),
        frame(SETTINGS, 1, 0, b"123456"),
        frame(SETTINGS, 0, 0, b"1234567"),
        frame(GOAWAY, 0, 0, b"short"),
        frame(0xA, 0, 0, b"alt-svc"),
        b"\x01" + data(1, b"x" * 100)[1:],
    ],
)
def test_what_is_not_usual_is_not_plausible(made: bytes):
    assert plausible_frame(made, 0) == 0


def test_the_first_bytes_of_plausible_frames_may_become_them():
    for made in (headers(3, ASK), settings((1, 4096)), frame(PING, 1, 0, b"12345678"), data(1, b"x" * 16_000)):
        assert all(may_begin_frame(made[:size]) for size in range(9))
    for other in (b"G", b"\0\x41", b"\0\0\0\x0a", b"\0\0\0\x08", b"\0\0\x09\x06"):
        assert not may_begin_frame(other)


def test_the_next_frames_are_found_behind_the_rest_of_another():
    rest = b"the end of a body \x00\x00\x05"
    frames = headers(5, ASK) + data(5, b"abc")
    assert find_frames(rest + frames, 0) == (len(rest), True)
    assert find_frames(rest + frames[:40], 0) == (len(rest), False)
    assert find_frames(rest, 0) == (len(rest) - 8, False)


def test_empty_frames_among_zeros_prove_nothing():
    ones = bytes(4) + (1).to_bytes(4) * 12
    assert find_frames(b"the end of a body" + ones + bytes(8), 0)[1] is False
    ended = data(1, end=True)
    for begun in (b"", b"rest"):
        assert find_frames(begun + ended, 0) == (len(begun), True)
        assert find_frames(begun + ended + headers(5, ASK), 0) == (len(begun), True)


def test_noise_and_zeros_hold_no_frames_and_cost_linear_time():
    begun = time.process_time()
    for noise in (random.Random(1).randbytes(1 << 20), bytes(1 << 20), b"\0\0\0\0" * 1000, b"\0\1\0\0" * (1 << 17)):
        assert find_frames(noise, 0)[1] is False
    assert time.process_time() - begun < 5
