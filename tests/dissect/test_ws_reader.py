from __future__ import annotations

import random
import tracemalloc

import pytest

from kubeshark_mcp.dissect.base import Settings
from kubeshark_mcp.dissect.wire_ws import Deflate
from kubeshark_mcp.dissect.ws_reader import UNREAD, FrameReader, Message
from kubeshark_mcp.model.stream import Direction, Piece
from tests.dissect.samples.ws import TICKS, deflated, frame, said

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER
TICK = b'{"type": "tick", "symbol": "ACME", "price": 10%d.25}'


class Driver:
    """Feeds one reader; packets are numbered from 1."""

    def __init__(
        self,
        direction: Direction = SERVER,
        *,
        trusted: bool = True,
        deflate: Deflate | None = None,
        settings: Settings | None = None,
    ):
        self.messages: list[Message] = []
        self.direction = direction
        self.packet = self.offset = 0
        agreed = deflate or Deflate(True)
        self.reader = FrameReader(direction, settings or Settings(), agreed, self.messages.append, trusted=trusted)

    def packets(self, *parts: bytes) -> Driver:
        """Feed packets as one piece."""
        starts = [sum(map(len, parts[:index])) for index in range(len(parts))]
        numbers = list(range(self.packet + 1, self.packet + 1 + len(parts)))
        self.packet += len(parts)
        data = b"".join(parts)
        self.reader.feed(Piece(self.direction, data, self.offset, 0, starts, numbers, numbers))
        self.offset += len(data)
        return self

    def gap(self, length: int) -> Driver:
        self.offset += length
        self.reader.gap(length)
        return self

    def end(self, how: str = "fin") -> list[tuple[object, ...]]:
        self.reader.close(how)
        return [outline(message) for message in self.messages]


def outline(message: Message) -> tuple[object, ...]:
    return message.opcode, message.payload, message.size, message.malformed


def test_a_frame_is_a_message_with_its_evidence():
    driver = Driver()
    driver.packets(b"", frame(1, b"hello"), frame(2, b"\x00" * 300)[:100], frame(2, b"\x00" * 300)[100:])
    assert driver.end() == [(1, b"hello", 5, ""), (2, b"\x00" * 300, 300, "")]
    assert [message.span[:4] for message in driver.messages if message.span] == [(0, 7, 2, 2), (7, 304, 3, 4)]


def test_fragments_are_joined_and_control_frames_between_them_stand_alone():
    driver = Driver(CLIENT)
    driver.packets(said(1, b"one ", final=False), said(9, b"ping"), said(0, b"two ", final=False), said(0, b"three"))
    assert driver.end() == [(9, b"ping", 4, ""), (1, b"one two three", 13, "")]
    ping, text = driver.messages
    assert (text.frames, text.wire_size, text.masked, ping.frames) == (3, 13, True, 1)
    assert text.span is not None
    assert text.span[:4] == (
        0,
        sum(map(len, (said(1, b"one "), said(9, b"ping"), said(0, b"two "), said(0, b"three")))),
        1,
        4,
    )


@pytest.mark.parametrize("seed", range(20))
def test_the_cutting_of_packets_and_pieces_changes_nothing(seed: int):
    whole = frame(1, b"hello") + frame(2, b"\x07" * 1000, final=False) + frame(10, b"") + frame(0, b"end") + frame(8)
    choice, driver, at = random.Random(seed), Driver(), 0
    while at < len(whole):
        size = choice.choice((1, 2, 3, 50, 700))
        driver.packets(whole[at : at + size])
        at += size
    assert driver.end() == [
        (1, b"hello", 5, ""),
        (10, b"", 0, ""),
        (2, b"\x07" * 1000 + b"end", 1003, ""),
        (8, b"", 0, ""),
    ]
    spans = [message.span[:2] for message in driver.messages if message.span]
    assert spans == [(0, 7), (1011, 2), (7, 1011), (1018, 2)]


def test_of_a_long_message_the_beginning_is_kept():
    driver = Driver(settings=Settings(body_limit=10))
    driver.packets(frame(2, bytes(range(200)), final=False), frame(0, bytes(100)))
    assert driver.end() == [(2, bytes(range(10)), 300, "")]


def test_a_message_of_many_megabytes_costs_no_memory():
    driver = Driver()
    part = b"\x00" * (1 << 20)
    header = frame(2, b"")[:1] + b"\x7f" + (64 << 20).to_bytes(8, "big")
    tracemalloc.start()
    driver.packets(header)
    for _ in range(64):
        driver.packets(part)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [message.size for message in driver.messages] == [64 << 20]
    assert peak < 4 << 20


def test_compressed_messages_are_decompressed_in_their_common_context():
    driver = Driver()
    driver.packets(*(frame(1, tick, compressed=True) for tick in TICKS), frame(1, b"plain"))
    assert driver.end() == [*((1, TICK % number, 51, "") for number in range(5)), (1, b"plain", 5, "")]
    assert [message.wire_size for message in driver.messages][1:3] == [len(TICKS[1]), len(TICKS[2])]


def test_a_gap_costs_the_context_of_compression_until_a_message_stands_alone():
    driver = Driver()
    driver.packets(frame(1, TICKS[0], compressed=True)).gap(len(frame(1, TICKS[1], compressed=True)))
    driver.packets(frame(1, TICKS[2], compressed=True), frame(1, b"plain"))
    driver.packets(frame(1, deflated(b"a new beginning")[0], compressed=True))
    damaged = "it cannot be decompressed: it is damaged, or refers to messages that were not seen"
    assert driver.end() == [
        (1, TICK % 0, 51, ""),
        (1, TICKS[2], len(TICKS[2]), damaged),
        (1, b"plain", 5, ""),
        (1, b"a new beginning", 15, ""),
    ]


