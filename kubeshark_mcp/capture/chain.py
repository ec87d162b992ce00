"""Find where the records of a window begin: each one tells only where the next one is.

Walking such a chain record by record costs Python some 500 ns a record. So the window is cut into lanes, a record
start is guessed in each, all lanes are walked in lock-step by numpy, and a lane counts only when the lane before it
ended exactly where it began: the guess makes it fast, the proof makes it right.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LANE_BYTES = 64 << 10
"""Wanted distance of two lanes: fewer bytes waste guesses, more waste steps."""
FEWEST_LANES = 4


@dataclass(frozen=True, slots=True)
class Chain:
    """How one record leads to the next: `next = position + overhead + u32 at (position + length_at)`.

    order: `<` or `>`. least, most: lengths outside are damage. multiple: lengths must be a multiple of it.
    guess(storage, start, stop): a likely record start in start..stop, or -1.
    """

    order: str
    length_at: int
    overhead: int
    least: int
    most: int
    multiple: int
    guess: Callable[[bytearray, int, int], int]

    @property
    def shortest(self) -> int:
        """Give the bytes that must be there before a length can be read."""
        return max(self.length_at + 4, self.overhead + self.least)


def walk(
    chain: Chain, storage: bytearray, data: NDArray[np.uint8], start: int, end: int
) -> tuple[NDArray[np.int64], int]:
    """Give the starts of all whole records of data[start:end], and where reading stopped.

    It stops at `end`, at a record that is not whole, or at a length that cannot be.
    """
    if end - start < FEWEST_LANES * LANE_BYTES:
        found, stop = _walk_singly(chain, storage, start, end, end)
        return np.array(found, np.int64), stop
    starts = _guess_lanes(chain, storage, start, end)
    positions, lanes, ends = _walk_lanes(chain, data, starts, end)
    proven = np.ones(len(starts), np.bool_)
    extra: list[int] = []
    position = start
    bounds = [*starts[1:].tolist(), end]
    for lane, (first, last, bound) in enumerate(zip(starts.tolist(), ends.tolist(), bounds, strict=True)):
        if position == first:
            position = last
            continue
        proven[lane] = False
        found, position = _walk_singly(chain, storage, position, bound, end)
        extra += found
        if position < bound:
            proven[lane + 1 :] = False
            break
    if not proven.all():
        positions = np.concatenate((positions[proven[lanes]], np.array(extra, np.int64)))
    # Each step of the lanes is an ascending run, and merging runs is what a stable sort is good at.
    positions.sort(kind="stable")
    return _trust(chain, data, positions, position, end)


def _trust(
    chain: Chain, data: NDArray[np.uint8], positions: NDArray[np.int64], stop: int, end: int
) -> tuple[NDArray[np.int64], int]:
    """Cut the chain at its first record that is not whole or whose length cannot be: lanes do not look for them."""
    lengths = _lengths(chain, data)[positions + chain.length_at].astype(np.int64)
    bad = (lengths < chain.least) | (lengths > chain.most)
    if chain.multiple > 1:
        bad |= lengths % chain.multiple != 0
    if len(bad):
        bad[-1] |= stop > end
    if not bad.any():
        return positions, stop
    first = int(np.argmax(bad))
    return positions[:first], int(positions[first])


def _walk_singly(chain: Chain, storage: bytearray, start: int, bound: int, end: int) -> tuple[list[int], int]:
    """Walk from `start` until a record begins at or behind `bound`, or cannot be read; `end` limits the records."""
    read_length = struct.Struct(f"{chain.order}I").unpack_from
    length_at, overhead, least, most, multiple = (
        chain.length_at,
        chain.overhead,
        chain.least,
        chain.most,
        chain.multiple,
    )
    found: list[int] = []
    position = start
    while position < bound and position + length_at + 4 <= end:
        (length,) = read_length(storage, position + length_at)
        following = position + overhead + length
        if following > end or length < least or length > most or length % multiple:
            break
        found.append(position)
        position = following
    return found, position


def _guess_lanes(chain: Chain, storage: bytearray, start: int, end: int) -> NDArray[np.int64]:
    starts = [start]
    for cut in range(start + LANE_BYTES, end, LANE_BYTES):
        candidate = chain.guess(storage, cut, min(cut + LANE_BYTES, end))
        if candidate > starts[-1]:
            starts.append(candidate)
    return np.array(starts, np.int64)


def _lengths(chain: Chain, data: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """View every position of `data` as the beginning of a length."""
    return np.ndarray((len(data) - 3,), dtype=f"{chain.order}u4", buffer=data, strides=(1,))


def _walk_lanes(
    chain: Chain, data: NDArray[np.uint8], starts: NDArray[np.int64], end: int
) -> tuple[NDArray[np.int64], NDArray[np.intp], NDArray[np.int64]]:
    """Give the positions found, the lane of each, and where each lane ended.

    Lengths are not checked here: a wrong one leads out of its lane, and `_trust` finds it.
    """
    lengths = _lengths(chain, data)[chain.length_at :]
    bounds = np.append(starts[1:], end)
    ends = starts.copy()
    lanes = np.arange(len(starts))
    position = starts
    all_positions: list[NDArray[np.int64]] = []
    all_lanes: list[NDArray[np.intp]] = []
    while len(lanes):
        all_positions.append(position)
        all_lanes.append(lanes)
        # A lane is only walked inside data[:end], and PADDING zeros follow: the length can be read.
        length = lengths[position]
        if chain.least:
            length = np.maximum(length, chain.least)
        following = position + length
        following += chain.overhead
        going = following < bounds
        if np.count_nonzero(going) < len(going):
            ends[lanes] = following
            lanes, following, bounds = lanes[going], following[going], bounds[going]
        position = following
    return np.concatenate(all_positions), np.concatenate(all_lanes), ends
