from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeshark_mcp.analyse.nesting import ends_of, nesting
from tests.analyse.building import T0, BuiltFacts, Call, Connection

MS = 1_000_000


def one_call_with_two_below() -> list[Call]:
    return [
        Call(1.0, "s/web", "s/orders", "POST /orders", ms=100, server_pod="s/orders-1"),
        Call(1.02, "s/orders", "s/db", "SELECT 1", "OK", 30, protocol="mysql", client_pod="s/orders-1"),
        Call(1.04, "s/orders", "s/cache", "GET x:1", "OK", 20, protocol="redis", client_pod="s/orders-1"),
    ]


def test_own_time_is_what_is_left_when_others_are_not_waited_for() -> None:
    found = nesting(BuiltFacts(one_call_with_two_below()))
    assert found.parent.tolist() == [-1, 0, 0]
    assert found.below_ns.tolist() == [40 * MS, 0, 0]
    assert found.own_ns.tolist() == [60 * MS, 30 * MS, 20 * MS]
    assert found.calls_below.tolist() == [2, 0, 0]
    assert found.own_of(np.array([2, 0])).tolist() == [20 * MS, 60 * MS]
    assert found.caused_ns.tolist() == [50 * MS, 0, 0]
    assert found.children(np.ones(3, np.bool_)).tolist() == [2, 0, 0]


def test_calls_of_another_pod_are_not_waited_for() -> None:
    calls = one_call_with_two_below()
    calls.append(Call(1.0, "s/orders", "s/db", "SELECT 1", "OK", 100, protocol="mysql", client_pod="s/orders-2"))
    found = nesting(BuiltFacts(calls))
    assert found.below_ns[0] == 40 * MS
    assert sorted(found.parent.tolist()) == [-1, -1, 0, 0]


def test_pods_that_nobody_knows_are_told_apart_by_workload() -> None:
    calls = [
        Call(1.0, "s/web", "s/orders", ms=100),
        Call(1.02, "s/orders", "s/db", "SELECT 1", "OK", 30, protocol="mysql", client_pod="s/orders-1"),
    ]
    found = nesting(BuiltFacts(calls))
    assert (found.parent.tolist(), found.below_ns.tolist()) == ([-1, 0], [30 * MS, 0])


def test_failures_below_are_counted_but_not_names_that_search_domains_miss() -> None:
    calls = [
        *one_call_with_two_below(),
        Call(1.01, "s/orders", "k/dns", "A db.s", "NXDOMAIN", 1, protocol="dns", client_pod="s/orders-1"),
        Call(1.011, "s/orders", "k/dns", "A db", "NOERROR", 1, protocol="dns", client_pod="s/orders-1"),
        Call(1.03, "s/orders", "s/db", "SELECT 2", "42P01", 1, True, "postgresql", client_pod="s/orders-1"),
        Call(9.0, "s/web", "s/orders", ms=1, server_pod="s/orders-1"),
    ]
    refused = Connection(1.05, "s/orders", "s/rates", "refused", 0.001, client_pod="s/orders-1")
    found = nesting(BuiltFacts(calls, [refused]))
    assert found.failed_below.tolist() == [2, 0, 0, 0, 0, 0, 0]
    assert found.calls_below.tolist() == [5, 0, 0, 0, 0, 0, 0]


def test_a_name_that_nothing_resolves_is_a_failure_below() -> None:
    calls = [
        Call(1.0, "s/web", "s/orders", ms=100, server_pod="s/orders-1"),
        Call(1.01, "s/orders", "k/dns", "A db.s", "NXDOMAIN", 1, protocol="dns", client_pod="s/orders-1"),
    ]
    assert nesting(BuiltFacts(calls)).failed_below.tolist() == [1, 0]


def test_waiting_for_a_connection_that_is_never_made_is_waiting() -> None:
    calls = [Call(1.0, "s/web", "s/orders", "GET /", "504", 3000, server_pod="s/orders-1"), Call(9, "s/web", "s/x")]
    silent = Connection(1.0, "s/orders", "s/rates", "syn_sent", 1.0, client_pod="s/orders-1")
    found = nesting(BuiltFacts(calls, [silent]))
    assert (found.below_ns[0], found.failed_below[0]) == (3000 * MS, 1)


def test_a_connection_that_nobody_can_read_is_waited_for_but_a_pool_is_not() -> None:
    calls = [Call(1.0, "s/web", "s/orders", ms=500, server_pod="s/orders-1"), Call(9, "s/web", "s/x")]
    short = Connection(1.1, "s/orders", "pay.example", seconds=0.3, connection=7, client_pod="s/orders-1", outside=True)
    pool = Connection(0.0, "s/orders", "s/db", seconds=9, connection=8, client_pod="s/orders-1")
    assert nesting(BuiltFacts(calls, [pool])).below_ns[0] == 0
    assert nesting(BuiltFacts(calls, [short, pool])).below_ns[0] == 300 * MS
    assert nesting(BuiltFacts(calls, [short, pool])).caused_ns[0] == 300 * MS


def test_an_unanswered_call_ends_with_its_connection() -> None:
    calls = [
        Call(1.0, "s/web", "s/orders", ms=None, connection=5),
        Call(1.0, "s/web", "s/orders", ms=None),
        Call(2.0, "s/web", "k/dns", "A x", ms=None, protocol="dns"),
        Call(90, "s/web", "s/orders", ms=5),
    ]
    facts = BuiltFacts(calls, [Connection(0.5, "s/web", "s/orders", seconds=2.5, connection=5)])
    assert ((ends_of(facts) - T0) / 1e9).tolist() == [3.0, 61.0, 7.0, 90.005]


def test_a_doubtful_cause_is_decided_by_the_kind_that_was_seen_before() -> None:
    calls = [
        Call(1, "s/web", "s/o", "POST /orders", ms=50),
        Call(1.01, "s/o", "s/db", "INSERT INTO o", "OK", 5, protocol="mysql"),
        Call(2, "s/web", "s/o", "POST /orders", ms=50),
        Call(2.005, "s/web", "s/o", "GET /static", ms=50),
        Call(2.01, "s/o", "s/db", "INSERT INTO o", "OK", 5, protocol="mysql"),
    ]
    assert nesting(BuiltFacts(calls)).parent.tolist() == [-1, 0, -1, -1, 2]


def test_nothing_lies_within_nothing() -> None:
    found = nesting(BuiltFacts())
    assert (len(found.parent), len(found.own_ns)) == (0, 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 30), st.booleans()), max_size=12))
def test_waiting_is_measured_as_counting_milliseconds_does(spans: list[tuple[int, int, bool]]) -> None:
    parent = Call(1.005, "s/web", "s/o", ms=25, server_pod="s/o-1")
    below = [Call(1 + at / 1000, "s/o", "s/db", ms=ms, client_pod=f"s/o-{1 + other}") for at, ms, other in spans]
    facts = BuiltFacts([parent, *below])
    row = facts.calls.client.equal("s/web").argmax()
    waited = {t for at, ms, other in spans if not other for t in range(max(at, 5), min(at + ms, 30))}
    assert nesting(facts).below_ns[row] == len(waited) * MS
