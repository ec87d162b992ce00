from __future__ import annotations

from dataclasses import replace
from typing import Any

from kubeshark_mcp.analyse.detectors.noisy_neighbour import NoisyNeighbour
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Kind
from tests.analyse.building import BuiltFacts, Call
from tests.analyse.mutations import assert_same_verdict
from tests.analyse.stories import steady

SQL: dict[str, Any] = {"protocol": "postgresql", "status": "OK", "endpoint": "SELECT 1"}


def noisy(suffering: float = 90.0) -> list[Call]:
    """From second 12 on a job floods the database, and what others ask takes long."""
    calls = [replace(call, ms=suffering) if call.at > 12 else call for call in steady("s/shop", "s/db", 120, **SQL)]
    quiet = steady("batch/job", "s/db", 12, 1.0, **SQL)
    flood = steady("batch/job", "s/db", 500, 0.024, start=12.0, **SQL | {"ms": 80.0})
    return calls + quiet + flood


def test_a_client_at_whose_cost_others_wait_is_named() -> None:
    (found,) = NoisyNeighbour().detect(BuiltFacts(noisy()))
    assert (found.component, found.confidence) == (Component(Kind.WORKLOAD, "batch/job"), Confidence.HIGH)
    assert found.affected == (Edge("batch/job", "s/db", "postgresql"), Edge("s/shop", "s/db", "postgresql"))
    assert found.title.endswith("and the others wait 90 ms instead of 5.8 ms")
    assert [claim.value for claim in found.claims] == [500]


def test_traffic_that_nobody_suffers_from_is_none() -> None:
    assert list(NoisyNeighbour().detect(BuiltFacts(noisy(suffering=6.0)))) == []


def test_a_client_that_has_the_server_for_itself_is_none() -> None:
    calls = [call for call in noisy() if call.client == "batch/job"]
    assert list(NoisyNeighbour().detect(BuiltFacts(calls))) == []


def test_pace_names_and_order_of_nodes_change_nothing() -> None:
    assert_same_verdict(NoisyNeighbour(), noisy())
