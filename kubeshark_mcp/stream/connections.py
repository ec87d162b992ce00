"""Connection objects, made when an event first needs one, and the statistics of rows."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.model.packet import address_text
from kubeshark_mcp.model.stats_columns import STATES, StatsColumns
from kubeshark_mcp.model.stream import Connection, ConnectionStats, Endpoint, TcpMetrics, Traffic
from kubeshark_mcp.stream.connection_columns import connection_columns
from kubeshark_mcp.stream.keys import TRANSPORTS
from kubeshark_mcp.stream.metrics import metric_columns, metrics_of, state_codes, states_of
from kubeshark_mcp.stream.rows import STATE_KNOWN, STATE_STARTED
from kubeshark_mcp.stream.table import joined, take

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from kubeshark_mcp.stream.table import FlowTable, Rows

_REMEMBERED_ADDRESSES = 1 << 16
_MAPPED = 0xFFFF
_STATS_AT_ONCE = 4096


class Addresses:
    """Capture points and address texts by their numbers in keys."""

    def __init__(self) -> None:
        self.points: list[int] = []
        """Capture points by their dense numbers."""
        self._texts: dict[tuple[int, int], str] = {}
        self._numbers: dict[int, int] = {}

    def text(self, high: int, low: int) -> str:
        """Write an address; the last ones are remembered."""
        found = self._texts.get((high, low))
        if found is None:
            if len(self._texts) >= _REMEMBERED_ADDRESSES:
                self._texts.clear()
            if high == 0 and low >> 32 == _MAPPED:
                found = f"{low >> 24 & 255}.{low >> 16 & 255}.{low >> 8 & 255}.{low & 255}"
            else:
                found = address_text(high, low)
            self._texts[high, low] = found
        return found

    def dense_points(self, points: NDArray[np.int32]) -> NDArray[np.uint64]:
        """Give capture points numbers from 0, so that they fit a key."""
        if len(points) and (points == points[0]).all():
            return np.full(len(points), self._number(int(points[0])), dtype=np.uint64)
        distinct, which = np.unique(points, return_inverse=True)
        numbers = [self._number(point) for point in distinct.tolist()]
        return np.array(numbers, dtype=np.uint64)[which]

    def _number(self, point: int) -> int:
        found = self._numbers.get(point)
        if found is None:
            found = self._numbers[point] = len(self.points)
            self.points.append(point)
        return found


class Connections:
    """The Connection objects of one flow table's rows."""

    def __init__(self, table: FlowTable, addresses: Addresses, capture: int, *, wanted: bool = True) -> None:
        """Begin without any. wanted: whether anybody wants the bytes of connections."""
        self._wanted = wanted
        self._table = table
        self._addresses = addresses
        self._capture = capture
        self._objects: dict[int, Connection] = {}

    def of(self, rows: Iterable[int]) -> list[Connection]:
        """Give the objects of rows; make those that are not there yet, and bring TCP offsets up to date."""
        rows = list(rows)
        absent = [row for row in dict.fromkeys(rows) if row not in self._objects]
        if absent:
            self._objects.update(zip(absent, self._describe(take(self._table.rows, np.array(absent))), strict=True))
        found = [self._objects[row] for row in rows]
        self._learn(rows, found)
        return found

    def known(self, row: int) -> Connection | None:
        """Give the row's object if there is one: if anybody heard of the connection."""
        return self._objects.get(row)

    def forget(self, row: int) -> Connection | None:
        """Let go of the row's object."""
        return self._objects.pop(row, None)

    def muted(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which rows nobody wants the bytes of."""
        if not self._wanted:
            return np.ones(len(rows), dtype=bool)
        if not self._objects:
            return np.zeros(len(rows), dtype=bool)
        known = map(self._objects.get, rows.tolist())
        return np.fromiter((found is not None and found.muted for found in known), dtype=bool, count=len(rows))

    def stats(self) -> Iterator[ConnectionStats]:
        """Make the statistics of all rows in the table, by transport and number."""
        live = self._table.live_rows()
        transports = self._table.rows["key"][live, 4] & np.uint64(0xFF)
        live = live[np.lexsort((self._table.rows["number"][live], transports))]
        for start in range(0, len(live), _STATS_AT_ONCE):
            part = live[start : start + _STATS_AT_ONCE]
            known = [self.known(row) for row in part.tolist()]
            self._learn(part.tolist(), known)
            yield from self._count(take(self._table.rows, part), known)

    def stats_of(self, rows: Rows) -> Iterator[ConnectionStats]:
        """Make the statistics of rows that have left the table."""
        for start in range(0, len(rows["number"]), _STATS_AT_ONCE):
            yield from self._count(take(rows, slice(start, start + _STATS_AT_ONCE)), repeat(None))

    def columns(self) -> Iterator[StatsColumns]:
        """Give the statistics of all rows in the table, by transport and number."""
        live = self._table.live_rows()
        yield from self._by_transport(self._table.rows, live[np.argsort(self._table.rows["number"][live])])

    def columns_of(self, rows: Rows) -> Iterator[StatsColumns]:
        """Give the statistics of rows that have left the table, by transport and apart from that as they come."""
        yield from self._by_transport(rows, np.arange(len(rows["number"])))

    def _by_transport(self, rows: Rows, chosen: NDArray[np.int64]) -> Iterator[StatsColumns]:
        codes = rows["key"][chosen, 4] & np.uint64(0xFF)
        for code in np.unique(codes).tolist():
            own = chosen[codes == code]
            for start in range(0, len(own), _STATS_AT_ONCE):
                yield self._columns(take(rows, own[start : start + _STATS_AT_ONCE]), TRANSPORTS[code])

    def _columns(self, rows: Rows, transport: str) -> StatsColumns:
        tcp, count = "origin" in rows, len(rows["number"])
        return StatsColumns(
            connection_columns(rows, transport, self._capture, self._addresses),
            state_codes(rows) if tcp else np.full(count, STATES.index("active"), np.uint8),
            rows["packets"],
            rows["bytes"],
            rows["payload"],
            rows["first_packet"],
            rows["last_packet"],
            rows["first_ns"],
            rows["last_ns"],
            metric_columns(rows) if tcp else {},
        )

    def _learn(self, rows: list[int], connections: Iterable[Connection | None]) -> None:
        """Bring TCP offsets up to date: a direction's origin may become known late."""
        if "origin" not in self._table.rows:
            return
        chosen = np.array(rows, dtype=np.int64)
        states, origins = self._table.rows["state"][chosen].tolist(), self._table.rows["origin"][chosen].tolist()
        for connection, state, (client, server) in zip(connections, states, origins, strict=True):
            if connection is not None:
                connection.client_sequence = client if state & STATE_KNOWN[0] else -1
                connection.server_sequence = server if state & STATE_KNOWN[1] else -1
                connection.from_start = bool(state & STATE_STARTED)

    def _describe(self, rows: Rows) -> Iterator[Connection]:
        """Make the objects that rows stand for."""
        text, points, tcp = self._addresses.text, self._addresses.points, "origin" in rows
        states = rows["state"].tolist()
        origins = rows["origin"].tolist() if tcp else repeat((-1, -1))
        for key, number, swapped, state, (client_origin, server_origin) in zip(
            rows["key"].tolist(), rows["number"].tolist(), rows["client_side"].tolist(), states, origins, strict=False
        ):
            high_a, low_a, high_b, low_b, tail = key
            lower = Endpoint(text(high_a, low_a), tail >> 48)
            higher = Endpoint(text(high_b, low_b), tail >> 32 & 0xFFFF)
            yield Connection(
                number,
                TRANSPORTS[tail & 0xFF],
                higher if swapped else lower,
                lower if swapped else higher,
                self._capture,
                points[tail >> 8 & 0xFFFFFF],
                client_origin if state & STATE_KNOWN[0] else -1,
                server_origin if state & STATE_KNOWN[1] else -1,
                bool(state & STATE_STARTED),
            )

    def _count(self, rows: Rows, known: Iterable[Connection | None]) -> Iterator[ConnectionStats]:
        """Make the statistics of rows."""
        tcp = "origin" in rows
        states: Iterable[str] = states_of(rows) if tcp else repeat("active")
        metrics: Iterable[TcpMetrics | None] = metrics_of(rows) if tcp else repeat(None)
        columns = [rows[name].tolist() for name in ("first_packet", "last_packet", "first_ns", "last_ns")]
        traffic = [
            map(Traffic, *(rows[name][:, way].tolist() for name in ("packets", "bytes", "payload"))) for way in (0, 1)
        ]
        connections = (found or made for found, made in zip(known, self._describe(rows), strict=False))
        yield from map(ConnectionStats, connections, states, *traffic, *columns, metrics)


class Side:
    """What the sides of an engine have in common: a flow table, and the connections that its rows stand for."""

    _table: FlowTable
    _connections: Connections

    def __len__(self) -> int:
        return len(self._table)

    def forget(self) -> None:
        """Forget what left the table."""
        self._table.archive.clear()

    def stats(self) -> Iterator[ConnectionStats]:
        """Give the statistics of what left the table and was not drained, then of what is in it."""
        for rows in self._table.archive:
            yield from self._connections.stats_of(rows)
        yield from self._connections.stats()

    def drain(self) -> Iterator[ConnectionStats]:
        """Give the statistics of what left the table, and forget them."""
        for rows in self._table.drain():
            yield from self._connections.stats_of(rows)

    def columns(self) -> Iterator[StatsColumns]:
        """Give as columns what `stats` gives."""
        if self._table.archive:
            yield from self._connections.columns_of(joined(self._table.archive))
        yield from self._connections.columns()

    def drain_columns(self) -> Iterator[StatsColumns]:
        """Give as columns what `drain` gives, and forget it."""
        for rows in self._table.drain():
            yield from self._connections.columns_of(rows)
