"""The side of the engine without streams: UDP conversations, SCTP associations, ICMP exchanges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.model.stream import Closing, Datagram
from kubeshark_mcp.stream.batch import Batch, count_traffic, settle_clients, sort_packets
from kubeshark_mcp.stream.connections import Connections
from kubeshark_mcp.stream.joining import view_of
from kubeshark_mcp.stream.keys import TRANSPORTS, conversation_keys
from kubeshark_mcp.stream.pieces import WAYS
from kubeshark_mcp.stream.table import BASE_FIELDS, FlowTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from kubeshark_mcp.model.packet import PacketBlock
    from kubeshark_mcp.model.stream import ConnectionStats
    from kubeshark_mcp.stream.connections import Addresses
    from kubeshark_mcp.stream.limits import Counters, Limits
    from kubeshark_mcp.stream.sharing import Numbering

_HEADED = TRANSPORTS.index("sctp")
"""From this transport code on, a datagram begins with the transport's own header: SCTP, ICMP."""


EXCHANGE = 2
"""Datagrams of a question with its answer."""


class DatagramSide:
    """Follows everything that is not TCP. An ICMP exchange is a pair of addresses."""

    def __init__(
        self,
        capture: int,
        limits: Limits,
        counters: Counters,
        addresses: Addresses,
        numbering: Numbering,
        *,
        wanted: bool = True,
    ) -> None:
        self._table = FlowTable(BASE_FIELDS)
        self._connections = Connections(self._table, addresses, capture, wanted=wanted)
        self._limits = limits
        self._counters = counters
        self._numbering = numbering

    def __len__(self) -> int:
        return len(self._table)

    def feed(
        self, block: PacketBlock, chosen: NDArray[np.intp], codes: NDArray[np.uint8], points: NDArray[np.uint64]
    ) -> Iterator[Datagram]:
        """Take the `chosen` packets of a block; give those of connections that are not muted."""
        keys = conversation_keys(block, chosen, codes[chosen], points[chosen])
        rows, fresh = self._table.assign(keys.words)
        batch = sort_packets(block, chosen, rows, fresh, keys.side, self._table)
        self._number(batch, codes)
        settle_clients(batch, block, self._table, tcp=False)
        count_traffic(batch, self._table)
        muted = self._connections.muted(batch.rows)
        filled = (batch.payload + batch.missing > 0) | (codes[batch.index] >= _HEADED)
        wanted = ~muted[batch.group] & filled
        yield from self._datagrams(block, batch, np.flatnonzero(wanted), codes)

    def _datagrams(
        self, block: PacketBlock, batch: Batch, wanted: NDArray[np.int64], codes: NDArray[np.uint8]
    ) -> Iterator[Datagram]:
        wanted = wanted[np.argsort(batch.index[wanted])]
        index = batch.index[wanted]
        end = block.payload_offset[index] + batch.payload[wanted]
        start = np.where(codes[index] >= _HEADED, block.transport_offset[index], block.payload_offset[index])
        view = view_of(block.data)
        for connection, way, begin, stop, number, time, missing in zip(
            self._connections.of(batch.rows[batch.group[wanted]].tolist()),
            batch.direction[wanted].tolist(),
            start.tolist(),
            end.tolist(),
            batch.number[wanted].tolist(),
            batch.time[wanted].tolist(),
            batch.missing[wanted].tolist(),
            strict=True,
        ):
            yield Datagram(connection, WAYS[way], view[begin:stop].tobytes(), number, time, missing)

    def sweep(self, now: int) -> Iterator[Closing]:
        """Evict what has been idle for too long: datagrams have no other end, so that nothing was given up."""
        live = self._table.live_rows()
        idle = now - self._table.rows["last_ns"][live]
        brief = self._table.rows["packets"][live].sum(axis=1) <= EXCHANGE
        patience = np.where(brief, self._limits.exchange_idle_seconds, self._limits.datagram_idle_seconds)
        yield from self._evict(live[idle > patience * 1e9])

    def shrink(self) -> Iterator[Closing]:
        """Evict the connections idle longest where there are too many."""
        excess = len(self._table) - self._limits.open_connections
        if excess <= 0:
            return
        live = self._table.live_rows()
        order = np.argsort(self._table.rows["last_ns"][live], kind="stable")
        oldest = live[order[: excess + self._limits.open_connections // 8]]
        self._counters.evicted_connections += len(oldest)
        yield from self._evict(oldest)

    def finish(self) -> Iterator[Closing]:
        """End every connection with the capture."""
        for row in self._table.live_rows().tolist():
            yield from self._close(row, "end")

    def stats(self) -> Iterator[ConnectionStats]:
        """Give the statistics of what left the table and was not drained, then of what is in it."""
        for rows in self._table.archive:
            yield from self._connections.stats_of(rows)
        yield from self._connections.stats()

    def drain(self) -> Iterator[ConnectionStats]:
        """Give the statistics of what left the table, and forget them."""
        for rows in self._table.drain():
            yield from self._connections.stats_of(rows)

    def _number(self, batch: Batch, codes: NDArray[np.uint8]) -> None:
        """Give numbers to the new connections of each transport in order of their first packets."""
        new = np.flatnonzero(batch.fresh)
        kinds = codes[batch.index[batch.starts[new]]]
        for kind in np.unique(kinds).tolist():
            made = new[kinds == kind]  # groups are in order of their first packets
            firsts = batch.number[batch.starts[made]]
            self._table.rows["number"][batch.rows[made]] = self._numbering.give(kind, firsts)

    def _evict(self, rows: NDArray[np.int64]) -> Iterator[Closing]:
        for row in rows.tolist():
            yield from self._close(row, "evicted")
        self._table.release(rows)

    def _close(self, row: int, how: str) -> Iterator[Closing]:
        connection = self._connections.forget(row)
        if connection is not None:
            yield Closing(connection, how, int(self._table.rows["last_ns"][row]))
