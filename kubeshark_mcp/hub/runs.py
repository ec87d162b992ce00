"""What is to be dissected, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kubeshark_mcp.capture.quality import Quality, lines
from kubeshark_mcp.dissect.base import Settings
from kubeshark_mcp.hub.sources import CaptureSource

SHARE_BYTES = 16 << 20
"""Bytes of captures below which a process of their own does not pay: one takes about half a second to start."""


@dataclass(frozen=True, slots=True)
class Run:
    """What to dissect, and how.

    layer4_only: connections and flows alone, no bytes are read. key_logs: files with TLS secrets.
    workers: processes that dissect at the same time, at most; 0 for what the environment says (see `crew`).
    share_bytes: what a process is given at least. Entries get the same ids whatever the number of workers.
    """

    sources: list[CaptureSource]
    resources: list[Path]
    settings: Settings = field(default_factory=Settings)
    layer4_only: bool = False
    key_logs: list[Path] = field(default_factory=list)
    workers: int = 0
    share_bytes: int = SHARE_BYTES


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

    def with_counts(self, others: Sequence[Outcome]) -> Outcome:
        """Add up what several parts of a run came to; the rest is that of a run as a whole."""
        every = (self, *others)
        return Outcome(
            pcap_files=sum(one.pcap_files for one in every),
            pcap_bytes=sum(one.pcap_bytes for one in every),
            packets_processed=sum(one.packets_processed for one in every),
            entries_created=sum(one.entries_created for one in every),
            bytes_dissected=sum(one.bytes_dissected for one in every),
            bytes_recognised=sum(one.bytes_recognised for one in every),
            bytes_unknown=sum(one.bytes_unknown for one in every),
            warnings=[warning for one in every for warning in one.warnings],
        )


Progress = Callable[[float, Outcome], None]


@dataclass(frozen=True, slots=True)
class Share:
    """Consecutive captures of a run that are dissected one after the other, into files of their own.

    task: number of these files. first, last: positions among the captures of the run; last is behind the last one.
    size: bytes of the captures.
    """

    task: int
    first: int
    last: int
    size: int


def shares_of(sources: Sequence[CaptureSource], least_bytes: int) -> list[Share]:
    """Divide the captures of a run; depends on nothing but their sizes, so that a run gives the same every time."""
    shares: list[Share] = []
    first = size = 0
    for number, source in enumerate(sources):
        size += source.path.stat().st_size if source.path.is_file() else 0
        if size >= least_bytes:
            shares.append(Share(len(shares), first, number + 1, size))
            first, size = number + 1, 0
    if first < len(sources) and shares:
        whole = shares.pop()
        return [*shares, Share(whole.task, whole.first, len(sources), whole.size + size)]
    return shares or [Share(0, 0, len(sources), size)]
