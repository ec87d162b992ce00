"""ClusterHub: lazily found, with tokens renewed and ports forwarded anew."""

from __future__ import annotations

import os
import signal

import pytest
from cluster_fakes import TOKEN, Clock, FakeCluster, FakeHub, Programs, pod

from kubeshark_mcp.errors import HubError, KubesharkError, UsageError
from kubeshark_mcp.hub.cluster.hub import ClusterHub
from kubeshark_mcp.hub.cluster.kube import Kube
from kubeshark_mcp.hub.contract_remote import HubTools, StartRequest

TOOLS = ["list_snapshots", "get_dissection_status", "only_there"]


@pytest.fixture
async def there(cluster: FakeCluster, programs: Programs):
    """A Hub behind the forwarded port that wants the first or second minted token."""
    hub = FakeHub(TOOLS, {f"{TOKEN}-1", f"{TOKEN}-2"})
    programs.kubectl_to(await hub.start())
    yield hub
    await hub.stop()


def hub_of(cluster: FakeCluster, clock: Clock | None = None) -> ClusterHub:
    return ClusterHub(Kube(cluster.kubeconfig, "test"), clock=clock or Clock())


async def test_nothing_is_asked_before_the_first_question(cluster: FakeCluster, programs: Programs):
    hub = hub_of(cluster)
    await hub.check()
    await hub.close()
    assert cluster.asked == []


async def test_status_works_with_nothing_deployed(cluster: FakeCluster):
    cluster.pods, cluster.service = [], None
    hub = hub_of(cluster)
    status = await hub.status()
    assert (status.running, status.kind, status.location) == (False, "cluster", "namespace default (context test)")
    assert "There is no Kubeshark in namespace default" in status.next_steps[0]
    await hub.close()


async def test_status_tells_pods_versions_and_what_is_missing(cluster: FakeCluster, there: FakeHub):
    cluster.pods = [pod("kubeshark-hub-1"), pod("kubeshark-front-1", ready=False)]
    hub = hub_of(cluster)
    status = await hub.status()
    assert (status.running, status.version) == (True, "53.1")
    assert status.details["kubeshark-front-1"] == "Pending: not yet, v53.1"
    assert status.details["missing"] == "worker"
    assert status.details["of this Hub alone"] == "only_there"
    await hub.close()


async def test_status_of_another_namespace_asks_for_its_pods_only(cluster: FakeCluster):
    hub = hub_of(cluster)
    status = await hub.status_in("sharks")
    assert status.running
    assert "--release-namespace sharks" in status.details["note"]
    assert cluster.asked == ["GET /api/v1/namespaces/sharks/pods"]
    with pytest.raises(UsageError):
        await hub.status_in("No Such")
    await hub.close()


async def test_status_without_a_cluster_says_so(cluster: FakeCluster):
    await cluster.stop()
    hub = hub_of(cluster)
    status = await hub.status()
    assert not status.running
    assert "cannot be reached" in status.details["problem"]
    await hub.close()


async def test_a_token_that_expires_in_the_middle_is_renewed(cluster: FakeCluster, there: FakeHub):
    clock = Clock()
    hub = hub_of(cluster, clock)
    assert await hub.snapshots() == []
    there.good = {f"{TOKEN}-2"}
    assert await hub.snapshots() == []
    assert there.presented[-2:] == [f"{TOKEN}-1", f"{TOKEN}-2"]
    assert cluster.minted == 2
    await hub.close()


async def test_where_no_token_is_to_be_had_the_user_learns_why(cluster: FakeCluster, there: FakeHub):
    cluster.refuse_minting = 403
    hub = hub_of(cluster)
    with pytest.raises(HubError, match=r"no credential was sent.*You may not do this in the cluster") as caught:
        await hub.snapshots()
    assert "next attempt is made in 30 s" in str(caught.value)
    assert there.presented == [None]
    await hub.close()


async def test_a_forwarded_port_that_died_is_made_anew(cluster: FakeCluster, there: FakeHub, programs: Programs):
    hub = hub_of(cluster)
    await hub.snapshots()
    again = FakeHub(TOOLS)
    await there.stop()
    programs.kubectl_to(await again.start())
    forward = hub._access._forward
    assert forward is not None
    assert forward._child is not None
    os.killpg(forward._child._process.pid, signal.SIGKILL)
    assert await hub.snapshots() == []
    assert len(programs.calls("kubectl")) == 2
    await again.stop()
    await hub.close()


async def test_tools_of_a_hub_that_is_not_there_are_all_of_ours(cluster: FakeCluster, programs: Programs):
    cluster.service = None
    hub = hub_of(cluster)
    assert await hub.tools() == HubTools()
    asked = len(cluster.asked)
    assert await hub.tools() == HubTools()
    assert len(cluster.asked) == asked
    await hub.close()


async def test_tools_of_the_hub_are_there_once_it_answered(cluster: FakeCluster, there: FakeHub):
    hub = hub_of(cluster)
    assert [tool.name for tool in (await hub.tools()).extra] == ["only_there"]
    await hub.close()


async def test_starting_forgets_what_was_known(cluster: FakeCluster, there: FakeHub, programs: Programs):
    programs.write("kubeshark", "exit 0")
    hub = hub_of(cluster)
    await hub.snapshots()
    plan = await hub.plan_start(StartRequest())

    async def report(done, total, message) -> None:
        assert 0 <= done <= total

    outcome = await hub.carry_out(plan, report)
    assert outcome.success
    before = len(there.presented)
    await hub.snapshots()
    assert len(there.presented) == before + 2
    assert len(programs.calls("kubectl")) == 2
    assert (await hub.plan_stop("sharks")).release_namespace == "sharks"
    await hub.close()


async def test_questions_to_what_is_not_there_are_sentences(cluster: FakeCluster):
    cluster.service = None
    hub = hub_of(cluster)
    with pytest.raises(KubesharkError, match="There is no Kubeshark in namespace default"):
        await hub.snapshots()
    await hub.close()
