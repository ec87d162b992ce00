from __future__ import annotations

import random
from typing import Any

import pytest

from kubeshark_mcp.analyse.detectors.retry_amplification import RetryAmplification
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Kind
from tests.analyse.building import T0, BuiltFacts, Call
from tests.analyse.mutations import assert_same_verdict, verdict
from tests.analyse.stories import steady


def orders(count: int, start: float, tries: int, works: float = 0.0, every: float = 0.25) -> list[Call]:
    """Calls to stock; each asks depot for its own bale, again and again while it gets no answer within 400 ms."""
    chance = random.Random(3)
    calls: list[Call] = []
    for n in range(count):
        at = start + n * every
        bale: dict[str, Any] = {"endpoint": "GET /bales/{}", "kfl": {"url": f"/bales/{start:.0f}-{n}"}}
        below: list[Call] = []
        well = False
        while len(below) < tries and not well:
            well = chance.random() < works
            begin = at + 0.01 + 0.45 * len(below)
            below.append(Call(begin, "s/stock", "s/depot", ms=90.0 if well else None, **bale))
        stock: dict[str, Any] = {
            "endpoint": "GET /stock/{}",
            "status": "200" if well else "502",
            "kfl": {"url": f"/stock/{n}"},
        }
        calls.append(Call(at, "s/web", "s/stock", ms=460.0 * len(below), **stock))
        calls += below
    return calls


def storm() -> list[Call]:
    """From second 12 on most calls go unanswered and are tried five times."""
    return orders(48, 0, 5, works=1.0) + orders(60, 12, 5, works=0.1) + steady("s/x", "s/y", 10, every=4)


def test_repeats_that_are_the_load_are_named_with_their_factor() -> None:
    (found,) = RetryAmplification().detect(BuiltFacts(storm()))
    assert (found.component, found.confidence, found.symptom) == (
        Component(Kind.WORKLOAD, "s/stock"),
        Confidence.HIGH,
        False,
    )
    assert found.facts["amplification"] == pytest.approx(4.0, abs=0.5)
    assert found.onset_ns is not None
    assert 12 <= (found.onset_ns - T0) / 1e9 <= 13
    assert found.affected == (Edge("s/stock", "s/depot", "http"), Edge("s/web", "s/stock", "http"))


def test_one_more_try_is_no_storm() -> None:
    calls = orders(48, 0, 2, works=1.0) + orders(60, 12, 2, works=0.3) + steady("s/x", "s/y", 10, every=4)
    assert verdict(RetryAmplification(), BuiltFacts(calls)) == set()


def test_repeats_to_a_server_that_is_down_are_a_symptom() -> None:
    calls = orders(48, 0, 5, works=1.0) + orders(60, 12, 5) + steady("s/x", "s/y", 10, every=4)
    assert [one.symptom for one in RetryAmplification().detect(BuiltFacts(calls))] == [True]


def test_calls_that_are_alike_are_not_repeats() -> None:
    calls = [Call(n / 10, "s/web", "s/api", status="500" if n % 2 else "200", kfl={"url": "/poll"}) for n in range(200)]
    assert list(RetryAmplification().detect(BuiltFacts(calls))) == []


def test_pace_names_and_order_of_nodes_change_nothing() -> None:
    assert_same_verdict(RetryAmplification(), storm())
