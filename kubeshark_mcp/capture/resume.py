"""Find the way back into a damaged file: the next place from which several records in a row make sense.

A record says only where the next one is, so behind a length that lies nothing is certain. One record that looks right
may be chance, or bytes of a capture that somebody sent over the network; a chain of them that goes on is neither.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.capture.records import Findings
    from kubeshark_mcp.capture.source import Window

PROOF = 4
"""Records that must follow each other; two are enough where the second ends with the file."""
MOST_RESUMPTIONS = 2000
"""Damages of one file behind which reading goes on: a file made of nothing else must end."""
FIRST_REACH = 8 << 10
"""Bytes read at once behind a damage, growing while there is no other: many damages must not cost a window each."""

MOST_STEPS = 20_000
"""Records walked one by one in all, to tell whether a chain goes on beyond what it may lie in."""

_STEPS_A_LOOK = 5
_SHORTEST_STEP, _LONGEST_STEP = 4096, 1 << 20

Positions = Any
"""An int64 array of positions in the data."""


@dataclass(frozen=True, slots=True)
class Trail:
    """How records of a format are known without knowing where they begin.

    likely(data, start, stop): where in start..stop one may begin, cheaply. follow(data, positions, end): where each of
    these records ends, -1 where it makes no sense or is not whole. largest: bytes of the longest that is believed.
    """

    likely: Callable[[NDArray[np.uint8], int, int], Positions]
    follow: Callable[[NDArray[np.uint8], Positions, int], Positions]
    largest: int


@dataclass(frozen=True, slots=True)
class Damage:
    """Where reading stopped, and what is wrong there.

    offset: position in the file. hopeless: the warning for when nothing behind it can be read.
    """

    reason: str
    packet: int
    offset: int
    hopeless: str


def values_at(data: NDArray[np.uint8], order: str, start: int, stop: int) -> NDArray[np.uint32]:
    """View each position of start..stop as the beginning of a 32-bit number; three bytes must follow `stop`."""
    return np.ndarray((stop - start,), dtype=f"{order}u4", buffer=data, offset=start, strides=(1,))


def find_trail(trail: Trail, data: NDArray[np.uint8], start: int, last: int, end: int, *, whole: bool) -> int:
    """Give the first position in start..last where a chain of records begins, -1 if there is none.

    The records may reach up to `end`. whole: nothing follows behind it.
    """
    step = _SHORTEST_STEP
    while start < last:
        stop = min(start + step, last)
        candidates = trail.likely(data, start, stop)
        if len(candidates) and (found := _first_proven(trail, data, candidates, end, whole)) >= 0:
            return found
        start, step = stop, min(step * 4, _LONGEST_STEP)
    return -1


def _first_proven(trail: Trail, data: NDArray[np.uint8], candidates: Positions, end: int, whole: bool) -> int:
    origins = positions = candidates
    proven: list[Positions] = []
    for count in range(1, PROOF + 1):
        following = trail.follow(data, positions, end)
        if whole and count > 1:
            proven.append(origins[following == end])
        going = (following >= 0) & (following < end)
        origins, positions = origins[going], following[going]
        if not len(origins):
            break
    else:
        proven.append(origins)
    return min((int(found.min()) for found in proven if len(found)), default=-1)


class Search:
    """The search behind the present damage of a file, over as many windows as it takes."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._damage: Damage | None = None
        self._left = MOST_RESUMPTIONS
        self._steps = MOST_STEPS
        self.reach = 1 << 62
        """Bytes that should be read at once."""

    @property
    def active(self) -> bool:
        """Whether the next record has still to be found."""
        return self._damage is not None

    def begin(self, damage: Damage) -> None:
        """Hear of a damage; the window's start is where to look from."""
        self._damage = damage

    def settle(self, skipped: int) -> None:
        """Report the present damage as overcome."""
        damage, self._damage = self._damage, None
        if damage is not None:
            self.spend()
            self._findings.warn(
                f"{damage.reason}; {skipped} bytes are skipped, up to where whole packets begin again",
                damage.packet,
                damage.offset,
            )

    def spend(self) -> bool:
        """Count a damage that was overcome; False when there were too many. Less is read at once behind it."""
        self._left = max(self._left - 1, 0)
        self.reach = FIRST_REACH
        return self._left > 0

    def advance(self, window: Window, trail: Trail) -> int | None:
        """Look for the next record and move the window there.

        Gives None when it was found, else the bytes the window must hold next, 0 when there is no hope.
        """
        damage = self._damage
        if damage is None:
            return None
        # What cannot be proven before the window's end has to wait for the next one.
        last = window.end if window.finished else window.end - PROOF * trail.largest
        bounds = window.start, last, window.end
        found = find_trail(trail, window.data, *bounds, whole=window.finished) if self._left else -1
        if found >= 0:
            window.start = found
            self.settle(window.position - damage.offset)
            return None
        if window.finished or not self._left:
            self._damage = None
            self._findings.warn(damage.hopeless, damage.packet, damage.offset)
            return 0
        window.start = max(window.start, last)
        return window.end - window.start + FIRST_REACH

    def inside(self, trail: Trail, window: Window, start: int, beyond: int) -> int:
        """Find a chain of records that begins in start..beyond and goes on behind it, -1 if there is none.

        Records that a capture holds as somebody's payload end with the packet; those that a lie has swallowed go on.
        """
        if not self._left or not self._steps:
            return -1
        self._steps -= min(_STEPS_A_LOOK, self._steps)
        bounds = start, beyond, window.end
        found = find_trail(trail, window.data, *bounds, whole=window.finished)
        position = np.array([found], np.int64)
        while 0 <= position[0] <= beyond and self._steps:
            self._steps -= 1
            position = trail.follow(window.data, position, window.end)
        return found if found < beyond < position[0] else -1

    def relax(self) -> None:
        """Hear that a part was read without damage."""
        self.reach = min(self.reach * 4, 1 << 62)
