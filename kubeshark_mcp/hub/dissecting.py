"""The captures of one share of a run, one after the other: packets -> streams -> messages -> entries in files.

Pieces of work for a `Crew`: `Naming` finds the DNS names that captures tell, `Dissecting` does the rest. What a share
comes to depends on nothing but its captures and the names that are given to it, whichever process does it.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from kubeshark_mcp.capture.quality import CaptureQuality, QualityTally
from kubeshark_mcp.capture.reader import CaptureFile, open_capture
from kubeshark_mcp.dissect.base import ConnectionProtocol, Protocol, Settings
from kubeshark_mcp.dissect.discovery import fields_by_protocol, load_protocols
from kubeshark_mcp.dissect.engine import DissectionEngine
from kubeshark_mcp.errors import CaptureError
from kubeshark_mcp.hub.connection_entries import ConnectionEntries
from kubeshark_mcp.hub.identities import Answers, answers_of, learn, load_identities
from kubeshark_mcp.hub.places import Places
from kubeshark_mcp.hub.runs import Outcome, Run, Share
from kubeshark_mcp.hub.sources import CaptureSource
from kubeshark_mcp.model.common_fields import COMMON_FIELDS
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.packet import PROTOCOL_TCP, PROTOCOL_UDP, PacketBlock
from kubeshark_mcp.store.columns import UNCLAIMED
from kubeshark_mcp.store.memory import give_back, keep_large_apart
from kubeshark_mcp.store.writer import EntryWriter
from kubeshark_mcp.stream.engine import Counters, Limits, StreamEngine

FLUSH_ENTRIES = 2048
"""Entries held before they go to the writer."""
WINDOW_BYTES = 4 << 20
"""Bytes of a capture that are in memory at once: about as much as the packets of a block have."""
BLOCK_PACKETS = 8_192
"""Packets that are decoded at once: more are no faster, and what they become is all in memory at once."""
TIDY_PACKETS = 60_000
"""Packets after which freed memory is given back to the system."""
LIMITS = Limits(datagram_idle_seconds=120.0, exchange_idle_seconds=30.0, closed_idle_seconds=60.0)
"""A conversation in datagrams ends after the two minutes that address translators keep one (RFC 4787, REQ-5), a lone
question with its answer after the half minute that Linux does (nf_conntrack_udp_timeout). A TCP connection that ended
is remembered for the minute that Linux stays in TIME-WAIT (TCP_TIMEWAIT_LEN).

