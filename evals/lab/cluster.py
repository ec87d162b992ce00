"""A small cluster out of network namespaces: nodes with a bridge each, a fabric, routed pods, ClusterIPs.

Packets travel as in Kubernetes with a routed CNI and kube-proxy in iptables mode:

- a pod is a network namespace with one /32 address, joined by a veth pair to the bridge `cni0` of its node;
  bridge ports are isolated, so that also pods of one node reach each other through the node's IP layer;
- a ClusterIP is translated in the PREROUTING chain of the *client's* node. `tcpdump -i cni0` there shows the packet
  before the translation, and after it too if the chosen pod lives on the same node; the other node shows it after;
- nodes reach each other over one fabric network, which also carries hosts outside the cluster.

Everything lives in namespaces of a name of its own; nothing outside them is changed, and `close()` removes all of it.
Needs root, iproute2, iptables, and tcpdump for captures.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from evals.lab.processes import run, stop, wait_until

PREFIX = "kmcp"
CLUSTER_DOMAIN = "cluster.local"
QUIET_KERNEL = (
    "net.ipv6.conf.all.disable_ipv6=1",
    "net.ipv6.conf.default.disable_ipv6=1",
    "net.ipv4.conf.all.rp_filter=0",
    "net.ipv4.conf.default.rp_filter=0",
    "net.ipv4.conf.all.send_redirects=0",
    "net.ipv4.conf.default.send_redirects=0",
    "net.ipv4.ip_forward=1",
    "net.bridge.bridge-nf-call-iptables=0",
)
"""Per namespace: no IPv6 chatter, no ICMP redirects, forwarding, and no bridge netfilter (it garbles captures)."""


@dataclass(frozen=True)
class Node:
    """A machine of the cluster. address: on the fabric (InternalIP); pods: first three octets of its pod network."""

    name: str
    address: str
    pods: str


@dataclass(frozen=True)
class Pod:
    """A pod. kind and owner: what made it (`Deployment`, `StatefulSet`, `Job`); ports: name to container port.

    revision: of its Deployment, counted from 0; started: hours to days before the recording unless given.
    """

    namespace: str
    name: str
    app: str
    node: str
    address: str
    image: str
    kind: str = "Deployment"
    owner: str = ""
    ports: Mapping[str, int] = field(default_factory=dict)
    revision: int = 0
    started: datetime | None = None


@dataclass(frozen=True)
class Service:
    """A service of type ClusterIP: `port` of `address` goes to `target_port` of each pod of `app`.

    headless: it has no address of its own, and its name stands for those of its pods. empty: its selector finds none.
    """

    namespace: str
    name: str
    app: str
    address: str
    port: int
    target_port: int
    port_name: str = "http"
    protocols: tuple[str, ...] = ("TCP",)
    headless: bool = False
    empty: bool = False


@dataclass(frozen=True)
class Outside:
    """A host on the fabric that is no part of the cluster."""

    name: str
    address: str


def remove_leftovers() -> None:
    """Remove namespaces of recordings whose process is gone (killed before it could tidy up)."""
    for line in run("ip", "netns", "list").splitlines():
        name = line.split()[0]
        parts = name.split("-")
        if parts[0] == PREFIX and len(parts) > 2 and parts[1].isdigit() and not Path("/proc", parts[1]).exists():
            remove_namespace(name)


def remove_namespace(name: str) -> None:
    """End the processes in a namespace of ours and delete it."""
    for process in run("ip", "netns", "pids", name, check=False).split():
        with contextlib.suppress(ProcessLookupError, ValueError):
            os.kill(int(process), signal.SIGKILL)
    run("ip", "netns", "delete", name, check=False)


class Cluster:
    """Builds the namespaces on `open()`, runs programs in pods and captures on nodes, and removes all on `close()`."""

    def __init__(
        self,
        work: Path,
        nodes: Sequence[Node],
        pods: Sequence[Pod],
        services: Sequence[Service],
        outside: Sequence[Outside] = (),
        in_turn: bool = False,
    ) -> None:
        """Describe a cluster. in_turn: services choose their pods in turn, not at random as kube-proxy does."""
        self.work = work
        self.nodes = {node.name: node for node in nodes}
        self.pods = {pod.name: pod for pod in pods}
        self.services = list(services)
        self.outside = list(outside)
        self.in_turn = in_turn
        self._namespaces: list[str] = []
        self._processes: list[tuple[str, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> Cluster:
        try:
            self.open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- building ----------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Build nodes, fabric, pods, hosts outside and the translation rules."""
        if os.geteuid() != 0:
            raise SystemExit("Recording needs root: it makes network namespaces.")
        remove_leftovers()
        fabric = self._add_namespace("fabric")
        run("ip", "-n", fabric, "link", "add", "br0", "type", "bridge")
        run("ip", "-n", fabric, "link", "set", "br0", "up")
        for node in self.nodes.values():
            self._add_node(node)
        for node in self.nodes.values():
            for other in self.nodes.values():
                if other is not node:
                    self._route(node.name, f"{other.pods}.0/24", other.address)
        for host in self.outside:
            self._add_outside(host)
        for pod in self.pods.values():
            self._add_pod(pod)
        for node in self.nodes.values():
            self._add_rules(node)

    def namespace(self, name: str) -> str:
        """Return the network namespace of a node, a pod or a host outside."""
        return f"{PREFIX}-{os.getpid()}-{name}"

    def _add_namespace(self, name: str) -> str:
        namespace = self.namespace(name)
        run("ip", "netns", "add", namespace)
        self._namespaces.append(namespace)
        # Also a kernel without bridge netfilter is fine: unknown keys are ignored.
        run("ip", "netns", "exec", namespace, "sysctl", "-q", "-e", "-w", *QUIET_KERNEL, check=False)
        run("ip", "-n", namespace, "link", "set", "lo", "up")
        return namespace

    def _route(self, name: str, destination: str, gateway: str) -> None:
        run("ip", "-n", self.namespace(name), "route", "add", destination, "via", gateway)

    def _join_fabric(self, name: str, address: str) -> None:
        fabric, port = self.namespace("fabric"), f"p{len(self._namespaces)}"
        run("ip", "link", "add", port, "netns", fabric, "type", "veth", "peer", "eth0", "netns", self.namespace(name))
        run("ip", "-n", fabric, "link", "set", port, "master", "br0", "up")
        run("ip", "-n", self.namespace(name), "address", "add", f"{address}/24", "dev", "eth0")
        run("ip", "-n", self.namespace(name), "link", "set", "eth0", "up")

    def _add_node(self, node: Node) -> None:
        namespace = self._add_namespace(node.name)
        self._join_fabric(node.name, node.address)
        run("ip", "-n", namespace, "link", "add", "cni0", "type", "bridge", "forward_delay", "0")
        run("ip", "-n", namespace, "address", "add", f"{node.pods}.1/24", "dev", "cni0")
        run("ip", "-n", namespace, "link", "set", "cni0", "up")

    def _add_outside(self, host: Outside) -> None:
        namespace = self._add_namespace(host.name)
        first = next(iter(self.nodes.values()))
        self._join_fabric(host.name, f"{first.address.rpartition('.')[0]}.{200 + self.outside.index(host)}")
        run("ip", "-n", namespace, "address", "add", f"{host.address}/32", "dev", "lo")
        own = f"{first.address.rpartition('.')[0]}.{200 + self.outside.index(host)}"
        for node in self.nodes.values():
            self._route(node.name, f"{host.address}/32", own)

    def _add_pod(self, pod: Pod) -> None:
        namespace, node = self._add_namespace(pod.name), self.nodes[pod.node]
        on_node, port = self.namespace(node.name), f"veth{pod.address.rpartition('.')[2]}"
        run("ip", "link", "add", port, "netns", on_node, "type", "veth", "peer", "eth0", "netns", namespace)
        run("ip", "-n", on_node, "link", "set", port, "master", "cni0", "up")
        run("ip", "-n", on_node, "link", "set", port, "type", "bridge_slave", "isolated", "on")
        run("ip", "-n", namespace, "address", "add", f"{pod.address}/32", "dev", "eth0")
        run("ip", "-n", namespace, "link", "set", "eth0", "up")
        run("ip", "-n", namespace, "route", "add", f"{node.pods}.1", "dev", "eth0", "scope", "link")
        run("ip", "-n", namespace, "route", "add", "default", "via", f"{node.pods}.1", "dev", "eth0")

    def _add_rules(self, node: Node, leave_out: Sequence[str] = ()) -> None:
        rules = ["*nat", ":KUBE-SERVICES - [0:0]", "-A PREROUTING -j KUBE-SERVICES", "-A OUTPUT -j KUBE-SERVICES"]
        for number, service in enumerate(each for each in self.services if not each.headless):
            chain = f"KUBE-SVC-{number:04d}"
            rules.append(f":{chain} - [0:0]")
            for protocol in service.protocols:
                low = protocol.lower()
                rules.append(f"-A KUBE-SERVICES -d {service.address}/32 -p {low} --dport {service.port} -j {chain}")
                ready = [pod for pod in self.endpoints(service) if pod.name not in leave_out]
                rules += _to_pods(chain, low, ready, service.target_port, self.in_turn)
        # Traffic that leaves the cluster takes the node's address.
        rules.append(f"-A POSTROUTING -s {node.pods}.0/24 -o eth0 ! -d 10.0.0.0/8 -j MASQUERADE")
        text = "\n".join([*rules, "COMMIT", ""])
        run("ip", "netns", "exec", self.namespace(node.name), "iptables-restore", stdin=text)
        self._refuse_empty(node)

    def _refuse_empty(self, node: Node) -> None:
        """Answer connections to services without pods with ICMP, as kube-proxy does."""
        for service in self.services:
            if service.empty:
                namespace = self.namespace(node.name)
                run("ip", "-n", namespace, "route", "replace", f"{service.address}/32", "dev", "eth0")
                rule = ("-d", f"{service.address}/32", "-p", "tcp", "--dport", f"{service.port}", "-j", "REJECT")
                self.iptables(node.name, "-I", "FORWARD", *rule)

    # -- changing while it runs --------------------------------------------------------------------------------

    def add_pod(self, pod: Pod) -> None:
        """Add a pod to the running cluster; services do not know it before `refresh_services`."""
        self.pods[pod.name] = pod
        self._add_pod(pod)

    def remove_pod(self, name: str) -> None:
        """End a pod's programs as the kubelet does (SIGTERM first) and remove it; its connections die with it."""
        for owner, process in list(self._processes):
            if owner == name:
                self._processes.remove((owner, process))
                stop(process, signal.SIGTERM, 2)
        namespace = self.namespace(name)
        self._namespaces.remove(namespace)
        remove_namespace(namespace)
        del self.pods[name]

    def replace_service(self, old: Service, new: Service) -> None:
        """Change a service; connections that are open stay where they are."""
        self.services[self.services.index(old)] = new
        self.refresh_services()

    def refresh_services(self, leave_out: Sequence[str] = ()) -> None:
        """Write the translation rules anew for the pods as they are now. leave_out: pods that are not ready."""
        for node in self.nodes.values():
            self._add_rules(node, leave_out)

    def iptables(self, name: str, *rule: str) -> None:
        """Run iptables in the namespace of a node, pod or host outside."""
        run("ip", "netns", "exec", self.namespace(name), "iptables", "-w", *rule)

    def sysctl(self, name: str, setting: str) -> None:
        """Set a kernel setting (`key=value`) in the namespace of a node, pod or host outside."""
        run("ip", "netns", "exec", self.namespace(name), "sysctl", "-q", "-w", setting)

    def traffic_control(self, name: str, *arguments: str) -> None:
        """Run tc in the namespace of a node, pod or host outside."""
        run("ip", "netns", "exec", self.namespace(name), "tc", *arguments)

    def signal(self, name: str, word: str) -> None:
        """Send a signal (`STOP`, `CONT`) to all programs in that namespace."""
        for process in run("ip", "netns", "pids", self.namespace(name)).split():
            run("kill", f"-{word}", process)

    def endpoints(self, service: Service) -> list[Pod]:
        """Return the pods behind a service."""
        if service.empty:
            return []
        return [pod for pod in self.pods.values() if (pod.namespace, pod.app) == (service.namespace, service.app)]

    # -- running -----------------------------------------------------------------------------------------------

    def start(self, name: str, *command: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a program in the namespace of a pod, node or host; a pod gets its own resolver configuration.

        The program's output goes to `<work>/<name>.out`. It dies with this process even if that is killed.
        """
        script = 'ip link set lo up; exec setpriv --pdeathsig KILL -- "$@"'
        if name in self.pods:
            resolver = self.work / f"{name}.resolv.conf"
            resolver.write_text(self._resolver(self.pods[name]))
            script = f'mount --bind "{resolver}" /etc/resolv.conf && {script}'
        inside = ("ip", "netns", "exec", self.namespace(name), "sh", "-c", script, "sh", *command)
        with (self.work / f"{name}.out").open("ab") as output:
            process = subprocess.Popen(
                inside,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={**os.environ, **(environment or {})},
            )
        self._processes.append((name, process))
        return process

    def _resolver(self, pod: Pod) -> str:
        server = next((service.address for service in self.services if service.port == 53), "127.0.0.1")
        search = f"{pod.namespace}.svc.{CLUSTER_DOMAIN} svc.{CLUSTER_DOMAIN} {CLUSTER_DOMAIN}"
        return f"search {search}\nnameserver {server}\noptions ndots:5\n"

    def capture(self, node: str, interface: str, path: Path, *more: str) -> subprocess.Popen[bytes]:
        """Start tcpdump on an interface of a node, writing to `path`; returns once it is listening."""
        command = ("tcpdump", "-i", interface, "-n", "-U", "-B", "8192", "-Z", "root", "-w", str(path), *more)
        process = self.start(node, *command)
        wait_until(lambda: path.exists() and path.stat().st_size >= 24, f"tcpdump on {node} to listen")
        return process

    def check_captures(self) -> None:
        """Raise RuntimeError if the kernel dropped packets of an ended capture: the logs would not agree with it."""
        for node in self.nodes:
            said = (self.work / f"{node}.out").read_text(errors="replace")
            if any(int(count) for count in re.findall(r"(\d+) packets dropped by kernel", said)):
                raise RuntimeError(f"The capture on {node} is not whole: {said[-300:]}")

    def listening(self, name: str, port: int, protocol: str = "tcp") -> bool:
        """Whether something listens on a port in that namespace."""
        flag = "-Hltn" if protocol == "tcp" else "-Hlun"
        lines = run("ip", "netns", "exec", self.namespace(name), "ss", flag).splitlines()
        return any(line.split()[3].endswith(f":{port}") for line in lines)

    def wait_for(self, name: str, port: int, protocol: str = "tcp", patience: float = 20.0) -> None:
        """Wait until something listens on a port in that namespace; patience in seconds."""
        what = f"{name} to listen on {protocol} port {port}"
        wait_until(lambda: self.listening(name, port, protocol), what, patience)

    def check_alive(self) -> None:
        """Raise RuntimeError with the last output of a program that ended by itself with a failure."""
        for name, process in self._processes:
            if process.poll():
                said = (self.work / f"{name}.out").read_text(errors="replace")[-800:]
                raise RuntimeError(f"The program in {name} ended with {process.returncode}: {said}")

    def close(self) -> None:
        """End every program of this cluster and delete its namespaces; safe to call twice."""
        for _, process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        for _, process in reversed(self._processes):
            stop(process, signal.SIGTERM, 2)
        self._processes.clear()
        for namespace in reversed(self._namespaces):
            remove_namespace(namespace)
        self._namespaces.clear()


def _to_pods(chain: str, protocol: str, pods: Sequence[Pod], port: int, in_turn: bool) -> list[str]:
    """Rules that spread connections evenly over pods, as kube-proxy writes them, or in turn."""
    rules = []
    for position, pod in enumerate(pods):
        left = len(pods) - position
        mode = f"nth --every {left} --packet 0" if in_turn else f"random --probability {1 / left:.5f}"
        chance = f"-m statistic --mode {mode} " if left > 1 else ""
        rules.append(f"-A {chain} -p {protocol} {chance}-j DNAT --to-destination {pod.address}:{port}")
    return rules


def pod_name(app: str, kind: str, number: int = 0, revision: int = 0) -> str:
    """Make a pod name as its kind of owner does; always the same for the same input."""
    letters = "bcdfghjklmnpqrstvwxz2456789"
    chance = random.Random(f"{app}/{number}" + (f"@{revision}" if revision else ""))
    tail = "".join(chance.choices(letters, k=5))
    if kind == "StatefulSet":
        return f"{app}-{number}"
    if kind == "Job":
        return f"{app}-{29_000_000 + chance.randrange(400_000)}-{tail}"
    return f"{app}-{template_hash(app, revision)}-{tail}"


def template_hash(app: str, revision: int = 0) -> str:
    """Return the pod-template-hash of a Deployment's ReplicaSet of that revision."""
    return "".join(random.Random(f"{app}@{revision}" if revision else app).choices("bcdf4567890", k=9))
