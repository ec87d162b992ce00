from __future__ import annotations

import numpy as np

from kubeshark_mcp.stream.joining import Carriers, view_of
from tests.stream.building import Talk, run, streams, turns


def test_values_are_summed_over_the_packets_before_on_the_same_way():
    order = np.array([0, 2, 4, 1, 3])
    five = np.arange(5)
    carriers = Carriers(five, five, np.array([0, 1, 0, 1, 0]), order, np.array([0, 3]), five, five)
    assert carriers.within_way(np.array([1, 2, 4, 8, 16])).tolist() == [0, 0, 1, 2, 5]
    assert carriers.ways.tolist() == [0, 1]
    assert carriers.tails.tolist() == [4, 3]


def test_interleaved_connections_are_joined_apart():
    talks = [
        Talk(client=(0x0A000001, 2000 + place)).handshake().say(0, b"a%d" % place).say(1, b"b") for place in range(5)
    ]
    packets = [packet for turn in zip(*(talk.packets for talk in talks), strict=True) for packet in turn]
    events, _ = run(packets, [7, 22])
    assert {key: stream.data for key, stream in streams(events).items()} == {
        (place, way): (b"a%d" % place, b"b")[way] for place in range(5) for way in (0, 1)
    }


def test_cut_payloads_of_orderly_connections_are_gaps_across_blocks():
    talk = Talk().handshake()
    for data, missing in [(b"ab", 3), (b"", 2), (b"c", 0), (b"d", 1)]:
        talk.send(0, data, missing=missing)
    talk.send(1)
    talk.send(0, b"e")
    for cuts in ([], [4], [5], [6], [7, 8]):
        assert turns(run(talk.packets, cuts)[0]) == [(0, b"ab", 0), (0, b"cd", 5), (0, b"e", 1)]


def test_a_view_shows_the_blocks_bytes_without_a_copy():
    data = np.arange(4, dtype=np.uint8)
    view = view_of(data)
    data[1] = 9
    assert view.tobytes() == bytes([0, 9, 2, 3])
