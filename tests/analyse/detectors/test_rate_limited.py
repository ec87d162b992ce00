from __future__ import annotations

from dataclasses import replace

from kubeshark_mcp.analyse.detectors.rate_limited import RateLimited
from kubeshark_mcp.analyse.findings import Component, Confidence, Kind
from tests.analyse.building import T0, BuiltFacts, Call
from tests.analyse.mutations import assert_same_verdict, verdict
from tests.analyse.stories import chain, steady


def limited() -> list[Call]:
    """From second 12 on two of three calls are refused."""
    late = steady("s/web", "s/api", 90, every=0.1, start=12)
    return steady("s/web", "s/api") + [replace(c, status="429") if n % 3 else c for n, c in enumerate(late)]


def test_a_limit_that_refuses_calls_is_named() -> None:
    (found,) = RateLimited().detect(BuiltFacts(limited()))
    assert (found.component, found.confidence, found.symptom) == (
        Component(Kind.WORKLOAD, "s/api"),
        Confidence.HIGH,
        False,
    )
    assert found.onset_ns == T0 + round(12.1e9)
    assert found.title == "api refuses 67% of GET / with 429 (60 times), to web"
    assert [claim.value for claim in found.claims] == [60, 60 / 89]


def test_grpc_says_so_too() -> None:
    calls = [
        replace(c, protocol="http2", status="RESOURCE_EXHAUSTED" if c.status == "429" else "OK") for c in limited()
    ]
    assert verdict(RateLimited(), BuiltFacts(calls)) == {("rate_limited", "s/api")}


def test_a_gateway_that_passes_refusals_on_shows_a_symptom() -> None:
    calls = chain(protocol="http", status="200") + [
        replace(call, status="429") for call in chain(60, start=12, protocol="http", status="429")
    ]
    found = {str(one.component): one.symptom for one in RateLimited().detect(BuiltFacts(calls))}
    assert found == {"s/orders": True, "s/db": False}


def test_a_few_refusals_and_other_errors_are_none() -> None:
    few = [replace(call, status="429") if n % 50 == 2 else call for n, call in enumerate(steady("s/web", "s/api", 300))]
    assert verdict(RateLimited(), BuiltFacts(few)) == set()
    other = [replace(call, status="503") for call in steady("s/web", "s/api")]
    assert list(RateLimited().detect(BuiltFacts(other))) == []


def test_pace_names_and_order_of_nodes_change_nothing() -> None:
    assert_same_verdict(RateLimited(), limited())
