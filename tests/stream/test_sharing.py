"""One capture followed by several engines comes to what one engine makes of it, connection by connection."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeshark_mcp.model.stream import ConnectionStats
from kubeshark_mcp.stream.engine import StreamEngine
from kubeshark_mcp.stream.keys import transport_codes
from kubeshark_mcp.stream.limits import Limits
from kubeshark_mcp.stream.sharing import Numbering, Selector, ToldNumbering
from tests.stream.building import MILLISECOND, SERVER, Sent, Talk, block, cut, numbered

LIMITS = Limits(datagram_idle_seconds=0.05, exchange_idle_seconds=0.02, closed_idle_seconds=0.01, tcp_idle_seconds=0.2)


def capture(count: int, seed: int = 1) -> list[Sent]:
    """Make many conversations at the same time, some of which end, idle, and begin again on the same ports."""
    chance, packets = Random(seed), []
    for number in range(count):
        talk = Talk(1000 + number, 5000, (0x0A000001 + number % 3, 40000 + number % 40), SERVER)
        talk.now = chance.randrange(400) * MILLISECOND
        talk.handshake().say(0, b"ask").say(1, b"answer")
        packets += (talk.close() if chance.random() < 0.7 else talk).packets
        end = (0x0A000001 + number % 5, 50000 + number % 7)
        packets.append(Sent(end, SERVER, protocol=17, data=b"ask", time=chance.randrange(400) * MILLISECOND))
        packets.append(Sent(end, SERVER, protocol=1, data=b"echo", time=chance.randrange(400) * MILLISECOND))
        packets.append(Sent(end, SERVER, protocol=132, data=b"data", time=chance.randrange(400) * MILLISECOND))
    packets.append(Sent(protocol=47))
    return numbered(sorted(packets, key=lambda packet: packet.time))


def followed(packets: list[Sent], cuts: list[int], engine: StreamEngine) -> list[ConnectionStats]:
    found = []
    for part in cut(packets, cuts):
        engine.feed(part)
        found += list(engine.drain())
    engine.finish()
    return sorted([*found, *engine.stats()], key=lambda one: (one.connection.transport, one.connection.number))


@pytest.mark.parametrize("pieces", [2, 3, 5])
def test_each_packet_belongs_to_one_piece_and_both_directions_to_the_same(pieces):
    made = block(capture(40))
    codes = transport_codes(made)
    owned = np.array([Selector(piece, pieces).own(made, codes) for piece in range(pieces)])
    assert owned.sum(axis=0).tolist() == [1] * len(made)
    turned = replace(
        made,
        source_low=made.destination_low,
        destination_low=made.source_low,
        source_port=made.destination_port,
        destination_port=made.source_port,
    )
    assert [Selector(piece, pieces).own(turned, codes).tolist() for piece in range(pieces)] == owned.tolist()
    assert owned.sum(axis=1).min() > len(made) / pieces / 3


def test_what_has_no_conversation_and_what_belongs_together_is_in_one_piece():
    made = block(numbered([Sent(protocol=47), *(Sent((5, port), (6, 9092)) for port in range(40000, 40050))]))
    codes = transport_codes(made)
    assert Selector(0, 4, {9092}).own(made, codes).all()
    assert Selector(0, 4).own(made, codes)[0]
    assert not Selector(0, 4).own(made, codes).all()


def test_an_icmp_exchange_is_in_one_piece_whatever_stands_where_ports_do():
    made = block(numbered([Sent((5, port), (6, 7), protocol=1) for port in range(50)]))
    owned = [int(Selector(piece, 4).own(made, transport_codes(made)).sum()) for piece in range(4)]
    assert sorted(owned) == [0, 0, 0, 50]


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.integers(2, 6), st.lists(st.integers(1, 400), max_size=3))
def test_pieces_with_told_numbers_come_to_the_same_connections_as_the_whole(seed, pieces, cuts):
    packets = capture(30, seed)
    whole = StreamEngine(limits=LIMITS, payload=False)
    expected = followed(packets, cuts, whole)
    counted = []
    for piece in range(pieces):
        numbering = Numbering(remembered=True)
        engine = StreamEngine(limits=LIMITS, payload=False, selector=Selector(piece, pieces), numbering=numbering)
        followed(packets, cuts, engine)
        counted.append(numbering.firsts)
    told = [np.sort(np.concatenate([firsts[transport] for firsts in counted])) for transport in range(4)]
    found: list[ConnectionStats] = []
    own = 0
    for piece in range(pieces):
        engine = StreamEngine(
            limits=LIMITS, payload=False, selector=Selector(piece, pieces), numbering=ToldNumbering(told, 10**6)
        )
        found += followed(packets, cuts, engine)
        own += engine.own_packets
        assert engine.most_open <= whole.most_open
    found.sort(key=lambda one: (one.connection.transport, one.connection.number))
    assert found == expected
    assert own == len(packets)


def test_connections_nobody_told_of_get_numbers_of_their_own():
    numbering = ToldNumbering([np.array([3, 5, 7]), *[np.zeros(0, np.int64)] * 3], 100)
    assert numbering.give(0, np.array([3, 4, 7, 9])).tolist() == [0, 100, 2, 101]
    assert numbering.give(1, np.array([5])).tolist() == [100]
