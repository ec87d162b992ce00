from __future__ import annotations

import numpy as np

from kubeshark_mcp.model.stream import Connection, Direction, Endpoint, Piece, Window
from kubeshark_mcp.model.stream_block import StreamBlock

CONNECTIONS = [Connection(place, "tcp", Endpoint("a", place), Endpoint("b", 80)) for place in range(3)]
PIECES = [Piece(Direction.CLIENT, bytes([place]), place, 0, [0], [place], [place]) for place in range(4)]


def numbers(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def block() -> StreamBlock:
    nothing = numbers(0, 0, 0, 0)
    return StreamBlock(
        CONNECTIONS,
        numbers(0, 0, 1, 2),
        nothing,
        nothing,
        nothing,
        numbers(0, 1, 2, 3),
        numbers(0, 1, 2, 3),
        numbers(1, 1, 1, 1),
        nothing,
        nothing,
        memoryview(b"abcd"),
        lambda chosen: PIECES if chosen is None else [PIECES[place] for place in chosen.tolist()],
    )


def test_each_connection_has_a_window_of_its_pieces():
    assert list(block().windows()) == [
        Window(CONNECTIONS[0], PIECES[:2]),
        Window(CONNECTIONS[1], PIECES[2:3]),
        Window(CONNECTIONS[2], PIECES[3:]),
    ]


def test_windows_are_made_of_the_chosen_connections_only():
    chosen = np.array([True, False, True])
    assert list(block().windows(chosen)) == [Window(CONNECTIONS[0], PIECES[:2]), Window(CONNECTIONS[2], PIECES[3:])]
    assert list(block().windows(np.zeros(3, bool))) == []
