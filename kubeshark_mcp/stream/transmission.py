"""The TCP side of the engine: flow table, reassembly and metrics of one capture's TCP connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.stream.analyst import Analyst
from kubeshark_mcp.stream.batch import Batch, Segments, count_traffic, settle_clients, sort_packets
from kubeshark_mcp.stream.connections import Connections, Side
from kubeshark_mcp.stream.joiner import Joiner
from kubeshark_mcp.stream.joining import Source, view_of
from kubeshark_mcp.stream.keys import TRANSPORTS, conversation_keys
from kubeshark_mcp.stream.neighbours import find_neighbours, judge
from kubeshark_mcp.stream.origins import learn_bases, learn_scales, split_reused
from kubeshark_mcp.stream.rows import STATE_ENDED, TCP_FIELDS, prepare
from kubeshark_mcp.stream.splitting import ROUNDS, split
from kubeshark_mcp.stream.table import FlowTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from kubeshark_mcp.model.packet import PacketBlock
    from kubeshark_mcp.model.stream import Closing, Window
    from kubeshark_mcp.model.stream_block import StreamBlock
    from kubeshark_mcp.stream.connections import Addresses
    from kubeshark_mcp.stream.limits import Counters, Limits
    from kubeshark_mcp.stream.sharing import Numbering

_TCP = TRANSPORTS.index("tcp")


class TcpSide(Side):
    """Follows TCP connections."""

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
        self._table = FlowTable(TCP_FIELDS)
        self._connections = Connections(self._table, addresses, capture, wanted=wanted)
        self._joiner = Joiner(self._table, self._connections, limits, counters)
        self._analyst = Analyst(self._table)
        self._limits = limits
        self._counters = counters
        self._numbering = numbering

    def feed(
        self, block: PacketBlock, chosen: NDArray[np.intp], codes: NDArray[np.uint8], points: NDArray[np.uint64]
    ) -> Iterator[StreamBlock | Window | Closing]:
        """Take the `chosen` packets of a block."""
        keys = conversation_keys(block, chosen, codes[chosen], points[chosen])
        rows, fresh = self._table.assign(keys.words)
        batch = sort_packets(block, chosen, rows, fresh, keys.side, self._table)
        segments = _segments(block, batch)
        superseded = split_reused(batch, segments, self._table)
        self._number(batch)
        settle_clients(batch, block, self._table, tcp=True)
        learn_bases(batch, segments, self._table)
        source = Source(view_of(block.data), block.payload_offset, block.transport_offset)
        learn_scales(
            batch,
            segments,
            self._table,
            block.data,
            (block.transport_offset[batch.index], block.payload_offset[batch.index]),
        )
        count_traffic(batch, self._table)
        yield from self._follow(batch, segments, source)
        self._counters.superseded_connections += len(superseded)
        yield from self._leave(superseded, keyed=False)

    def _follow(self, batch: Batch, segments: Segments, source: Source) -> Iterator[StreamBlock | Window | Closing]:
        """Examine and join a batch; connections with few odd packets in parts, behind those that have none."""
        waiting, cuts = [(batch, segments)], 0
        while waiting:
            batch, segments = waiting.pop()
            if not len(batch):
                continue
            near = find_neighbours(batch, segments, self._table)
            verdict = judge(batch, segments, self._table, near)
            parts = split(batch, segments, verdict) if cuts < ROUNDS else None
            taken = verdict.clean if parts else np.ones(len(batch.rows), dtype=bool)
            if taken.any():
                self._analyst.examine(batch, segments, near, verdict.clean, taken)
                yield from self._joiner.join(batch, segments, verdict.orderly, source, taken)
            if parts:
                cuts += 1
                waiting += reversed(parts)

    def sweep(self, now: int) -> Iterator[Window | Closing]:
        """Evict what has been idle for too long."""
        live = self._table.live_rows()
        idle = now - self._table.rows["last_ns"][live]
        ended = (self._table.rows["state"][live] & STATE_ENDED) != 0
        patience = np.where(ended, self._limits.closed_idle_seconds * 1e9, self._limits.tcp_idle_seconds * 1e9)
        yield from self._evict(live[idle > patience])

    def shrink(self) -> Iterator[Window | Closing]:
        """Evict the connections idle longest where there are too many, ended ones first."""
        excess = len(self._table) - self._limits.open_connections
        if excess <= 0:
            return
        live = self._table.live_rows()
        ended = (self._table.rows["state"][live] & STATE_ENDED) != 0
        order = np.lexsort((self._table.rows["last_ns"][live], ~ended))
        yield from self._evict(live[order[: excess + self._limits.open_connections // 8]])

    def finish(self) -> Iterator[Window | Closing]:
        """End every connection with the capture."""
        for row in self._table.live_rows().tolist():
            yield from self._joiner.end(row, "end")

    def _number(self, batch: Batch) -> None:
        """Give numbers to the new connections in order of their first packets."""
        new = np.flatnonzero(batch.fresh)
        rows = batch.rows[new]
        prepare(self._table.rows, rows)
        firsts = batch.number[batch.starts[new]]
        order = np.argsort(firsts, kind="stable")
        self._table.rows["number"][rows[order]] = self._numbering.give(_TCP, firsts[order])

    def _evict(self, rows: NDArray[np.int64]) -> Iterator[Window | Closing]:
        ended = (self._table.rows["state"][rows] & STATE_ENDED) != 0
        self._counters.evicted_connections += int((~ended).sum())
        yield from self._leave(rows, keyed=True)

    def _leave(self, rows: NDArray[np.int64], *, keyed: bool) -> Iterator[Window | Closing]:
        if not len(rows):
            return
        for row in rows.tolist():
            yield from self._joiner.end(row, "evicted")
            self._connections.forget(row)
        self._analyst.forget(rows)
        self._table.release(rows, keyed=keyed)


def _segments(block: PacketBlock, batch: Batch) -> Segments:
    segments = Segments(
        sequence=block.sequence[batch.index],
        acknowledgment=block.acknowledgment[batch.index],
        flags=block.flags[batch.index],
        window=block.window[batch.index].astype(np.int64),
    )
    segments.measure(batch.sent)
    return segments
