"""An incident as data: who lives in the cluster, what they do, what goes wrong when, and what is true of it.

A file in `evals/lab/incidents/` sets `INCIDENT`. Everything here is plain; `running.Lab` carries it out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evals.lab.steps import Step
from evals.lab.truth import Cause, Fact, Mechanism, Size, Wrong

if TYPE_CHECKING:
    from evals.lab.logs import Calls, Logs
    from evals.lab.running import Lab

Routes = Mapping[str, list[Step]]


@dataclass(frozen=True)
class Workload:
    """A workload and its service. Make one with the functions below.

    nodes: the node of each replica, one letter each (`"ab"`: two, on node-a and node-b); program: what runs in the
    pods: a file of `programs/`, or nginx, redis, postgres, rabbitmq; settings: what that program is told; port: of the
    container, 0 when it serves nobody; service_port: of the ClusterIP, 0 for no service; headless: without one.
    """

    namespace: str
    app: str
    nodes: str
    program: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    port: int = 0
    service_port: int = 0
    port_name: str = "http"
    kind: str = "Deployment"
    image: str = ""
    probed: bool = False
    headless: bool = False

    @property
    def name(self) -> str:
        """`namespace/app`, as truths name it."""
        return f"{self.namespace}/{self.app}"


@dataclass(frozen=True)
class Host:
    """A host outside the cluster: a DNS name and what it answers; tls: with a certificate of the lab's authority."""

    name: str
    address: str
    routes: Routes
    tls: bool = False
    port: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def listens(self) -> int:
        """Its port."""
        return self.port or (443 if self.tls else 80)


@dataclass(frozen=True)
class Witnessed:
    """Packets that tshark counts on one node. packets: exact, or (at least, at most); None: as many as the rows."""

    node: str
    filter: str
    packets: int | tuple[int, int | None] | None = None


@dataclass(frozen=True)
class Claim:
    """A KFL filter and the rows that it must select.

    rows: a number, or (at least, at most or None), or a function that counts in the pods' own logs: the count must
    then be exactly that. slack: rows that it may differ by. In filters `$app`, `$app_1` (second replica) and
    `$app_service` stand for addresses. baseline: the rows in the capture before the fault, if there is one.
    """

    kfl: str
    meaning: str
    rows: int | tuple[int, int | None] | Callable[[Logs], int]
    slack: int = 0
    baseline: int | tuple[int, int | None] | None = None
    tshark: Witnessed | None = None


