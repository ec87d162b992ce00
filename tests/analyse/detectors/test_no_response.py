from __future__ import annotations

from dataclasses import replace

from kubeshark_mcp.analyse.detectors.no_response import NoResponse
from kubeshark_mcp.analyse.findings import Claim, Component, Confidence, Edge, Finding, Kind, Magnitude, Measure
from kubeshark_mcp.analyse.mechanisms import Mechanism
from tests.analyse.building import T0, BuiltFacts, Call, Connection
from tests.analyse.mutations import assert_same_verdict, verdict
from tests.analyse.stories import chain, steady

WHOLE = 'protocol == "http" && dst.service.name == "o" && dst.service.namespace == "s"'
WINDOW = (T0 + 12 * 10**9, T0 + round(23.8e9) + 1)


def silent() -> list[Call]:
    """From second 12 on nobody gets an answer from o."""
    calls = steady("s/web", "s/o") + [replace(call, ms=None) for call in steady("s/web", "s/o", start=12.0)]
    return [*calls, *steady("s/web", "s/other", 100, every=0.3)]


def test_a_server_that_stopped_answering_is_named() -> None:
    (found,) = NoResponse().detect(BuiltFacts(silent()))
    assert replace(found, entries=()) == Finding(
        "no_response",
        Mechanism.NO_RESPONSE,
        Component(Kind.WORKLOAD, "s/o"),
        "o leaves 60 requests (100%) from web without an answer",
        Confidence.HIGH,
        1.0,
        WINDOW[0],
        None,
        Magnitude(0.0, 1.0, "share unanswered"),
        (Edge("s/web", "s/o", "http"),),
        (),
        (
            Claim(f"{WHOLE} && !answered", Measure.COUNT, 60, "requests without an answer", "", *WINDOW),
            Claim(f"{WHOLE} && !answered", Measure.SHARE, 1.0, "share of the requests", WHOLE, *WINDOW),
        ),
        "answers to these requests in another node's capture",
    )


def test_requests_cut_off_by_the_end_of_the_capture_are_none() -> None:
    calls = [replace(call, ms=None) if n > 52 else call for n, call in enumerate(steady("s/web", "s/o"))]
    assert list(NoResponse().detect(BuiltFacts(calls))) == []


def test_commands_that_wait_by_design_are_none() -> None:
    calls = steady("s/worker", "s/redis", 40, protocol="redis", endpoint="BLPOP jobs", status="", ms=None)
    assert list(NoResponse().detect(BuiltFacts(calls + steady("s/w", "s/other", 100)))) == []


def test_a_server_that_waits_for_a_silent_callee_is_a_symptom() -> None:
    calls = chain() + [replace(call, ms=None) for call in chain(60, start=12.0)] + steady("s/w", "s/x", 100, every=0.4)
    found = {str(one.component): one.symptom for one in NoResponse().detect(BuiltFacts(calls))}
    assert found == {"s/orders": True, "s/db": False}


def test_requests_that_were_lost_on_the_way_are_a_symptom() -> None:
    calls = [replace(call, connection=2 if call.ms is None else 1) for call in silent()]
    links = [Connection(12, "s/web", "s/o", seconds=15, connection=2, numbers={"retransmissions": 9})]
    assert [one.symptom for one in NoResponse().detect(BuiltFacts(calls, links))] == [True]


def test_a_few_without_an_answer_are_a_hint() -> None:
    calls = [replace(call, ms=None) if n % 50 == 3 else call for n, call in enumerate(steady("s/web", "s/o", 300))]
    assert verdict(NoResponse(), BuiltFacts(calls)) == set()


def test_pace_names_and_order_of_nodes_change_nothing() -> None:
    assert_same_verdict(NoResponse(), silent())
