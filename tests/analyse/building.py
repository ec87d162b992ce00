"""Facts built by hand: calls and connections as a test describes them, so that detectors can be tried on any story."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from kubeshark_mcp.analyse.columns import Texts
from kubeshark_mcp.analyse.facts import Calls, Column, Connections, Coverage, Facts, Pod, Service
from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.hub.queries import Language
from kubeshark_mcp.kfl import compile_filter
from kubeshark_mcp.kfl.program import predicate

T0 = 1_800_000_000 * 10**9
"""When every story begins."""
LANGUAGE = Language(load_protocols())
TYPES = {one.name: one for one in LANGUAGE.fields}


@dataclass(frozen=True)
class Call:
    """One L7 call. at: seconds after T0. ms: None where it was never answered. pods: `namespace/pod` or "".

    kfl: any KFL fields of the entry beside those that follow from the rest.
    """

    at: float
    client: str
    server: str
    endpoint: str = "GET /"
    status: str = "200"
    ms: float | None = 5.0
    failed: bool | None = None
    protocol: str = "http"
    client_pod: str = ""
    server_pod: str = ""
    client_address: str = "10.0.0.1"
    server_address: str = "10.0.0.2"
    server_port: int = 80
    request_bytes: int = 100
    response_bytes: int = 500
    connection: int = 0
    node: str = "node-a"
    outside: bool = False
    kfl: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_failed(self) -> bool:
        """Tell the outcome where the test did not say: HTTP >= 400, or not OK."""
        if self.failed is not None:
            return self.failed
        return int(self.status) >= 400 if self.status.isdigit() else self.status not in ("OK", "NOERROR", "")


@dataclass(frozen=True)
class Connection:
    """One connection. at: seconds after T0; seconds: how long it lasted; numbers: other columns by name."""

    at: float
    client: str
    server: str
    state: str = "closed"
    seconds: float = 0.05
    transport: str = "tcp"
    client_pod: str = ""
    server_pod: str = ""
    client_address: str = "10.0.0.1"
    server_address: str = "10.0.0.2"
    client_port: int = 40000
    server_port: int = 80
    connection: int = 0
    node: str = "node-a"
    client_node: str = ""
    server_node: str = ""
    sightings: int = 1
    outside: bool = False
    numbers: Mapping[str, int] = field(default_factory=dict)
    kfl: Mapping[str, Any] = field(default_factory=dict)


class BuiltFacts(Facts):
    """Facts of a story. ids are given in order of time, calls first; `row` gives the KFL fields of an id."""

    def __init__(
        self,
        calls: Iterable[Call] = (),
        connections: Iterable[Connection] = (),
        pods: Sequence[Pod] = (),
        services: Sequence[Service] = (),
        coverage: Mapping[str, Any] | None = None,
        sighted: Iterable[Connection] | None = None,
    ) -> None:
        self._story = sorted(calls, key=lambda call: call.at)
        self._links = sorted(connections, key=lambda connection: connection.at)
        self._sighted = self._links if sighted is None else sorted(sighted, key=lambda connection: connection.at)
        self._pods, self._services = tuple(pods), tuple(services)
        self._coverage = coverage or {}
        self.rows = {number: call_row(number, call) for number, call in enumerate(self._story, 1)}
        first = len(self.rows) + 1
        self.rows |= {number: connection_row(number, link) for number, link in enumerate(self._links, first)}

    @property
    def calls(self) -> Calls:
        story = self._story
        numbers: dict[str, Any] = {
            "id": np.arange(1, len(story) + 1, dtype=np.int64),
            "start_ns": _ns(story),
            "elapsed_us": np.array([-1 if c.ms is None else round(c.ms * 1000) for c in story], np.int64),
            "answered": np.array([c.ms is not None for c in story], np.bool_),
            "failed": np.array([c.is_failed for c in story], np.bool_),
            "status": Texts.of(["" if c.ms is None else c.status for c in story]),
            "outside": np.array([c.outside for c in story], np.bool_),
        }
        return Calls(**numbers, **_rest(Calls, numbers, story))

    @property
    def connections(self) -> Connections:
        return self._connected(self._links)

    @property
    def sighted_connections(self) -> Connections:
        return self._connected(self._sighted)

    def _connected(self, links: Sequence[Connection]) -> Connections:
        first = len(self._story) + 1
        numbers: dict[str, Any] = {
            "id": np.arange(first, first + len(links), dtype=np.int64),
            "start_ns": _ns(links),
            "elapsed_us": np.array([round(c.seconds * 1e6) for c in links], np.int64),
            "outside": np.array([c.outside for c in links], np.bool_),
        }
        own = {column.name for column in fields(Connection)}
        for column in fields(Connections):
            if column.name not in numbers and column.name not in own:
                default = {"initial_rtt_us": -1, "handshake_us": -1, "completeness": 1}.get(column.name, 0)
                values = [c.numbers.get(column.name, default) for c in links]
                numbers[column.name] = np.array(values, np.int64)
        return Connections(**numbers, **_rest(Connections, numbers, links))

    @property
    def pods(self) -> tuple[Pod, ...]:
        return self._pods

    @property
    def services(self) -> tuple[Service, ...]:
        return self._services

    @property
    def coverage(self) -> Coverage:
        times = [c.at for c in self._story] + [c.at for c in self._links] or [0.0]
        start, end = T0 + round(min(times) * 1e9), T0 + round(max(times) * 1e9)
        nodes = {c.node: (start, end) for c in (*self._story, *self._links)}
        return replace(Coverage(start, end, nodes, (), bool(self._pods), 1.0), **self._coverage)

    def _selected(self, kfl: str) -> list[int]:
        test = predicate(compile_filter(kfl, LANGUAGE.catalogue, now_ns=T0).tree, T0)
        return [number for number, row in self.rows.items() if test(row)]

    def columns(self, kfl: str, names: Sequence[str]) -> Mapping[str, Column]:
        chosen = sorted(self._selected(kfl), key=lambda number: (self.rows[number]["timestamp"], number))
        found: dict[str, Any] = {"id": np.array(chosen, np.int64)}
        for name in names:
            values = [self.rows[number].get(name, TYPES[name].missing_value) for number in chosen]
            kind = type(TYPES[name].missing_value)
            found[name] = (
                Texts.of(values) if kind is str else np.array(values) if kind in (int, bool, float) else values
            )
        return found

    def count(self, kfl: str, start_ns: int | None = None, end_ns: int | None = None) -> int:
        times = [self.rows[number]["timestamp"] for number in self._selected(kfl)]
        return sum((start_ns is None or t >= start_ns) and (end_ns is None or t < end_ns) for t in times)

    @property
    def protocols(self) -> frozenset[str]:
        return frozenset(row["protocol"] for row in self.rows.values())


def _ns(story: Sequence[Call] | Sequence[Connection]) -> Any:
    return np.array([T0 + round(one.at * 1e9) for one in story], np.int64)


def _rest(table: type, given: Mapping[str, Any], story: Sequence[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column in fields(table):
        if column.name not in given:
            values = [getattr(one, column.name) for one in story]
            texts = column.type in ("Texts", Texts)
            found[column.name] = Texts.of(values) if texts else np.array(values, np.int64)
    return found


def _ends(one: Call | Connection) -> dict[str, Any]:
    row: dict[str, Any] = {
        "src.ip": one.client_address,
        "dst.ip": one.server_address,
        "dst.port": one.server_port,
        "node_name": one.node,
        "timestamp": T0 + round(one.at * 1e9),
        "sightings": 1,
    }
    for side, label, pod in (("src", one.client, one.client_pod), ("dst", one.server, one.server_pod)):
        namespace, slash, name = label.partition("/")
        if slash:
            row |= {f"{side}.service.name": name, f"{side}.service.namespace": namespace}
            row |= {f"{side}.name": pod.partition("/")[2] or name, f"{side}.namespace": namespace}
        elif not label[:1].isdigit():
            row[f"{side}.dns"] = label
        if pod:
            row |= dict(zip((f"{side}.pod.namespace", f"{side}.pod.name"), pod.split("/"), strict=True))
    return row


def call_row(number: int, call: Call) -> dict[str, Any]:
    """Give the KFL fields of a call."""
    row = _ends(call) | {
        "id": number,
        "protocol": call.protocol,
        call.protocol: True,
        "answered": call.ms is not None,
        "failed": call.is_failed,
        "status": "" if call.ms is None else call.status,
        "summary": call.endpoint,
        "elapsed_time": 0 if call.ms is None else round(call.ms * 1000),
    }
    if call.protocol in ("http", "http2"):
        method, _, path = call.endpoint.partition(" ")
        row |= {"http": True, "method": method, "path": path, "url": path}
        row["status_code"] = int(call.status) if call.status.isdigit() and call.ms is not None else 0
    return row | dict(call.kfl)


def connection_row(number: int, link: Connection) -> dict[str, Any]:
    """Give the KFL fields of a connection."""
    names = {
        "retransmissions": "tcp_retransmissions",
        "zero_windows": "tcp_zero_window_events",
        "resets": "tcp_rst_count",
        "packets_out": "conn_local_pkts",
        "packets_in": "conn_remote_pkts",
        "bytes_out": "conn_local_bytes",
        "bytes_in": "conn_remote_bytes",
    }
    row = _ends(link) | {
        "id": number,
        "protocol": f"{link.transport}_conn",
        f"{link.transport}_conn": True,
        "conn": True,
        "conn_state": link.state,
        "src.port": link.client_port,
        "local_node_name": link.client_node,
        "remote_node_name": link.server_node,
        "elapsed_time": round(link.seconds * 1e6),
    }
    row |= {names.get(name, f"tcp_{name}"): value for name, value in link.numbers.items()}
    return row | dict(link.kfl)
