from __future__ import annotations

from kubeshark_mcp.analyse.capture_loss import CaptureLoss, capture_loss
from tests.analyse.building import BuiltFacts, Connection


def links(gaps: int, clients: int = 10, node: str = "node-a", **more: int) -> list[Connection]:
    """Give connections of some clients with one server, 40 packets each; gaps: on each of them."""
    numbers = {"packets_out": 20, "packets_in": 20, "missing_segments": gaps} | more
    return [
        Connection(number / 10, f"s/client-{number}", "s/web", connection=number, node=node, numbers=numbers)
        for number in range(clients)
    ]


def test_gaps_that_nothing_fills_on_most_ways_were_lost_by_the_capture():
    found = capture_loss(BuiltFacts(connections=[*links(8), *links(0, node="node-b")]))
    assert found == CaptureLoss(("node-a",), 80, 10, 10, 0.2)
    assert str(found) == (
        "the capture of node-a lost packets itself: 80 gaps on 10 of 10 TCP connections were never filled, so at least "
        "20% of the packets are missing; what has no answer here may have had one, and no finding is sure"
    )


def test_gaps_that_were_filled_are_the_networks():
    assert capture_loss(BuiltFacts(connections=links(8, retransmissions=8))) is None
    assert capture_loss(BuiltFacts(connections=links(8, out_of_order=5, retransmissions=3))) is None


def test_gaps_on_one_way_only_are_a_fault_of_that_way():
    one = [
        Connection(1.0, "s/client-0", "s/far", numbers={"packets_out": 90, "packets_in": 20, "missing_segments": 60})
    ]
    assert capture_loss(BuiltFacts(connections=[*links(0), *one])) is None


def test_connections_that_stand_still_for_good_have_a_gap_each():
    assert capture_loss(BuiltFacts(connections=links(1, clients=30)[:7] * 4)) is None


def test_a_whole_capture_has_no_loss_and_neither_has_none():
    assert capture_loss(BuiltFacts(connections=links(0))) is None
    assert capture_loss(BuiltFacts()) is None
