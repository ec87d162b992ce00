from __future__ import annotations

from kubeshark_mcp.analyse.detectors.silent_drop import SilentDrop
from kubeshark_mcp.analyse.findings import Component, Kind
from tests.analyse.building import T0, BuiltFacts, Connection
from tests.analyse.mutations import assert_claims_hold, assert_same_verdicts, facts_of, solid, verdicts

DETECTOR = SilentDrop()
SYNS = {"packets_out": 3, "packets_in": 0}


def links(count: int, client: str = "shop/web", state: str = "syn_sent", since: float = 0, **more) -> list[Connection]:
    numbers = SYNS if state == "syn_sent" else {"packets_out": 6, "packets_in": 5}
    return [Connection(since + n, client, "shop/cart", state, numbers=numbers, **more) for n in range(count)]


def test_a_pair_that_is_dropped_is_named_where_others_get_through() -> None:
    story = links(10, state="closed") + links(10, since=10) + links(20, "shop/orders", "closed")
    (found,) = solid(DETECTOR, story)
    assert found.component == Component(Kind.EDGE, "shop/web", "shop/cart")
    assert found.onset_ns == T0 + 10 * 10**9
    assert found.title == (
        "10 of 20 connections from shop/web to shop/cart port 80 got no answer to their SYN; "
        "other clients reached it 10 times meanwhile"
    )
    assert_claims_hold(DETECTOR, story)
    assert_same_verdicts(DETECTOR, story)


def test_a_server_that_nobody_reaches_is_to_blame_itself() -> None:
    (found,) = solid(DETECTOR, links(6))
    assert (found.component, found.onset_ns) == (Component(Kind.WORKLOAD, "shop/cart"), None)


def test_the_other_nodes_capture_tells_whether_the_syn_arrived() -> None:
    lost = links(6, client_node="node-a", server_node="node-b", client_port=40001)
    other = links(3, "shop/orders", "closed", node="node-b", client_node="node-b", server_node="node-b")
    (found,) = DETECTOR.detect(BuiltFacts([], lost + other, sighted=lost + other))
    assert found.title.endswith("; the SYN left node-a and never arrived on node-b")
    arrived = [Connection(0, "shop/web", "shop/cart", "syn_sent", node="node-b", client_port=40001, numbers=SYNS)]
    (found,) = DETECTOR.detect(BuiltFacts([], lost + other, sighted=lost + other + arrived))
    assert found.title.endswith("; the SYN arrived on node-b")


def test_a_syn_at_the_very_end_of_the_capture_had_no_time_to_be_answered() -> None:
    story = [
        *links(10, state="closed"),
        *(Connection(9.5 + n / 10, "shop/web", "shop/cart", "syn_sent", numbers={"packets_out": 1}) for n in range(4)),
    ]
    assert list(DETECTOR.detect(facts_of(story))) == []


def test_one_lost_attempt_among_many_is_loss_and_no_policy() -> None:
    assert verdicts(DETECTOR, links(50, state="closed") + links(2, since=20.5)) == []
