from __future__ import annotations

from dataclasses import replace

import pytest

from kubeshark_mcp.model.datagrams import Closings, DatagramBlock
from kubeshark_mcp.stream.engine import Limits, StreamEngine
from tests.stream.building import CLIENT, SERVER, Sent, cut, numbered

QUERY = Sent((CLIENT[0], 40000), (SERVER[0], 53), protocol=17, data=b"query")


@pytest.mark.parametrize("high", [0, 0x20010DB8 << 32])
@pytest.mark.parametrize("swapped", [False, True])
def test_columns_and_objects_of_connections_are_equal(high, swapped):
    ends = (SERVER[0], CLIENT[0]) if swapped else (CLIENT[0], SERVER[0])
    query = replace(QUERY, source=(ends[0], 40000), destination=(ends[1], 53), high=high, point=3)
    answer = replace(query, source=query.destination, destination=query.source)
    other = replace(query, source=(ends[0], 40001), point=7)
    (block,) = StreamEngine(5).feed(cut(numbered([query, other, answer, QUERY]))[0])
    assert isinstance(block, DatagramBlock)
    made = block.connections.connections()
    assert made == block.objects([0, 1, 2])
    assert [(one.number, one.client.port, one.server.port, one.capture, one.point) for one in made[:2]] == [
        (0, 40000, 53, 5, 3),
        (1, 40001, 53, 5, 7),
    ]
    assert [each.data for each in block.datagrams()] == [b"query"] * 4


def test_each_transport_has_a_block_of_its_own():
    packets = [QUERY, replace(QUERY, protocol=132), replace(QUERY, protocol=1), replace(QUERY, data=b"more")]
    blocks = StreamEngine().feed(cut(numbered(packets))[0])
    assert [(block.connections.transport, block.packet.tolist()) for block in blocks] == [
        ("udp", [1, 4]),
        ("sctp", [2]),
        ("icmp", [3]),
    ]


def test_bytes_before_a_block_are_told_by_direction():
    answer = replace(QUERY, source=QUERY.destination, destination=QUERY.source, data=b"its answer")
    first, second = cut(numbered([QUERY, answer, QUERY]), [2])
    engine = StreamEngine()
    assert [block.before.tolist() for block in (*engine.feed(first), *engine.feed(second))] == [[[0, 0]], [[5, 10]]]


def test_the_object_of_a_connection_that_left_the_table_is_made_but_not_remembered():
    later = [replace(QUERY, source=(CLIENT[0], 50000 + at % 9), time=10**12) for at in range(10_000)]
    first, rest = cut(numbered([QUERY, *later]), [1])
    engine = StreamEngine(limits=Limits(datagram_idle_seconds=1, exchange_idle_seconds=1))
    (block,) = engine.feed(first)
    ended = [event for event in engine.feed(rest) if isinstance(event, Closings)]
    assert [(event.numbers.tolist(), event.how) for event in ended] == [([0], "evicted")]
    (connection,) = block.objects([0])
    assert connection == block.connections.connections()[0]
    assert connection is not block.objects([0])[0]
