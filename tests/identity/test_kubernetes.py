from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.identity.kubernetes import from_kubernetes
from kubeshark_mcp.identity.table import EXTERNAL, IdentityTable, Objects, ServicePort
from kubeshark_mcp.model.workload import FOREVER_NS, Tenure, Workload

STARTED = "2026-01-31T09:30:00Z"
STARTED_NS = 1_769_851_800_000_000_000
SECOND = 1_000_000_000


def pod(name: str = "web-5d4f8c7b9d-abcde", address: str = "10.1.0.1", **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "labels": {"app": "web", "pod-template-hash": "5d4f8c7b9d"},
            "annotations": {"note": "x"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web-5d4f8c7b9d", "controller": True}],
        },
        "spec": {
            "nodeName": "node-a",
            "containers": [{"name": "web", "ports": [{"name": "http", "containerPort": 8080}]}],
        },
        "status": {"podIP": address, "podIPs": [{"ip": address}, {"ip": "FD00::1"}], "startTime": STARTED},
    }
    for part, values in changes.items():
        found[part] = {**found[part], **values}
    return found


def workload(name: str = "web-5d4f8c7b9d-abcde") -> Workload:
    labels = {"app": "web", "pod-template-hash": "5d4f8c7b9d"}
    return Workload(name, "shop", "pod", labels, {"note": "x"}, "node-a", "Deployment/web")


SERVICE = {
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "shop", "creationTimestamp": STARTED},
    "spec": {
        "clusterIP": "10.96.0.1",
        "clusterIPs": ["10.96.0.1"],
        "selector": {"app": "web"},
        "externalIPs": ["203.0.113.1"],
        "ports": [{"name": "http", "port": 80, "targetPort": "http", "nodePort": 30080}],
    },
    "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.2"}, {"hostname": "lb.example.com"}]}},
}
SLICE = {
    "kind": "EndpointSlice",
    "metadata": {"name": "web-x", "namespace": "shop", "labels": {"kubernetes.io/service-name": "web"}},
    "endpoints": [{"addresses": ["10.1.0.1"], "targetRef": {"kind": "Pod", "name": "web-5d4f8c7b9d-abcde"}}],
    "ports": [{"name": "http", "port": 8080}],
}
NODE = {
    "kind": "Node",
    "metadata": {"name": "node-a", "labels": {"zone": "1"}},
    "status": {
        "addresses": [{"type": "InternalIP", "address": "192.168.0.1"}, {"type": "Hostname", "address": "node-a"}]
    },
}
WEB = Workload("web", "shop", "service")


