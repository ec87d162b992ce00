from __future__ import annotations

import gc
import weakref
from pathlib import Path

import pytest

from kubeshark_mcp.dissect.base import Confidence, Context, Dissector, HandOver, Opening, Protocol, Settings
from kubeshark_mcp.dissect.engine import DissectionEngine
from kubeshark_mcp.dissect.session import DATAGRAM_TRIES, SKIPPED_BYTES, TRIES
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Closing, Datagram, Direction, Piece, Window
from tests.dissect.conversation import CLIENT, SERVER, connection, play, run


class Echo(Protocol):
    """Begins with its own name and a colon; an entry for each piece, one more at the end."""

    title = specification = ""
    transports = frozenset({"tcp", "udp"})

    def __init__(self, name: str = "echo", server_speaks_first: bool = False):
        self.name = name
        self.first = server_speaks_first

    def probe(self, opening: Opening) -> Confidence:
        start = f"{self.name}:".encode()
        heard, other = opening.client, opening.server
        if self.first:
            heard, other = other, heard
        if other and not heard:
            return Confidence.NO
        if heard.startswith(start):
            return Confidence.SURE
        return Confidence.UNDECIDED if start.startswith(heard) else Confidence.NO

    def open(self, context: Context) -> Dissector:
        return EchoDissector(context, self.name)


class EchoDissector(Dissector):
    def __init__(self, context: Context, name: str):
        super().__init__(context)
        self.name = name

    def say(self, text: str) -> None:
        number = self.context.connection.number
        self.context.emit(Entry(self.name, self.context.connection, None, None, {"number": number}, text))

    def on_piece(self, piece: Piece) -> None:
        if b"!" in piece.data:
            raise RuntimeError("a fault of the protocol")
        if b">" in piece.data:
            at = piece.data.index(b">")
            wanted, _, rest = piece.data[at + 1 :].partition(b";")
            after = [Piece(piece.direction, rest, piece.offset + len(piece.data) - len(rest), 0, [0], [1], [1])]
            self.hand_over = HandOver(wanted.decode(), after if rest else [])
            return
        if b"(" in piece.data:
            self.context.inherited["outer"] = "yes"
            inner = Piece(piece.direction, piece.data.partition(b"(")[2], 0, 0, [0], [1], [1])
            self.context.tunnel(Window(connection(number=99), [inner]), None)
            return
        self.say(f"{piece.direction.name} {piece.data.decode()}")

    def on_gap(self, direction: Direction, length: int) -> None:
        self.say(f"gap of {length}")

    def on_datagram(self, datagram: Datagram) -> None:
        self.say(f"{datagram.direction.name} {datagram.data.decode()}")

    def on_close(self, closing: Closing) -> None:
        self.say(closing.how)


def said(entries: list[Entry]) -> list[str]:
    return [f"{entry.protocol} {entry.summary}" for entry in entries]


def test_what_is_found_late_is_read_from_its_beginning():
    talk = [(CLIENT, b"ec"), (CLIENT, b"ho"), (SERVER, b"x"), (CLIENT, b":1")]
    assert said(play([Echo()], talk, apart=True)) == [
        "echo CLIENT ec",
        "echo CLIENT ho",
        "echo SERVER x",
        "echo CLIENT :1",
        "echo fin",
    ]


def test_nobody_knows_it_so_it_is_muted_and_counted():
    talk = [(way, b"what") for _ in range(TRIES) for way in (CLIENT, SERVER)]
    entries, engine = run([Echo()], talk, apart=True)
    assert entries == []
    assert (engine.bytes_fed, engine.bytes_dissected, engine.bytes_unknown) == (64, 0, 64)


def test_detection_begins_anew_at_the_next_turn():
    """A proxy's handshake before the protocol."""
    talk = [(CLIENT, b"\x05\x01\x00"), (SERVER, b"\x05\x00"), (CLIENT, b"echo:1"), (SERVER, b"2")]
    entries, engine = run([Echo()], talk, apart=True)
    assert said(entries) == ["echo CLIENT echo:1", "echo SERVER 2", "echo fin"]
    assert (engine.bytes_dissected, engine.bytes_unknown) == (7, 5)


