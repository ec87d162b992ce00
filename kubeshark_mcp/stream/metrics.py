"""TCP metrics of connections in plain order, as columns; and the metrics of any row as the model has them."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.model.entry_columns import Numbers
from kubeshark_mcp.model.packet import TCP_ACK, TCP_FIN, TCP_SYN
from kubeshark_mcp.model.stats_columns import STATES
from kubeshark_mcp.model.stream import TcpMetrics
from kubeshark_mcp.stream.rows import (
    MARK_ACKNOWLEDGING,
    MARK_OVERTAKEN,
    MARK_SEEN,
    STATE_FIN,
    STATE_REFUSED,
    STATE_RESET,
)
from kubeshark_mcp.stream.table import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from kubeshark_mcp.stream.batch import Batch, Segments
    from kubeshark_mcp.stream.neighbours import Neighbours
    from kubeshark_mcp.stream.table import FlowTable, Rows

COMPLETE_SYN, COMPLETE_SYN_ACK, COMPLETE_ACK, COMPLETE_DATA, COMPLETE_FIN, COMPLETE_RST = (1 << bit for bit in range(6))
"""Bits of tcp.completeness."""

_COUNTED = {
    "connection_completeness": "completeness",
    **{
        name: name
        for name in (
            "retransmissions", "fast_retransmissions", "zero_window_events", "window_full_events", "out_of_order",
            "dup_acks", "missing_segments", "rst_count", "fin_count", "keepalive_count",
        )
    },
}  # fmt: skip
"""Metrics that are columns of a row as they stand."""
_OPENING = TCP_SYN | TCP_ACK


def count_clean(batch: Batch, segments: Segments, table: FlowTable, near: Neighbours, clean: NDArray[np.bool_]) -> None:
    """Add the packets of clean groups to their connections' metrics."""
    _count_packets(batch, segments, table, near, clean)
    _note_handshakes(batch, segments, table, clean)
    _note_ends(batch, segments, table, near, clean)


def _count_packets(
    batch: Batch, segments: Segments, table: FlowTable, near: Neighbours, clean: NDArray[np.bool_]
) -> None:
    rows, counters = batch.rows[clean], table.rows
    data = batch.sent > 0
    counters["data_segments"][rows] += np.add.reduceat(data, batch.starts, dtype=np.uint32)[clean]
    window = (segments.flags & TCP_SYN) == 0
    counters["window_count"][rows] += np.add.reduceat(window, batch.starts, dtype=np.uint32)[clean]
    counters["window_sum"][rows] += np.add.reduceat(np.where(window, near.scaled, 0), batch.starts)[clean]
    fin = (segments.flags & TCP_FIN) != 0
    if fin.any():
        counters["fin_count"][rows] += np.add.reduceat(fin, batch.starts, dtype=np.uint32)[clean]
        counters["completeness"][batch.rows[clean & batch.any(fin)]] |= COMPLETE_FIN
    total = len(batch)
    for direction in (0, 1):
        new = clean & (counters["data_ns"][batch.rows, direction] == NEVER)
        if not new.any():
            continue
        first = batch.first(data & (batch.direction == direction))
        new &= first < total
        counters["data_ns"][batch.rows[new], direction] = batch.time[first[new]]


def _note_handshakes(batch: Batch, segments: Segments, table: FlowTable, clean: NDArray[np.bool_]) -> None:
    """Note SYN, SYN-ACK and the first packet behind the SYN that only acknowledges."""
    rows, total = table.rows, len(batch)
    opening = segments.flags & _OPENING
    answer, carries = opening == TCP_ACK, batch.sent > 0
    rows["completeness"][batch.rows[clean & batch.any(answer & carries)]] |= COMPLETE_DATA
    bare = clean & ((rows["completeness"][batch.rows] & COMPLETE_ACK) == 0)
    if bare.any():
        bare &= batch.any(answer & ~carries)
        rows["completeness"][batch.rows[bare]] |= COMPLETE_ACK
    acknowledged = rows["ack_ns"][batch.rows]
    waiting = clean & ((acknowledged == NEVER) | (acknowledged == rows["syn_ns"][batch.rows]))
    behind = np.full(len(batch.rows), -1, dtype=np.int64)
    for bit, column, flags in ((COMPLETE_SYN, "syn_ns", TCP_SYN), (COMPLETE_SYN_ACK, "syn_ack_ns", _OPENING)):
        marks = opening == flags
        if not marks.any():
            continue
        at = batch.first(marks)
        found = clean & (at < total)
        rows["completeness"][batch.rows[found]] |= bit
        new = found & (rows[column][batch.rows] == NEVER)
        rows[column][batch.rows[new]] = batch.time[at[new]]
        if bit == COMPLETE_SYN:
            behind[new] = at[new]
            early = new & (rows["syn_ack_ns"][batch.rows] != NEVER)
            rows["syn_ack_ns"][batch.rows[early]] = NEVER
    waiting &= rows["syn_ns"][batch.rows] != NEVER
    if waiting.any():
        at = batch.first(answer & (np.arange(total) > behind[batch.group]))
        done = waiting & (at < total)
        at = _past_coarse_clocks(batch, rows, answer, at, done)
        rows["ack_ns"][batch.rows[done]] = batch.time[at[done]]


