"""What a protocol is: its name, its fields, how it recognises itself, and how it reads a connection."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.field import Field
from kubeshark_mcp.model.stream import (
    Closing,
    Connection,
    ConnectionStats,
    Datagram,
    Direction,
    Piece,
    Span,
    Window,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kubeshark_mcp.model.datagrams import DatagramBlock
    from kubeshark_mcp.model.entry_columns import EntryColumns
    from kubeshark_mcp.model.stats_columns import StatsColumns
    from kubeshark_mcp.model.stream_block import StreamBlock


class Confidence(IntEnum):
    """How sure a probe is; the highest opinion wins, ties go to the protocol whose port hint fits, then by name."""

    NO = 0
    """These bytes are not this protocol, and no further bytes will change that."""
    UNDECIDED = 1
    """Too few bytes to tell; ask again with more."""
    POSSIBLE = 2
    """Nothing speaks against it; taken only when a port hint fits as well."""
    LIKELY = 3
    """Structure fits, with a chance of coincidence."""
    SURE = 4
    """A magic number, or structure that does not occur by chance."""


@dataclass(slots=True)
class Opening:
    """What a probe may look at: the first bytes of each direction (either may be empty), and the connection.

    client_start, server_start: whether those bytes are the very first of the direction (no gap, not mid-stream).
    complete: no more bytes will come before a decision (a datagram, or the connection has ended). Not frozen, because
    every connection makes one and a frozen class takes three times as long.
    """

    connection: Connection
    client: bytes
    server: bytes
    client_start: bool
    server_start: bool
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user can change about dissection.

    body_limit: bytes of each request or response body that are kept.
    message_limit: largest message that is buffered whole; a longer one is cut and marked.
    enabled: KFL names of protocols that may claim a connection; None means all.
    ports: port -> protocol name, a hint stronger than the protocol's own.
    decode_as: (transport, port) -> protocol name: taken without asking the probe.
    secrets: TLS key log lines (NSS format) found beside or inside the captures; may grow while a capture is read.
    """

    body_limit: int = 16 * 1024
    message_limit: int = 16 * 1024 * 1024
    enabled: frozenset[str] | None = None
    ports: dict[int, str] = field(default_factory=dict)
    decode_as: dict[tuple[str, int], str] = field(default_factory=dict)
    secrets: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class HandOver:
    """The rest of the connection belongs to another protocol (HTTP Upgrade, StartTLS, h2c).

    protocol: its KFL name, or empty to detect it. rest: the bytes not consumed, in the order in which they came.
    request: the entry that caused the change, for protocols that need it (the WebSocket handshake).
    """

    protocol: str
    rest: list[Piece]
    request: Entry | None = None


@dataclass(slots=True)
class Context:
    """What a dissector holds of the world: its connection, the settings, and where results go.

    emit: takes a finished entry. tunnel: takes bytes that were carried inside this protocol (decrypted TLS, a stream
    of HTTP/2), to be dissected as a connection of their own, and for what to take them where that is known; a window
    without pieces ends it. Entries from there bear the fields in `inherited`. unread: hears of bytes that belong to
    this protocol and cannot be read, because they are encrypted.
    """

    connection: Connection
    settings: Settings
    emit: Callable[[Entry], None]
    tunnel: Callable[[Window, HandOver | None], None] = lambda window, hand_over: None
    inherited: dict[str, object] = field(default_factory=dict)
    unread: Callable[[Direction, Span], None] = lambda direction, span: None


class Dissector:
    """Reads one connection. Never raises on captured bytes; what it cannot read becomes a `malformed` entry."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.hand_over: HandOver | None = None
        """Set by the dissector to end its own reading; looked at after each call."""

    def feed(self, window: Window) -> None:
        """Take what a TCP connection carried in one window; the default goes piece by piece."""
        pieces = window.pieces
        for index, piece in enumerate(pieces):
            if piece.gap:
                self.on_gap(piece.direction, piece.gap)
            self.on_piece(piece)
            if self.hand_over is not None:
                self.hand_over.rest.extend(pieces[index + 1 :])
                return

    def on_piece(self, piece: Piece) -> None:
        """Take contiguous bytes of one direction."""

    def on_gap(self, direction: Direction, length: int) -> None:
        """Hear that `length` bytes of one direction are missing: drop the half-read message, find the next start."""

    def on_datagram(self, datagram: Datagram) -> None:
        """Take one datagram."""

    def on_close(self, closing: Closing) -> None:
        """Hear that nothing more comes: emit what waits for an answer, and messages that end with the connection."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a ColumnReader did with a block.

    kept: bool of the block's connections, those of which it took all datagrams that it was offered.
    returned: datagrams that it held of connections which it keeps no longer; `before` counts without them.
    """

    kept: NDArray[np.bool_]
    entries: EntryColumns | None = None
    returned: DatagramBlock | None = None


class ColumnReader(ABC):
    """Reads the usual conversations of a protocol in datagrams, block by block, into the entries its dissector makes.

    It is a short cut, never another opinion: what it keeps gives exactly the entries that `Protocol.open` would give.
    A conversation that is not usual, or no longer, goes to a dissector: with all datagrams of the present block, and
    with those that are held of it because they wait for an answer. What is held is bounded.
    """

    @abstractmethod
    def feed(self, block: DatagramBlock, offered: NDArray[np.bool_], fresh: NDArray[np.bool_]) -> Taken:
        """Take what is usual. offered: bool of connections, on its ports and not with a dissector yet.

        fresh: those offered for the first time: kept only where `Protocol.probe` would be sure of the first datagram.
        """

    @abstractmethod
    def close(self, numbers: NDArray[np.int64]) -> EntryColumns | None:
        """Hear which connections have ended; give what still waited."""

    @abstractmethod
    def finish(self) -> EntryColumns | None:
        """Give what still waits at the end."""


@dataclass(frozen=True, slots=True)
class TakenStreams:
    """What a StreamReader did with a block. kept: bool of the block's connections, those that it took."""

    kept: NDArray[np.bool_]
    entries: EntryColumns | None = None


