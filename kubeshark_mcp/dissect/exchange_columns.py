"""Requests and answers that each fill a datagram, read as columns: what DNS, RADIUS and ICMP have in common."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from kubeshark_mcp.dissect.base import ColumnReader, Taken
from kubeshark_mcp.dissect.datagram_blocks import chosen_connections, compact, concatenated, detached
from kubeshark_mcp.dissect.exchanges import Bounds, Exchanges, Pairs, pair
from kubeshark_mcp.model.entry_columns import Slices, SpanColumns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.model.datagrams import DatagramBlock
    from kubeshark_mcp.model.entry_columns import ConnectionColumns, EntryColumns

HELD = 8192
"""Unanswered requests that are held at most; with more of them all go to dissectors."""
HELD_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of the n datagrams of a batch before they are paired.

    usual: bool, a dissector would make of it what a reader does. certain: bool, `Protocol.probe` would be sure of it.
    asks, answers: bool; a message that does neither is an entry of its own. number, key: what request and answer share
    (see Exchanges). codes: int32, its reading (see Remembered), -1 where it was not read. again: bool, set where a
    request was repeated while it waited for its answer.
    """

    usual: NDArray[np.bool_]
    certain: NDArray[np.bool_]
    asks: NDArray[np.bool_]
    answers: NDArray[np.bool_]
    number: NDArray[np.int64]
    key: NDArray[np.int32]
    codes: NDArray[np.int32]
    again: NDArray[np.bool_]


class ExchangeColumns(ColumnReader):
    """Reads conversations in which requests are answered as usual. Either end may ask: `src` is who does."""

    shortest: ClassVar[int]
    """Bytes of a header: a datagram with fewer is unusual, and so is one that the capture cut."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._held: DatagramBlock | None = None

    @abstractmethod
    def read(self, batch: Batch, rows: NDArray[np.intp]) -> Told:
        """Read some datagrams, each at least of `shortest` bytes; of the others nothing matters."""

    @abstractmethod
    def entries(self, batch: Batch, told: Told, asked: NDArray[np.intp], answered: NDArray[np.intp]) -> EntryColumns:
        """Make entries of requests and messages of their own. answered: the answers, -1 where there is none."""

    def itself(self, batch: Batch, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Tell which datagrams are of conversations whose answers travel in the direction of their requests."""
        return np.zeros(len(rows), bool)

    def strange(
        self, batch: Batch, told: Told, rows: NDArray[np.intp], messages: Exchanges, pairs: Pairs
    ) -> list[NDArray[np.intp]]:
        """Give messages that are unusual because of others: their conversations are for a dissector.

        rows: of messages. pairs: positions in the batch, as `entries` gets them.
        """
        return []

    def forget(self) -> None:
        """Hear that codes are needed no longer."""

    def feed(self, block: DatagramBlock, offered: NDArray[np.bool_], fresh: NDArray[np.bool_]) -> Taken:
        """Take what is usual; see ColumnReader."""
        fit = offered.copy()
        fit[block.connection[(block.missing > 0) | (block.length < self.shortest)]] = False
        looked = fit | (offered & ~fresh)
        if not looked.any():
            return Taken(fit)
        rows = np.flatnonzero(looked[block.connection])
        places = np.flatnonzero(np.bincount(block.connection[rows], minlength=len(fit)))
        batch = Batch(compact(block, rows), self._held)
        unusual = np.zeros(len(batch.all.connections), bool)
        unusual[: len(places)] = ~fit[places]
        told, paired = self._pair(batch, unusual, fresh[places])
        kept = np.zeros(len(fit), bool)
        kept[places] = ~unusual[: len(places)]
        returned = batch.held_of(unusual)
        self._held = batch.kept_back(paired.waiting, unusual)
        alone = np.flatnonzero(~(told.asks | told.answers | unusual[batch.all.connection]))
        asked = np.concatenate([paired.asked, alone])
        answered = np.concatenate([paired.answered, np.full(len(alone), -1)])
        entries = self.entries(batch, told, asked, answered) if len(asked) else None
        self.forget()
        return Taken(kept, entries, returned)

    def close(self, numbers: NDArray[np.int64]) -> EntryColumns | None:
        """Hear which connections have ended; give what still waited."""
        held = self._held
        if held is None:
            return None
        ended = np.isin(held.connections.number, numbers)[held.connection]
        if not ended.any():
            return None
        self._held = detached(compact(held, np.flatnonzero(~ended))) if not ended.all() else None
        return self._waited(compact(held, np.flatnonzero(ended)))

    def finish(self) -> EntryColumns | None:
        """Give what still waits at the end."""
        held, self._held = self._held, None
        return None if held is None else self._waited(held)

    def _pair(self, batch: Batch, unusual: NDArray[np.bool_], fresh: NDArray[np.bool_]) -> tuple[Told, Pairs]:
        """Mark the connections that are unusual, and pair the messages of the others. fresh: of the first ones."""
        both = batch.all
        rows = np.flatnonzero(~unusual[both.connection])
        told = self.read(batch, rows)
        unusual[both.connection[rows[~told.usual[rows]]]] = True
        begun = np.full(len(unusual), -1)
        begun[both.connection[::-1]] = np.arange(len(both))[::-1]
        new = np.flatnonzero(fresh)
        unusual[new[~told.certain[begun[new]]]] = True
        rows = rows[~unusual[both.connection[rows]] & (told.asks | told.answers)[rows]]
        messages = self._messages(batch, told, rows)
        found = pair(messages, 2 * len(unusual), self._bounds)
        unusual |= found.unusual.reshape(-1, 2).any(axis=1)
        paired = Pairs(unusual, rows[found.asked], rows[found.answered], rows[found.waiting]).usual(both.connection)
        stay = ~unusual[both.connection[rows]]
        for strange in self.strange(batch, told, rows[stay], messages.taken(stay), paired):
            unusual[both.connection[strange]] = True
        paired = paired.usual(both.connection)
        if len(paired.waiting) > HELD or int(both.length[paired.waiting].sum()) > HELD_BYTES:
            unusual[both.connection[paired.waiting]] = True
            paired = paired.usual(both.connection)
        return told, paired

    def _messages(self, batch: Batch, told: Told, rows: NDArray[np.intp]) -> Exchanges:
        """Give messages for pairing. Each direction of a connection is one of its own: that of the requests."""
        both, answers = batch.all, told.answers[rows]
        asked_by = both.connection[rows] * 2 + (both.direction[rows] ^ (answers & ~self.itself(batch, rows)))
        return Exchanges(asked_by, told.number[rows], told.key[rows], answers, both.time_ns[rows])

    def _waited(self, held: DatagramBlock) -> EntryColumns:
        batch, rows = Batch(held, None), np.arange(len(held))
        told = self.read(batch, rows)
        waiting = Pairs(np.zeros(len(held.connections), bool), rows[:0], rows[:0], rows)
        self.strange(batch, told, rows, self._messages(batch, told, rows), waiting)
        entries = self.entries(batch, told, rows, np.full(len(rows), -1))
        self.forget()
        return entries


