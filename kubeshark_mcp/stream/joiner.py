"""TCP reassembly of a batch: columns for connections in plain order, an Assembler for the others."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.model.packet import TCP_FIN, TCP_RST
from kubeshark_mcp.model.stream import Closing, Window
from kubeshark_mcp.model.stream_block import StreamBlock
from kubeshark_mcp.stream.assembler import UNKNOWN, Arrival, Assembler, Half
from kubeshark_mcp.stream.joining import advance, cut_runs, disorderly, find_carriers, find_gaps
from kubeshark_mcp.stream.origins import learn_origins
from kubeshark_mcp.stream.pieces import pieces_of
from kubeshark_mcp.stream.rows import (
    STATE_ENDED,
    STATE_FIN,
    STATE_HELD,
    STATE_KNOWN,
    STATE_REFUSED,
    STATE_RESET,
    STATE_STARTED,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from kubeshark_mcp.stream.batch import Batch, Segments
    from kubeshark_mcp.stream.connections import Connections
    from kubeshark_mcp.stream.joining import Source
    from kubeshark_mcp.stream.limits import Counters, Limits
    from kubeshark_mcp.stream.pieces import Runs
    from kubeshark_mcp.stream.table import FlowTable

_LEARNED = STATE_KNOWN[0] | STATE_KNOWN[1] | STATE_STARTED
_BOTH_FINS = STATE_FIN[0] | STATE_FIN[1]


class Joiner:
    """Turns batches into Windows and Closings, and keeps the joining columns of the flow table."""

    def __init__(self, table: FlowTable, connections: Connections, limits: Limits, counters: Counters) -> None:
        self._table = table
        self._connections = connections
        self._limits = limits
        self._counters = counters
        self._assemblers: dict[int, Assembler] = {}
        self._held_bytes = 0

    def join(
        self,
        batch: Batch,
        segments: Segments,
        orderly: NDArray[np.bool_],
        source: Source,
        taken: NDArray[np.bool_],
    ) -> Iterator[StreamBlock | Window | Closing]:
        """Take a batch. orderly: groups that may be in plain order. taken: groups that are to be joined at all."""
        state = self._table.rows["state"][batch.rows]
        learn_origins(batch, segments, self._table)
        ended = taken & ((state & STATE_ENDED) != 0)
        if ended.any():
            late = np.add.reduceat(batch.payload, batch.starts)[ended]
            self._counters.dropped_bytes += int(late.sum())
        wanted = orderly & taken & ~ended & ((state & STATE_HELD) == 0)
        carriers = find_carriers(batch, segments, self._table, wanted)
        wrong = disorderly(batch, segments, self._table, carriers) & wanted
        if wrong.any():
            wanted &= ~wrong
            carriers = find_carriers(batch, segments, self._table, wanted)
        later = ~wanted & ~ended  # these learn their origins packet by packet, or with the part that they come in
        self._table.rows["state"][batch.rows[later]] &= (~_LEARNED & 0xFFFF) | state[later]
        muted = self._connections.muted(batch.rows)
        kept = (batch.payload[carriers.position] > 0) & ~muted[carriers.group]
        gaps = find_gaps(batch, self._table, carriers, kept)
        advance(batch, segments, self._table, carriers, wanted)
        if kept.any():
            yield self._block(batch, *cut_runs(batch, carriers, kept, gaps, source), source.view)
        yield from self._close_finished(batch, segments, wanted)
        for group in np.flatnonzero(later & taken).tolist():
            yield from self._assemble(batch, segments, group, source)
        yield from self._respect_total()

    def end(self, row: int, how: str) -> Iterator[Window | Closing]:
        """Give up on a connection: join what is held, and close it if anybody heard of it."""
        assembler = self._drop(row)
        if assembler is not None and not assembler.ended:
            assembler.flush()
            yield from self._window(row, assembler)
        connection = self._connections.known(row)
        if connection is not None and not int(self._table.rows["state"][row]) & STATE_ENDED:
            yield Closing(connection, how, int(self._table.rows["last_ns"][row]))
        self._table.rows["state"][row] |= STATE_ENDED

    def _block(self, batch: Batch, runs: Runs, groups: NDArray[np.int64], view: memoryview) -> StreamBlock:
        """Give runs of some groups as columns."""
        heads = np.diff(groups, prepend=-1) != 0
        return StreamBlock(
            connections=self._connections.of(batch.rows[groups[heads]].tolist()),
            connection=np.cumsum(heads) - 1,
            direction=runs.direction,
            offset=runs.offset,
            gap=runs.gap,
            first=runs.first,
            start=runs.begin,
            length=runs.length,
            packet=runs.number,
            time_ns=runs.time,
            data=view,
            pieces=partial(runs.pieces, view),
        )

    def _close_finished(self, batch: Batch, segments: Segments, wanted: NDArray[np.bool_]) -> Iterator[Closing]:
        """Close the connections whose second FIN was reached in this batch."""
        done = np.flatnonzero(wanted & ((self._table.rows["state"][batch.rows] & _BOTH_FINS) == _BOTH_FINS))
        if not len(done):
            return
        fin = (segments.flags & (TCP_FIN | TCP_RST)) == TCP_FIN
        moments = [batch.first(fin & (batch.direction == way)) for way in (0, 1)]
        moments = [np.where(moment < len(batch), moment, -1) for moment in moments]
        times = batch.time[np.maximum(*moments)[done]].tolist()
        self._table.rows["state"][batch.rows[done]] |= STATE_ENDED
        for row, time in zip(batch.rows[done].tolist(), times, strict=True):
            connection = self._connections.forget(row)  # of what has ended there are no more events
            if connection is not None:
                yield Closing(connection, "fin", time)

    def _assemble(self, batch: Batch, segments: Segments, group: int, source: Source) -> Iterator[Window | Closing]:
        """Join one connection packet by packet."""
        row = int(batch.rows[group])
        assembler = self._assemblers.get(row)
        if assembler is None:
            assembler = self._load(row)
        else:
            self._held_bytes -= assembler.held_bytes
        if not assembler.muted and self._connections.muted(batch.rows[group : group + 1])[0]:
            assembler.mute()
        start = int(batch.starts[group])
        end = int(batch.starts[group + 1]) if group + 1 < len(batch.starts) else len(batch)
        for arrival in _arrivals(batch, segments, start, end, source):
            assembler.arrive(arrival)
        yield from self._window(row, assembler)
        self._keep(row, assembler)
        if assembler.ended:
            yield from self._close(row, assembler)

    def _close(self, row: int, assembler: Assembler) -> Iterator[Closing]:
        state = self._table.rows["state"]
        how, time = "fin", assembler.closed_at
        if assembler.reset_at is not None:
            how, time = "reset", assembler.reset_at
            state[row] |= STATE_RESET
        state[row] |= STATE_ENDED
        connection = self._connections.forget(row)
        if connection is not None and time is not None:
            yield Closing(connection, how, time)

    def _window(self, row: int, assembler: Assembler) -> Iterator[Window]:
        """Give what was joined since the last time."""
        self._write(row, assembler)
        if assembler.out:
            pieces = pieces_of(assembler.out)
            assembler.out.clear()
            yield Window(self._connections.of([row])[0], pieces)

    def _load(self, row: int) -> Assembler:
        rows = self._table.rows
        state = int(rows["state"][row])
        halves = []
        for way in (0, 1):
            expected = int(rows["next"][row, way])
            halves.append(
                Half(
                    origin=int(rows["origin"][row, way]) if state & STATE_KNOWN[way] else UNKNOWN,
                    expected=expected,
                    gap=int(rows["gap"][row, way]),
                    fin=expected if state & STATE_FIN[way] else UNKNOWN,
                )
            )
        assembler = Assembler((halves[0], halves[1]), self._limits, self._counters)
        assembler.started = bool(state & STATE_STARTED)
        return assembler

    def _write(self, row: int, assembler: Assembler) -> None:
        """Write an assembler's state to its row."""
        rows = self._table.rows
        state = int(rows["state"][row]) | (STATE_REFUSED if assembler.refused else 0)
        state |= STATE_STARTED if assembler.started else 0
        for way, half in enumerate(assembler.halves):
            rows["next"][row, way], rows["gap"][row, way] = half.expected, half.gap
            if half.origin != UNKNOWN:
                rows["origin"][row, way] = half.origin
                state |= STATE_KNOWN[way]
            if UNKNOWN != half.fin <= half.expected:
                state |= STATE_FIN[way]
        rows["state"][row] = state

    def _keep(self, row: int, assembler: Assembler) -> None:
        """Keep an assembler while it waits for something."""
        state = self._table.rows["state"]
        if assembler.waits and not assembler.ended:
            self._assemblers[row] = assembler
            self._held_bytes += assembler.held_bytes
            state[row] |= STATE_HELD
        else:
            self._assemblers.pop(row, None)
            state[row] &= ~STATE_HELD & 0xFFFF

    def _drop(self, row: int) -> Assembler | None:
        assembler = self._assemblers.pop(row, None)
        if assembler is not None:
            self._held_bytes -= assembler.held_bytes
        return assembler

    def _respect_total(self) -> Iterator[Window]:
        """Give up the holes of the connections that hold most, until all together are within the limit."""
        if self._held_bytes <= self._limits.total_bytes:
            return
        hoarders = sorted(self._assemblers.items(), key=lambda item: item[1].held_bytes, reverse=True)
        for row, assembler in hoarders:
            if self._held_bytes <= self._limits.total_bytes // 2:
                return
            self._held_bytes -= assembler.held_bytes
            assembler.flush()
            self._counters.abandoned_holes += 1
            yield from self._window(row, assembler)
            self._keep(row, assembler)


def _arrivals(batch: Batch, segments: Segments, start: int, end: int, source: Source) -> Sequence[Arrival]:
    part = slice(start, end)
    begin = source.payload_offset[batch.index[part]]
    cuts = map(slice, begin.tolist(), (begin + batch.payload[part]).tolist())
    return [
        Arrival(direction, sequence, acknowledgment, flags, source.view[cut], missing, number, time)
        for direction, sequence, acknowledgment, flags, cut, missing, number, time in zip(
            batch.direction[part].tolist(),
            segments.sequence[part].tolist(),
            segments.acknowledgment[part].tolist(),
            segments.flags[part].tolist(),
            cuts,
            batch.missing[part].tolist(),
            batch.number[part].tolist(),
            batch.time[part].tolist(),
            strict=True,
        )
    ]
