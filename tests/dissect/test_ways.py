from __future__ import annotations

import numpy as np

from kubeshark_mcp.dissect.ways import nothing_seen, ways_of
from kubeshark_mcp.model.stream import Direction, Piece
from tests.dissect.stream_building import blocks_of, talk
from tests.stream.building import START_NS


def numbers(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_what_a_side_says_is_in_one_place_behind_what_is_held_of_it():
    first, second = talk(), talk(1)
    first.send(0, b"abc")
    for one, way, data in ((second, 0, b"other"), (first, 1, b"xy"), (first, 0, b"de")):
        one.send(way, data)
    [block] = blocks_of([*first.packets, *second.packets])
    held = Piece(Direction.CLIENT, b"held", 96, 0, [0, 3], [7, 9], [70, 60])
    ways = ways_of(block, np.array([True, False]), {0: [held]})
    assert ways.data == b"heldabcdexy"
    assert ways.bounds.tolist() == [0, 9, 11]
    assert ways.offset.tolist() == [96, 0]
    assert ways.start.tolist() == [0, 3, 4, 7, 9]
    assert ways.packet.tolist() == [7, 9, 4, 6, 5]
    assert ways.arrived(numbers(4, 7, 9, 11)).tolist() == [1, 2, 4, 3]


def test_the_evidence_of_a_message_is_its_packets_whatever_their_times():
    [block] = blocks_of([*talk().packets, talk().send(0, b"abc")])
    ways = ways_of(block, np.array([True]), {0: [Piece(Direction.CLIENT, b"held", 10, 0, [0, 3], [7, 9], [70, 60])]})
    spans = ways.spans(numbers(0, 0), numbers(0, 3), numbers(2, 7)).spans()
    assert [tuple(span) for span in spans] == [(10, 2, 7, 7, 70, 70, 0), (13, 4, 4, 9, 60, START_NS + 4_000_000, 0)]
    assert [tuple(span) for span in ways.spans(numbers(0), numbers(2), numbers(4)).spans()] == [
        (12, 2, 7, 9, 60, 70, 0)
    ]


def test_the_rest_of_a_side_is_a_piece():
    one = talk()
    one.send(0, b"abc")
    one.send(0, b"de")
    [block] = blocks_of(one.packets)
    rest = ways_of(block, np.array([True]), {}).rest(0, 1)
    times = [START_NS + 4_000_000, START_NS + 5_000_000]
    assert rest == Piece(Direction.CLIENT, b"bcde", 1, 0, [0, 2], [4, 5], times)


def test_what_was_not_seen_has_no_evidence():
    assert nothing_seen(2).spans() == [None, None]
