"""Entries as columns: what whoever reads whole blocks gives, where an object for each entry would cost too much.

What they mean is what `EntryColumns.entries` makes of them: a batch of columns and its list of entries are the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from typing import TYPE_CHECKING, Any

from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Connection, Endpoint, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers or flags, one a row. seen: rows that have one; None where all have."""

    values: NDArray[Any]
    seen: NDArray[np.bool_] | None = None

    def taken(self, chosen: NDArray[np.int64] | None) -> Numbers:
        """Give some rows; None for all."""
        if chosen is None:
            return self
        return Numbers(self.values[chosen], None if self.seen is None else self.seen[chosen])

    def rows(self) -> list[Any]:
        """Give the values as Python objects, None where there is none."""
        values: list[Any] = self.values.tolist()
        if self.seen is None:
            return values
        return [value if seen else None for value, seen in zip(values, self.seen.tolist(), strict=True)]


@dataclass(frozen=True, slots=True)
class Coded:
    """Values of any type of which many rows are equal: a row has values[code], or none where its code is -1."""

    values: Sequence[Any]
    codes: NDArray[np.int32]

    def taken(self, chosen: NDArray[np.int64] | None) -> Coded:
        """Give some rows; None for all."""
        return self if chosen is None else Coded(self.values, self.codes[chosen])

    def rows(self) -> list[Any]:
        """Give the values as Python objects, None where there is none."""
        return [None if code < 0 else self.values[code] for code in self.codes.tolist()]


@dataclass(frozen=True, slots=True)
class Slices:
    """Bytes, or text in UTF-8, of which few rows are equal: a row has lengths[row] bytes of `data` from starts[row].

    text: they are valid UTF-8 and mean text. A row whose length is -1 has none.
    """

    data: bytes
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    text: bool = False

    def rows(self) -> list[Any]:
        """Give the values as Python objects, None where there is none."""
        places = zip(self.starts.tolist(), self.lengths.tolist(), strict=True)
        found = [None if length < 0 else self.data[start : start + length] for start, length in places]
        return [None if one is None else one.decode() for one in found] if self.text else found


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists: each row has the next lengths[row] of the items, or none where its length is -1."""

    lengths: NDArray[np.int64]
    items: Coded | Slices

    def rows(self) -> list[Any]:
        """Give the values as Python objects, None where there is none."""
        items, position = self.items.rows(), 0
        rows: list[Any] = []
        for length in self.lengths.tolist():
            rows.append(None if length < 0 else items[position : position + length])
            position += max(0, length)
        return rows


Column = Numbers | Coded | Slices | Lists


@dataclass(frozen=True, slots=True)
class ConnectionColumns:
    """Connections of one transport, a row each, as `Connection` describes them.

    addresses: texts that client_address and server_address are codes of (int32); all others are int64 but from_start.
    """

    transport: str
    addresses: Sequence[str]
    number: NDArray[np.int64]
    client_address: NDArray[np.int32]
    client_port: NDArray[np.int64]
    server_address: NDArray[np.int32]
    server_port: NDArray[np.int64]
    capture: NDArray[np.int64]
    point: NDArray[np.int64]
    client_sequence: NDArray[np.int64]
    server_sequence: NDArray[np.int64]
    from_start: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.number)

    @classmethod
    def of(cls, connections: Sequence[Connection], array: Callable[..., Any]) -> ConnectionColumns:
        """Make columns of objects of one transport, at least one. array: `numpy.array`, this room does without it."""
        known: dict[str, int] = {}
        rows = [
            (
                known.setdefault(one.client.address, len(known)),
                known.setdefault(one.server.address, len(known)),
                one.number,
                one.client.port,
                one.server.port,
                one.capture,
                one.point,
                one.client_sequence,
                one.server_sequence,
                one.from_start,
            )
            for one in connections
        ]
        client, server, number, client_port, server_port, capture, point, *rest = array(rows, "int64").T.copy()
        return cls(
            connections[0].transport,
            list(known),
            number,
            client.astype("int32"),
            client_port,
            server.astype("int32"),
            server_port,
            capture,
            point,
            client_sequence=rest[0],
            server_sequence=rest[1],
            from_start=rest[2].astype(bool),
        )

    def taken(self, chosen: NDArray[np.integer[Any]]) -> ConnectionColumns:
        """Give some of them, with the addresses of all."""
        columns = (getattr(self, name)[chosen] for name in _CONNECTION_PARTS)
        return ConnectionColumns(self.transport, self.addresses, *columns)

    def flows(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Tell connections of one flow: of one client address with one port of one server address.

        Gives a connection of each flow (its first), and the flow of each connection.
        """
        pairs = self.client_address.astype(self.number.dtype) * len(self.addresses) + self.server_address
        flows: NDArray[np.int64] = pairs << 16 | self.server_port
        order = flows.argsort(kind="stable")
        leading = order >= 0
        leading[1:] = flows[order[1:]] != flows[order[:-1]]
        codes = self.client_address.copy()
        codes[order] = leading.cumsum() - 1
        return order[leading], codes

    def connections(self) -> list[Connection]:
        """Make the objects."""
        rows = zip(
            self.number.tolist(),
            self.client_address.tolist(),
            self.client_port.tolist(),
            self.server_address.tolist(),
            self.server_port.tolist(),
            self.capture.tolist(),
            self.point.tolist(),
            self.client_sequence.tolist(),
            self.server_sequence.tolist(),
            self.from_start.tolist(),
            strict=True,
        )
        return [
            Connection(
                number,
                self.transport,
                Endpoint(self.addresses[client], client_port),
                Endpoint(self.addresses[server], server_port),
                *rest,
            )
            for number, client, client_port, server, server_port, *rest in rows
        ]