def test_a_compressed_message_that_is_too_long_to_be_held_is_counted():
    driver = Driver(settings=Settings(message_limit=20))
    random_bytes = random.Random(1).randbytes(50)
    packed = deflated(random_bytes)[0]
    driver.packets(frame(2, packed, compressed=True))
    assert driver.end() == [(2, packed[:20], len(packed), f"{len(packed)} compressed bytes are more than are read")]


def test_compression_that_was_not_agreed_is_a_broken_rule():
    driver = Driver(deflate=Deflate(False))
    driver.packets(frame(1, b"hello", compressed=True))
    assert driver.end() == [(1, b"hello", 5, "it is marked as compressed, which was not agreed")]
    assert driver.messages[0].broken


def test_bytes_missing_inside_a_payload_do_not_cost_the_next_frame():
    whole = frame(2, b"x" * 200)
    driver = Driver().packets(whole[:54])
    driver.gap(100).packets(whole[154:], frame(1, b"next"))
    assert driver.end() == [(2, b"x" * 50, 200, "100 bytes are missing at payload offset 50"), (1, b"next", 4, "")]
    assert driver.messages[0].span is not None
    assert driver.messages[0].span[:2] == (0, 204)
    assert driver.messages[0].span.missing == 100


def test_a_gap_that_ends_with_a_frame_ends_the_message():
    whole = frame(2, b"x" * 200)
    driver = Driver().packets(whole[:54]).gap(150).packets(frame(1, b"next"))
    assert driver.end() == [(2, b"x" * 50, 200, "150 bytes are missing at payload offset 50"), (1, b"next", 4, "")]


def test_behind_a_gap_between_frames_the_next_is_found_at_the_beginning_of_a_packet():
    driver = Driver().packets(frame(1, b"first")).gap(1000)
    driver.packets(b"the end of something", b"\xff\xff", frame(1, b"found"), frame(2, b"\x00" * 40))
    assert driver.end() == [(1, b"first", 5, ""), (1, b"found", 5, ""), (2, b"\x00" * 40, 40, "")]


def test_fragments_on_both_sides_of_a_gap_are_not_joined():
    driver = Driver(CLIENT).packets(said(1, b"one ", final=False)).gap(20).packets(said(0, b"three"))
    assert driver.end() == [
        (1, b"one ", 4, "its last fragment was not seen: 20 bytes are missing behind what was seen of it"),
        (0, b"three", 5, "its beginning was not seen"),
    ]
    assert not any(message.broken for message in driver.messages)


@pytest.mark.parametrize(
    ("how", "why"), [("fin", "the sender closed"), ("reset", "the connection was reset"), ("end", "the capture ends")]
)
def test_what_is_not_whole_at_the_end_is_given_with_the_reason(how: str, why: str):
    driver = Driver().packets(frame(1, b"half a message")[:8])
    assert driver.end(how) == [(1, b"half a", 14, f"6 of 14 bytes of its payload were seen: {why}")]
    driver = Driver().packets(frame(1, b"half ", final=False))
    assert driver.end(how) == [(1, b"half ", 5, f"its last fragment was not seen: {why}")]
    driver = Driver().packets(b"\x81")
    assert driver.end(how) == [(UNREAD, b"\x81", 1, f"a frame header is cut short: {why}")]


def test_a_compressed_message_that_breaks_off_gives_its_beginning():
    packed = deflated(b"hello, hello, hello")[0]
    whole = frame(1, packed, compressed=True)
    driver = Driver().packets(whole[:-2])
    ((opcode, payload, _, malformed),) = driver.end()
    assert opcode == 1
    assert b"hello, hello, hello".startswith(payload)  # type: ignore[arg-type]
    assert str(malformed).startswith(f"{len(packed) - 2} of {len(packed)} bytes of its payload were seen")


def test_broken_rules_are_named_and_reading_goes_on():
    driver = Driver()
    driver.packets(frame(9, b"p" * 126) + frame(9, b"", final=False) + frame(0, b"?") + b"\x82\x7e\x00\x01x")
    driver.packets(frame(1, b"begun", final=False) + frame(1, b"another") + frame(1, b"last"))
    assert driver.end() == [
        (9, b"p" * 126, 126, "a control frame has 126 bytes, more than 125"),
        (9, b"", 0, "a control frame is fragmented"),
        (0, b"?", 1, "its beginning was not seen"),
        (2, b"x", 1, "the length 1 is not written as short as it can be"),
        (1, b"begun", 5, "its last fragment was not seen: the next message began before it"),
        (1, b"another", 7, ""),
        (1, b"last", 4, ""),
    ]
    assert [message.broken for message in driver.messages] == [True, True, False, True, True, False, False]


def test_behind_a_header_that_is_none_the_next_frame_is_found_at_the_beginning_of_a_packet():
    driver = Driver().packets(frame(1, b"fine"), b"\x83\x00 and more", b"of it", frame(1, b"found"))
    assert driver.end() == [
        (1, b"fine", 4, ""),
        (UNREAD, b"\x83\x00", 2, "opcode 3 is reserved"),
        (1, b"found", 5, ""),
    ]


def test_without_a_handshake_the_first_frame_has_to_look_like_one():
    assert Driver(CLIENT, trusted=False).packets(b"\x16\x03\x01\x02", b"\x81\x05hello").end() == []
    assert Driver(CLIENT, trusted=False).packets(b"\x16\x03", said(1, b"hello")).end() == [(1, b"hello", 5, "")]
    assert Driver(CLIENT, trusted=True).packets(b"\x81\x05hello").end() == [(1, b"hello", 5, "")]
