"""Entries made into columns: one batch of one protocol as an Arrow table."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.field import FieldType
from kubeshark_mcp.model.stream import Connection, Span
from kubeshark_mcp.store import match
from kubeshark_mcp.store.arrays import array_of, coded_array, constant_array, empty_array, schema_of
from kubeshark_mcp.store.columns import COMPUTED, CONNECTIONS, FLOWS

PlaceOf = Callable[[Connection, int], Mapping[str, Any]]
"""Tells the common fields of a connection at a time (Unix ns): who its ends are, the capture, the node it was seen on.

A ChainMap of two mappings is taken apart: what many connections have in common belongs into the second, as one object
for all of them, and is then looked at once a batch.
Beside KFL fields it may give `_near` (0 captured on the client's node, 1 unknown, 2 on the server's) and `_server_kind`
(`service`, `pod` or empty: what the server's address belongs to); both are derived where they are absent.
"""

Int64 = NDArray[np.int64]

_NOTHING: Mapping[str, Any] = {}
_ENDS = frozenset(
    {"src.ip", "src.port", "dst.ip", "dst.port", "stream"} | {"conn_id", "conn_group_id", "flow_id", "flow_group_id"}
)
"""What differs from connection to connection, and tells nothing of where it was captured or what its ends are."""
_NO_SPAN = Span(0, 0, 0, 0, 0, 0)
_SPAN_PARTS = attrgetter("offset", "length", "first_packet", "last_packet", "start_ns", "end_ns", "missing")
_ATTRIBUTES = (
    "connection", "request", "response", "fields", "summary", "status", "failed", "malformed", "request_body",
    "response_body",
)  # fmt: skip
_ATTRIBUTES_OF = attrgetter(*_ATTRIBUTES)
_TRANSPORT_CODES = {"tcp": 0, "udp": 1, "sctp": 2, "icmp": 3}
_PLACE_INTERNAL = {"_near": FieldType.INT, "_server_kind": FieldType.STRING}

_VARIABLE = re.compile(
    r"(?<![^/:,=\s()'\"&])"
    r"(?:[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9]+|(?=[a-fA-F]*[0-9])[0-9a-fA-F]{12,})"
    r"(?![^/:,=\s()'\"&?])"
)
_QUERY = re.compile(r"(/[^\s?]*)\?\S*")
_ENDPOINT_LENGTH = 200


def endpoint_of(summary: str) -> str:
    """Write a summary without what varies between calls of one kind: query strings, numbers, UUIDs and long hex."""
    text = summary[:_ENDPOINT_LENGTH]
    return _VARIABLE.sub("{}", _QUERY.sub(r"\1", text) if "?" in text else text)


class _Columns:
    """The attributes of entries as lists: each entry is visited once, for entries lie far apart in memory."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        values, width = list(chain.from_iterable(map(_ATTRIBUTES_OF, entries))), len(_ATTRIBUTES)
        self._values: dict[str, Sequence[Any]] = {name: values[at::width] for at, name in enumerate(_ATTRIBUTES)}

    def __getitem__(self, name: str) -> Sequence[Any]:
        return self._values[name]

    def order(self, order: Sequence[int]) -> None:
        """Put them in another order; there are at least two entries."""
        taken = itemgetter(*order)
        self._values = {name: taken(values) for name, values in self._values.items()}


class _Fields:
    """The fields of entries as lists by name; each row is visited once."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], wanted: Collection[str]) -> None:
        self.present = frozenset(chain.from_iterable(rows))
        names = [name for name in wanted if name in self.present]
        values: list[Any] = []
        for row in rows:
            values.extend(map(row.get, names))
        self._values = {name: values[at :: len(names)] for at, name in enumerate(names)}
        self._nothing = [None] * len(rows)

    def __getitem__(self, name: str) -> Sequence[Any]:
        return self._values.get(name, self._nothing)


class _Half:
    """Requests or responses of a batch as arrays; zeros where `seen` is false."""

    def __init__(self, spans: Sequence[Span | None]) -> None:
        seen = np.fromiter([span is not None for span in spans], np.bool_, len(spans))
        present = spans if seen.all() else [span or _NO_SPAN for span in spans]
        flat = np.fromiter(chain.from_iterable(map(_SPAN_PARTS, present)), np.int64, 7 * len(spans))
        self._set(seen, np.ascontiguousarray(flat.reshape(-1, 7).T))

    def _set(self, seen: NDArray[np.bool_], parts: Int64) -> None:
        self.seen, self._parts = seen, parts
        self.offset, self.length, self.first, self.last, self.start, self.end, self.missing = parts

    def taken(self, order: Int64) -> _Half:
        half = _Half.__new__(_Half)
        half._set(self.seen[order], self._parts[:, order])
        return half

    def column(self, values: Int64) -> pa.Array:
        return pa.array(values, mask=None if self.seen.all() else ~self.seen)


class _Connections:
    """The distinct connections of a batch, and which one each entry belongs to."""

    def __init__(self, all_of_them: Sequence[Connection], start: Int64, place_of: PlaceOf) -> None:
        keys = list(map(id, all_of_them))
        distinct = dict(zip(keys, all_of_them, strict=True))
        position = {key: index for index, key in enumerate(distinct)}
        self.distinct = list(distinct.values())
        self.codes = np.fromiter(map(position.__getitem__, keys), np.int32, len(keys))
        first = np.unique(self.codes, return_index=True)[1]
        self._take(place_of(c, ns) for c, ns in zip(self.distinct, start[first].tolist(), strict=True))

    def _take(self, places: Iterable[Mapping[str, Any]]) -> None:
        """Keep what places say of one connection apart from what many have in common."""
        pairs = [
            place.maps if type(place) is ChainMap and len(place.maps) == 2 else (place, _NOTHING) for place in places
        ]
        self._own: list[Mapping[str, Any]] = [own for own, _ in pairs]
        self._own_names = frozenset(chain.from_iterable(self._own))
        self._all_have = all(len(own) == len(self._own_names) for own in self._own)
        self._values = _Fields(self._own, self._own_names)
        shared = {id(common): common for _, common in pairs}
        position = {key: index for index, key in enumerate(shared)}
        self._shared = list(shared.values())
        self._shared_names = frozenset(chain.from_iterable(self._shared))
        self._shared_codes = np.fromiter([position[id(common)] for _, common in pairs], np.int32, len(pairs))

    def knows(self, name: str) -> bool:
        """Tell whether some place has a value of this name."""
        return name in self._own_names or name in self._shared_names

    def told(self, name: str, kind: FieldType) -> pa.Array:
        """Give what the places say under a name."""
        if name not in self._own_names:
            return self._common([common.get(name) for common in self._shared], kind)
        if self._all_have:
            return self.column(self._values[name], kind)
        shared = [common.get(name) for common in self._shared]
        values = [own.get(name, shared[code]) for own, code in zip(self._own, self._shared_codes.tolist(), strict=True)]
        return self.column(values, kind)

    def derived(self, name: str, derive: Callable[[Mapping[str, Any]], Any], kind: FieldType) -> pa.Array:
        """Give what the places say under a name, else what follows from the rest of what they say."""
        if self._own_names <= _ENDS:
            return self._common([common.get(name, derive(common)) for common in self._shared], kind)
        codes = self._shared_codes.tolist()
        places = [ChainMap(own, self._shared[code]) for own, code in zip(self._own, codes, strict=True)]  # type: ignore[arg-type]
        return self.column([place.get(name, derive(place)) for place in places], kind)

    def own(self, name: str, tell: Callable[[Connection], Any], kind: FieldType) -> pa.Array:
        """Give what the places say under a name, else what the connections themselves tell."""
        if name in self._own_names:
            if self._all_have:
                return self.column(self._values[name], kind)
            pairs = zip(self._own, self.distinct, strict=True)
            return self.column([own[name] if name in own else tell(c) for own, c in pairs], kind)
        if name in self._shared_names:
            return self.told(name, kind)
        return self.column([tell(c) for c in self.distinct], kind)

    def _common(self, values: Sequence[Any], kind: FieldType) -> pa.Array:
        return coded_array(self._shared_codes[self.codes], values, kind)

    def numbers(self, value: Callable[[Connection], int]) -> Int64:
        return np.fromiter(map(value, self.distinct), np.int64, len(self.distinct))[self.codes]

    def client_hashes(self) -> NDArray[np.uint64]:
        return match.client_hashes(self.distinct)[self.codes]

    def column(self, values: Sequence[Any], kind: FieldType) -> pa.Array:
        return coded_array(self.codes, values, kind)


def connection_key(connection: Connection) -> int:
    """Give a number that no other connection of the dissection has."""
    transport = _TRANSPORT_CODES.get(connection.transport, 7)
    return connection.capture << 36 | transport << 33 | connection.number


class BatchBuilder:
    """Makes batches of one protocol; `types` are its columns, `own` the names that its entries may fill."""

    def __init__(
        self, protocol: str, types: Mapping[str, FieldType], own: frozenset[str], matching: tuple[str, ...] | None
    ) -> None:
        self.protocol = protocol
        self.types = types
        self.schema = schema_of(types)
        self._own = own
        self._matching = matching

    def build(self, entries: Sequence[Entry], place_of: PlaceOf, first_id: int) -> pa.Table:
        """Make one table, sorted by time; entries get the ids from `first_id` on in that order."""
        columns = _Columns(entries)
        request, response, start = _in_order_of_time(columns)
        fields = _Fields(columns["fields"], dict.fromkeys((*self._own, *(self._matching or ()))))
        connections = _Connections(columns["connection"], start, place_of)
        ids = np.arange(first_id, first_id + len(entries), dtype=np.int64)
        ready = self._computed(columns, request, response, ids, start)
        ready |= self._evidence(request, response) | self._from_connections(connections)
        ready |= self._matches(columns, fields, connections, request, response)
        ready["_id"] = pa.array(ids)
        ready["_endpoint"] = _endpoints(ready[self._name("summary")])
        ready["_request_body"] = _bodies(columns["request_body"])
        ready["_response_body"] = _bodies(columns["response_body"])
        arrays = [self._array(name, kind, ready, fields, connections) for name, kind in self.types.items()]
        return pa.Table.from_arrays(arrays, schema=self.schema)

    def _name(self, computed: str) -> str:
        return computed if computed in self.types else f"_{computed}"

    def _array(
        self,
        name: str,
        kind: FieldType,
        ready: Mapping[str, pa.Array],
        fields: _Fields,
        connections: _Connections,
    ) -> pa.Array:
        """Give one column: computed, or from the entries, or from their connections, in this order."""
        if name in ready and name not in self._own:
            return ready[name]
        if name not in self._own:
            return connections.told(name, kind)
        values = fields[name]
        own = array_of(values, kind) if name in fields.present else empty_array(len(values), kind)
        if own.null_count == 0:
            return own
        other = ready.get(name)
        if other is None and connections.knows(name):
            other = connections.told(name, kind)
        return own if other is None else _coalesced(own, other)

    def _computed(
        self, columns: _Columns, request: _Half, response: _Half, ids: Int64, start: Int64
    ) -> dict[str, pa.Array]:
        both = request.seen & response.seen
        elapsed = np.maximum(0, response.end - request.start) // 1000
        first_byte = np.maximum(0, response.start - request.end) // 1000
        text = FieldType.STRING
        values = {
            "id": pa.array(ids),
            "timestamp": pa.array(start),
            "protocol": constant_array(self.protocol, len(ids)),
            "elapsed_time": pa.array(elapsed, mask=~both),
            "first_byte_time": pa.array(first_byte, mask=~both),
            "summary": array_of(columns["summary"], text),
            "status": array_of(columns["status"], text),
            "failed": array_of(columns["failed"], FieldType.BOOL),
            "malformed": array_of([text_of or None for text_of in columns["malformed"]], text),
            "answered": pa.array(both),
            "sightings": pa.array(np.ones(len(ids), np.int64)),
        }
        return {self._name(name): values[name] for name in COMPUTED}

    def _evidence(self, request: _Half, response: _Half) -> dict[str, pa.Array]:
        columns = {"_missing": pa.array(request.missing + response.missing)}
        for half, name in ((request, "_request"), (response, "_response")):
            columns[f"{name}_first"] = half.column(half.first)
            columns[f"{name}_last"] = half.column(half.last)
            columns[f"{name}_start"] = half.column(half.start)
            columns[f"{name}_end"] = half.column(half.end)
            columns[f"{name}_bytes"] = half.column(half.length)
        return columns

    def _from_connections(self, connections: _Connections) -> dict[str, pa.Array]:
        """Give what a connection itself tells; a place's own opinion of the same field comes first."""
        text, number = FieldType.STRING, FieldType.INT
        told: dict[str, tuple[Callable[[Connection], Any], FieldType]] = {
            "_connection": (connection_key, number),
            "_capture": (lambda c: c.capture, number),
            "_point": (lambda c: c.point, number),
            "_server": (_server, text),
            "src.ip": (lambda c: c.client.address, text),
            "src.port": (lambda c: c.client.port, number),
            "dst.ip": (lambda c: c.server.address, text),
            "dst.port": (lambda c: c.server.port, number),
            "conn_id": (connection_key, number),
        }
        columns = {}
        for name, (tell, kind) in told.items():
            if name in self.types:
                columns[name] = connections.own(name, tell, kind)
        for name, kind in _PLACE_INTERNAL.items():
            derive = _nearness if name == "_near" else _server_kind
            columns[name] = connections.derived(name, derive, kind)
        return columns

    def _matches(
        self, columns: _Columns, fields: _Fields, connections: _Connections, request: _Half, response: _Half
    ) -> dict[str, pa.Array]:
        """Give the columns by which sightings are joined; null where an entry cannot be recognised elsewhere."""
        nothing = pa.nulls(len(request.seen), pa.int64())
        found = dict.fromkeys(("_match", "_match_response", "_sequence", "_sequence_end"), nothing)
        if self.protocol in FLOWS:
            return found
        clients = connections.client_hashes()
        first = connections.numbers(lambda c: c.client_sequence)
        if self.protocol in CONNECTIONS:
            sent = np.maximum(request.length, _largest(fields, ("conn_local_bytes", "conn_remote_bytes")))
            unknown = (first < 0) & (connections.numbers(lambda c: c.transport == "tcp") == 1)
            found["_match"] = pa.array(match.client_match(clients, self.protocol), mask=unknown)
            found["_sequence"] = pa.array(first, mask=first < 0)
            found["_sequence_end"] = pa.array(first + sent, mask=first < 0)
            return found
        tcp = connections.numbers(lambda c: c.transport == "tcp").astype(np.bool_)
        second = connections.numbers(lambda c: c.server_sequence)
        asked = match.sequence_match(clients, self.protocol, first, request.offset)
        answered = match.sequence_match(clients, f"{self.protocol} response", second, response.offset)
        known, replied = tcp & request.seen & (first >= 0), tcp & response.seen & (second >= 0)
        lone = ~request.seen & replied
        matches = np.where(lone, answered, asked)
        if not tcp.all():
            content = match.content_match(clients, self.protocol, self._contents(columns, fields, request))
            matches = np.where(tcp, matches, content)
        found["_match"] = pa.array(matches, mask=tcp & ~(known | lone))
        found["_match_response"] = pa.array(answered, mask=~replied)
        return found

    def _contents(self, columns: _Columns, fields: _Fields, request: _Half) -> Iterable[tuple[Any, ...]]:
        """Give what tells entries apart that have no sequence number: the named fields, else summary and size."""
        if self._matching is not None:
            return zip(*[map(match.text_of, fields[name]) for name in self._matching], strict=True)
        halves = [asked or answered for asked, answered in zip(columns["request"], columns["response"], strict=True)]
        lengths = [half.length if half else 0 for half in halves]
        return zip(columns["summary"], (~request.seen).tolist(), lengths, strict=True)


def _in_order_of_time(columns: _Columns) -> tuple[_Half, _Half, Int64]:
    """Sort entries; moving references costs less than moving finished columns."""
    request, response = _Half(columns["request"]), _Half(columns["response"])
    start = np.where(request.seen, request.start, response.start)
    start = np.where(response.seen, np.minimum(start, response.start), start)
    if bool((np.diff(start) >= 0).all()):
        return request, response, start
    order = np.argsort(start, kind="stable")
    columns.order(order.tolist())
    return request.taken(order), response.taken(order), start[order]


def _server(connection: Connection) -> str:
    address = connection.server.address
    return f"[{address}]:{connection.server.port}" if ":" in address else f"{address}:{connection.server.port}"


def _nearness(place: Mapping[str, Any]) -> int:
    node = place.get("node_name")
    if node and node == place.get("local_node_name"):
        return 0
    return 2 if node and node == place.get("remote_node_name") else 1


def _server_kind(place: Mapping[str, Any]) -> str:
    pod, service = place.get("dst.pod.name"), place.get("dst.service.name")
    if service and (not pod or pod == service):
        return "service"
    return "pod" if pod else ""


def _largest(fields: _Fields, names: tuple[str, ...]) -> Int64:
    numbers = [[value if isinstance(value, int) else 0 for value in fields[name]] for name in names]
    largest: Int64 = np.array(numbers, np.int64).max(axis=0)
    return largest


def _endpoints(summaries: pa.DictionaryArray) -> pa.Array:
    values = [endpoint_of(text) for text in summaries.dictionary.to_pylist()]
    codes = pa.array(values, pa.string()).dictionary_encode()
    return pa.DictionaryArray.from_arrays(codes.indices.take(summaries.indices), codes.dictionary)


def _bodies(values: Sequence[bytes]) -> pa.Array:
    if not any(values):
        return pa.nulls(len(values), pa.binary())
    return array_of([value or None for value in values], FieldType.BYTES)


def _coalesced(own: pa.Array, other: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    if pa.types.is_dictionary(own.type):
        return pc.coalesce(own.cast(pa.string()), other.cast(pa.string())).dictionary_encode()
    return pc.if_else(pc.is_valid(own), own, other)
