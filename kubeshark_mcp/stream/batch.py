"""Packets of one transport and block, sorted by connection: what the flow table, joining and analysis work on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.model.packet import TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN
from kubeshark_mcp.stream.keys import is_service

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.model.packet import PacketBlock
    from kubeshark_mcp.stream.table import FlowTable

_SORTABLE_BY_RADIX = 1 << 16


_FEW_GROUPS = 16
"""Packets a group from which on looking each group up is cheaper than a pass over all packets."""


def heads_of(values: NDArray[np.int64]) -> NDArray[np.intp]:
    """Give where runs of equal values begin."""
    if not len(values):
        return np.zeros(0, dtype=np.intp)
    changes = np.flatnonzero(values[1:] != values[:-1])
    changes += 1
    return np.concatenate([np.zeros(1, dtype=np.intp), changes])


def stable_order(keys: NDArray[np.int64], bound: int) -> NDArray[np.int64]:
    """Sort small non-negative keys (< bound) stably; in linear time below 2^16."""
    if bound <= _SORTABLE_BY_RADIX:
        return np.argsort(keys.astype(np.uint16), kind="stable")
    return np.argsort(keys, kind="stable")


@dataclass(slots=True)
class Batch:
    """n packets in g groups; a group is one connection's packets in capture order.

    starts: int64 of g, where each group begins; rows: int64 of g, its row in the flow table; fresh: bool of g, whether
    the connection begins in this block. group: int64 of n, the packet's group. index: intp of n, its position in the
    block. direction: intp of n, 0 client, 1 server. number, time: int64. wire: int64, frame length. payload, missing:
    int64, captured and cut payload bytes. sent: int64, both together.
    """

    starts: NDArray[np.int64]
    rows: NDArray[np.int64]
    fresh: NDArray[np.bool_]
    group: NDArray[np.int64]
    index: NDArray[np.intp]
    direction: NDArray[np.intp]
    number: NDArray[np.int64]
    time: NDArray[np.int64]
    wire: NDArray[np.int64]
    payload: NDArray[np.int64]
    missing: NDArray[np.int64]
    sent: NDArray[np.int64] = field(init=False)
    _way: NDArray[np.int64] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.sent = self.payload + self.missing if self.missing.any() else self.payload

    def __len__(self) -> int:
        return len(self.index)

    @property
    def ends(self) -> NDArray[np.int64]:
        """Where each group ends."""
        return np.append(self.starts[1:], len(self.index))

    @property
    def way(self) -> NDArray[np.int64]:
        """Each packet's place in a table of g x 2, row by row; only when clients are settled."""
        if self._way is None:
            self._way = (self.group << 1) + self.direction
        return self._way

    def pick(self, positions: NDArray[np.intp]) -> Batch:
        """Give the packets at these ascending positions, as a batch of the connections that they belong to."""
        old = self.group[positions]
        starts = heads_of(old)
        kept = old[starts]
        return Batch(
            starts=starts,
            rows=self.rows[kept],
            fresh=self.fresh[kept],
            group=np.arange(len(starts)).repeat(np.diff(starts, append=len(old))),
            index=self.index[positions],
            direction=self.direction[positions],
            number=self.number[positions],
            time=self.time[positions],
            wire=self.wire[positions],
            payload=self.payload[positions],
            missing=self.missing[positions],
        )

    def total(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Sum a value of each packet (int64 of n) over each group and direction (int64 of g x 2)."""
        server = values * self.direction
        both = np.add.reduceat(values, self.starts)
        ours = np.add.reduceat(server, self.starts)
        return np.stack([both - ours, ours], axis=1)

    def any(self, marks: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Tell of each group whether any packet is marked."""
        return np.logical_or.reduceat(marks, self.starts)

    def first(self, marks: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Give each group's first marked packet, the number of packets where there is none."""
        count = len(self.index)
        if len(self.starts) * _FEW_GROUPS > count:
            return np.minimum.reduceat(np.where(marks, np.arange(count), count), self.starts)
        marked = np.append(np.flatnonzero(marks), count)
        found = marked[np.searchsorted(marked, self.starts)]
        found[found >= self.ends] = count
        return found

    def last(self, marks: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Give each group's last marked packet, -1 where there is none."""
        count = len(self.index)
        if len(self.starts) * _FEW_GROUPS > count:
            return np.maximum.reduceat(np.where(marks, np.arange(count), -1), self.starts)
        marked = np.append(-1, np.flatnonzero(marks))
        found = marked[np.searchsorted(marked, self.ends) - 1]
        found[found < self.starts] = -1
        return found


@dataclass(slots=True)
class Segments:
    """The TCP columns beside a Batch: uint32 sequence and acknowledgment, uint16 flags, int64 window."""

    sequence: NDArray[np.uint32]
    acknowledgment: NDArray[np.uint32]
    flags: NDArray[np.uint16]
    window: NDArray[np.int64]
    length: NDArray[np.int64] = field(init=False)
    """Sequence numbers that the segment takes (RFC 9293's SEG.LEN)."""
    end: NDArray[np.uint32] = field(init=False)
    """Sequence number behind it."""

    def pick(self, positions: NDArray[np.intp]) -> Segments:
        """Give the columns of the packets at these positions."""
        picked = Segments(
            self.sequence[positions], self.acknowledgment[positions], self.flags[positions], self.window[positions]
        )
        picked.length, picked.end = self.length[positions], self.end[positions]
        return picked

    def measure(self, payload: NDArray[np.int64]) -> None:
        """Fill `length` and `end`; a SYN and a FIN take one number, together as well (as Wireshark counts)."""
        self.length = payload + ((self.flags & (TCP_SYN | TCP_FIN)) != 0)
        self.end = self.sequence + self.length.astype(np.uint32)


def sort_packets(
    block: PacketBlock,
    chosen: NDArray[np.intp],
    rows: NDArray[np.int64],
    fresh: NDArray[np.bool_],
    side: NDArray[np.intp],
    table: FlowTable,
) -> Batch:
    """Sort the `chosen` packets by connection. rows, fresh, side: of each chosen packet.

    `direction` holds the side (0 lower endpoint, 1 higher) until `settle_clients` has said who the client is.
    """
    group, first = table.group(rows)
    order = stable_order(group, len(first))
    index = chosen[order]
    group = group[order]
    starts = heads_of(group)
    return Batch(
        starts=starts,
        rows=rows[first],
        fresh=fresh[first],
        group=group,
        index=index,
        direction=side[order],
        number=block.number[index],
        time=block.time_ns[index],
        wire=block.original_length[index].astype(np.int64),
        payload=block.payload_length[index].astype(np.int64),
        missing=block.payload_missing[index].astype(np.int64),
    )


def settle_clients(batch: Batch, block: PacketBlock, table: FlowTable, *, tcp: bool) -> None:
    """Decide who is the client of each fresh connection, and turn sides into directions.

    The sender of a SYN is the client, of a SYN-ACK the server. Otherwise it is the first sender, unless that one sends
    from a port usual for servers to one that is not.
    """
    new = np.flatnonzero(batch.fresh)
    leader = batch.starts[new]
    index = batch.index[leader]
    server_speaks = is_service(block.source_port[index]) & ~is_service(block.destination_port[index])
    if tcp:
        flags = block.flags[index]
        syn = (flags & (TCP_SYN | TCP_RST)) == TCP_SYN
        server_speaks = np.where(syn, (flags & TCP_ACK) != 0, server_speaks)
    table.rows["client_side"][batch.rows[new]] = batch.direction[leader] ^ server_speaks
    batch.direction ^= table.rows["client_side"][batch.rows].astype(np.intp)[batch.group]


def count_traffic(batch: Batch, table: FlowTable) -> None:
    """Add the batch to its connections' packets, bytes, payload, first and last packet."""
    rows, table_rows = batch.rows, table.rows
    last = batch.ends - 1
    new = rows[batch.fresh]
    table_rows["first_packet"][new] = batch.number[batch.starts[batch.fresh]]
    table_rows["first_ns"][new] = batch.time[batch.starts[batch.fresh]]
    table_rows["last_packet"][rows] = batch.number[last]
    table_rows["last_ns"][rows] = batch.time[last]
    table_rows["packets"][rows] += batch.total(np.ones(len(batch), dtype=np.int64))
    table_rows["bytes"][rows] += batch.total(batch.wire)
    table_rows["payload"][rows] += batch.total(batch.sent)
