"""All connections of one capture: events in, entries out, bytes accounted for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.dissect.base import HandOver, Protocol, Settings
from kubeshark_mcp.dissect.columnar import ColumnSide, Engine
from kubeshark_mcp.dissect.detection import Detector
from kubeshark_mcp.dissect.enrich import Enricher, Enrichment
from kubeshark_mcp.dissect.session import Session, Shared
from kubeshark_mcp.dissect.stream_columns import Lent, ResumedSession, StreamSide
from kubeshark_mcp.dissect.unclaimed import ENCRYPTED, Leftovers
from kubeshark_mcp.model.datagrams import Closings, DatagramBlock
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.entry_columns import Coded
from kubeshark_mcp.model.stream import Closing, Connection, ConnectionStats, Datagram, Unclaimed, Window
from kubeshark_mcp.model.stream_block import StreamBlock

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.model.entry_columns import EntryColumns
    from kubeshark_mcp.model.stats_columns import StatsColumns

WARNINGS = 100
"""Warnings that are kept whole; further ones are counted."""

_TRANSPORTS = {"tcp": 0, "udp": 1, "sctp": 2, "icmp": 3}


@dataclass(frozen=True, slots=True)
class DissectionWarning:
    """A fault in a protocol's own code: that connection counts as unknown from there on."""

    protocol: str
    connection: Connection
    reason: str

    def __str__(self) -> str:
        connection = self.connection
        return (
            f"the {self.protocol} dissector failed on {connection.transport}.stream {connection.number} "
            f"({connection.client.address}:{connection.client.port} to "
            f"{connection.server.address}:{connection.server.port}): {self.reason}"
        )


