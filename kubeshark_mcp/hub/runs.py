"""What is to be dissected, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from kubeshark_mcp.capture.quality import Quality, lines
from kubeshark_mcp.dissect.base import Settings
from kubeshark_mcp.hub.sources import CaptureSource

SHARE_BYTES = 16 << 20
"""Bytes of captures below which a process of their own does not pay: one takes about half a second to start."""
PIECE_BYTES = 64 << 20
"""Bytes of a share of which a piece is left below which dividing it does not pay: each piece reads all its packets."""


@dataclass(frozen=True, slots=True)
class Run:
    """What to dissect, and how.

    layer4_only: connections and flows alone, no bytes are read. key_logs: files with TLS secrets.
    workers: processes that dissect at the same time, at most; 0 for what the environment says (see `crew`).
    share_bytes: what a process is given at least. piece_bytes: what a piece of a share has at least; a share of twice
    that may be divided by its conversations. The entries are the same whatever the number of workers; their ids too,
    where no share is divided.
    """

    sources: list[CaptureSource]
    resources: list[Path]
    settings: Settings = field(default_factory=Settings)
    layer4_only: bool = False
    key_logs: list[Path] = field(default_factory=list)
    workers: int = 0
    share_bytes: int = SHARE_BYTES
    piece_bytes: int = PIECE_BYTES

    def divisible(self, share: Share) -> bool:
        """Tell whether processes may share the conversations of a share: connections alone are not worth it."""
        return not self.layer4_only and share.size >= 2 * max(1, self.piece_bytes)


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
Tell = Callable[[Outcome], None]
"""What a piece of work tells how far it is; may raise to give up."""


@dataclass(frozen=True, slots=True)
class Share:
    """Consecutive captures of a run that are dissected one after the other, into files of their own.

    task: number of these files. first, last: positions among the captures of the run; last is behind the last one.
    size: bytes of the captures. piece, pieces: of the conversations in them only those of one of several pieces.
    """

    task: int
    first: int
    last: int
    size: int
    piece: int = 0
    pieces: int = 1

    def part(self, count: int) -> int:
        """Give this piece's part of a number that all pieces together come to."""
        return count * (self.piece + 1) // self.pieces - count * self.piece // self.pieces


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


def most_pieces(run: Run, shares: Sequence[Share]) -> int:
    """Give how many pieces these shares can be divided into."""
    return sum(max(1, share.size // max(1, run.piece_bytes)) if run.divisible(share) else 1 for share in shares)


def divided(run: Run, shares: Sequence[Share], workers: int) -> list[Share]:
    """Divide shares among so many processes by their conversations, as far as they have more than one's part of all."""
    total = sum(share.size for share in shares)
    found = []
    for share in shares:
        wanted = round(share.size * workers / max(1, total))
        pieces = min(wanted, most_pieces(run, [share]))
        found += [replace(share, piece=piece, pieces=pieces) for piece in range(pieces)] if pieces > 1 else [share]
    return [replace(share, task=task) for task, share in enumerate(found)]
