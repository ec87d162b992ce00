"""Conversations in datagrams that are read as columns: which of them, and how they come to a dissector if need be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.dissect.base import ColumnReader, Protocol, Settings, Taken
from kubeshark_mcp.dissect.detection import Detector, Fault
from kubeshark_mcp.dissect.unclaimed import Meter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.model.datagrams import Closings, DatagramBlock
    from kubeshark_mcp.model.entry_columns import EntryColumns
    from kubeshark_mcp.model.stream import Connection, Datagram

_PORTS = 1 << 16


@dataclass(frozen=True, slots=True)
class Engine:
    """What the engine lends.

    keys: gives what it knows connections of a transport and capture by, from their numbers. opened: keys of those with
    a session. resume: gives a connection to a dissector of a protocol, as if it had read so many bytes of each
    direction. note: hears the keys of connections on which a protocol was found. emit: takes entries.
    """

    detector: Detector
    meter: Meter
    fault: Fault
    keys: Callable[[str, int, NDArray[np.int64]], list[int]]
    opened: Collection[int]
    resume: Callable[[Connection, Protocol, tuple[int, int]], None]
    note: Callable[[list[int], str], None]
    emit: Callable[[EntryColumns], None]


class ColumnSide:
    """Offers the datagrams of each block to the protocols that read columns.

    enriched: names of protocols whose entries others have to look at one by one.
    """

    def __init__(
        self, protocols: Iterable[Protocol], settings: Settings, engine: Engine, enriched: Collection[str] = ()
    ) -> None:
        enabled = [found for found in protocols if settings.enabled is None or found.name in settings.enabled]
        self._sides = [
            _Side(protocol, transport, reader, ports_of_protocol(protocol, transport, enabled, settings), engine)
            for protocol in enabled
            for transport in sorted(protocol.transports - {"tcp"})
            if protocol.name not in enriched and (reader := protocol.columns(settings)) is not None
        ]

    def feed(self, block: DatagramBlock) -> Iterator[Datagram]:
        """Take a block; give the datagrams that are left for dissectors, in order."""
        left: NDArray[np.bool_] | None = None
        for side in self._sides:
            if side.transport == block.connections.transport:
                kept, returned = side.feed(block)
                left = ~kept if left is None else left & ~kept
                yield from returned
        if left is None:
            yield from block.datagrams()
        elif left.any():
            yield from block.datagrams(np.flatnonzero(left[block.connection]))

    def close(self, closings: Closings) -> None:
        """Hear which connections have ended."""
        for side in self._sides:
            if side.transport == closings.transport:
                side.close(closings)

    def finish(self) -> None:
        """Hear that the capture has ended."""
        for side in self._sides:
            side.finish()


class _Side:
    """One protocol and transport: which connections its reader keeps."""

    def __init__(
        self, protocol: Protocol, transport: str, reader: ColumnReader, ports: NDArray[np.bool_], engine: Engine
    ) -> None:
        self.transport = transport
        self._protocol = protocol
        self._reader = reader
        self._ports = ports
        self._engine = engine
        self._kept: set[int] = set()
        self._failed = False

    def feed(self, block: DatagramBlock) -> tuple[NDArray[np.bool_], Iterable[Datagram]]:
        """Give which connections are kept, and what dissectors have to read before the rest of the block."""
        columns = block.connections
        nothing = np.zeros(len(columns), bool)
        own, others = self._ports
        near = own[columns.server_port] & ~others[columns.server_port] & ~others[columns.client_port]
        if self._failed or not near.any():
            return nothing, ()
        keys = self._engine.keys(columns.transport, int(columns.capture[0]), columns.number)
        known = np.fromiter(map(self._kept.__contains__, keys), bool, len(keys))
        offered = known | (near & self._unopened(keys) & self._first_asked(columns.server_port))
        if not offered.any():
            return nothing, ()
        taken = self._taken(block, offered, offered & ~known)
        begun = taken.kept & ~known
        self._claim([keys[place] for place in np.flatnonzero(begun).tolist()], columns.server_port[begun])
        self._account(int(block.length[taken.kept[block.connection]].sum()))
        if taken.entries is not None:
            self._engine.emit(taken.entries)
        return taken.kept, self._given_back(block, np.flatnonzero(known & ~taken.kept), taken.returned)

    def close(self, closings: Closings) -> None:
        """Hear which connections have ended."""
        if not self._kept:
            return
        self._kept.difference_update(self._engine.keys(closings.transport, closings.capture, closings.numbers))
        if (entries := self._guarded(lambda: self._reader.close(closings.numbers))) is not None:
            self._engine.emit(entries)

    def finish(self) -> None:
        """Hear that the capture has ended."""
        self._kept.clear()
        if (entries := self._guarded(self._reader.finish)) is not None:
            self._engine.emit(entries)

    def _unopened(self, keys: list[int]) -> NDArray[np.bool_]:
        opened = self._engine.opened
        if not opened:
            return np.ones(len(keys), bool)
        return ~np.fromiter(map(opened.__contains__, keys), bool, len(keys))

    def _first_asked(self, ports: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell at which ports no other protocol would be asked first because it was found there last."""
        distinct, codes = np.unique(ports, return_inverse=True)
        detector, protocol = self._engine.detector, self._protocol
        return np.array([detector.asks_first(protocol, self.transport, port) for port in distinct.tolist()])[codes]

    def _taken(self, block: DatagramBlock, offered: NDArray[np.bool_], fresh: NDArray[np.bool_]) -> Taken:
        try:
            return self._reader.feed(block, offered, fresh)
        except Exception as error:  # noqa: BLE001 - a fault of one protocol must not stop the file; it is reported
            [connection] = block.objects([int(np.argmax(offered))])
            self._engine.fault(self._protocol.name, connection, error)
            self._failed = True
            return Taken(np.zeros(len(offered), bool))

    def _guarded(self, call: Callable[[], EntryColumns | None]) -> EntryColumns | None:
        """Ask the reader for what waits, unless it has failed; its state is not to be trusted then."""
        return None if self._failed else call()

    def _claim(self, keys: list[int], ports: NDArray[np.int64]) -> None:
        self._kept.update(keys)
        self._engine.note(keys, self._protocol.name)
        for port in np.unique(ports).tolist():
            self._engine.detector.found(self._protocol, self.transport, port)

    def _account(self, length: int) -> None:
        self._engine.meter.fed += length
        self._engine.meter.dissected += length

    def _given_back(
        self, block: DatagramBlock, parted: NDArray[np.intp], returned: DatagramBlock | None
    ) -> Iterable[Datagram]:
        """Open dissectors for connections that are kept no longer; give the datagrams that were held of them."""
        before = dict(zip(block.connections.number[parted].tolist(), block.before[parted].tolist(), strict=True))
        objects = block.objects(parted.tolist()) if len(parted) else []
        connections = {connection.number: connection for connection in objects}
        if returned is not None:
            numbers = returned.connections.number.tolist()
            before.update(zip(numbers, returned.before.tolist(), strict=True))
            further = [place for place, number in enumerate(numbers) if number not in connections]
            connections.update((connection.number, connection) for connection in returned.objects(further))
            self._account(-int(returned.length.sum()))
        for number, connection in connections.items():
            client, server = before[number]
            self._engine.resume(connection, self._protocol, (client, server))
        if connections:
            columns = block.connections
            numbers_of = np.array(list(connections), np.int64)
            self._kept.difference_update(self._engine.keys(columns.transport, int(columns.capture[0]), numbers_of))
        return () if returned is None else returned.datagrams()


def ports_of_protocol(
    protocol: Protocol, transport: str, enabled: Iterable[Protocol], settings: Settings
) -> NDArray[np.bool_]:
    """Give the server ports at which a protocol is expected, and those at either end that speak for another (2 x n)."""
    ports = np.zeros((2, _PORTS), bool)
    own, others = ports
    own[list(protocol.ports)] = True
    if transport == "icmp":
        own[:] = True  # it has no ports
    for other in enabled:
        if other is not protocol and transport in other.transports:
            others[list(other.ports)] = True
    for port, name in settings.ports.items():
        if 0 <= port < _PORTS:
            (own if name == protocol.name else others)[port] = True
    for wanted, port in settings.decode_as:
        if wanted == transport and 0 <= port < _PORTS:
            others[port] = True
    return ports
