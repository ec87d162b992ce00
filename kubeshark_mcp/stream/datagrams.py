"""The side of the engine without streams: UDP conversations, SCTP associations, ICMP exchanges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.model.datagrams import Closings, DatagramBlock
from kubeshark_mcp.stream.batch import Batch, count_traffic, settle_clients, sort_packets
from kubeshark_mcp.stream.connection_columns import connection_columns
from kubeshark_mcp.stream.connections import Connections, Side
from kubeshark_mcp.stream.keys import TRANSPORTS, conversation_keys
from kubeshark_mcp.stream.table import BASE_FIELDS, FlowTable, take

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from kubeshark_mcp.model.entry_columns import ConnectionColumns
    from kubeshark_mcp.model.packet import PacketBlock
    from kubeshark_mcp.model.stream import Connection
    from kubeshark_mcp.stream.connections import Addresses
    from kubeshark_mcp.stream.limits import Counters, Limits
    from kubeshark_mcp.stream.sharing import Numbering

_HEADED = TRANSPORTS.index("sctp")
"""From this transport code on, a datagram begins with the transport's own header: SCTP, ICMP."""


EXCHANGE = 2
"""Datagrams of a question with its answer."""


class DatagramSide(Side):
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
        self._addresses = addresses
        self._capture = capture
        self._wanted = wanted
        self._connections = Connections(self._table, addresses, capture, wanted=wanted)
        self._limits = limits
        self._counters = counters
        self._numbering = numbering

    def feed(
        self, block: PacketBlock, chosen: NDArray[np.intp], codes: NDArray[np.uint8], points: NDArray[np.uint64]
    ) -> Iterator[DatagramBlock]:
        """Take the `chosen` packets of a block; give those of connections that are not muted, by transport."""
        keys = conversation_keys(block, chosen, codes[chosen], points[chosen])
        rows, fresh = self._table.assign(keys.words)
        batch = sort_packets(block, chosen, rows, fresh, keys.side, self._table)
        self._number(batch, codes)
        settle_clients(batch, block, self._table, tcp=False)
        before = self._table.rows["payload"][batch.rows]
        count_traffic(batch, self._table)
        muted = self._connections.muted(batch.rows)
        kinds = codes[batch.index]
        wanted = ~muted[batch.group] & ((batch.payload + batch.missing > 0) | (kinds >= _HEADED))
        for kind in np.unique(kinds[wanted]).tolist():
            positions = np.flatnonzero(wanted & (kinds == kind))
            yield self._datagrams(block, batch, positions[np.argsort(batch.index[positions])], kind, before)

    def _datagrams(
        self, block: PacketBlock, batch: Batch, wanted: NDArray[np.int64], kind: int, before: NDArray[np.int64]
    ) -> DatagramBlock:
        """Give these packets of one transport, which are in the order of the block."""
        seen = np.zeros(len(batch.rows), bool)
        seen[batch.group[wanted]] = True
        groups = np.flatnonzero(seen)
        rows = batch.rows[groups]
        columns = connection_columns(take(self._table.rows, rows), TRANSPORTS[kind], self._capture, self._addresses)
        index = batch.index[wanted]
        offset = block.payload_offset[index]
        start = block.transport_offset[index] if kind >= _HEADED else offset
        return DatagramBlock(
            columns,
            self._objects(rows, columns),
            (np.cumsum(seen) - 1)[batch.group[wanted]].astype(np.int32),
            batch.direction[wanted].astype(np.uint8),
            block.data,
            start,
            offset + batch.payload[wanted] - start,
            batch.missing[wanted],
            batch.number[wanted],
            batch.time[wanted],
            before[groups],
        )

    def _objects(self, rows: NDArray[np.int64], columns: ConnectionColumns) -> Callable[[list[int]], list[Connection]]:
        """Give what makes objects of these connections; one that has left the table meanwhile is not remembered."""
        kind = TRANSPORTS.index(columns.transport)

        def objects(places: list[int]) -> list[Connection]:
            asked = rows[places]
            there = self._table.live[asked] & (self._table.rows["number"][asked] == columns.number[places])
            there &= self._table.rows["key"][asked, 4] & np.uint64(0xFF) == kind
            if there.all():
                return self._connections.of(asked.tolist())
            made = columns.connections()
            return [made[place] for place in places]

        return objects

    def sweep(self, now: int) -> Iterator[Closings]:
        """Evict what has been idle for too long: datagrams have no other end, so that nothing was given up."""
        live = self._table.live_rows()
        idle = now - self._table.rows["last_ns"][live]
        brief = self._table.rows["packets"][live].sum(axis=1) <= EXCHANGE
        patience = np.where(brief, self._limits.exchange_idle_seconds, self._limits.datagram_idle_seconds)
        yield from self._evict(live[idle > patience * 1e9])

    def shrink(self) -> Iterator[Closings]:
        """Evict the connections idle longest where there are too many."""
        excess = len(self._table) - self._limits.open_connections
        if excess <= 0:
            return
        live = self._table.live_rows()
        order = np.argsort(self._table.rows["last_ns"][live], kind="stable")
        oldest = live[order[: excess + self._limits.open_connections // 8]]
        self._counters.evicted_connections += len(oldest)
        yield from self._evict(oldest)

    def finish(self) -> Iterator[Closings]:
        """End every connection with the capture."""
        yield from self._close(self._table.live_rows(), "end")

    def _number(self, batch: Batch, codes: NDArray[np.uint8]) -> None:
        """Give numbers to the new connections of each transport in order of their first packets."""
        new = np.flatnonzero(batch.fresh)
        kinds = codes[batch.index[batch.starts[new]]]
        for kind in np.unique(kinds).tolist():
            made = new[kinds == kind]  # groups are in order of their first packets
            firsts = batch.number[batch.starts[made]]
            self._table.rows["number"][batch.rows[made]] = self._numbering.give(kind, firsts)

    def _evict(self, rows: NDArray[np.int64]) -> Iterator[Closings]:
        if len(rows):
            yield from self._close(rows, "evicted")
            self._table.release(rows)

    def _close(self, rows: NDArray[np.int64], how: str) -> Iterator[Closings]:
        """Say that connections end, and let go of their objects."""
        for row in rows.tolist():
            self._connections.forget(row)
        kinds = self._table.rows["key"][rows, 4] & np.uint64(0xFF)
        for kind in np.unique(kinds).tolist() if self._wanted else ():
            chosen = rows[kinds == kind]
            numbers, times = self._table.rows["number"][chosen], self._table.rows["last_ns"][chosen]
            yield Closings(TRANSPORTS[kind], self._capture, numbers, how, times)
