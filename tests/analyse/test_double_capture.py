from __future__ import annotations

import pytest

from kubeshark_mcp.analyse.double_capture import seen_twice
from tests.analyse.building import BuiltFacts, Connection

TWICE = {"packets_out": 110, "packets_in": 60, "retransmissions": 59, "dup_acks": 26}


def told(**numbers: int) -> bool:
    return bool(seen_twice(BuiltFacts(connections=[Connection(0, "s/web", "s/db", numbers=TWICE | numbers)]))[0])


def test_a_connection_whose_every_packet_repeats_another_was_captured_twice():
    assert told()


@pytest.mark.parametrize(
    "numbers",
    [
        {"retransmissions": 20, "dup_acks": 9},
        {"fast_retransmissions": 10},
        {"missing_segments": 12},
        {"out_of_order": 8},
        {"retransmissions": 80, "dup_acks": 0},
        {"packets_out": 2, "packets_in": 2, "retransmissions": 1, "dup_acks": 1},
    ],
)
def test_loss_is_not_taken_for_it(numbers):
    assert not told(**numbers)