def test_a_turn_nobody_knows_is_not_held_and_not_followed_for_ever():
    engine = DissectionEngine([Echo()], Settings(), print)
    of = connection()
    size = 1 << 16
    for number in range(SKIPPED_BYTES // size + 2):
        engine.feed(Window(of, [Piece(CLIENT, b"?" * size, number * size, 0, [0], [1], [1])]))
    assert of.muted
    assert engine.bytes_unknown == engine.bytes_fed == (SKIPPED_BYTES // size + 2) * size


def test_a_gap_while_undecided_is_not_joined():
    """`ec` and `ho:` on the two sides of a gap do not make an `echo:`."""
    assert said(play([Echo()], [(CLIENT, b"ec"), (CLIENT, b"??"), (CLIENT, b"ho:1")], lost={1}, apart=True)) == []
    talk = [(CLIENT, b"ec"), (CLIENT, b"??"), (CLIENT, b"echo:1")]
    assert said(play([Echo()], talk, lost={1}, apart=True)) == ["echo gap of 2", "echo CLIENT echo:1", "echo fin"]


def test_the_ends_are_exchanged_where_the_beginning_was_not_seen_and_only_that_fits():
    talk = [(SERVER, b"echo:1"), (CLIENT, b"2"), (SERVER, b"3")]
    assert said(play([Echo()], talk, apart=True)) == []
    entries = play([Echo()], talk, from_start=False)
    assert said(entries) == ["echo CLIENT echo:1", "echo SERVER 2", "echo CLIENT 3", "echo fin"]
    assert {(entry.connection.client.port, entry.connection.server.port) for entry in entries} == {(40080, 50000)}


def test_a_hand_over_to_a_named_protocol():
    talk = [(CLIENT, b"echo:1"), (CLIENT, b">other;abc"), (SERVER, b"2")]
    entries, engine = run([Echo(), Echo("other")], talk, apart=True)
    assert said(entries) == ["echo CLIENT echo:1", "other CLIENT abc", "other SERVER 2", "other fin"]
    assert engine.l7_of(connection()) == ("echo", "other")
    assert (engine.bytes_fed, engine.bytes_dissected, engine.bytes_unknown) == (17, 17, 0)


def test_a_hand_over_to_nobody_in_particular_is_detected():
    talk = [(CLIENT, b"echo:1"), (CLIENT, b">;oth"), (CLIENT, b"er:5")]
    assert said(play([Echo(), Echo("other")], talk, apart=True)) == [
        "echo CLIENT echo:1",
        "other CLIENT oth",
        "other CLIENT er:5",
        "other fin",
    ]


def test_a_hand_over_to_a_protocol_that_is_not_there_ends_the_reading():
    entries, engine = run([Echo()], [(CLIENT, b"echo:1"), (CLIENT, b">missing;abc"), (SERVER, b"2")], apart=True)
    assert said(entries) == ["echo CLIENT echo:1"]
    assert engine.bytes_unknown == 4


def test_hand_overs_end():
    turns = [(CLIENT, b"echo:1")] + [(CLIENT, b">echo;")] * 100
    assert len(play([Echo()], turns, apart=True)) == 1


def test_a_fault_of_a_protocol_mutes_the_connection_and_is_reported():
    of = connection()
    engine = DissectionEngine([Echo()], Settings(), lambda entry: None)
    engine.feed(Window(of, [Piece(CLIENT, b"echo:!", 0, 0, [0], [1], [1])]))
    engine.feed(Window(of, [Piece(CLIENT, b"more", 6, 0, [0], [2], [2])]))
    engine.finish()
    assert of.muted
    assert [str(warning) for warning in engine.warnings] == [
        "the echo dissector failed on tcp.stream 0 (10.0.0.1:50000 to 10.0.0.2:40080): "
        f"RuntimeError('a fault of the protocol') in on_piece, line {line_of('raise RuntimeError')}"
    ]


def line_of(text: str) -> int:
    lines = Path(__file__).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_what_is_inside_a_tunnel_is_a_connection_of_its_own_with_the_outer_fields():
    entries, engine = run([Echo(), Echo("other")], [(CLIENT, b"echo:1"), (CLIENT, b"(other:2")], apart=True)
    assert [(entry.protocol, entry.summary, entry.fields) for entry in entries] == [
        ("echo", "CLIENT echo:1", {"number": 0, "echo": True}),
        ("other", "CLIENT other:2", {"number": 99, "other": True, "outer": "yes"}),
        ("echo", "fin", {"number": 0, "echo": True}),
        ("other", "fin", {"number": 99, "other": True, "outer": "yes"}),
    ]
    assert engine.bytes_dissected == engine.bytes_fed == 14


def test_what_the_user_declared_for_a_port_holds_for_the_connection_and_not_for_what_it_carries():
    settings = Settings(decode_as={("tcp", 40080): "echo"})
    talk = [(CLIENT, b"1"), (CLIENT, b"(other:2")]
    entries, _ = run([Echo(), Echo("other")], talk, apart=True, settings=settings)
    assert said(entries) == ["echo CLIENT 1", "other CLIENT other:2", "echo fin", "other fin"]


def test_a_dissector_mutes_the_connection_of_the_wire_also_when_its_ends_were_exchanged():
    class Quiet(Echo):
        def open(self, context: Context) -> Dissector:
            context.connection.muted = True
            return EchoDissector(context, self.name)

    of = connection(from_start=False)
    engine = DissectionEngine([Quiet(server_speaks_first=True)], Settings(), lambda entry: None)
    engine.feed(Window(of, [Piece(CLIENT, b"echo:1", 0, 0, [0], [1], [1])]))
    assert of.muted


@pytest.mark.parametrize("from_start", [True, False])
def test_datagrams_are_decided_one_by_one(from_start: bool):
    talk = [(CLIENT, b"noise"), (CLIENT, b"echo:1"), (SERVER, b"2")]
    entries, engine = run([Echo()], talk, transport="udp", from_start=from_start)
    assert said(entries) == ["echo CLIENT echo:1", "echo SERVER 2", "echo fin"]
    assert (engine.bytes_dissected, engine.bytes_unknown) == (7, 5)


def test_datagrams_nobody_knows_mute_the_conversation_after_some_tries():
    of = connection("udp")
    engine = DissectionEngine([Echo()], Settings(), print)
    for number in range(DATAGRAM_TRIES + 3):
        assert of.muted is (number >= DATAGRAM_TRIES)
        engine.feed(Datagram(of, CLIENT, b"what", number, number))


def test_an_answer_seen_first_turns_the_conversation():
    talk = [(SERVER, b"echo:1"), (CLIENT, b"2")]
    entries = play([Echo()], talk, transport="udp", from_start=False)
    assert said(entries) == ["echo CLIENT echo:1", "echo SERVER 2", "echo fin"]


def test_one_byte_at_a_time_is_no_work_without_end():
    talk = [(CLIENT, bytes([byte])) for byte in b"ech" + b"o" * 5000]
    assert said(play([Echo()], talk, apart=True)) == []


def test_a_declared_protocol_is_read_from_the_first_byte():
    settings = Settings(decode_as={("tcp", 40080): "echo"})
    assert said(play([Echo()], [(SERVER, b"hello")], settings=settings)) == ["echo SERVER hello", "echo fin"]


@pytest.mark.parametrize(
    ("talk", "expected"),
    [
        ([(SERVER, b"echo:1"), (CLIENT, b"2")], ["echo CLIENT echo:1", "echo SERVER 2", "echo fin"]),
        ([(SERVER, b"ec"), (SERVER, b"ho:1"), (CLIENT, b"2")], ["echo CLIENT echo:1", "echo SERVER 2", "echo fin"]),
        ([(CLIENT, b"echo:1"), (SERVER, b"2")], ["echo CLIENT echo:1", "echo SERVER 2", "echo fin"]),
        ([(SERVER, b"what"), (CLIENT, b"2")], ["echo SERVER what", "echo CLIENT 2", "echo fin"]),
        ([(CLIENT, b"ec")], ["echo CLIENT ec", "echo fin"]),
    ],
)
def test_a_declared_protocol_whose_beginning_is_missing_says_which_end_is_the_client(
    talk: list[tuple[Direction, bytes]], expected: list[str]
):
    settings = Settings(decode_as={("tcp", 40080): "echo"})
    entries, engine = run([Echo(), Echo("what")], talk, settings=settings, from_start=False)
    assert said(entries) == expected
    assert (engine.bytes_dissected, engine.bytes_unknown) == (engine.bytes_fed, 0)


def test_a_protocol_behind_many_datagrams_of_another_is_found():
    talk = [(CLIENT, b"binding"), (SERVER, b"bound")] * 20 + [(CLIENT, b"echo:1")]
    assert said(play([Echo()], talk, transport="udp")) == ["echo CLIENT echo:1", "echo fin"]


class Talker(Echo):
    """Knows itself by a way back, as a dissector with a reader for each direction does; counts what is still there."""

    def __init__(self, alive: weakref.WeakSet[Dissector]):
        super().__init__("talk")
        self.alive = alive

    def open(self, context: Context) -> Dissector:
        dissector = EchoDissector(context, self.name)
        dissector.back = dissector.say
        self.alive.add(dissector)
        return dissector


def test_a_connection_that_ended_waits_for_no_collector():
    alive: weakref.WeakSet[Dissector] = weakref.WeakSet()
    entries: list[Entry] = []
    gc.collect()
    gc.disable()
    try:
        engine = DissectionEngine([Talker(alive), Echo("other")], Settings(), entries.append)
        there = connection()
        for data, at in ((b"talk:1", 0), (b">other;other:2", 6)):
            engine.feed(Window(there, [Piece(Direction.CLIENT, data, at, 0, [0], [1], [1])]))
            assert len(alive) == (at == 0)
        engine.feed(Window(connection(number=2), [Piece(Direction.CLIENT, b"talk:3", 0, 0, [0], [1], [1])]))
        assert len(alive) == 1
        engine.finish()
        assert len(alive) == 0
    finally:
        gc.enable()
