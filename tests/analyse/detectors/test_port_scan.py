from __future__ import annotations

from kubeshark_mcp.analyse.detectors.port_scan import PortScan
from kubeshark_mcp.analyse.findings import Component, Confidence, Kind
from tests.analyse.building import T0, Connection
from tests.analyse.mutations import assert_claims_hold, assert_same_verdicts, facts_of, solid

DETECTOR = PortScan()


def scan(targets: int) -> list[Connection]:
    return [
        Connection(n / 10, "shop/web", "shop/cart", "refused", server_port=1 + n, server_address=f"10.0.0.{n % 4}")
        for n in range(targets)
    ]


def test_many_targets_tried_in_vain_are_a_scan() -> None:
    story = scan(40)
    (found,) = solid(DETECTOR, story)
    assert (found.component, found.confidence) == (Component(Kind.WORKLOAD, "shop/web"), Confidence.HIGH)
    assert found.title == "shop/web tried 40 targets in vain (4 hosts, 40 ports) within 4 s"
    assert (found.onset_ns, found.end_ns) == (T0, T0 + 3_900_000_000)
    assert_claims_hold(DETECTOR, story)
    assert_same_verdicts(DETECTOR, story)


def test_one_broken_dependency_tried_again_and_again_is_none() -> None:
    story = [Connection(n, "shop/web", "shop/cart", "refused") for n in range(100)]
    assert list(DETECTOR.detect(facts_of(story))) == []


def test_a_client_that_reaches_most_of_its_many_peers_is_none() -> None:
    prober = [Connection(n, "shop/web", f"10.9.0.{n}", "closed", server_address=f"10.9.0.{n}") for n in range(60)]
    assert list(DETECTOR.detect(facts_of(scan(12) + prober))) == []
