from __future__ import annotations

import pytest

from kubeshark_mcp.analyse.tracing import Hop, trace, trace_id
from kubeshark_mcp.errors import NotFoundError
from tests.analyse.building import T0, BuiltFacts, Call

ID = "4bf92f3577b34da6a3ce929d0e0e4736"


def story(headers: bool) -> BuiltFacts:
    def told(span: str) -> dict:
        return {"request.headers": {"traceparent": f"00-{ID}-{span}-01"}} if headers else {}

    gate = {"client_pod": "edge/g-1", "server_pod": "shop/w-1"}
    web = {"client_pod": "shop/w-1", "server_pod": "shop/c-1", "kfl": told("b" * 16)}
    cart = {"client_pod": "shop/c-1", "server_pod": "data/d-0", "protocol": "postgresql"}
    return BuiltFacts(
        [
            Call(1, "edge/gate", "shop/web", "GET /cart", ms=100, kfl=told("a" * 16), **gate),
            Call(1.01, "shop/web", "shop/cart", "GET /items", "500", ms=60, **web),
            Call(1.02, "shop/cart", "data/db", "SELECT 1", "OK", ms=40, **cart),
            Call(5, "edge/gate", "shop/web", "GET /", ms=3, **gate),
        ]
    )


def test_a_call_is_followed_up_to_its_cause_and_down_to_all_it_caused() -> None:
    found = trace(story(headers=False), 2)
    assert [(hop.depth, hop.id, hop.by) for hop in found.hops] == [(0, 1, "time"), (1, 2, "time"), (2, 3, "time")]
    assert (found.header, found.confidence, found.cut) == ("", "medium", False)
    assert found.hops[1] == Hop(
        1, 2, "shop/web", "shop/cart", "http", "GET /items", "500", T0 + 1_010_000_000, 60_000, 20_000, True, "time"
    )


def test_trace_headers_make_it_sure() -> None:
    found = trace(story(headers=True), 1)
    assert [(hop.id, hop.by) for hop in found.hops] == [(1, "traceparent"), (2, "traceparent"), (3, "time")]
    assert (found.header, found.confidence) == ("traceparent", "high")


def test_a_call_that_is_not_there_is_refused() -> None:
    with pytest.raises(NotFoundError, match="no call 99"):
        trace(story(headers=False), 99)


def test_ids_are_read_from_the_headers_as_each_defines_them() -> None:
    assert trace_id({"traceparent": f"00-{ID}-00f067aa0ba902b7-01"}, "traceparent") == ID
    assert trace_id({"traceparent": "garbage"}, "traceparent") == ""
    assert trace_id({"b3": "80f198ee56343ba8-e457b5a2e4d86bd1-1"}, "b3") == "80f198ee56343ba8"
    assert trace_id({"x-request-id": " abc "}, "x-request-id") == "abc"
    assert trace_id({}, "x-request-id") == ""


def test_an_id_full_of_quotes_is_only_text() -> None:
    nasty = {"request.headers": {"x-request-id": 'a") || true || ("b\\'}}
    facts = BuiltFacts([Call(1, "a/b", "c/d", kfl=nasty), Call(2, "a/b", "c/d"), Call(3, "a/b", "c/d", kfl=nasty)])
    assert [hop.id for hop in trace(facts, 1).hops] == [1, 3]
