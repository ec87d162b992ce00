"""The cluster's objects as `kubectl get pods,services,endpointslices,nodes -A -o json` prints them (kind List)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from evals.lab.cluster import Cluster, Node, Pod, Service, template_hash

NAMES = uuid.UUID("5c0c6f0e-3c52-4b8e-9d9a-0d5a6f9b7c11")
"""Name space of the objects' uids: the same object has the same uid in each recording."""


def uid(*parts: str) -> str:
    """Return the uid of an object."""
    return str(uuid.uuid5(NAMES, "/".join(parts)))


def stamp(moment: datetime) -> str:
    """Write a time as Kubernetes does: RFC 3339, whole seconds, UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def kubectl_list(cluster: Cluster, taken: datetime) -> dict[str, Any]:
    """All objects of the cluster. taken: the time of the recording; pods are a few hours to days older."""
    pods = [
        _pod(cluster, pod, pod.started or taken - timedelta(hours=7 + 5 * place))
        for place, pod in enumerate(cluster.pods.values())
    ]
    services = [_service(service, taken) for service in cluster.services]
    slices = [_endpoint_slice(cluster, service, taken) for service in cluster.services]
    nodes = [_node(node, taken) for node in cluster.nodes.values()]
    return {
        "apiVersion": "v1",
        "items": pods + services + slices + nodes,
        "kind": "List",
        "metadata": {"resourceVersion": ""},
    }


def _metadata(kind: str, name: str, namespace: str, made: datetime, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"creationTimestamp": stamp(made), "name": name, **more}
    if namespace:
        found["namespace"] = namespace
    found["resourceVersion"] = str(int(uid(kind, namespace, name)[:5], 16))
    found["uid"] = uid(kind, namespace, name)
    return found


def _owner(pod: Pod) -> dict[str, Any]:
    kinds = {
        "Deployment": ("apps/v1", "ReplicaSet", f"{pod.app}-{template_hash(pod.app, pod.revision)}"),
        "StatefulSet": ("apps/v1", "StatefulSet", pod.app),
        "Job": ("batch/v1", "Job", pod.name.rpartition("-")[0]),
    }
    version, kind, name = kinds[pod.kind]
    return {
        "apiVersion": version,
        "blockOwnerDeletion": True,
        "controller": True,
        "kind": kind,
        "name": name,
        "uid": uid(kind, pod.namespace, name),
    }


def _labels(pod: Pod) -> Mapping[str, str]:
    labels = {"app": pod.app, "app.kubernetes.io/name": pod.app}
    if pod.kind == "Deployment":
        labels["pod-template-hash"] = template_hash(pod.app, pod.revision)
    elif pod.kind == "StatefulSet":
        labels["statefulset.kubernetes.io/pod-name"] = pod.name
    else:
        labels["batch.kubernetes.io/job-name"] = pod.name.rpartition("-")[0]
    return labels


def _pod(cluster: Cluster, pod: Pod, started: datetime) -> dict[str, Any]:
    host = cluster.nodes[pod.node].address
    ports = [{"containerPort": number, "name": name, "protocol": "TCP"} for name, number in pod.ports.items()]
    more = {
        "generateName": pod.name.rpartition("-")[0] + "-",
        "labels": dict(_labels(pod)),
        "ownerReferences": [_owner(pod)],
    }
    status = {
        "containerID": f"containerd://{uid('container', pod.name).replace('-', '') * 2}",
        "image": pod.image,
        "imageID": "",
        "name": pod.app,
        "ready": True,
        "restartCount": 0,
        "started": True,
        "state": {"running": {"startedAt": stamp(started + timedelta(seconds=3))}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _metadata("Pod", pod.name, pod.namespace, started, **more),
        "spec": {
            "containers": [{"image": pod.image, "name": pod.app, "ports": ports}],
            "nodeName": pod.node,
            "restartPolicy": "OnFailure" if pod.kind == "Job" else "Always",
            "serviceAccountName": "default",
        },
        "status": {
            "conditions": [
                {"lastTransitionTime": stamp(started + timedelta(seconds=4)), "status": "True", "type": "Ready"}
            ],
            "containerStatuses": [status],
            "hostIP": host,
            "hostIPs": [{"ip": host}],
            "phase": "Running",
            "podIP": pod.address,
            "podIPs": [{"ip": pod.address}],
            "qosClass": "BestEffort",
            "startTime": stamp(started),
        },
    }


def _ports(service: Service) -> list[dict[str, Any]]:
    several = len(service.protocols) > 1
    return [
        {
            "name": f"{service.port_name}-{protocol.lower()}" if several and protocol != "UDP" else service.port_name,
            "port": service.port,
            "protocol": protocol,
            "targetPort": service.target_port,
        }
        for protocol in service.protocols
    ]


def _service(service: Service, taken: datetime) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(
            "Service", service.name, service.namespace, taken - timedelta(days=40), labels={"app": service.app}
        ),
        "spec": {
            "clusterIP": "None" if service.headless else service.address,
            "clusterIPs": ["None" if service.headless else service.address],
            "internalTrafficPolicy": "Cluster",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "ports": _ports(service),
            "selector": {"app": f"{service.app}-v2" if service.empty else service.app},
            "sessionAffinity": "None",
            "type": "ClusterIP",
        },
        "status": {"loadBalancer": {}},
    }


def _endpoint_slice(cluster: Cluster, service: Service, taken: datetime) -> dict[str, Any]:
    tail = uid("EndpointSlice", service.namespace, service.name)[:5]
    owner = {
        "apiVersion": "v1",
        "blockOwnerDeletion": True,
        "controller": True,
        "kind": "Service",
        "name": service.name,
        "uid": uid("Service", service.namespace, service.name),
    }
    endpoints = [
        {
            "addresses": [pod.address],
            "conditions": {"ready": True, "serving": True, "terminating": False},
            "nodeName": pod.node,
            "targetRef": {
                "kind": "Pod",
                "name": pod.name,
                "namespace": pod.namespace,
                "uid": uid("Pod", pod.namespace, pod.name),
            },
        }
        for pod in cluster.endpoints(service)
    ]
    labels = {
        "app": service.app,
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        "kubernetes.io/service-name": service.name,
    }
    return {
        "addressType": "IPv4",
        "apiVersion": "discovery.k8s.io/v1",
        "endpoints": endpoints,
        "kind": "EndpointSlice",
        "metadata": _metadata(
            "EndpointSlice",
            f"{service.name}-{tail}",
            service.namespace,
            taken - timedelta(days=40),
            generateName=f"{service.name}-",
            labels=labels,
            ownerReferences=[owner],
        ),
        "ports": [{"name": p["name"], "port": p["targetPort"], "protocol": p["protocol"]} for p in _ports(service)],
    }


def _node(node: Node, taken: datetime) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": _metadata(
            "Node", node.name, "", taken - timedelta(days=90), labels={"kubernetes.io/hostname": node.name}
        ),
        "spec": {"podCIDR": f"{node.pods}.0/24", "podCIDRs": [f"{node.pods}.0/24"]},
        "status": {
            "addresses": [
                {"address": node.address, "type": "InternalIP"},
                {"address": node.name, "type": "Hostname"},
            ],
            "conditions": [{"reason": "KubeletReady", "status": "True", "type": "Ready"}],
        },
    }
