"""What the connections of a batch tell of its rows: who their ends are, and where they were captured."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import ChainMap
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kubeshark_mcp.model.field import FieldType
from kubeshark_mcp.model.stream import Connection
from kubeshark_mcp.store import match
from kubeshark_mcp.store.arrays import coded_array
from kubeshark_mcp.store.hashing import Hashes

PlaceOf = Callable[[Connection, int], Mapping[str, Any]]
"""Tells the common fields of a connection at a time (Unix ns): who its ends are, the capture, the node it was seen on.

A ChainMap of two mappings is taken apart: what many connections have in common belongs into the second, as one object
for all of them, and is then looked at once a batch.
Beside KFL fields it may give `_near` (0 captured on the client's node, 1 unknown, 2 on the server's) and `_server_kind`
(`service`, `pod` or empty: what the server's address belongs to); both are derived where they are absent.
One that can also tell of many connections at once is a `place_columns.PlacesOf`.
"""

Int64 = NDArray[np.int64]
Place = Mapping[str, Any]

ENDS = frozenset(
    {"src.ip", "src.port", "dst.ip", "dst.port", "stream"} | {"conn_id", "conn_group_id", "flow_id", "flow_group_id"}
)
"""What differs from connection to connection, and tells nothing of where it was captured or what its ends are."""

TRANSPORT_CODES = {"tcp": 0, "udp": 1, "sctp": 2, "icmp": 3}
OTHER_TRANSPORT = 7
FACTS: Mapping[str, FieldType] = {
    "_connection": FieldType.INT,
    "_capture": FieldType.INT,
    "_point": FieldType.INT,
    "_server": FieldType.STRING,
    "src.ip": FieldType.STRING,
    "src.port": FieldType.INT,
    "dst.ip": FieldType.STRING,
    "dst.port": FieldType.INT,
    "conn_id": FieldType.INT,
}
"""Columns that a connection itself tells; a place's own opinion of the same column comes first."""

_NOTHING: Place = {}


class Connections(ABC):
    """The distinct connections of a batch, and which one each row belongs to.

    codes: of each row, the position of its connection. shared: distinct mappings of what many connections have in
    common; shared_codes: of each connection, the position of its own.
    """

    def __init__(self, codes: NDArray[np.int32], shared: Sequence[Place], shared_codes: NDArray[np.int32]) -> None:
        self.codes = codes
        self.shared = shared
        self.shared_codes = shared_codes
        self.shared_names = frozenset(chain.from_iterable(shared))

    @abstractmethod
    def knows(self, name: str) -> bool:
        """Tell whether some place has a value of this name."""

    @abstractmethod
    def told(self, name: str, kind: FieldType) -> pa.Array:
        """Give what the places say under a name."""

    @abstractmethod
    def derived(self, name: str, derive: Callable[[Place], Any], kind: FieldType) -> pa.Array:
        """Give what the places say under a name, else what follows from the rest of what they say."""

    @abstractmethod
    def fact(self, name: str) -> pa.Array:
        """Give one of FACTS: what the places say of it, else what the connections themselves tell."""

    @abstractmethod
    def client_hashes(self) -> Hashes:
        """Give each row's hash of its client."""

    @abstractmethod
    def sequences(self) -> tuple[Int64, Int64]:
        """Give each row's sequence numbers of stream offset 0, of the client's and of the server's; -1 if unknown."""

    @abstractmethod
    def over_tcp(self) -> NDArray[np.bool_]:
        """Tell which rows came over TCP."""

    def common(self, tell: Callable[[Place], Any], kind: FieldType) -> pa.Array:
        """Give what is told by what many connections have in common."""
        return coded_array(self.shared_codes[self.codes], [tell(place) for place in self.shared], kind)


class ConnectionPlaces(Connections):
    """Connections that come as objects, and are asked for one by one."""

    def __init__(
        self, distinct: Sequence[Connection], codes: NDArray[np.int32], times: Int64, place_of: PlaceOf
    ) -> None:
        """Ask for the places. times: of each connection, when its first row begins, in Unix nanoseconds UTC."""
        self._distinct = distinct
        pairs = [_taken_apart(place_of(c, ns)) for c, ns in zip(distinct, times.tolist(), strict=True)]
        shared = {id(common): common for _, common in pairs}
        position = {key: index for index, key in enumerate(shared)}
        shared_codes = np.fromiter([position[id(common)] for _, common in pairs], np.int32, len(pairs))
        super().__init__(codes, list(shared.values()), shared_codes)
        self._own: list[Place] = [own for own, _ in pairs]
        self._own_names = frozenset(chain.from_iterable(self._own))
        self._all_have = all(len(own) == len(self._own_names) for own in self._own)
        self._values = ValuesByName(self._own, self._own_names)

    @classmethod
    def of_rows(cls, connections: Sequence[Connection], start: Int64, place_of: PlaceOf) -> Self:
        """Make them of the connection and the time of each row; rows come in order of time."""
        keys = list(map(id, connections))
        distinct = dict(zip(keys, connections, strict=True))
        position = {key: index for index, key in enumerate(distinct)}
        codes = np.fromiter(map(position.__getitem__, keys), np.int32, len(keys))
        first = np.unique(codes, return_index=True)[1]
        return cls(list(distinct.values()), codes, start[first], place_of)

    def knows(self, name: str) -> bool:
        """Tell whether some place has a value of this name."""
        return name in self._own_names or name in self.shared_names

    def told(self, name: str, kind: FieldType) -> pa.Array:
        """Give what the places say under a name."""
        if name not in self._own_names:
            return self.common(lambda place: place.get(name), kind)
        if self._all_have:
            return self._column(self._values[name], kind)
        shared = [common.get(name) for common in self.shared]
        values = [own.get(name, shared[code]) for own, code in zip(self._own, self.shared_codes.tolist(), strict=True)]
        return self._column(values, kind)

    def derived(self, name: str, derive: Callable[[Place], Any], kind: FieldType) -> pa.Array:
        """Give what the places say under a name, else what follows from the rest of what they say."""
        if self._own_names <= ENDS:
            return self.common(lambda place: place.get(name, derive(place)), kind)
        codes = self.shared_codes.tolist()
        places = [ChainMap(own, self.shared[code]) for own, code in zip(self._own, codes, strict=True)]  # type: ignore[arg-type]
        return self._column([place.get(name, derive(place)) for place in places], kind)

    def fact(self, name: str) -> pa.Array:
        """Give one of FACTS: what the places say of it, else what the connections themselves tell."""
        tell, kind = _FACTS_OF[name], FACTS[name]
        if name in self._own_names:
            if self._all_have:
                return self._column(self._values[name], kind)
            pairs = zip(self._own, self._distinct, strict=True)
            return self._column([own[name] if name in own else tell(c) for own, c in pairs], kind)
        if name in self.shared_names:
            return self.told(name, kind)
        return self._column([tell(c) for c in self._distinct], kind)

    def client_hashes(self) -> Hashes:
        """Give each row's hash of its client."""
        clients = [(c.transport, c.client.address) for c in self._distinct]
        hosts = {client: match.host_hashes(client[0], [client[1]])[0] for client in dict.fromkeys(clients)}
        ports = np.array([c.client.port for c in self._distinct], np.int64)
        found: Hashes = match.client_hashes(np.array([hosts[client] for client in clients], np.uint64), ports)
        return found[self.codes]

    def sequences(self) -> tuple[Int64, Int64]:
        """Give each row's sequence numbers of stream offset 0, of the client's and of the server's; -1 if unknown."""
        pairs = np.array([(c.client_sequence, c.server_sequence) for c in self._distinct], np.int64)
        return pairs[self.codes, 0], pairs[self.codes, 1]

    def over_tcp(self) -> NDArray[np.bool_]:
        """Tell which rows came over TCP."""
        return np.array([c.transport == "tcp" for c in self._distinct], np.bool_)[self.codes]

    def _column(self, values: Sequence[Any], kind: FieldType) -> pa.Array:
        return coded_array(self.codes, values, kind)


class ValuesByName:
    """The values of many mappings as lists by name; each mapping is visited once."""

    def __init__(self, rows: Sequence[Place], wanted: Collection[str]) -> None:
        self.present = frozenset().union(*rows)
        names = [name for name in wanted if name in self.present]
        values: list[Any] = []
        for row in rows:
            values.extend(map(row.get, names))
        self._values = {name: values[at :: len(names)] for at, name in enumerate(names)}
        self._nothing = [None] * len(rows)

    def __getitem__(self, name: str) -> Sequence[Any]:
        return self._values.get(name, self._nothing)


def connection_key(connection: Connection) -> int:
    """Give a number that no other connection of the dissection has."""
    transport = TRANSPORT_CODES.get(connection.transport, OTHER_TRANSPORT)
    return connection.capture << 36 | transport << 33 | connection.number


def server_text(address: str, port: int) -> str:
    """Write an endpoint as people do."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def nearness(place: Place) -> int:
    """Tell on whose node it was captured: 0 the client's, 2 the server's, 1 unknown."""
    node = place.get("node_name")
    if node and node == place.get("local_node_name"):
        return 0
    return 2 if node and node == place.get("remote_node_name") else 1


def server_kind(place: Place) -> str:
    """Tell what the server's address belongs to."""
    pod, service = place.get("dst.pod.name"), place.get("dst.service.name")
    if service and (not pod or pod == service):
        return "service"
    return "pod" if pod else ""


_FACTS_OF: Mapping[str, Callable[[Connection], Any]] = {
    "_connection": connection_key,
    "_capture": lambda c: c.capture,
    "_point": lambda c: c.point,
    "_server": lambda c: server_text(c.server.address, c.server.port),
    "src.ip": lambda c: c.client.address,
    "src.port": lambda c: c.client.port,
    "dst.ip": lambda c: c.server.address,
    "dst.port": lambda c: c.server.port,
    "conn_id": connection_key,
}


def _taken_apart(place: Place) -> tuple[Place, Place]:
    """Give what a place says of its connection alone, and what many have in common."""
    if type(place) is ChainMap and len(place.maps) == 2:
        return place.maps[0], place.maps[1]
    return place, _NOTHING
