"""Which protocol a connection speaks: what the user said, then ports as a hint, then the bytes themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kubeshark_mcp.dissect.base import Confidence, ConnectionProtocol, Opening, Protocol, Settings
from kubeshark_mcp.dissect.enrich import Enricher
from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.model.stream import Connection, Piece

OPENING_BYTES = 4096
"""Bytes of each direction that a probe may see before it has to say what it thinks."""

PORTS_REMEMBERED = 4096
"""Server ports whose protocol is asked first when another connection goes there."""

Fault = Callable[[str, Connection, Exception], None]
"""Told of a probe that raised: protocol name, connection, exception."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the probes say together. protocol: the winner, if any. wait: more bytes may bring one."""

    protocol: Protocol | None = None
    wait: bool = False


NOBODY, WAIT = Verdict(), Verdict(wait=True)


class Detector:
    """Asks the protocols of a run; the highest opinion wins."""

    def __init__(self, protocols: Iterable[Protocol], settings: Settings, fault: Fault) -> None:
        readers = [found for found in protocols if not isinstance(found, ConnectionProtocol | Enricher)]
        self._by_name = {found.name: found for found in readers}
        self._settings = settings
        self._fault = fault
        self._check_names()
        enabled = [found for found in readers if settings.enabled is None or found.name in settings.enabled]
        self._by_transport: dict[str, list[Protocol]] = {}
        self._lately: dict[tuple[str, int], Protocol] = {}
        for protocol in sorted(enabled, key=lambda found: found.name):
            for transport in protocol.transports:
                self._by_transport.setdefault(transport, []).append(protocol)

    def named(self, name: str) -> Protocol | None:
        """Give the protocol of this KFL name when it is installed and enabled."""
        enabled = self._settings.enabled
        return self._by_name.get(name) if enabled is None or name in enabled else None

    def declared(self, connection: Connection) -> Protocol | None:
        """Give the protocol that the user declared for a port of this connection (decode_as)."""
        rules = self._settings.decode_as
        if not rules:
            return None
        for end in (connection.server, connection.client):
            if name := rules.get((connection.transport, end.port)):
                return self._by_name[name]
        return None

    def judge(self, opening: Opening, declared: Protocol | None = None) -> Verdict:
        """Ask all probes. A sure one wins at once; a likelier one wins when nobody wants more bytes.

        The protocol that won last at this port is asked before the others, and they are not when it is sure again.
        declared: what the user says it is; no other is asked then, and this one only whether the ends are exchanged.
        """
        connection = opening.connection
        if declared is not None:
            return self._judge_ends(declared, opening)
        place = connection.transport, connection.server.port
        last = self._lately.get(place)
        if last is not None and self._ask(last, opening) is Confidence.SURE:
            return Verdict(last)
        verdict, rank = self._judge(opening)
        if verdict.protocol is not None and rank == Confidence.SURE:
            self.found(verdict.protocol, *place)
        return verdict

    def asks_first(self, protocol: Protocol, transport: str, port: int) -> bool:
        """Tell whether no other protocol is asked before this one at a server's port."""
        return self._lately.get((transport, port), protocol) is protocol

    def found(self, protocol: Protocol, transport: str, port: int) -> None:
        """Hear that a protocol was found at a server's port without asking, where it would have been sure."""
        if port not in self._settings.ports:
            if len(self._lately) >= PORTS_REMEMBERED:
                self._lately.clear()
            self._lately[transport, port] = protocol

    def _judge_ends(self, protocol: Protocol, opening: Opening) -> Verdict:
        """Take the protocol unless it fits better with client and server exchanged.

        Where it fits neither way, the port that the user named is the server's.
        """
        exchanged = turned_opening(opening, turned(opening.connection))
        opinions = straight, other = self._ask(protocol, opening), self._ask(protocol, exchanged)
        if Confidence.UNDECIDED in opinions and Confidence.SURE not in opinions and not opening.complete:
            return WAIT
        rules, connection = self._settings.decode_as, opening.connection
        if other == straight == Confidence.NO and (connection.transport, connection.server.port) not in rules:
            return NOBODY
        return NOBODY if other > straight else Verdict(protocol)

    def _judge(self, opening: Opening) -> tuple[Verdict, int]:
        """Ask all probes; gives how sure the winner was as well."""
        best: Protocol | None = None
        best_rank = (0, 0)
        undecided = False
        for protocol in self._by_transport.get(opening.connection.transport, ()):
            opinion = self._ask(protocol, opening)
            if opinion is Confidence.NO:
                continue
            if opinion is Confidence.UNDECIDED:
                undecided = True
                continue
            rank = (int(opinion), self._hint(protocol, opening.connection))
            if rank > best_rank and rank != (Confidence.POSSIBLE, 0):
                best, best_rank = protocol, rank
        if best is not None and (best_rank[0] == Confidence.SURE or not undecided or opening.complete):
            return Verdict(best), best_rank[0]
        return WAIT if undecided and not opening.complete else NOBODY, 0

    def _ask(self, protocol: Protocol, opening: Opening) -> Confidence:
        try:
            return protocol.probe(opening)
        except Exception as error:  # noqa: BLE001 - a fault of one protocol must not stop the file; it is reported
            self._fault(protocol.name, opening.connection, error)
            return Confidence.NO

    def _hint(self, protocol: Protocol, connection: Connection) -> int:
        """Give 2 where the user's port table names this protocol, 1 where its own ports fit, else 0.

        The client's port counts as well while it is not certain which end is the client.
        """
        ends = [connection.server.port] if connection.from_start else [connection.server.port, connection.client.port]
        if any(self._settings.ports.get(port) == protocol.name for port in ends):
            return 2
        return int(any(port in protocol.ports for port in ends))

    def _check_names(self) -> None:
        known = ", ".join(sorted(self._by_name))
        named = (("decode_as", self._settings.decode_as.values()), ("ports", self._settings.ports.values()))
        for setting, names in named:
            for name in sorted(set(names) - self._by_name.keys()):
                raise UsageError(f"{setting} names the protocol {name!r}, which is not installed: use one of {known}")


def turned(connection: Connection) -> Connection:
    """Give the connection with client and server exchanged, for one whose beginning was not seen."""
    return Connection(  # `replace` takes eight times as long, and every unknown conversation is turned
        connection.number,
        connection.transport,
        connection.server,
        connection.client,
        connection.capture,
        connection.point,
        connection.server_sequence,
        connection.client_sequence,
        connection.from_start,
        connection.muted,
    )


def turned_piece(piece: Piece) -> Piece:
    """Give the piece as bytes of the other direction."""
    return Piece(piece.direction.other, piece.data, piece.offset, piece.gap, piece.starts, piece.packets, piece.times)


def turned_opening(opening: Opening, connection: Connection) -> Opening:
    """Give the opening as that of the same connection with client and server exchanged."""
    client, server = (opening.server, opening.server_start), (opening.client, opening.client_start)
    return Opening(connection, client[0], server[0], client[1], server[1], opening.complete)
