"""Datagrams as columns are the datagrams that are made of them."""

from __future__ import annotations

import numpy as np

from kubeshark_mcp.model.datagrams import Closings, DatagramBlock
from kubeshark_mcp.model.entry_columns import ConnectionColumns
from kubeshark_mcp.model.stream import Connection, Datagram, Direction, Endpoint


def _block(asked: list[list[int]]) -> DatagramBlock:
    ends = ConnectionColumns(
        "udp", ["10.0.0.1", "10.0.0.2"], np.array([4, 7]), np.zeros(2, np.int32), np.array([4000, 4001]),
        np.ones(2, np.int32), np.array([53, 53]), np.zeros(2, np.int64), np.zeros(2, np.int64),
        np.full(2, -1), np.full(2, -1), np.zeros(2, bool),
    )  # fmt: skip
    made = ends.connections()

    def objects(places: list[int]) -> list[Connection]:
        asked.append(places)
        return [made[place] for place in places]

    return DatagramBlock(
        ends,
        objects,
        connection=np.array([1, 0, 1], np.int32),
        direction=np.array([0, 0, 1], np.uint8),
        data=np.frombuffer(b"..onetwothree", np.uint8),
        start=np.array([2, 5, 8]),
        length=np.array([3, 3, 5]),
        missing=np.array([0, 9, 0]),
        packet=np.array([1, 2, 3]),
        time_ns=np.array([10, 20, 30]),
        before=np.zeros((2, 2), np.int64),
    )


FIRST = Connection(4, "udp", Endpoint("10.0.0.1", 4000), Endpoint("10.0.0.2", 53))
SECOND = Connection(7, "udp", Endpoint("10.0.0.1", 4001), Endpoint("10.0.0.2", 53))


def test_a_block_gives_its_datagrams_in_order_and_one_object_a_connection():
    asked: list[list[int]] = []
    block = _block(asked)

    assert list(block.datagrams()) == [
        Datagram(SECOND, Direction.CLIENT, b"one", 1, 10),
        Datagram(FIRST, Direction.CLIENT, b"two", 2, 20, 9),
        Datagram(SECOND, Direction.SERVER, b"three", 3, 30),
    ]
    assert (asked, len(block)) == ([[1, 0]], 3)


def test_chosen_datagrams_ask_for_their_connections_alone():
    asked: list[list[int]] = []

    assert list(_block(asked).datagrams(np.array([1]))) == [Datagram(FIRST, Direction.CLIENT, b"two", 2, 20, 9)]
    assert asked == [[0]]


def test_closings_are_as_many_as_their_connections():
    assert len(Closings("udp", 0, np.array([3, 4]), "end", np.array([5, 5]))) == 2
