"""The bytes of many connections, those of each direction in one place: what messages are cut out of as columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kubeshark_mcp.model.entry_columns import SpanColumns
from kubeshark_mcp.model.stream import Direction, Piece

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubeshark_mcp.model.stream_block import StreamBlock

_WAYS = (Direction.CLIENT, Direction.SERVER)

Int64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Ways:
    """What c connections say. A way is one direction of one connection: 2 * connection + direction.

    data: the bytes of all ways, one behind the other. bounds: int64 of 2c + 1, where each begins. offset: int64 of 2c,
    stream offset of its first byte. By packet, way by way: start, position in `data`; packet and time_ns; rank, in
    which order they travelled. All are int64.
    """

    data: bytes
    bounds: Int64
    offset: Int64
    start: Int64
    packet: Int64
    time_ns: Int64
    rank: Int64

    def arrived(self, ends: Int64) -> Int64:
        """Give the rank of the packet in which a message was complete. ends: positions behind the messages."""
        return self.rank[np.searchsorted(self.start, ends - 1, side="right") - 1]

    def spans(self, way: Int64, begins: Int64, ends: Int64) -> SpanColumns:
        """Give the evidence of data[begin:end] of ways. Packets may bear times in another order than they came in."""
        first = np.searchsorted(self.start, begins, side="right") - 1
        last = np.searchsorted(self.start, ends - 1, side="right") - 1
        seen = np.ones(len(way), np.bool_)
        low, high = [self.packet[first], self.time_ns[first]], [self.packet[last], self.time_ns[last]]
        (long,) = np.nonzero(last > first)
        if len(long):
            within = np.stack([first[long], last[long] + 1], axis=1).ravel()
            for place, values in enumerate((self.packet, self.time_ns)):
                padded = np.append(values, values[-1:])
                low[place][long] = np.minimum.reduceat(padded, within)[::2]
                high[place][long] = np.maximum.reduceat(padded, within)[::2]
        offset = self.offset[way] + begins - self.bounds[way]
        nothing = np.zeros(len(way), np.int64)
        return SpanColumns(seen, offset, ends - begins, low[0], high[0], low[1], high[1], nothing)

    def rest(self, way: int, position: int) -> Piece:
        """Give what a way says from a position on, at least one byte."""
        begin, end = int(self.bounds[way]), int(self.bounds[way + 1])
        first = int(np.searchsorted(self.start, position, side="right")) - 1
        last = int(np.searchsorted(self.start, end - 1, side="right"))
        return Piece(
            _WAYS[way & 1],
            self.data[position:end],
            int(self.offset[way]) + position - begin,
            0,
            np.maximum(self.start[first:last] - position, 0).tolist(),
            self.packet[first:last].tolist(),
            self.time_ns[first:last].tolist(),
        )


def nothing_seen(count: int) -> SpanColumns:
    """Give the evidence of messages that were not seen."""
    nothing = np.zeros(count, np.int64)
    return SpanColumns(np.zeros(count, np.bool_), *[nothing] * 7)


def ways_of(block: StreamBlock, chosen: NDArray[np.bool_], held: Mapping[int, Sequence[Piece]]) -> Ways:
    """Join what is held of connections with what a block brings of them.

    chosen: bool of the block's connections; these are numbered anew, in their order, and `held` has their new numbers.
    Nothing is missing in what they say.
    """
    counts = np.diff(block.first, append=len(block.start))
    runs = np.flatnonzero(chosen[block.connection])
    packets = np.flatnonzero(chosen[block.connection].repeat(counts))
    run_way = (np.cumsum(chosen) - 1)[block.connection[runs]] * 2 + block.direction[runs]
    kept = _Held(held)
    way = np.concatenate([kept.ways, run_way.repeat(counts[runs])])
    start = block.start[packets]
    view = block.data
    cuts = map(slice, start.tolist(), (start + block.length[packets]).tolist())
    parts = [*kept.parts, *map(view.__getitem__, cuts)]
    order = np.argsort(way, kind="stable")
    length = np.concatenate([kept.lengths, block.length[packets]])[order]
    ends = np.cumsum(length)
    count = 2 * int(np.count_nonzero(chosen))
    offset = np.zeros(count, np.int64)
    offset[run_way[::-1]] = block.offset[runs][::-1]
    for place, pieces in held.items():
        for piece in pieces:
            offset[2 * place + piece.direction] = piece.offset
    return Ways(
        data=b"".join([parts[place] for place in order.tolist()]),
        bounds=np.concatenate([np.zeros(1, np.int64), ends])[np.searchsorted(way[order], np.arange(count + 1))],
        offset=offset,
        start=ends - length,
        packet=np.concatenate([kept.packets, block.packet[packets]])[order],
        time_ns=np.concatenate([kept.times, block.time_ns[packets]])[order],
        rank=order.astype(np.int64),
    )


class _Held:
    """Packets of what is held, as columns. There are few of them."""

    def __init__(self, held: Mapping[int, Sequence[Piece]]) -> None:
        self.parts: list[memoryview] = []
        rows: list[tuple[int, int, int, int]] = []
        for place, pieces in held.items():
            for piece in pieces:
                view, way = memoryview(piece.data), 2 * place + piece.direction
                ends = [*piece.starts[1:], len(view)]
                for start, end, packet, time_ns in zip(piece.starts, ends, piece.packets, piece.times, strict=True):
                    self.parts.append(view[start:end])
                    rows.append((way, end - start, packet, time_ns))
        self.ways, self.lengths, self.packets, self.times = np.array(rows, np.int64).reshape(-1, 4).T
