from __future__ import annotations

import numpy as np

from kubeshark_mcp.stream.round_trips import Unacknowledged, nothing_unacknowledged
from tests.stream.building import MILLISECOND, Talk, run


def sampled(packets):
    (stats,) = run(packets)[1].stats()
    return stats.metrics.rtt_samples, stats.metrics.rtt_min_us, stats.metrics.rtt_max_us


def test_only_the_segment_that_ends_where_the_acknowledgment_ends_is_sampled():
    talk = Talk()
    talk.send(0, b"one")
    talk.now += 3 * MILLISECOND
    talk.send(0, b"two")
    talk.send(1)
    assert sampled(talk.packets) == (1, 1000, 1000)


def test_an_acknowledgment_inside_a_segment_is_no_sample():
    talk = Talk()
    talk.send(0, b"abcdef")
    talk.send(1, acknowledgment=1003)
    assert sampled(talk.packets) == (0, None, None)


def test_the_same_acknowledgment_is_sampled_once():
    talk = Talk()
    talk.send(0, b"abc")
    talk.send(1, b"x")
    talk.send(1, b"y")
    assert sampled(talk.packets)[0] == 1


def test_lists_of_unacknowledged_segments_join_and_are_picked_from():
    ones = Unacknowledged(np.array([1]), np.array([0]), np.array([7], dtype=np.uint32), np.array([70]))
    twos = Unacknowledged(np.array([2]), np.array([1]), np.array([8], dtype=np.uint32), np.array([80]))
    both = nothing_unacknowledged().join(ones).join(twos)
    assert (len(both), both.pick(both.row == 2).end.tolist()) == (2, [8])
