"""Connections as the flow table knows them at the end, as columns: what `ConnectionStats` is a row of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kubeshark_mcp.model.stream import ConnectionStats, TcpMetrics, Traffic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from kubeshark_mcp.model.entry_columns import Coded, ConnectionColumns, Numbers
    from kubeshark_mcp.model.stream import Unclaimed

STATES = ("active", "closed", "closing", "established", "refused", "reset", "syn_sent")
"""States of a connection, in alphabetical order; a column holds positions in it."""


@dataclass(frozen=True, slots=True)
class StatsColumns:
    """Connections of one transport that have ended, a row each, as `ConnectionStats` describes them.

    state: position in STATES (uint8). packets, bytes, payload: int64, a column for the client and one for the server.
    metrics: field of TcpMetrics -> its values, all of them or (not TCP) none; a row of which `retransmissions` was not
    seen has no metrics at all. l7: tuples of protocols, None where nothing was found anywhere. unclaimed: by row.
    """

    connections: ConnectionColumns
    state: NDArray[np.uint8]
    packets: NDArray[np.int64]
    bytes: NDArray[np.int64]
    payload: NDArray[np.int64]
    first_packet: NDArray[np.int64]
    last_packet: NDArray[np.int64]
    first_ns: NDArray[np.int64]
    last_ns: NDArray[np.int64]
    metrics: Mapping[str, Numbers] = field(default_factory=dict)
    l7: Coded | None = None
    unclaimed: Mapping[int, Unclaimed] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.state)

    @property
    def transport(self) -> str:
        """Give the transport of all of them."""
        return self.connections.transport

    def stats(self, chosen: NDArray[np.int64] | None = None) -> list[ConnectionStats]:
        """Make the objects of all rows, or of some."""
        connections = self.connections if chosen is None else self.connections.taken(chosen)
        count = len(connections)
        rows: Iterable[int] = range(count) if chosen is None else chosen.tolist()

        def values(column: NDArray[np.int64]) -> list[int]:
            found: list[int] = (column if chosen is None else column[chosen]).tolist()
            return found

        traffic = [
            map(Traffic, *(values(column[:, way]) for column in (self.packets, self.bytes, self.payload)))
            for way in (0, 1)
        ]
        states = [STATES[code] for code in (self.state if chosen is None else self.state[chosen]).tolist()]
        ends = (values(column) for column in (self.first_packet, self.last_packet, self.first_ns, self.last_ns))
        l7 = [()] * count if self.l7 is None else [found or () for found in self.l7.taken(chosen).rows()]
        unclaimed = map(self.unclaimed.get, rows)
        parts = (connections.connections(), states, *traffic, *ends, self._metrics(chosen, count), l7, unclaimed)
        return list(map(ConnectionStats, *parts))

    def _metrics(self, chosen: NDArray[np.int64] | None, count: int) -> list[TcpMetrics | None]:
        if not self.metrics:
            return [None] * count
        names = list(self.metrics)
        columns = [column.taken(chosen).rows() for column in self.metrics.values()]
        measured = names.index("retransmissions")
        return [
            None if row[measured] is None else TcpMetrics(**dict(zip(names, row, strict=True)))
            for row in zip(*columns, strict=True)
        ]
