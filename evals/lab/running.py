"""A running lab: starts the programs of an incident, tells its clients when to make calls, lets faults change it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evals.lab import servers
from evals.lab.certificates import make_authority, make_certificate
from evals.lab.cluster import CLUSTER_DOMAIN, Cluster, Pod
from evals.lab.incident import Host, Incident, Workload
from evals.lab.plan import Plan, make_plan, make_pod
from evals.lab.processes import python

PROGRAMS = Path(__file__).resolve().parent / "programs"
CLIENTS = ("load", "job", "consumer")
DATABASE_USER = "app"


class Lab:
    """What an incident's `fault` and `prepare` are given. Apps are named without their namespace."""

    def __init__(self, incident: Incident, cluster: Cluster, plan: Plan, work: Path) -> None:
        self.incident, self.cluster, self.plan, self.work = incident, cluster, plan, work
        self._workloads = {workload.app: workload for workload in incident.workloads}
        self._pods = {app: list(pods) for app, pods in plan.pods.items()}
        self._settings: dict[str, dict[str, Any]] = {}
        self._zone = plan.zone(incident.hosts)
        self.apps = plan.apps()

    @classmethod
    def describe(cls, incident: Incident, work: Path) -> tuple[Cluster, Lab]:
        """Make the cluster of an incident, not open yet, and its lab."""
        plan = make_plan(incident)
        cluster = Cluster(work, plan.nodes, plan.all_pods, tuple(plan.services.values()), plan.hosts)
        return cluster, cls(incident, cluster, plan, work)

    # -- starting ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start all programs, servers first, and wait until each listens."""
        for folder in ("calls", "settings"):
            (self.work / folder).mkdir()
        self.phase("hold")
        self._write_zone()
        make_authority(self.work)
        for host in self.incident.hosts:
            self._start_host(host)
        for workload in self.incident.workloads:
            if workload.program not in (*CLIENTS, "nginx"):
                for pod in self._pods[workload.app]:
                    self._start_pod(workload, pod)
        self._wait(lambda workload: workload.program not in (*CLIENTS, "nginx"))
        self._fill_databases()
        for program in ("nginx", *CLIENTS):
            for workload in self.incident.workloads:
                for pod in self._pods[workload.app] if workload.program == program else ():
                    self._start_pod(workload, pod)
        self._wait(lambda workload: workload.program == "nginx")
        if self.incident.kubelets:
            self._start_kubelets()

    def _wait(self, which: Any) -> None:
        for workload in filter(which, self.incident.workloads):
            for pod in self._pods[workload.app]:
                self._wait_for(workload, pod)

    def _wait_for(self, workload: Workload, pod: Pod) -> None:
        if workload.program == "postgres":
            servers.wait_for_postgres(self.cluster, self.work, pod.name, DATABASE_USER)
        elif workload.port:
            patience = 180 if workload.program == "rabbitmq" else 60
            kind = "udp" if workload.program == "dns_server" else "tcp"
            self.cluster.wait_for(pod.name, workload.port, kind, patience)

    def _start_pod(self, workload: Workload, pod: Pod) -> None:
        told = workload.settings
        if workload.program == "postgres":
            servers.start_postgres(self.cluster, self.work, pod.name, DATABASE_USER, told["options"])
        elif workload.program == "redis":
            servers.start_redis(self.cluster, self.work, pod.name, told["options"])
        elif workload.program == "rabbitmq":
            servers.start_rabbitmq(self.cluster, self.work, pod.name)
        elif workload.program == "nginx":
            patience, lines = told.get("patience", 5), told.get("lines", ())
            servers.start_nginx(self.cluster, self.work, pod.name, told["upstreams"], patience, lines)
        else:
            self._write_settings(pod.name, told)
            self._program(pod.name, pod.name, workload.program)

    def _program(self, place: str, name: str, program: str, *arguments: str) -> None:
        environment = {
            "RECORDING_WORK": str(self.work),
            "RECORDING_NAME": name,
            "RECORDING_KEEPALIVE": "3",
            "TZ": "UTC",
            "PYTHONPATH": str(PROGRAMS),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = python(str(PROGRAMS / f"{program}.py"), *arguments)
        self.cluster.start(place, *command, environment=environment)

    def _start_host(self, host: Host) -> None:
        told: dict[str, Any] = {"routes": dict(host.routes), "port": host.listens, "agent": "server", **host.settings}
        if host.tls:
            chain, key = make_certificate(self.work, host.name)
            told["tls"] = {"chain": str(chain), "key": str(key)}
        self._write_settings(host.name, told)
        self._program(host.name, host.name, "http_service")
        self.cluster.wait_for(host.name, host.listens)

    def _fill_databases(self) -> None:
        for workload in self.incident.workloads:
            for pod in self._pods[workload.app] if workload.program == "postgres" else ():
                servers.psql(self.work, pod.name, DATABASE_USER, "CREATE DATABASE app", "postgres")
                users = "".join(
                    f"CREATE ROLE {name} LOGIN SUPERUSER PASSWORD '{secret}';\n"
                    for name, secret in workload.settings["users"].items()
                )
                servers.psql(self.work, pod.name, DATABASE_USER, users + workload.settings["schema"])

    def _start_kubelets(self) -> None:
        self._write_probes()
        for node in self.plan.nodes:
            self._program(node.name, f"prober-{node.name}", "prober", str(self._probes(node.name)))

    def _probes(self, node: str) -> Path:
        return self.work / "settings" / f"{node}.probes"

    def _write_probes(self) -> None:
        for node in self.plan.nodes:
            lines = [
                f"{pod.address}:{workload.port}/healthz"
                for workload in self.incident.workloads
                for pod in self._pods[workload.app]
                if workload.probed and pod.node == node.name
            ]
            _replace(self._probes(node.name), "\n".join(lines))

    # -- the clock ---------------------------------------------------------------------------------------------

    def phase(self, name: str) -> None:
        """Set what the clients do: `warm`, `hold`, `run` or `stop`."""
        _replace(self.work / "phase", name)

    def wait(self, seconds: float) -> None:
        """Let time pass, watching that no program dies."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.cluster.check_alive()
            time.sleep(min(0.25, left))

    # -- changing ----------------------------------------------------------------------------------------------

    def pods(self, app: str) -> list[Pod]:
        """Return the pods of an app as they are now."""
        return list(self._pods[app])

    def change(self, app: str, replica: int | None = None, **settings: Any) -> None:
        """Change settings of an app's pods, or of a host outside by its name; None removes one."""
        names = [pod.name for pod in self._pods[app]] if app in self._pods else [app]
        for name in names if replica is None else [names[replica]]:
            merged = {**self._settings[name], **settings}
            self._write_settings(name, {key: value for key, value in merged.items() if value is not None})

    def _write_settings(self, name: str, told: Mapping[str, Any]) -> None:
        self._settings[name] = dict(told)
        _replace(self.work / "settings" / f"{name}.json", json.dumps(told))

    def renew(
        self, host: str, days_left: float = 60, names: tuple[str, ...] = (), oldest: str = "TLSv1_2", asks: bool = False
    ) -> None:
        """Give a host outside another certificate (as `make_certificate`) and the oldest TLS version that it takes.

        asks: it takes only clients with a certificate of the lab's authority, which none has.
        """
        chain, key = make_certificate(self.work, host, days_left, names)
        told = self._settings[host]["tls"]
        trusted = {"asks": str(self.work / "authority.pem")} if asks else {}
        turn = str(int(told.get("turn", 0)) + 1)
        self.change(host, tls={"chain": str(chain), "key": str(key), "oldest": oldest, "turn": turn, **trusted})

    def set_name(self, name: str, addresses: list[str] | None) -> None:
        """Give a DNS name other addresses; None: the name no longer exists."""
        if addresses is None:
            self._zone.pop(name, None)
        else:
            self._zone[name] = addresses
        self._write_zone()

    def _write_zone(self) -> None:
        _replace(self.work / "zone.json", json.dumps(self._zone))

    def resolver(self, **behaviour: float | str) -> None:
        """Let the DNS server behave as `programs/dns_server.py` says: delay, delay_outside, silent, failing."""
        _replace(self.work / "resolver.json", json.dumps(behaviour))

    def redis(self, app: str, *command: str, stdin: str | None = None) -> str:
        """Give a Redis a command that no capture sees."""
        return servers.redis_cli(self.work, self._pods[app][0].name, *command, stdin=stdin)

    def sql(self, app: str, text: str) -> str:
        """Give a PostgreSQL statements that no capture sees."""
        return servers.psql(self.work, self._pods[app][0].name, DATABASE_USER, text)

    def point_service(self, app: str, port: int) -> None:
        """Let a service send new connections to another port of its pods."""
        service = next(each for each in self.cluster.services if each.app == app)
        self.cluster.replace_service(service, replace(service, target_port=port))

    def remove_service(self, app: str) -> None:
        """Delete a service: its name and its address are gone; connections that are open stay."""
        service = next(each for each in self.cluster.services if each.app == app)
        self.cluster.services.remove(service)
        self.cluster.refresh_services()
        self.set_name(f"{service.name}.{service.namespace}.svc.{CLUSTER_DOMAIN}", None)

    def empty_service(self, app: str) -> None:
        """Let a service's selector find no pods: new connections are refused by the client's node (ICMP)."""
        service = next(each for each in self.cluster.services if each.app == app)
        self.cluster.replace_service(service, replace(service, empty=True))

    def freeze(self, app: str, seconds: float, replica: int | None = None) -> None:
        """Stop the programs of an app's pods for a while: their kernels go on, and nothing in them does."""
        pods = self._pods[app] if replica is None else [self._pods[app][replica]]
        for word in ("STOP", "CONT"):
            for pod in pods:
                self.cluster.signal(pod.name, word)
            self.wait(seconds if word == "STOP" else 0)

    def drop_between(self, source: str, target: str) -> None:
        """Drop all packets from one app's pods to another's on the target's node, as a policy does: silently."""
        for pod in self._pods[target]:
            for client in self._pods[source]:
                pair = ("-s", client.address, "-d", pod.address)
                self.cluster.iptables(pod.node, "-I", "FORWARD", *pair, "-j", "DROP")

    def lose(self, node: str, share: float) -> None:
        """Lose a share of the packets that a node exchanges with the fabric."""
        for direction in ("-i", "-o"):
            chance = ("-m", "statistic", "--mode", "random", "--probability", f"{share}")
            self.cluster.iptables(node, "-I", "FORWARD", direction, "eth0", *chance, "-j", "DROP")

    def roll_out(self, app: str, pause: float = 0.6, version: str = "", **settings: Any) -> None:
        """Replace the pods of a Deployment one by one, new ones first; settings: what the new ones do otherwise."""
        workload = self._workloads[app]
        revision = self._pods[app][0].revision + 1
        image = f"{workload.image.rpartition(':')[0]}:{version}" if version else workload.image
        for number, old in enumerate(list(self._pods[app])):
            new = self._new_pod(workload, number, old, revision, image)
            self.cluster.add_pod(new)
            told = {**self._settings[old.name], **settings}
            if version:
                told["agent"] = f"{app}/{version}"
            self._write_settings(new.name, told)
            self._program(new.name, new.name, workload.program)
            self._wait_for(workload, new)
            self._pods[app][number] = new
            self.apps[new.name] = app
            self._write_probes()
            self.cluster.refresh_services(leave_out=[old.name])
            self.wait(pause)
            self.cluster.remove_pod(old.name)
            self.cluster.refresh_services()

    def _new_pod(self, workload: Workload, number: int, old: Pod, revision: int, image: str) -> Pod:
        prefix, _, last = old.address.rpartition(".")
        address = f"{prefix}.{int(last) + 100 * revision}"
        made = make_pod(workload, number, old.node, address, revision)
        return replace(made, image=image, started=datetime.now(UTC))


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(text)
    fresh.replace(path)