Each question to a name server comes from a port of its own: ten minutes of a few hundred a second would fill 500 MB.
"""
DNS = "dns"

Tell = Callable[[Outcome], None]


@dataclass(frozen=True, slots=True)
class Dissected:
    """What came of a share. tallies: of its captures, so that clocks can be compared. qualities: reports on them."""

    outcome: Outcome
    tallies: tuple[QualityTally, ...]
    qualities: tuple[CaptureQuality, ...]


@dataclass(frozen=True, slots=True)
class Naming:
    """Finds the names that the captures of a share tell: those of DNS answers on its ports, and their own.

    Only where a run has several shares: each of them then knows what all captures tell. What cannot be read tells none.
    """

    run: Run
    share: Share

    def __call__(self, tell: Tell) -> Answers:
        """Give them in the order of the captures."""
        found: Answers = []
        protocols = [protocol for protocol in load_protocols() if protocol.name == DNS]
        with few_collections():
            for number in range(self.share.first, self.share.last):
                try:
                    with open_capture(self.run.sources[number].path) as capture:
                        found += self._of(number, capture, protocols, tell)
                except CaptureError:
                    pass  # Whoever dissects it says so.
        return found

    def _of(self, number: int, capture: CaptureFile, protocols: list[Protocol], tell: Tell) -> Answers:
        found: list[Entry] = []
        answers: Answers = []
        streams = StreamEngine(number, LIMITS)
        dissection = DissectionEngine(protocols, Settings(), found.append)
        ports = np.array(sorted(ports_of(protocols)), np.uint16)
        for block in capture.blocks(BLOCK_PACKETS):
            tell(Outcome())
            for event in streams.feed(_on_ports(block, ports)):
                dissection.feed(event)
            for _ in streams.drain():
                pass
            answers += answers_of(found)
            found.clear()
        for event in streams.finish():
            dissection.feed(event)
        dissection.finish()
        return [*answers, *answers_of(found), *((0, name, address) for address, name in capture.names)]


def ports_of(protocols: Iterable[Protocol]) -> frozenset[int]:
    """Give the ports on which the names of all captures are looked for before anything else."""
    return frozenset(port for protocol in protocols if protocol.name == DNS for port in protocol.ports)


def _on_ports(block: PacketBlock, ports: np.ndarray[tuple[int], np.dtype[np.uint16]]) -> PacketBlock:
    """Give the packets of a block to or from some ports."""
    spoken = np.isin(block.source_port, ports) | np.isin(block.destination_port, ports)
    rows = np.flatnonzero(spoken & np.isin(block.protocol, (PROTOCOL_TCP, PROTOCOL_UDP)))
    columns = {field.name: getattr(block, field.name) for field in fields(block)}
    return PacketBlock(**{name: column if name == "data" else column[rows] for name, column in columns.items()})


@dataclass(frozen=True, slots=True)
class Dissecting:
    """Dissects the captures of a share into files of a folder. names: what all captures tell; None if looked for here.

    secrets: lines of key logs.
    """

    run: Run
    share: Share
    folder: Path
    secrets: list[str]
    names: Answers | None = None

    def __call__(self, tell: Tell) -> Dissected:
        """Do it all; the files are complete when this returns."""
        keep_large_apart()
        with few_collections():
            return _Dissection(self, tell).dissect()


class _Dissection:
    """One share at work."""

    def __init__(self, piece: Dissecting, tell: Tell) -> None:
        run = piece.run
        self._run, self._share, self._secrets, self._tell = run, piece.share, piece.secrets, tell
        protocols = load_protocols()
        readers = [protocol for protocol in protocols if not isinstance(protocol, ConnectionProtocol)]
        self._readers = [] if run.layer4_only else readers
        self._outcome = Outcome()
        self._identities = load_identities(run.resources)
        # Where these have been gone through already, answers there are known.
        self._known_ports = frozenset() if piece.names is None else ports_of(protocols)
        for time_ns, name, address in piece.names or ():
            self._identities.names.add(name, address, time_ns)
        self._places = Places(run.sources, self._identities)
        self._writer = EntryWriter(
            piece.folder, fields=fields_by_protocol(protocols), common=COMMON_FIELDS, task=str(piece.share.task)
        )
        self._entries: list[Entry] = []
        self._entries_written = 0
        self._ended = ConnectionEntries(_connection_protocols(protocols, run.layer4_only), self._take)
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
            self._warn(source, [str(error)])

    def _packets_of(self, number: int, capture: CaptureFile) -> None:
        source = self._run.sources[number]
        before = self._outcome
        secrets = list(self._secrets)
        settings = replace(self._run.settings, secrets=secrets)
        streams = StreamEngine(number, LIMITS, payload=not self._run.layer4_only)
        dissection = DissectionEngine(self._readers, settings, self._entries.append)
        tally = QualityTally(source.path.name, source.node)
        packets = tidied = blocks_of_secrets = 0
        for block in capture.blocks(BLOCK_PACKETS):
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
            self._tell(self._outcome)
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

    def _take(self, entries: list[Entry]) -> None:
        """Take entries of connections."""
        self._entries += entries
        if len(self._entries) >= FLUSH_ENTRIES:
            self._flush()

    def _flush(self) -> None:
        if not self._entries:
            return
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


@contextmanager
def few_collections() -> Iterator[None]:
    """Let the garbage collector look less often: entries hold no cycles, and its looking took a fifth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)
