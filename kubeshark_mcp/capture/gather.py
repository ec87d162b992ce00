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


def table(size: int, members: dict[int, int] | frozenset[int] | set[int]) -> NDArray[np.uint8]:
    """Build a look-up array: 1 (or the given value) at each member, 0 elsewhere."""
    values = np.zeros(size, np.uint8)
    for member in members:
        values[member] = members[member] if isinstance(members, dict) else 1
    return values
