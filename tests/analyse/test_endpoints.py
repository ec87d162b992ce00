from __future__ import annotations

import pytest

from kubeshark_mcp.analyse.endpoints import MOST, endpoint_kinds, kind_filter, kind_of
from tests.analyse.building import BuiltFacts, Call


@pytest.mark.parametrize(
    ("endpoint", "protocol", "kind"),
    [
        ("GET /api/cart/c007", "http", "GET /api/cart/{}"),
        ("GET /v2/orders/{}", "http", "GET /v2/orders/{}"),
        ("/shop.Cart/Add", "http2", "/shop.Cart/Add"),
        ("SET cart:c001", "redis", "SET cart:{}"),
        ("GET session:{}:x", "redis", "GET session:{}"),
        ("PING", "redis", "PING"),
        ("SELECT * FROM a WHERE name = 'x y'", "postgresql", "SELECT * FROM a WHERE name = {}"),
        ("A example.org", "dns", "A example.org"),
    ],
)
def test_what_still_varies_is_left_out(endpoint: str, protocol: str, kind: str) -> None:
    assert kind_of(endpoint, protocol) == kind


def test_each_call_has_a_kind_of_its_own_protocol() -> None:
    calls = [
        Call(0, "s/a", "s/b", "GET /x/c1"),
        Call(1, "s/a", "s/c", "GET x:c1", protocol="redis", status="OK"),
        Call(2, "s/a", "s/b", "GET /x/c2"),
    ]
    facts = BuiltFacts(calls)
    assert facts.derived(endpoint_kinds).decoded() == ["GET /x/{}", "GET x:{}", "GET /x/{}"]
    assert len(endpoint_kinds(BuiltFacts())) == 0


def test_too_many_kinds_are_told_apart_by_their_first_words() -> None:
    words = [f"{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676)}" for n in range(MOST + 1)]
    calls = [Call(n, "s/a", "s/b", f"SELECT 1 FROM {word}", "OK", protocol="mysql") for n, word in enumerate(words)]
    kinds = BuiltFacts(calls).derived(endpoint_kinds)
    assert kinds.counts() == {"SELECT 1 {}": MOST + 1}


def test_a_filter_selects_the_calls_of_a_kind() -> None:
    endpoints = ["GET /cart/c1", "GET /cart/c2?x=1", "GET /cart/c1/lines", "GET /cart", "GET /carts/c1", "GET /other.c"]
    facts = BuiltFacts([Call(n, "s/a", "s/b", endpoint) for n, endpoint in enumerate(endpoints)])
    assert facts.count(kind_filter("GET /cart/{}", "http")) == 2
    assert facts.count(kind_filter("GET /other.c", "http")) == 1
    assert kind_filter("SET a[1]:{}", "redis") == r'summary.matches("^SET a\\[1\\]:.*$")'


def test_a_filter_selects_commands_and_statements() -> None:
    calls = [
        Call(0, "s/a", "s/b", "SET cart:c001", "OK", protocol="redis"),
        Call(1, "s/a", "s/b", "SET card:c001", "OK", protocol="redis"),
        Call(2, "s/a", "s/b", "SELECT * FROM a WHERE b = 'x (1)'", "OK", protocol="postgresql"),
    ]
    facts = BuiltFacts(calls)
    assert facts.count(kind_filter("SET cart:{}", "redis")) == 1
    assert facts.count(kind_filter("SELECT * FROM a WHERE b = {}", "postgresql")) == 1
