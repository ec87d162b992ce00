"""Where the rooms meet: capture -> stream -> dissect -> identity -> store."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from kubeshark_mcp.capture.quality import CaptureQuality, Quality, QualityTally, compare_clocks, lines
from kubeshark_mcp.capture.reader import CaptureFile, open_capture
from kubeshark_mcp.dissect.base import ConnectionProtocol, Settings
from kubeshark_mcp.dissect.discovery import fields_by_protocol, load_protocols
from kubeshark_mcp.dissect.engine import DissectionEngine
from kubeshark_mcp.errors import CaptureError
from kubeshark_mcp.hub.connection_entries import ConnectionEntries
from kubeshark_mcp.hub.identities import learn, load_identities
from kubeshark_mcp.hub.keylogs import read_key_logs
from kubeshark_mcp.hub.places import Places
from kubeshark_mcp.hub.sources import CaptureSource
from kubeshark_mcp.model.common_fields import COMMON_FIELDS
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.store.columns import UNCLAIMED
from kubeshark_mcp.store.memory import give_back, keep_large_apart
from kubeshark_mcp.store.writer import EntryWriter
from kubeshark_mcp.stream.engine import Counters, StreamEngine

READING = 0.9
"""Share of the work that is done when all packets are read; the rest is to join what several places saw."""
FLUSH_ENTRIES = 2048
"""Entries held before they go to the writer."""
TIDY_PACKETS = 60_000
"""Packets after which freed memory is given back to the system."""


@dataclass(frozen=True, slots=True)
class Run:
    """What to dissect, and how.

    layer4_only: connections and flows alone, no bytes are read. key_logs: files with TLS secrets.
    """

    sources: list[CaptureSource]
    resources: list[Path]
    settings: Settings = field(default_factory=Settings)
    layer4_only: bool = False
    key_logs: list[Path] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run; the names are those of the contract's DissectionStats."""

    pcap_files: int = 0
    pcap_bytes: int = 0
    packets_processed: int = 0
    entries_created: int = 0
    protocol_counts: dict[str, int] = field(default_factory=dict)
    bytes_dissected: int = 0
    bytes_recognised: int = 0
    bytes_unknown: int = 0
    warnings: list[str] = field(default_factory=list)
    quality: Quality = field(default_factory=Quality)

    def report(self) -> list[str]:
        """Write what is to be known of the captures, damage included, for a person."""
        said = self.quality.sentences()
        return lines(self.quality, [warning for warning in self.warnings if warning not in said])


Progress = Callable[[float, Outcome], None]


