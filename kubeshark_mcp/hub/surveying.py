"""What has to be known of all captures before any is dissected, so that it does not matter who dissects what.

A piece of work for a `Crew`: reads the captures of a share for the names that they tell and, where several processes
are to share their conversations, for the connections that these come to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import groupby
from operator import itemgetter
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
from kubeshark_mcp.identity.names import NAMES_KEPT
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.entry_columns import EntryColumns
from kubeshark_mcp.model.packet import PROTOCOL_TCP, PROTOCOL_UDP, PacketBlock
from kubeshark_mcp.store.memory import give_back, keep_large_apart
from kubeshark_mcp.stream.engine import StreamEngine
from kubeshark_mcp.stream.sharing import Numbering, Selector

if TYPE_CHECKING:
    from numpy.typing import NDArray

DNS = "dns"
REPEATED_NS = 60 * 10**9
"""An answer that only repeats the last one about an address is passed over for so long: a resolver is asked the same
thing hundreds of times a second."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found in one piece of a share.

    names: those of DNS answers, and of the captures themselves, from the first piece. firsts: capture -> for each
    transport the first packets of the piece's connections. most_open: capture -> connections that were open at once.
    together: ports whose conversations explain each other. secrets: whether a capture holds keys of TLS, by which one
    connection can explain any other.
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
        keep_large_apart()
        with few_collections():
            protocols = load_protocols()
            found = Survey()
            for number in range(self.share.first, self.share.last):
                found = self._through(number, found, protocols, tell)
        give_back()  # what follows in this process is the peak: the two must not add up
        return found

    def _through(self, number: int, found: Survey, protocols: Sequence[Protocol], tell: Tell) -> Survey:
        """Add what one capture tells."""
        names = _Names(self.run, number, protocols, found.names) if self.share.piece == 0 else None
        numbers = _Numbers(self.share, number) if self.share.pieces > 1 else None
        secrets = False
        try:
            with open_capture(self.run.sources[number].path, WINDOW_BYTES) as capture:
                for block in capture.blocks(BLOCK_PACKETS):
                    tell(Outcome(pcap_bytes=self.share.part(capture.position)))
                    if numbers is not None:
                        numbers.look(block)
                    if names is not None:
                        names.look(block)
                if names is not None:
                    names.finish(capture)
                secrets = bool(capture.secrets)
        except CaptureError:
            pass  # Whoever dissects it says so.
        if numbers is None:
            return found
        return replace(
            found,
            firsts={**found.firsts, number: numbers.numbering.firsts},
            most_open={**found.most_open, number: numbers.streams.most_open},
            together=found.together | numbers.together | ports_of({KAFKA}, protocols, self.run.settings),
            secrets=found.secrets or secrets,
        )


class _Numbers:
    """Counts the connections of one piece of a capture, and looks for those that belong together."""

    def __init__(self, share: Share, number: int) -> None:
        self.together: set[int] = set()
        self.numbering = Numbering(remembered=True)
        selector = Selector(share.piece, share.pieces)
        self.streams = StreamEngine(number, LIMITS, payload=False, selector=selector, numbering=self.numbering)

    def look(self, block: PacketBlock) -> None:
        self.streams.feed(block)
        self.streams.forget()
        self.together |= kafka_ports(block)


class _Names:
    """Finds the names that one capture tells. One piece does that, of all conversations: a name holds until another.

    found: takes them.
    """

    def __init__(self, run: Run, number: int, protocols: Iterable[Protocol], found: Answers) -> None:
        readers = [protocol for protocol in protocols if protocol.name == DNS]
        settings = run.settings
        self._ports = np.array(sorted(ports_of({DNS}, readers, settings)), np.uint16)
        self._streams = StreamEngine(number, LIMITS)
        self._entries: list[Entry] = []
        self._found = found
        self._last: dict[str, tuple[tuple[str, ...], int]] = {}
        told = Settings(
            ports={port: name for port, name in settings.ports.items() if name == DNS},
            decode_as={place: name for place, name in settings.decode_as.items() if name == DNS},
        )
        self._dissection = DissectionEngine(readers, told, self._entries.append, self._take_columns)

    def look(self, block: PacketBlock) -> None:
        for event in self._streams.feed(_on_ports(block, self._ports)):
            self._dissection.feed(event)
        self._streams.forget()
        self._take_entries()

    def finish(self, capture: CaptureFile) -> None:
        for event in self._streams.finish():
            self._dissection.feed(event)
        self._dissection.finish()
        self._take_entries()
        self._found += [(0, name, address) for address, name in capture.names]

    def _take_columns(self, columns: EntryColumns) -> None:
        self._take_entries()
        self._take(answers_in(columns))

    def _take_entries(self) -> None:
        self._take(answers_of(self._entries))
        self._entries.clear()

    def _take(self, answers: Answers) -> None:
        """Keep answers, but for those that say again what was said of an address a short time ago."""
        for time_ns, told in groupby(answers, key=itemgetter(0)):
            of: dict[str, tuple[str, ...]] = {}
            for _, name, address in told:
                of[address] = (*of.get(address, ()), name)
            for address, names in of.items():
                before = self._last.get(address)
                if before is not None and before[0] == names and 0 <= time_ns - before[1] < REPEATED_NS:
                    continue
                if len(self._found) >= NAMES_KEPT:
                    return
                self._last[address] = names, time_ns
                self._found += [(time_ns, name, address) for name in names]


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
