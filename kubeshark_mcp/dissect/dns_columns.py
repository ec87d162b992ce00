"""DNS over UDP as columns: conversations in which each question gets one answer, as nearly all do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.dissect.base import ColumnReader, Settings, Taken
from kubeshark_mcp.dissect.datagram_blocks import chosen_connections, compact, concatenated, detached
from kubeshark_mcp.dissect.dns_messages import Messages, Values
from kubeshark_mcp.dissect.exchanges import Bounds, Exchanges, Pairs, pair
from kubeshark_mcp.dissect.wire_dns_records import HEADER_LENGTH
from kubeshark_mcp.model.entry_columns import Coded, Column, EntryColumns, Numbers, Slices, SpanColumns
from kubeshark_mcp.model.stream import Direction

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from kubeshark_mcp.model.datagrams import DatagramBlock
    from kubeshark_mcp.model.entry_columns import ConnectionColumns

HELD = 8192
"""Unanswered queries that are held at most; with more of them all go to dissectors."""
HELD_BYTES = 4 << 20

_FLAGS = frozenset({"dns", "dns_request", "dns_response", "dns_authoritative", "dns_truncated"})


class DnsColumns(ColumnReader):
    """Reads conversations without zone transfers, multicast, answers that nobody asked for, and cut messages."""

    def __init__(self, settings: Settings, bounds: Bounds, is_multicast: Callable[[str], bool]) -> None:
        self._limit = settings.body_limit
        self._bounds = bounds
        self._is_multicast = is_multicast
        self._messages = Messages()
        self._held: DatagramBlock | None = None

    def feed(self, block: DatagramBlock, offered: NDArray[np.bool_], fresh: NDArray[np.bool_]) -> Taken:
        """Take what is usual; see ColumnReader."""
        fit = offered & ~self._multicast(block.connections)
        odd = (block.missing > 0) | (block.length < HEADER_LENGTH)
        fit[block.connection[odd]] = False
        known = offered & ~fresh
        if not (known & ~fit).any() and not fit.any():
            return Taken(fit)
        rows = np.flatnonzero(offered[block.connection])
        places = np.flatnonzero(np.bincount(block.connection[rows], minlength=len(fit)))
        batch = _Batch(compact(block, rows), self._held)
        unusual = np.zeros(len(batch.all.connections), bool)
        unusual[: len(places)] = ~fit[places]
        paired = self._pair(batch, unusual, fresh[places])
        kept = np.zeros(len(fit), bool)
        kept[places] = ~unusual[: len(places)]
        returned = batch.held_of(unusual)
        self._held = batch.kept_back(paired.waiting, paired.asked, paired.answered)
        entries = self._entries(batch, paired.asked, paired.answered) if len(paired.asked) else None
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

    def _multicast(self, connections: ConnectionColumns) -> NDArray[np.bool_]:
        texts = np.array([self._is_multicast(text) for text in connections.addresses], bool)
        return np.asarray(texts[connections.client_address] | texts[connections.server_address])

    def _pair(self, batch: _Batch, unusual: NDArray[np.bool_], fresh: NDArray[np.bool_]) -> Pairs:
        """Mark the connections that are unusual, and pair the messages of the others. fresh: of the first ones."""
        both, messages = batch.all, self._messages
        long = np.flatnonzero(both.length >= HEADER_LENGTH)
        batch.codes = np.full(len(both), -1, np.int32)
        batch.codes[long] = messages.codes_of(batch.data, both.start[long], both.length[long])
        answers = messages.responses(batch.codes)
        usual = messages.plain(batch.codes) & (answers == (both.direction == Direction.SERVER))
        unusual[both.connection[~usual]] = True
        begun = np.full(len(unusual), -1)
        begun[both.connection[::-1]] = np.arange(len(both))[::-1]
        new = np.flatnonzero(fresh)
        unusual[new[~messages.certain(batch.codes[begun[new]])]] = True
        rows = np.flatnonzero(~unusual[both.connection])
        numbers = batch.octets[both.start[rows]].astype(np.int64) << 8 | batch.octets[both.start[rows] + 1]
        exchanges = Exchanges(
            both.connection[rows], numbers, messages.keys.codes[batch.codes[rows]], answers[rows], both.time_ns[rows]
        )
        found = pair(exchanges, len(unusual), self._bounds)
        unusual |= found.unusual
        paired = Pairs(unusual, rows[found.asked], rows[found.answered], rows[found.waiting])
        if len(paired.waiting) <= HELD and int(both.length[paired.waiting].sum()) <= HELD_BYTES:
            return paired
        unusual[both.connection[paired.waiting]] = True
        stay = ~unusual[both.connection[paired.asked]]
        return Pairs(unusual, paired.asked[stay], paired.answered[stay], paired.waiting[:0])

    def _waited(self, held: DatagramBlock) -> EntryColumns:
        batch = _Batch(held, None)
        batch.codes = self._messages.codes_of(batch.data, held.start, held.length)
        return self._entries(batch, np.arange(len(held)), None)

    def _entries(self, batch: _Batch, asked: NDArray[np.intp], answered: NDArray[np.intp] | None) -> EntryColumns:
        """Make the entries of queries with or without answers."""
        both, messages = batch.all, self._messages
        query = batch.codes[asked]
        answer = None if answered is None else batch.codes[answered]
        used = np.zeros(len(both.connections), bool)
        used[both.connection[asked]] = True
        lengths = both.length[asked]
        sizes = lengths if answered is None else lengths + both.length[answered]
        numbers = batch.octets[both.start[asked]].astype(np.int64) << 8 | batch.octets[both.start[asked] + 1]
        fields: dict[str, Column] = {"dns_id": Numbers(numbers), "dns_request_length": Numbers(lengths)}
        fields["dns_total_size"] = Numbers(sizes)
        if answered is not None:
            fields["dns_response_length"] = Numbers(both.length[answered])
        for name, values in messages.fields.items():
            if (column := _column(values, query, answer, flag=name in _FLAGS)) is not None:
                fields[name] = column
        texts = messages.texts
        return EntryColumns(
            "dns",
            chosen_connections(both.connections, np.flatnonzero(used)),
            (np.cumsum(used) - 1)[both.connection[asked]].astype(np.int32),
            batch.spans(asked),
            batch.no_spans(len(asked)) if answered is None else batch.spans(answered),
            fields,
            _coded(texts["summary"], texts["summary"].codes[query]),
            None if answer is None else _coded(texts["status"], texts["status"].codes[answer]),
            None if answer is None else messages.failed(answer),
            _malformed(texts["malformed"], query, answer),
            batch.bodies(asked, self._limit),
            None if answered is None else batch.bodies(answered, self._limit),
        )


class _Batch:
    """What is held and the datagrams of a block, as one block: those held in front, their connections behind."""

    def __init__(self, new: DatagramBlock, held: DatagramBlock | None) -> None:
        self.count = 0 if held is None else len(held)
        self.all = new if held is None else concatenated(held, new)
        self.data = self.all.data.tobytes()
        self.octets = self.all.data
        self.codes = np.zeros(0, np.int32)
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

    def kept_back(
        self, rows: NDArray[np.intp], asked: NDArray[np.intp], answered: NDArray[np.intp]
    ) -> DatagramBlock | None:
        """Give what is held from now on; the others are done with."""
        if not len(rows):
            return None
        before = self._before + self._sizes(asked) + self._sizes(answered)
        return detached(compact(replace(self.all, before=before), rows))

    def spans(self, rows: NDArray[np.intp]) -> SpanColumns:
        """Give the evidence of messages that fill their datagrams."""
        packets, times, nothing = self.all.packet[rows], self.all.time_ns[rows], np.zeros(len(rows), np.int64)
        seen = np.ones(len(rows), bool)
        return SpanColumns(seen, nothing, self.all.length[rows], packets, packets, times, times, nothing)

    @staticmethod
    def no_spans(count: int) -> SpanColumns:
        """Give the evidence of what was not seen."""
        nothing = np.zeros(count, np.int64)
        return SpanColumns(np.zeros(count, bool), *[nothing] * 7)

    def bodies(self, rows: NDArray[np.intp], limit: int) -> Slices:
        """Give the bytes of messages, up to so many of each."""
        return Slices(self.data, self.all.start[rows], np.minimum(self.all.length[rows], limit))


def _column(values: Values, query: NDArray[np.int32], answer: NDArray[np.int32] | None, *, flag: bool) -> Column | None:
    """Give a field: what the answer says of it goes before what the query says. None where neither does."""
    codes = values.codes[query]
    if answer is not None:
        said = values.codes[answer]
        codes = np.where(said >= 0, said, codes)
    seen = codes >= 0
    if not seen.any():
        return None
    if not flag:
        return _coded(values, codes)
    table = np.array(values.distinct, bool)
    return Numbers(table[codes], None if seen.all() else seen)


def _coded(values: Values, codes: NDArray[np.int32]) -> Coded:
    """Give coded values with no others than are used."""
    used = np.zeros(len(values.distinct) + 1, bool)
    used[codes] = True  # -1 marks the last, which nobody has
    used[-1] = False
    places = np.cumsum(used) - 1
    places[-1] = -1
    return Coded([values.distinct[code] for code in np.flatnonzero(used).tolist()], places[codes].astype(np.int32))


def _malformed(values: Values, query: NDArray[np.int32], answer: NDArray[np.int32] | None) -> Coded | None:
    codes = values.codes[query]
    if answer is not None:
        codes = np.where(codes >= 0, codes, values.codes[answer])
    return _coded(values, codes) if (codes >= 0).any() else None
