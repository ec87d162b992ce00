"""Connections that come as columns, and what is told of all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kubeshark_mcp.model.entry_columns import Coded, Column, ConnectionColumns, Numbers
from kubeshark_mcp.model.field import FieldType
from kubeshark_mcp.model.stream import Connection
from kubeshark_mcp.store import match
from kubeshark_mcp.store.arrays import taken
from kubeshark_mcp.store.column_arrays import column_array
from kubeshark_mcp.store.hashing import Hashes
from kubeshark_mcp.store.places import (
    ENDS,
    FACTS,
    OTHER_TRANSPORT,
    TRANSPORT_CODES,
    ConnectionPlaces,
    Connections,
    Place,
    PlaceOf,
    server_text,
)

Int64 = NDArray[np.int64]

MANY = 64
"""Connections that come as objects and become columns, so that they are asked for at once."""


@dataclass(frozen=True, slots=True)
class PlaceColumns:
    """What is told of n connections.

    shared: distinct mappings of what many of them have in common; codes: of each connection, which is its own (int32).
    own: what differs from one to the next, under names that no mapping has; what a connection itself tells is left out.
    """

    shared: Sequence[Mapping[str, Any]]
    codes: NDArray[np.int32]
    own: Mapping[str, Column] = field(default_factory=dict)


@runtime_checkable
class PlacesOf(Protocol):
    """Tells of connections one by one, as a `PlaceOf`, and of many at once: the same."""

    def __call__(self, connection: Connection, time_ns: int) -> Mapping[str, Any]:
        """Tell of a connection at a time (Unix nanoseconds UTC)."""

    def columns(self, connections: ConnectionColumns, times: Int64) -> PlaceColumns:
        """Tell of connections, each at its own time (Unix nanoseconds UTC)."""


def connections_of(
    columns: ConnectionColumns, codes: NDArray[np.int32], start: Int64, place_of: PlaceOf
) -> Connections:
    """Ask for the places. codes: of each row, its connection; start: when it begins; rows come in order of time."""
    present, first, codes_now = np.unique(codes, return_index=True, return_inverse=True)
    if len(present) < len(columns):
        columns = columns.taken(present)
    now = codes_now.astype(np.int32)
    if isinstance(place_of, PlacesOf):
        return _ColumnPlaces(columns, now, place_of.columns(columns, start[first]))
    return ConnectionPlaces(columns.connections(), now, start[first], place_of)


def connections_in(rows: Sequence[Connection], start: Int64, place_of: PlaceOf) -> Connections:
    """Ask for the places of connections that come as objects, one a row; many are asked for at once if that can be."""
    keys = list(map(id, rows))
    distinct = list(dict(zip(keys, rows, strict=True)).values())
    if len(distinct) < MANY or not isinstance(place_of, PlacesOf) or len({one.transport for one in distinct}) > 1:
        return ConnectionPlaces.of_rows(rows, start, place_of)
    position = {id(one): place for place, one in enumerate(distinct)}
    codes = np.fromiter(map(position.__getitem__, keys), np.int32, len(keys))
    return connections_of(ConnectionColumns.of(distinct, np.array), codes, start, place_of)


class _ColumnPlaces(Connections):
    def __init__(self, columns: ConnectionColumns, codes: NDArray[np.int32], places: PlaceColumns) -> None:
        super().__init__(codes, places.shared, places.codes)
        self._columns = columns
        self._own = places.own
        self._alike = len(codes) == len(columns) and bool((codes == np.arange(len(codes))).all())

    def knows(self, name: str) -> bool:
        return name in self._own or name in self.shared_names

    def told(self, name: str, kind: FieldType) -> pa.Array:
        if name in self._own:
            return self._spread(self._own[name], kind)
        return self.common(lambda place: place.get(name), kind)

    def derived(self, name: str, derive: Callable[[Place], Any], kind: FieldType) -> pa.Array:
        assert self._own.keys() <= ENDS
        return self.common(lambda place: place.get(name, derive(place)), kind)

    def fact(self, name: str) -> pa.Array:
        kind = FACTS[name]
        if self.knows(name):
            return self.told(name, kind)
        return self._spread(_FACTS_OF[name](self._columns), kind)

    def client_hashes(self) -> Hashes:
        columns = self._columns
        hosts: Hashes = match.host_hashes(columns.transport, columns.addresses)
        found: Hashes = match.client_hashes(hosts[columns.client_address], columns.client_port)
        return found[self.codes]

    def sequences(self) -> tuple[Int64, Int64]:
        return self._columns.client_sequence[self.codes], self._columns.server_sequence[self.codes]

    def over_tcp(self) -> NDArray[np.bool_]:
        return np.full(len(self.codes), self._columns.transport == "tcp")

    def _spread(self, column: Column, kind: FieldType) -> pa.Array:
        made = column_array(column, kind)
        return made if self._alike else taken(made, self.codes)


def _keys(columns: ConnectionColumns) -> Numbers:
    transport = TRANSPORT_CODES.get(columns.transport, OTHER_TRANSPORT)
    return Numbers(columns.capture << 36 | transport << 33 | columns.number)


def _servers(columns: ConnectionColumns) -> Coded:
    keys = columns.server_address.astype(np.int64) << 32 | columns.server_port
    distinct, codes = np.unique(keys, return_inverse=True)
    texts = [server_text(columns.addresses[key >> 32], key & 0xFFFFFFFF) for key in distinct.tolist()]
    return Coded(texts, codes.astype(np.int32))


_FACTS_OF: Mapping[str, Callable[[ConnectionColumns], Column]] = {
    "_connection": _keys,
    "_capture": lambda columns: Numbers(columns.capture),
    "_point": lambda columns: Numbers(columns.point),
    "_server": _servers,
    "src.ip": lambda columns: Coded(columns.addresses, columns.client_address),
    "src.port": lambda columns: Numbers(columns.client_port),
    "dst.ip": lambda columns: Coded(columns.addresses, columns.server_address),
    "dst.port": lambda columns: Numbers(columns.server_port),
    "conn_id": _keys,
}
