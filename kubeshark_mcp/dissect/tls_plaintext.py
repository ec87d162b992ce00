"""What records held, joined to a stream of its own: pieces with the packets that the records came in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from kubeshark_mcp.dissect.buffer import Packets
from kubeshark_mcp.model.stream import Connection, Direction, Piece, Window


@dataclass(slots=True)
class _Run:
    """Contents of neighbouring records of one direction."""

    direction: Direction
    offset: int
    gap: int
    parts: list[bytes] = field(default_factory=list)
    length: int = 0
    starts: list[int] = field(default_factory=list)
    packets: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)


class Plaintext:
    """Collects contents of records in the order of the connection. Missing bytes are counted as they were on the wire.

    The stream begins where encryption does, so its beginning is always seen.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._inner: Connection | None = None
        self._offsets = [0, 0]
        self._missing = [0, 0]
        self._runs: list[_Run] = []

    def add(self, direction: Direction, content: bytes, packets: Packets) -> None:
        """Take the content of one record, and its packets: where in the record each begins, number, time."""
        if not content:
            return
        gap = self._missing[direction]
        if not self._runs or self._runs[-1].direction is not direction or gap:
            self._offsets[direction] += gap
            self._missing[direction] = 0
            self._runs.append(_Run(direction, self._offsets[direction], gap))
        run = self._runs[-1]
        last = len(content) - 1
        for start, number, time_ns in zip(*packets, strict=True):
            if not run.packets or run.packets[-1] != number:
                run.starts.append(run.length + min(start, last))
                run.packets.append(number)
                run.times.append(time_ns)
        run.parts.append(content)
        run.length += len(content)
        self._offsets[direction] += len(content)

    def lose(self, direction: Direction, length: int) -> None:
        """Hear that bytes of this direction are missing, or cannot be decrypted."""
        if self._offsets[direction]:
            self._missing[direction] += length

    def window(self) -> Window | None:
        """Give what came together since the last time; None where nothing did."""
        if not self._runs:
            return None
        runs, self._runs = self._runs, []
        pieces = [
            Piece(run.direction, b"".join(run.parts), run.offset, run.gap, run.starts, run.packets, run.times)
            for run in runs
        ]
        if self._inner is None:
            self._inner = replace(self._connection, from_start=True, muted=False)
        return Window(self._inner, pieces)