def listed(*items: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": list(items)}


def test_a_pod_has_its_addresses_since_it_started_and_belongs_to_its_deployment():
    assert from_kubernetes(listed(pod())) == Objects(
        tenures=(Tenure("10.1.0.1", workload(), STARTED_NS), Tenure("fd00::1", workload(), STARTED_NS))
    )


def test_a_service_is_reached_at_its_own_external_and_node_addresses_and_at_its_pods():
    found = from_kubernetes(listed(pod(), SERVICE, SLICE, NODE))
    assert [tenure for tenure in found.tenures if tenure.workload.kind == "service"] == [
        Tenure("10.96.0.1", WEB, STARTED_NS),
        Tenure("203.0.113.1", WEB, STARTED_NS, source=EXTERNAL),
        Tenure("203.0.113.2", WEB, STARTED_NS, source=EXTERNAL),
    ]
    assert set(map(repr, found.ports)) == set(
        map(
            repr,
            [
                ServicePort("10.1.0.1", 8080, WEB, True, STARTED_NS),
                ServicePort("203.0.113.1", 80, WEB, False, STARTED_NS),
                ServicePort("203.0.113.2", 80, WEB, False, STARTED_NS),
                ServicePort("192.168.0.1", 30080, WEB, False, STARTED_NS),
            ],
        )
    )


def test_without_endpoints_the_selector_says_which_pods_serve():
    found = from_kubernetes(listed(pod(), pod("other", "10.1.0.9", metadata={"labels": {"app": "other"}}), SERVICE))
    behind = [(port.address, port.port) for port in found.ports if port.behind]
    assert behind == [("10.1.0.1", 8080), ("fd00::1", 8080)]


def test_legacy_endpoints_say_the_same_as_slices():
    endpoints = {
        "kind": "Endpoints",
        "metadata": {"name": "web", "namespace": "shop"},
        "subsets": [
            {
                "addresses": [{"ip": "10.1.0.1"}],
                "notReadyAddresses": [{"ip": "10.1.0.2"}],
                "ports": [{"port": 8080}],
            }
        ],
    }
    behind = [port for port in from_kubernetes(listed(pod(), SERVICE, SLICE, endpoints)).ports if port.behind]
    assert [(port.address, port.port) for port in behind] == [
        ("10.1.0.1", 8080),
        ("10.1.0.2", 8080),
    ]


def test_endpoints_of_a_service_that_is_not_there_still_name_it():
    (port,) = from_kubernetes(listed(SLICE)).ports
    assert (port.service, port.since_ns) == (Workload("web", "shop", "service"), 0)


def test_a_finished_or_deleted_pod_has_given_its_address_back():
    ended = {"state": {"terminated": {"finishedAt": "2026-01-31T09:31:00Z"}}}
    job = pod(status={"phase": "Succeeded", "containerStatuses": [ended, {"state": {}}]})
    gone = pod(metadata={"deletionTimestamp": "2026-01-31T09:32:00Z"})
    untils = [from_kubernetes(listed(each)).tenures[0].until_ns for each in (job, gone, pod())]
    assert untils == [STARTED_NS + 61 * SECOND, STARTED_NS + 120 * SECOND, FOREVER_NS]


def test_pods_on_the_network_of_their_node_are_told_by_port():
    agent = pod("agent-x", "192.168.0.1", spec={"hostNetwork": True}, status={"podIPs": [{"ip": "192.168.0.1"}]})
    quiet = pod("quiet-x", "192.168.0.1", spec={"hostNetwork": True, "containers": []}, status={"podIPs": []})
    known = IdentityTable([from_kubernetes(listed(agent, quiet, NODE))])
    assert known.resolve("192.168.0.1", 8080, STARTED_NS).pod == "agent-x"
    assert known.resolve("192.168.0.1", 51234, STARTED_NS).pod == ""
    assert known.resolve("192.168.0.1", 51234, STARTED_NS).node == "node-a"
    assert {workload.name for workload, _ in known.workloads()} == {"agent-x", "quiet-x", "node-a"}


def test_a_call_through_a_cluster_address_and_the_pod_behind_it_are_both_known():
    known = IdentityTable([from_kubernetes(listed(pod(), SERVICE, SLICE, NODE))])
    before, after = (known.resolve(*leg, STARTED_NS) for leg in (("10.96.0.1", 80), ("10.1.0.1", 8080)))
    assert (before.service, before.pod, before.name) == ("web", "", "web")
    assert (after.service, after.pod, after.name, after.node) == ("web", "web-5d4f8c7b9d-abcde", after.pod, "node-a")


@pytest.mark.parametrize(
    ("owners", "labels", "owner"),
    [
        ([{"kind": "ReplicaSet", "name": "web-5d4f8c7b9d"}], {"pod-template-hash": "5d4f8c7b9d"}, "Deployment/web"),
        ([{"kind": "ReplicaSet", "name": "web-5d4f8c7b9d"}], {}, "Deployment/web"),
        ([{"kind": "ReplicaSet", "name": "plain"}], {}, "ReplicaSet/plain"),
        ([{"kind": "StatefulSet", "name": "db"}], {}, "StatefulSet/db"),
        ([{"kind": "A", "name": "a"}, {"kind": "B", "name": "b", "controller": True}], {}, "B/b"),
        ([], {}, ""),
    ],
)
def test_the_owner_is_who_controls_the_pod(owners: list[dict[str, Any]], labels: dict[str, str], owner: str):
    found = from_kubernetes(pod(metadata={"ownerReferences": owners, "labels": labels}))
    assert found.tenures[0].workload.owner == owner


def test_typed_lists_single_objects_and_arrays_of_them_are_read():
    bare = {key: value for key, value in pod().items() if key != "kind"}
    for document in (
        listed(pod()),
        {"kind": "PodList", "items": [bare]},
        pod(),
        [listed(pod())],
        listed(listed(pod())),
    ):
        assert len(from_kubernetes(document).tenures) == 2


def test_other_kinds_are_passed_over_and_counted():
    found = from_kubernetes(listed({"kind": "Secret"}, {"kind": "Secret"}, {"kind": "Deployment"}, pod()))
    assert found.ignored == {"Secret": 2, "Deployment": 1}
    assert len(found.tenures) == 2


def test_headless_services_and_pods_without_an_address_have_none():
    headless = {"kind": "Service", "metadata": {"name": "db", "namespace": "shop"}, "spec": {"clusterIP": "None"}}
    pending = pod(status={"podIP": None, "podIPs": None})
    assert from_kubernetes(listed(headless, pending)) == Objects()


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ("text", "the document is 'text', not an object"),
        ({"items": []}, "kind is None, not the kind of a Kubernetes object"),
        ({"kind": "List", "items": {}}, "items is {}, not a list"),
        (listed("pod"), "items[0] is 'pod', not an object"),  # type: ignore[arg-type]
        (listed(pod(), {"kind": "Pod", "metadata": {}}), "items[1].metadata.name is None, not the name of an object"),
        (listed(pod(status={"startTime": "soon"})), "items[0].status.startTime is 'soon', not a time such as"),
        (listed(pod(status={"podIPs": "10.0.0.1"})), "items[0].status.podIPs is '10.0.0.1', not a list"),
        (listed(pod(metadata={"labels": {"a": 1}})), "items[0].metadata.labels.a is 1, not a text"),
        ([[[[[[[[[[]]]]]]]]]], "not an object"),
    ],
)
def test_a_wrong_document_is_refused_with_its_place(document: Any, sentence: str):
    with pytest.raises(UsageError) as caught:
        from_kubernetes(document)
    assert sentence in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 70000) | st.sampled_from(["10.0.0.1", "Pod", "", "http", STARTED]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "items", "metadata", "name", "spec", "status", "podIPs", "ip", "ports", "port"]),
            inner,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from(["Pod", "Service", "EndpointSlice", "Endpoints", "Node", "List"]), JSON, JSON, JSON)
def test_any_document_is_read_or_refused_with_a_sentence(kind: str, spec: Any, status: Any, items: Any):
    document = {"kind": kind, "metadata": {"name": "a"}, "spec": spec, "status": status, "items": items}
    try:
        found = from_kubernetes(document)
    except UsageError as error:
        assert "Kubernetes objects: " in str(error)  # noqa: PT017 - either way is right
    else:
        assert isinstance(IdentityTable([found]).tenures(), list)
