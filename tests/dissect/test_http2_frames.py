from __future__ import annotations

import random
import time

from kubeshark_mcp.dissect.buffer import Source
from kubeshark_mcp.dissect.http2_frames import HELD_LIMIT, Frame, FrameReader, Listener
from kubeshark_mcp.model.stream import Direction, Piece, Span
from tests.dissect.conversation import CLIENT, SERVER
from tests.dissect.samples.http2 import (
    ASK,
    CONTINUATION,
    DATA,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PREFACE,
    RST_STREAM,
    WINDOW_UPDATE,
    data,
    frame,
    headers,
    settings,
)


class Heard(Listener):
    """Writes down what it hears; parts of one DATA frame are joined."""

    def __init__(self) -> None:
        self.frames: list[tuple[int, int, bytes, int]] = []
        self.parts: list[tuple[int, bytes, bool]] = []
        self.evidence: list[tuple[int, int]] = []
        self.missing: list[tuple[int, int, bool]] = []
        self.faults: list[str] = []
        self.losses: list[int] = []

    def frame(self, direction: Direction, frame: Frame) -> None:
        self.frames.append((frame.kind, frame.stream, frame.payload, frame.missing))
        self.evidence.append((frame.source.offset + frame.start, frame.source.offset + frame.end))

    def data(
        self, direction: Direction, stream: int, source: Source, where: tuple[int, int, int, int], end: bool
    ) -> None:
        start, begin, stop, after = where
        self.parts.append((stream, source.data[begin:stop], end))
        self.evidence.append((source.offset + start, source.offset + after))

    def data_missing(self, direction: Direction, stream: int, length: int, end: bool) -> None:
        self.missing.append((stream, length, end))

    def fault(self, direction: Direction, kind: int, stream: int, reason: str, header: Span) -> None:
        self.faults.append(reason)

    def lost(self, direction: Direction, length: int) -> None:
        self.losses.append(length)


class Line:
    """One direction; bytes come in pieces with gaps between them."""

    def __init__(self, direction: Direction = SERVER, synced: bool = True) -> None:
        self.heard = Heard()
        self.reader = FrameReader(direction, self.heard, synced=synced)
        self.direction, self.offset, self.number = direction, 0, 0

    def say(self, said: bytes, gap: int = 0) -> Heard:
        if gap:
            self.reader.gap(gap)
            self.offset += gap
        self.number += 1
        self.reader.feed(Piece(self.direction, said, self.offset, gap, [0], [self.number], [self.number]))
        self.offset += len(said)
        return self.heard


TALK = (
    settings((4, 100))
    + headers(1, ASK)
    + data(1, b"hello")
    + frame(PING, 0, 0, b"12345678")
    + frame(DATA, PADDED, 1, b"\x03world\0\0\0")
    + frame(DATA, END_STREAM, 1)
    + frame(0xEE, 0, 0, b"unknown")
    + frame(RST_STREAM, 0, 3, b"\0\0\0\x08")
    + frame(GOAWAY, 0, 0, bytes(8))
)


def test_frames_are_read_and_those_that_nobody_needs_stepped_over():
    heard = Line().say(TALK)
    assert [(kind, stream) for kind, stream, *_ in heard.frames] == [(HEADERS, 1), (RST_STREAM, 3), (GOAWAY, 0)]
    assert heard.parts == [(1, b"hello", False), (1, b"world", False), (1, b"", True)]
    assert (heard.faults, heard.losses) == ([], [])


def test_any_cutting_gives_the_same_frames_content_and_evidence():
    whole = Line().say(TALK)
    for seed in range(60):
        cuts, line, position = random.Random(seed), Line(), 0
        while position < len(TALK):
            size = cuts.randint(1, 1 + seed)
            line.say(TALK[position : position + size])
            position += size
        heard = line.heard
        assert heard.frames == whole.frames
        assert b"".join(part for _, part, _ in heard.parts) == b"helloworld"
        assert [end for *_, end in heard.parts].count(True) == 1
        assert max(heard.evidence) == max(whole.evidence)


def test_the_preface_is_stepped_over_once_and_may_be_missing():
    assert len(Line(CLIENT).say(PREFACE + headers(1, ASK)).frames) == 1
    assert len(Line(CLIENT).say(headers(1, ASK)).frames) == 1
    line = Line(CLIENT)
    for octet in PREFACE + headers(1, ASK):
        line.say(bytes([octet]))
    assert len(line.heard.frames) == 1


