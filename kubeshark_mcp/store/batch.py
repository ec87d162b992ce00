"""Entries made into columns: one batch of one protocol as an Arrow table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.entry_columns import EntryColumns
from kubeshark_mcp.model.field import FieldType
from kubeshark_mcp.store import match
from kubeshark_mcp.store.arrays import array_of, codes_of, constant_array, empty_array, schema_of, taken
from kubeshark_mcp.store.column_rows import ColumnRows
from kubeshark_mcp.store.columns import COMPUTED, CONNECTIONS, FLOWS
from kubeshark_mcp.store.entry_rows import EntryRows, Rows
from kubeshark_mcp.store.halves import Half
from kubeshark_mcp.store.hashing import Hashes, number_hashes
from kubeshark_mcp.store.places import FACTS, PlaceOf, nearness, server_kind

Int64 = NDArray[np.int64]

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
        return self._table(EntryRows(entries, (*self._own, *(self._matching or ())), place_of), first_id)

    def build_columns(self, columns: EntryColumns, place_of: PlaceOf, first_id: int) -> pa.Table:
        """Make the table that `build` makes of the entries that these columns mean."""
        return self._table(ColumnRows(columns, place_of), first_id)

    def _table(self, rows: Rows, first_id: int) -> pa.Table:
        ids = np.arange(first_id, first_id + len(rows), dtype=np.int64)
        ready = self._computed(rows, ids) | _evidence(rows) | self._from_connections(rows) | self._matches(rows)
        ready["_id"] = pa.array(ids)
        ready["_endpoint"] = _endpoints(ready[self._name("summary")])
        ready["_request_body"] = rows.bodies("request_body")
        ready["_response_body"] = rows.bodies("response_body")
        arrays = [self._array(name, kind, ready, rows) for name, kind in self.types.items()]
        return pa.Table.from_arrays(arrays, schema=self.schema)

    def _name(self, computed: str) -> str:
        return computed if computed in self.types else f"_{computed}"

    def _array(self, name: str, kind: FieldType, ready: Mapping[str, pa.Array], rows: Rows) -> pa.Array:
        """Give one column: computed, or from the entries, or from their connections, in this order."""
        if name in ready and name not in self._own:
            return ready[name]
        if name not in self._own:
            return rows.connections.told(name, kind)
        own = rows.field(name, kind)
        if own is not None and own.null_count == 0:
            return own
        other = ready.get(name)
        if other is None and rows.connections.knows(name):
            other = rows.connections.told(name, kind)
        if own is None or own.null_count == len(own):
            return empty_array(len(rows), kind) if other is None else other
        return own if other is None else _coalesced(own, other)

    def _computed(self, rows: Rows, ids: Int64) -> dict[str, pa.Array]:
        request, response = rows.request, rows.response
        both = request.seen & response.seen
        elapsed = np.maximum(0, response.end - request.start) // 1000
        first_byte = np.maximum(0, response.start - request.end) // 1000
        values = {
            "id": pa.array(ids),
            "timestamp": pa.array(rows.start),
            "protocol": constant_array(self.protocol, len(ids)),
            "elapsed_time": pa.array(elapsed, mask=~both),
            "first_byte_time": pa.array(first_byte, mask=~both),
            "summary": rows.text("summary"),
            "status": rows.text("status"),
            "failed": rows.failed(),
            "malformed": rows.text("malformed"),
            "answered": pa.array(both),
            "sightings": pa.array(np.ones(len(ids), np.int64)),
        }
        return {self._name(name): values[name] for name in COMPUTED}

    def _from_connections(self, rows: Rows) -> dict[str, pa.Array]:
        """Give what a connection itself tells, and what follows from its place."""
        connections = rows.connections
        columns = {name: connections.fact(name) for name in FACTS if name in self.types}
        columns["_near"] = connections.derived("_near", nearness, FieldType.INT)
        columns["_server_kind"] = connections.derived("_server_kind", server_kind, FieldType.STRING)
        return columns

    def _matches(self, rows: Rows) -> dict[str, pa.Array]:
        """Give the columns by which sightings are joined; null where an entry cannot be recognised elsewhere."""
        nothing = pa.nulls(len(rows), pa.int64())
        found = dict.fromkeys(("_match", "_match_response", "_sequence", "_sequence_end"), nothing)
        if self.protocol in FLOWS:
            return found
        request, response = rows.request, rows.response
        clients, tcp = rows.connections.client_hashes(), rows.connections.over_tcp()
        first, second = rows.connections.sequences()
        if self.protocol in CONNECTIONS:
            sent = np.maximum(request.length, rows.largest(("conn_local_bytes", "conn_remote_bytes")))
            found["_match"] = pa.array(match.client_match(clients, self.protocol), mask=(first < 0) & tcp)
            found["_sequence"] = pa.array(first, mask=first < 0)
            found["_sequence_end"] = pa.array(first + sent, mask=first < 0)
            return found
        asked = match.sequence_match(clients, self.protocol, first, request.offset)
        answered = match.sequence_match(clients, f"{self.protocol} response", second, response.offset)
        known, replied = tcp & request.seen & (first >= 0), tcp & response.seen & (second >= 0)
        lone = ~request.seen & replied
        matches = np.where(lone, answered, asked)
        if not tcp.all():
            matches = np.where(tcp, matches, match.content_match(clients, self.protocol, self._contents(rows)))
        found["_match"] = pa.array(matches, mask=tcp & ~(known | lone))
        found["_match_response"] = pa.array(answered, mask=~replied)
        return found

    def _contents(self, rows: Rows) -> list[Hashes]:
        """Hash what tells entries apart that have no sequence number: the named fields, else summary and size."""
        if self._matching is not None:
            return rows.hashes(self._matching)
        lengths = np.where(rows.request.seen, rows.request.length, rows.response.length)
        return [rows.summary_hashes(), number_hashes(~rows.request.seen), number_hashes(lengths)]


def _evidence(rows: Rows) -> dict[str, pa.Array]:
    columns = {"_missing": pa.array(rows.request.missing + rows.response.missing)}
    halves: tuple[tuple[Half, str], ...] = ((rows.request, "_request"), (rows.response, "_response"))
    for half, name in halves:
        columns[f"{name}_first"] = half.column(half.first)
        columns[f"{name}_last"] = half.column(half.last)
        columns[f"{name}_start"] = half.column(half.start)
        columns[f"{name}_end"] = half.column(half.end)
        columns[f"{name}_bytes"] = half.column(half.length)
    return columns


def _endpoints(summaries: pa.DictionaryArray) -> pa.Array:
    values = [endpoint_of(text) for text in summaries.dictionary.to_pylist()]
    return taken(array_of(values, FieldType.STRING), codes_of(summaries))


def _coalesced(own: pa.Array, other: pa.Array) -> pa.Array:
    import pyarrow.compute as pc  # takes 50 ms to load, and is hardly ever needed

    if pa.types.is_dictionary(own.type):
        return pc.coalesce(own.cast(pa.string()), other.cast(pa.string())).dictionary_encode()
    return pc.if_else(pc.is_valid(own), own, other)
