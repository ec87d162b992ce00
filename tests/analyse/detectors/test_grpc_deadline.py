from __future__ import annotations

from dataclasses import replace
from typing import Any

from kubeshark_mcp.analyse.detectors.grpc_deadline import GrpcDeadline
from kubeshark_mcp.analyse.findings import Component, Confidence, Kind
from tests.analyse.building import T0, BuiltFacts, Call
from tests.analyse.mutations import assert_same_verdict, verdict
from tests.analyse.stories import steady

GRPC: dict[str, Any] = {"protocol": "http2", "endpoint": "/shop.Scales/Weigh", "status": "OK"}
KFL = {"grpc": True, "grpc_timeout_us": 500_000}


def missed() -> list[Call]:
    """From second 12 on every call ends at its deadline of 500 ms."""
    late = steady("s/oven", "s/scales", 40, start=12, kfl=KFL, **GRPC | {"status": "DEADLINE_EXCEEDED", "ms": 500.0})
    return steady("s/oven", "s/scales", kfl=KFL, **GRPC) + late


def test_calls_that_end_at_their_deadline_are_named_with_it() -> None:
    (found,) = GrpcDeadline().detect(BuiltFacts(missed()))
    assert (found.component, found.confidence, found.symptom, found.onset_ns) == (
        Component(Kind.WORKLOAD, "s/scales"),
        Confidence.HIGH,
        False,
        T0 + 12 * 10**9,
    )
    assert found.title == "100% of /shop.Scales/Weigh to scales end at their deadline of 500 ms (40 times)"
    assert found.facts == {"deadline_us": 500_000.0}


def test_a_server_that_waits_for_its_callee_until_then_shows_a_symptom() -> None:
    below = [
        replace(call, at=call.at + 0.01, client="s/scales", server="s/db", ms=480.0, status="OK", kfl={})
        for call in missed()
        if call.status != "OK"
    ]
    assert [one.symptom for one in GrpcDeadline().detect(BuiltFacts(missed() + below))] == [True]


def test_calls_that_clients_cancel_early_are_none() -> None:
    calls = [replace(call, status="CANCEL" if call.status != "OK" else "OK") for call in missed()]
    assert list(GrpcDeadline().detect(BuiltFacts(calls))) == []


def test_one_late_call_now_and_then_is_none() -> None:
    calls = [
        replace(call, status="DEADLINE_EXCEEDED") if n % 60 == 9 else call
        for n, call in enumerate(steady("s/oven", "s/scales", 300, **GRPC))
    ]
    assert verdict(GrpcDeadline(), BuiltFacts(calls)) == set()


def test_pace_names_and_order_of_nodes_change_nothing() -> None:
    assert_same_verdict(GrpcDeadline(), missed())
