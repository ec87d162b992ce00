"""TCP connections that are read as columns: which of them, and how they come to a dissector if need be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.dissect.base import HandOver, Protocol, Settings, StreamReader, TakenStreams
from kubeshark_mcp.dissect.columnar import ports_of_protocol
from kubeshark_mcp.dissect.detection import Detector, Fault
from kubeshark_mcp.dissect.session import Session, Shared
from kubeshark_mcp.dissect.unclaimed import Meter
from kubeshark_mcp.model.stream import Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.model.entry_columns import EntryColumns
    from kubeshark_mcp.model.stream import Connection
    from kubeshark_mcp.model.stream_block import StreamBlock


@dataclass(frozen=True, slots=True)
class Lent:
    """What the engine lends.

    key: gives what it knows a connection by. opened: keys of connections with a session. resume: gives a connection to
    a dissector of a protocol. note: hears the keys of connections on which a protocol was found. emit: takes entries.
    """

    detector: Detector
    meter: Meter
    fault: Fault
    key: Callable[[Connection], int]
    opened: Collection[int]
    resume: Callable[[Connection, Protocol, HandOver], None]
    note: Callable[[list[int], str], None]
    emit: Callable[[EntryColumns], None]


class ResumedSession(Session):
    """Goes on with a connection whose protocol was found, and whose messages were read, elsewhere."""

    __slots__ = ()

    def __init__(self, shared: Shared, connection: Connection, protocol: Protocol, hand_over: HandOver) -> None:
        """Begin with what was not read there."""
        super().__init__(shared, connection)
        self._peeler = None
        self._open(protocol, hand_over)
        if hand_over.rest:
            self.feed(Window(connection, hand_over.rest))


class StreamSide:
    """Offers the connections of each block to the protocols that read columns.

    enriched: names of protocols whose entries others have to look at one by one.
    """

    def __init__(
        self, protocols: Iterable[Protocol], settings: Settings, engine: Lent, enriched: Collection[str] = ()
    ) -> None:
        enabled = [found for found in protocols if settings.enabled is None or found.name in settings.enabled]
        self._readings = [
            _Reading(protocol, reader, ports_of_protocol(protocol, "tcp", enabled, settings), engine)
            for protocol in enabled
            if "tcp" in protocol.transports
            and protocol.name not in enriched
            and (reader := protocol.stream_columns(settings)) is not None
        ]

    def feed(self, block: StreamBlock) -> Iterator[Window]:
        """Take a block; give the windows that are left for dissectors, in order."""
        left: NDArray[np.bool_] | None = None
        for reading in self._readings:
            if (kept := reading.feed(block)) is not None:
                left = ~kept if left is None else left & ~kept
        if left is None or left.any():
            yield from block.windows(left)

    def part(self, connection: Connection) -> None:
        """Give a connection to a dissector, if it is read as columns: what comes next is not in a block."""
        for reading in self._readings:
            reading.part(connection)

    def close(self, connection: Connection) -> None:
        """Hear that a connection is about to end; a dissector says what becomes of all that waits."""
        for reading in self._readings:
            reading.close(connection)

    def finish(self) -> None:
        """Hear that the capture is about to end."""
        for reading in self._readings:
            reading.finish()


class _Reading:
    """One protocol: which connections its reader keeps."""

    def __init__(self, protocol: Protocol, reader: StreamReader, ports: NDArray[np.bool_], engine: Lent) -> None:
        self._protocol = protocol
        self._reader = reader
        own, others = ports.tolist()
        self._near, self._far = frozenset(_places(own)), frozenset(_places(others))
        self._engine = engine
        self._kept: dict[int, Connection] = {}
        self._failed = False

    def feed(self, block: StreamBlock) -> NDArray[np.bool_] | None:
        """Give which connections are kept, None where none is."""
        near = self._near
        if self._failed or not (self._kept or any(one.server.port in near for one in block.connections)):
            return None
        keys = list(map(self._engine.key, block.connections))
        known = np.fromiter(map(self._kept.__contains__, keys), np.bool_, len(keys))
        pairs = zip(keys, block.connections, strict=True)
        fresh = np.array([key not in self._kept and self._is_offered(key, one) for key, one in pairs], np.bool_)
        if not (known | fresh).any():
            return None
        taken = self._taken(block, known | fresh, fresh)
        given_up = list(self._kept) if self._failed else [keys[place] for place in np.flatnonzero(known & ~taken.kept)]
        for key in given_up:
            self._part(key)
        self._claim(block, np.flatnonzero(taken.kept & fresh).tolist(), keys)
        counts = np.diff(block.first, append=len(block.start))
        self._account(int(block.length[taken.kept[block.connection].repeat(counts)].sum()))
        if taken.entries is not None:
            self._engine.emit(taken.entries)
        return taken.kept

    def part(self, connection: Connection) -> None:
        """Give a connection to a dissector, if it is kept."""
        if self._kept and (key := self._engine.key(connection)) in self._kept:
            self._part(key)

    def close(self, connection: Connection) -> None:
        """Hear that a connection is about to end."""
        if self._kept and (key := self._engine.key(connection)) in self._kept:
            if self._reader.waits(connection.number):
                self._part(key)
            else:
                self._reader.forget(connection.number)
                del self._kept[key]

    def finish(self) -> None:
        """Hear that the capture is about to end."""
        for key, connection in list(self._kept.items()):
            if self._reader.waits(connection.number):
                self._part(key)
        self._kept.clear()

    def _is_offered(self, key: int, connection: Connection) -> bool:
        port = connection.server.port
        return (
            port in self._near
            and port not in self._far
            and connection.client.port not in self._far
            and key not in self._engine.opened
            and self._engine.detector.asks_first(self._protocol, "tcp", port)
        )

    def _taken(self, block: StreamBlock, offered: NDArray[np.bool_], fresh: NDArray[np.bool_]) -> TakenStreams:
        try:
            return self._reader.feed(block, offered, fresh)
        except Exception as error:  # noqa: BLE001 - a fault of one protocol must not stop the file; it is reported
            self._engine.fault(self._protocol.name, block.connections[int(np.argmax(offered))], error)
            self._failed = True
            return TakenStreams(np.zeros(len(offered), np.bool_))

    def _part(self, key: int) -> None:
        connection = self._kept.pop(key)
        hand_over = self._reader.part(connection.number)
        self._account(-sum(len(piece.data) for piece in hand_over.rest))
        self._engine.resume(connection, self._protocol, hand_over)

    def _claim(self, block: StreamBlock, begun: list[int], keys: list[int]) -> None:
        if not begun:
            return
        self._kept.update((keys[place], block.connections[place]) for place in begun)
        self._engine.note([keys[place] for place in begun], self._protocol.name)
        for port in {block.connections[place].server.port for place in begun}:
            self._engine.detector.found(self._protocol, "tcp", port)

    def _account(self, length: int) -> None:
        self._engine.meter.fed += length
        self._engine.meter.dissected += length


def _places(flags: list[bool]) -> Iterator[int]:
    return (place for place, flag in enumerate(flags) if flag)
