"""TCP metrics of connections in plain order, as columns; and the metrics of any row as the model has them."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from kubeshark_mcp.model.packet import TCP_ACK, TCP_FIN, TCP_SYN
from kubeshark_mcp.model.stream import TcpMetrics
from kubeshark_mcp.stream.rows import MARK_SEEN
from kubeshark_mcp.stream.table import NEVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.stream.batch import Batch, Segments
    from kubeshark_mcp.stream.neighbours import Neighbours
    from kubeshark_mcp.stream.table import FlowTable

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
    data = (batch.payload + batch.missing) > 0
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
    counters["completeness"][batch.rows[clean & batch.any(data)]] |= COMPLETE_DATA


def _note_handshakes(batch: Batch, segments: Segments, table: FlowTable, clean: NDArray[np.bool_]) -> None:
    """Note SYN, SYN-ACK and the ACK that follows them."""
    rows, total = table.rows, len(batch)
    opening = segments.flags & _OPENING
    waiting = (rows["completeness"][batch.rows] & COMPLETE_ACK) == 0
    if not waiting.any():
        return
    for bit, column, flags in ((COMPLETE_SYN, "syn_ns", TCP_SYN), (COMPLETE_SYN_ACK, "syn_ack_ns", _OPENING)):
        marks = opening == flags
        if not marks.any():
            continue
        at = batch.first(marks)
        found = clean & (at < total)
        rows["completeness"][batch.rows[found]] |= bit
        new = found & (rows[column][batch.rows] == NEVER)
        rows[column][batch.rows[new]] = batch.time[at[new]]
    answered = (rows["completeness"][batch.rows] & (COMPLETE_SYN | COMPLETE_SYN_ACK)) == COMPLETE_SYN | COMPLETE_SYN_ACK
    at = batch.first((opening == TCP_ACK) & (batch.direction == 0))
    done = clean & waiting & answered & (at < total)
    rows["ack_ns"][batch.rows[done]] = batch.time[at[done]]
    rows["completeness"][batch.rows[done]] |= COMPLETE_ACK


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
        rows["window"][row, direction] = near.scaled[at]
        rows["packet_ns"][row, direction] = batch.time[at]
        rows["marks"][row, direction] = MARK_SEEN


def metrics_of(row: NDArray[Any]) -> TcpMetrics:
    """Make the metrics of one connection from its row (a record of rows.TCP_FIELDS)."""
    names = row.dtype.names or ()
    value = dict(zip(names, row.item(), strict=True))
    first_data = [int(time) for time in value["data_ns"] if time != NEVER]
    segments, samples = value["data_segments"], value["rtt_count"]
    mean = value["rtt_sum"] / samples if samples else 0.0
    spread = sqrt(max(value["rtt_square"] / samples - mean * mean, 0.0)) if samples else 0.0
    scale = int(value["scale"][1])
    return TcpMetrics(
        retransmissions=value["retransmissions"],
        fast_retransmissions=value["fast_retransmissions"],
        retransmission_rate=min(value["retransmissions"] / segments, 1.0) if segments else 0.0,
        zero_window_events=value["zero_window_events"],
        window_full_events=value["window_full_events"],
        window_scale=max(scale, -1),
        avg_receive_window=value["window_sum"] // value["window_count"] if value["window_count"] else 0,
        out_of_order=value["out_of_order"],
        dup_acks=value["dup_acks"],
        missing_segments=value["missing_segments"],
        rst_count=value["rst_count"],
        fin_count=value["fin_count"],
        keepalive_count=value["keepalive_count"],
        connection_completeness=value["completeness"],
        initial_rtt_us=_microseconds(value["syn_ns"], value["syn_ack_ns"]),
        handshake_time_us=_microseconds(value["syn_ns"], value["ack_ns"]),
        connection_time_us=_microseconds(value["syn_ns"], min(first_data, default=NEVER)),
        time_to_first_byte_us=_microseconds(int(value["data_ns"][0]), int(value["data_ns"][1])),
        rtt_min_us=value["rtt_min"] // 1000 if samples else None,
        rtt_max_us=value["rtt_max"] // 1000 if samples else None,
        rtt_avg_us=round(mean / 1000) if samples else None,
        rtt_samples=samples,
        jitter_us=round(spread / 1000) if samples else None,
        goodput_bytes=int(value["payload"].sum()) - value["repeated_bytes"],
    )


def _microseconds(start: int, end: int) -> int | None:
    """Give the time between two moments, None where one was not seen or they are the other way round."""
    return None if NEVER in {start, end} or end < start else (end - start) // 1000
