from __future__ import annotations

from dataclasses import replace

from kubeshark_mcp.analyse.detectors.rollout_regression import RolloutRegression
from kubeshark_mcp.analyse.findings import Component, Confidence, Kind
from tests.analyse.building import T0, BuiltFacts, Call
from tests.analyse.mutations import assert_same_verdict
from tests.analyse.stories import chain, steady


def rolled(status: str = "200", ms: float = 5.0, known: bool = True) -> list[Call]:
    """At second 10 the pods of version 1 give way to those of version 2."""
    old = [
        replace(call, server_pod=f"s/pay-v1-{n % 2}" if known else "")
        for n, call in enumerate(steady("s/o", "s/pay", 50))
    ]
    new = [
        replace(call, server_pod=f"s/pay-v2-{n % 2}", status=status if n % 2 else "200", ms=ms)
        for n, call in enumerate(steady("s/o", "s/pay", 60, start=10))
    ]
    return old + new


def test_new_pods_that_fail_more_are_named() -> None:
    (found,) = RolloutRegression().detect(BuiltFacts(rolled("500")))
    assert (found.component, found.confidence, found.onset_ns, found.symptom) == (
        Component(Kind.WORKLOAD, "s/pay"),
        Confidence.HIGH,
        T0 + 10 * 10**9,
        False,
    )
    assert found.title == "new pods of pay (pay-v2-0, pay-v2-1) fail 50% of their calls, the old ones 0%"
    assert [claim.value for claim in found.claims] == [60]


def test_new_pods_that_are_slow_are_named_even_where_the_old_ones_have_no_name() -> None:
    (found,) = RolloutRegression().detect(BuiltFacts(rolled(ms=250.0, known=False)))
    assert found.title == "new pods of pay (pay-v2-0, pay-v2-1) take 250 ms in the median, the old ones 5.8 ms"


def test_a_rollout_that_goes_well_says_nothing() -> None:
    cold = [replace(call, ms=300.0) if 10 <= call.at < 10.8 else call for call in rolled()]
    assert list(RolloutRegression().detect(BuiltFacts(cold))) == []


def test_pods_that_were_there_all_the_time_are_no_rollout() -> None:
    calls = [replace(call, server_pod="s/pay-v1-0") for call in rolled("500")]
    assert list(RolloutRegression().detect(BuiltFacts(calls))) == []


def test_new_pods_whose_callee_fails_show_a_symptom() -> None:
    calls = [replace(call, server_pod="s/orders-1" if call.server == "s/orders" else "") for call in chain(50)]
    for call in chain(50, start=10.0, status="57P01"):
        mine = call.server == "s/orders"
        calls.append(replace(call, server_pod="s/orders-2" if mine else "", status="500" if mine else call.status))
    assert [one.symptom for one in RolloutRegression().detect(BuiltFacts(calls))] == [True]


def test_pace_names_and_order_of_nodes_change_nothing() -> None:
    assert_same_verdict(RolloutRegression(), rolled("500"))