class Batch:
    """What is held and the datagrams of a block, as one block: those held in front, their connections behind.

    all: the block, which owns its bytes. count: datagrams that were held.
    """

    def __init__(self, new: DatagramBlock, held: DatagramBlock | None) -> None:
        self.count = 0 if held is None else len(held)
        self.all = new if held is None else concatenated(held, new)
        before = self.all.before.copy()
        shared = len(new.connections)
        before[:shared] -= self._sizes(np.arange(self.count))[:shared]
        self._before = before

    def _sizes(self, rows: NDArray[np.intp]) -> NDArray[np.int64]:
        """Sum the bytes of datagrams by connection and direction."""
        places = self.all.connection[rows].astype(np.int64) * 2 + self.all.direction[rows]
        sums = np.bincount(places, self.all.length[rows], 2 * len(self.all.connections))
        return sums.astype(np.int64).reshape(-1, 2)

    def held_of(self, connections: NDArray[np.bool_]) -> DatagramBlock | None:
        """Give what was held of these connections."""
        rows = np.flatnonzero(connections[self.all.connection[: self.count]])
        return compact(replace(self.all, before=self._before), rows) if len(rows) else None

    def kept_back(self, waiting: NDArray[np.intp], unusual: NDArray[np.bool_]) -> DatagramBlock | None:
        """Give what is held from now on; all else of connections that are not unusual is done with."""
        if not len(waiting):
            return None
        done = ~unusual[self.all.connection]
        done[waiting] = False
        before = self._before + self._sizes(np.flatnonzero(done))
        return detached(compact(replace(self.all, before=before), waiting))

    def octets(self, rows: NDArray[np.intp], at: int) -> NDArray[np.int64]:
        """Give the byte at a position of each datagram, which has so many."""
        return self.all.data[self.all.start[rows] + at].astype(np.int64)

    def words(self, rows: NDArray[np.intp], at: int) -> NDArray[np.int64]:
        """Give the 16 bits at a position of each datagram, in network byte order."""
        return self.octets(rows, at) << 8 | self.octets(rows, at + 1)

    def asked_by(self, rows: NDArray[np.intp]) -> tuple[ConnectionColumns, NDArray[np.int32]]:
        """Give the connections as those who sent these datagrams see them, and which of them each belongs to."""
        sides = self.all.connection[rows] * 2 + self.all.direction[rows]
        used = np.zeros(2 * len(self.all.connections), bool)
        used[sides] = True
        chosen = np.flatnonzero(used)
        columns = chosen_connections(self.all.connections, chosen >> 1)
        return _turned(columns, chosen & 1 == 1), (np.cumsum(used, dtype=np.int32) - 1)[sides]

    def spans(self, rows: NDArray[np.intp]) -> SpanColumns:
        """Give the evidence of messages that fill their datagrams; none where the row is -1."""
        seen, nothing = rows >= 0, np.zeros(len(rows), np.int64)
        length, packets, times = (
            np.where(seen, part[rows], 0) for part in (self.all.length, self.all.packet, self.all.time_ns)
        )
        return SpanColumns(seen, nothing, length, packets, packets, times, times, nothing)

    def bodies(self, data: bytes, rows: NDArray[np.intp], limit: int) -> Slices:
        """Give up to so many bytes of each message, none where the row is -1. data: all bytes, as they may be shown."""
        return Slices(data, self.all.start[rows], np.where(rows >= 0, np.minimum(self.all.length[rows], limit), -1))


def _turned(columns: ConnectionColumns, turn: NDArray[np.bool_]) -> ConnectionColumns:
    """Exchange client and server of some connections."""
    if not turn.any():
        return columns
    parts = {}
    for part in ("address", "port", "sequence"):
        client, server = getattr(columns, f"client_{part}"), getattr(columns, f"server_{part}")
        parts[f"client_{part}"] = np.where(turn, server, client)
        parts[f"server_{part}"] = np.where(turn, client, server)
    return replace(columns, **parts)