def test_a_gap_inside_data_keeps_the_position():
    line = Line()
    line.say(data(1, b"0123456789" + b"x" * 90, end=True)[:19])
    heard = line.say(b"xy" + headers(3, ASK), gap=88)
    assert heard.parts == [(1, b"0123456789", False), (1, b"xy", True)]
    assert (heard.missing, heard.losses) == ([(1, 88, False)], [])
    assert [stream for _, stream, *_ in heard.frames] == [3]


def test_a_gap_up_to_the_end_of_data_ends_the_stream_there():
    line = Line()
    line.say(data(1, b"x" * 20, end=True)[:19])
    heard = line.say(headers(3, ASK), gap=10)
    assert (heard.missing, heard.losses) == ([(1, 10, True)], [])
    assert len(heard.frames) == 1


def test_a_gap_inside_header_fields_hands_on_their_beginning():
    line = Line()
    made = headers(1, ASK)
    line.say(made[:30])
    heard = line.say(data(1, b"body"), gap=len(made) - 30)
    assert heard.frames == [(HEADERS, 1, ASK[:21], len(ASK) - 21)]
    assert (heard.parts, heard.losses) == ([(1, b"body", False)], [])


def test_after_other_gaps_the_next_frames_are_looked_for_and_the_sides_never_joined():
    line = Line()
    made = data(1, b"first") + data(1, b"\0\0\x05 second") + data(1, b"third") + headers(3, ASK)
    line.say(made[:18])
    heard = line.say(made[25:], gap=7)
    assert heard.parts == [(1, b"first", False), (1, b"third", False)]
    assert [stream for _, stream, *_ in heard.frames] == [3]
    assert heard.losses[0] == 7 + 4
    assert sum(heard.losses) == len(data(1, b"\0\0\x05 second"))


def test_a_middle_of_a_connection_is_entered_at_the_next_frame():
    made = b"rest of some body" + data(7, b"more") + headers(9, ASK) + data(9, b"x")
    heard = Line(synced=False).say(made)
    assert heard.parts == [(7, b"more", False), (9, b"x", False)]
    assert heard.losses == [17]
    byte_by_byte = Line(synced=False)
    for octet in made:
        byte_by_byte.say(bytes([octet]))
    assert [stream for _, stream, *_ in byte_by_byte.heard.frames] == [9]


def test_frames_that_break_a_rule_are_named_and_stepped_over():
    heard = Line().say(frame(PING, 0, 0, b"short") + frame(WINDOW_UPDATE, 0, 0, b"") + headers(1, ASK))
    assert heard.faults == [
        "a PING frame of 5 instead of 8 octets, at offset 0",
        "a WINDOW_UPDATE frame of 0 instead of 4 octets, at offset 14",
    ]
    assert len(heard.frames) == 1


def test_padding_longer_than_its_frame_is_named():
    heard = Line().say(frame(DATA, PADDED, 1, b"\x09abc"))
    assert heard.faults == ["9 octets of padding in 3, at offset 0"]


def test_a_large_data_frame_passes_without_being_held():
    line = Line()
    line.say((10_000_000).to_bytes(3) + bytes([DATA, 0]) + (1).to_bytes(4))
    for _ in range(100):
        line.say(b"x" * 1000)
    assert sum(len(part) for _, part, _ in line.heard.parts) == 100_000


def test_a_header_frame_that_nobody_would_accept_is_not_held():
    line = Line()
    begun = (HELD_LIMIT + 1).to_bytes(3) + bytes([HEADERS, 4]) + (1).to_bytes(4)
    line.say(begun + b"\x82" * 1000)
    assert line.heard.losses != []
    assert line.heard.frames == []


def test_a_frame_that_the_end_cuts_hands_on_what_is_there():
    line = Line()
    line.say(headers(1, ASK)[:-3])
    line.reader.close()
    assert line.heard.frames == [(HEADERS, 1, ASK[:-3], 3)]
    line = Line()
    line.say(frame(RST_STREAM, 0, 1, b"\0\0\0\x08")[:-1])
    line.reader.close()
    assert line.heard.frames == []


def test_a_flood_of_small_frames_and_single_bytes_costs_linear_time():
    begun = time.process_time()
    Line().say(frame(CONTINUATION, 0, 1) * 100_000)
    line = Line()
    for octet in headers(1, b"\x82" * 50_000):
        line.say(bytes([octet]))
    assert len(line.heard.frames) == 1
    assert time.process_time() - begun < 5
