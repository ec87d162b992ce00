from __future__ import annotations

from kubeshark_mcp.analyse.comparison import Change, compare
from tests.analyse.building import BuiltFacts, Call, Connection


def calls(count: int, ms: float = 5.0, failed: int = 0, **more) -> list[Call]:
    made = {"client": "shop/web", "server": "shop/cart", **more}
    return [
        Call(n / 10, **made, ms=ms * (1 + (n * 7 % 10) / 50), status="500" if n % 100 < failed else "200")
        for n in range(count)
    ]


def told(before: list, after: list) -> list[tuple[Change, str, bool]]:
    facts = [
        BuiltFacts(
            [one for one in story if isinstance(one, Call)], [one for one in story if isinstance(one, Connection)]
        )
        for story in (before, after)
    ]
    return [(one.change, one.where, one.worse) for one in compare(*facts).differences]


def test_two_times_alike_differ_in_nothing_and_the_noise_is_counted() -> None:
    found = compare(BuiltFacts(calls(200, failed=2)), BuiltFacts(calls(210, failed=3)))
    assert found.differences == []
    assert found.noise > 0
    assert found.compared > found.noise


def test_errors_and_latency_that_rose_come_first_and_worse_before_better() -> None:
    found = told(
        calls(200) + calls(100, ms=80, server="shop/ads"), calls(200, ms=30, failed=30) + calls(100, server="shop/ads")
    )
    assert found == [
        (Change.ERRORS, "shop/web -> shop/cart http GET /", True),
        (Change.LATENCY, "shop/web -> shop/cart http GET /", True),
        (Change.LATENCY, "shop/web -> shop/ads http GET /", False),
    ]


def test_edges_that_came_and_went() -> None:
    found = told(calls(50), calls(50) + calls(9, server="data/redis", protocol="redis"))
    assert found == [(Change.EDGE_GAINED, "shop/web -> data/redis redis", False)]
    assert told(calls(50) + calls(9, server="data/db"), calls(50)) == [
        (Change.EDGE_LOST, "shop/web -> data/db http", True)
    ]


def test_more_calls_for_each_call_are_told() -> None:
    inner = {"client": "shop/cart", "server": "data/db", "protocol": "postgresql"}
    assert told(calls(100) + calls(100, **inner), calls(100) + calls(900, **inner)) == [
        (Change.CALLS_PER_CALL, "shop/cart -> data/db", True)
    ]


def test_retransmissions_and_refusals_are_compared() -> None:
    def links(again: int, state: str) -> list[Connection]:
        numbers = {"packets_out": 50, "packets_in": 50, "retransmissions": again}
        return [Connection(n, "shop/web", "shop/cart", state, numbers=numbers) for n in range(40)]

    assert {one[0] for one in told(links(0, "closed"), links(3, "closed"))} == {Change.RETRANSMISSIONS}
    assert {one[0] for one in told(links(0, "closed"), links(0, "refused"))} == {Change.REFUSED}
