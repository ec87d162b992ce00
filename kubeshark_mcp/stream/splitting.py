"""Cut a batch where a packet is out of place, so that only its neighbourhood goes packet by packet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.stream.batch import Batch, Segments
    from kubeshark_mcp.stream.neighbours import Verdict

Part = tuple["Batch", "Segments"]

WORTH_PACKETS = 1024
"""So many packets must be spared the way packet by packet: below that a further round of columns costs more."""
NEIGHBOURHOOD = 16
"""Packets from the one out of place on that go packet by packet with it: its consequences come right behind it."""
ROUNDS = 6
"""Cuts of one batch: a connection that loses packets all the time is not helped by more."""


def split(batch: Batch, segments: Segments, verdict: Verdict) -> tuple[Part, Part, Part] | None:
    """Cut each connection that is not clean: what is before its first odd packet, the neighbourhood of it, the rest.

    The three are to be taken in this order, as if they had come in blocks of their own; each is to be judged anew.
    None where it does not pay.
    """
    sizes = batch.ends - batch.starts
    dirty = ~verdict.clean
    spared = int(np.maximum(sizes[dirty] - NEIGHBOURHOOD, 0).sum())
    if spared < WORTH_PACKETS:
        return None
    odd = np.where(dirty, np.minimum(verdict.first_odd, batch.ends), batch.ends)
    positions = np.arange(len(batch))
    before = positions < odd[batch.group]
    near = positions < odd[batch.group] + NEIGHBOURHOOD
    chosen = before, near & ~before, ~near
    first, second, third = (_pick(batch, segments, np.flatnonzero(marks)) for marks in chosen)
    return first, second, third


def _pick(batch: Batch, segments: Segments, positions: NDArray[np.intp]) -> Part:
    """Give these packets of a batch as a batch."""
    return batch.pick(positions), segments.pick(positions)
