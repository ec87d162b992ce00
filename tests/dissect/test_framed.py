"""Messages with a length: whole ones, cut ones, long ones, and the way back after what is missing."""

from __future__ import annotations

import random

import pytest

from kubeshark_mcp.dissect.base import Context, Settings
from kubeshark_mcp.dissect.framed import FramedDissector, FrameError
from kubeshark_mcp.model.stream import Closing, Direction, Span
from tests.dissect.conversation import CLIENT, SERVER, Talk, connection, packets, windows, without

Heard = tuple[str, Direction, bytes, int, str]


class Letters(FramedDissector):
    """A length in one byte, then as many lower-case letters; begins anew with a packet whose first letter is `a`."""

    HEADER = 1

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.heard: list[Heard] = []

    def length_at(self, direction: Direction, data: bytes, position: int) -> int:
        if len(data) - position < 2:
            return 0
        if not data[position + 1 : position + 2].islower():
            raise FrameError("no letter", position + 1)
        return data[position] + 1

    def begins_at(self, direction: Direction, data: bytes, start: int, stop: int) -> bool:
        return data[start + 1 : start + 2] == b"a"

    def on_message(self, direction: Direction, data: bytes, start: int, stop: int, span: Span, cut: str) -> None:
        self.heard.append(("message", direction, data[start + 1 : stop], span.length, cut))

    def on_unread(self, direction: Direction, data: bytes, span: Span, why: str) -> None:
        self.heard.append(("unread", direction, data, span.length, why))


def said(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


def hear(
    talk: Talk, *, limit: int = 1000, lost: tuple[int, ...] = (), from_start: bool = True, seed: int | None = None
) -> list[Heard]:
    of = connection(from_start=from_start)
    dissector = Letters(Context(of, Settings(message_limit=limit), lambda entry: None))
    cuts = None if seed is None else random.Random(seed)
    for window in windows(of, without(packets(talk, cuts, 3), lost), cuts):
        dissector.feed(window)
    dissector.on_close(Closing(of, "fin", 0))
    return dissector.heard


def test_whole_messages_of_both_directions_are_taken_in_order():
    talk = [(CLIENT, said("abc") + said("d")), (SERVER, said("efg")), (CLIENT, said("hi"))]
    assert hear(talk) == [
        ("message", CLIENT, b"abc", 4, ""),
        ("message", CLIENT, b"d", 2, ""),
        ("message", SERVER, b"efg", 4, ""),
        ("message", CLIENT, b"hi", 3, ""),
    ]


@pytest.mark.parametrize("limit", [1000, 4])
def test_any_cutting_gives_the_same_messages_long_ones_too(limit: int):
    talk = [(CLIENT, said("abcdefgh") + said("ij") + said("klmnopqrst")), (SERVER, said("uvwxyz"))]
    whole = hear(talk, limit=limit)
    for seed in range(40):
        assert sorted(hear(talk, limit=limit, seed=seed)) == sorted(whole), seed


def test_a_long_message_is_cut_and_its_span_is_that_of_all_of_it():
    assert hear([(CLIENT, said("abcdefgh")), (CLIENT, said("i"))], limit=4) == [
        ("message", CLIENT, b"abc", 9, "4 of 9 bytes of the message were kept"),
        ("message", CLIENT, b"i", 2, ""),
    ]


def test_a_long_message_that_never_ends_is_taken_when_the_connection_ends():
    assert hear([(CLIENT, said("abcdefgh")[:6])], limit=4) == [
        ("message", CLIENT, b"abc", 6, "4 of 9 bytes of the message were kept: the connection ends"),
    ]


def test_an_unfinished_message_is_taken_when_the_connection_ends():
    assert hear([(CLIENT, said("abcd")[:3])]) == [
        ("message", CLIENT, b"ab", 3, "3 bytes of the message were seen: the connection ends")
    ]


def test_a_gap_is_never_joined_and_the_next_message_begins_with_a_packet():
    talk = [(CLIENT, said("abcdef")[:3]), (CLIENT, said("abcdef")[3:]), (CLIENT, said("xyz")), (CLIENT, said("abc"))]
    assert hear(talk, lost=(1,)) == [
        ("message", CLIENT, b"ab", 3, "3 bytes of the message were seen: 4 bytes are missing behind them"),
        ("message", CLIENT, b"abc", 4, ""),
    ]


def test_what_is_no_message_is_told_and_reading_goes_on_with_a_packet_that_begins_one():
    talk = [(CLIENT, said("ab")), (CLIENT, b"\x03ABC"), (CLIENT, b"\x01Z"), (CLIENT, said("abc"))]
    assert hear(talk) == [
        ("message", CLIENT, b"ab", 3, ""),
        ("unread", CLIENT, b"\x03ABC\x01Z", 6, "no letter at byte 4 of the stream"),
        ("message", CLIENT, b"abc", 4, ""),
    ]


def test_a_connection_whose_beginning_was_not_seen_is_read_from_the_first_packet_that_fits():
    talk = [(CLIENT, b"xxxx"), (CLIENT, said("abc")), (SERVER, b"rest")]
    assert hear(talk, from_start=False) == [("message", CLIENT, b"abc", 4, "")]
