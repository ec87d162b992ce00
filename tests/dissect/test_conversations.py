from __future__ import annotations

import numpy as np
import pytest

from kubeshark_mcp.dissect.conversations import Messages, Said, pair_in_order
from kubeshark_mcp.dissect.ways import ways_of
from tests.dissect.stream_building import blocks_of, talk


def said(turns: str):
    """Let a client say `?` and a server `!`, a packet of one byte each; all on one connection."""
    one = talk()
    for turn in turns:
        one.send("?!".index(turn), turn.encode())
    [block] = blocks_of(one.packets)
    ways = ways_of(block, np.array([True]), {})
    asked = turns.count("?")
    sides = [
        Messages.of([(0, place, place + 1, 0) for place in places])
        for places in (range(asked), range(asked, len(turns)))
    ]
    return ways, Said(*sides, ways.bounds[1:].copy(), np.zeros(1, bool))


@pytest.mark.parametrize(
    ("turns", "pairs", "waits", "pipelined"),
    [
        pytest.param("?!?!", [(0, 0), (1, 1)], 0, False, id="one after the other"),
        pytest.param("??!!", [(0, 0), (1, 1)], 0, True, id="both at once"),
        pytest.param("?!??!", [(0, 0), (1, 1)], 1, True, id="one waits"),
        pytest.param("?!?", [(0, 0)], 1, False, id="the last waits"),
    ],
)
def test_answers_belong_to_questions_in_their_order(turns, pairs, waits, pipelined):
    ways, found = said(turns)
    paired = pair_in_order(ways, found)
    assert list(zip(paired.asked.tolist(), paired.answered.tolist(), strict=True)) == pairs
    assert (ways.bounds[1:] - paired.waits).tolist() == [waits, 0]
    assert (paired.odd.tolist(), paired.pipelined.tolist()) == ([False], [pipelined])


@pytest.mark.parametrize("turns", ["!?", "?!!", "?!!?"])
def test_an_answer_that_nobody_asked_for_yet_is_odd(turns):
    ways, found = said(turns)
    assert pair_in_order(ways, found).odd.tolist() == [True]


def test_nothing_is_paired_of_what_was_odd_before():
    ways, found = said("?!")
    paired = pair_in_order(ways, Said(found.asked, found.answered, found.rest, np.ones(1, bool)))
    assert (len(paired.asked), len(paired.answered), paired.odd.tolist()) == (0, 0, [True])
