"""The captures of one share of a run, one after the other: packets -> streams -> messages -> entries in files.

A piece of work for a `Crew`. What a share comes to depends on nothing but its captures and on what `surveying` found
beforehand, whichever process does it; of a share that several pieces share each takes other conversations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kubeshark_mcp.capture.quality import CaptureQuality, QualityTally
from kubeshark_mcp.capture.reader import CaptureFile, open_capture
from kubeshark_mcp.dissect.base import ConnectionProtocol, Protocol
from kubeshark_mcp.dissect.discovery import fields_by_protocol, load_protocols
from kubeshark_mcp.dissect.engine import DissectionEngine
from kubeshark_mcp.errors import CaptureError
from kubeshark_mcp.hub.connection_entries import ConnectionEntries
from kubeshark_mcp.hub.identities import Answers, learn, learn_columns, load_identities
from kubeshark_mcp.hub.places import Places
from kubeshark_mcp.hub.reading import BLOCK_PACKETS, LIMITS, WINDOW_BYTES, few_collections
from kubeshark_mcp.hub.runs import Outcome, Run, Share, Tell
from kubeshark_mcp.hub.sources import CaptureSource
from kubeshark_mcp.hub.summing import LAST_BLOCK, EndedConnections, sums_up
from kubeshark_mcp.hub.surveying import DNS
from kubeshark_mcp.hub.together import ports_of
from kubeshark_mcp.model.common_fields import COMMON_FIELDS
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.entry_columns import EntryColumns
from kubeshark_mcp.model.stats_columns import StatsColumns
from kubeshark_mcp.store.columns import UNCLAIMED
from kubeshark_mcp.store.memory import give_back, keep_large_apart
from kubeshark_mcp.store.writer import EntryWriter
from kubeshark_mcp.stream.engine import Counters, StreamEngine
from kubeshark_mcp.stream.sharing import Selector, ToldNumbering

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FLUSH_ENTRIES = 2048
"""Entries held before they go to the writer."""
TIDY_PACKETS = 60_000
"""Packets after which freed memory is given back to the system."""
FIRST_UNTOLD = 1 << 28
"""From here on connections are numbered that the survey did not see: of a file that has grown since."""


@dataclass(frozen=True, slots=True)
class Dissected:
    """What came of a share. tallies: of its captures, so that clocks can be compared. qualities: reports on them.

    kept: the connections of a piece, of which others sum up those of all pieces; None where the share is whole.
    """

    outcome: Outcome
    tallies: tuple[QualityTally, ...]
    qualities: tuple[CaptureQuality, ...]
    kept: Path | None = None


@dataclass(frozen=True, slots=True)
class Dissecting:
    """Dissects the captures of a share into files of a folder. names: what all captures tell; None if looked for here.

    secrets: lines of key logs. firsts: first packets of all connections of the share, see `first_packets`. together:
    ports whose conversations are all in one piece.
    """

    run: Run
    share: Share
    folder: Path
    secrets: list[str]
    names: Answers | None = None
    firsts: Mapping[int, Sequence[NDArray[np.int64]]] = field(default_factory=dict)
    together: frozenset[int] = frozenset()

    def __call__(self, tell: Tell) -> Dissected:
        """Do it all; the files are complete when this returns."""
        keep_large_apart()
        with few_collections():
            if self.share.pieces == 1:
                return _Dissection(self, tell, None).dissect()
            with EndedConnections(self.folder, self.share.task) as kept:
                done = _Dissection(self, tell, kept).dissect()
            return replace(done, kept=kept.path)


class _Dissection:
    """One share at work."""

    def __init__(self, piece: Dissecting, tell: Tell, kept: EndedConnections | None) -> None:
        run = piece.run
        self._run, self._share, self._secrets, self._tell = run, piece.share, piece.secrets, tell
        self._firsts, self._kept = piece.firsts, kept
        protocols = load_protocols()
        readers = [protocol for protocol in protocols if not isinstance(protocol, ConnectionProtocol)]
        self._readers = [] if run.layer4_only else readers
        self._outcome = Outcome()
        self._identities = load_identities(run.resources)
        # Where these have been gone through already, answers there are known.
        self._known_ports = frozenset() if piece.names is None else ports_of({DNS}, protocols, run.settings)
        self._told = piece.names is not None
        # What one piece finds on other ports the others do not know, so that nobody may use it.
        self._learns = not (self._told and run.divisible(piece.share))
        for time_ns, name, address in piece.names or ():
            self._identities.names.add(name, address, time_ns)
        self._places = Places(run.sources, self._identities)
        self._writer = EntryWriter(
            piece.folder, fields=fields_by_protocol(protocols), common=COMMON_FIELDS, task=str(piece.share.task)
        )
        self._entries: list[Entry] = []
        self._entries_written = 0
        collected = _connection_protocols(protocols, run.layer4_only)
        collected = (one for one in collected if kept is None or not sums_up(one))
        self._ended = ConnectionEntries(collected, self._take, self._take_columns)
        whole = piece.share.pieces == 1
        self._selector = None if whole else Selector(piece.share.piece, piece.share.pieces, piece.together)
        self._tallies: list[QualityTally] = []
        self._qualities: list[CaptureQuality] = []

    def dissect(self) -> Dissected:
        for number in range(self._share.first, self._share.last):
            self._one_capture(number, self._run.sources[number])
        self._ended.finish()
        self._flush()
        self._writer.close()
        outcome = replace(self._outcome, entries_created=self._entries_written)
        return Dissected(outcome, tuple(self._tallies), tuple(self._qualities))

    def _one_capture(self, number: int, source: CaptureSource) -> None:
        try:
            with open_capture(source.path, WINDOW_BYTES) as capture:
                self._packets_of(number, capture)
        except CaptureError as error:
            if len(self._run.sources) == 1:
                raise
            if self._share.piece == 0:
                self._warn(source, [str(error)])

    def _packets_of(self, number: int, capture: CaptureFile) -> None:
        source = self._run.sources[number]
        before = self._outcome
        secrets = list(self._secrets)
        settings = replace(self._run.settings, secrets=secrets)
        streams = self._streams_of(number)
        dissection = DissectionEngine(self._readers, settings, self._entries.append, self._take_columns)
        tally = QualityTally(source.path.name, source.node)
        packets = tidied = blocks_of_secrets = 0
        for place, block in enumerate(capture.blocks(BLOCK_PACKETS)):
            packets += len(block)
            if packets - tidied > TIDY_PACKETS:
                give_back()
                tidied = packets
            if self._share.piece == 0:
                tally.look(block)
            blocks_of_secrets = _learn_secrets(secrets, capture, blocks_of_secrets)
            for event in streams.feed(block):
                dissection.feed(event)
                if len(self._entries) >= FLUSH_ENTRIES:
                    self._flush()
            self._end(
                number, place, map(dissection.described_columns, map(tally.take_columns, streams.drain_columns()))
            )
            self._outcome = replace(
                before,
                packets_processed=before.packets_processed + streams.own_packets,
                pcap_bytes=before.pcap_bytes + self._share.part(capture.position),
                entries_created=self._entries_written,
            )
            self._tell(self._outcome)
        for event in streams.finish():
            dissection.feed(event)
        dissection.finish()
        self._end(number, LAST_BLOCK, map(dissection.described_columns, map(tally.take_columns, streams.columns())))
        self._judge(tally, capture, streams.counters)
        if not self._told:
            self._identities.add_names(capture.names)
        self._flush()
        self._outcome = replace(
            self._outcome,
            pcap_files=before.pcap_files + (self._share.piece == 0),
            bytes_dissected=before.bytes_dissected + dissection.bytes_dissected,
            bytes_recognised=before.bytes_recognised + dissection.bytes_recognised,
            bytes_unknown=before.bytes_unknown + dissection.bytes_unknown,
        )
        damages = capture.warnings if self._share.piece == 0 else []
        self._warn(source, [str(warning) for warning in (*damages, *dissection.warnings)])

    def _streams_of(self, number: int) -> StreamEngine:
        firsts = self._firsts.get(number)
        numbering = None if firsts is None else ToldNumbering(firsts, FIRST_UNTOLD + (self._share.piece << 20))
        payload = not self._run.layer4_only
        return StreamEngine(number, LIMITS, payload=payload, columns=True, selector=self._selector, numbering=numbering)

    def _end(self, number: int, block: int, connections: Iterable[StatsColumns]) -> None:
        """Take connections of a capture that ended in a block of its packets."""
        self._flush()  # What was read tells names of their ends.
        for ended in connections:
            self._ended.add_columns(ended)
            if self._kept is not None:
                self._kept.add(number, block, ended)

    def _judge(self, tally: QualityTally, capture: CaptureFile, counters: Counters) -> None:
        """Keep what is to be known of the quality of a capture that was read to its end; one piece looked at all."""
        first = self._share.piece == 0
        self._tallies += [tally] if first else []
        quality = tally.finish(
            damages=len(capture.warnings) if first else 0,
            dropped=capture.dropped if first else 0,
            gap_bytes=counters.gap_bytes,
            conflicting_bytes=counters.conflicting_bytes,
            evicted=counters.evicted_connections,
        )
        self._qualities.append(quality)

    def _take(self, entries: list[Entry]) -> None:
        """Take entries of connections."""
        self._entries += entries
        if len(self._entries) >= FLUSH_ENTRIES:
            self._flush()

    def _take_columns(self, columns: EntryColumns) -> None:
        """Take entries of one protocol as columns."""
        if self._learns:
            learn_columns(self._identities, columns, self._known_ports)
        self._writer.add_columns(columns, self._places)
        self._entries_written += len(columns)

    def _flush(self) -> None:
        if not self._entries:
            return
        if self._learns:
            learn(self._identities, self._entries, self._known_ports)
        self._writer.add(self._entries, self._places)
        self._entries_written += len(self._entries)
        self._entries.clear()

    def _warn(self, source: CaptureSource, reasons: list[str]) -> None:
        warnings = [f"{source.path.name}: {reason}" for reason in reasons]
        self._outcome = replace(self._outcome, warnings=[*self._outcome.warnings, *warnings])


def _connection_protocols(protocols: Iterable[Protocol], layer4_only: bool) -> Iterator[ConnectionProtocol]:
    for protocol in protocols:
        if isinstance(protocol, ConnectionProtocol) and not (layer4_only and protocol.name in UNCLAIMED):
            yield protocol


def _learn_secrets(lines: list[str], capture: CaptureFile, known: int) -> int:
    """Add the TLS secrets that the capture itself carries, as far as it was read; give how many blocks there are."""
    for block in capture.secrets[known:]:
        lines += block.decode("ascii", "replace").splitlines()
    return len(capture.secrets)
