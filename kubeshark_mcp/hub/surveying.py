"""What has to be known of all captures before any is dissected, so that it does not matter who dissects what.

A piece of work for a `Crew`: reads the captures of a share for the names that they tell and, where several processes
are to share their conversations, for the connections that these come to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.capture.reader import CaptureFile, open_capture
from kubeshark_mcp.dissect.base import Protocol, Settings
from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.dissect.engine import DissectionEngine
from kubeshark_mcp.errors import CaptureError
from kubeshark_mcp.hub.identities import Answers, answers_in, answers_of
from kubeshark_mcp.hub.reading import BLOCK_PACKETS, LIMITS, WINDOW_BYTES, few_collections
from kubeshark_mcp.hub.runs import Outcome, Run, Share, Tell
from kubeshark_mcp.hub.together import KAFKA, kafka_ports, ports_of
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.entry_columns import EntryColumns
from kubeshark_mcp.model.packet import PROTOCOL_TCP, PROTOCOL_UDP, PacketBlock
from kubeshark_mcp.stream.engine import StreamEngine
from kubeshark_mcp.stream.sharing import Numbering, Selector

if TYPE_CHECKING:
    from numpy.typing import NDArray

DNS = "dns"


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found in one piece of a share.

    names: those of DNS answers, and of the captures themselves. firsts: capture -> for each transport the first packets
    of the piece's connections. most_open: capture -> connections that were open at once. together: ports whose
    conversations explain each other. secrets: whether a capture holds keys of TLS, by which one connection can explain
    any other.
    """

    names: Answers = field(default_factory=list)
    firsts: dict[int, list[NDArray[np.int64]]] = field(default_factory=dict)
    most_open: dict[int, int] = field(default_factory=dict)
    together: frozenset[int] = frozenset()
    secrets: bool = False


@dataclass(frozen=True, slots=True)
class Surveying:
    """Looks through the captures of a share, at the conversations of one piece. What cannot be read tells nothing."""

    run: Run
    share: Share

    def __call__(self, tell: Tell) -> Survey:
        """Do it; names are in the order of the captures."""
        names: Answers = []
        firsts: dict[int, list[NDArray[np.int64]]] = {}
        most_open: dict[int, int] = {}
        together: set[int] = set()
        secrets = False
        with few_collections():
            protocols = load_protocols()
            for number in range(self.share.first, self.share.last):
                look = _Look(self, number, protocols)
                try:
                    with open_capture(self.run.sources[number].path, WINDOW_BYTES) as capture:
                        names += look.through(capture, tell)
                        secrets = secrets or bool(capture.secrets)
                except CaptureError:
                    pass  # Whoever dissects it says so.
                firsts[number], most_open[number] = look.numbering.firsts, look.connections.most_open
                together |= look.together
        return Survey(names, firsts, most_open, frozenset(together), secrets)


class _Look:
    """One capture at work."""

    def __init__(self, piece: Surveying, number: int, protocols: Iterable[Protocol]) -> None:
        readers = [protocol for protocol in protocols if protocol.name == DNS]
        settings = piece.run.settings
        self._ports = np.array(sorted(ports_of({DNS}, readers, settings)), np.uint16)
        self._share = piece.share
        selector = Selector(piece.share.piece, piece.share.pieces) if piece.share.pieces > 1 else None
        self.together = set(ports_of({KAFKA}, protocols, settings))
        self.numbering = Numbering(remembered=True)
        self.connections = StreamEngine(number, LIMITS, payload=False, selector=selector, numbering=self.numbering)
        self._streams = StreamEngine(number, LIMITS, selector=selector)
        self._found: list[Entry] = []
        self._told: Answers = []
        told = Settings(
            ports={port: name for port, name in settings.ports.items() if name == DNS},
            decode_as={place: name for place, name in settings.decode_as.items() if name == DNS},
        )
        self._dissection = DissectionEngine(readers, told, self._found.append, self._take_columns)

    def through(self, capture: CaptureFile, tell: Tell) -> Answers:
        """Read it to its end; gives the names that it tells."""
        answers: Answers = []
        for block in capture.blocks(BLOCK_PACKETS):
            tell(Outcome(pcap_bytes=self._share.part(capture.position)))
            if self._share.pieces > 1:
                self.connections.feed(block)
                for _ in self.connections.drain():
                    pass
                self.together |= kafka_ports(block)
            for event in self._streams.feed(_on_ports(block, self._ports)):
                self._dissection.feed(event)
            for _ in self._streams.drain():
                pass
            answers += self._answers()
        for event in self._streams.finish():
            self._dissection.feed(event)
        self._dissection.finish()
        own = capture.names if self._share.piece == 0 else []
        return [*answers, *self._answers(), *((0, name, address) for address, name in own)]

    def _take_columns(self, columns: EntryColumns) -> None:
        self._told += answers_of(self._found) + answers_in(columns)
        self._found.clear()

    def _answers(self) -> Answers:
        answers = self._told + answers_of(self._found)
        self._told.clear()
        self._found.clear()
        return answers


def first_packets(surveys: Sequence[Survey]) -> dict[int, list[NDArray[np.int64]]]:
    """Give the first packets of all connections of a share, by which they are numbered: capture -> for each transport.

    surveys: of all pieces.
    """
    found = {}
    for capture in surveys[0].firsts:
        parts = zip(*(survey.firsts[capture] for survey in surveys), strict=True)
        found[capture] = [np.sort(np.concatenate(part)) for part in parts]
    return found


def explain_each_other(surveys: Sequence[Survey]) -> bool:
    """Tell whether what a conversation comes to depends on others, so that one process has to read them all.

    surveys: of all pieces of a share. So it is where TLS sessions are taken up again by their keys, and where more
    connections are open at once than one engine keeps, so that which of them give way is a matter of all.
    """
    open_at_once = [sum(survey.most_open[capture] for survey in surveys) for capture in surveys[0].most_open]
    return any(survey.secrets for survey in surveys) or max(open_at_once, default=0) > LIMITS.open_connections


def _on_ports(block: PacketBlock, ports: NDArray[np.uint16]) -> PacketBlock:
    """Give the packets of a block to or from some ports."""
    spoken = np.isin(block.source_port, ports) | np.isin(block.destination_port, ports)
    rows = np.flatnonzero(spoken & np.isin(block.protocol, (PROTOCOL_TCP, PROTOCOL_UDP)))
    columns = {each.name: getattr(block, each.name) for each in fields(block)}
    return PacketBlock(**{name: column if name == "data" else column[rows] for name, column in columns.items()})
