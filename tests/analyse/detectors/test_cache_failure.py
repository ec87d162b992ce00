from __future__ import annotations

from dataclasses import replace
from typing import Any

from kubeshark_mcp.analyse.detectors.cache_failure import CacheFailure
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Kind
from tests.analyse.building import T0, BuiltFacts, Call
from tests.analyse.mutations import assert_same_verdict, verdict
from tests.analyse.stories import steady

REDIS: dict[str, Any] = {"protocol": "redis", "status": "OK"}


def full() -> list[Call]:
    """From second 12 on the cache takes no writes."""
    writes = steady("s/orders", "s/cache", 120, endpoint="SET cart:{}", **REDIS)
    writes = [replace(c, status="OOM", failed=True) if c.at >= 12 else c for c in writes]
    return writes + steady("s/orders", "s/cache", 60, 0.4, endpoint="GET cart:{}", **REDIS)


def lookup(call: Call, hit: bool) -> Call:
    kind = "bulk string" if hit else "null"
    return replace(call, kfl={"redis_command": "GET", "redis_type": kind})


def empty(database: bool = True) -> list[Call]:
    """From second 12 on nothing is found in the cache any more, and the database is asked instead."""
    gets = [
        lookup(call, call.at < 12 and n % 8 > 0)
        for n, call in enumerate(steady("s/menu", "s/cache", 120, endpoint="GET menu:{}", **REDIS))
    ]
    sql = [
        Call(call.at + 0.001, "s/menu", "s/db", "SELECT 1", "OK", 2.0, protocol="postgresql")
        for call in gets
        if call.kfl["redis_type"] == "null"
    ]
    return gets + sql if database else gets


def test_a_cache_that_refuses_writes_is_named_with_who_fills_it() -> None:
    (found,) = CacheFailure().detect(BuiltFacts(full()))
    assert (found.component, found.confidence, found.onset_ns) == (
        Component(Kind.WORKLOAD, "s/cache"),
        Confidence.HIGH,
        T0 + 12 * 10**9,
    )
    assert found.title == (
        "cache refuses 60 commands from orders with OOM, 100% of their kind since then;"
        " orders sent 100% of the bytes to it"
    )
    assert [claim.value for claim in found.claims] == [60, 1.0]


def test_a_cache_that_finds_nothing_any_more_is_named_with_the_load_behind_it() -> None:
    (found,) = CacheFailure().detect(BuiltFacts(empty()))
    assert (found.component, found.confidence, found.onset_ns) == (
        Component(Kind.WORKLOAD, "s/cache"),
        Confidence.HIGH,
        T0 + 12 * 10**9,
    )
    assert found.title.startswith("menu misses 100% of GET menu:{} in cache, 13% before, and asks db ")
    assert found.affected == (Edge("s/menu", "s/cache", "redis"), Edge("s/menu", "s/db"))


def test_misses_that_cost_nothing_are_a_hint() -> None:
    assert verdict(CacheFailure(), BuiltFacts(empty(database=False))) == set()


def test_a_cold_cache_that_warms_up_is_none() -> None:
    gets = steady("s/menu", "s/cache", 120, endpoint="GET menu:{}", **REDIS)
    calls = [lookup(call, n > 30 or n % 3 == 0) for n, call in enumerate(gets)]
    assert list(CacheFailure().detect(BuiltFacts(calls))) == []


def test_other_errors_of_redis_are_none() -> None:
    calls = [replace(call, status="WRONGTYPE" if call.status == "OOM" else "OK") for call in full()]
    assert list(CacheFailure().detect(BuiltFacts(calls))) == []


def test_pace_names_and_order_of_nodes_change_nothing() -> None:
    assert_same_verdict(CacheFailure(), full())
    assert_same_verdict(CacheFailure(), empty())
