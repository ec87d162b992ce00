from __future__ import annotations

from dataclasses import replace

from kubeshark_mcp.analyse.detectors.bad_replica import BadReplica
from kubeshark_mcp.analyse.findings import Claim, Component, Confidence, Edge, Finding, Kind, Magnitude, Measure
from kubeshark_mcp.analyse.mechanisms import Mechanism
from tests.analyse.building import BuiltFacts, Call, Connection
from tests.analyse.mutations import assert_same_verdict, verdict
from tests.analyse.stories import steady

POD = 'protocol == "http" && dst.pod.name == "pay-1" && dst.pod.namespace == "s"'


def spread(count: int = 90) -> list[Call]:
    """Three pods take turns."""
    return [replace(c, server_pod=f"s/pay-{n % 3}") for n, c in enumerate(steady("s/orders", "s/pay", count))]


def lame() -> list[Call]:
    return [replace(call, ms=400.0) if call.server_pod == "s/pay-1" else call for call in spread()]


def erring() -> list[Call]:
    return [replace(call, status="500") if call.server_pod == "s/pay-1" else call for call in spread()]


def test_a_pod_that_fails_where_its_siblings_do_not_is_named() -> None:
    (found,) = BadReplica().detect(BuiltFacts(erring()))
    assert found == Finding(
        "bad_replica",
        Mechanism.BAD_REPLICA,
        Component(Kind.WORKLOAD, "s/pay"),
        "pod pay-1 of pay fails 100% of its 30 calls, its siblings 0%",
        Confidence.HIGH,
        1.0,
        None,
        None,
        Magnitude(None, 1.0, "share failed"),
        (Edge("s/orders", "s/pay", "http"),),
        (2, 5, 8),
        (
            Claim(POD, Measure.COUNT, 30, "calls that reach the pod"),
            Claim(f'{POD} && status == "500"', Measure.SHARE, 1.0, "share of the pod's calls that fail", POD),
        ),
        "siblings that do the same with the same calls",
        facts={"replica": "s/pay-1", "by": "errors", "siblings": 0.0},
    )


def test_a_pod_that_lags_is_named_with_both_medians() -> None:
    (found,) = BadReplica().detect(BuiltFacts(lame()))
    assert found.title == "pod pay-1 of pay takes 400 ms in the median, its siblings 5.8 ms for the same calls"
    assert (found.component, found.facts["by"], found.symptom) == (Component(Kind.WORKLOAD, "s/pay"), "latency", False)
    assert found.claims[1] == Claim(POD, Measure.P50_US, 400_000, "median of the pod")


def test_pods_alike_are_not_told_apart() -> None:
    assert list(BadReplica().detect(BuiltFacts(spread()))) == []
    every = [replace(call, status="500") for call in spread()]
    assert list(BadReplica().detect(BuiltFacts(every))) == []


def test_a_pod_with_other_work_is_not_slow() -> None:
    calls = [replace(call, ms=400.0, endpoint="GET /report") if n % 3 == 1 else call for n, call in enumerate(spread())]
    assert list(BadReplica().detect(BuiltFacts(calls))) == []


def test_a_pod_whose_callee_is_slow_for_it_alone_is_a_symptom() -> None:
    below = [
        replace(call, at=call.at + 0.01, client="s/pay", server="s/db", client_pod="s/pay-1", server_pod="", ms=380.0)
        for call in lame()
        if call.server_pod == "s/pay-1"
    ]
    assert [one.symptom for one in BadReplica().detect(BuiltFacts(lame() + below))] == [True]


def test_a_pod_that_cannot_be_reached_is_named() -> None:
    calls = [call for call in spread() if call.server_pod != "s/pay-1"]
    calls += [Call(n, "s/orders", "s/pay", server_pod="s/pay-1") for n in range(2)]
    refused = [Connection(n, "s/orders", "s/pay", "refused", server_pod="s/pay-1") for n in range(12)]
    assert verdict(BadReplica(), BuiltFacts(calls, refused)) == {("bad_replica", "s/pay")}


def test_a_new_pod_is_left_to_rollouts() -> None:
    calls = [call for call in erring() if call.server_pod != "s/pay-1" or call.at > 6]
    assert list(BadReplica().detect(BuiltFacts(calls))) == []


def test_pace_names_and_order_of_nodes_change_nothing() -> None:
    assert_same_verdict(BadReplica(), erring())
    assert_same_verdict(BadReplica(), lame())
