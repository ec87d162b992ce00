"""The sightings recording: the same calls seen on both nodes, before and after translation, and at many interfaces.

Unlike the other recorders this one does not work on a loopback but on the small cluster of the incident's recorder.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples" / "incident"))

from cluster import Cluster, Node, Pod, Service, pod_name, python, run, stop
from objects import kubectl_list

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NODES = (Node("node-a", "192.168.60.11", "10.244.1"), Node("node-b", "192.168.60.12", "10.244.2"))
PODS = (
    Pod("app", pod_name("client", "Deployment"), "client", "node-a", "10.244.1.5", "client:1.0"),
    Pod("app", pod_name("web", "Deployment"), "web", "node-a", "10.244.1.6", "web:1.0", ports={"http": 8000}),
    Pod("app", pod_name("web", "Deployment", 1), "web", "node-b", "10.244.2.6", "web:1.0", ports={"http": 8000}),
    Pod("data", "redis-0", "redis", "node-b", "10.244.2.7", "redis:7.0", "StatefulSet", ports={"redis": 6379}),
    Pod("kube-system", pod_name("dns", "Deployment"), "dns", "node-a", "10.244.1.2", "dns:1.0", ports={"dns": 53}),
)
SERVICES = (
    Service("kube-system", "kube-dns", "dns", "10.96.0.10", 53, 53, "dns", ("UDP", "TCP")),
    Service("app", "web", "web", "10.96.14.9", 80, 8000),
    Service("data", "redis", "redis", "10.96.77.3", 6379, 6379, "redis"),
)
STEPS = ("calm", "lossy", "reuse")
ABOUT = (
    "One client on node-a calls a service with a pod on each node, Redis on node-b and DNS on node-a, all through "
    "ClusterIPs, and each web pod directly. node-a.pcap and node-b.pcap: tcpdump -i cni0 on each node. "
    "node-a-any.pcap: tcpdump -i any on node-a during the step `calm` (Linux cooked v2). Every call is one line "
    "of `calls`, by the client's own log: identical requests in a row and retries by the client are calls of their "
    "own; a segment that TCP sent again is not. `dropped` packets were lost on the way: after the sender's bridge and "
    "before the receiver's, or between the two sightings on node-a."
)
LOSS = (
    # node, what is lost: requests of both protocols on their way, and answers on their way back
    ("node-a", ("-p", "tcp", "--dport", "8000", "-m", "length", "--length", "100:1500")),
    ("node-a", ("-p", "tcp", "--dport", "6379", "-m", "length", "--length", "100:1500")),
    ("node-b", ("-p", "tcp", "--sport", "8000", "-m", "length", "--length", "100:1500")),
)


def record(out: Path, work: Path) -> None:
    """Record into `<out>/sightings`."""
    folder = out / "sightings"
    folder.mkdir(parents=True, exist_ok=True)
    files = {"node-a": ("node-a", "cni0"), "node-b": ("node-b", "cni0"), "node-a-any": ("node-a", "any")}
    names = {f"{each.name}.{each.namespace}.svc.cluster.local": [each.address] for each in SERVICES}
    (work / "zone.json").write_text(json.dumps(names))
    with Cluster(work, NODES, PODS, SERVICES, in_turn=True) as cluster:
        _start_servers(cluster, work)
        captures = {
            name: cluster.capture(node, interface, work / f"{name}.pcap", "ip")
            for name, (node, interface) in files.items()
        }
        start = datetime.now(UTC)
        addresses = [pod.address for pod in PODS if pod.app == "web"]
        _step(cluster, work, "calm", *addresses)
        time.sleep(2.5)
        stop(captures.pop("node-a-any"), signal.SIGINT)
        dropped = _with_loss(cluster, work)
        _step(cluster, work, "reuse")
        time.sleep(2.5)
        for process in captures.values():
            stop(process, signal.SIGINT)
        cluster.check_captures()
        objects = kubectl_list(cluster, start)
    for name in files:
        (folder / f"{name}.pcap").write_bytes((work / f"{name}.pcap").read_bytes())
    calls = [
        {"step": step, **json.loads(line)}
        for step in STEPS
        for line in (work / "calls" / f"{step}.jsonl").read_text().splitlines()
    ]
    truth: dict[str, Any] = {"about": ABOUT, "dropped": dropped, "calls": calls}
    (folder / "truth.json").write_text(json.dumps(truth, indent=1) + "\n")
    (folder / "resources.json").write_text(json.dumps(objects, indent=1) + "\n")


def _environment(work: Path, name: str) -> dict[str, str]:
    return {"RECORDING_WORK": str(work), "RECORDING_NAME": name, "TZ": "UTC"}


def _start_servers(cluster: Cluster, work: Path) -> None:
    web, dns = HERE / "sightings_web.py", ROOT / "examples" / "incident" / "pods" / "dns_server.py"
    for pod in PODS:
        if pod.app == "web":
            cluster.start(pod.name, *python(str(web)))
            cluster.wait_for(pod.name, 8000)
        elif pod.app == "dns":
            cluster.start(pod.name, *python(str(dns)), environment=_environment(work, "dns"))
            cluster.wait_for(pod.name, 53, "udp")
        elif pod.app == "redis":
            options = ("--save", "", "--protected-mode", "no", "--dir", str(work))
            cluster.start(pod.name, "redis-server", "--bind", "0.0.0.0", *options)
            cluster.wait_for(pod.name, 6379)


def _step(cluster: Cluster, work: Path, *step: str) -> None:
    client = next(pod.name for pod in PODS if pod.app == "client")
    program = python(str(HERE / "sightings_client.py"), *step)
    if cluster.start(client, *program, environment=_environment(work, step[0])).wait(60):
        raise RuntimeError(f"The step {step[0]!r} failed: {(work / f'{client}.out').read_text()[-800:]}")


def _with_loss(cluster: Cluster, work: Path) -> list[dict[str, Any]]:
    """Run the lossy step while every fourth matching packet is dropped; return how many each rule dropped."""
    for node, match in LOSS:
        every = ("-m", "statistic", "--mode", "nth", "--every", "4", "--packet", "1", "-j", "DROP")
        run("ip", "netns", "exec", cluster.namespace(node), "iptables", "-A", "FORWARD", *match, *every)
    _step(cluster, work, "lossy")
    dropped = []
    for node in sorted({node for node, _ in LOSS}):
        table = run("ip", "netns", "exec", cluster.namespace(node), "iptables", "-nvxL", "FORWARD")
        for line in table.splitlines():
            if " DROP " in line:
                port = next(word for word in line.split() if word.startswith(("dpt:", "spt:")))
                dropped.append({"node": node, "port": port, "packets": int(line.split()[0])})
        run("ip", "netns", "exec", cluster.namespace(node), "iptables", "-F", "FORWARD")
    return dropped