def _past_coarse_clocks(
    batch: Batch, rows: Rows, answer: NDArray[np.bool_], at: NDArray[np.int64], done: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Give the handshakes that took no time at all, by a clock too coarse for them, the first later answer there is."""
    opened = rows["syn_ns"][batch.rows]
    stuck = np.flatnonzero(done)
    stuck = stuck[batch.time[at[stuck]] == opened[stuck]]
    if len(stuck):
        later = batch.first(answer & (batch.time != opened[batch.group]))[stuck]
        at[stuck] = np.where(later < len(batch), later, at[stuck])
    return at


def _note_ends(batch: Batch, segments: Segments, table: FlowTable, near: Neighbours, clean: NDArray[np.bool_]) -> None:
    """Leave in the rows what the next block's packets are compared with."""
    rows = table.rows
    for direction in (0, 1):
        last = near.last[:, direction]
        spoke = clean & (last >= 0)
        row, at = batch.rows[spoke], last[spoke]
        fresh = (rows["marks"][row, direction] & MARK_SEEN) == 0
        ours = batch.direction == direction
        moved = batch.last(ours & (segments.length > 0))[spoke]
        if (silent := (moved < 0) & fresh).any():
            moved = np.where(silent, batch.first(ours)[spoke], moved)
        advanced = moved >= 0
        rows["advance_ns"][row[advanced], direction] = batch.time[moved[advanced]]
        changed = rows["acknowledgment"][row, direction] != segments.acknowledgment[at]
        rows["duplicates"][row[changed], direction] = 0
        rows["next_sequence"][row, direction] = rows["contiguous"][row, direction] = segments.end[at]
        rows["acknowledgment"][row, direction] = segments.acknowledgment[at]
        rows["window"][row, direction] = segments.window[at]
        rows["scaled_window"][row, direction] = near.scaled[at]
        rows["packet_ns"][row, direction] = batch.time[at]
        kept = np.where(changed, 0, rows["marks"][row, direction] & MARK_OVERTAKEN)
        acknowledging = np.where((segments.flags[at] & TCP_ACK) != 0, MARK_ACKNOWLEDGING, 0)
        rows["marks"][row, direction] = kept | acknowledging | MARK_SEEN


def metrics_of(rows: Rows) -> Iterator[TcpMetrics]:
    """Make the metrics of connections from their rows (columns of rows.TCP_FIELDS)."""
    return map(TcpMetrics, *(column.rows() for column in metric_columns(rows).values()))


def metric_columns(rows: Rows) -> dict[str, Numbers]:
    """Give the metrics of connections by the names of TcpMetrics, in their order."""
    segments, samples = rows["data_segments"], rows["rtt_count"].astype(np.int64)
    mean = rows["rtt_sum"] / np.maximum(samples, 1)
    spread = np.sqrt(np.maximum(rows["rtt_square"] / np.maximum(samples, 1) - mean * mean, 0.0))
    data, sampled = rows["data_ns"], samples > 0
    first_data = np.where(data == NEVER, -NEVER, data).min(axis=1)
    columns = {name: Numbers(rows[column].astype(np.int64)) for name, column in _COUNTED.items()}
    columns["retransmission_rate"] = Numbers(np.minimum(rows["retransmissions"] / np.maximum(segments, 1), 1.0))
    columns["window_scale"] = Numbers(np.maximum(rows["scale"][:, 1], -1).astype(np.int64))
    columns["avg_receive_window"] = Numbers(rows["window_sum"] // np.maximum(rows["window_count"], 1))
    columns["initial_rtt_us"] = _microseconds(rows["syn_ns"], rows["syn_ack_ns"])
    columns["handshake_time_us"] = _microseconds(rows["syn_ns"], rows["ack_ns"])
    columns["connection_time_us"] = _microseconds(rows["syn_ns"], np.where(first_data == -NEVER, NEVER, first_data))
    columns["time_to_first_byte_us"] = _microseconds(data[:, 0], data[:, 1])
    columns["rtt_min_us"] = Numbers(rows["rtt_min"] // 1000, sampled)
    columns["rtt_max_us"] = Numbers(rows["rtt_max"] // 1000, sampled)
    columns["rtt_avg_us"] = Numbers(np.rint(mean / 1000).astype(np.int64), sampled)
    columns["rtt_samples"] = Numbers(samples)
    columns["jitter_us"] = Numbers(np.rint(spread / 1000).astype(np.int64), sampled)
    columns["goodput_bytes"] = Numbers(rows["payload"].sum(axis=1) - rows["repeated_bytes"])
    return {metric.name: columns[metric.name] for metric in fields(TcpMetrics)}


def states_of(rows: Rows) -> list[str]:
    """Name the state that each TCP connection was last seen in."""
    return [STATES[code] for code in state_codes(rows).tolist()]


def state_codes(rows: Rows) -> NDArray[np.uint8]:
    """Give the state that each TCP connection was last seen in, as its position in STATES."""
    state, complete = rows["state"], rows["completeness"]
    fins = [state & bit != 0 for bit in STATE_FIN]
    answered = complete & (COMPLETE_SYN_ACK | COMPLETE_DATA) != 0
    went_on = complete & (COMPLETE_ACK | COMPLETE_DATA) != 0
    found = np.select(
        [
            fins[0] & fins[1],
            state & STATE_RESET != 0,
            fins[0] | fins[1] | (complete & COMPLETE_FIN != 0),
            (state & STATE_REFUSED != 0) & ~answered,
            (complete & COMPLETE_SYN != 0) & ~went_on,
        ],
        [STATES.index(name) for name in ("closed", "reset", "closing", "refused", "syn_sent")],
        STATES.index("established"),
    )
    return found.astype(np.uint8)


def _microseconds(start: NDArray[np.int64], end: NDArray[np.int64]) -> Numbers:
    """Give the times between moments, none where one was not seen or they are the other way round."""
    return Numbers((end - start) // 1000, (start != NEVER) & (end >= start))
