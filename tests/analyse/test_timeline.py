from __future__ import annotations

from kubeshark_mcp.analyse.causality import Ranked
from kubeshark_mcp.analyse.facts import Pod
from kubeshark_mcp.analyse.findings import Component, Confidence, Finding, Kind
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.timeline import Event, timeline
from tests.analyse.building import T0, BuiltFacts, Call

S = 10**9


def ranked(confidence: Confidence = Confidence.HIGH) -> Ranked:
    finding = Finding(
        "cache", Mechanism.CACHE_FAILURE, Component(Kind.WORKLOAD, "data/redis"), "redis refuses writes", confidence,
        1.0, onset_ns=T0 + 9 * S, end_ns=T0 + 15 * S, entries=(10,),
    )  # fmt: skip
    return Ranked(finding, 0.9, (), ("data/redis",))


def test_events_are_told_in_order_of_time() -> None:
    story = [Call(n, "shop/web", "shop/cart", status="503" if 10 <= n < 20 else "200") for n in range(60)]
    pod = Pod("shop/cart-1", "shop/cart", "node-a", "10.0.0.2", {}, T0 + 5 * S)
    assert timeline(BuiltFacts(story, pods=[pod]), [ranked(), ranked(Confidence.LOW)]) == [
        Event(T0, "capture", "capture begins on node-a"),
        Event(T0 + 5 * S, "pod", "pod shop/cart-1 of shop/cart starts on node-a"),
        Event(T0 + 9 * S, "finding", "cache_failure at data/redis: redis refuses writes", 10, 1),
        Event(T0 + 10 * S, "failures", "shop/web -> shop/cart http begins to fail (503; 0% before, 100% after)", 11),
        Event(T0 + 15 * S, "over", "cache_failure at data/redis is over", 0, 1),
        Event(T0 + 20 * S, "recovery", "shop/web -> shop/cart http works again", 21),
        Event(T0 + 59 * S, "capture", "capture ends"),
    ]


def test_an_edge_that_begins_to_fail_and_works_again_is_told() -> None:
    story = [Call(n, "shop/web", "shop/cart", status="503" if n >= 30 else "200") for n in range(60)]
    events = timeline(BuiltFacts(story), [])
    assert [(event.at_ns, event.what, event.text) for event in events[1:-1]] == [
        (T0 + 30 * S, "failures", "shop/web -> shop/cart http begins to fail (503; 0% before, 100% after)")
    ]


def test_nothing_captured_is_no_event() -> None:
    assert timeline(BuiltFacts(coverage={"end_ns": 0}), []) == []
