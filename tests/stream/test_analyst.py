from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.stream.rows import KEPT_SEGMENTS
from tests.stream.building import MILLISECOND, Talk, run


def metrics(packets, cuts=()):
    return [stats.metrics for stats in run(packets, cuts)[1].stats()]


@given(st.lists(st.integers(1, 30), max_size=6))
def test_connections_that_turn_from_clean_to_troubled_and_back_count_the_same_in_any_blocks(cuts):
    talk = Talk().handshake().say(0, b"one").say(1, b"two")
    talk.now += 500 * MILLISECOND
    talk.packets.append(replace(talk.packets[3], time=talk.now))
    talk.say(0, b"three").send(1, window=0)
    talk.say(1, b"four").say(0, b"five").close()
    assert metrics(talk.packets, cuts) == metrics(talk.packets)
    assert metrics(talk.packets)[0].retransmissions == 1


def test_a_segment_without_an_answer_is_sampled_in_a_later_block():
    talk = Talk().handshake()
    talk.send(0, b"ask")
    talk.now += 7 * MILLISECOND
    talk.send(1, b"answer")
    (found,) = metrics(talk.packets, [4])
    assert (found.rtt_max_us, found.rtt_samples) == (8000, 3)


def test_one_sided_captures_do_not_pile_up_unacknowledged_segments():
    talk = Talk()
    for _ in range(6000):
        talk.send(0, b"x")
    engine = run(talk.packets, range(0, 6000, 500))[1]
    assert len(engine._tcp._analyst._open) <= 2 * KEPT_SEGMENTS
