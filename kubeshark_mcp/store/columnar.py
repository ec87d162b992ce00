"""Whole columns of many entries at once, for analysis: numpy arrays, texts as codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kubeshark_mcp.store.database import Database


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of texts: `values[codes[row]]`; null is the empty text."""

    codes: NDArray[np.int32]
    values: tuple[str, ...]


Loaded = NDArray[Any] | Coded | list[Any]
"""Numbers and flags as arrays, texts coded, lists and maps (as dicts) as Python values."""

CALLS = """
    id: _id
    start_ns: timestamp
    elapsed_us: CASE WHEN {answered} THEN coalesce({elapsed_time}, -1) ELSE -1 END
    answered: coalesce({answered}, false)
    failed: coalesce({failed}, false)
    protocol: protocol
    client: {client}
    server: {server}
    client_pod: {client_pod}
    server_pod: {server_pod}
    client_address: "src.ip"
    server_address: "dst.ip"
    server_port: coalesce("dst.port", 0)
    endpoint: {endpoint}
    status: {status}
    request_bytes: {_request_bytes}
    response_bytes: {_response_bytes}
    connection: {_connection}
    node: node_name
    outside: {outside}
"""
CONNECTIONS = """
    id: _id
    start_ns: timestamp
    elapsed_us: coalesce({elapsed_time}, 0)
    transport: CASE WHEN protocol = 'tcp_conn' THEN 'tcp' ELSE 'udp' END
    state: {conn_state}
    client: {client}
    server: {server}
    client_pod: {client_pod}
    server_pod: {server_pod}
    client_address: "src.ip"
    server_address: "dst.ip"
    client_port: coalesce("src.port", 0)
    server_port: coalesce("dst.port", 0)
    packets_out: {conn_local_pkts}
    packets_in: {conn_remote_pkts}
    bytes_out: {conn_local_bytes}
    bytes_in: {conn_remote_bytes}
    goodput_bytes: {tcp_goodput_bytes}
    retransmissions: {tcp_retransmissions}
    fast_retransmissions: {tcp_fast_retransmissions}
    out_of_order: {tcp_out_of_order}
    dup_acks: {tcp_dup_acks}
    missing_segments: {tcp_missing_segments}
    zero_windows: {tcp_zero_window_events}
    window_full: {tcp_window_full_events}
    resets: {tcp_rst_count}
    fins: {tcp_fin_count}
    keepalives: {tcp_keepalive_count}
    completeness: {tcp_connection_completeness}
    initial_rtt_us: {tcp_initial_rtt_us}
    handshake_us: {tcp_handshake_time_us}
    rtt_avg_us: {tcp_rtt_avg_us}
    connection: {_connection}
    node: node_name
    client_node: local_node_name
    server_node: remote_node_name
    sightings: {sightings}
    outside: {outside}
"""
_NUMBERS = (
    (pa.types.is_boolean, False, np.bool_),
    (pa.types.is_integer, 0, np.int64),
    (pa.types.is_floating, 0.0, np.float64),
)
_UNSEEN = frozenset({"tcp_initial_rtt_us", "tcp_handshake_time_us"})
_COMPUTED = ("answered", "failed", "elapsed_time", "status")


BATCH = 100_000
"""Rows that are held as text at once; what stays of them are codes."""


def load(
    database: Database, relation: str, columns: Mapping[str, str], where: str, parameters: Sequence[Any] = ()
) -> dict[str, Loaded]:
    """Read SQL expressions by name over the rows of a relation that match, in order of time.

    Rows come as they lie and are ordered afterwards, as numbers: to sort the texts would need many times the memory.
    """
    if not columns:
        return {}
    wanted = ", ".join(f'{expression} AS "{name}"' for name, expression in columns.items())
    sql = f"SELECT {wanted}, timestamp AS _at, _id AS _number FROM {relation} WHERE {where}"  # noqa: S608
    with database.cursor() as cursor:
        reader = cursor.sql(sql, params=list(parameters)).to_arrow_reader(BATCH)
        parts = {name: _Column(reader.schema.field(name).type) for name in (*columns, "_at", "_number")}
        for batch in reader:
            for name, part in parts.items():
                part.add(batch.column(name))
    at, number = parts.pop("_at").values(), parts.pop("_number").values()
    order = np.lexsort((number, at))
    if bool((np.diff(order) == 1).all()):
        return {name: part.loaded() for name, part in parts.items()}
    # One after the other, so that only one column lies there twice.
    return {name: parts.pop(name).loaded(order) for name in columns}


