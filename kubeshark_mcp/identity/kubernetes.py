"""Kubernetes objects, as `kubectl get pods,services,endpointslices,nodes -A -o json` prints them, to identities."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from kubeshark_mcp.identity.addresses import canonical
from kubeshark_mcp.identity.document import Document, wrong
from kubeshark_mcp.identity.table import EXTERNAL, Objects, ServicePort
from kubeshark_mcp.model.workload import FOREVER_NS, Tenure, Workload

SECOND_NS = 1_000_000_000
_SERVICE_NAME = "kubernetes.io/service-name"
_HASHED = re.compile(r"(.+)-[0-9a-z]{5,10}")


@dataclass(frozen=True, slots=True)
class _Pod:
    workload: Workload
    addresses: tuple[str, ...]
    since_ns: int
    until_ns: int
    shared: bool
    ports: dict[str, int]
    """Declared container ports by name; by number for those without one."""


@dataclass(frozen=True, slots=True)
class _Service:
    workload: Workload
    since_ns: int
    document: Document


def from_kubernetes(document: Any) -> Objects:
    """Read a List, a typed list (PodList ...), one object, or a JSON array of such.

    Objects of other kinds are passed over and counted. Raises UsageError, which says where something is wrong.
    """
    by_kind: dict[str, list[Document]] = {kind: [] for kind in _KINDS}
    ignored: Counter[str] = Counter()
    for kind, found in _objects(document):
        if kind in by_kind:
            by_kind[kind].append(found)
        else:
            ignored[kind or "(no kind)"] += 1
    pods = [_pod(found) for found in by_kind["Pod"]]
    services = {(s.workload.namespace, s.workload.name): s for s in map(_service, by_kind["Service"])}
    nodes = [tenure for found in by_kind["Node"] for tenure in _node_tenures(found)]
    tenures = [*_pod_tenures(pods), *(tenure for s in services.values() for tenure in _service_tenures(s)), *nodes]
    reached = list(_behind(by_kind, services, pods))
    served = {(port.service.namespace, port.service.name) for port in reached}
    for key, service in services.items():
        reached += _in_front(service, nodes)
        if key not in served:
            reached += _selected(service, pods)
    return Objects(tuple(tenures), _each_once(reached), tuple(_host_ports(pods)), dict(ignored))


def _each_once(ports: list[ServicePort]) -> tuple[ServicePort, ...]:
    """Drop what EndpointSlices and Endpoints both say."""
    found = {(p.address, p.port, p.service.namespace, p.service.name, p.behind): p for p in reversed(ports)}
    return tuple(reversed(found.values()))


_DEEPEST = 8
_KINDS = ("Pod", "Service", "EndpointSlice", "Endpoints", "Node")


def _objects(document: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Document]]:
    """Give (kind, object) of all objects; an item of a typed list has no kind of its own."""
    if isinstance(document, list) and depth < _DEEPEST:
        for index, item in enumerate(document):
            yield from _objects(item, f"{path}[{index}]", depth + 1)
        return
    whole = Document(document, path)
    kind = whole.text("kind")
    if not kind.endswith("List"):
        if not kind:
            raise wrong(f"{path}.kind".lstrip("."), None, "the kind of a Kubernetes object")
        yield kind, whole
        return
    for item in whole.children("items"):
        inner = item.text("kind") or kind.removesuffix("List")
        if inner.endswith("List") and depth < _DEEPEST:
            yield from _objects(item.value, item.path, depth + 1)
        else:
            yield inner, item


def _workload(found: Document, kind: str, node: str = "", owner: str = "") -> Workload:
    metadata = found.child("metadata")
    name = metadata.text("name")
    if not name:
        raise wrong(f"{metadata.path}.name", metadata.value.get("name"), "the name of an object")
    namespace = metadata.text("namespace") if kind == "node" else metadata.text("namespace") or "default"
    return Workload(name, namespace, kind, metadata.mapping("labels"), metadata.mapping("annotations"), node, owner)


def _addresses(texts: Iterable[str]) -> tuple[str, ...]:
    """Give the addresses among texts, each once; `None` and host names are left out."""
    return tuple(dict.fromkeys(filter(None, map(canonical, texts))))


def _pod(found: Document) -> _Pod:
    metadata, spec, status = found.child("metadata"), found.child("spec"), found.child("status")
    since = status.time_ns("startTime") or metadata.time_ns("creationTimestamp")
    until = metadata.time_ns("deletionTimestamp")
    if status.text("phase") in ("Succeeded", "Failed"):
        ended = [
            container.child("state").child("terminated").time_ns("finishedAt")
            for container in status.children("containerStatuses")
        ]
        until = max(ended, default=0) + SECOND_NS if any(ended) else until
    ports: dict[str, int] = {}
    for container in spec.children("containers"):
        for port in container.children("ports"):
            number = port.number("containerPort")
            ports[port.text("name") or str(number)] = number
    addresses = [*(item.text("ip") for item in status.children("podIPs")), status.text("podIP")]
    workload = _workload(found, "pod", spec.text("nodeName"), owner_of(metadata))
    return _Pod(workload, _addresses(addresses), since, until or FOREVER_NS, spec.flag("hostNetwork"), ports)


def owner_of(metadata: Document) -> str:
    """Give who controls an object as `Kind/name`; the Deployment, where a ReplicaSet of one does."""
    owners = metadata.children("ownerReferences")
    owner = next((owner for owner in owners if owner.flag("controller")), owners[0] if owners else None)
    if owner is None:
        return ""
    kind, name = owner.text("kind"), owner.text("name")
    if kind == "ReplicaSet":
        template = metadata.mapping("labels").get("pod-template-hash", "")
        if template and name.endswith(f"-{template}"):
            return f"Deployment/{name.removesuffix(f'-{template}')}"
        if not template and (match := _HASHED.fullmatch(name)):
            return f"Deployment/{match[1]}"
    return f"{kind}/{name}"


def _pod_tenures(pods: list[_Pod]) -> Iterator[Tenure]:
    for pod in pods:
        if not pod.shared:
            for address in pod.addresses:
                yield Tenure(address, pod.workload, pod.since_ns, pod.until_ns)


def _host_ports(pods: list[_Pod]) -> Iterator[tuple[int, Tenure]]:
    """Give the ports of pods on their node's address; -1, which no packet has, where a pod declares none."""
    for pod in pods:
        if pod.shared:
            for address in pod.addresses:
                for number in pod.ports.values() or (-1,):
                    yield number, Tenure(address, pod.workload, pod.since_ns, pod.until_ns)


