from __future__ import annotations

from kubeshark_mcp.dissect.tls_plaintext import Plaintext
from kubeshark_mcp.model.stream import Piece
from tests.dissect.conversation import CLIENT, SERVER, connection


def packets(*numbers: int, starts: tuple[int, ...] = (0,)) -> tuple[list[int], list[int], list[int]]:
    return list(starts), list(numbers), [number * 1000 for number in numbers]


def test_contents_of_neighbours_are_one_piece_with_their_packets():
    plain = Plaintext(connection(from_start=False))
    assert plain.window() is None
    plain.add(CLIENT, b"GET /", packets(3))
    plain.add(CLIENT, b" HTTP/1.1", packets(3, 4, starts=(0, 4)))
    plain.add(SERVER, b"200", packets(7))
    plain.add(SERVER, b"", packets(8))
    window = plain.window()
    assert window is not None
    assert window.connection == connection(from_start=True)
    assert window.pieces == [
        Piece(CLIENT, b"GET / HTTP/1.1", 0, 0, [0, 9], [3, 4], [3000, 4000]),
        Piece(SERVER, b"200", 0, 0, [0], [7], [7000]),
    ]
    assert plain.window() is None


def test_the_last_byte_belongs_to_the_packet_that_completed_the_record():
    plain = Plaintext(connection())
    plain.add(CLIENT, b"abc", packets(1, 2, 3, starts=(0, 1, 900)))
    window = plain.window()
    assert window is not None
    assert window.pieces[0].starts == [0, 1, 2]
    assert window.pieces[0].packet_at(2) == (3, 3000)


def test_what_is_missing_is_a_gap_and_offsets_count_it():
    plain = Plaintext(connection())
    plain.lose(CLIENT, 50)
    plain.add(CLIENT, b"abc", packets(1))
    plain.lose(CLIENT, 10)
    plain.lose(CLIENT, 5)
    plain.add(CLIENT, b"def", packets(2))
    plain.add(CLIENT, b"ghi", packets(3))
    window = plain.window()
    assert window is not None
    assert window.pieces == [
        Piece(CLIENT, b"abc", 0, 0, [0], [1], [1000]),
        Piece(CLIENT, b"defghi", 18, 15, [0, 3], [2, 3], [2000, 3000]),
    ]
