from __future__ import annotations

import pytest

from kubeshark_mcp.model.stream import Closing, Window
from kubeshark_mcp.stream.engine import StreamEngine
from tests.stream.building import Talk, closings, cut, numbered, run


def test_a_closing_is_the_last_thing_heard_of_a_connection():
    talk = Talk().handshake().say(0, b"abc").close()
    talk.packets.append(talk.packets[3])
    talk.send(0, b"beyond the end")
    for cuts in ((), (5,), (8, 9)):
        events, _ = run(talk.packets, cuts)
        assert [type(event) for event in events] == [Window, Closing]
        assert closings(events) == [(0, "fin", 7_000_000)]


def test_a_connection_that_nobody_heard_of_has_no_closing():
    assert run(Talk().handshake().close().packets)[0] == []


@pytest.mark.parametrize("lost", [False, True])
def test_a_muted_connection_holds_no_bytes_and_is_still_closed(lost):
    talk = Talk().handshake().say(0, b"first")
    talk.send(0, b"lost")
    talk.send(0, b"held")
    talk.send(1)
    talk.close()
    packets = numbered([packet for place, packet in enumerate(talk.packets) if not lost or place != 5])
    blocks = cut(packets, [5, 7])
    engine = StreamEngine()
    (window,) = engine.feed(blocks[0])
    window.connection.muted = True
    events = [event for block in blocks[1:] for event in engine.feed(block)] + engine.finish()
    assert [(event.connection.number, event.how) for event in events] == [(0, "fin")]
    assert engine._tcp._joiner._held_bytes == 0


def test_a_connection_is_made_when_its_first_bytes_are():
    blocks = cut(numbered(Talk().handshake().say(0, b"abc").packets), [3])
    engine = StreamEngine()
    assert engine.feed(blocks[0]) == []
    (window,) = engine.feed(blocks[1])
    (later,) = engine.stats()
    assert later.connection is window.connection


@pytest.mark.parametrize("ending", ["fin", "reset"])
def test_nothing_is_held_of_a_connection_that_has_ended_but_its_row(ending):
    talk = Talk().handshake().say(0, b"abc")
    talk.close() if ending == "fin" else talk.send(1, flags="RA")
    engine = StreamEngine()
    (window, closing) = engine.feed(cut(numbered(talk.packets), [])[0])
    assert (closing.how, closing.connection) == (ending, window.connection)
    assert engine._tcp._connections.known(0) is None
    (later,) = engine.stats()
    assert later.connection == window.connection
