from __future__ import annotations

import pytest

from kubeshark_mcp.dissect.base import Confidence, Context, Dissector, HandOver, Opening, Settings
from kubeshark_mcp.dissect.protocols.tcp_conn import TcpConn
from kubeshark_mcp.model.stream import Closing, Datagram, Direction, Piece, Window
from tests.dissect.conversation import CLIENT, SERVER, connection


def context() -> Context:
    return Context(connection(), Settings(), lambda entry: None)


def piece(direction: Direction, data: bytes, gap: int = 0) -> Piece:
    return Piece(direction, data, 0, gap, [0], [1], [1])


class Notes(Dissector):
    def __init__(self, of: Context):
        super().__init__(of)
        self.heard: list[object] = []

    def on_piece(self, piece: Piece) -> None:
        self.heard.append(piece.data)
        if piece.data == b"over":
            self.hand_over = HandOver("", [])

    def on_gap(self, direction: Direction, length: int) -> None:
        self.heard.append((direction, length))


def test_a_window_is_heard_piece_by_piece_and_gaps_come_before_what_follows_them():
    notes = Notes(context())
    notes.feed(Window(connection(), [piece(CLIENT, b"a"), piece(SERVER, b"b", gap=7)]))
    assert notes.heard == [b"a", (SERVER, 7), b"b"]


def test_a_hand_over_takes_what_is_left_of_the_window():
    notes = Notes(context())
    after = [piece(SERVER, b"x"), piece(CLIENT, b"y")]
    notes.feed(Window(connection(), [piece(CLIENT, b"a"), piece(CLIENT, b"over"), *after]))
    assert notes.heard == [b"a", b"over"]
    assert notes.hand_over == HandOver("", after)


def test_a_dissector_may_leave_everything_out():
    plain = Dissector(context())
    plain.on_datagram(Datagram(connection("udp"), CLIENT, b"a", 1, 1))
    plain.on_close(Closing(connection(), "fin", 1))
    plain.feed(Window(connection(), [piece(CLIENT, b"a", gap=1)]))
    assert plain.hand_over is None


def test_a_table_of_connections_claims_no_bytes_and_reads_none():
    table = TcpConn()
    assert table.probe(Opening(connection(), b"GET / HTTP/1.1\r\n", b"", True, True)) is Confidence.NO
    with pytest.raises(TypeError, match="tcp_conn entries come from the flow table"):
        table.open(context())


def test_opinions_are_ordered():
    assert sorted(Confidence) == [
        Confidence.NO,
        Confidence.UNDECIDED,
        Confidence.POSSIBLE,
        Confidence.LIKELY,
        Confidence.SURE,
    ]
