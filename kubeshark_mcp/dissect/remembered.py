"""What distinct messages say: each is read once, however often it comes, and told of as columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from kubeshark_mcp.model.entry_columns import Coded, Numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

READINGS = 4096
"""Distinct messages that are remembered from one block to the next. They are forgotten all at once."""
READING_BYTES = 1 << 20
"""Bytes of them, likewise."""

Reading = TypeVar("Reading")


class Codes(dict[bytes, int]):
    """Gives whatever is asked for the next code. new: what was not asked for before, until somebody empties it."""

    def __init__(self) -> None:
        super().__init__()
        self.new: list[bytes] = []

    def __missing__(self, key: bytes) -> int:
        code = self[key] = len(self)
        self.new.append(key)
        return code


class Remembered(Generic[Reading]):
    """Gives messages codes: those that say the same have the same. readings: what the message of each code says."""

    def __init__(self, read: Callable[[bytes], Reading]) -> None:
        self.readings: list[Reading] = []
        self._read = read
        self._codes = Codes()
        self._bytes = 0

    def codes_of(self, messages: Sequence[bytes]) -> NDArray[np.int32]:
        """Give the codes of messages, which hold until `trim`."""
        codes = np.fromiter(map(self._codes.__getitem__, messages), np.int32, len(messages))
        if fresh := self._codes.new:
            self.readings += map(self._read, fresh)
            self._bytes += sum(map(len, fresh))
            self._codes.new = []
        return codes

    def trim(self) -> None:
        """Forget all when they have become too many, so that messages of which none comes twice cost no more."""
        if len(self.readings) > READINGS or self._bytes > READING_BYTES:
            self._codes = Codes()
            self.readings = []
            self._bytes = 0


class Spread(Generic[Reading]):
    """The readings of n rows. A row whose code is -1 has none."""

    def __init__(self, readings: Sequence[Reading], codes: NDArray[np.int32]) -> None:
        used = np.zeros(len(readings) + 1, bool)
        used[codes] = True  # -1 marks the last, which no row has
        used[-1] = False
        places = np.cumsum(used, dtype=np.int32) - 1
        places[-1] = -1
        self.codes: NDArray[np.int32] = places[codes]
        """Of each row, position in `distinct`."""
        self.distinct = [readings[code] for code in np.flatnonzero(used).tolist()]

    def column(self, value: Callable[[Reading], Any]) -> Coded | None:
        """Give what each row says; None where none says anything, which it does by None."""
        values = [value(reading) for reading in self.distinct]
        return Coded(values, self.codes) if any(one is not None for one in values) else None

    def array(self, value: Callable[[Reading], Any], kind: type) -> NDArray[Any]:
        """Give a number or flag of each row; of a row that says nothing, 0."""
        values: NDArray[Any] = np.array([*map(value, self.distinct), 0], kind)
        return np.asarray(values[self.codes])


def preferred(first: Coded | None, second: Coded | None) -> Coded | None:
    """Give the values of the first where it has any, else those of the second."""
    if first is None or second is None:
        return second if first is None else first
    present = np.array([*(value is not None for value in first.values), False])
    codes = np.where(second.codes >= 0, second.codes + len(first.values), -1)
    codes = np.where(present[first.codes], first.codes, codes)
    return Coded([*first.values, *second.values], codes.astype(np.int32))


def flag(seen: NDArray[np.bool_]) -> Numbers | None:
    """Give a flag that is set or not told."""
    return some(seen, seen)


def some(values: NDArray[Any], seen: NDArray[np.bool_]) -> Numbers | None:
    """Give numbers that some rows have."""
    return Numbers(values, None if seen.all() else seen) if seen.any() else None
