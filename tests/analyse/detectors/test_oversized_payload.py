from __future__ import annotations

from dataclasses import replace

from kubeshark_mcp.analyse.detectors.oversized_payload import OversizedPayload
from kubeshark_mcp.analyse.findings import Component, Confidence, Kind, Magnitude
from tests.analyse.building import T0, BuiltFacts, Call
from tests.analyse.mutations import assert_same_verdict, verdict
from tests.analyse.stories import steady


def grown(**sizes: int) -> list[Call]:
    return steady("s/web", "s/api") + [replace(call, **sizes) for call in steady("s/web", "s/api", start=12)]


def test_answers_that_grew_are_the_servers() -> None:
    (found,) = OversizedPayload().detect(BuiltFacts(grown(response_bytes=2_000_000)))
    assert (found.component, found.confidence, found.onset_ns, found.magnitude) == (
        Component(Kind.WORKLOAD, "s/api"),
        Confidence.HIGH,
        T0 + 12 * 10**9,
        Magnitude(500.0, 2_000_000.0, "bytes p50"),
    )
    assert found.title == "answers to GET / of api are 2.0 MB instead of 0.5 kB (60 calls since then)"


def test_requests_that_grew_are_the_clients() -> None:
    assert verdict(OversizedPayload(), BuiltFacts(grown(request_bytes=900_000))) == {("oversized_payload", "s/web")}


def test_refusals_for_size_name_who_sends() -> None:
    calls = steady("s/web", "s/api") + steady("s/web", "s/api", start=12, status="413")
    assert verdict(OversizedPayload(), BuiltFacts(calls)) == {("oversized_payload", "s/web")}


def test_what_is_always_large_or_grows_a_little_is_none() -> None:
    large = steady("s/web", "s/files", 120, response_bytes=5_000_000)
    assert list(OversizedPayload().detect(BuiltFacts(large))) == []
    assert list(OversizedPayload().detect(BuiltFacts(grown(response_bytes=20_000)))) == []


def test_pace_names_and_order_of_nodes_change_nothing() -> None:
    assert_same_verdict(OversizedPayload(), grown(response_bytes=2_000_000))
