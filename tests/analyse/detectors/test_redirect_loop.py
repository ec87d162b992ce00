from __future__ import annotations

from typing import Any

from kubeshark_mcp.analyse.detectors.redirect_loop import RedirectLoop
from kubeshark_mcp.analyse.findings import Component, Confidence, Kind
from tests.analyse.building import BuiltFacts, Call
from tests.analyse.mutations import assert_same_verdict
from tests.analyse.stories import steady


def sent(at: float, path: str, to: str, client: str = "s/web") -> Call:
    more: dict[str, Any] = {"path": path, "response.headers": {"location": to}}
    return Call(at, client, "s/shop", f"GET {path}", "302", kfl=more)


def circle() -> list[Call]:
    """Clients are sent from /a to /b and back, six times each."""
    calls = []
    for n in range(8):
        for k in range(6):
            here, there = ("/a", "/b") if k % 2 == 0 else ("/b", "/a")
            calls.append(sent(n + k / 10, here, f"http://shop.s{there}?again=1"))
    return calls + steady("s/web", "s/other", 20)


def test_a_circle_is_named_with_its_server() -> None:
    (found,) = RedirectLoop().detect(BuiltFacts(circle()))
    assert (found.component, found.confidence) == (Component(Kind.WORKLOAD, "s/shop"), Confidence.HIGH)
    assert found.title == (
        "shop redirects in a circle (302): clients come back to where they were, up to 48 times in a row;"
        " 48 redirects in all"
    )
    assert [claim.value for claim in found.claims] == [48]


def test_redirects_that_lead_somewhere_are_none() -> None:
    calls = [sent(n, "/old", "/new") for n in range(40)]
    calls += [sent(n + 0.1, "/new", "/login") for n in range(40)]
    assert list(RedirectLoop().detect(BuiltFacts(calls))) == []


def test_a_few_circles_are_a_hint() -> None:
    few = [call for call in circle() if call.at < 1]
    assert [one.confidence for one in RedirectLoop().detect(BuiltFacts(few))] == [Confidence.LOW]


def test_pace_names_and_order_of_nodes_change_nothing() -> None:
    assert_same_verdict(RedirectLoop(), circle())
