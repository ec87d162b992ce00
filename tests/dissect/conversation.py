"""Play conversations through the engine: bytes in order become packets, packets become windows or datagrams."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from kubeshark_mcp.dissect.base import Protocol, Settings
from kubeshark_mcp.dissect.engine import DissectionEngine
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Closing, Connection, Datagram, Direction, Endpoint, Piece, Span, Window

START_NS = 1_700_000_000_000_000_000
CLIENT, SERVER = Direction.CLIENT, Direction.SERVER

Talk = Sequence[tuple[Direction, bytes]]


@dataclass(frozen=True)
class Packet:
    """One packet of a conversation. gap: bytes of its direction that are missing before it."""

    direction: Direction
    data: bytes
    offset: int
    number: int
    gap: int = 0

    @property
    def time_ns(self) -> int:
        return START_NS + self.number * 1_000_000


def connection(transport: str = "tcp", port: int = 40080, *, from_start: bool = True, number: int = 0) -> Connection:
    """Give a connection to a port that no protocol claims."""
    ends = Endpoint("10.0.0.1", 50000), Endpoint("10.0.0.2", port)
    return Connection(number, transport, *ends, client_sequence=1, server_sequence=1, from_start=from_start)


def packets(talk: Talk, cuts: random.Random | None = None, biggest: int = 64) -> list[Packet]:
    """Make a packet of each item, or of random parts of each when `cuts` is given."""
    made: list[Packet] = []
    offsets = [0, 0]
    for direction, data in talk:
        position = 0
        while position < len(data):
            size = cuts.randint(1, biggest) if cuts else len(data)
            part = data[position : position + size]
            made.append(Packet(direction, part, offsets[direction], len(made) + 1))
            position += len(part)
            offsets[direction] += len(part)
    return made


def windows(of: Connection, sent: Iterable[Packet], cuts: random.Random | None = None) -> list[Window]:
    """Group packets into windows, as the stream room does: neighbours of one direction are one piece."""
    made: list[Window] = []
    for packet in sent:
        if not made or (cuts and cuts.random() < 0.4):
            made.append(Window(of))
        pieces = made[-1].pieces
        if pieces and pieces[-1].direction is packet.direction and not packet.gap:
            last = pieces[-1]
            pieces[-1] = Piece(
                last.direction,
                last.data + packet.data,
                last.offset,
                last.gap,
                [*last.starts, len(last.data)],
                [*last.packets, packet.number],
                [*last.times, packet.time_ns],
            )
        else:
            times = [packet.time_ns]
            pieces.append(Piece(packet.direction, packet.data, packet.offset, packet.gap, [0], [packet.number], times))
    return made


def play(
    protocols: Iterable[Protocol],
    talk: Talk,
    *,
    transport: str = "tcp",
    port: int = 40080,
    settings: Settings | None = None,
    cuts: random.Random | None = None,
    how: str = "fin",
    from_start: bool = True,
    lost: Iterable[int] = (),
    biggest: int = 64,
    apart: bool = False,
) -> list[Entry]:
    """Give the entries of a conversation.

    lost: indexes of packets that the capture does not hold. apart: each packet has a window of its own.
    """
    entries, engine = run(
        protocols,
        talk,
        transport=transport,
        port=port,
        settings=settings,
        cuts=cuts,
        how=how,
        from_start=from_start,
        lost=lost,
        biggest=biggest,
        apart=apart,
    )
    assert engine.warnings == []
    return entries


def run(
    protocols: Iterable[Protocol],
    talk: Talk,
    *,
    transport: str = "tcp",
    port: int = 40080,
    settings: Settings | None = None,
    cuts: random.Random | None = None,
    how: str = "fin",
    from_start: bool = True,
    lost: Iterable[int] = (),
    biggest: int = 64,
    apart: bool = False,
) -> tuple[list[Entry], DissectionEngine]:
    """Give the entries of a conversation and the engine that made them."""
    entries: list[Entry] = []
    engine = DissectionEngine(protocols, settings or Settings(), entries.append)
    of = connection(transport, port, from_start=from_start)
    if transport == "tcp":
        sent = without(packets(talk, cuts, biggest), lost)
        for group in [[packet] for packet in sent] if apart else [sent]:
            for window in windows(of, group, cuts):
                engine.feed(window)
    else:
        for number, (direction, data) in enumerate(talk, 1):
            if number - 1 not in set(lost):
                engine.feed(Datagram(of, direction, data, number, START_NS + number * 1_000_000))
    engine.feed(Closing(of, how, START_NS + 10**12))
    engine.finish()
    return entries, engine


def without(sent: list[Packet], lost: Iterable[int]) -> list[Packet]:
    """Leave packets out, and mark the gap on the next one of the direction."""
    lost = set(lost)
    missing = [0, 0]
    kept = []
    for index, packet in enumerate(sent):
        if index in lost:
            missing[packet.direction] += len(packet.data)
        else:
            kept.append(replace(packet, gap=missing[packet.direction]))
            missing[packet.direction] = 0
    return kept


def meaning(entry: Entry) -> tuple[object, ...]:
    """Give what an entry says, without packet numbers and times, which depend on how the bytes were cut."""
    return (
        entry.protocol,
        _range(entry.request),
        _range(entry.response),
        entry.fields,
        entry.summary,
        entry.status,
        entry.failed,
        entry.request_body,
        entry.response_body,
        entry.malformed,
    )


def _range(span: Span | None) -> tuple[int, int, int] | None:
    return (span.offset, span.length, span.missing) if span is not None else None
