from __future__ import annotations

from dataclasses import replace

import pytest

from kubeshark_mcp.model.stream import Closing, Datagram
from kubeshark_mcp.stream.engine import Limits, StreamEngine
from tests.stream.building import CLIENT, SERVER, Sent, cut, numbered, run

QUERY = Sent(protocol=17, data=b"query", destination=(SERVER[0], 53))


def test_an_icmp_message_comes_with_its_header():
    message = Sent((CLIENT[0], 0), (SERVER[0], 0), protocol=1, data=b"ping")
    (datagram, closing), _ = run([message])
    assert (datagram.data, datagram.connection.transport) == (bytes(8) + b"ping", "icmp")
    assert closing == Closing(datagram.connection, "end", datagram.time_ns)


def test_an_icmp_message_without_a_body_comes_too():
    events, _ = run([Sent((CLIENT[0], 0), (SERVER[0], 0), protocol=1)])
    assert [event.data for event in events if isinstance(event, Datagram)] == [bytes(8)]


@pytest.mark.parametrize(("protocol", "transport", "header"), [(17, "udp", b""), (132, "sctp", bytes(8))])
def test_datagrams_of_one_pair_of_ends_are_one_connection(protocol, transport, header):
    packets = [replace(QUERY, protocol=protocol), replace(QUERY, protocol=protocol, data=b"again")]
    events, engine = run(packets, [1])
    assert [event.data for event in events if isinstance(event, Datagram)] == [header + b"query", header + b"again"]
    (stats,) = engine.stats()
    assert (stats.connection.transport, stats.state, stats.client.packets, stats.metrics) == (
        transport,
        "active",
        2,
        None,
    )


def test_datagrams_are_in_the_order_of_the_capture():
    packets = [replace(QUERY, source=(CLIENT[0], 1024 + port % 3), data=bytes([port])) for port in range(9)]
    events, _ = run(packets)
    assert [event.packet for event in events if isinstance(event, Datagram)] == list(range(1, 10))


def test_a_muted_conversation_gives_no_more_datagrams_and_is_counted():
    blocks = cut(numbered([QUERY, QUERY, QUERY]), [1])
    engine = StreamEngine()
    (first,) = engine.feed(blocks[0])
    next(first.datagrams()).connection.muted = True
    assert engine.feed(blocks[1]) == []
    (stats,) = engine.stats()
    assert stats.client.payload == 15


def test_a_question_with_its_answer_may_leave_the_table_earlier_than_a_conversation():
    limits = Limits(datagram_idle_seconds=1000, exchange_idle_seconds=1)
    later = [replace(QUERY, source=(CLIENT[0], 50000), time=10**11)] * 10_000
    for count, how in ((1, "evicted"), (2, "evicted"), (3, "end")):
        events, _ = run([QUERY] * count + later, range(0, 10_000, 4000), limits)
        assert [event.how for event in events if isinstance(event, Closing)] == [how, "end"]


def test_idle_conversations_leave_the_table_with_a_closing():
    later = [replace(QUERY, source=(CLIENT[0], 50000), time=10**12)] * 10_000
    events, engine = run([QUERY, *later], range(0, 10_000, 4000), Limits(datagram_idle_seconds=1))
    assert [event.how for event in events if isinstance(event, Closing)] == ["evicted", "end"]
    assert engine.counters.evicted_connections == 0  # datagrams have no other end than silence: nothing was given up
    assert [stats.connection.number for stats in engine.drain()] == [0]
