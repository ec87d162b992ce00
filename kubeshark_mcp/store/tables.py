"""Calls and connections as tables for analysis: whole columns in order of time, with labels of both ends.

The label of an end is its workload: the service that selects the pod names it; without one the usual labels of the pod
do, then the pod's name without what a ReplicaSet, DaemonSet or StatefulSet appended; outside of the cluster it is the
DNS name or the address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from kubeshark_mcp.store.coded import (
    Coded,
    Group,
    Growing,
    Numbers,
    Part,
    Window,
    combined,
    in_order,
    read_groups,
    rows_of,
)
from kubeshark_mcp.store.columns import CONNECTIONS, LAYER_4

Table = dict[str, Numbers | Coded]
"""Columns by name: numbers as int64 (ports and sizes as int32 where they fit), flags, texts coded."""

Pair = tuple[str | None, str] | None
"""Namespace and name; None without a name."""

_PLACE = ("service.namespace", "service.name", "pod.namespace", "pod.name", "namespace", "name", "dns", "ip")
_PLACES = tuple(f"{side}.{name}" for side in ("src", "dst") for name in _PLACE)
_LABELS = ("app.kubernetes.io/name", "app", "k8s-app")
"""Labels by which a pod says what it belongs to, the surest first."""
_APPENDED = re.compile(r"(?:-[a-z0-9]{6,10})?-[a-z0-9]{5}\Z|-[0-9]+\Z")

CALL_TEXTS: Mapping[str, str] = {
    "protocol": "protocol", "client_address": "src.ip", "server_address": "dst.ip", "endpoint": "_endpoint",
    "status": "status", "node": "node_name",
}  # fmt: skip
CALL_NUMBERS: Mapping[str, tuple[str, int | bool]] = {
    "id": ("_id", 0), "start_ns": ("timestamp", 0), "elapsed_us": ("elapsed_time", -1), "answered": ("answered", False),
    "failed": ("failed", False), "server_port": ("dst.port", 0), "request_bytes": ("_request_bytes", 0),
    "response_bytes": ("_response_bytes", 0), "connection": ("_connection", 0),
}  # fmt: skip
LINK_TEXTS: Mapping[str, str] = {
    "state": "conn_state", "client_address": "src.ip", "server_address": "dst.ip", "node": "node_name",
    "client_node": "local_node_name", "server_node": "remote_node_name",
}  # fmt: skip
LINK_NUMBERS: Mapping[str, tuple[str, int | bool]] = {
    "id": ("_id", 0), "start_ns": ("timestamp", 0), "elapsed_us": ("elapsed_time", 0), "client_port": ("src.port", 0),
    "server_port": ("dst.port", 0), "packets_out": ("conn_local_pkts", 0), "packets_in": ("conn_remote_pkts", 0),
    "bytes_out": ("conn_local_bytes", 0), "bytes_in": ("conn_remote_bytes", 0),
    "goodput_bytes": ("tcp_goodput_bytes", 0), "retransmissions": ("tcp_retransmissions", 0),
    "fast_retransmissions": ("tcp_fast_retransmissions", 0), "out_of_order": ("tcp_out_of_order", 0),
    "dup_acks": ("tcp_dup_acks", 0), "missing_segments": ("tcp_missing_segments", 0),
    "zero_windows": ("tcp_zero_window_events", 0), "window_full": ("tcp_window_full_events", 0),
    "resets": ("tcp_rst_count", 0), "fins": ("tcp_fin_count", 0), "keepalives": ("tcp_keepalive_count", 0),
    "completeness": ("tcp_connection_completeness", 0), "initial_rtt_us": ("tcp_initial_rtt_us", -1),
    "handshake_us": ("tcp_handshake_time_us", -1), "rtt_avg_us": ("tcp_rtt_avg_us", 0),
    "connection": ("_connection", 0), "sightings": ("sightings", 0),
}  # fmt: skip
"""Name -> column and what stands for null."""
_NARROW = frozenset({"server_port", "client_port", "request_bytes", "response_bytes"})
_WIDE = 1 << 30
"""Numbers of these columns are int32 where all are smaller, so that two of them can be added."""


def load_calls(files: Mapping[str, Sequence[Path]], window: Window = (None, None)) -> Table:
    """Read the calls of a dissection (files by protocol): entries of layer 7, see `analyse.facts.Calls`."""
    chosen = [path for protocol, paths in files.items() if protocol not in LAYER_4 for path in paths]
    table = _Table(chosen, CALL_TEXTS, CALL_NUMBERS)
    for group in table.groups(window):
        numbers = table.add(group)
        numbers["elapsed_us"][~numbers["answered"]] = -1
    return table.whole()


def load_connections(files: Mapping[str, Sequence[Path]], window: Window = (None, None)) -> Table:
    """Read the connections of a dissection (files by protocol), see `analyse.facts.Connections`."""
    chosen = [path for protocol, paths in files.items() if protocol in CONNECTIONS for path in paths]
    table = _Table(chosen, LINK_TEXTS, LINK_NUMBERS, ("transport",))
    for group in table.groups(window):
        table.add(group)
        protocol = group.texts("protocol")
        transports = ["tcp" if value == "tcp_conn" else "udp" for value in protocol.values]
        table.texts["transport"].add(Part(protocol.codes, transports))
    return table.whole()


class _Table:
    """Columns that are filled by groups. They are made as long as they may become, so that nothing is copied later."""

    def __init__(
        self,
        files: Sequence[Path],
        texts: Mapping[str, str],
        numbers: Mapping[str, tuple[str, int | bool]],
        more: Iterable[str] = (),
    ) -> None:
        self._files, self._texts, self._numbers = files, texts, numbers
        self._rows, rows = 0, rows_of(files)
        ends = ("client", "server", "client_pod", "server_pod")
        self.texts = {name: Growing(rows) for name in (*texts, *ends, *more)}
        types = {name: np.bool_ if isinstance(missing, bool) else np.int64 for name, (_, missing) in numbers.items()}
        self._columns: dict[str, Numbers] = {
            name: np.zeros(rows, dtype) for name, dtype in {**types, "outside": np.bool_}.items()
        }

    def groups(self, window: Window) -> Iterator[Group]:
        """Give what is to be added."""
        columns = [column for column, _ in self._numbers.values()]
        return read_groups(self._files, sorted({"protocol", *self._texts.values(), *_PLACES}), columns, window)

    def add(self, group: Group) -> dict[str, Numbers]:
        """Take a group; gives its numbers, which may still be changed."""
        here = slice(self._rows, self._rows + len(group))
        self._rows = here.stop
        added = {name: column[here] for name, column in self._columns.items()}
        for name, column in self._texts.items():
            self.texts[name].add(group.texts(column))
        for side, end in (("src", "client"), ("dst", "server")):
            label, pod, added["outside"][:] = _end(group, side)
            self.texts[end].add(label)
            self.texts[f"{end}_pod"].add(pod)
        for name, (column, missing) in self._numbers.items():
            added[name][:] = group.numbers(column, missing)
        return added

    def whole(self) -> Table:
        """Give all columns in order of time, then of `id`; one after the other, so that only one lies there twice."""
        order = in_order(self._columns["start_ns"][: self._rows], self._columns["id"][: self._rows])
        found: Table = {}
        for name in list(self._columns):
            column = self._columns.pop(name)[: self._rows]
            ordered = column if order is None else column[order]
            found[name] = ordered.astype(np.int32) if name in _NARROW and _fits(ordered) else ordered
        for name in list(self.texts):
            found[name] = self.texts.pop(name).whole(order)
        return found


def _fits(numbers: Numbers) -> bool:
    return not len(numbers) or bool(numbers.min() >= 0 and numbers.max() < _WIDE)


def _end(group: Group, side: str) -> tuple[Part, Part, Numbers]:
    """Give label and pod of one end of each row, and whether it is outside of the cluster."""
    place = {name: group.texts(f"{side}.{name}") for name in _PLACE}
    service, pod, named = (
        combined((place[f"{kind}namespace"], place[f"{kind}name"]), _pair) for kind in ("service.", "pod.", "")
    )
    inside = combined((service, pod, named, _labels(group, side, service, pod)), _inside)
    known = np.array([value is not None for value in inside.values], np.bool_)[inside.codes]
    label, strange = inside, np.flatnonzero(~known)
    if len(strange):
        address = combined((place["dns"].taken(strange), place["ip"].taken(strange)), lambda dns, ip: dns or ip or "")
        codes = inside.codes.astype(np.int32)
        codes[strange] = address.codes + len(inside.values)
        label = Part(codes, [*inside.values, *address.values])
    return label, Part(pod.codes, [_joined(pair) for pair in pod.values]), ~known


def _labels(group: Group, side: str, service: Part, pod: Part) -> Part:
    """Give the first of the usual labels of pods without a service; maps are slow to read, so only where needed."""
    needed = np.array([pair is not None for pair in pod.values], np.bool_)[pod.codes]
    needed &= np.array([pair is None for pair in service.values], np.bool_)[service.codes]
    rows = np.flatnonzero(needed)
    if not len(rows):
        return Part(np.zeros(len(group), np.int8), (None,))
    found = group.mapped("local_labels" if side == "src" else "remote_labels", _LABELS, rows)
    own = combined(found, lambda *values: next((value for value in values if value is not None), None))
    codes = np.zeros(len(group), np.int32)
    codes[rows] = own.codes + 1
    return Part(codes, [None, *own.values])


def _pair(namespace: str | None, name: str | None) -> Pair:
    return (namespace, name) if name else None


def _joined(pair: Pair) -> str | None:
    """Write a pair as `namespace/name`; a name without its namespace says nothing."""
    return None if pair is None or pair[0] is None else f"{pair[0]}/{pair[1]}"


def _inside(service: Pair, pod: Pair, named: Pair, own: str | None) -> str | None:
    """Give the label of an end inside of the cluster, None outside."""
    if service:
        return _joined(service)
    if pod:
        return _joined((pod[0], _APPENDED.sub("", pod[1], count=1) if own is None else own))
    return f"{named[0] or ''}/{named[1]}" if named else None
