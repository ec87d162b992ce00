"""The stream engine: blocks of packets in; windows of bytes, datagrams and closings out, and statistics at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.stream.blocks import one_window_each
from kubeshark_mcp.stream.connections import Addresses
from kubeshark_mcp.stream.datagrams import DatagramSide
from kubeshark_mcp.stream.keys import FOREIGN, NO_TRANSPORT, TRANSPORTS, transport_codes
from kubeshark_mcp.stream.limits import Counters, Limits
from kubeshark_mcp.stream.sharing import Numbering
from kubeshark_mcp.stream.transmission import TcpSide

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from kubeshark_mcp.model.datagrams import Closings, DatagramBlock
    from kubeshark_mcp.model.packet import PacketBlock
    from kubeshark_mcp.model.stats_columns import StatsColumns
    from kubeshark_mcp.model.stream import Closing, ConnectionStats, Window
    from kubeshark_mcp.model.stream_block import StreamBlock
    from kubeshark_mcp.stream.sharing import Selector

    Event = StreamBlock | Window | Closing | DatagramBlock | Closings

__all__ = ["Counters", "Limits", "StreamEngine"]

_TCP = TRANSPORTS.index("tcp")
_SWEEP_PACKETS = 8192
_SWEEPS_PER_IDLE_TIME = 4


class StreamEngine:
    """Follows the connections of ONE capture, whose blocks are fed in order.

    capture: position of the capture among those of the run. The cut into blocks does not change what is given, as long
    as no limit of memory is reached; windows may be cut differently.
    payload: whether anybody wants bytes; without it there are no events, only statistics. columns: whether bytes of TCP
    connections in plain order are to come as StreamBlocks, where they would come as windows.
    selector: which packets are followed, all by default. The time is that of all packets, so that what is followed
    comes to the same, whatever else is. numbering: how connections are numbered, counting by default.
    """

    def __init__(
        self,
        capture: int = 0,
        limits: Limits | None = None,
        *,
        payload: bool = True,
        columns: bool = False,
        selector: Selector | None = None,
        numbering: Numbering | None = None,
    ) -> None:
        limits = limits or Limits()
        numbering = numbering or Numbering()
        self.counters = Counters()
        self.own_packets = 0
        """Packets that were this engine's to follow, those without a transport included."""
        self.most_open = 0
        """Connections that were open at once, of those over TCP or of all others."""
        self._selector = selector
        self._columns = columns
        self._addresses = Addresses()
        self._tcp = TcpSide(capture, limits, self.counters, self._addresses, numbering, wanted=payload)
        self._datagrams = DatagramSide(capture, limits, self.counters, self._addresses, numbering, wanted=payload)
        datagrams = min(limits.datagram_idle_seconds, limits.exchange_idle_seconds)
        shortest = min(limits.tcp_idle_seconds, datagrams, limits.closed_idle_seconds)
        self._sweep_every_ns = max(int(shortest * 1e9 / _SWEEPS_PER_IDLE_TIME), 1)
        self._sweep_at_ns: int | None = None
        self._packets_since_sweep = 0
        self._now_ns = 0

    def feed(self, block: PacketBlock) -> list[Event]:
        """Take the next block; give its events. Windows of one connection are in the order of travel."""
        events: list[Event] = []
        if not len(block):
            return events
        codes = transport_codes(block)
        points = self._addresses.dense_points(block.point)
        own = len(block)
        if self._selector is not None:
            others = ~self._selector.own(block, codes)
            codes[others] = FOREIGN
            own -= int(others.sum())
        self.own_packets += own
        self.counters.skipped_packets += int((codes == NO_TRANSPORT).sum())
        clock = np.maximum(np.maximum.accumulate(block.time_ns), self._now_ns if self._sweep_at_ns is not None else 0)
        start = 0
        while start < len(block):
            if self._sweep_due(clock, start) == start:
                events += self._sweep(int(clock[start]))
            end = min(self._sweep_due(clock, start), len(block))
            events += self._feed_part(block, codes, points, slice(start, end))
            self._packets_since_sweep += end - start
            self._now_ns = int(clock[end - 1])
            start = end
        self.most_open = max(self.most_open, len(self._tcp), len(self._datagrams))
        events += self._tcp.shrink()
        events += self._datagrams.shrink()
        return events

    def finish(self) -> list[Event]:
        """End the capture: give what was held back, and close what was still open."""
        return [*self._tcp.finish(), *self._datagrams.finish()]

    def stats(self) -> Iterator[ConnectionStats]:
        """Give the statistics of all connections that were not drained: first the ones that left the table."""
        yield from self._tcp.stats()
        yield from self._datagrams.stats()

    def forget(self) -> None:
        """Forget the connections that left the table, for one who does not ask for statistics."""
        self._tcp.forget()
        self._datagrams.forget()

    def drain(self) -> Iterator[ConnectionStats]:
        """Give the statistics of connections that left the table, and forget them: bounds memory on long captures."""
        yield from self._tcp.drain()
        yield from self._datagrams.drain()

    def columns(self) -> Iterator[StatsColumns]:
        """Give as columns what `stats` gives; each transport apart, and its connections in the same order."""
        yield from self._tcp.columns()
        yield from self._datagrams.columns()

    def drain_columns(self) -> Iterator[StatsColumns]:
        """Give as columns what `drain` gives, and forget it."""
        yield from self._tcp.drain_columns()
        yield from self._datagrams.drain_columns()

    def _feed_part(
        self, block: PacketBlock, codes: NDArray[np.uint8], points: NDArray[np.uint64], part: slice
    ) -> Iterator[Event]:
        tcp = np.flatnonzero(codes[part] == _TCP) + part.start
        if len(tcp):
            yield from one_window_each(self._tcp.feed(block, tcp, codes, points), columns=self._columns)
        others = np.flatnonzero((codes[part] != _TCP) & (codes[part] < FOREIGN)) + part.start
        if len(others):
            yield from self._datagrams.feed(block, others, codes, points)

    def _sweep_due(self, clock: NDArray[np.int64], start: int) -> int:
        """Give the packet before which idle connections are looked for: a matter of packets, not of blocks."""
        if self._sweep_at_ns is None:
            self._sweep_at_ns = int(clock[start]) + self._sweep_every_ns
        due = int(np.searchsorted(clock, self._sweep_at_ns))
        return max(due, start, start + _SWEEP_PACKETS - self._packets_since_sweep)

    def _sweep(self, now: int) -> Iterator[Event]:
        self._packets_since_sweep = 0
        self._sweep_at_ns = now + self._sweep_every_ns
        yield from self._tcp.sweep(now)
        yield from self._datagrams.sweep(now)
