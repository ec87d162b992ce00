from __future__ import annotations

from kubeshark_mcp.analyse.detectors.pool_exhaustion import PoolExhaustion
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Kind, Measure
from kubeshark_mcp.analyse.mechanisms import Mechanism
from tests.analyse.building import T0, BuiltFacts, Call
from tests.analyse.crowds import bench, crowd
from tests.analyse.mutations import assert_same_verdict, verdict
from tests.analyse.stories import steady

EDGE = (
    'protocol == "postgresql" && src.service.name == "orders" && src.service.namespace == "s"'
    ' && dst.service.name == "db" && dst.service.namespace == "s"'
    ' && src.pod.name == "orders-1" && src.pod.namespace == "s"'
)


def exhausted() -> list[Call]:
    """Two connections serve ten calls a second well; from second 10 on sixty a second come."""
    return crowd(2, 10, 10) + crowd(2, 60, 10, 10.5, patience=1.0)


def test_callers_that_wait_for_a_connection_are_named_with_the_ceiling() -> None:
    (found,) = PoolExhaustion().detect(BuiltFacts(exhausted()))
    assert (found.mechanism, found.component, found.confidence, found.symptom) == (
        Mechanism.POOL_EXHAUSTION,
        Component(Kind.WORKLOAD, "s/orders"),
        Confidence.HIGH,
        False,
    )
    assert found.facts["limit"] == 2
    assert found.affected[0] == Edge("s/orders", "s/db", "postgresql")
    assert found.onset_ns is not None
    assert 10 <= (found.onset_ns - T0) / 1e9 <= 12
    assert [(claim.kfl, claim.measure) for claim in found.claims] == [(EDGE, Measure.COUNT), (EDGE, Measure.P50_US)]
    assert found.title.startswith("orders waits for free connections to db: 2 calls in flight at most, ")
    assert found.title.endswith(" of the crowded time at that ceiling, while each call takes 40 ms")


def test_many_calls_without_a_ceiling_are_only_busy() -> None:
    assert verdict(PoolExhaustion(), BuiltFacts(crowd(2, 10, 10) + crowd(50, 60, 10, 10.5))) == set()


def test_a_ceiling_because_the_server_became_slow_is_a_symptom() -> None:
    calls = crowd(4, 20, 10) + crowd(4, 20, 10, 10.5, query_ms=300.0, patience=2.0)
    (found,) = PoolExhaustion().detect(BuiltFacts(calls))
    assert found.symptom
    assert "longer than the " in found.title


def test_a_load_generator_that_waits_is_nobodys_pool() -> None:
    calls = [call for call in exhausted() if call.server == "s/db"]
    assert list(PoolExhaustion().detect(BuiltFacts(calls))) == []


def test_a_server_with_few_workers_makes_calls_wait_for_each_other() -> None:
    calls = bench(1, 3, 12) + bench(1, 18, 8, 12.5)
    (found,) = PoolExhaustion().detect(BuiltFacts(calls))
    assert (found.component, found.confidence) == (Component(Kind.WORKLOAD, "s/depot"), Confidence.HIGH)
    assert found.title.startswith("depot works on few calls at a time: ")


def test_a_slow_server_is_no_queue() -> None:
    calls = bench(99, 10, 10) + bench(99, 10, 10, 10.5, work_ms=800.0)
    assert list(PoolExhaustion().detect(BuiltFacts(calls))) == []


def test_sessions_refused_for_want_of_a_connection_are_named() -> None:
    calls = steady("s/orders", "s/db", 40, protocol="postgresql", endpoint="Startup", status="53300")
    assert verdict(PoolExhaustion(), BuiltFacts(calls)) == {("pool_exhaustion", "s/db")}


def test_pace_names_and_order_of_nodes_change_nothing() -> None:
    assert_same_verdict(PoolExhaustion(), exhausted())
    assert_same_verdict(PoolExhaustion(), bench(1, 3, 12) + bench(1, 18, 8, 12.5))
