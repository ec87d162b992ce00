"""Where a TCP connection begins: port reuse, initial sequence numbers, stream offset 0, window scales."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.model.packet import TCP_ACK, TCP_RST, TCP_SYN
from kubeshark_mcp.stream.rows import (
    SCALE_ABSENT,
    STATE_BASED,
    STATE_ENDED,
    STATE_KNOWN,
    STATE_STARTED,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.stream.batch import Batch, Segments
    from kubeshark_mcp.stream.table import FlowTable

_OPENING = TCP_SYN | TCP_ACK
_MASK = 0xFFFFFFFF
_HEADER, _LONGEST_OPTIONS = 20, 40
_OPTION_END, _OPTION_NOTHING, _OPTION_SCALE = 0, 1, 3
_LARGEST_SCALE = 14


def split_reused(batch: Batch, segments: Segments, table: FlowTable) -> NDArray[np.int64]:
    """Give a SYN with another sequence number on known addresses and ports a connection of its own.

    The same rule as Wireshark's numbering of tcp.stream. Works on sides, before clients are settled. Gives the rows
    whose connection was superseded; no key leads to them any more.
    """
    suspects = (segments.flags & _OPENING) == TCP_SYN
    suspects[batch.starts[batch.fresh]] = False
    if not suspects.any():
        return np.zeros(0, dtype=np.int64)
    starts, rows, fresh, superseded = [], [], [], []
    ends = batch.ends
    doubtful = np.flatnonzero(batch.any(suspects))
    for group in doubtful.tolist():
        row = int(batch.rows[group])
        first, end = int(batch.starts[group]), int(ends[group])
        known = [-1, -1] if batch.fresh[group] else _known_bases(table, row)
        for start in _reopenings(batch, segments, first, end, known):
            superseded.append(row)
            row = table.renew(row)
            if start == first:  # nothing of the old connection is in this block
                batch.rows[group], batch.fresh[group] = row, True
                continue
            starts.append(start)
            rows.append(row)
            fresh.append(True)
    if starts:
        order = np.argsort(np.concatenate([batch.starts, starts]), kind="stable")
        batch.starts = np.concatenate([batch.starts, starts])[order]
        batch.rows = np.concatenate([batch.rows, rows])[order]
        batch.fresh = np.concatenate([batch.fresh, fresh])[order]
        heads = np.zeros(len(batch), dtype=np.int64)
        heads[batch.starts] = 1
        batch.group = np.cumsum(heads) - 1
    return np.array(superseded, dtype=np.int64)


def _known_bases(table: FlowTable, row: int) -> list[int]:
    """Give the initial sequence numbers of a connection by side, -1 where unknown."""
    state, client_side = int(table.rows["state"][row]), int(table.rows["client_side"][row])
    bases = [int(table.rows["base"][row, way]) if state & STATE_BASED[way] else -1 for way in (0, 1)]
    return bases[::-1] if client_side else bases


def _reopenings(batch: Batch, segments: Segments, first: int, end: int, known: list[int]) -> list[int]:
    """Find the packets in [first, end) that open a new connection. known: initial sequence numbers by side."""
    found = []
    sides = batch.direction[first:end].tolist()
    sequences = segments.sequence[first:end].tolist()
    acknowledgments = segments.acknowledgment[first:end].tolist()
    flags = segments.flags[first:end].tolist()
    for position, (side, sequence, acknowledgment, flag) in enumerate(
        zip(sides, sequences, acknowledgments, flags, strict=True)
    ):
        if flag & _OPENING == TCP_SYN and known[side] not in (-1, sequence):
            found.append(first + position)
            known = [-1, -1]
        if known[side] == -1:
            known[side] = sequence if flag & TCP_SYN else (sequence - 1) & _MASK
        if known[1 - side] == -1 and flag & TCP_ACK:
            known[1 - side] = (acknowledgment - 1) & _MASK
    return found


def learn_bases(batch: Batch, segments: Segments, table: FlowTable) -> None:
    """Note the initial sequence number of each direction: a SYN's, else one less than the first number or ACK seen."""
    state = table.rows["state"][batch.rows]
    if not ((state & (STATE_BASED[0] | STATE_BASED[1])) != STATE_BASED[0] | STATE_BASED[1]).any():
        return
    total = len(batch)
    syn = (segments.flags & TCP_SYN) != 0
    own_value = segments.sequence - (~syn).astype(np.uint32)
    acknowledged = (segments.flags & TCP_ACK) != 0
    for way in (0, 1):
        ours = batch.direction == way
        own, other = batch.first(ours), batch.first(~ours & acknowledged)
        learned = ((state & STATE_BASED[way]) == 0) & (np.minimum(own, other) < total)
        own, other, rows = own[learned], other[learned], batch.rows[learned]
        last = total - 1
        table.rows["base"][rows, way] = np.where(
            own < other,
            own_value[np.minimum(own, last)],
            segments.acknowledgment[np.minimum(other, last)] - np.uint32(1),
        )
        table.rows["state"][rows] |= STATE_BASED[way]


