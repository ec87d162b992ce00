from __future__ import annotations

import numpy as np
import pytest

from kubeshark_mcp.dissect.conversations import Notes, Said, pair_in_order
from kubeshark_mcp.dissect.ways import ways_of
from tests.dissect.stream_building import blocks_of, talk


def notes_of(begin: int, end: int):
    notes = Notes()
    notes.begin(0, begin)
    notes.ends += range(begin + 1, end + 1)
    notes.codes += [0] * (end - begin)
    return notes.messages()


def said(turns: str):
    """Let a client say `?` and a server `!`, a packet of one byte each; all on one connection."""
    one = talk()
    for turn in turns:
        one.send("?!".index(turn), turn.encode())
    [block] = blocks_of(one.packets)
    ways = ways_of(block, np.array([True]), {})
    asked = turns.count("?")
    sides = [notes_of(0, asked), notes_of(asked, len(turns))]
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


def test_messages_that_were_taken_down_follow_on_from_each_other_within_a_way():
    notes = Notes()
    for connection, begin, ends in ((0, 3, [5, 9]), (1, 9, []), (2, 20, [21])):
        notes.begin(connection, begin)
        notes.ends += ends
        notes.codes += [7 + connection] * len(ends)
    found = notes.messages()
    assert found.connection.tolist() == [0, 0, 2]
    assert (found.begin.tolist(), found.end.tolist()) == ([3, 5, 20], [5, 9, 21])
    assert found.code.tolist() == [7, 7, 9]
    assert len(Notes().messages().end) == 0
