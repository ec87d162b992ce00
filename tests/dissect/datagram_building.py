"""Datagrams as objects, turned into blocks: what the tests of readers of columns feed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from kubeshark_mcp.dissect.base import Protocol, Settings
from kubeshark_mcp.dissect.engine import DissectionEngine
from kubeshark_mcp.model.datagrams import Closings, DatagramBlock
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.entry_columns import ConnectionColumns, EntryColumns
from kubeshark_mcp.model.stream import Closing, Connection, Datagram, Direction, Endpoint

START_NS = 1_700_000_000_000_000_000
SECOND = 1_000_000_000


def udp(number: int = 0, client_port: int = 40000, port: int = 53, server: str = "10.0.0.2") -> Connection:
    return Connection(number, "udp", Endpoint("10.0.0.1", client_port + number), Endpoint(server, port))


def sent(of: Connection, way: int, data: bytes, packet: int, time: int | None = None, missing: int = 0) -> Datagram:
    """Give a datagram. time: ns since the start, by default a millisecond a packet."""
    return Datagram(
        of, Direction(way), data, packet, START_NS + (packet * 1_000_000 if time is None else time), missing
    )


def columns_of(connections: Sequence[Connection]) -> ConnectionColumns:
    texts = list(dict.fromkeys(end.address for one in connections for end in (one.client, one.server)))
    count = len(connections)
    return ConnectionColumns(
        connections[0].transport if connections else "udp",
        texts,
        np.array([one.number for one in connections], np.int64),
        np.array([texts.index(one.client.address) for one in connections], np.int32),
        np.array([one.client.port for one in connections], np.int64),
        np.array([texts.index(one.server.address) for one in connections], np.int32),
        np.array([one.server.port for one in connections], np.int64),
        np.array([one.capture for one in connections], np.int64),
        np.array([one.point for one in connections], np.int64),
        np.full(count, -1, np.int64),
        np.full(count, -1, np.int64),
        np.zeros(count, bool),
    )


def block(datagrams: Sequence[Datagram], before: Counter[tuple[int, int]] | None = None) -> DatagramBlock:
    """Make one block. before: payload bytes of (connection number, direction) until now; counts this block's too."""
    before = Counter() if before is None else before
    made = {one.connection.number: one.connection for one in datagrams}
    places = {number: place for place, number in enumerate(made)}
    of = list(made.values())
    told = np.array([[before[number, way] for way in (0, 1)] for number in made], np.int64).reshape(-1, 2)
    for one in datagrams:
        before[one.connection.number, int(one.direction)] += len(one.data) + one.missing
    lengths = np.array([len(one.data) for one in datagrams], np.int64)
    gap = b"\xee" * 3
    return DatagramBlock(
        columns_of(of),
        lambda asked: [of[place] for place in asked],
        np.array([places[one.connection.number] for one in datagrams], np.int32),
        np.array([int(one.direction) for one in datagrams], np.uint8),
        np.frombuffer(gap + gap.join(one.data for one in datagrams) + gap, np.uint8),
        np.cumsum(lengths + 3) - lengths,
        lengths,
        np.array([one.missing for one in datagrams], np.int64),
        np.array([one.packet for one in datagrams], np.int64),
        np.array([one.time_ns for one in datagrams], np.int64),
        told,
    )


def blocks(datagrams: Sequence[Datagram], size: int) -> Iterator[DatagramBlock]:
    """Cut datagrams into blocks of so many."""
    before: Counter[tuple[int, int]] = Counter()
    for start in range(0, len(datagrams), size):
        yield block(datagrams[start : start + size], before)


class Play:
    """An engine, what it emitted, and how much of it as columns."""

    def __init__(self, protocols: Iterable[Protocol], settings: Settings | None = None) -> None:
        self.entries: list[Entry] = []
        self.in_columns = 0
        self.engine = DissectionEngine(protocols, settings or Settings(), self.entries.append, self._columns)

    def _columns(self, columns: EntryColumns) -> None:
        self.in_columns += len(columns)
        self.entries += columns.entries()

    def close(self, connections: Iterable[Connection], how: str = "evicted") -> None:
        """End connections, as columns."""
        numbers = np.array([one.number for one in connections], np.int64)
        self.engine.feed(Closings("udp", 0, numbers, how, np.full(len(numbers), START_NS)))

    def outcome(self) -> tuple[list[str], tuple[int, ...]]:
        """End the capture; give the entries in an order that does not depend on how it was cut, and the meter."""
        self.engine.finish()
        assert self.engine.warnings == []
        engine = self.engine
        counts = engine.bytes_fed, engine.bytes_dissected, engine.bytes_recognised, engine.bytes_unknown
        return sorted(map(told, self.entries)), counts


def told(entry: Entry) -> str:
    """Say everything of an entry."""
    fields = sorted((name, tuple(value) if isinstance(value, list) else value) for name, value in entry.fields.items())
    rest = entry.summary, entry.status, entry.failed, entry.malformed, entry.request_body, entry.response_body
    return repr((entry.protocol, entry.connection, entry.request, entry.response, fields, *rest))


def one_by_one(
    protocols: Iterable[Protocol], datagrams: Iterable[Datagram], settings: Settings | None = None
) -> tuple[list[str], tuple[int, ...]]:
    """Give the outcome when a dissector reads every datagram."""
    play = Play(protocols, settings)
    for datagram in datagrams:
        play.engine.feed(datagram)
    assert play.in_columns == 0
    return play.outcome()


def by_blocks(
    protocols: Iterable[Protocol], datagrams: Sequence[Datagram], size: int, settings: Settings | None = None
) -> tuple[list[str], tuple[int, ...]]:
    """Give the outcome when blocks of so many are read."""
    play = Play(protocols, settings)
    for each in blocks(datagrams, size):
        play.engine.feed(each)
    return play.outcome()


__all__ = ["Closing", "Play", "block", "blocks", "by_blocks", "columns_of", "one_by_one", "sent", "told", "udp"]
