from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubeshark_mcp.analyse.detectors.error_burst import ErrorBurst
from kubeshark_mcp.analyse.facts import Pod
from kubeshark_mcp.analyse.findings import Claim, Component, Confidence, Edge, Finding, Kind, Magnitude, Measure
from kubeshark_mcp.analyse.mechanisms import Mechanism
from tests.analyse.building import T0, BuiltFacts, Call
from tests.analyse.crowds import crowd
from tests.analyse.mutations import assert_same_verdict, verdict
from tests.analyse.stories import chain, steady

WHOLE = (
    'protocol == "http" && dst.service.name == "orders" && dst.service.namespace == "s"'
    ' && summary.matches("^POST /orders([?].*)?$")'
)
SINCE = T0 + 12 * 10**9


def failing(**more: Any) -> list[Call]:
    """From second 12 on, orders fails half of its calls, and what it calls does not."""
    late = [
        replace(c, status="500") if c.server == "s/orders" and n % 2 == 0 else c
        for n, c in enumerate(chain(60, start=12.0, **more))
    ]
    return chain() + late


def test_errors_that_no_callee_explains_are_the_servers_own() -> None:
    (found,) = ErrorBurst().detect(BuiltFacts(failing()))
    bad = f'{WHOLE} && status == "500"'
    assert replace(found, title="", magnitude=None) == Finding(
        "error_burst",
        Mechanism.ERROR_BURST,
        Component(Kind.WORKLOAD, "s/orders"),
        "",
        Confidence.HIGH,
        0.5,
        SINCE,
        None,
        None,
        (Edge("s/web", "s/orders", "http"),),
        (121, 125, 129),
        (
            Claim(bad, Measure.COUNT, 30, "failed calls"),
            Claim(bad, Measure.SHARE, 0.5, "share of failed calls", WHOLE, SINCE),
        ),
        "calls from orders that fail just before each error",
        facts={"statuses": "500", "clients": "s/web", "kinds": 1},
    )
    assert found.title == ("orders answers 50% of POST /orders with 500 (30 times), while what it calls does not fail")
    assert found.magnitude == Magnitude(0.0, 0.5, "share failed")


def test_errors_of_a_caller_whose_callee_fails_are_an_echo() -> None:
    calls = [replace(call, status="500" if call.server == "s/orders" else "XX000") for call in chain(60, start=12.0)]
    found = {str(one.component): one.symptom for one in ErrorBurst().detect(BuiltFacts(chain() + calls))}
    assert found == {"s/orders": True, "s/db": False}


@pytest.mark.parametrize("status", ["404", "401", "403", "429", "402", "302"])
def test_everyday_refusals_are_no_errors(status: str) -> None:
    late = [replace(call, status=status) for call in steady("s/web", "s/orders", 60, start=12.0)]
    assert list(ErrorBurst().detect(BuiltFacts(steady("s/web", "s/orders") + late))) == []


def test_a_few_errors_now_and_then_are_everyday_life() -> None:
    calls = [replace(call, status="500") if n % 40 == 3 else call for n, call in enumerate(steady("s/web", "s/o", 400))]
    assert verdict(ErrorBurst(), BuiltFacts(calls)) == set()


def test_a_moment_of_errors_as_in_a_rollout_is_a_hint() -> None:
    calls = [
        replace(call, status="503") if 30 <= n < 36 else call for n, call in enumerate(steady("s/web", "s/o", 200))
    ]
    assert verdict(ErrorBurst(), BuiltFacts(calls)) == set()


def test_bad_requests_count_only_as_a_change() -> None:
    always = [replace(call, status="400") for call in steady("s/web", "s/orders", 120)]
    assert list(ErrorBurst().detect(BuiltFacts(always))) == []
    assert verdict(
        ErrorBurst(), BuiltFacts(steady("s/web", "s/orders") + [replace(c, at=c.at + 12) for c in always])
    ) == {("error_burst", "s/orders")}


def test_a_statement_that_fails_is_between_the_client_and_the_database() -> None:
    late = steady("s/orders", "s/db", 60, start=12.0, protocol="postgresql", endpoint="SELECT x", status="42P01")
    early = steady("s/orders", "s/db", protocol="postgresql", endpoint="SELECT x", status="OK")
    assert verdict(ErrorBurst(), BuiltFacts(early + late)) == {("error_burst", "s/orders -> s/db")}


def test_errors_from_the_first_packet_on_need_no_onset() -> None:
    calls = [replace(call, status="500") if n % 2 else call for n, call in enumerate(steady("s/web", "s/orders", 60))]
    (found,) = ErrorBurst().detect(BuiltFacts(calls))
    assert (found.onset_ns, found.confidence) == (None, Confidence.MEDIUM)


def test_errors_of_one_pod_are_a_symptom() -> None:
    calls = [
        replace(call, server_pod=f"s/orders-{n % 3}", status="500" if n % 3 == 0 else "200")
        for n, call in enumerate(steady("s/web", "s/orders", 120))
    ]
    assert [one.symptom for one in ErrorBurst().detect(BuiltFacts(calls))] == [True]


def test_errors_for_want_of_a_connection_are_a_symptom() -> None:
    (found,) = ErrorBurst().detect(BuiltFacts(crowd(2, 10, 10) + crowd(2, 80, 10, 10.5, patience=0.5)))
    assert (str(found.component), found.symptom) == ("s/orders", True)
    assert found.title.endswith("while it waits for a free place at what it calls")


def test_a_server_on_a_node_that_was_not_captured_is_a_hint() -> None:
    pods = [Pod("s/orders-1", "s/orders", "node-c", "10.0.0.9", {}, 0)]
    (found,) = ErrorBurst().detect(BuiltFacts(failing(), pods=pods, coverage={"missing_nodes": ("node-c",)}))
    assert found.confidence is Confidence.LOW
    assert found.title.endswith("and what it calls was not captured")


def test_pace_names_and_order_of_nodes_change_nothing() -> None:
    assert_same_verdict(ErrorBurst(), failing())
