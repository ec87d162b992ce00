"""Find where the records of a window begin: each one tells only where the next one is.

Walking such a chain record by record costs Python some 500 ns a record. So the window is cut into lanes, a record
start is guessed in each, all lanes are walked in lock-step by numpy, and a lane counts only when the lane before it
ended exactly where it began: the guess makes it fast, the proof makes it right.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Storage = memoryview | bytearray
    """The bytes of a window, for work on single ones."""

LANE_BYTES = 64 << 10
"""Wanted distance of two lanes: fewer bytes waste guesses, more waste steps."""
FEWEST_LANES = 4
STEPS = 32
"""Records that all lanes are walked by, before those that have come to their ends are left out."""
_LOOK_BYTES = 2048
"""Bytes that are searched at once."""


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
    guess: Callable[[Storage, int, int], int]

    @property
    def shortest(self) -> int:
        """Give the bytes that must be there before a length can be read."""
        return max(self.length_at + 4, self.overhead + self.least)


def walk(
    chain: Chain, storage: Storage, data: NDArray[np.uint8], start: int, end: int
) -> tuple[NDArray[np.int64], int]:
    """Give the starts of all whole records of data[start:end], and where reading stopped.

    It stops at `end`, at a record that is not whole, or at a length that cannot be.
    """
    if end - start < FEWEST_LANES * LANE_BYTES:
        found, stop = _walk_singly(chain, storage, start, end, end)
        return np.array(found, np.int64), stop
    starts = _guess_lanes(chain, storage, start, end)
    walked, ends = _walk_lanes(chain, data, starts, end)
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
    parts = [part.positions(proven) for part in walked]
    positions = np.concatenate([*parts, np.array(extra, np.int64)])
    # Each part is ascending, and merging runs is what a stable sort is good at.
    positions.sort(kind="stable")
    return _trust(chain, data, positions, position, end)


def _trust(
    chain: Chain, data: NDArray[np.uint8], positions: NDArray[np.int64], stop: int, end: int
) -> tuple[NDArray[np.int64], int]:
    """Cut the chain at its first record that is not whole or whose length cannot be: lanes do not look for them."""
    if chain.least or chain.multiple > 1:
        lengths = _lengths(chain, data)[positions + chain.length_at].astype(np.int64)
        bad = (lengths < chain.least) | (lengths > chain.most)
        bad |= lengths % chain.multiple != 0
    else:  # where the next one begins tells the length
        bad = np.diff(positions, append=stop) > chain.most + chain.overhead
    if len(bad):
        bad[-1] |= stop > end
    if not bad.any():
        return positions, stop
    first = int(np.argmax(bad))
    return positions[:first], int(positions[first])


def _walk_singly(chain: Chain, storage: Storage, start: int, bound: int, end: int) -> tuple[list[int], int]:
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


def _guess_lanes(chain: Chain, storage: Storage, start: int, end: int) -> NDArray[np.int64]:
    starts = [start]
    for cut in range(start + LANE_BYTES, end, LANE_BYTES):
        candidate = chain.guess(storage, cut, min(cut + LANE_BYTES, end))
        if candidate > starts[-1]:
            starts.append(candidate)
    return np.array(starts, np.int64)


def _lengths(chain: Chain, data: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """View every position of `data` as the beginning of a length."""
    return np.ndarray((len(data) - 3,), dtype=f"{chain.order}u4", buffer=data, strides=(1,))


@dataclass(frozen=True, slots=True)
class _Walked:
    """Up to STEPS positions of some lanes (steps x lanes), and which of them lie before the ends of their lanes."""

    lanes: NDArray[np.intp]
    steps: NDArray[np.int64]
    inside: NDArray[np.bool_]

    def positions(self, proven: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Give the positions in proven lanes, ascending."""
        kept = proven[self.lanes]
        if kept.all():
            return self.steps.T[self.inside.T]
        return self.steps.T[kept][self.inside.T[kept]]


def _walk_lanes(
    chain: Chain, data: NDArray[np.uint8], starts: NDArray[np.int64], end: int
) -> tuple[list[_Walked], NDArray[np.int64]]:
    """Give the positions found, and where each lane ended (`end + 1` where that is beyond `end`).

    All lanes go on for some steps, even behind their ends. Lengths are not checked here: a wrong one leads out of its
    lane, and `_trust` finds it.
    """
    lengths = _lengths(chain, data)[chain.length_at :]
    bounds = np.append(starts[1:], end)
    ends = starts.copy()
    lanes = np.arange(len(starts))
    position = starts
    walked: list[_Walked] = []
    while len(lanes):
        steps = np.empty((STEPS + 1, len(lanes)), np.int64)
        steps[0] = position
        for before, behind in pairwise(steps):
            # Nothing is walked beyond `end + 1`, and PADDING zeros follow: the length can be read.
            length = lengths[before]
            if chain.least:
                length = np.maximum(length, chain.least)
            np.add(before, length, out=behind)
            np.add(behind, chain.overhead, out=behind)
            np.minimum(behind, end + 1, out=behind)
        inside = steps < bounds
        walked.append(_Walked(lanes, steps[:-1], inside[:-1]))
        going = inside[-1]
        done = np.flatnonzero(~going)
        ends[lanes[done]] = steps[np.count_nonzero(inside, axis=0)[done], done]
        lanes, bounds, position = lanes[going], bounds[going], steps[-1][going]
    return walked, ends


def occurrences(storage: Storage, pattern: bytes, start: int, stop: int) -> Iterator[int]:
    """Give where `pattern` begins and ends within start..stop, in order."""
    overlap = len(pattern) - 1
    for first in range(start, stop, _LOOK_BYTES):
        look = bytes(storage[first : min(first + _LOOK_BYTES + overlap, stop)])
        found = look.find(pattern)
        while found >= 0:
            yield first + found
            found = look.find(pattern, found + 1)
