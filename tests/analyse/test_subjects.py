from __future__ import annotations

import numpy as np

from kubeshark_mcp.analyse.facts import Pod
from kubeshark_mcp.analyse.findings import Component, Edge, Kind
from kubeshark_mcp.analyse.subjects import (
    busiest,
    component_of,
    echoes,
    edge_calls,
    edges_of,
    entries_of,
    milliseconds,
    server_filter,
    servers,
    several,
    short,
    unseen,
)
from tests.analyse.building import BuiltFacts, Call, Connection
from tests.analyse.stories import chain


def test_servers_are_those_with_enough_calls() -> None:
    facts = BuiltFacts([*chain(10), Call(9, "s/web", "s/dns", "A x", "NOERROR", protocol="dns")])
    assert [(server, protocol, len(rows)) for server, protocol, rows in servers(facts, 10)] == [
        ("s/orders", "http", 10),
        ("s/db", "postgresql", 10),
    ]
    assert list(servers(facts, 11)) == []


def test_failures_with_a_failure_below_are_echoes() -> None:
    calls = chain(10) + chain(10, start=5, status="XX000")
    facts = BuiltFacts(calls)
    rows = np.flatnonzero(facts.calls.server.equal("s/orders"))
    assert echoes(facts, rows[10:], rows[:10])
    assert not echoes(facts, rows[:10], rows[10:])
    assert not echoes(facts, rows[:0], rows)


def test_servers_are_named_by_where_they_are() -> None:
    facts = BuiltFacts([Call(0, "s/a", "pay.example", outside=True), Call(1, "s/a", "s/b")])
    assert component_of(facts.calls, np.array([0])) == Component(Kind.EXTERNAL, "pay.example")
    assert component_of(facts.calls, np.array([1])) == Component(Kind.WORKLOAD, "s/b")


def test_edges_entries_and_clients_are_told_busiest_first() -> None:
    calls = BuiltFacts([Call(n, "s/a" if n else "s/z", "s/b") for n in range(5)]).calls
    rows = np.arange(5)
    assert edges_of(calls, rows) == (Edge("s/a", "s/b", "http"), Edge("s/z", "s/b", "http"))
    assert entries_of(calls, rows) == (1, 2, 3)
    assert busiest(calls, rows, rows > 0) == "s/a"


def test_filters_leave_connections_out() -> None:
    facts = BuiltFacts(chain(4), [Connection(0, "s/web", "s/orders")])
    assert facts.count(server_filter(facts, "s/orders", "http")) == 4
    assert facts.count(edge_calls(facts, Edge("s/web", "s/orders"))) == 4
    assert facts.count(edge_calls(facts, Edge("s/web", "s/orders", "http"))) == 4


def test_what_runs_on_a_node_without_a_capture_is_unseen() -> None:
    pods = [Pod("s/orders-1", "s/orders", "node-c", "10.0.0.9", {}, 0)]
    facts = BuiltFacts(chain(4), pods=pods, coverage={"missing_nodes": ("node-c",)})
    assert (unseen(facts, "s/orders"), unseen(facts, "s/web")) == (True, False)


def test_names_and_times_are_written_for_people() -> None:
    assert (short("shop/orders"), short("pay.example")) == ("orders", "pay.example")
    assert several(["a", "b", "c", "d"]) == "a, b, c and 1 more"
    assert [milliseconds(us) for us in (1200, 45_000, 2_500_000)] == ["1.2 ms", "45 ms", "2.5 s"]