class DissectionEngine:
    """Turns windows, datagrams and closings into entries.

    Payload bytes are counted by what became of them (retransmissions only where nobody wanted the bytes any more):
    dissected, recognised, unknown; see the properties. Some are only counted when `described` asks for a connection.
    warnings: faults of protocols, the first of them in full; `warnings_left_out` counts the others.
    """

    def __init__(
        self,
        protocols: Iterable[Protocol],
        settings: Settings,
        emit: Callable[[Entry], None],
        emit_columns: Callable[[EntryColumns], None] | None = None,
    ) -> None:
        self.warnings: list[DissectionWarning] = []
        self.warnings_left_out = 0
        protocols = list(protocols)
        detector = Detector(protocols, settings, self._fault)
        enrichers = [found for found in protocols if isinstance(found, Enricher)]
        if enrichers:
            emit = Enrichment(enrichers, settings, emit, self._note, self._fault).emit
        self._shared = Shared(settings, detector, emit, self._fault, self._note, self._leftovers_of)
        self._sessions: dict[int, Session] = {}
        take_columns = emit_columns or self._emit_one_by_one
        enriched = frozenset(name for found in enrichers for name in found.enriches)
        self._columns = ColumnSide(
            protocols,
            settings,
            Engine(
                detector,
                self._shared.meter,
                self._fault,
                _keys,
                self._sessions,
                self._resume,
                self._note_all,
                take_columns,
            ),
            enriched,
        )
        lent = Lent(
            detector, self._shared.meter, self._fault, _key, self._sessions, self._go_on, self._note_all, take_columns
        )
        self._streams = StreamSide(protocols, settings, lent, enriched)
        self._found: dict[int, tuple[str, ...]] = {}
        self._leftovers: dict[int, Leftovers] = {}
        self._names: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._last_ns = 0

    @property
    def bytes_fed(self) -> int:
        """Give the payload bytes that were taken: those dissected, recognised, unknown, and not yet decided."""
        return self._shared.meter.fed

    @property
    def bytes_dissected(self) -> int:
        """Give the payload bytes that a protocol read."""
        return self._shared.meter.dissected

    @property
    def bytes_recognised(self) -> int:
        """Give the payload bytes that belong to a known protocol and are encrypted."""
        return self._shared.meter.recognised

    @property
    def bytes_unknown(self) -> int:
        """Give the payload bytes that nobody knew; what is undecided is not among them before `finish`."""
        return self._shared.meter.unknown

    def feed(self, event: StreamBlock | Window | Closing | Datagram | DatagramBlock | Closings) -> None:
        """Take one event of the stream room."""
        if isinstance(event, Window):
            self._last_ns = max(self._last_ns, event.pieces[-1].times[-1])
            self._streams.part(event.connection)
            self._session_of(event.connection).feed(event)
        elif isinstance(event, StreamBlock):
            self._feed_streams(event)
        elif isinstance(event, DatagramBlock):
            self._feed_block(event)
        elif isinstance(event, Closings):
            self._close_all(event)
        elif isinstance(event, Closing):
            self._streams.close(event.connection)
            self._close(_key(event.connection), event.how, event.time_ns)
        else:
            self._feed_datagram(event)

    def _feed_block(self, block: DatagramBlock) -> None:
        self._last_ns = max(self._last_ns, int(block.time_ns.max(initial=0)))
        sessions: dict[int, Session] = {}  # all connections of a block are of one transport and capture
        for datagram in self._columns.feed(block):
            number = datagram.connection.number
            session = sessions.get(number)
            if session is None:
                session = sessions[number] = self._session_of(datagram.connection)
            session.feed_datagram(datagram)

    def _feed_streams(self, block: StreamBlock) -> None:
        last_runs = np.flatnonzero(np.diff(block.connection, append=len(block.connections)))
        last_packets = np.append(block.first, len(block.start))[last_runs + 1] - 1
        self._last_ns = max(self._last_ns, int(block.time_ns[last_packets].max(initial=0)))
        for window in self._streams.feed(block):
            self._session_of(window.connection).feed(window)

    def _session_of(self, connection: Connection) -> Session:
        key = _key(connection)
        session = self._sessions.get(key)
        if session is None:
            session = self._sessions[key] = Session(self._shared, connection)
        return session

    def _feed_datagram(self, datagram: Datagram) -> None:
        self._last_ns = max(self._last_ns, datagram.time_ns)
        self._session_of(datagram.connection).feed_datagram(datagram)

    def _close(self, key: int, how: str, time_ns: int) -> None:
        self._last_ns = max(self._last_ns, time_ns)
        session = self._sessions.pop(key, None)
        if session is not None:
            session.close(Closing(session.connection, how, time_ns))

    def _close_all(self, closings: Closings) -> None:
        self._last_ns = max(self._last_ns, int(closings.times.max(initial=0)))
        self._columns.close(closings)
        if self._sessions:
            keys = _keys(closings.transport, closings.capture, closings.numbers)
            for key, time_ns in zip(keys, closings.times.tolist(), strict=True):
                self._close(key, closings.how, time_ns)

    def finish(self) -> None:
        """Close what is still open: the capture has ended."""
        self._columns.finish()
        self._streams.finish()
        for session in self._sessions.values():
            session.close(Closing(session.connection, "end", self._last_ns))
        self._sessions.clear()

    def l7_of(self, connection: Connection) -> tuple[str, ...]:
        """Give the KFL names of the protocols found on this connection, in order of appearance."""
        return self._found.get(_key(connection), ())

    def described(self, stats: ConnectionStats) -> ConnectionStats:
        """Add what is known of a connection that has ended: its protocols, and what nobody read. Ask once for each."""
        key = _key(stats.connection)
        leftovers = self._leftovers.pop(key, None)
        unclaimed, lost = (None, 0) if leftovers is None else leftovers.finish(stats)
        meter = self._shared.meter
        if unclaimed is not None and unclaimed.how == ENCRYPTED:
            meter.recognised += lost
        else:
            meter.unknown += lost
        meter.fed += lost
        stats.l7, stats.unclaimed = self._found.pop(key, ()), unclaimed
        return stats

    def described_columns(self, stats: StatsColumns) -> StatsColumns:
        """Do as `described`, for many connections at once; gives them with what is known."""
        connections = stats.connections
        keys = _keys_of(stats.transport, connections.capture, connections.number)
        left = [row for row, key in enumerate(keys) if key in self._leftovers] if self._leftovers else []
        unclaimed: dict[int, Unclaimed] = {}
        for row, one in zip(left, stats.stats(np.array(left, np.int64)) if left else (), strict=True):
            found = self.described(one)
            if found.unclaimed is not None:
                unclaimed[row] = found.unclaimed
            self._found[keys[row]] = found.l7
        names: dict[tuple[str, ...], int] = {(): 0}
        codes = [names.setdefault(self._found.pop(key, ()), len(names)) for key in keys]
        return replace(stats, l7=Coded(list(names), np.array(codes, np.int32)), unclaimed=unclaimed)

    def _leftovers_of(self, connection: Connection) -> Leftovers:
        key = _key(connection)
        leftovers = self._leftovers.get(key)
        if leftovers is None:
            leftovers = self._leftovers[key] = Leftovers()
        return leftovers

    def _note(self, connection: Connection, protocol: str) -> None:
        key = _key(connection)
        found = self._found.get(key, ())
        if protocol not in found:
            found = (*found, protocol)
            self._found[key] = self._names.setdefault(found, found)

    def _note_all(self, keys: list[int], protocol: str) -> None:
        """Note a protocol on connections that had none."""
        found = self._names.setdefault((protocol,), (protocol,))
        self._found.update(dict.fromkeys(keys, found))

    def _resume(self, connection: Connection, protocol: Protocol, reach: tuple[int, int]) -> None:
        session = self._sessions[_key(connection)] = Session(self._shared, connection)
        session.resume(protocol, reach)

    def _go_on(self, connection: Connection, protocol: Protocol, hand_over: HandOver) -> None:
        self._sessions[_key(connection)] = ResumedSession(self._shared, connection, protocol, hand_over)

    def _emit_one_by_one(self, columns: EntryColumns) -> None:
        for entry in columns.entries():
            self._shared.emit(entry)

    def _fault(self, protocol: str, connection: Connection, error: Exception) -> None:
        if len(self.warnings) >= WARNINGS:
            self.warnings_left_out += 1
            return
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f" in {trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}" if trace is not None else ""
        self.warnings.append(DissectionWarning(protocol, connection, f"{error!r}{where}"))


def _key(connection: Connection) -> int:
    """Pack what identifies a connection within a run; an int of its own costs less than a tuple for each."""
    return connection.number << 26 | connection.capture << 2 | _TRANSPORTS.get(connection.transport, 3)


def _keys(transport: str, capture: int, numbers: NDArray[np.int64]) -> list[int]:
    """Give the keys of connections of one capture."""
    return _keys_of(transport, np.full(len(numbers), capture, np.int64), numbers)


def _keys_of(transport: str, captures: NDArray[np.int64], numbers: NDArray[np.int64]) -> list[int]:
    """Give the keys of connections."""
    keys: list[int] = (numbers << 26 | captures << 2 | _TRANSPORTS.get(transport, 3)).tolist()
    return keys
