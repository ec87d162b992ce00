from __future__ import annotations

from kubeshark_mcp.analyse.detectors.packet_loss import PacketLoss
from kubeshark_mcp.analyse.findings import Component, Kind
from tests.analyse.building import Connection
from tests.analyse.mutations import assert_claims_hold, assert_same_verdicts, facts_of, solid, verdicts

DETECTOR = PacketLoss()


def links(pair: tuple[str, str], nodes: tuple[str, str], again: int, count: int = 20, **more) -> list[Connection]:
    numbers = {"packets_out": 100, "packets_in": 100, "retransmissions": again}
    return [
        Connection(n, *pair, client_node=nodes[0], server_node=nodes[1], numbers=numbers, **more) for n in range(count)
    ]


def cluster(lossy: str, again: int = 4) -> list[Connection]:
    """Three nodes, all pairs; what crosses the uplink of `lossy` loses."""
    nodes, names = ["node-a", "node-b", "node-c"], ["shop/web", "shop/cart", "shop/orders"]
    return [
        link
        for i, client in enumerate(names)
        for j, server in enumerate([*names[1:], "data/redis"])
        for link in links(
            (client, server),
            (nodes[i], nodes[j]),
            again if nodes[i] != nodes[j] and lossy in (nodes[i], nodes[j]) else 0,
        )
    ]


def test_a_node_whose_uplink_loses_is_named_with_the_rates_inside_and_elsewhere() -> None:
    story = cluster("node-b")
    (found,) = solid(DETECTOR, story)
    assert found.component == Component(Kind.NODE, "node-b")
    assert found.title.startswith("2.0% of the segments on node-b were sent again (")
    assert found.title.endswith("; elsewhere 0.00%")
    assert_claims_hold(DETECTOR, story)
    assert_same_verdicts(DETECTOR, story)


def test_one_workload_that_loses_is_named_itself() -> None:
    bad = links(("shop/web", "data/redis"), ("node-a", "node-a"), 5) + links(
        ("shop/cart", "data/redis"), ("node-a", "node-a"), 5
    )
    good = links(("shop/web", "shop/cart"), ("node-a", "node-a"), 0, 60)
    assert verdicts(DETECTOR, bad + good) == [("packet_loss", Component(Kind.WORKLOAD, "data/redis"))]


def test_loss_that_is_everywhere_and_faint_is_no_finding() -> None:
    assert list(DETECTOR.detect(facts_of(cluster("node-b", again=0)))) == []
    noise = [link for link in cluster("node-b", 0)]
    noise += links(("shop/web", "shop/cart"), ("node-a", "node-b"), 1, 3)
    assert verdicts(DETECTOR, noise) == []


def test_a_single_connection_that_stands_still_is_another_fault() -> None:
    stuck = [
        Connection(1, "shop/web", "data/redis", numbers={"packets_out": 20, "packets_in": 2, "retransmissions": 15})
    ]
    assert list(DETECTOR.detect(facts_of(links(("shop/web", "shop/cart"), ("node-a", "node-b"), 0) + stuck))) == []


def test_one_repeat_on_every_connection_is_a_habit_of_the_peers_and_no_loss() -> None:
    closing = links(("shop/web", "data/redis"), ("node-a", "node-b"), 1, 60)
    story = [*closing, *links(("shop/web", "shop/cart"), ("node-a", "node-a"), 0, 60)]
    assert verdicts(DETECTOR, [link for link in story if link.numbers["packets_out"]]) == []