@dataclass(frozen=True)
class Incident:
    """One incident, or a healthy case when `cause` is None.

    seconds: of the window; fault_at: seconds into the window at which `fault` is called; onset: calls whose first is
    the onset, instead of the moment of the fault; baseline: seconds of a capture before the window, without the
    fault; drain: seconds that calls under way need to end; prepare: called once before anything is captured.
    Texts of facts may use `$app`, `$app_pod` and `$app_1_pod`.
    """

    name: str
    title: str
    workloads: tuple[Workload, ...]
    claims: tuple[Claim, ...]
    must_not_claim: tuple[Wrong, ...]
    size: Size = "small"
    hosts: tuple[Host, ...] = ()
    seconds: float = 24.0
    fault_at: float = 8.0
    fault: Callable[[Lab], None] | None = None
    prepare: Callable[[Lab], None] | None = None
    onset: Callable[[Logs], Calls] | None = None
    onset_tolerance: float = 3.0
    cause: Cause | None = None
    accept: tuple[Cause, ...] = ()
    also: tuple[Cause, ...] = ()
    chain: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    notes: tuple[str, ...] = ()
    baseline: float = 0.0
    drain: float = 2.0
    kubelets: bool = True

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong."""
        return self.cause is None

    @property
    def mechanism(self) -> Mechanism | None:
        """The class of its fault."""
        return self.cause.mechanism if self.cause else None


def http_service(
    namespace: str, app: str, nodes: str, routes: Routes, version: str = "1.4", port: int = 8080, **settings: Any
) -> Workload:
    """Make an HTTP service. settings: `workers`, `latency`, `fail` as in `programs/http_service.py`."""
    told = {"routes": dict(routes), "port": port, "agent": f"{app}/{version}", **settings}
    image = f"registry.example/{namespace}/{app}:{version}"
    return Workload(namespace, app, nodes, "http_service", told, port, 80, "http", image=image, probed=True)


def grpc_service(
    namespace: str, app: str, nodes: str, routes: Routes, version: str = "0.9", max_age: float = 6.0, **settings: Any
) -> Workload:
    """Make a gRPC service. max_age: seconds after which a connection gets GOAWAY."""
    told = {"routes": dict(routes), "port": 50051, "agent": f"{app}/{version}", "max_age": max_age, **settings}
    image = f"registry.example/{namespace}/{app}:{version}"
    return Workload(namespace, app, nodes, "grpc_service", told, 50051, 50051, "grpc", image=image)


def nginx(namespace: str, app: str, nodes: str, upstreams: Mapping[str, str], **settings: Any) -> Workload:
    """Make a reverse proxy.

    upstreams: path prefix to `service.namespace`; settings: `patience` (seconds, 5), `lines` (more for its server).
    """
    told = {"upstreams": dict(upstreams), **settings}
    return Workload(namespace, app, nodes, "nginx", told, 8080, 80, "http", image="nginx:1.22", probed=True)


def redis_server(namespace: str, app: str, nodes: str, **options: str) -> Workload:
    """Make a Redis. options: its configuration, `maxmemory="2mb"` (underscores for dashes)."""
    told = {"options": {name.replace("_", "-"): value for name, value in options.items()}}
    return Workload(namespace, app, nodes, "redis", told, 6379, 6379, "redis", "StatefulSet", "redis:7.0")


def postgres_server(
    namespace: str, app: str, nodes: str, schema: str, users: Mapping[str, str] | None = None, **options: str
) -> Workload:
    """Make a PostgreSQL with the database `app`. schema: SQL; users: names and passwords (MD5) beside `app`."""
    told = {"schema": schema, "users": dict(users or {}), "options": options}
    return Workload(namespace, app, nodes, "postgres", told, 5432, 5432, "postgres", "StatefulSet", "postgres:15")


def ldap_server(namespace: str, app: str, nodes: str, users: Mapping[str, str]) -> Workload:
    """Make a directory of people over LDAP. users: distinguished names and passwords of those who may bind."""
    image = f"registry.example/{namespace}/{app}:2.5"
    told = {"users": dict(users), "port": 389}
    return Workload(namespace, app, nodes, "ldap_server", told, 389, 389, "ldap", "StatefulSet", image)


def rabbitmq_server(namespace: str, app: str, nodes: str) -> Workload:
    """Make a RabbitMQ; queues are declared by who uses them."""
    return Workload(namespace, app, nodes, "rabbitmq", {}, 5672, 5672, "amqp", "StatefulSet", "rabbitmq:3.10")


def consumer(namespace: str, app: str, nodes: str, host: str, queue: str, steps: list[Step], **more: Any) -> Workload:
    """Make a program that takes messages from a queue. more: `prefetch` (5), `hang` (seconds for each message)."""
    told = {"host": host, "queue": queue, "steps": steps, "agent": f"{app}/1.2", **more}
    return Workload(namespace, app, nodes, "consumer", told, image=f"registry.example/{namespace}/{app}:1.2")


def load(namespace: str, app: str, nodes: str, host: str, mix: list[dict[str, Any]], **settings: Any) -> Workload:
    """Make a load generator as in `programs/load.py`. mix: of `call()`s; settings: `rate` (a second), `workers`."""
    told = {"host": host, "mix": mix, "agent": f"{app}/2.1", "rate": 12.0, "workers": 8, "seed": len(app), **settings}
    return Workload(namespace, app, nodes, "load", told, image=f"registry.example/{namespace}/{app}:2.1")


def call(weight: float, method: str, path: str, token: str = "", send: int = 0) -> dict[str, Any]:
    """Describe calls of a mix; `{1-40}` in the path draws a number; token: a bearer token; send: bytes of a body."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return {"weight": weight, "method": method, "path": path, "headers": headers, "send": send}


def job(
    namespace: str, app: str, nodes: str, steps: list[Step], every: float, kind: str = "Deployment", **settings: Any
) -> Workload:
    """Make a program that does its steps every so many seconds: an exporter, a batch job (`kind="Job"`)."""
    told = {"steps": steps, "every": every, "agent": f"{app}/0.7", **settings}
    return Workload(namespace, app, nodes, "job", told, kind=kind, image=f"registry.example/{namespace}/{app}:0.7")


def dns_server(node: str = "b") -> Workload:
    """Make the cluster's DNS server; every incident has one."""
    image = "registry.example/kube-system/dns:1.0"
    return Workload("kube-system", "dns", node, "dns_server", {}, 53, 53, "dns", image=image)
