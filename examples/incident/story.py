"""The cluster of the incident: who lives where, and how each program is started."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from evals.lab.cluster import CLUSTER_DOMAIN, Cluster, Node, Outside, Pod, Service, pod_name
from evals.lab.processes import python
from evals.lab.servers import psql, redis_cli, start_postgres, start_redis, wait_for_postgres

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "pods"
SHARED = HERE.parents[1] / "evals" / "lab" / "programs"
"""Programs and clients that any cluster of the incident lab can use."""
NODES = (Node("node-a", "192.168.50.11", "10.244.1"), Node("node-b", "192.168.50.12", "10.244.2"))
OUTSIDE = (Outside("rates", "203.0.113.20"),)
EXTERNAL_NAMES = {"rates.example.net": ["203.0.113.20"]}


def _pod(namespace: str, app: str, node: str, last: int, image: str, kind: str = "Deployment", **more: int) -> Pod:
    number = more.pop("number", 0)
    pods = next(found.pods for found in NODES if found.name == node)
    return Pod(namespace, pod_name(app, kind, number), app, node, f"{pods}.{last}", image, kind, ports=more)


PODS = (
    _pod("shop", "storefront", "node-a", 10, "nginx:1.22", http=8080),
    _pod("shop", "orders", "node-a", 11, "registry.shop.example/orders:4.2", http=8000),
    _pod("shop", "payments", "node-a", 12, "registry.shop.example/payments:2.0", http=8000),
    _pod("shop", "payments", "node-b", 13, "registry.shop.example/payments:2.0", http=8000, number=1),
    _pod("shop", "catalog", "node-b", 14, "registry.shop.example/catalog:1.9", http=8000),
    _pod("data", "redis", "node-b", 30, "redis:7.0", "StatefulSet", redis=6379),
    _pod("data", "postgres", "node-b", 31, "postgres:15", "StatefulSet", postgres=5432),
    _pod("kube-system", "dns", "node-b", 2, "registry.shop.example/dns:1.0", dns=53),
    _pod("batch", "reporter", "node-a", 20, "registry.shop.example/reporter:0.8", "Job"),
    _pod("monitoring", "exporter", "node-a", 21, "registry.shop.example/exporter:1.1"),
    _pod("edge", "gateway", "node-b", 40, "registry.shop.example/gateway:2.3"),
)
SERVICES = (
    Service("kube-system", "kube-dns", "dns", "10.96.0.10", 53, 53, "dns", ("UDP", "TCP")),
    Service("shop", "storefront", "storefront", "10.96.41.7", 80, 8080),
    Service("shop", "orders", "orders", "10.96.87.120", 80, 8000),
    Service("shop", "payments", "payments", "10.96.112.64", 80, 8000),
    Service("shop", "catalog", "catalog", "10.96.203.18", 80, 8000),
    Service("data", "redis", "redis", "10.96.150.31", 6379, 6379, "redis"),
    Service("data", "postgres", "postgres", "10.96.9.214", 5432, 5432, "postgres"),
)
HOME_PAGE = "<!doctype html>\n<title>Shop</title>\n" + "".join(f"<p>Offer {n}: two for one.</p>\n" for n in range(40))
SORRY_PAGE = "<!doctype html>\n<title>Sorry</title>\n<p>Something went wrong. Please try again.</p>\n"
SCHEMA = """CREATE TABLE products (id int PRIMARY KEY, name text, cents int);
CREATE TABLE sales (number int, cents int, at timestamptz DEFAULT now());
INSERT INTO products SELECT n, 'Product ' || n, 500 + 37 * n FROM generate_series(1, 40) n;
INSERT INTO sales SELECT n, 990 + n % 7 * 500 FROM generate_series(1, 5000) n;
"""


def zone(services: tuple[Service, ...], pods: tuple[Pod, ...]) -> dict[str, list[str]]:
    """List the names that the DNS server knows."""
    names = {f"{each.name}.{each.namespace}.svc.{CLUSTER_DOMAIN}": [each.address] for each in services}
    names |= {
        f"{each.address.replace('.', '-')}.{each.namespace}.pod.{CLUSTER_DOMAIN}": [each.address] for each in pods
    }
    return names | EXTERNAL_NAMES


class Shop:
    """Starts the programs of the pods in an order that works, and tells them when to make calls."""

    def __init__(self, cluster: Cluster, work: Path) -> None:
        self.cluster, self.work = cluster, work
        self._phase = work / "phase"

    def pod(self, app: str, number: int = 0) -> Pod:
        """Return a pod of an app."""
        return [pod for pod in PODS if pod.app == app][number]

    def phase(self, name: str) -> None:
        """Set what the clients do: `warm`, `hold`, `run` or `stop`."""
        fresh = self.work / "phase.new"
        fresh.write_text(name)
        fresh.replace(self._phase)

    def program(self, name: str, program: str, *arguments: str, **settings: str) -> subprocess.Popen[bytes]:
        """Start one of our own programs in a pod, on a node or on a host outside."""
        environment = {"RECORDING_WORK": str(self.work), "RECORDING_NAME": program, "TZ": "UTC"}
        environment |= {"PYTHONPATH": str(SHARED), **settings}
        if program == "payments":
            environment["RECORDING_NAME"] = f"payments-{name[-5:]}"
        if program == "prober":
            environment["RECORDING_NAME"] = f"prober-{name}"
        folder = PROGRAMS if (PROGRAMS / f"{program}.py").exists() else SHARED
        return self.cluster.start(name, *python(str(folder / f"{program}.py"), *arguments), environment=environment)

    def open(self, settings: Mapping[str, Mapping[str, str]]) -> None:
        """Start all programs. settings: for each program, its environment."""
        self.phase("hold")
        (self.work / "calls").mkdir(exist_ok=True)
        (self.work / "zone.json").write_text(json.dumps(zone(SERVICES, PODS)))
        self.program(self.pod("dns").name, "dns_server")
        self.program("rates", "rates")
        self._start_postgres()
        self._start_redis()
        self.cluster.wait_for(self.pod("dns").name, 53, "udp")
        for app in ("catalog", "orders", "payments"):
            for pod in [pod for pod in PODS if pod.app == app]:
                self.program(pod.name, app, **settings.get(app, {}))
                self.cluster.wait_for(pod.name, 8000)
        self._start_storefront()
        self.phase("warm")
        for app in ("reporter", "exporter", "gateway"):
            self.program(self.pod(app).name, app, **settings.get(app, {}))
        for node in NODES:
            probes = [
                f"{pod.address}:{pod.ports['http']}/healthz"
                for pod in PODS
                if pod.node == node.name and "http" in pod.ports
            ]
            self.program(node.name, "prober", *probes)

    def _start_postgres(self) -> None:
        pod = self.pod("postgres").name
        start_postgres(self.cluster, self.work, pod, "shop", {})
        wait_for_postgres(self.cluster, self.work, pod, "shop")
        psql(self.work, pod, "shop", "CREATE DATABASE shop", "postgres")
        psql(self.work, pod, "shop", SCHEMA)

    def _start_redis(self) -> None:
        pod = self.pod("redis").name
        start_redis(self.cluster, self.work, pod, {})
        self.cluster.wait_for(pod, 6379)

    def redis(self, *command: str) -> str:
        """Give Redis a command through its local socket, which no capture sees."""
        return redis_cli(self.work, self.pod("redis").name, *command)

    def fill_redis(self, size: int) -> None:
        """Store rows as earlier runs of the batch job left them, until Redis uses `size` bytes."""
        chance = random.Random(3)
        while (used := int(self.redis("INFO", "memory").partition("used_memory:")[2].split()[0])) < size:
            count = max(1, min(50, (size - used) // 1200))
            rows = (f"SET report:{chance.getrandbits(64):016x}:{place} {'1234567,' * 115}" for place in range(count))
            redis_cli(self.work, self.pod("redis").name, stdin="\n".join(rows))

    def _start_storefront(self) -> None:
        pod, pages = self.pod("storefront").name, self.work / "storefront"
        pages.mkdir()
        (pages / "index.html").write_text(HOME_PAGE)
        (pages / "sorry.html").write_text(SORRY_PAGE)
        configuration = self.work / "storefront.conf"
        configuration.write_text((HERE / "storefront.conf").read_text().replace("WORK", str(self.work)))
        self.cluster.start(pod, "nginx", "-p", str(self.work), "-c", str(configuration))
        self.cluster.wait_for(pod, 8080)

    def settle(self, seconds: float) -> None:
        """Let time pass, watching that no program dies."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.cluster.check_alive()
            time.sleep(0.25)