class Pipeline:
    """Dissects the captures of one run into a folder of Parquet files."""

    def __init__(self, run: Run, folder: Path, progress: Progress | None = None) -> None:
        self._run = run
        self._progress = progress
        self._protocols = load_protocols()
        readers = [protocol for protocol in self._protocols if not isinstance(protocol, ConnectionProtocol)]
        self._readers = [] if run.layer4_only else readers
        self._total_bytes = sum(source.path.stat().st_size for source in run.sources if source.path.is_file())
        self._outcome = Outcome()
        self._secrets = [*run.settings.secrets, *read_key_logs(run.key_logs)]
        self._identities = load_identities(run.resources)
        self._places = Places(run.sources, self._identities)
        self._writer = EntryWriter(folder, fields=fields_by_protocol(self._protocols), common=COMMON_FIELDS)
        self._folder = folder
        self._entries: list[Entry] = []
        self._entries_written = 0
        self._ended = ConnectionEntries(self._connection_protocols(), self._take)
        self._tallies: list[QualityTally] = []
        self._qualities: list[CaptureQuality] = []

    def dissect(self) -> Outcome:
        """Do it all; gives what came of it. The folder is complete when this returns."""
        keep_large_apart()
        with few_collections():
            return self._dissect()

    def _dissect(self) -> Outcome:
        for number, source in enumerate(self._run.sources):
            self._one_capture(number, source)
        self._ended.finish()
        self._flush()
        self._writer.close()
        give_back()  # the join is the other peak: the two must not add up
        from kubeshark_mcp.store.sightings import join_sightings  # with it comes DuckDB, which takes room of its own

        joined = join_sightings(self._folder, watch=self._tell)
        counts = dict(sorted(joined.protocol_counts.items()))
        quality = self._quality()
        self._outcome = replace(
            self._outcome,
            protocol_counts=counts,
            entries_created=sum(counts.values()),
            quality=quality,
            warnings=[*self._outcome.warnings, *quality.sentences()],
        )
        return self._outcome

    def _quality(self) -> Quality:
        outcome = self._outcome
        payload = outcome.bytes_dissected, outcome.bytes_recognised, outcome.bytes_unknown
        return Quality(tuple(self._qualities), compare_clocks(self._tallies), *payload)

    def _one_capture(self, number: int, source: CaptureSource) -> None:
        try:
            with open_capture(source.path) as capture:
                self._packets_of(number, capture)
        except CaptureError as error:
            if len(self._run.sources) == 1:
                raise
            self._warn(source, [str(error)])

    def _packets_of(self, number: int, capture: CaptureFile) -> None:
        source = self._run.sources[number]
        before = self._outcome
        secrets = list(self._secrets)
        settings = replace(self._run.settings, secrets=secrets)
        streams = StreamEngine(number, payload=not self._run.layer4_only)
        dissection = DissectionEngine(self._readers, settings, self._entries.append)
        tally = QualityTally(source.path.name, source.node)
        packets = tidied = blocks_of_secrets = 0
        for block in capture.blocks():
            packets += len(block)
            if packets - tidied > TIDY_PACKETS:
                give_back()
                tidied = packets
            tally.look(block)
            blocks_of_secrets = _learn_secrets(secrets, capture, blocks_of_secrets)
            for event in streams.feed(block):
                dissection.feed(event)
                if len(self._entries) >= FLUSH_ENTRIES:
                    self._flush()
            self._ended.add(map(dissection.described, map(tally.take, streams.drain())))
            self._outcome = replace(
                before,
                packets_processed=before.packets_processed + packets,
                pcap_bytes=before.pcap_bytes + capture.position,
                entries_created=self._entries_written,
            )
            self._tell()
        for event in streams.finish():
            dissection.feed(event)
        dissection.finish()
        self._ended.add(map(dissection.described, map(tally.take, streams.stats())))
        self._judge(tally, capture, streams.counters)
        self._identities.add_names(capture.names)
        self._flush()
        self._outcome = replace(
            self._outcome,
            pcap_files=before.pcap_files + 1,
            bytes_dissected=before.bytes_dissected + dissection.bytes_dissected,
            bytes_recognised=before.bytes_recognised + dissection.bytes_recognised,
            bytes_unknown=before.bytes_unknown + dissection.bytes_unknown,
        )
        self._warn(source, [str(warning) for warning in (*capture.warnings, *dissection.warnings)])

    def _judge(self, tally: QualityTally, capture: CaptureFile, counters: Counters) -> None:
        """Keep what is to be known of the quality of a capture that was read to its end."""
        self._tallies.append(tally)
        quality = tally.finish(
            damages=len(capture.warnings),
            dropped=capture.dropped,
            gap_bytes=counters.gap_bytes,
            conflicting_bytes=counters.conflicting_bytes,
            evicted=counters.evicted_connections,
        )
        self._qualities.append(quality)

    def _connection_protocols(self) -> Iterator[ConnectionProtocol]:
        for protocol in self._protocols:
            if isinstance(protocol, ConnectionProtocol) and not (self._run.layer4_only and protocol.name in UNCLAIMED):
                yield protocol

    def _take(self, entries: list[Entry]) -> None:
        """Take entries of connections."""
        self._entries += entries
        if len(self._entries) >= FLUSH_ENTRIES:
            self._flush()

    def _flush(self) -> None:
        if not self._entries:
            return
        learn(self._identities, self._entries)
        self._writer.add(self._entries, self._places)
        self._entries_written += len(self._entries)
        self._entries.clear()

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(READING * min(1.0, self._outcome.pcap_bytes / max(1, self._total_bytes)), self._outcome)

    def _warn(self, source: CaptureSource, reasons: list[str]) -> None:
        warnings = [f"{source.path.name}: {reason}" for reason in reasons]
        self._outcome = replace(self._outcome, warnings=[*self._outcome.warnings, *warnings])


def _learn_secrets(lines: list[str], capture: CaptureFile, known: int) -> int:
    """Add the TLS secrets that the capture itself carries, as far as it was read; give how many blocks there are."""
    for block in capture.secrets[known:]:
        lines += block.decode("ascii", "replace").splitlines()
    return len(capture.secrets)


@contextmanager
def few_collections() -> Iterator[None]:
    """Let the garbage collector look less often: entries hold no cycles, and its looking took a fifth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)
