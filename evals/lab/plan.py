"""From workloads to a cluster: nodes, pods with names and addresses, services, names in DNS. Always the same."""

from __future__ import annotations

import random
import string
from collections.abc import Mapping
from dataclasses import dataclass

from evals.lab.cluster import CLUSTER_DOMAIN, Node, Outside, Pod, Service, pod_name
from evals.lab.incident import Host, Incident, Workload

FIRST_POD = 10
DNS_ADDRESS = "10.96.0.10"


@dataclass(frozen=True)
class Plan:
    """Who lives where. pods: by app, in order of replicas."""

    nodes: tuple[Node, ...]
    pods: Mapping[str, tuple[Pod, ...]]
    services: Mapping[str, Service]
    hosts: tuple[Outside, ...]

    @property
    def all_pods(self) -> tuple[Pod, ...]:
        """All pods."""
        return tuple(pod for pods in self.pods.values() for pod in pods)

    def apps(self) -> dict[str, str]:
        """Pod name to app: whose log it is."""
        return {pod.name: pod.app for pod in self.all_pods}

    def zone(self, hosts: tuple[Host, ...]) -> dict[str, list[str]]:
        """List the names that DNS knows, without final dots."""
        services = {
            f"{each.name}.{each.namespace}.svc.{CLUSTER_DOMAIN}": (
                [pod.address for pod in self.pods[each.app]] if each.headless else [each.address]
            )
            for each in self.services.values()
        }
        pods = {
            f"{pod.address.replace('.', '-')}.{pod.namespace}.pod.{CLUSTER_DOMAIN}": [pod.address]
            for pod in self.all_pods
        }
        return services | pods | {host.name: [host.address] for host in hosts}

    def words(self) -> dict[str, str]:
        """`$app`, `$app_1`, `$app_pod`, `$app_1_pod`, `$app_service`, `$host_name` for filters and facts."""
        found: dict[str, str] = {}
        for app, pods in self.pods.items():
            for number, pod in enumerate(pods):
                key = word(app) + (f"_{number}" if number else "")
                found |= {key: pod.address, f"{key}_pod": pod.name}
        found |= {f"{word(app)}_service": service.address for app, service in self.services.items()}
        found |= {word(node.name): node.address for node in self.nodes}
        return found | {word(host.name): host.address for host in self.hosts}

    def fill(self, text: str) -> str:
        """Put addresses and names in place of `$words`."""
        return string.Template(text).safe_substitute(self.words())


def word(name: str) -> str:
    """Make a name a word for templates."""
    return name.replace("-", "_").replace(".", "_")


def make_plan(incident: Incident) -> Plan:
    """Give every replica a node, a name and an address, and every service an address."""
    letters = sorted({letter for workload in incident.workloads for letter in workload.nodes} | {"a", "b"})
    nodes = tuple(Node(f"node-{letter}", f"192.168.50.{11 + n}", f"10.244.{1 + n}") for n, letter in enumerate(letters))
    used = dict.fromkeys(letters, FIRST_POD)
    pods: dict[str, tuple[Pod, ...]] = {}
    services: dict[str, Service] = {}
    for workload in incident.workloads:
        if workload.app in pods:
            raise ValueError(f"{incident.name}: there are two workloads {workload.app!r}. Names of apps are unique.")
        made = []
        for number, letter in enumerate(workload.nodes):
            prefix = nodes[letters.index(letter)].pods
            made.append(make_pod(workload, number, f"node-{letter}", f"{prefix}.{used[letter]}"))
            used[letter] += 1
        pods[workload.app] = tuple(made)
        if workload.service_port:
            services[workload.app] = _service(workload)
    hosts = tuple(Outside(host.name, host.address) for host in incident.hosts)
    return Plan(nodes, pods, services, hosts)


def make_pod(workload: Workload, number: int, node: str, address: str, revision: int = 0) -> Pod:
    """Make a pod of a workload."""
    ports = {workload.port_name: workload.port} if workload.port else {}
    name = pod_name(workload.app, workload.kind, number, revision)
    return Pod(
        workload.namespace, name, workload.app, node, address, workload.image, workload.kind, ports=ports,
        revision=revision,
    )  # fmt: skip


def _service(workload: Workload) -> Service:
    chance = random.Random(workload.name)
    address = f"10.96.{chance.randint(1, 254)}.{chance.randint(1, 254)}"
    port = (workload.service_port, workload.port, workload.port_name)
    if workload.program == "dns_server":
        return Service(workload.namespace, "kube-dns", workload.app, DNS_ADDRESS, *port, ("UDP", "TCP"))
    return Service(workload.namespace, workload.app, workload.app, address, *port, headless=workload.headless)
