"""TCP reassembly of connections whose packets are in order: as columns, with Python work only for a piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from kubeshark_mcp.model.packet import TCP_FIN, TCP_RST, TCP_SYN
from kubeshark_mcp.stream.batch import Batch, Segments, heads_of, stable_order
from kubeshark_mcp.stream.pieces import Runs
from kubeshark_mcp.stream.rows import STATE_FIN, STATE_KNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.stream.table import FlowTable


@dataclass(slots=True)
class Carriers:
    """The m packets with payload of some connections, in the batch's order.

    position: int64, in the batch. group: int64. way: group * 2 + direction. order: what sorts them by way, heads: where
    a way begins in that order. length: int64, payload bytes captured and missing. offset: int64, stream offset.
    """

    position: NDArray[np.int64]
    group: NDArray[np.int64]
    way: NDArray[np.int64]
    order: NDArray[np.int64]
    heads: NDArray[np.int64]
    length: NDArray[np.int64]
    offset: NDArray[np.int64]

    def within_way(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Sum, for each packet, `values` over the packets before it on the same way."""
        ordered = values[self.order]
        running = np.cumsum(ordered) - ordered
        sizes = np.diff(self.heads, append=len(ordered))
        sums = np.empty_like(running)
        sums[self.order] = running - np.repeat(running[self.heads], sizes)
        return sums

    @property
    def ways(self) -> NDArray[np.int64]:
        """Each way once, ascending."""
        ways: NDArray[np.int64] = self.way[self.order[self.heads]]
        return ways

    @property
    def tails(self) -> NDArray[np.int64]:
        """The last packet of each of `ways`, as an index of these columns."""
        tails: NDArray[np.int64] = self.order[np.append(self.heads, len(self.order))[1:] - 1]
        return tails


def find_carriers(batch: Batch, segments: Segments, table: FlowTable, wanted: NDArray[np.bool_]) -> Carriers:
    """Pick the payload of the `wanted` groups, and place it as if it were in order."""
    chosen = (batch.sent > 0) & ((segments.flags & TCP_RST) == 0)
    if not wanted.all():
        chosen &= wanted[batch.group]
    position = np.flatnonzero(chosen)
    way, length = batch.way[position], batch.sent[position]
    order = stable_order(way, 2 * len(batch.rows))
    carriers = Carriers(position, way >> 1, way, order, heads_of(way[order]), length, length)
    carriers.offset = table.rows["next"][batch.rows].ravel()[way] + carriers.within_way(length)
    return carriers


def disorderly(batch: Batch, segments: Segments, table: FlowTable, carriers: Carriers) -> NDArray[np.bool_]:
    """Tell of each group whether a packet is not where the plain order would have it."""
    found = np.zeros(len(batch.rows), dtype=bool)
    at = carriers.position
    origin = table.rows["origin"][batch.rows].ravel()[carriers.way]
    sequence = segments.sequence[at] + ((segments.flags[at] & TCP_SYN) != 0)
    state = table.rows["state"][batch.rows][:, None]
    behind_fin = ((state & np.array(STATE_FIN, dtype=np.uint16)) != 0).ravel()
    wrong = sequence != origin + carriers.offset.astype(np.uint32)
    if behind_fin.any():
        wrong |= behind_fin[carriers.way]
    found[carriers.group[wrong]] = True
    fins = np.flatnonzero((segments.flags & (TCP_FIN | TCP_RST)) == TCP_FIN)
    if len(fins):
        group, direction = batch.group[fins], batch.direction[fins]
        row = batch.rows[group]
        reach = table.rows["next"][batch.rows]
        tails = carriers.tails
        reach[carriers.ways >> 1, carriers.ways & 1] = carriers.offset[tails] + carriers.length[tails]
        expected = table.rows["origin"][row, direction] + reach[group, direction].astype(np.uint32) + np.uint32(1)
        known = (table.rows["state"][row] & np.array(STATE_KNOWN)[direction]) != 0
        found[group[known & (segments.end[fins] != expected)]] = True
    return found


def advance(batch: Batch, segments: Segments, table: FlowTable, carriers: Carriers, wanted: NDArray[np.bool_]) -> None:
    """Note in the rows of the wanted groups how far they were joined, and which FINs were reached."""
    ways, tails = carriers.ways, carriers.tails
    table.rows["next"][batch.rows[ways >> 1], ways & 1] = carriers.offset[tails] + carriers.length[tails]
    fin = ((segments.flags & (TCP_FIN | TCP_RST)) == TCP_FIN) & wanted[batch.group]
    if fin.any():
        for direction in (0, 1):
            reached = batch.rows[batch.any(fin & (batch.direction == direction))]
            table.rows["state"][reached] |= STATE_FIN[direction]


def find_gaps(batch: Batch, table: FlowTable, carriers: Carriers, kept: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Give the missing bytes before each kept packet (0 for others), and note those behind the last in the rows."""
    missing = batch.missing[carriers.position]
    gaps = np.zeros(len(missing), dtype=np.int64)
    rows, directions = batch.rows[carriers.ways >> 1], carriers.ways & 1
    pending = table.rows["gap"][rows, directions]
    if not missing.any() and not pending.any():
        return gaps
    order, heads = carriers.order, carriers.heads
    sizes = np.diff(heads, append=len(order))
    before = pending.repeat(sizes) + carriers.within_way(missing)[order]
    marks = np.where(kept[order], np.arange(len(order)), -1)
    reached = np.maximum.accumulate(marks)
    reached = np.where(reached >= np.repeat(heads, sizes), reached, -1)
    previous = np.append(-1, reached[:-1])
    previous[heads] = -1
    gaps[order] = np.where(kept[order], before - np.where(previous >= 0, before[previous], 0), 0)
    last = heads + sizes - 1
    total = before[last] + missing[order][last]
    table.rows["gap"][rows, directions] = total - np.where(reached[last] >= 0, before[reached[last]], 0)
    return gaps


def cut_runs(
    batch: Batch, carriers: Carriers, kept: NDArray[np.bool_], gaps: NDArray[np.int64], source: Source
) -> tuple[Runs, NDArray[np.int64]]:
    """Cut the kept packets into runs, and give the group of each."""
    chosen = np.flatnonzero(kept)
    at = carriers.position[chosen]
    way, gap = carriers.way[chosen], gaps[chosen]
    first = np.flatnonzero((np.diff(way, prepend=-1) != 0) | (gap > 0))
    runs = Runs(
        first=first,
        direction=way[first] & 1,
        offset=carriers.offset[chosen[first]],
        gap=gap[first],
        begin=source.payload_offset[batch.index[at]],
        length=batch.payload[at],
        number=batch.number[at],
        time=batch.time[at],
    )
    return runs, carriers.group[chosen[first]]


@dataclass(frozen=True, slots=True)
class Source:
    """Where payload lies: the block's bytes and the offset of each packet's payload in them."""

    view: memoryview
    payload_offset: NDArray[np.int64]
    transport_offset: NDArray[np.int64]


def view_of(data: NDArray[np.uint8]) -> memoryview:
    """Open a block's bytes for cutting."""
    return memoryview(cast("bytes", data))  # an array is a buffer, as bytes are
