"""Datagrams as columns: what the stream room gives of a block, so that no object stands for a datagram nobody needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubeshark_mcp.model.stream import Connection, Datagram, Direction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from kubeshark_mcp.model.entry_columns import ConnectionColumns

_WAYS = (Direction.CLIENT, Direction.SERVER)


@dataclass(frozen=True, slots=True, eq=False)
class DatagramBlock:
    """n datagrams of one transport in the order of their packets, of c connections of one capture.

    Only valid until the next block of the capture is asked for: `data` may be a view on a mapped file.

    connections: c, each once. objects: gives the objects of connections by their positions in these columns, always
    the same one for the same connection.
    connection: int32 of n, position in `connections`. direction: uint8 of n, see Direction. data: uint8; start, length:
    int64 of n, where a datagram's bytes are in it (see Datagram for which these are). missing, packet, time_ns: int64
    of n. before: int64 of c x 2, payload bytes of each connection and direction before this block.
    """

    connections: ConnectionColumns
    objects: Callable[[list[int]], list[Connection]]
    connection: NDArray[np.int32]
    direction: NDArray[np.uint8]
    data: NDArray[np.uint8]
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    missing: NDArray[np.int64]
    packet: NDArray[np.int64]
    time_ns: NDArray[np.int64]
    before: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.connection)

    def datagrams(self, chosen: NDArray[np.intp] | None = None) -> Iterator[Datagram]:
        """Make the objects of all datagrams, or of those at these positions, in their order."""
        parts = (self.connection, self.direction, self.start, self.length, self.packet, self.time_ns, self.missing)
        places, ways, starts, lengths, numbers, times, missing = (
            (part if chosen is None else part[chosen]).tolist() for part in parts
        )
        distinct = list(dict.fromkeys(places))
        connections = dict(zip(distinct, self.objects(distinct), strict=True))
        view = memoryview(self.data)  # type: ignore[arg-type]  # an array is a buffer, as bytes are
        for place, way, start, length, number, time, lost in zip(
            places, ways, starts, lengths, numbers, times, missing, strict=True
        ):
            data = view[start : start + length].tobytes()
            yield Datagram(connections[place], _WAYS[way], data, number, time, lost)


@dataclass(frozen=True, slots=True, eq=False)
class Closings:
    """Connections of one transport and capture have ended or were given up, as `Closing` describes for one.

    numbers: int64, see Connection.number. times: int64, ns, of the last packet of each.
    """

    transport: str
    capture: int
    numbers: NDArray[np.int64]
    how: str
    times: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.numbers)
