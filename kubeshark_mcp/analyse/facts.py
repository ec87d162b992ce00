"""What detectors are given: calls, connections and any KFL field as columns, who is who, and what was captured."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from kubeshark_mcp.analyse.columns import Int64, Mask, Table, Texts, Whole


@dataclass(frozen=True)
class Calls(Table):
    """L7 entries in order of time, one row a call (sightings joined), without connections and flows.

    id: the entry's handle. start_ns: Unix ns UTC. elapsed_us: request to response, -1 without an answer. failed: the
    outcome is an error (HTTP >= 400, SQL error, NXDOMAIN ...). client, server: workload labels, `namespace/workload`
    inside the cluster, the DNS name or address outside. client_pod, server_pod: `namespace/pod`, "" where unknown (a
    call through a ClusterIP whose pod was not seen). endpoint: what is asked in general (`GET /orders/{}`,
    `SELECT id FROM orders`, `SET cart:{}`). status: `200`, `OK`, `NXDOMAIN`, an SQLSTATE or the like, "" unanswered.
    connection: equal for calls of one connection. node: where it was captured. outside: the server is not in the
    cluster. Ports and bytes may be int32: sums of two fit, products need int64.
    """

    id: Int64
    start_ns: Int64
    elapsed_us: Int64
    answered: Mask
    failed: Mask
    protocol: Texts
    client: Texts
    server: Texts
    client_pod: Texts
    server_pod: Texts
    client_address: Texts
    server_address: Texts
    server_port: Whole
    endpoint: Texts
    status: Texts
    request_bytes: Whole
    response_bytes: Whole
    connection: Int64
    node: Texts
    outside: Mask

    @property
    def end_ns(self) -> Int64:
        """Give when each call was over; its start where it was not answered."""
        end: Int64 = self.start_ns + self.elapsed_us.clip(min=0) * 1000
        return end


@dataclass(frozen=True)
class Connections(Table):
    """TCP and UDP connections in order of time.

    Labels and ids as in `Calls`. transport: `tcp` or `udp`. state: `refused`, `syn_sent`, `reset`, `closed`, `active`
    and so on (the field conn_state). elapsed_us: first to last packet. sightings: at how many places it was captured.
    client_node, server_node: nodes of the two pods by the Kubernetes objects, "" unknown; node: where it was captured.
    The other numbers are the fields conn_* and tcp_*, 0 where not seen; handshake_us and initial_rtt_us -1.
    """

    id: Int64
    start_ns: Int64
    elapsed_us: Int64
    transport: Texts
    state: Texts
    client: Texts
    server: Texts
    client_pod: Texts
    server_pod: Texts
    client_address: Texts
    server_address: Texts
    client_port: Whole
    server_port: Whole
    packets_out: Int64
    packets_in: Int64
    bytes_out: Int64
    bytes_in: Int64
    goodput_bytes: Int64
    retransmissions: Int64
    fast_retransmissions: Int64
    out_of_order: Int64
    dup_acks: Int64
    missing_segments: Int64
    zero_windows: Int64
    window_full: Int64
    resets: Int64
    fins: Int64
    keepalives: Int64
    completeness: Int64
    initial_rtt_us: Int64
    handshake_us: Int64
    rtt_avg_us: Int64
    connection: Int64
    node: Texts
    client_node: Texts
    server_node: Texts
    sightings: Int64
    outside: Mask


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod by the Kubernetes objects.

    name: `namespace/pod`. workload: its label in `Calls`. since_ns: when it got its address, 0 unknown.
    """

    name: str
    workload: str
    node: str
    address: str
    labels: Mapping[str, str]
    since_ns: int


@dataclass(frozen=True, slots=True)
class Service:
    """A service by the Kubernetes objects: label (`namespace/name`) and ClusterIP."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the facts rest on. Times are Unix ns UTC.

    nodes: name -> first and last packet or entry. missing_nodes: named by the Kubernetes objects, without a capture.
    has_objects: Kubernetes objects were there. named_share: share of calls whose ends both have a name.
    warnings: sentences about the capture's quality.
    """

    start_ns: int
    end_ns: int
    nodes: Mapping[str, tuple[int, int]]
    missing_nodes: tuple[str, ...]
    has_objects: bool
    named_share: float
    warnings: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Give the length of the window."""
        return max(self.end_ns - self.start_ns, 1) / 1e9


Derived = TypeVar("Derived")
Counted = tuple[str, int | None, int | None]

Column = Int64 | Mask | Texts | Sequence[object]


class Facts(ABC):
    """One dissection within one window. Everything is read on first use and kept; nothing changes.

    Implementations are safe for one thread. `baseline` facts are another object of the same kind.
    """

    @property
    @abstractmethod
    def coverage(self) -> Coverage:
        """Say what was captured."""

    @property
    @abstractmethod
    def calls(self) -> Calls:
        """Give all calls of the window."""

    @property
    @abstractmethod
    def connections(self) -> Connections:
        """Give all connections that began in the window."""

    @property
    @abstractmethod
    def sighted_connections(self) -> Connections:
        """Give a row for each place at which a TCP connection was captured; `id` is that sighting's own."""

    @property
    @abstractmethod
    def pods(self) -> tuple[Pod, ...]:
        """Give the pods that the Kubernetes objects name."""

    @property
    @abstractmethod
    def services(self) -> tuple[Service, ...]:
        """Give the services that the Kubernetes objects name."""

    @abstractmethod
    def columns(self, kfl: str, names: Sequence[str]) -> Mapping[str, Column]:
        """Give KFL fields of the entries that a filter selects, in order of time, within the window.

        Always has `id` too, the same as in `calls` and `connections`. Strings are Texts ("" where absent), int,
        double and bool arrays (default where absent), lists and maps Python sequences.
        """

    @abstractmethod
    def count(self, kfl: str, start_ns: int | None = None, end_ns: int | None = None) -> int:
        """Count the entries that a filter selects in a part of the window (start included, end excluded)."""

    def counts(self, asked: Sequence[Counted]) -> list[int]:
        """Count like `count`, several at once: KFL, start and end of each. The same numbers, for less."""
        return [self.count(*one) for one in asked]

    @property
    @abstractmethod
    def protocols(self) -> frozenset[str]:
        """Give the protocols that have entries."""

    def derived(self, make: Callable[[Facts], Derived]) -> Derived:
        """Give what a function makes of these facts: made once, then shared by all detectors that ask for it.

        The function is the key: pass a function of a module, not a lambda.
        """
        made: dict[Callable[[Facts], Any], Any] = self.__dict__.setdefault("_derived", {})
        if make not in made:
            made[make] = make(self)
        return cast(Derived, made[make])
