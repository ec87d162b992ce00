"""Keeps the TCP metrics of all connections: columns for the clean ones, packet by packet for the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kubeshark_mcp.stream.analysis import Analysis, Packet, Side, Tally
from kubeshark_mcp.stream.metrics import count_clean
from kubeshark_mcp.stream.round_trips import Unacknowledged, nothing_unacknowledged, sample_clean
from kubeshark_mcp.stream.rows import KEPT_SEGMENTS, MARK_OVERTAKEN, MARK_SEEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from kubeshark_mcp.stream.batch import Batch, Segments
    from kubeshark_mcp.stream.neighbours import Neighbours
    from kubeshark_mcp.stream.table import FlowTable, Rows

_SIDE_COLUMNS = (
    "next_sequence", "acknowledgment", "window", "scaled_window", "scale", "marks", "duplicates", "packet_ns",
    "advance_ns", "data_ns", "contiguous",
)  # fmt: skip
_MARKS = _SIDE_COLUMNS.index("marks")
_TALLIES = tuple(name for name in Tally.__slots__ if name != "samples")
_TIMES = ("syn_ns", "syn_ack_ns", "ack_ns")
_TRIM_AT_LEAST = 2 * KEPT_SEGMENTS
_MOST_UNACKNOWLEDGED = 1 << 18


class Analyst:
    """Updates the analysis, counter, time and RTT columns of the flow table, batch by batch."""

    def __init__(self, table: FlowTable) -> None:
        self._table = table
        self._open = nothing_unacknowledged()
        self._trim_at = _TRIM_AT_LEAST

    def examine(
        self,
        batch: Batch,
        segments: Segments,
        near: Neighbours,
        clean: NDArray[np.bool_],
        taken: NDArray[np.bool_],
    ) -> None:
        """Take a batch. clean: groups that are proven to be in plain order. taken: groups that are to be examined."""
        clean, singly = clean & taken, taken & ~clean
        present = np.zeros(len(self._table.live), dtype=np.int8)
        present[batch.rows[clean]] = 1
        present[batch.rows[singly]] = 2
        where = present[self._open.row]
        kept = [self._open.pick(where == 0)]
        if clean.any():
            kept.append(sample_clean(batch, segments, self._table, near, clean, self._open.pick(where == 1)))
            count_clean(batch, segments, self._table, near, clean)
        if singly.any():
            kept.append(self._examine_singly(batch, segments, np.flatnonzero(singly), self._open.pick(where == 2)))
        self._open = _joined(kept)
        if len(self._open) > self._trim_at:
            self._open = _bounded(self._open)
            self._trim_at = max(2 * len(self._open), _TRIM_AT_LEAST)

    def forget(self, rows: NDArray[np.int64]) -> None:
        """Hear that rows leave the table."""
        gone = np.zeros(len(self._table.live), dtype=bool)
        gone[rows] = True
        self._open = self._open.pick(~gone[self._open.row])

    def _examine_singly(
        self, batch: Batch, segments: Segments, groups: NDArray[np.int64], carried: Unacknowledged
    ) -> Unacknowledged:
        rows = batch.rows[groups]
        analyses = self._load(rows)
        by_row = dict(zip(rows.tolist(), analyses, strict=True))
        for row, direction, end, time in zip(
            carried.row.tolist(), carried.direction.tolist(), carried.end.tolist(), carried.time.tolist(), strict=True
        ):
            by_row[row].sides[direction].unacknowledged[end] = time
        ends = batch.ends
        for group, analysis in zip(groups.tolist(), analyses, strict=True):
            for packet in _packets(batch, segments, int(batch.starts[group]), int(ends[group])):
                analysis.take(packet)
        self._save(rows, analyses)
        return _left_open(rows, analyses)

    def _load(self, rows: NDArray[np.int64]) -> list[Analysis]:
        table = self._table.rows
        columns = [table[name][rows].tolist() for name in _SIDE_COLUMNS]
        completeness = table["completeness"][rows].tolist()
        times = zip(*(table[name][rows].tolist() for name in _TIMES), strict=True)
        analyses = []
        for values, complete, moments in zip(zip(*columns, strict=True), completeness, times, strict=True):
            sides = []
            for way in (0, 1):
                own = [value[way] for value in values]
                side = Side(bool(own[_MARKS] & MARK_SEEN), *own)
                side.overtaken = bool(side.marks & MARK_OVERTAKEN)
                side.marks &= ~(MARK_SEEN | MARK_OVERTAKEN)
                sides.append(side)
            analyses.append(Analysis((sides[0], sides[1]), complete, moments))
        return analyses

    def _save(self, rows: NDArray[np.int64], analyses: Sequence[Analysis]) -> None:
        table = self._table.rows
        for analysis in analyses:
            for side in analysis.sides:
                side.marks |= (MARK_SEEN if side.seen else 0) | (MARK_OVERTAKEN if side.overtaken else 0)
        for name in _SIDE_COLUMNS:
            table[name][rows] = [[getattr(side, name) for side in analysis.sides] for analysis in analyses]
        table["completeness"][rows] = [analysis.completeness for analysis in analyses]
        for name in _TIMES:
            table[name][rows] = [getattr(analysis, name) for analysis in analyses]
        for name in _TALLIES:
            added = np.array([getattr(analysis.tally, name) for analysis in analyses], dtype=np.int64)
            table[name][rows] = table[name][rows] + added
        for row, analysis in zip(rows.tolist(), analyses, strict=True):
            if analysis.tally.samples:
                _add_samples(table, row, analysis.tally.samples)


def _packets(batch: Batch, segments: Segments, start: int, end: int) -> list[Packet]:
    part = slice(start, end)
    columns: list[NDArray[Any]] = [
        batch.direction[part],
        segments.sequence[part],
        segments.acknowledgment[part],
        segments.flags[part],
        segments.window[part],
        batch.payload[part] + batch.missing[part],
        segments.length[part],
        batch.time[part],
    ]
    return list(map(Packet, *(column.tolist() for column in columns)))


def _add_samples(table: Rows, row: int, samples: list[int]) -> None:
    table["rtt_count"][row] += len(samples)
    table["rtt_sum"][row] += sum(samples)
    table["rtt_square"][row] += float(sum(sample * sample for sample in samples))
    table["rtt_min"][row] = min(int(table["rtt_min"][row]), *samples)
    table["rtt_max"][row] = max(int(table["rtt_max"][row]), *samples)


def _left_open(rows: NDArray[np.int64], analyses: Sequence[Analysis]) -> Unacknowledged:
    left = [
        (row, way, end, time)
        for row, analysis in zip(rows.tolist(), analyses, strict=True)
        for way, side in enumerate(analysis.sides)
        for end, time in side.unacknowledged.items()
    ]
    if not left:
        return nothing_unacknowledged()
    row, way, end, time = zip(*left, strict=True)
    return Unacknowledged(np.array(row), np.array(way), np.array(end, dtype=np.uint32), np.array(time))


def _joined(parts: Sequence[Unacknowledged]) -> Unacknowledged:
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.join(part)
    return whole


def _bounded(whole: Unacknowledged) -> Unacknowledged:
    """Keep the newest of each direction, and of all."""
    way = whole.row * 2 + whole.direction
    order = np.argsort(way, kind="stable")[::-1]
    heads = np.flatnonzero(np.diff(way[order], prepend=-1))
    rank = np.arange(len(order)) - np.repeat(heads, np.diff(heads, append=len(order)))
    recent = np.zeros(len(order), dtype=bool)
    recent[order] = rank < KEPT_SEGMENTS
    whole = whole.pick(recent)
    return whole.pick(np.arange(max(len(whole) - _MOST_UNACKNOWLEDGED, 0), len(whole)))
