from __future__ import annotations

from kubeshark_mcp.analyse.detectors.dns_search_storm import DnsSearchStorm
from kubeshark_mcp.analyse.findings import Component, Confidence, Kind
from tests.analyse.building import Call
from tests.analyse.detectors.test_dns_name_missing import lookup
from tests.analyse.mutations import Story, assert_claims_hold, assert_same_verdicts, facts_of, solid

DETECTOR = DnsSearchStorm()


def lookups(per_second: float, seconds: int, since: float = 0) -> Story:
    return [
        call
        for n in range(int(per_second * seconds))
        for call in lookup(since + n / per_second, "rates.example.net", 3)
    ]


def test_a_rate_of_useless_queries_that_multiplies_is_a_storm() -> None:
    story = [*lookups(1, 20), *lookups(40, 20, since=20)]
    (found,) = solid(DETECTOR, story)
    assert (found.component, found.confidence) == (Component(Kind.WORKLOAD, "shop/orders"), Confidence.HIGH)
    assert found.onset_ns is not None
    assert "75% of them for names with a search domain appended that do not exist" in found.title
    assert_claims_hold(DETECTOR, story)


def test_a_storm_keeps_its_verdict_when_the_story_is_told_otherwise() -> None:
    assert_same_verdicts(DETECTOR, [*lookups(1, 20), *lookups(100, 10, since=20)])


def test_search_noise_at_the_pace_of_the_work_is_normal() -> None:
    work = [Call(n / 10, "shop/orders", "rates.example.net", outside=True) for n in range(600)]
    assert list(DETECTOR.detect(facts_of([*lookups(1, 60), *work]))) == []


def test_look_ups_that_grow_with_the_work_are_no_storm() -> None:
    work = [Call(n, "shop/orders", "rates.example.net", outside=True) for n in range(20)]
    burst = [Call(20 + n / 40, "shop/orders", "rates.example.net", outside=True) for n in range(800)]
    assert solid(DETECTOR, [*lookups(1, 20), *lookups(40, 20, since=20), *work, *burst]) == []
