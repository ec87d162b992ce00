"""What many TCP connections carried, as columns: no object stands for bytes that are read in columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubeshark_mcp.model.stream import Connection, Piece, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class StreamBlock:
    """r runs of n packets that c connections of one capture carried, as `Window` and `Piece` describe for one.

    Only valid until the next block of the capture is asked for: `data` may be a view on a mapped file.

    connections: c, each once. connection: int64 of r, ascending, position in `connections`; a connection's runs are in
    the order in which they travelled. direction, offset, gap: int64 of r, see Piece. first: int64 of r, position of
    the run's first packet. start, length: int64 of n, where a packet's payload is in `data`. packet, time_ns: int64 of
    n. pieces: makes the objects of some runs, None for all of them.
    """

    connections: Sequence[Connection]
    connection: NDArray[np.int64]
    direction: NDArray[np.int64]
    offset: NDArray[np.int64]
    gap: NDArray[np.int64]
    first: NDArray[np.int64]
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    packet: NDArray[np.int64]
    time_ns: NDArray[np.int64]
    data: memoryview
    pieces: Callable[[NDArray[np.intp] | None], list[Piece]]

    def windows(self, chosen: NDArray[np.bool_] | None = None) -> Iterator[Window]:
        """Make the windows of all connections, or of the chosen ones (bool of c), in the order of the connections."""
        if chosen is None:
            numbers, pieces = self.connection.tolist(), self.pieces(None)
        else:
            (runs,) = chosen[self.connection].nonzero()
            numbers, pieces = self.connection[runs].tolist(), self.pieces(runs)
        start, count = 0, len(numbers)
        while start < count:
            number, end = numbers[start], start + 1
            while end < count and numbers[end] == number:
                end += 1
            yield Window(self.connections[number], pieces[start:end])
            start = end
