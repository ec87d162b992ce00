"""Facts for detectors, read from the dissected incident."""

from __future__ import annotations

import numpy as np
import pytest

from kubeshark_mcp.analyse.columns import Texts
from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.facts import StoredFacts


@pytest.fixture(scope="module")
def facts(incident):
    return incident.hub._analysis.facts(None, (None, None))[1]


def test_every_call_is_a_row_with_the_labels_of_both_ends(facts, incident):
    calls = facts.calls
    http = calls.protocol.equal("http")
    assert int(http.sum()) == incident.truth["calls"]["http"]
    assert int((http & calls.status.equal("503")).sum()) == 40
    assert {"shop/orders", "data/redis", "edge/gateway"} <= set(calls.client.values) | set(calls.server.values)
    assert bool((np.diff(calls.start_ns) >= 0).all())
    assert calls.server.equal("rates.example.net")[calls.outside].all()
    assert (calls.elapsed_us[calls.answered] >= 0).all()


def test_connections_and_their_sightings(facts):
    tcp = facts.connections.transport.equal("tcp")
    assert int(tcp.sum()) == facts.count("tcp_conn")
    assert len(facts.sighted_connections) > len(facts.connections)
    assert set(facts.sighted_connections.node.values) >= {"node-a", "node-b"}


def test_any_field_is_a_column(facts):
    found = facts.columns('redis && redis_error != ""', ["redis_command", "redis_arguments", "id"])
    assert len(found["id"]) == facts.count('redis && redis_error != ""') == 200
    assert isinstance(found["redis_command"], Texts)
    assert found["redis_command"].counts()["SET"] > 100
    with pytest.raises(UsageError, match="'nope'"):
        facts.columns("redis", ["nope"])
    with pytest.raises(UsageError, match="SQL alone"):
        facts.count('path.charAt(1) == "a"')


def test_a_window_narrows_everything(facts, incident):
    coverage = facts.coverage
    middle = (coverage.start_ns + coverage.end_ns) // 2
    half = facts.count("http", None, middle), facts.count("http", middle, None)
    assert sum(half) == facts.count("http")
    assert min(half) > 0
    assert set(coverage.nodes) == {"node-a", "node-b"}
    assert (coverage.has_objects, coverage.missing_nodes) == (True, ())
    assert 0.9 < coverage.named_share <= 1.0


def test_several_counts_at_once_are_those_of_one_each(facts):
    middle = (facts.coverage.start_ns + facts.coverage.end_ns) // 2
    asked = [("http", None, middle), ("http && status_code == 503", middle, None), ("redis || dns", None, None)]
    assert facts.counts(asked) == [facts.count(*one) for one in asked]
    late = StoredFacts(facts._base, window=(middle, None))
    assert late.counts(asked[:2]) == [0, facts.count(*asked[1])]


def test_pods_and_services_have_the_labels_of_the_calls(facts):
    assert {pod.workload for pod in facts.pods} >= {"shop/orders", "data/redis"}
    assert {service.name for service in facts.services} >= {"data/redis"}


def test_without_kubernetes_objects_private_addresses_are_not_outside(facts):
    bare = StoredFacts(facts._base)
    assert facts.calls.outside.any()
    outside = {bare.calls.server_address[row] for row in bare.calls.outside.nonzero()[0].tolist()}
    assert outside == {"203.0.113.20"}
    assert bare.coverage.has_objects is False
