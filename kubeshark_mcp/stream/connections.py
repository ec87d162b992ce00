"""Connection objects, made when an event first needs one, and the statistics of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kubeshark_mcp.model.packet import address_text
from kubeshark_mcp.model.stream import Connection, ConnectionStats, Endpoint, Traffic
from kubeshark_mcp.stream.keys import TRANSPORTS
from kubeshark_mcp.stream.metrics import COMPLETE_ACK, COMPLETE_DATA, COMPLETE_FIN, COMPLETE_SYN, metrics_of
from kubeshark_mcp.stream.rows import STATE_FIN, STATE_KNOWN, STATE_REFUSED, STATE_RESET, STATE_STARTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from kubeshark_mcp.stream.table import FlowTable

_REMEMBERED_ADDRESSES = 1 << 16


class Addresses:
    """Capture points and address texts by their numbers in keys."""

    def __init__(self) -> None:
        self._texts: dict[tuple[int, int], str] = {}
        self._points: dict[int, int] = {}

    def text(self, high: int, low: int) -> str:
        """Write an address; the last ones are remembered."""
        found = self._texts.get((high, low))
        if found is None:
            if len(self._texts) >= _REMEMBERED_ADDRESSES:
                self._texts.clear()
            found = self._texts[high, low] = address_text(high, low)
        return found

    def dense_points(self, points: NDArray[np.int32]) -> NDArray[np.uint64]:
        """Give capture points numbers from 0, so that they fit a key."""
        if not len(points):
            return points.astype(np.uint64)
        if points[0] == points[-1] and (points == points[0]).all():
            number = self._points.setdefault(int(points[0]), len(self._points))
            return np.full(len(points), number, dtype=np.uint64)
        distinct, which = np.unique(points, return_inverse=True)
        numbers = [self._points.setdefault(int(point), len(self._points)) for point in distinct]
        return np.array(numbers, dtype=np.uint64)[which]

    def point(self, number: int) -> int:
        """Give the capture point of a number."""
        return next(point for point, known in self._points.items() if known == number)


class Connections:
    """The Connection objects of one flow table's rows."""

    def __init__(self, table: FlowTable, addresses: Addresses, capture: int) -> None:
        self._table = table
        self._addresses = addresses
        self._capture = capture
        self._objects: dict[int, Connection] = {}

    def get(self, row: int) -> Connection:
        """Give the row's object; make it if need be."""
        found = self._objects.get(row)
        if found is None:
            found = self._objects[row] = self.describe(self._table.rows[row])
        return found

    def known(self, row: int) -> Connection | None:
        """Give the row's object if there is one: if anybody heard of the connection."""
        return self._objects.get(row)

    def forget(self, row: int) -> Connection | None:
        """Let go of the row's object."""
        return self._objects.pop(row, None)

    def muted(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which rows nobody wants the bytes of."""
        if not self._objects:
            return np.zeros(len(rows), dtype=bool)
        known = map(self._objects.get, rows.tolist())
        return np.fromiter((found is not None and found.muted for found in known), dtype=bool, count=len(rows))

    def describe(self, row: NDArray[Any]) -> Connection:
        """Make the object that a row (a record) stands for."""
        high_a, low_a, high_b, low_b, tail = row["key"].tolist()
        ends = [
            Endpoint(self._addresses.text(high_a, low_a), tail >> 48),
            Endpoint(self._addresses.text(high_b, low_b), tail >> 32 & 0xFFFF),
        ]
        client = int(row["client_side"])
        connection = Connection(
            number=int(row["number"]),
            transport=TRANSPORTS[tail & 0xFF],
            client=ends[client],
            server=ends[1 - client],
            capture=self._capture,
            point=self._addresses.point(tail >> 8 & 0xFFFFFF),
        )
        if connection.transport == "tcp":
            learn(connection, row)
        return connection

    def stats(self, row: NDArray[Any], known: Connection | None = None) -> ConnectionStats:
        """Make the statistics of a row (a record)."""
        connection = known or self.describe(row)
        packets, sizes, payload = row["packets"].tolist(), row["bytes"].tolist(), row["payload"].tolist()
        traffic = [Traffic(*values) for values in zip(packets, sizes, payload, strict=True)]
        tcp = connection.transport == "tcp"
        return ConnectionStats(
            connection=connection,
            state=state_of(row) if tcp else "active",
            client=traffic[0],
            server=traffic[1],
            first_packet=int(row["first_packet"]),
            last_packet=int(row["last_packet"]),
            first_ns=int(row["first_ns"]),
            last_ns=int(row["last_ns"]),
            metrics=metrics_of(row) if tcp else None,
        )


def learn(connection: Connection, row: NDArray[Any]) -> None:
    """Bring a TCP connection's object up to date with its row."""
    state = int(row["state"])
    origins: Sequence[int] = row["origin"].tolist()
    connection.client_sequence = origins[0] if state & STATE_KNOWN[0] else -1
    connection.server_sequence = origins[1] if state & STATE_KNOWN[1] else -1
    connection.from_start = bool(state & STATE_STARTED)


def state_of(row: NDArray[Any]) -> str:
    """Name the state that a TCP connection was last seen in."""
    state, complete = int(row["state"]), int(row["completeness"])
    fins = [bool(state & bit) for bit in STATE_FIN]
    if all(fins):
        return "closed"
    if state & STATE_RESET:
        return "reset"
    if any(fins) or complete & COMPLETE_FIN:
        return "closing"
    if state & STATE_REFUSED and not complete & (COMPLETE_ACK | COMPLETE_DATA):
        return "refused"
    if complete & COMPLETE_SYN and not complete & (COMPLETE_ACK | COMPLETE_DATA):
        return "syn_sent"
    return "established"
