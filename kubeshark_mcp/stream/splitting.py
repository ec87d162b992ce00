"""Cut a batch where a packet is out of place, so that only its neighbourhood goes packet by packet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.stream.batch import Batch, Segments
    from kubeshark_mcp.stream.neighbours import Verdict

Part = tuple["Batch", "Segments"]

WORTH_PACKETS = 128
"""So many packets must be spared the way packet by packet: below that a further round of columns costs more."""
NEIGHBOURHOOD = 8
"""Packets from the one out of place on that go packet by packet with it: its consequences come right behind it."""
ROUNDS = 6
"""Cuts of one batch: a connection that loses packets all the time is not helped by more."""


def split(batch: Batch, segments: Segments, verdict: Verdict) -> tuple[Part, Part, Part] | None:
    """Cut the connections that are not clean: what is before their first odd packets, the neighbourhoods, the rest.

    The three are to be taken in this order, as if they had come in blocks of their own; each is to be judged anew. The
    clean connections are in none of them. None where it does not pay.
    """
    dirty = np.flatnonzero(~verdict.clean)
    starts, ends = batch.starts[dirty], batch.ends[dirty]
    if int(np.maximum(ends - starts - NEIGHBOURHOOD, 0).sum()) < WORTH_PACKETS:
        return None
    odd = np.minimum(verdict.first_odd[dirty], ends)
    behind = np.minimum(odd + NEIGHBOURHOOD, ends)
    first, second, third = (
        _pick(batch, segments, _ranges(begin, end)) for begin, end in ((starts, odd), (odd, behind), (behind, ends))
    )
    return first, second, third


def _ranges(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the positions from each start to its end."""
    sizes = ends - starts
    before = np.cumsum(sizes) - sizes
    positions: NDArray[np.int64] = np.arange(int(sizes.sum())) + (starts - before).repeat(sizes)
    return positions


def _pick(batch: Batch, segments: Segments, positions: NDArray[np.int64]) -> Part:
    """Give these packets of a batch as a batch."""
    return batch.pick(positions), segments.pick(positions)
