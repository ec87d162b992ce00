"""The way into a cluster's Hub."""

from __future__ import annotations

import pytest
from cluster_fakes import SERVICE, TOKEN, Clock, FakeCluster, Programs

from kubeshark_mcp.errors import NotFoundError, UsageError
from kubeshark_mcp.hub.cluster.access import ClusterAccess
from kubeshark_mcp.hub.cluster.kube import Kube


async def test_the_port_is_forwarded_to_the_front_service_of_the_chosen_cluster(
    cluster: FakeCluster, programs: Programs
):
    programs.kubectl_to(4567)
    access = ClusterAccess(Kube(cluster.kubeconfig, "test"), "default")
    assert await access.base() == "http://127.0.0.1:4567"
    assert programs.calls("kubectl") == [
        f"--kubeconfig={cluster.kubeconfig} --context=test --namespace=default port-forward --address=127.0.0.1 "
        "service/kubeshark-front :80"
    ]
    assert await access.headers() == {"X-Kubeshark-Authorization": f"{TOKEN}-1"}
    assert access.secrets() == (f"{TOKEN}-1",)
    assert not access.trust.use_proxies
    await access.close()


async def test_where_there_is_no_kubeshark_it_says_where_it_is(cluster: FakeCluster):
    cluster.service = {**SERVICE, "metadata": {"name": "kubeshark-front", "namespace": "sharks"}}
    access = ClusterAccess(Kube(cluster.kubeconfig), "default")
    with pytest.raises(NotFoundError, match="It is in sharks: start the server with --release-namespace sharks"):
        await access.base()
    cluster.service = None
    with pytest.raises(NotFoundError, match="Install it with `kubeshark tap`"):
        await access.base()
    await access.close()


async def test_without_kubectl_it_says_so(cluster: FakeCluster, programs: Programs):
    access = ClusterAccess(Kube(cluster.kubeconfig), "default")
    with pytest.raises(UsageError, match="The program kubectl is not installed"):
        await access.base()
    await access.close()


async def test_one_broken_connection_leaves_the_way_and_a_second_one_makes_it_anew(
    cluster: FakeCluster, programs: Programs
):
    programs.kubectl_to(4567)
    clock = Clock()
    access = ClusterAccess(Kube(cluster.kubeconfig), "default", clock)
    await access.base()
    assert await access.reconnect()
    await access.base()
    assert len(programs.calls("kubectl")) == 1
    clock.now += 5
    assert await access.reconnect()
    await access.base()
    assert len(programs.calls("kubectl")) == 2
    await access.close()


async def test_a_mint_that_fails_is_explained_and_paused(cluster: FakeCluster):
    cluster.refuse_minting = 403
    clock = Clock()
    access = ClusterAccess(Kube(cluster.kubeconfig), "default", clock)
    assert await access.headers() == {}
    clock.now += 20
    assert await access.headers() == {}
    assert len(cluster.requests) == 1
    assert "The next attempt is made in 10 s." in access.advice()
    assert "kubectl auth can-i create serviceaccounts/kubeshark-cli --subresource=token" in access.advice()
    assert access.warnings() != []
    cluster.refuse_minting = None
    clock.now += 11
    assert await access.headers() == {"X-Kubeshark-Authorization": f"{TOKEN}-1"}
    await access.close()
