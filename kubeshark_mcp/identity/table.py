"""Who had an address at a time: the one question that the hub asks once for each end of each connection."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kubeshark_mcp.identity.addresses import canonical
from kubeshark_mcp.identity.names import NameTable, from_dns
from kubeshark_mcp.identity.selection import WorkloadFilter
from kubeshark_mcp.model.workload import FOREVER_NS, Identity, Tenure, Workload

EXTERNAL = "kubernetes external"
"""Source of a tenure by an external or load-balancer address, which several services may share."""

UNRESOLVED = Identity()
_CACHED = 100_000
_OTHER = -1
"""Stands for every port on which nobody in particular is."""
_FEW = 16
"""Rows that are looked at one by one rather than as arrays."""


@dataclass(frozen=True, slots=True)
class ServicePort:
    """A service is reached at an address and port. address: its own, or of a pod behind it, or of a node.

    port: 0 means any. behind: the address is that of a pod that serves it, rather than of the service.
    """

    address: str
    port: int
    service: Workload
    behind: bool = False
    since_ns: int = 0
    until_ns: int = FOREVER_NS


@dataclass(frozen=True, slots=True)
class Objects:
    """What a source knows of the cluster.

    tenures: of pods, services and nodes. ports: where services are reached. host_ports: (node address, port) -> pods
    that share the address of their node, with the port that they declare. ignored: kinds that were passed over, how
    often. taken_ns: when the objects were taken, 0 if unknown.
    """

    tenures: tuple[Tenure, ...] = ()
    ports: tuple[ServicePort, ...] = ()
    host_ports: tuple[tuple[int, Tenure], ...] = ()
    ignored: dict[str, int] = field(default_factory=dict)


class IdentityTable:
    """Knows who had an address; the objects are given at the start, names are added while captures are read."""

    def __init__(self, objects: Iterable[Objects] = ()) -> None:
        self.names = NameTable()
        self._tenures: dict[str, list[Tenure]] = {}
        self._ports: dict[str, list[ServicePort]] = {}
        self._host_ports: dict[tuple[str, int], list[Tenure]] = {}
        self._edges: dict[str, list[int]] = {}
        self._known_ports: dict[str, set[int]] = {}
        """Ports of addresses on which somebody else may be than on all others."""
        self._nodes: dict[str, str] = {}
        self._cache: dict[tuple[str, int, int, str], Identity] = {}
        for source in objects:
            self.add(source)

    def add(self, objects: Objects) -> None:
        """Take what a source knows; what was known before stays."""
        for tenure in objects.tenures:
            self._tenures.setdefault(tenure.address, []).append(tenure)
            self._edge(tenure.address, tenure.since_ns, tenure.until_ns)
            if tenure.workload.kind == "node":
                self._nodes.setdefault(tenure.workload.name, tenure.address)
        for port in objects.ports:
            self._ports.setdefault(port.address, []).append(port)
            self._known_ports.setdefault(port.address, set()).add(port.port)
            self._edge(port.address, port.since_ns, port.until_ns)
        for number, tenure in objects.host_ports:
            self._host_ports.setdefault((tenure.address, number), []).append(tenure)
            self._known_ports.setdefault(tenure.address, set()).add(number)
            self._edge(tenure.address, tenure.since_ns, tenure.until_ns)
        for held in self._tenures.values():
            held.sort(key=lambda tenure: (tenure.since_ns, tenure.until_ns, tenure.workload.kind, tenure.workload.name))
        self._cache.clear()

    def _edge(self, address: str, *times: int) -> None:
        edges = self._edges.setdefault(address, [])
        for time_ns in times:
            place = bisect_right(edges, time_ns)
            if not place or edges[place - 1] != time_ns:
                edges.insert(place, time_ns)

    def add_answers(self, lines: Iterable[str], time_ns: int) -> None:
        """Take the DNS addresses of one answer (KFL field `dns_addresses`) that was seen at that time."""
        for name, address in from_dns(lines):
            self.names.add(name, address, time_ns)

    def add_names(self, names: Iterable[tuple[str, str]]) -> None:
        """Take (address, name) pairs that hold for all time, as pcapng name resolution blocks have them."""
        for address, name in names:
            self.names.add(name, address, 0)

    def resolve(self, address: str, port: int, time_ns: int) -> Identity:
        """Say who was at an address and port at a time (Unix nanoseconds UTC)."""
        edges = self._edges.get(address)
        name = self.names.resolve(address, time_ns)
        if edges is None:
            return Identity(dns=name, status="dns") if name else UNRESOLVED
        known = port if port in self._known_ports.get(address, ()) else _OTHER
        key = (address, known, bisect_right(edges, time_ns), name)
        identity = self._cache.get(key)
        if identity is None:
            if len(self._cache) >= _CACHED:
                self._cache.clear()
            identity = self._cache[key] = self._identity(address, port, time_ns, name)
        return identity

    def resolve_many(
        self, addresses: Sequence[str], codes: NDArray[np.int32], ports: NDArray[np.int64], times: NDArray[np.int64]
    ) -> tuple[list[Identity], NDArray[np.int32]]:
        """Resolve n times at once: addresses[codes] on ports, each at its own time.

        Gives the distinct identities that came of it, and which of them each is.
        """
        found = _Distinct()
        present, which = np.unique(codes, return_inverse=True)
        names = [addresses[code] for code in present.tolist()]
        lasting = [self._edges.get(name) is None and not self.names.changes(name) for name in names]
        alike = [found.add(self.resolve(name, 0, 0)) if one else 0 for name, one in zip(names, lasting, strict=True)]
        answers = np.array(alike, np.int32)[which]
        if all(lasting):
            return found.values, answers
        order = np.argsort(which, kind="stable")
        ends = np.cumsum(np.bincount(which, minlength=len(names)))
        for place in np.flatnonzero(~np.array(lasting)).tolist():
            rows = order[ends[place - 1] if place else 0 : ends[place]]
            for some in self._groups(names[place], rows, ports, times):
                answers[some] = found.add(self.resolve(names[place], int(ports[some[0]]), int(times[some[0]])))
        return found.values, answers

    def _groups(
        self, address: str, rows: NDArray[np.int64], ports: NDArray[np.int64], times: NDArray[np.int64]
    ) -> Iterable[NDArray[np.int64]]:
        """Part rows of one address so that all of a part have one identity."""
        if len(rows) < _FEW:
            return np.split(rows, len(rows))
        known = sorted(self._known_ports.get(address, ()))
        ports, times = ports[rows], times[rows]
        keys = np.where(np.isin(ports, known), ports, _OTHER) + 1
        for edges in (self._edges.get(address, []), self.names.changes(address)):
            keys = keys * (len(edges) + 1) + np.searchsorted(np.array(edges, np.int64), times, side="right")
        order = np.argsort(keys, kind="stable")
        return np.split(rows[order], np.flatnonzero(np.diff(keys[order])) + 1)

    def _identity(self, address: str, port: int, time_ns: int, name: str) -> Identity:
        held = [t for t in self._tenures.get(address, ()) if t.since_ns <= time_ns < t.until_ns]
        pod = next((t.workload for t in reversed(held) if t.workload.kind == "pod"), None)
        node = next((t.workload for t in reversed(held) if t.workload.kind == "node"), None)
        if node is not None and pod is None:
            shared = self._host_ports.get((address, port), ())
            pod = next((t.workload for t in reversed(shared) if t.since_ns <= time_ns < t.until_ns), None)
        own = next((t.workload for t in reversed(held) if t.workload.kind == "service" and not _shared(t)), None)
        service = self._service_at(address, port, time_ns, alone=node is None) or own
        if pod is None and service is None and node is None:
            return Identity(dns=name, status="dns") if name else UNRESOLVED
        main = pod or service
        described = main or node or Workload("", "", "")
        return Identity(
            pod=pod.name if pod else "",
            pod_namespace=pod.namespace if pod else "",
            service=service.name if service else "",
            service_namespace=service.namespace if service else "",
            name=main.name if main else "",
            namespace=main.namespace if main else "",
            node=pod.node if pod else node.name if node else "",
            dns=name,
            labels=described.labels,
            annotations=described.annotations,
            status="resolved",
        )

    def _service_at(self, address: str, port: int, time_ns: int, *, alone: bool) -> Workload | None:
        """Find the service of a port.

        alone: the address is one pod's; where that serves a single service, it stands for it on its other ports too.
        """
        reached = [p for p in self._ports.get(address, ()) if p.since_ns <= time_ns < p.until_ns]
        exact = [p.service for p in reached if p.port == port] or [p.service for p in reached if not p.port]
        if exact:
            return min(exact, key=lambda service: (service.namespace, service.name))
        if not alone:
            return None
        behind = {(p.service.namespace, p.service.name): p.service for p in reached if p.behind}
        return next(iter(behind.values())) if len(behind) == 1 else None

    def node_address(self, name: str) -> str:
        """Give the address of a node by its name; empty when it is unknown."""
        return self._nodes.get(name, "")

    def tenures(self, chosen: WorkloadFilter | None = None) -> list[Tenure]:
        """List who had which address: by address, then by time."""
        chosen = chosen or WorkloadFilter()
        address = canonical(chosen.address) if chosen.address else ""
        groups = [self._tenures.get(address, [])] if chosen.address else list(self._tenures.values())
        found = [tenure for group in groups for tenure in group if chosen.accepts(tenure)]
        found += [tenure for tenure in self._on_nodes() if chosen.accepts(tenure) and address in ("", tenure.address)]
        return sorted(found, key=lambda tenure: (_order(tenure.address), tenure.since_ns, tenure.workload.name))

    def workloads(self, chosen: WorkloadFilter | None = None) -> list[tuple[Workload, list[Tenure]]]:
        """List workloads with the addresses they had: by namespace and name."""
        groups: dict[tuple[str, str, str], tuple[Workload, list[Tenure]]] = {}
        for tenure in self.tenures(chosen):
            workload = tenure.workload
            key = (workload.namespace, workload.name, workload.kind)
            groups.setdefault(key, (workload, []))[1].append(tenure)
        return [groups[key] for key in sorted(groups)]

    def _on_nodes(self) -> list[Tenure]:
        """Give the tenures of pods on the address of their node, each once."""
        found = {}
        for tenures in self._host_ports.values():
            for tenure in tenures:
                found[tenure.address, tenure.workload.namespace, tenure.workload.name] = tenure
        return list(found.values())


def key_of(identity: Identity) -> int | str:
    """Tell identities apart cheaply: those of the cluster are few lasting objects, of others only the name is known.

    Holds as long as the identity is kept.
    """
    return id(identity) if identity.status == "resolved" else identity.dns


class _Distinct:
    """Identities, each once."""

    def __init__(self) -> None:
        self.values: list[Identity] = []
        self._places: dict[int | str, int] = {}

    def add(self, identity: Identity) -> int:
        place = self._places.setdefault(key_of(identity), len(self.values))
        if place == len(self.values):
            self.values.append(identity)
        return place


def _shared(tenure: Tenure) -> bool:
    """Tell whether other services may have this address too."""
    return tenure.source == EXTERNAL


def _order(address: str) -> tuple[int, str]:
    """Order addresses by family, then number by number."""
    if ":" in address:
        return 6, address
    return 4, ".".join(part.zfill(3) for part in address.split("."))
