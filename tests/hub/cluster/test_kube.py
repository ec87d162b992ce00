"""What the Kubernetes API says."""

from __future__ import annotations

import pytest
from cluster_fakes import SERVICE, FakeCluster, pod

from kubeshark_mcp.errors import HubError, UsageError
from kubeshark_mcp.hub.cluster.kube import Kube


async def test_pods_are_told_with_state_version_and_reason(cluster: FakeCluster):
    cluster.pods = [
        pod("kubeshark-hub-1"),
        pod(
            "kubeshark-front-1",
            ready=False,
            containerStatuses=[
                {"name": "main", "ready": False, "restartCount": 4, "image": "x", "imageID": "",
                 "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}
            ],
        ),
        pod("kubeshark-worker-1", ready=False, tag="v53.2"),
    ]  # fmt: skip
    kube = Kube(cluster.kubeconfig)
    assert {one.name: (one.component, one.text) for one in await kube.pods("default")} == {
        "kubeshark-front-1": ("front", "Pending: ImagePullBackOff no such image, v53.1, 4 restarts"),
        "kubeshark-hub-1": ("hub", "ready, v53.1"),
        "kubeshark-worker-1": ("worker", "Pending: not yet, v53.2"),
    }
    await kube.close()


async def test_the_front_service_is_found_or_not(cluster: FakeCluster):
    kube = Kube(cluster.kubeconfig, "test")
    assert await kube.front_port("default") == 80
    assert await kube.front_port("other") is None
    cluster.service = {**SERVICE, "metadata": {"name": "kubeshark-front", "namespace": "sharks"}}
    assert await kube.namespaces_with_front() == ["sharks"]
    cluster.forbidden = {"/services"}
    assert await kube.namespaces_with_front() == []
    await kube.close()


async def test_a_token_is_minted_for_the_hub_and_holds_as_the_server_says(cluster: FakeCluster):
    cluster.lifetime = 600
    kube = Kube(cluster.kubeconfig)
    minted = await kube.mint("default")
    assert (minted.token, minted.seconds) == ("minted-5f2d8c1b9a7e-1", 600)
    assert cluster.requests[0]["spec"] == {"audiences": ["kubeshark-hub"], "expirationSeconds": 3600}
    assert cluster.asked == ["POST /api/v1/namespaces/default/serviceaccounts/kubeshark-cli/token"]
    await kube.close()


@pytest.mark.parametrize(
    ("code", "says"),
    [(403, "You may not do this in the cluster"), (401, "sign in to the cluster anew"), (404, "refused")],
)
async def test_a_refusal_says_what_to_do(cluster: FakeCluster, code, says):
    cluster.refuse_minting = code
    kube = Kube(cluster.kubeconfig)
    with pytest.raises(HubError, match=says) as caught:
        await kube.mint("default")
    assert "getting a token for ServiceAccount kubeshark-cli in default" in str(caught.value)
    await kube.close()


async def test_an_api_server_that_is_gone_says_so(cluster: FakeCluster):
    await cluster.stop()
    kube = Kube(cluster.kubeconfig)
    with pytest.raises(HubError, match=r"cannot be reached.*connection refused"):
        await kube.pods("default")
    await kube.close()


@pytest.mark.parametrize("content", [None, "}{", "[]", "clusters: 5", "{}"])
async def test_a_kubeconfig_that_cannot_be_used_is_a_sentence(tmp_path, content):
    path = tmp_path / "kubeconfig"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match="kubeconfig"):
        await Kube(path).pods("default")


async def test_a_context_that_does_not_exist_is_named(cluster: FakeCluster):
    with pytest.raises(UsageError, match="There is no context 'prod'"):
        await Kube(cluster.kubeconfig, "prod").pods("default")


async def test_kubeconfigs_of_the_environment_are_looked_through(cluster: FakeCluster, monkeypatch, tmp_path):
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'missing'}:{cluster.kubeconfig}")
    kube = Kube(None, "test")
    assert len(await kube.pods("default")) == 3
    await kube.close()
