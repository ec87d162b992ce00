"""From joined bytes to Pieces: one a run of one direction."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.model.stream import Direction, Piece

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from kubeshark_mcp.stream.assembler import Joined

WAYS = (Direction.CLIENT, Direction.SERVER)


_ONE_START = (0,)


@dataclass(frozen=True, slots=True)
class Runs:
    """Packets with payload, cut into runs: each run becomes a Piece. All are int64.

    By run: first, index of its first packet; direction; offset in the stream; gap before it. By packet: begin and
    length of its payload in the block's bytes; number; time.
    """

    first: NDArray[np.int64]
    direction: NDArray[np.int64]
    offset: NDArray[np.int64]
    gap: NDArray[np.int64]
    begin: NDArray[np.int64]
    length: NDArray[np.int64]
    number: NDArray[np.int64]
    time: NDArray[np.int64]

    def pieces(self, view: memoryview, chosen: NDArray[np.intp] | None = None) -> list[Piece]:
        """Copy the payload of all or the chosen runs out of the block.

        Runs of one packet and longer ones are made apart: loops stay in C.
        """
        count = np.diff(self.first, append=len(self.begin))
        if chosen is None:
            chosen = np.arange(len(count))
        count = count[chosen]
        alone = np.flatnonzero(count == 1)
        long = np.flatnonzero(count > 1)
        pieces = [*self._alone(chosen[alone], view), *self._long(chosen[long], count[long], view)]
        order = np.empty(len(pieces), dtype=np.int64)
        order[np.concatenate([alone, long])] = np.arange(len(pieces))
        return [pieces[place] for place in order.tolist()]

    def _alone(self, runs: NDArray[np.int64], view: memoryview) -> Iterator[Piece]:
        packets = self.first[runs]
        begin = self.begin[packets]
        bounds = zip(begin.tolist(), (begin + self.length[packets]).tolist(), strict=True)
        return map(
            Piece,
            [WAYS[way] for way in self.direction[runs].tolist()],
            [view[start:end].tobytes() for start, end in bounds],
            self.offset[runs].tolist(),
            self.gap[runs].tolist(),
            repeat(_ONE_START),
            zip(self.number[packets].tolist(), strict=False),
            zip(self.time[packets].tolist(), strict=False),
        )

    def _long(self, runs: NDArray[np.int64], count: NDArray[np.int64], view: memoryview) -> Iterator[Piece]:
        ends = np.cumsum(count)
        starts = ends - count
        packets = np.repeat(self.first[runs] - starts, count) + np.arange(int(count.sum()))
        begin, length = self.begin[packets], self.length[packets]
        position = np.cumsum(length) - length
        position -= np.repeat(position[starts], count)
        bounds = zip(begin.tolist(), (begin + length).tolist(), strict=True)
        parts = [view[start:end] for start, end in bounds]
        slices = list(map(slice, starts.tolist(), ends.tolist()))
        columns = map(_packed, (position, self.number[packets], self.time[packets]))
        return map(
            Piece,
            [WAYS[way] for way in self.direction[runs].tolist()],
            [b"".join(parts[part]) for part in slices],
            self.offset[runs].tolist(),
            self.gap[runs].tolist(),
            *([column[part] for part in slices] for column in columns),
        )


def _packed(values: NDArray[np.int64]) -> array[int]:
    """Turn a column into an array whose slices cost the garbage collector nothing, unlike those of lists."""
    return array("q", values.tobytes())


def pieces_of(joined: Sequence[Joined]) -> list[Piece]:
    """Merge neighbours of one direction with nothing missing between them."""
    pieces = []
    first = 0
    for position in range(1, len(joined) + 1):
        if (
            position < len(joined)
            and joined[position].direction == joined[first].direction
            and not joined[position].gap
        ):
            continue
        pieces.append(_piece(joined[first:position]))
        first = position
    return pieces


def _piece(run: Sequence[Joined]) -> Piece:
    starts, position = array("q"), 0
    for part in run:
        starts.append(position)
        position += len(part.data)
    return Piece(
        direction=WAYS[run[0].direction],
        data=b"".join([part.data for part in run]),
        offset=run[0].offset,
        gap=run[0].gap,
        starts=starts,
        packets=array("q", [part.number for part in run]),
        times=array("q", [part.time for part in run]),
    )
