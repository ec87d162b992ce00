from __future__ import annotations

from array import array

import numpy as np

from kubeshark_mcp.model.stream import Direction, Piece
from kubeshark_mcp.stream.assembler import Joined
from kubeshark_mcp.stream.pieces import Runs, pieces_of


def plain(piece: Piece) -> Piece:
    return Piece(
        piece.direction, piece.data, piece.offset, piece.gap, list(piece.starts), list(piece.packets), list(piece.times)
    )


def test_neighbours_of_one_direction_without_a_gap_are_one_piece():
    joined = [
        Joined(0, 0, 0, b"ab", 1, 10),
        Joined(0, 2, 0, b"c", 2, 20),
        Joined(1, 0, 0, b"x", 3, 30),
        Joined(1, 5, 4, b"y", 4, 40),
    ]
    assert list(map(plain, pieces_of(joined))) == [
        Piece(Direction.CLIENT, b"abc", 0, 0, [0, 2], [1, 2], [10, 20]),
        Piece(Direction.SERVER, b"x", 0, 0, [0], [3], [30]),
        Piece(Direction.SERVER, b"y", 5, 4, [0], [4], [40]),
    ]
    assert pieces_of([]) == []


def test_runs_are_copied_out_of_the_block_in_their_order():
    runs = Runs(
        first=np.array([0, 1, 3]),
        direction=np.array([1, 0, 1]),
        offset=np.array([7, 0, 9]),
        gap=np.array([0, 5, 0]),
        begin=np.array([0, 4, 8, 12]),
        length=np.array([2, 1, 3, 4]),
        number=np.array([11, 12, 13, 14]),
        time=np.array([1, 2, 3, 4]),
    )
    assert list(map(plain, runs.pieces(memoryview(b"abcdefghijklmnop")))) == [
        Piece(Direction.SERVER, b"ab", 7, 0, [0], [11], [1]),
        Piece(Direction.CLIENT, b"eijk", 0, 5, [0, 1], [12, 13], [2, 3]),
        Piece(Direction.SERVER, b"mnop", 9, 0, [0], [14], [4]),
    ]


def test_a_byte_of_a_packed_piece_leads_to_its_packet():
    (piece,) = pieces_of([Joined(0, 0, 0, b"ab", 1, 10), Joined(0, 2, 0, b"c", 2, 20)])
    assert isinstance(piece.packets, array)
    assert [piece.packet_at(place) for place in range(3)] == [(1, 10), (1, 10), (2, 20)]