def learn_origins(batch: Batch, segments: Segments, table: FlowTable) -> None:
    """Fix stream offset 0 of each direction: behind its SYN, else at the first payload or FIN."""
    reset = (segments.flags & TCP_RST) != 0
    syn = ((segments.flags & TCP_SYN) != 0) & ~reset
    state = table.rows["state"][batch.rows]
    if syn.any():
        table.rows["state"][batch.rows[batch.any(syn) & ((state & STATE_ENDED) == 0)]] |= STATE_STARTED
    both = STATE_KNOWN[0] | STATE_KNOWN[1]
    if not ((state & both) != both).any():
        return
    carries = (segments.length > 0) & ~reset
    for way in (0, 1):
        first = batch.first(carries & (batch.direction == way))
        learned = ((state & (STATE_KNOWN[way] | STATE_ENDED)) == 0) & (first < len(batch))
        first, rows = first[learned], batch.rows[learned]
        table.rows["origin"][rows, way] = segments.sequence[first] + syn[first].astype(np.uint32)
        table.rows["state"][rows] |= STATE_KNOWN[way]


def learn_scales(
    batch: Batch,
    segments: Segments,
    table: FlowTable,
    data: NDArray[np.uint8],
    options: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> None:
    """Read the window scale option (RFC 7323 section 2.2) of every SYN, and note it for its direction.

    options: where each packet's TCP header begins in `data`, and where its payload begins.
    """
    opening = np.flatnonzero((segments.flags & TCP_SYN) != 0)
    if not len(opening):
        return
    headers, payloads = options
    position = headers[opening] + _HEADER
    end = np.minimum(np.minimum(payloads[opening], position - _HEADER + _HEADER + _LONGEST_OPTIONS), len(data))
    scale = np.full(len(opening), SCALE_ABSENT, dtype=np.int8)
    active = np.flatnonzero(position < end)
    for _ in range(_LONGEST_OPTIONS):
        if not len(active):
            break
        at, limit = position[active], end[active]
        kind = data[at]
        sized = at + 1 < limit
        length = np.where(sized, data[np.minimum(at + 1, len(data) - 1)], 0).astype(np.int64)
        is_scale = (kind == _OPTION_SCALE) & (length == 3) & (at + 2 < limit)
        scale[active[is_scale]] = np.minimum(data[at[is_scale] + 2], _LARGEST_SCALE)
        step = np.where(kind == _OPTION_NOTHING, 1, length)
        go_on = (kind != _OPTION_END) & ((kind == _OPTION_NOTHING) | (length >= 2)) & ~is_scale & (at + step < limit)
        position[active] = at + step
        active = active[go_on]
    table.rows["scale"][batch.rows[batch.group[opening]], batch.direction[opening]] = scale
