from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.sctp_messages import AHEAD_LIMIT, Association, Part, Reassembly, Sequence, UserMessage
from kubeshark_mcp.dissect.wire_sctp import Data, parse_packet
from kubeshark_mcp.model.stream import Connection, Datagram, Direction, Endpoint, Piece
from tests.dissect.samples import sctp as sample

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER
CONNECTION = Connection(0, "sctp", Endpoint("10.0.0.1", 50000), Endpoint("10.0.0.2", 40080))


def fragment(number: int, *, first: bool = False, last: bool = False, group: tuple[int, ...] = ()) -> Data:
    return Data(number, 0, group, number, 46, first, last, 0, 0)


def part(number: int) -> Part:
    return Part(bytes([number & 0xFF]), number, number)


def test_a_number_is_new_once():
    sequence = Sequence()
    assert [sequence.is_new(tsn) for tsn in (5, 6, 6, 8, 8, 7, 7, 9, 4)] == [
        True, True, False, True, False, True, False, True, False,
    ]  # fmt: skip


def test_numbers_start_again_behind_the_highest():
    sequence = Sequence()
    sequence.begin(0xFFFFFFFF)
    assert [sequence.is_new(tsn) for tsn in (0xFFFFFFFF, 0, 0xFFFFFFFF, 1, 0)] == [True, True, False, True, False]


def test_a_number_that_never_comes_is_given_up_in_bounded_memory():
    sequence = Sequence()
    sequence.begin(0)
    assert all(sequence.is_new(tsn) for tsn in range(1, 3 * AHEAD_LIMIT))
    assert not sequence.is_new(0)
    assert len(sequence._ahead) <= AHEAD_LIMIT


@given(st.permutations(range(8)))
def test_fragments_are_joined_in_order_however_they_come(order: list[int]):
    reassembly = Reassembly(1000)
    made = [reassembly.add(fragment(n, first=n == 0, last=n == 7), part(n)) for n in order]
    assert made[:-1] == [None] * 7
    assert made[-1] == (46, [part(n) for n in range(8)])
    assert (reassembly._held, reassembly._by_start, reassembly._by_end) == (0, {}, {})


def test_messages_that_follow_on_each_other_are_not_joined():
    reassembly = Reassembly(1000)
    assert reassembly.add(fragment(3, first=True), part(3)) is None
    assert reassembly.add(fragment(2, last=True), part(2)) is None
    assert reassembly.add(fragment(4, last=True), part(4)) == (46, [part(3), part(4)])
    assert reassembly.add(fragment(1, first=True), part(1)) == (46, [part(1), part(2)])


def test_a_missing_fragment_is_never_bridged():
    reassembly = Reassembly(1000)
    for number in (0, 2, 3):
        assert reassembly.add(fragment(number, first=number == 0, last=number == 3), part(number)) is None


def test_interleaved_messages_have_groups_of_their_own():
    reassembly = Reassembly(1000)
    assert reassembly.add(fragment(0, first=True, group=(1, 0, 1)), part(0)) is None
    assert reassembly.add(fragment(0, first=True, group=(2, 0, 1)), part(10)) is None
    assert reassembly.add(fragment(1, last=True, group=(1, 0, 1)), part(1)) == (46, [part(0), part(1)])
    assert reassembly.add(fragment(1, last=True, group=(2, 0, 1)), part(11)) == (46, [part(10), part(11)])


def test_what_never_becomes_whole_costs_bounded_memory():
    reassembly = Reassembly(100)
    for number in range(0, 2000, 2):
        reassembly.add(fragment(number), part(number))
    assert reassembly._held <= 100
    assert len(reassembly._by_start) <= 100
    for number in range(10_001, 10_400):
        reassembly.add(fragment(number), part(number))
    assert reassembly._held <= 100


@pytest.mark.parametrize("shuffled", [False, True])
def test_many_fragments_take_linear_time(shuffled: bool):
    order = list(range(20_000))
    if shuffled:
        random.Random(1).shuffle(order)
    else:
        order.reverse()
    reassembly = Reassembly(1 << 20)
    made = [reassembly.add(fragment(n, first=n == 0, last=n == 19_999), part(n)) for n in order]
    assert made[-1] is not None
    assert [each.packet for each in made[-1][1]] == list(range(20_000))


def take(association: Association, number: int, packet: tuple[Direction, bytes]) -> tuple[list[UserMessage], int]:
    direction, data = packet
    datagram = Datagram(CONNECTION, direction, data, number, number)
    return association.take(datagram, parse_packet(data).chunks, lambda payload: payload in (46, 0))


def test_an_association_gives_whole_messages_once_with_their_packets():
    association = Association(1000)
    for number, packet in enumerate(sample.HANDSHAKE, 1):
        assert take(association, number, packet) == ([], 0)
    begins = sample.packet(CLIENT, sample.data(1000, b"first ", flags=2, payload=46))
    ends = sample.packet(
        CLIENT, sample.data(1001, b"last", flags=1, payload=46), sample.data(1002, b"other", payload=3)
    )
    assert take(association, 5, begins) == ([], 0)
    messages, repeated = take(association, 6, ends)
    assert (messages, repeated) == ([UserMessage(CLIENT, 46, [Part(b"first ", 5, 5), Part(b"last", 6, 6)])], 0)
    assert messages[0].piece(100) == Piece(CLIENT, b"first last", 100, 0, [0, 6], [5, 6], [5, 6])
    assert take(association, 7, ends) == ([], 2)
    assert take(association, 8, sample.packet(SERVER, sample.data(5000, b"answer", payload=46))) == (
        [UserMessage(SERVER, 46, [Part(b"answer", 8, 8)])],
        0,
    )


def test_an_association_that_begins_anew_forgets_what_was():
    association = Association(1000)
    assert take(association, 1, sample.packet(CLIENT, sample.data(1000, b"x", payload=46)))[1] == 0
    take(association, 2, sample.HANDSHAKE[0])
    assert take(association, 3, sample.packet(CLIENT, sample.data(1000, b"x", payload=46)))[1] == 0
