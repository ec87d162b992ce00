"""How good a capture is: what was cut, lost, seen twice or one way only, and how far the clocks of nodes are apart.

Pure: packet columns and connections in, a report out. Nothing here is an error of the network; it says how far the
answers from a capture can be trusted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.model.packet import PROTOCOL_TCP, PROTOCOL_UDP
from kubeshark_mcp.model.stats_columns import STATES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.capture.index import CaptureIndex
    from kubeshark_mcp.model.packet import PacketBlock
    from kubeshark_mcp.model.stats_columns import StatsColumns

DUPLICATE_NS = 20_000_000
"""The same packet again within this time was captured twice; later it was sent twice (RFC 6298: 200 ms and more)."""
SAMPLES = 8192
"""Packets of a capture that are remembered to be found in captures of other nodes."""
FEWEST_SHARED = 3
MOST_PAIRS = 45
USUAL_DIFFERENCE_NS = 1_000_000
"""Clocks that are closer than a millisecond are not worth a word."""
_MULTIPLIER = 0x9E3779B97F4A7C15
_UNANSWERED = (STATES.index("refused"), STATES.index("syn_sent"))
"""States in which a connection may have one side."""
_COUNTED = (
    "packets",
    "cut_packets",
    "cut_bytes",
    "duplicates",
    "tcp_connections",
    "one_sided",
    "mid_stream",
    "gap_connections",
)


@dataclass(frozen=True, slots=True)
class CaptureQuality:
    """What is to be known of one capture.

    cut_packets, cut_bytes: shortened by the snap length. dropped: packets that the capturing system says it lost.
    duplicates: packets captured twice at one point of the way. one_sided: TCP connections of which only one direction
    was seen, that were no failed attempts. mid_stream: those whose beginning was not seen. gap_connections: those that
    lack segments. gap_bytes: bytes given up as missing. conflicting_bytes: sent again with another content. evicted:
    connections that were given up for lack of room or too long silence.
    """

    name: str
    node: str = ""
    packets: int = 0
    damages: int = 0
    cut_packets: int = 0
    cut_bytes: int = 0
    dropped: int = 0
    duplicates: int = 0
    tcp_connections: int = 0
    one_sided: int = 0
    mid_stream: int = 0
    gap_connections: int = 0
    gap_bytes: int = 0
    conflicting_bytes: int = 0
    evicted: int = 0

    def findings(self, *, brief: bool = False) -> list[str]:
        """Give what impairs answers, a few words each; nothing for a good capture.

        brief: without connections that began before the capture, which every capture of a running system has, unless
        most did.
        """
        mid_stream = 0 if brief and 2 * self.mid_stream <= self.tcp_connections else self.mid_stream
        tcp = f"of {_count(self.tcp_connections, 'TCP connection')}"
        found = (
            (self.dropped, f"{_count(self.dropped, 'packet')} lost while capturing"),
            (self.cut_packets, f"{self.cut_packets} of {_count(self.packets, 'packet')} cut by the snap length"),
            (self.duplicates, f"{_count(self.duplicates, 'packet')} captured twice"),
            (self.one_sided, f"{self.one_sided} {tcp} seen in one direction only"),
            (mid_stream, f"{mid_stream} {tcp} began before the capture"),
            (self.gap_connections, f"{self.gap_connections} {tcp} with segments that are missing"),
            (self.gap_bytes, f"{_count(self.gap_bytes, 'byte')} of streams missing"),
            (self.conflicting_bytes, f"{_count(self.conflicting_bytes, 'byte')} sent again with another content"),
            (self.evicted, f"{_count(self.evicted, 'connection')} given up while open"),
        )
        return [words for number, words in found if number]


@dataclass(frozen=True, slots=True)
class ClockDifference:
    """How far the clock of `later` is ahead of that of `earlier`, from packets that both nodes captured.

    uncertain_ns: half the difference of both directions, which is the way between the nodes; -1 when packets of only
    one direction were shared, so that the difference includes the way.
    """

    earlier: str
    later: str
    difference_ns: int
    uncertain_ns: int
    packets: int

    def __str__(self) -> str:
        sure = "one direction only" if self.uncertain_ns < 0 else f"plus or minus {self.uncertain_ns / 1e6:.3f} ms"
        return (
            f"the clock of {self.later} is {self.difference_ns / 1e6:.3f} ms ahead of that of {self.earlier}"
            f" ({sure}, {_count(self.packets, 'packet')} seen by both)"
        )


@dataclass(frozen=True, slots=True)
class Quality:
    """The report on the captures of one run. bytes_*: payload by what became of it, see DissectionEngine."""

    captures: tuple[CaptureQuality, ...] = ()
    clocks: tuple[ClockDifference, ...] = ()
    bytes_dissected: int = 0
    bytes_recognised: int = 0
    bytes_unknown: int = 0

    def sentences(self) -> list[str]:
        """Say briefly what impairs answers; nothing when all is well."""
        found = [
            f"{capture.name}: capture quality: {', '.join(findings)}"
            for capture in self.captures
            if (findings := capture.findings(brief=True))
        ]
        return found + [str(clock) for clock in self.clocks if abs(clock.difference_ns) >= USUAL_DIFFERENCE_NS]

    def shares(self) -> str:
        """Say what became of the payload."""
        total = self.bytes_dissected + self.bytes_recognised + self.bytes_unknown
        if not total:
            return "no payload was dissected"
        shares = (
            f"{100 * part / total:.1f} % {what}"
            for part, what in (
                (self.bytes_dissected, "dissected"),
                (self.bytes_recognised, "recognised but encrypted"),
                (self.bytes_unknown, "unknown"),
            )
        )
        return f"{_count(total, 'payload byte')}: {', '.join(shares)}"


@dataclass(slots=True)
class _Sample:
    """Packets by what identifies them, of all those with the smallest hashes: the same ones in every capture."""

    hashes: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    times: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    upward: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))

    def add(self, hashes: NDArray[np.uint64], times: NDArray[np.int64], upward: NDArray[np.bool_]) -> None:
        if len(self.hashes) >= SAMPLES:
            chosen = hashes < self.hashes[-1]
            hashes, times, upward = hashes[chosen], times[chosen], upward[chosen]
        if not len(hashes):
            return
        hashes = np.concatenate([self.hashes, hashes])
        self.hashes, first = np.unique(hashes, return_index=True)
        self.times = np.concatenate([self.times, times])[first][:SAMPLES]
        self.upward = np.concatenate([self.upward, upward])[first][:SAMPLES]
        self.hashes = self.hashes[:SAMPLES]


class QualityTally:
    """Gathers what is to be known of one capture, block by block and connection by connection."""

    def __init__(self, name: str, node: str = "") -> None:
        self.node = node
        self._name = name
        self._counts = dict.fromkeys(_COUNTED, 0)
        self._sample = _Sample()

    def look(self, block: PacketBlock) -> None:
        """Take the next block."""
        cut = block.captured_length < block.original_length
        missing = int((block.original_length[cut] - block.captured_length[cut]).sum(dtype=np.int64))
        known = np.isin(block.protocol, (PROTOCOL_TCP, PROTOCOL_UDP)) & ~block.fragment
        # Without an identification or payload, acknowledgments that were sent twice look like one that was seen twice.
        known &= (block.ip_id != 0) | (block.payload_length > 0)
        rows = np.flatnonzero(known)
        hashes = _hashes(block, rows)
        times = block.time_ns[rows]
        upward = block.source_low[rows] < block.destination_low[rows]
        self._sample.add(hashes, times, upward)
        counts = self._counts
        counts["packets"] += len(block)
        counts["cut_packets"] += int(cut.sum())
        counts["cut_bytes"] += missing
        counts["duplicates"] += _duplicates(hashes ^ _mixed(_places(block, rows)), times)

    def take_columns(self, stats: StatsColumns) -> StatsColumns:
        """Take connections of one transport that have ended; gives them back."""
        if stats.transport == "tcp":
            counts = self._counts
            counts["tcp_connections"] += len(stats)
            counts["mid_stream"] += int((~stats.connections.from_start).sum())
            missing = stats.metrics["missing_segments"]
            counts["gap_connections"] += int((missing.values > 0).sum())
            silent = (stats.packets == 0).any(axis=1)
            counts["one_sided"] += int((silent & ~np.isin(stats.state, _UNANSWERED)).sum())
        return stats

    def finish(
        self, *, damages: int = 0, dropped: int = 0, gap_bytes: int = 0, conflicting_bytes: int = 0, evicted: int = 0
    ) -> CaptureQuality:
        """Give the report, with what the reader and the stream engine counted."""
        return CaptureQuality(
            self._name,
            self.node,
            **self._counts,
            damages=damages,
            dropped=dropped,
            gap_bytes=gap_bytes,
            conflicting_bytes=conflicting_bytes,
            evicted=evicted,
        )

    def ahead_of(self, other: QualityTally) -> ClockDifference | None:
        """Compare the clocks of two nodes; None when they share too few packets."""
        shared, ours, theirs = np.intersect1d(
            self._sample.hashes, other._sample.hashes, assume_unique=True, return_indices=True
        )
        if len(shared) < FEWEST_SHARED:
            return None
        ahead = self._sample.times[ours] - other._sample.times[theirs]
        upward = self._sample.upward[ours]
        ways = [float(np.median(ahead[way])) for way in (upward, ~upward) if way.any()]
        uncertain = round(abs(ways[0] - ways[1]) / 2) if len(ways) == 2 else -1
        return ClockDifference(other.node, self.node, round(sum(ways) / len(ways)), uncertain, len(shared))


def compare_clocks(tallies: Sequence[QualityTally]) -> tuple[ClockDifference, ...]:
    """Compare the clocks of all nodes with each other, each pair once, so that every difference is positive."""
    found = []
    for one, other in list(combinations(tallies, 2))[:MOST_PAIRS]:
        if one.node == other.node:
            continue
        difference = one.ahead_of(other)
        if difference is not None and difference.difference_ns < 0:
            difference = other.ahead_of(one)
        if difference is not None:
            found.append(difference)
    return tuple(found)


def quality_of_index(index: CaptureIndex) -> list[str]:
    """Say what is wrong with a capture as far as its index tells: damages, drops, cut packets."""
    cut = int((index.captured < index.originals).sum())
    found = CaptureQuality(index.path.name, packets=index.count, cut_packets=cut).findings()
    name = index.path.name
    return [f"{name}: {reason}" for reason in (*map(str, index.warnings), *found)]


def _hashes(block: PacketBlock, rows: NDArray[np.intp]) -> NDArray[np.uint64]:
    """Hash what stays the same on the way from one node to another: addresses, ports, numbers, length."""
    ports = block.source_port[rows].astype(np.uint64) << np.uint64(16) | block.destination_port[rows].astype(np.uint64)
    numbers = block.sequence[rows].astype(np.uint64) << np.uint64(32) | block.acknowledgment[rows].astype(np.uint64)
    length = block.payload_length[rows].astype(np.uint64) + block.payload_missing[rows].astype(np.uint64)
    rest = block.ip_id[rows].astype(np.uint64) << np.uint64(48) | block.flags[rows].astype(np.uint64) << np.uint64(32)
    hashes = np.zeros(len(rows), np.uint64)
    for word in (
        block.source_high[rows] ^ (block.destination_high[rows] << np.uint64(1)),
        block.source_low[rows],
        block.destination_low[rows],
        ports << np.uint64(32) | length,
        numbers,
        rest | block.protocol[rows],
    ):
        hashes = _mixed(hashes ^ word)
    return hashes


def _places(block: PacketBlock, rows: NDArray[np.intp]) -> NDArray[np.uint64]:
    """Tell capture points apart, and hops of a router that one of them sees."""
    return block.point[rows].astype(np.uint64) << np.uint64(8) | block.ttl[rows]


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    mixed = values * np.uint64(_MULTIPLIER)
    return mixed ^ (mixed >> np.uint64(32))


def _duplicates(hashes: NDArray[np.uint64], times: NDArray[np.int64]) -> int:
    """Count packets that came before in this block within a short time."""
    order = np.argsort(hashes, kind="stable")
    hashes, times = hashes[order], times[order]
    again = (hashes[1:] == hashes[:-1]) & (np.abs(times[1:] - times[:-1]) <= DUPLICATE_NS)
    return int(again.sum())


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def lines(quality: Quality, warnings: Iterable[str] = ()) -> list[str]:
    """Write the whole report for a person, a capture a paragraph."""
    told = []
    for capture in quality.captures:
        at = f" ({capture.node})" if capture.node and capture.node != capture.name else ""
        connections = _count(capture.tcp_connections, "TCP connection")
        told.append(f"{capture.name}{at}: {_count(capture.packets, 'packet')}, {connections}")
        told += [f"  {finding}" for finding in capture.findings() or ["nothing is missing that can be told"]]
    told += [f"clocks: {clock}" for clock in quality.clocks]
    told.append(f"content: {quality.shares()}")
    return told + [f"warning: {warning}" for warning in warnings]
