"""Header fields of many packets at once: one fancy index for each header, then columns of a structured view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def gather(data: NDArray[np.uint8], offsets: NDArray[np.int64], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Copy the `dtype.itemsize` bytes at each offset of `data` and view them as `dtype`.

    Every offset must leave room for a whole item; windows are padded for that. Void items make numpy copy each of
    them with one memcpy, whatever its alignment.
    """
    size = dtype.itemsize
    items = np.ndarray((max(len(data) - size + 1, 0),), dtype=f"V{size}", buffer=data, strides=(1,))
    return items[offsets].view(dtype)


FRONT_BYTES = 64
"""Bytes at the beginning of a packet in which its headers usually are; no more than follow the end of a window."""


class Fronts:
    """The first bytes of all packets of a block, gathered once: to gather 64 bytes of each costs as much as two.

    Headers that begin at the same place in all packets are views of them.
    """

    def __init__(self, data: NDArray[np.uint8], starts: NDArray[np.int64]) -> None:
        self._data, self._starts = data, starts
        self._fronts: NDArray[Any] | None = None

    def headers(self, offsets: NDArray[np.int64], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Give the header at each offset; see `gather`. The result may be a view."""
        count = len(self._starts)
        if len(offsets) != count or not count:
            return gather(self._data, offsets, dtype)
        place = int(offsets[0]) - int(self._starts[0])
        if not 0 <= place <= FRONT_BYTES - dtype.itemsize or (offsets - self._starts != place).any():
            return gather(self._data, offsets, dtype)
        if self._fronts is None:
            self._fronts = gather(self._data, self._starts, np.dtype(f"V{FRONT_BYTES}"))
        return np.ndarray((count,), dtype, self._fronts, place, (FRONT_BYTES,))


def table(size: int, members: dict[int, int] | frozenset[int] | set[int]) -> NDArray[np.uint8]:
    """Build a look-up array: 1 (or the given value) at each member, 0 elsewhere."""
    values = np.zeros(size, np.uint8)
    for member in members:
        values[member] = members[member] if isinstance(members, dict) else 1
    return values
