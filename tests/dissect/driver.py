"""Feed one dissector piece by piece, each piece in a packet of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from kubeshark_mcp.dissect.base import Context, Protocol, Settings
from kubeshark_mcp.dissect.protocols.mysql import Mysql
from kubeshark_mcp.dissect.protocols.postgresql import Postgresql
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Closing, Connection, Direction, Endpoint, Piece


class Driver:
    """Feeds one dissector; packets are numbered from 1, which is also their time.

    new, old: connections whose beginning was seen, and was not.
    """

    protocol: ClassVar[type[Protocol]]
    new: ClassVar[Connection]
    old: ClassVar[Connection]

    def __init__(self, connection: Connection | None = None, settings: Settings | None = None):
        self.entries: list[Entry] = []
        self.connection = connection or self.new
        context = Context(self.connection, settings or Settings(), self.entries.append)
        self.dissector = self.protocol().open(context)
        self.packet = 0
        self.offsets = [0, 0]

    def __init_subclass__(cls) -> None:
        (port,) = cls.protocol.ports
        ends = Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", port)
        cls.new, cls.old = (Connection(0, "tcp", *ends, from_start=seen) for seen in (True, False))

    def piece(self, direction: Direction, data: bytes, gap: int = 0, later_ns: int = 0) -> None:
        """Feed bytes that came in the next packet, behind `gap` missing ones."""
        self.packet += 1
        if gap:
            self.dissector.on_gap(direction, gap)
        offset = self.offsets[direction] + gap
        self.offsets[direction] = offset + len(data)
        self.dissector.on_piece(Piece(direction, data, offset, gap, [0], [self.packet], [self.packet + later_ns]))

    def close(self, how: str = "fin") -> list[Entry]:
        """End the connection and give all entries."""
        self.dissector.on_close(Closing(self.connection, how, 0))
        return self.entries

    @classmethod
    def read(
        cls, *pieces: tuple[Direction, bytes], connection: Connection | None = None, how: str = "fin"
    ) -> list[Entry]:
        """Give the entries of a conversation."""
        driver = cls(connection)
        for direction, data in pieces:
            driver.piece(direction, data)
        return driver.close(how)


class MysqlDriver(Driver):
    """Feeds MySQL."""

    protocol = Mysql


class PostgresqlDriver(Driver):
    """Feeds PostgreSQL."""

    protocol = Postgresql


def outline(entries: Iterable[Entry]) -> list[tuple[str, str, str]]:
    """Give what each entry is about and how it went."""
    return [(entry.summary, entry.status, entry.malformed) for entry in entries]