class _Column:
    """A column that grows by batches."""

    def __init__(self, kind: pa.DataType) -> None:
        self._texts = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)
        self._number = next(((missing, dtype) for test, missing, dtype in _NUMBERS if test(kind)), None)
        self._map = pa.types.is_map(kind)
        self._codes: dict[str, int] = {}
        self._arrays: list[NDArray[Any]] = []
        self._objects: list[Any] = []

    def add(self, column: pa.Array) -> None:
        """Take a batch."""
        if self._texts:
            texts = pc.fill_null(column.cast(pa.string()), "").dictionary_encode()
            numbers = [self._codes.setdefault(text, len(self._codes)) for text in texts.dictionary.to_pylist()]
            own = np.array(numbers, np.int32)
            self._arrays.append(own[texts.indices.to_numpy(zero_copy_only=False)])
        elif self._number is not None:
            missing, dtype = self._number
            self._arrays.append(pc.fill_null(column, missing).to_numpy(zero_copy_only=False).astype(dtype))
        elif self._map:
            self._objects += [dict(value or ()) for value in column.to_pylist()]
        else:
            self._objects += column.to_pylist()

    def values(self) -> NDArray[Any]:
        """Give all numbers or codes, in the order of arrival; the batches are let go."""
        dtype = np.int32 if self._texts else self._number[1] if self._number else np.int64
        joined: NDArray[Any] = np.concatenate(self._arrays) if self._arrays else np.zeros(0, dtype)
        self._arrays = [joined]
        return joined

    def loaded(self, order: NDArray[np.int64] | None = None) -> Loaded:
        """Give the column, in another order where one is given."""
        if not self._texts and self._number is None:
            return self._objects if order is None else [self._objects[row] for row in order.tolist()]
        values = self.values() if order is None else self.values()[order]
        return Coded(values, tuple(self._codes)) if self._texts else values


def load_calls(database: Database, where: str, parameters: Sequence[Any] = ()) -> dict[str, Loaded]:
    """Read the columns of CALLS: L7 entries with the labels of both ends."""
    return load(database, "calls", _expressions(database, CALLS), where, parameters)


def load_connections(database: Database, where: str, parameters: Sequence[Any] = ()) -> dict[str, Loaded]:
    """Read the columns of CONNECTIONS from `tcp_conn` and `udp_conn` entries."""
    where = f"({where}) AND protocol IN ('tcp_conn', 'udp_conn')"
    return load(database, "entries", _expressions(database, CONNECTIONS), where, parameters)


def _expressions(database: Database, table: str) -> dict[str, str]:
    names = {
        "client": _label("src"),
        "server": _label("dst"),
        "client_pod": _pod("src"),
        "server_pod": _pod("dst"),
        "outside": f"{_inside('dst')} IS NULL",
        "endpoint": "_endpoint" if "_endpoint" in database.types else "NULL",
    }
    for name in _COMPUTED:
        names[name] = name if name in database.types else f"_{name}" if f"_{name}" in database.types else "NULL"
    rows = [line.strip().split(": ", 1) for line in table.strip().splitlines()]
    for word in {part.split("}")[0] for _, text in rows for part in text.split("{")[1:]} - names.keys():
        default = -1 if word in _UNSEEN else "''" if word == "conn_state" else 0
        names[word] = f"coalesce({word}, {default})" if word in database.types else str(default)
    return {name: text.format_map(names) for name, text in rows}


def _pod(side: str) -> str:
    return f"""CASE WHEN coalesce("{side}.pod.name", '') <> ''
        THEN "{side}.pod.namespace" || '/' || "{side}.pod.name" ELSE '' END"""


def _inside(side: str) -> str:
    """Give the label of an end inside the cluster, null outside.

    The service that selects the pod names the workload; without one the usual labels do, then the pod's name without
    what a ReplicaSet, DaemonSet or StatefulSet appended.
    """
    labels = "local_labels" if side == "src" else "remote_labels"
    pod = f"""regexp_replace("{side}.pod.name", '(-[a-z0-9]{{6,10}})?-[a-z0-9]{{5}}$|-[0-9]+$', '')"""
    own = f"""coalesce({labels}['app.kubernetes.io/name'], {labels}['app'], {labels}['k8s-app'], {pod})"""
    return f"""CASE WHEN coalesce("{side}.service.name", '') <> ''
        THEN "{side}.service.namespace" || '/' || "{side}.service.name"
        WHEN coalesce("{side}.pod.name", '') <> '' THEN "{side}.pod.namespace" || '/' || {own}
        WHEN coalesce("{side}.name", '') <> ''
        THEN coalesce("{side}.namespace", '') || '/' || "{side}.name" END"""


def _label(side: str) -> str:
    return f"""coalesce({_inside(side)}, nullif("{side}.dns", ''), "{side}.ip", '')"""
