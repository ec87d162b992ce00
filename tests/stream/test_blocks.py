from __future__ import annotations

from kubeshark_mcp.model.stream import Window
from kubeshark_mcp.model.stream_block import StreamBlock
from kubeshark_mcp.stream.blocks import one_window_each
from kubeshark_mcp.stream.engine import StreamEngine
from tests.stream.building import Sent, Talk, cut, numbered


def packets() -> list[Sent]:
    talks = [Talk(client=(1, 1000 + place)).handshake() for place in range(3)]
    for place, one in enumerate(talks):
        one.say(0, b"ask%d" % place).say(1, b"an", b"swer").say(0, b"more")
    return numbered(packet for one in talks for packet in one.packets)


def windows_of(events) -> list[Window]:
    return [
        window
        for event in events
        for window in (event.windows() if isinstance(event, StreamBlock) else [event])
        if isinstance(window, Window)
    ]


def told(windows) -> list[tuple]:
    return sorted(
        (window.connection.number, [(piece.direction, piece.data, piece.offset, *piece.packets) for piece in window])
        for window in windows
    )


def test_columns_and_windows_are_the_same_bytes():
    [block] = cut(packets())
    [found] = StreamEngine(columns=True).feed(block)
    assert isinstance(found, StreamBlock)
    assert told(found.windows()) == told(StreamEngine().feed(block))


def test_a_connection_that_comes_in_two_parts_has_one_window_and_leaves_the_block():
    [whole] = StreamEngine(columns=True).feed(*cut(packets()))
    connection = whole.connections[1]
    piece = next(whole.windows()).pieces[0]
    [block, window] = one_window_each([whole, Window(connection, [piece])], columns=True)
    assert [one.number for one in block.connections] == [0, 2]
    assert told(block.windows()) == [one for one in told(whole.windows()) if one[0] != 1]
    assert told([window])[0][1][:-1] == told(whole.windows())[1][1]
    assert window.pieces[-1] is piece
    alone = one_window_each([whole, *whole.windows()], columns=True)
    assert [type(one) for one in alone] == [Window] * 3
    assert [len(one.pieces) for one in alone] == [6, 6, 6]


def test_without_columns_all_is_windows():
    [whole] = StreamEngine(columns=True).feed(*cut(packets()))
    joined = one_window_each([whole, *whole.windows()], columns=False)
    assert [len(one.pieces) for one in joined] == [6, 6, 6]


def test_a_retransmission_is_for_windows_and_the_others_stay_columns():
    sent = packets()
    again = [*sent[:8], sent[3], *sent[8:]]
    events = StreamEngine(columns=True).feed(*cut(numbered(again)))
    assert told(windows_of(events)) == told(StreamEngine().feed(*cut(numbered(again))))
    assert any(isinstance(event, StreamBlock) for event in events)
