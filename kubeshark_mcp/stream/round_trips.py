"""Round-trip times: from a segment to the first acknowledgment of exactly its end (tcp.analysis.ack_rtt)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.model.packet import TCP_ACK
from kubeshark_mcp.stream.batch import heads_of, stable_order
from kubeshark_mcp.stream.rows import LONGEST_ROUND_TRIP_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.stream.batch import Batch, Segments
    from kubeshark_mcp.stream.neighbours import Neighbours
    from kubeshark_mcp.stream.table import FlowTable, Rows

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
    carries, acknowledges = segments.length > 0, _advancing(segments, near)
    if not clean.all():
        ours = clean[batch.group]
        carries &= ours
        acknowledges &= ours
    sent, acks = np.flatnonzero(carries), np.flatnonzero(acknowledges)
    reach = _reach(batch, segments)
    before = _ways_of(carried, batch, table)
    # Most acknowledge what came just before them; only for the others it has to be looked for.
    latest = near.other[acks]
    found = (latest >= 0) & carries[latest] & (segments.end[latest] == segments.acknowledgment[acks])
    sent_at = batch.time[latest]
    others = np.flatnonzero(~found)
    if len(others):
        found[others], sent_at[others] = _look_up(batch, segments, sent, acks[others], carried, before, reach)
    sample = batch.time[acks] - sent_at
    plausible = found & (sample > 0) & (sample <= LONGEST_ROUND_TRIP_NS)
    _add_samples(table.rows, batch.rows, batch.group[acks[plausible]], sample[plausible])
    left = sent[_still_open(batch.way[sent], segments.end[sent], reach)]
    way = batch.way[left]
    new = Unacknowledged(batch.rows[way >> 1], way & 1, segments.end[left], batch.time[left])
    return carried.pick(_still_open(before, carried.end, reach)).join(new)


def _ways_of(carried: Unacknowledged, batch: Batch, table: FlowTable) -> NDArray[np.int64]:
    """Give the way (group * 2 + direction) of each segment of earlier blocks."""
    if not len(carried):
        return np.zeros(0, dtype=np.int64)
    group_of = np.full(len(table.live), -1, dtype=np.int64)
    group_of[batch.rows] = np.arange(len(batch.rows))
    ways: NDArray[np.int64] = group_of[carried.row] * 2 + carried.direction
    return ways


def _look_up(
    batch: Batch,
    segments: Segments,
    sent: NDArray[np.int64],
    acks: NDArray[np.int64],
    carried: Unacknowledged,
    before: NDArray[np.int64],
    reach: _Reach,
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Tell which acknowledgments end a segment of the other direction, and when that was sent. before: see _ways_of."""
    asked = batch.way[acks] ^ 1
    wanted = np.zeros(2 * len(batch.rows), dtype=bool)
    wanted[asked] = True
    sent = sent[wanted[batch.way[sent]]]
    older = np.flatnonzero(wanted[before])
    older = older[np.argsort(_keys(before[older], carried.end[older], reach), kind="stable")]
    way = np.concatenate([before[older], batch.way[sent]])
    if not len(way):
        return np.zeros(len(acks), dtype=bool), np.zeros(len(acks), dtype=np.int64)
    end = np.concatenate([carried.end[older], segments.end[sent]])
    time = np.concatenate([carried.time[older], batch.time[sent]])
    order = stable_order(way, len(wanted))  # within a way they are in order as they came
    keys = _keys(way, end, reach)[order]
    numbers = _keys(asked, segments.acknowledgment[acks], reach)
    place = np.minimum(np.searchsorted(keys, numbers), len(keys) - 1)
    return keys[place] == numbers, time[order[place]]


@dataclass(slots=True)
class _Reach:
    """Of each way: whether this block acknowledges it, and a sequence number near all of the block's.

    number: uint32 of g x 2 in a row, the last acknowledgment where there is one, else the first own sequence number.
    """

    acknowledged: NDArray[np.bool_]
    number: NDArray[np.uint32]


def _reach(batch: Batch, segments: Segments) -> _Reach:
    acknowledges = (segments.flags & TCP_ACK) != 0
    last = np.empty((len(batch.rows), 2), dtype=np.int64)
    number = np.empty((len(batch.rows), 2), dtype=np.uint32)
    for way in (0, 1):
        theirs = batch.direction == 1 - way
        last[:, way] = batch.last(acknowledges & theirs)
        number[:, way] = segments.acknowledgment[last[:, way]]
        silent = np.flatnonzero(last[:, way] < 0)
        if len(silent):
            number[silent, way] = segments.sequence[np.minimum(batch.first(~theirs)[silent], len(batch) - 1)]
    return _Reach((last >= 0).ravel(), number.ravel())


def _keys(way: NDArray[np.int64], number: NDArray[np.uint32], reach: _Reach) -> NDArray[np.int64]:
    """Order sequence numbers within each way, and the ways among each other."""
    keys = way * _SPAN
    keys += _MIDDLE
    keys += (number - reach.number[way]).view(np.int32)
    return keys


def _advancing(segments: Segments, near: Neighbours) -> NDArray[np.bool_]:
    """Tell which packets acknowledge what the one before them, if any, did not."""
    acknowledges = (segments.flags & TCP_ACK) != 0
    new: NDArray[np.bool_] = segments.acknowledgment[near.same] != segments.acknowledgment
    new |= ~acknowledges[near.same]
    new |= near.same < 0
    new &= acknowledges
    return new


def _still_open(way: NDArray[np.int64], end: NDArray[np.uint32], reach: _Reach) -> NDArray[np.bool_]:
    """Tell which segments no acknowledgment has reached."""
    ahead: NDArray[np.bool_] = (end - reach.number[way]).view(np.int32) > 0
    return ahead | ~reach.acknowledged[way]


def _add_samples(
    rows: Rows, group_rows: NDArray[np.int64], group: NDArray[np.int64], sample: NDArray[np.int64]
) -> None:
    """Add round-trip times (ns, by ascending group) to the rows."""
    if not len(sample):
        return
    heads = heads_of(group)
    row = group_rows[group[heads]]
    rows["rtt_count"][row] += np.diff(heads, append=len(sample)).astype(np.uint32)
    rows["rtt_sum"][row] += np.add.reduceat(sample, heads)
    rows["rtt_square"][row] += np.add.reduceat(np.square(sample.astype(np.float64)), heads)
    rows["rtt_min"][row] = np.minimum(rows["rtt_min"][row], np.minimum.reduceat(sample, heads))
    rows["rtt_max"][row] = np.maximum(rows["rtt_max"][row], np.maximum.reduceat(sample, heads))
