"""What came just before each TCP packet on its connection, and which connections are plain enough for column work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kubeshark_mcp.model.packet import TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN
from kubeshark_mcp.stream.rows import MARK_ACKNOWLEDGING, MARK_SEEN, SCALE_ABSENT, SCALE_UNKNOWN, STATE_FIN, STATE_KNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.stream.batch import Batch, Segments
    from kubeshark_mcp.stream.table import FlowTable

_CONTROL = TCP_SYN | TCP_FIN | TCP_RST


@dataclass(slots=True)
class Neighbours:
    """Per packet (n): the packet before it on the connection, of its own direction and of the other one.

    same, other: int64 position in the batch, -1 where it came before this block. last: int64 of g x 2, the last packet
    of each direction, -1 if none. scaled: int64, receive window in bytes as the receiver meant it.
    """

    same: NDArray[np.int64]
    other: NDArray[np.int64]
    last: NDArray[np.int64]
    scaled: NDArray[np.int64]


@dataclass(slots=True)
class Verdict:
    """Per group (g). orderly: payload may be joined as columns. clean: the TCP analysis has nothing to say either.

    first_odd: int64, position in the batch of the first packet that is not, the number of packets where there is none.
    """

    orderly: NDArray[np.bool_]
    clean: NDArray[np.bool_]
    first_odd: NDArray[np.int64]


def find_neighbours(batch: Batch, segments: Segments, table: FlowTable) -> Neighbours:
    """Look up each packet's predecessors."""
    positions = np.arange(len(batch))
    client = batch.direction == 0
    starts = batch.starts[batch.group]
    reached = [np.maximum.accumulate(np.where(client, positions, -1))]
    reached.append(np.maximum.accumulate(np.where(client, -1, positions)))
    tails = batch.ends - 1
    last = np.stack([way[tails] for way in reached], axis=1)
    last[last < batch.starts[:, None]] = -1
    before = [np.append(-1, way[:-1]) for way in reached]
    same, other = np.where(client, before[0], before[1]), np.where(client, before[1], before[0])
    same[same < starts] = -1
    other[other < starts] = -1
    return Neighbours(same, other, last, _scaled_windows(batch, segments, table))


def _scaled_windows(batch: Batch, segments: Segments, table: FlowTable) -> NDArray[np.int64]:
    """Scale the windows: not those of SYNs, and only where both sides sent the option (RFC 7323 section 2.2)."""
    scale = table.rows["scale"][batch.rows].astype(np.int64)
    shifts = np.where(np.all(scale >= 0, axis=1, keepdims=True), scale, 0)
    shift = shifts[batch.group, batch.direction]
    return segments.window << np.where((segments.flags & TCP_SYN) != 0, 0, shift)


class Predecessors:
    """Values of the packet before, from this block or from the row."""

    def __init__(self, batch: Batch, segments: Segments, table: FlowTable, near: Neighbours) -> None:
        self._rows = table.rows
        self._row = batch.rows[batch.group]
        self._batch = batch
        seen: NDArray[Any] = (table.rows["marks"][batch.rows] & MARK_SEEN).astype(bool)
        self.same_seen = (near.same >= 0) | seen[batch.group, batch.direction]
        self.other_seen = (near.other >= 0) | seen[batch.group, 1 - batch.direction]

    def take(self, near: NDArray[np.int64], values: NDArray[Any], column: str, ways: NDArray[np.intp]) -> NDArray[Any]:
        """Give `values` of the packets at `near`, or the row's column in direction `ways` where there is none."""
        taken = values[near]
        outside = np.flatnonzero(near < 0)
        taken[outside] = self._rows[column][self._row[outside], ways[outside]]
        return taken

    def acknowledging(
        self, near: NDArray[np.int64], flags: NDArray[np.int64], ways: NDArray[np.intp]
    ) -> NDArray[np.bool_]:
        """Tell whether the packets at `near`, or the row's last packets in direction `ways`, carried an ACK."""
        marks = np.where((flags & TCP_ACK) != 0, MARK_ACKNOWLEDGING, 0)
        told: NDArray[np.bool_] = self.take(near, marks, "marks", ways) & MARK_ACKNOWLEDGING != 0
        return told


def judge(batch: Batch, segments: Segments, table: FlowTable, near: Neighbours) -> Verdict:
    """Prove connections plain: what is not proven goes packet by packet."""
    before = Predecessors(batch, segments, table, near)
    ours, theirs = batch.direction, 1 - batch.direction
    flags = segments.flags
    expected = before.take(near.same, segments.end, "next_sequence", ours)
    reach = before.take(near.other, segments.end, "next_sequence", theirs)
    ahead = (segments.acknowledgment - reach).view(np.int32) > 0
    astray = before.same_seen & (segments.sequence != expected)
    astray |= before.other_seen & ((flags & TCP_ACK) != 0) & ahead
    astray |= (flags & TCP_RST) != 0
    previous = before.take(near.same, segments.acknowledgment, "acknowledgment", ours)
    bare = (segments.length == 0) & ((flags & _CONTROL) == 0)
    told = before.acknowledging(near.same, flags, ours)
    backwards = told & ((segments.acknowledgment - previous).view(np.int32) < 0)
    noted = astray | backwards | (near.scaled == 0)
    noted |= bare & before.same_seen & (segments.acknowledgment == previous)
    noted |= _touches_receiver(batch, segments, table, near, before)
    windows, marks = table.rows["window"][batch.rows], table.rows["marks"][batch.rows]
    shut = ((windows == 0) & ((marks & MARK_SEEN) != 0)).any(axis=1)
    orderly = ~batch.any(astray)
    aligned = _aligned(batch, table)
    first_odd = np.where(shut | ~aligned, batch.starts, batch.first(noted))
    return Verdict(orderly & aligned, orderly & ~batch.any(noted) & ~shut, first_odd)


def _aligned(batch: Batch, table: FlowTable) -> NDArray[np.bool_]:
    """Tell of each group whether the analysis expects the same sequence numbers as the joining does."""
    rows, row = table.rows, batch.rows
    state = rows["state"][row][:, None]
    fin = (state & np.array(STATE_FIN, dtype=np.uint16)) != 0
    unknown = (state & np.array(STATE_KNOWN, dtype=np.uint16)) == 0
    reach = rows["origin"][row] + rows["next"][row].astype(np.uint32) + fin.astype(np.uint32)
    aligned: NDArray[np.bool_] = np.all(unknown | (reach == rows["next_sequence"][row]), axis=1)
    return aligned


def _touches_receiver(
    batch: Batch, segments: Segments, table: FlowTable, near: Neighbours, before: Predecessors
) -> NDArray[np.bool_]:
    """Tell which packets end exactly where the receiver's window ends, or bring what it had acknowledged before."""
    theirs = 1 - batch.direction
    acknowledged = before.take(near.other, segments.acknowledgment, "acknowledgment", theirs)
    window = before.take(near.other, near.scaled, "scaled_window", theirs)
    scale = table.rows["scale"][batch.rows]
    known = (scale[:, ::-1] != SCALE_UNKNOWN) | (scale == SCALE_ABSENT)
    carries = (segments.length > 0) & before.other_seen
    old = before.acknowledging(near.other, segments.flags, theirs) & ((segments.end - acknowledged).view(np.int32) <= 0)
    full = ((segments.flags & _CONTROL) == 0) & known[batch.group, batch.direction]
    full &= segments.end == acknowledged + window.astype(np.uint32)
    touches: NDArray[np.bool_] = carries & (old | full)
    return touches
