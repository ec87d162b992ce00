"""Blocks of datagrams cut and joined still mean the same datagrams."""

from __future__ import annotations

import weakref

import numpy as np
import pytest

from kubeshark_mcp.dissect.datagram_blocks import chosen_connections, compact, concatenated, detached
from tests.dissect.datagram_building import block, columns_of, sent, udp

FIRST = [sent(udp(4), 0, b"one", 1), sent(udp(5), 0, b"two!", 2), sent(udp(4), 1, b"three", 3, missing=2)]
SECOND = [sent(udp(9), 1, b"four", 4), sent(udp(5), 1, b"fives", 5)]


@pytest.mark.parametrize("rows", [[0, 1, 2], [1], [0, 2], [2], []])
def test_chosen_datagrams_stay_what_they_are_with_no_other_connections(rows):
    cut = compact(block(FIRST), np.array(rows, np.intp))
    assert list(cut.datagrams()) == [FIRST[row] for row in rows]
    assert {one.number for one in cut.connections.connections()} == {FIRST[row].connection.number for row in rows}
    assert len(cut.connections) == len(cut.before)


def test_bytes_far_apart_are_copied_alone():
    long = [sent(udp(0), 0, b"a", 1), sent(udp(1), 0, b"." * 1000, 2), sent(udp(0), 1, b"b", 3)]
    cut = compact(block(long), np.array([0, 2]))
    assert cut.data.tobytes() == b"ab"
    assert list(cut.datagrams()) == [long[0], long[2]]


def test_two_blocks_become_one_in_which_each_connection_is_once():
    both = concatenated(block(FIRST), block(SECOND))
    assert list(both.datagrams()) == [*FIRST, *SECOND]
    assert both.connections.connections() == [udp(9), udp(5), udp(4)]
    assert both.objects([2, 0]) == [udp(4), udp(9)]
    assert both.connections.addresses == ["10.0.0.1", "10.0.0.2"]


def test_bytes_before_a_block_are_those_that_the_later_one_knows():
    first, second = block(FIRST), block(SECOND)
    first.before[:] = 1
    second.before[:] = 2
    assert concatenated(first, second).before.tolist() == [[2, 2], [2, 2], [1, 1]]


def test_nothing_can_be_put_in_front_of_a_block_and_behind_it():
    nothing = compact(block(FIRST), np.array([], np.intp))
    assert list(concatenated(nothing, block(SECOND)).datagrams()) == SECOND
    assert list(concatenated(block(FIRST), nothing).datagrams()) == FIRST


def test_a_detached_block_makes_its_connections_itself_and_once():
    whole = block(FIRST)
    alone = detached(whole)
    assert list(alone.datagrams()) == FIRST
    assert alone.objects([0])[0] is alone.objects([0])[0]
    assert alone.objects([0])[0] is not whole.objects([0])[0]


def test_what_is_held_over_many_blocks_keeps_none_of_those_it_was_cut_from():
    held, gone = detached(compact(block(FIRST), np.array([1]))), []
    for _ in range(5):
        both = concatenated(held, block(SECOND))
        gone.append(weakref.ref(both.data))
        held = detached(compact(both, np.array([0])))
    del both
    assert [data() for data in gone] == [None] * 5
    assert list(held.datagrams()) == FIRST[1:2]


def test_chosen_connections_keep_their_own_addresses_alone():
    of = [udp(0), udp(1, server="10.0.0.3"), udp(2, server="10.0.0.4")]
    chosen = chosen_connections(columns_of(of), np.array([2]))
    assert (chosen.connections(), chosen.addresses) == ([of[2]], ["10.0.0.1", "10.0.0.4"])
