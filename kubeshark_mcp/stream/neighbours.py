"""What came just before each TCP packet on its connection, and which connections are plain enough for column work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kubeshark_mcp.model.packet import TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN
from kubeshark_mcp.stream.batch import heads_of
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
    turns = heads_of(batch.direction)
    other = (turns - 1).repeat(np.diff(turns, append=len(batch)))
    same = np.arange(-1, len(batch) - 1)
    same[turns] = np.append(-1, turns[:-1] - 1)  # the one before the run of the other direction
    starts = batch.starts[batch.group]
    same[same < starts] = -1
    other[other < starts] = -1
    tails = batch.ends - 1
    groups, ways = np.arange(len(tails)), batch.direction[tails]
    last = np.empty((len(tails), 2), dtype=np.int64)
    last[groups, ways], last[groups, 1 - ways] = tails, other[tails]
    return Neighbours(same, other, last, _scaled_windows(batch, segments, table))


def _scaled_windows(batch: Batch, segments: Segments, table: FlowTable) -> NDArray[np.int64]:
    """Scale the windows: not those of SYNs, nor where a side is known not to scale (RFC 7323 section 2.2)."""
    scale = table.rows["scale"][batch.rows].astype(np.int64)
    refused = np.any(scale == SCALE_ABSENT, axis=1, keepdims=True)
    shifts = np.where(refused, 0, np.maximum(scale, 0))
    scaled: NDArray[np.int64] = segments.window << shifts.ravel()[batch.way]
    opening = np.flatnonzero(segments.flags & TCP_SYN)
    scaled[opening] = segments.window[opening]
    return scaled


class Predecessors:
    """The packets before those of a batch, on their own direction or on the other one: from this block or from the row.

    seen: bool of n, whether there was one.
    """

    def __init__(self, batch: Batch, table: FlowTable, near: NDArray[np.int64], *, other: bool) -> None:
        self._rows, self._near = table.rows, near
        self._outside = np.flatnonzero(near < 0)
        self._row = batch.rows[batch.group[self._outside]]
        self._direction = batch.direction[self._outside] ^ int(other)
        self._marks = self._rows["marks"][self._row, self._direction]
        self.seen = np.ones(len(near), dtype=bool)
        self.seen[self._outside] = (self._marks & MARK_SEEN) != 0

    def take(self, values: NDArray[Any], column: str) -> NDArray[Any]:
        """Give the `values` of the packets before, or the row's column where they came before this block."""
        taken = values[self._near]
        taken[self._outside] = self._rows[column][self._row, self._direction]
        return taken

    def acknowledging(self, flags: NDArray[np.uint16]) -> NDArray[np.bool_]:
        """Tell whether they carried an ACK."""
        told: NDArray[np.bool_] = ((flags & TCP_ACK) != 0)[self._near]
        told[self._outside] = (self._marks & MARK_ACKNOWLEDGING) != 0
        return told


def judge(batch: Batch, segments: Segments, table: FlowTable, near: Neighbours) -> Verdict:
    """Prove connections plain: what is not proven goes packet by packet."""
    ours = Predecessors(batch, table, near.same, other=False)
    theirs = Predecessors(batch, table, near.other, other=True)
    flags = segments.flags
    ahead = (segments.acknowledgment - theirs.take(segments.end, "next_sequence")).view(np.int32) > 0
    astray = ours.seen & (segments.sequence != ours.take(segments.end, "next_sequence"))
    mute = (flags & TCP_ACK) == 0
    astray |= theirs.seen & ~mute & ahead
    astray |= (flags & TCP_RST) != 0
    mute[batch.starts[batch.fresh]] = False
    progress = (segments.acknowledgment - ours.take(segments.acknowledgment, "acknowledgment")).view(np.int32)
    plain = (flags & _CONTROL) == 0
    noted = astray | mute | (ours.acknowledging(flags) & (progress < 0)) | (near.scaled == 0)
    noted |= (segments.length == 0) & plain & ours.seen & (progress == 0)
    noted |= _touches_receiver(batch, segments, table, near, theirs, plain)
    windows, marks = table.rows["window"][batch.rows], table.rows["marks"][batch.rows]
    torn = table.rows["contiguous"][batch.rows] != table.rows["next_sequence"][batch.rows]
    shut = (((windows == 0) | torn) & ((marks & MARK_SEEN) != 0)).any(axis=1)
    aligned, first = _aligned(batch, table), batch.first(noted)
    first_odd = np.where(shut | ~aligned, batch.starts, first)
    return Verdict(~batch.any(astray) & aligned, (first == len(batch)) & ~shut, first_odd)


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
    batch: Batch,
    segments: Segments,
    table: FlowTable,
    near: Neighbours,
    theirs: Predecessors,
    plain: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Tell which packets end exactly where the receiver's window ends, or bring what it had acknowledged before."""
    acknowledged = theirs.take(segments.acknowledgment, "acknowledgment")
    window = theirs.take(near.scaled, "scaled_window")
    scale = table.rows["scale"][batch.rows]
    known = (scale[:, ::-1] != SCALE_UNKNOWN) | (scale == SCALE_ABSENT)
    old = theirs.acknowledging(segments.flags) & ((segments.end - acknowledged).view(np.int32) <= 0)
    full = plain & (segments.end == acknowledged + window.astype(np.uint32))
    if not known.all():
        full &= known.ravel()[batch.way]
    touches: NDArray[np.bool_] = (segments.length > 0) & theirs.seen & (old | full)
    return touches
