"""Round-trip times: from a segment to the first acknowledgment of exactly its end (tcp.analysis.ack_rtt)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.model.packet import TCP_ACK
from kubeshark_mcp.stream.batch import stable_order
from kubeshark_mcp.stream.rows import LONGEST_ROUND_TRIP_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.stream.batch import Batch, Segments
    from kubeshark_mcp.stream.neighbours import Neighbours
    from kubeshark_mcp.stream.table import FlowTable, Rows

KEPT_SEGMENTS = 512
"""Unacknowledged segments of one direction that are remembered."""

_SPAN = 1 << 33
_MIDDLE = 1 << 32


@dataclass(slots=True)
class Unacknowledged:
    """Segments sent and not acknowledged yet, of all connections: row, direction, end (sequence number), time (ns)."""

    row: NDArray[np.int64]
    direction: NDArray[np.int64]
    end: NDArray[np.uint32]
    time: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.row)

    def pick(self, marks: NDArray[np.bool_] | NDArray[np.int64]) -> Unacknowledged:
        """Give some of them."""
        return Unacknowledged(self.row[marks], self.direction[marks], self.end[marks], self.time[marks])

    def join(self, other: Unacknowledged) -> Unacknowledged:
        """Give these and those."""
        return Unacknowledged(
            np.concatenate([self.row, other.row]),
            np.concatenate([self.direction, other.direction]),
            np.concatenate([self.end, other.end]),
            np.concatenate([self.time, other.time]),
        )


def nothing_unacknowledged() -> Unacknowledged:
    """Give an empty list."""
    empty = np.zeros(0, dtype=np.int64)
    return Unacknowledged(empty, empty, np.zeros(0, dtype=np.uint32), empty)


def sample_clean(
    batch: Batch,
    segments: Segments,
    table: FlowTable,
    near: Neighbours,
    clean: NDArray[np.bool_],
    carried: Unacknowledged,
) -> Unacknowledged:
    """Sample the clean groups, and give what of theirs stays unacknowledged. carried: what earlier blocks left."""
    sent = np.flatnonzero((segments.length > 0) & clean[batch.group])
    group_of = np.full(len(table.live), -1, dtype=np.int64)
    group_of[batch.rows] = np.arange(len(batch.rows))
    pool = Unacknowledged(
        batch.rows[batch.group[sent]], batch.direction[sent].astype(np.int64), segments.end[sent], batch.time[sent]
    )
    anchor = _anchors(batch, segments)
    if len(carried):
        carried_keys = _keys(group_of[carried.row], carried.direction, carried.end, anchor)
        pool = carried.pick(np.argsort(carried_keys, kind="stable")).join(pool)
    group = group_of[pool.row]
    order = stable_order(group * 2 + pool.direction, 2 * len(batch.rows))  # within a way they are in order as they came
    keys = _keys(group, pool.direction, pool.end, anchor)[order]
    acks = np.flatnonzero(((segments.flags & TCP_ACK) != 0) & clean[batch.group])
    theirs = 1 - batch.direction[acks].astype(np.int64)
    wanted = _keys(batch.group[acks], theirs, segments.acknowledgment[acks], anchor)
    first = np.flatnonzero(_advancing(segments, near, acks))
    wanted, acks = wanted[first], acks[first]
    place = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    hit = np.flatnonzero(keys[place] == wanted) if len(keys) else np.zeros(0, dtype=np.int64)
    sample = batch.time[acks[hit]] - pool.time[order[place[hit]]]
    plausible = (sample > 0) & (sample <= LONGEST_ROUND_TRIP_NS)
    _add_samples(table.rows, batch.rows, batch.group[acks[hit]][plausible], sample[plausible])
    return pool.pick(_still_open(batch, segments, pool, group, anchor))


def _anchors(batch: Batch, segments: Segments) -> NDArray[np.uint32]:
    """Give a sequence number of each group and direction (g x 2) near all of this block's ones."""
    anchor = np.zeros((len(batch.rows), 2), dtype=np.uint32)
    for direction in (0, 1):
        ours = batch.direction == direction
        own, other = batch.first(ours), batch.first(~ours & ((segments.flags & TCP_ACK) != 0))
        last = len(batch) - 1
        value = np.where(
            own < len(batch), segments.sequence[np.minimum(own, last)], segments.acknowledgment[np.minimum(other, last)]
        )
        anchor[:, direction] = value
    return anchor


def _keys(
    group: NDArray[np.int64], direction: NDArray[np.int64], number: NDArray[np.uint32], anchor: NDArray[np.uint32]
) -> NDArray[np.int64]:
    """Order sequence numbers within each group and direction, and these among each other."""
    distance = (number - anchor[group, direction]).view(np.int32).astype(np.int64)
    return (group * 2 + direction) * _SPAN + _MIDDLE + distance


def _advancing(segments: Segments, near: Neighbours, acks: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which acknowledgments say something new: not the number that their sender's packet before said."""
    before = near.same[acks]
    new: NDArray[np.bool_] = segments.acknowledgment[before] != segments.acknowledgment[acks]
    new |= (before < 0) | ((segments.flags[before] & TCP_ACK) == 0)
    return new


def _still_open(
    batch: Batch,
    segments: Segments,
    pool: Unacknowledged,
    group: NDArray[np.int64],
    anchor: NDArray[np.uint32],
) -> NDArray[np.bool_]:
    """Tell which segments no acknowledgment has reached."""
    reach = np.full((len(batch.rows), 2), np.iinfo(np.int32).min, dtype=np.int64)
    acknowledged = (segments.flags & TCP_ACK) != 0
    for direction in (0, 1):
        last = batch.last(acknowledged & (batch.direction == 1 - direction))
        number = segments.acknowledgment[np.maximum(last, 0)]
        distance = (number - anchor[:, direction]).view(np.int32).astype(np.int64)
        reach[:, direction] = np.where(last >= 0, distance, reach[:, direction])
    distance = (pool.end - anchor[group, pool.direction]).view(np.int32).astype(np.int64)
    return distance > reach[group, pool.direction]


def _add_samples(
    rows: Rows, group_rows: NDArray[np.int64], group: NDArray[np.int64], sample: NDArray[np.int64]
) -> None:
    """Add round-trip times (ns, by ascending group) to the rows."""
    if not len(sample):
        return
    heads = np.flatnonzero(np.diff(group, prepend=-1))
    row = group_rows[group[heads]]
    rows["rtt_count"][row] += np.diff(heads, append=len(sample)).astype(np.uint32)
    rows["rtt_sum"][row] += np.add.reduceat(sample, heads)
    rows["rtt_square"][row] += np.add.reduceat(np.square(sample.astype(np.float64)), heads)
    rows["rtt_min"][row] = np.minimum(rows["rtt_min"][row], np.minimum.reduceat(sample, heads))
    rows["rtt_max"][row] = np.maximum(rows["rtt_max"][row], np.maximum.reduceat(sample, heads))