_CONNECTION_PARTS = tuple(part.name for part in dataclass_fields(ConnectionColumns))[2:]


@dataclass(frozen=True, slots=True)
class SpanColumns:
    """The requests or the responses of a batch, as `Span` describes them; all zero in rows where `seen` is false."""

    seen: NDArray[np.bool_]
    offset: NDArray[np.int64]
    length: NDArray[np.int64]
    first_packet: NDArray[np.int64]
    last_packet: NDArray[np.int64]
    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    missing: NDArray[np.int64]

    def spans(self) -> list[Span | None]:
        """Make the objects."""
        parts = (
            self.offset,
            self.length,
            self.first_packet,
            self.last_packet,
            self.start_ns,
            self.end_ns,
            self.missing,
        )
        rows = zip(self.seen.tolist(), *(part.tolist() for part in parts), strict=True)
        return [Span(*values) if seen else None for seen, *values in rows]


@dataclass(frozen=True, slots=True)
class EntryColumns:
    """Entries of one protocol, a row each, in any order; what each part means is told by `Entry`.

    connections: each once; connection: which of them a row belongs to. fields: KFL field name -> its values.
    Optional parts are those of an entry that says nothing of them. The batch owns its arrays: nothing changes them.
    """

    protocol: str
    connections: ConnectionColumns
    connection: NDArray[np.int32]
    request: SpanColumns
    response: SpanColumns
    fields: Mapping[str, Column] = field(default_factory=dict)
    summary: Coded | Slices | None = None
    status: Coded | None = None
    failed: NDArray[np.bool_] | None = None
    malformed: Coded | None = None
    request_body: Slices | None = None
    response_body: Slices | None = None

    def __len__(self) -> int:
        return len(self.connection)

    def entries(self) -> Iterator[Entry]:
        """Make the objects; rows of one connection share it."""
        count = len(self)
        connections = self.connections.connections()
        names, columns = list(self.fields), [column.rows() for column in self.fields.values()]
        rows = zip(*columns, strict=True) if columns else iter([()] * count)
        parts = zip(
            self.connection.tolist(),
            self.request.spans(),
            self.response.spans(),
            rows,
            _rows(self.summary, count, ""),
            _rows(self.status, count, ""),
            [False] * count if self.failed is None else self.failed.tolist(),
            _rows(self.request_body, count, b""),
            _rows(self.response_body, count, b""),
            _rows(self.malformed, count, ""),
            strict=True,
        )
        for connection, request, response, values, *rest in parts:
            own = {name: value for name, value in zip(names, values, strict=True) if value is not None}
            yield Entry(self.protocol, connections[connection], request, response, own, *rest)


def _rows(column: Coded | Slices | None, count: int, nothing: str | bytes) -> list[Any]:
    if column is None:
        return [nothing] * count
    return [nothing if value is None else value for value in column.rows()]
