"""Workloads and addresses of the incident."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kubeshark_mcp.errors import FilterError, UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.embedded import EmbeddedHub

from .conftest import SOURCES


async def test_one_workload_is_looked_up_live_and_in_a_snapshot(incident):
    query = {"name": "redis-0", "namespace": "data"}
    live = await incident.hub.workloads(c.WorkloadQuery(**query))
    kept = await incident.hub.workloads(c.WorkloadQuery(**query, snapshot_id=incident.snapshot))
    assert live == kept
    (redis,) = live
    assert (redis.kind, redis.node, redis.labels["app"]) == ("pod", "node-b", "redis")
    assert [record.ip for record in redis.ips] == ["10.244.2.30"]


async def test_workloads_are_filtered_by_namespace_label_name_and_type(incident):
    async def names(**query) -> set[str]:
        return {w.name.split("-")[0] for w in await incident.hub.workloads(c.WorkloadQuery(**query))}

    assert await names(namespaces=["data"], type="service") == {"postgres", "redis"}
    assert await names(labels={"app": "payments"}, type="pod") == {"payments"}
    assert await names(name_regex="^pay") == {"payments"}
    assert await names(namespaces=["nowhere"]) == set()


async def test_an_address_is_asked_for_its_owner(incident):
    (found,) = await incident.hub.addresses(c.WorkloadQuery(ip="10.244.2.30"))
    assert [(owner.namespace, owner.name, owner.kind) for owner in found.records] == [("data", "redis-0", "pod")]
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)
    assert await incident.hub.addresses(c.WorkloadQuery(ip="10.244.2.30", timestamp=long_ago)) == []


@pytest.mark.parametrize(
    ("query", "error", "says"),
    [
        ({"name": "redis-0"}, UsageError, "by name and namespace together"),
        ({"name_regex": "(a"}, FilterError, r"\(a"),
        ({"type": "cronjob"}, UsageError, "cronjob"),
    ],
)
async def test_wrong_conditions_are_refused(incident, query, error, says):
    with pytest.raises(error, match=says):
        await incident.hub.workloads(c.WorkloadQuery(**query))


async def test_without_objects_the_answer_says_how_to_get_names(tmp_path):
    only = tmp_path / "only.pcap"
    only.write_bytes(SOURCES[0].path.read_bytes())
    hub = EmbeddedHub(tmp_path / "w", [type(SOURCES[0])(only, "n")])
    with pytest.raises(UsageError, match="kubectl get pods,services,endpointslices,nodes -A -o json"):
        await hub.workloads(c.WorkloadQuery())
    await hub.close()