class StreamReader(ABC):
    """Reads the usual conversations of a protocol over TCP, block by block, into the entries its dissector makes.

    It is a short cut, never another opinion, as ColumnReader is for datagrams. A connection that is not usual, or no
    longer, goes to a dissector from where the first message begins whose entry was not given. What is held is bounded.
    A protocol of messages with a length that are asked and answered needs little: see `conversations`.
    """

    @abstractmethod
    def feed(self, block: StreamBlock, offered: NDArray[np.bool_], fresh: NDArray[np.bool_]) -> TakenStreams:
        """Take what is usual; of a connection all or nothing. offered: bool of connections.

        fresh: those offered for the first time: kept only where `Protocol.probe` would be sure of the first piece.
        """

    @abstractmethod
    def waits(self, number: int) -> bool:
        """Tell whether anything of a connection that it keeps is unfinished or unanswered."""

    @abstractmethod
    def part(self, number: int) -> HandOver:
        """Give a connection up; `Protocol.adopt` goes on with what is held of it. Never one that it does not keep."""

    @abstractmethod
    def forget(self, number: int) -> None:
        """Hear that a connection has ended of which nothing waits."""


class Protocol(ABC):
    """One protocol. A file in `protocols/` holds exactly one subclass per KFL flag; it is found by being there."""

    name: ClassVar[str]
    """KFL name; also the flag that is true on its entries (`http`)."""
    title: ClassVar[str]
    """As people write it (`HTTP/1.1`, `DNS`)."""
    aliases: ClassVar[frozenset[str]] = frozenset()
    """Other names by which `--decode-as` takes it, such as tshark's (`resp`, `pgsql`)."""
    specification: ClassVar[str]
    """Where the wire format is defined (`RFC 9112`)."""
    transports: ClassVar[frozenset[str]] = frozenset({"tcp"})
    ports: ClassVar[frozenset[int]] = frozenset()
    """Usual server ports: a hint that breaks ties, never a reason to claim by itself."""
    fields: ClassVar[tuple[Field, ...]] = ()
    """Every field its entries may carry, flags included."""
    carried: ClassVar[tuple[Field, ...]] = ()
    """Fields that lie on the entries of whatever was carried inside it (see Context.inherited)."""

    @abstractmethod
    def probe(self, opening: Opening) -> Confidence:
        """Say whether these bytes are this protocol. Cheap, pure, safe on any bytes."""

    @abstractmethod
    def open(self, context: Context) -> Dissector:
        """Begin to read a connection that was found, or declared, to be this protocol."""

    def adopt(self, context: Context, hand_over: HandOver) -> Dissector:
        """Begin to read a connection that another protocol handed over."""
        return self.open(context)

    def columns(self, settings: Settings) -> ColumnReader | None:
        """Give what reads its usual conversations in datagrams as columns, where there is such a short cut."""
        return None

    def stream_columns(self, settings: Settings) -> StreamReader | None:
        """Give what reads its usual conversations over TCP as columns, where there is such a short cut."""
        return None


class ConnectionCollector:
    """Takes the connections of a run as they end, many at once, and gives the entries that are complete by then."""

    def __init__(
        self,
        entries: Callable[[list[ConnectionStats]], list[Entry]],
        entries_of: Callable[[StatsColumns], list[Entry] | EntryColumns] | None = None,
    ) -> None:
        """Begin. entries, entries_of: what makes entries that need no others, of objects and of columns."""
        self._entries = entries
        self._entries_of = entries_of

    def add(self, stats: list[ConnectionStats]) -> list[Entry]:
        """Take connections; give entries that need no others."""
        return self._entries(stats)

    def add_columns(self, stats: StatsColumns) -> list[Entry] | EntryColumns:
        """Take connections of one transport as columns; give entries that need no others."""
        return self._entries_of(stats) if self._entries_of is not None else self.add(stats.stats())

    def finish(self) -> list[Entry]:
        """Give the entries that had to wait for the end, some at once; asked again until nothing is left."""
        return []

    def finish_columns(self) -> list[Entry] | EntryColumns:
        """Give what `finish` gives, as columns where there are such."""
        return self.finish()


class ConnectionProtocol(Protocol):
    """A protocol whose entries come from the flow table rather than from bytes (tcp_conn, udp_flow)."""

    def probe(self, opening: Opening) -> Confidence:
        """Never claim bytes."""
        return Confidence.NO

    def open(self, context: Context) -> Dissector:
        """Have nothing to read."""
        raise TypeError(f"{self.name} entries come from the flow table, not from bytes")

    @abstractmethod
    def entries(self, stats: list[ConnectionStats]) -> list[Entry]:
        """Make the entries of these connections."""

    def entries_of(self, stats: StatsColumns) -> list[Entry] | EntryColumns:
        """Make the same entries of connections of one transport that come as columns."""
        return self.entries(stats.stats()) if stats.transport in self.transports else []

    def collect(self) -> ConnectionCollector:
        """Begin to take the connections of one run; entries that sum up several need a collector of their own."""
        return ConnectionCollector(self.entries, self.entries_of)
