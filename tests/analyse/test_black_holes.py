from __future__ import annotations

from kubeshark_mcp.analyse.black_holes import holes
from tests.analyse.building import T0, BuiltFacts, Call, Connection

PAIR = ("shop/web", "shop/cart")


def story(small_again: int = 0) -> BuiltFacts:
    """One pooled connection since the start whose large request hangs from second 20 on, and three more of its kind."""
    links, calls = [], []
    for number in range(8):
        big = number < 4
        numbers = {"packets_out": 30, "packets_in": 20, "retransmissions": 6 if big else small_again}
        links.append(Connection(0, *PAIR, "established", connection=number + 1, numbers=numbers))
        calls.append(Call(1, *PAIR, connection=number + 1, request_bytes=200))
        if big:
            calls.append(Call(20 + number, *PAIR, connection=number + 1, request_bytes=5000, ms=None))
    return BuiltFacts(calls, links)


def test_a_hole_begins_with_the_first_message_that_was_lost_and_not_with_its_connection() -> None:
    (hole,) = holes(story())
    assert (hole.client, hole.server, hole.stuck.tolist(), hole.small, hole.smallest) == (*PAIR, [0, 1, 2, 3], 4, 5000)
    assert hole.since_ns == T0 + 20 * 10**9


def test_a_way_that_loses_small_messages_as_well_has_no_hole() -> None:
    assert holes(story(small_again=3)) == ()
    assert holes(BuiltFacts()) == ()