def _node_tenures(found: Document) -> Iterator[Tenure]:
    workload = _workload(found, "node")
    since = found.child("metadata").time_ns("creationTimestamp")
    for item in found.child("status").children("addresses"):
        if item.text("type") == "InternalIP" and (address := canonical(item.text("address"))):
            yield Tenure(address, workload, since)


def _service(found: Document) -> _Service:
    return _Service(_workload(found, "service"), found.child("metadata").time_ns("creationTimestamp"), found)


def _service_tenures(service: _Service) -> Iterator[Tenure]:
    spec = service.document.child("spec")
    for address in _addresses([*spec.texts("clusterIPs"), spec.text("clusterIP")]):
        yield Tenure(address, service.workload, service.since_ns)
    for address in _external(service):
        yield Tenure(address, service.workload, service.since_ns, source=EXTERNAL)


def _external(service: _Service) -> tuple[str, ...]:
    ingress = service.document.child("status").child("loadBalancer").children("ingress")
    return _addresses([*service.document.child("spec").texts("externalIPs"), *(item.text("ip") for item in ingress)])


def _in_front(service: _Service, nodes: list[Tenure]) -> Iterator[ServicePort]:
    """Give the addresses that a service shares with others: external ones by port, those of nodes by node port."""
    for port in service.document.child("spec").children("ports"):
        for address in _external(service):
            yield ServicePort(address, port.number("port"), service.workload, False, service.since_ns)
        if number := port.number("nodePort"):
            for node in nodes:
                yield ServicePort(node.address, number, service.workload, False, service.since_ns)


def _behind(
    by_kind: dict[str, list[Document]], services: dict[tuple[str, str], _Service], pods: list[_Pod]
) -> Iterator[ServicePort]:
    """Give the pods behind services, as EndpointSlices and Endpoints name them."""
    begun = {address: max(0, pod.since_ns) for pod in pods for address in pod.addresses}
    for kind, name_of in (("EndpointSlice", _slice_name), ("Endpoints", _endpoints_name)):
        for found in by_kind[kind]:
            metadata = found.child("metadata")
            key = (metadata.text("namespace") or "default", name_of(metadata))
            if not key[1]:
                continue
            service = services[key].workload if key in services else Workload(key[1], key[0], "service")
            created = metadata.time_ns("creationTimestamp")
            for addresses, ports in _groups(found, kind):
                for address in _addresses(addresses):
                    for port in ports or [0]:
                        yield ServicePort(address, port, service, True, begun.get(address, created))


def _slice_name(metadata: Document) -> str:
    return metadata.mapping("labels").get(_SERVICE_NAME, "")


def _endpoints_name(metadata: Document) -> str:
    return metadata.text("name")


def _groups(found: Document, kind: str) -> Iterator[tuple[list[str], list[int]]]:
    """Give (addresses, ports) that belong together."""
    if kind == "EndpointSlice":
        ports = [port.number("port") for port in found.children("ports")]
        for endpoint in found.children("endpoints"):
            yield endpoint.texts("addresses"), ports
        return
    for subset in found.children("subsets"):
        ready = [*subset.children("addresses"), *subset.children("notReadyAddresses")]
        yield [item.text("ip") for item in ready], [port.number("port") for port in subset.children("ports")]


def _selected(service: _Service, pods: list[_Pod]) -> Iterator[ServicePort]:
    """Give the pods that a service selects, for a document without endpoints."""
    spec = service.document.child("spec")
    selector = spec.mapping("selector")
    if not selector:
        return
    for pod in pods:
        labels = pod.workload.labels
        same = pod.workload.namespace == service.workload.namespace
        if not same or any(labels.get(key) != value for key, value in selector.items()):
            continue
        for port in spec.children("ports"):
            target = port.value.get("targetPort")
            named = pod.ports.get(target, 0) if isinstance(target, str) else target
            number = named if isinstance(named, int) and named else port.number("port")
            for address in pod.addresses:
                yield ServicePort(address, number, service.workload, True, pod.since_ns, pod.until_ns)
