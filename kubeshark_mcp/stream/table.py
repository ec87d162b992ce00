"""The flow table: an open-addressing hash over conversation keys, and one row of state a connection, in arrays."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import numpy as np

from kubeshark_mcp.stream.keys import KEY_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

NEVER = -(1 << 62)
"""A time that was not seen."""

BASE_FIELDS: list[tuple[Any, ...]] = [
    ("key", "<u8", (KEY_WORDS,)),
    ("number", "<i8"),
    ("client_side", "u1"),  # 0: the lower endpoint of the key is the client
    ("state", "<u2"),  # STATE_* bits
    ("first_packet", "<i8"),
    ("last_packet", "<i8"),
    ("first_ns", "<i8"),
    ("last_ns", "<i8"),
    ("packets", "<i8", (2,)),  # by direction: client, server
    ("bytes", "<i8", (2,)),
    ("payload", "<i8", (2,)),
]
"""Columns that every connection has, whatever its transport."""

Rows = dict[str, "NDArray[Any]"]
"""State of connections: a column a field, of one length. A column of its own for each field keeps the cache warm."""

_MIXER = np.uint64(0x9E3779B97F4A7C15)
"""Odd, its bits spread evenly: 2^64 divided by the golden ratio (Knuth's multiplicative hashing)."""
_TRANSPORT = np.uint64(0xFF)
"""Bits of the last word of a key that hold the transport."""
_FREE = -1


def take(rows: Rows, chosen: NDArray[np.int64] | slice) -> Rows:
    """Copy some rows."""
    return {name: column[chosen] for name, column in rows.items()}


def joined(parts: Sequence[Rows]) -> Rows:
    """Put rows one behind the other."""
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _flat(fields: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    for name, kind, *shape in fields:
        yield name, kind, *(shape[0] if shape else ())


class FlowTable:
    """Connections by key.

    rows: the columns; index r of each is one connection, live where `live[r]`. A key leads to its newest connection.
    """

    def __init__(self, fields: Sequence[tuple[Any, ...]], capacity: int = 1024) -> None:
        self.rows: Rows = {name: np.zeros((capacity, *shape), dtype=kind) for name, kind, *shape in _flat(fields)}
        self.live: NDArray[np.bool_] = np.zeros(capacity, dtype=bool)
        self.archive: list[Rows] = []
        """Rows of connections that left the table, in order of leaving."""
        self._slots: NDArray[np.int64] = np.full(capacity * 4, _FREE, dtype=np.int64)
        self._claims: NDArray[np.int64] = np.zeros(capacity * 4, dtype=np.int64)
        self._free: NDArray[np.int64] = np.arange(capacity - 1, -1, -1)
        # Odd numbers that nobody knows, so that no capture can be made to collide on purpose.
        self._multipliers = [np.uint64(secrets.randbits(64) | 1) for _ in range(KEY_WORDS)]
        self._scratch: NDArray[np.int64] = np.zeros(capacity, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.live) - len(self._free)

    def assign(self, words: Sequence[NDArray[np.uint64]]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Give the row of each of n keys (5 x n words), and whether that row was made by this call."""
        count = len(words[0])
        if (len(self) + count) * 2 > len(self._slots):
            self._rehash(max(len(self._slots), 4 * (len(self) + count)))
        mask = np.int64(len(self._slots) - 1)
        slots = self._hash(words) & mask
        rows, fresh = np.empty(count, dtype=np.int64), np.zeros(count, dtype=bool)
        pending, wanted = np.arange(count), words
        while True:
            candidates = self._slots[slots]
            empty = candidates == _FREE
            if empty.any():
                made = self._claim(words, pending[empty], slots[empty])
                fresh[made] = True
                candidates = self._slots[slots]
            keys = self.rows["key"][candidates]
            other = keys[:, 0] != wanted[0]
            for word in range(1, KEY_WORDS):
                other |= keys[:, word] != wanted[word]
            rows[pending] = candidates
            further = np.flatnonzero(other)
            if not len(further):
                break
            pending, slots = pending[further], (slots[further] + 1) & mask
            wanted = [word[pending] for word in words]
        if fresh.any():
            made_rows = np.zeros(len(self.live), dtype=bool)
            made_rows[rows[fresh]] = True
            fresh = made_rows[rows]
        return rows, fresh

    def renew(self, row: int) -> int:
        """Make a further connection with the key of `row`, which no key leads to any more; give its row."""
        new = int(self.allocate(1)[0])
        self.rows["key"][new] = self.rows["key"][row]
        slot = int(self._hash([self.rows["key"][row : row + 1, word] for word in range(KEY_WORDS)])[0])
        mask = len(self._slots) - 1
        slot &= mask
        while self._slots[slot] != row:
            slot = (slot + 1) & mask
        self._slots[slot] = new
        return new

    def allocate(self, count: int) -> NDArray[np.int64]:
        """Take `count` zeroed rows."""
        if count > len(self._free):
            self._grow(max(2 * len(self.live), len(self) + count))
        taken = self._free[len(self._free) - count :][::-1].copy()
        self._free = self._free[: len(self._free) - count]
        for column in self.rows.values():
            column[taken] = 0
        self.live[taken] = True
        return taken

    def release(self, rows: NDArray[np.int64], *, keyed: bool = True) -> None:
        """Move rows to the archive and let go of their keys. keyed: whether keys lead to them (not after `renew`)."""
        if not len(rows):
            return
        self.archive.append(take(self.rows, rows))
        self.live[rows] = False
        self._free = np.concatenate([self._free, rows[::-1]])
        if keyed:
            self._rehash(len(self._slots))

    def live_rows(self) -> NDArray[np.int64]:
        """Give the rows in use."""
        return np.flatnonzero(self.live)

    def group(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give distinct rows numbers by first appearance: (index of each element's row, position of each first)."""
        count = len(rows)
        positions = np.arange(count)
        self._scratch[rows[::-1]] = positions[::-1]  # of repeated indexes the last assignment stays: the first element
        first = self._scratch[rows]
        leading = first == positions
        return (np.cumsum(leading) - 1)[first], np.flatnonzero(leading)

    def drain(self) -> Iterator[Rows]:
        """Give the archived rows by transport and number, and forget them."""
        if self.archive:
            rows = joined(self.archive)
            self.archive.clear()
            yield take(rows, np.lexsort((rows["number"], rows["key"][:, 4] & _TRANSPORT)))

    def _hash(self, words: Sequence[NDArray[np.uint64]]) -> NDArray[np.int64]:
        """Hash keys: the sum of their words by secret odd multipliers (multiply-shift, Dietzfelbinger et al. 1997)."""
        *addresses, tail = words
        mixed = tail * self._multipliers[-1]
        for word, multiplier in zip(addresses, self._multipliers, strict=False):
            if word.any():  # the upper halves of IPv4 addresses are zero
                mixed += word * multiplier
        # Only the upper bits of a product depend on all bits of its factors: they are brought down to those that count.
        mixed ^= mixed >> np.uint64(32)
        mixed *= _MIXER
        mixed ^= mixed >> np.uint64(32)
        return mixed.view(np.int64)

    def _claim(
        self, words: Sequence[NDArray[np.uint64]], packets: NDArray[np.int64], slots: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Fill empty slots with new rows; of several keys that want one slot the first wins. Give the winners."""
        self._claims[slots[::-1]] = packets[::-1]
        winners: NDArray[np.int64] = packets[self._claims[slots] == packets]
        rows = self.allocate(len(winners))
        for word in range(KEY_WORDS):
            self.rows["key"][rows, word] = words[word][winners]
        self._slots[slots[self._claims[slots] == packets]] = rows
        return winners

    def _grow(self, capacity: int) -> None:
        old = len(self.live)
        for name, column in self.rows.items():
            grown = np.zeros((capacity, *column.shape[1:]), dtype=column.dtype)
            grown[:old] = column
            self.rows[name] = grown
        self.live = np.concatenate([self.live, np.zeros(capacity - old, dtype=bool)])
        self._scratch = np.zeros(capacity, dtype=np.int64)
        self._free = np.concatenate([np.arange(capacity - 1, old - 1, -1), self._free])

    def _rehash(self, size: int) -> None:
        """Build the slots anew from the live rows; of connections with one key the newest is found."""
        size = 1 << (size - 1).bit_length()
        self._slots = np.full(size, _FREE, dtype=np.int64)
        self._claims = np.zeros(size, dtype=np.int64)
        pending = self.live_rows()
        keys = self.rows["key"][pending]
        slots = self._hash([keys[:, word] for word in range(KEY_WORDS)]) & (size - 1)
        while len(pending):
            empty = self._slots[slots] == _FREE
            self._claims[slots[empty]] = pending[empty]
            placed = empty.copy()
            placed[empty] = self._claims[slots[empty]] == pending[empty]
            self._slots[slots[placed]] = pending[placed]
            pending, slots = pending[~placed], (slots[~placed] + 1) & (size - 1)
