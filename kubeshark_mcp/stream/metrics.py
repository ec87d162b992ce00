"""TCP metrics of connections in plain order, as columns; and the metrics of any row as the model has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kubeshark_mcp.model.packet import TCP_ACK, TCP_FIN, TCP_SYN
from kubeshark_mcp.model.stream import TcpMetrics
from kubeshark_mcp.stream.rows import MARK_ACKNOWLEDGING, MARK_SEEN, STATE_FIN, STATE_REFUSED, STATE_RESET
from kubeshark_mcp.stream.table import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from kubeshark_mcp.stream.batch import Batch, Segments
    from kubeshark_mcp.stream.neighbours import Neighbours
    from kubeshark_mcp.stream.table import FlowTable, Rows

COMPLETE_SYN, COMPLETE_SYN_ACK, COMPLETE_ACK, COMPLETE_DATA, COMPLETE_FIN, COMPLETE_RST = (1 << bit for bit in range(6))
"""Bits of tcp.completeness."""

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
        first = batch.first(data & (batch.direction == direction))
        new = clean & (first < total) & (counters["data_ns"][batch.rows, direction] == NEVER)
        counters["data_ns"][batch.rows[new], direction] = batch.time[first[new]]
    counters["completeness"][batch.rows[clean & batch.any(data & window)]] |= COMPLETE_DATA


def _note_handshakes(batch: Batch, segments: Segments, table: FlowTable, clean: NDArray[np.bool_]) -> None:
    """Note SYN, SYN-ACK and the first packet behind the SYN that only acknowledges."""
    rows, total = table.rows, len(batch)
    opening = segments.flags & _OPENING
    answer = opening == TCP_ACK
    bare = clean & ((rows["completeness"][batch.rows] & COMPLETE_ACK) == 0)
    if bare.any():
        bare &= batch.any(answer & (batch.sent == 0))
        rows["completeness"][batch.rows[bare]] |= COMPLETE_ACK
    waiting = clean & (rows["ack_ns"][batch.rows] == NEVER)
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
        rows["ack_ns"][batch.rows[done]] = batch.time[at[done]]


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
        moved = np.where((moved < 0) & fresh, batch.first(ours)[spoke], moved)
        advanced = moved >= 0
        rows["advance_ns"][row[advanced], direction] = batch.time[moved[advanced]]
        changed = rows["acknowledgment"][row, direction] != segments.acknowledgment[at]
        rows["duplicates"][row[changed], direction] = 0
        rows["next_sequence"][row, direction] = segments.end[at]
        rows["acknowledgment"][row, direction] = segments.acknowledgment[at]
        rows["window"][row, direction] = segments.window[at]
        rows["scaled_window"][row, direction] = near.scaled[at]
        rows["packet_ns"][row, direction] = batch.time[at]
        rows["marks"][row, direction] = np.where(
            (segments.flags[at] & TCP_ACK) != 0, MARK_SEEN | MARK_ACKNOWLEDGING, MARK_SEEN
        )


def metrics_of(rows: Rows) -> Iterator[TcpMetrics]:
    """Make the metrics of connections from their rows (columns of rows.TCP_FIELDS)."""
    segments, samples = rows["data_segments"], rows["rtt_count"].astype(np.int64)
    mean = rows["rtt_sum"] / np.maximum(samples, 1)
    spread = np.sqrt(np.maximum(rows["rtt_square"] / np.maximum(samples, 1) - mean * mean, 0.0))
    data = rows["data_ns"]
    first_data = np.where(data == NEVER, -NEVER, data).min(axis=1)
    rate = np.minimum(rows["retransmissions"] / np.maximum(segments, 1), 1.0)
    columns: list[Iterable[Any]] = [
        *(rows[name].tolist() for name in ("retransmissions", "fast_retransmissions")),
        rate.tolist(),
        *(rows[name].tolist() for name in ("zero_window_events", "window_full_events")),
        np.maximum(rows["scale"][:, 1], -1).tolist(),
        (rows["window_sum"] // np.maximum(rows["window_count"], 1)).tolist(),
        *(rows[name].tolist() for name in ("out_of_order", "dup_acks", "missing_segments", "rst_count", "fin_count")),
        *(rows[name].tolist() for name in ("keepalive_count", "completeness")),
        _microseconds(rows["syn_ns"], rows["syn_ack_ns"]),
        _microseconds(rows["syn_ns"], rows["ack_ns"]),
        _microseconds(rows["syn_ns"], np.where(first_data == -NEVER, NEVER, first_data)),
        _microseconds(data[:, 0], data[:, 1]),
        _where_sampled(samples, rows["rtt_min"] // 1000),
        _where_sampled(samples, rows["rtt_max"] // 1000),
        _where_sampled(samples, np.rint(mean / 1000).astype(np.int64)),
        samples.tolist(),
        _where_sampled(samples, np.rint(spread / 1000).astype(np.int64)),
        (rows["payload"].sum(axis=1) - rows["repeated_bytes"]).tolist(),
    ]
    return map(TcpMetrics, *columns)


def states_of(rows: Rows) -> list[str]:
    """Name the state that each TCP connection was last seen in."""
    return list(map(_state, rows["state"].tolist(), rows["completeness"].tolist()))


def _state(state: int, complete: int) -> str:
    fins = [bool(state & bit) for bit in STATE_FIN]
    if all(fins):
        return "closed"
    if state & STATE_RESET:
        return "reset"
    if any(fins) or complete & COMPLETE_FIN:
        return "closing"
    if state & STATE_REFUSED and not complete & (COMPLETE_SYN_ACK | COMPLETE_DATA):
        return "refused"
    if complete & COMPLETE_SYN and not complete & (COMPLETE_ACK | COMPLETE_DATA):
        return "syn_sent"
    return "established"


def _microseconds(start: NDArray[np.int64], end: NDArray[np.int64]) -> list[int | None]:
    """Give the times between moments, None where one was not seen or they are the other way round."""
    known = (start != NEVER) & (end >= start)
    return [
        time if there else None for time, there in zip(((end - start) // 1000).tolist(), known.tolist(), strict=True)
    ]


def _where_sampled(samples: NDArray[np.int64], values: NDArray[np.int64]) -> list[int | None]:
    return [value if count else None for count, value in zip(samples.tolist(), values.tolist(), strict=True)]
