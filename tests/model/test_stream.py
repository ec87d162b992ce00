"""Pieces, spans and directions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.model.stream import Connection, Datagram, Direction, Endpoint, Piece, Span, Window

CONNECTION = Connection(0, "tcp", Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 80))


def test_each_direction_has_an_opposite():
    assert (Direction.CLIENT.other, Direction.SERVER.other) == (Direction.SERVER, Direction.CLIENT)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=20))
def test_every_byte_of_a_piece_knows_its_packet(sizes: list[int]):
    starts = [sum(sizes[:index]) for index in range(len(sizes))]
    packets = [10 + 2 * index for index in range(len(sizes))]
    piece = Piece(Direction.CLIENT, b"x" * sum(sizes), 0, 0, starts, packets, [p * 1000 for p in packets])
    owners = [packets[index] for index, size in enumerate(sizes) for _ in range(size)]
    assert [piece.packet_at(position) for position in range(len(piece.data))] == [(p, p * 1000) for p in owners]


def test_a_window_gives_its_pieces_in_order():
    pieces = [Piece(Direction(n % 2), b"x", n, 0, [0], [n], [n]) for n in range(3)]
    assert list(Window(CONNECTION, pieces)) == pieces


def test_a_datagram_is_its_own_evidence():
    datagram = Datagram(CONNECTION, Direction.SERVER, b"abc", 7, 99, missing=2)
    assert datagram.span == Span(0, 3, 7, 7, 99, 99, 2)


def test_a_span_does_not_change():
    span = Span(0, 1, 1, 1, 0, 0)
    with pytest.raises(AttributeError):
        span.offset = 5  # type: ignore[misc]
