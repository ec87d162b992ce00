"""When something began, and whether it is over: onsets of shares and of levels as detectors of calls need them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kubeshark_mcp.analyse.columns import Int64, Mask
from kubeshark_mcp.analyse.statistics import Numbers, Onset, onset_of_level, onset_of_share, wilson

CHANCE = 1e-3
"""p above which a change may be chance."""
STEPS = 4
"""Steps of one rise that are told apart at most."""
STEP_CHANCE = 0.05
"""p of an earlier, lower step of a rise that is certain by itself."""
BEGINNING = 0.05
"""A rise within this share of the events is no onset: it was so from the first packet on."""


@dataclass(frozen=True, slots=True)
class Rise:
    """A stretch of events that differ from those before. Events are in order of time.

    first, end: positions of the stretch, end excluded. at_ns: when it began, None where it was so from the first event
    on. over_ns: when the last event of the stretch was, None where it lasts. before: None without anything before.
    p: chance of a change like that.
    """

    first: int
    end: int
    at_ns: int | None
    over_ns: int | None
    before: float | None
    after: float
    p: float

    @property
    def rows(self) -> slice:
        """Give the stretch as a slice of the events."""
        return slice(self.first, self.end)


def rise_of_share(times_ns: Int64, hits: Mask) -> Rise | None:
    """Find the stretch in which hits are common; None without hits. A share that never changes is one stretch."""
    if not hits.any():
        return None
    end, over = len(hits), None
    onset = onset_of_share(times_ns, hits)
    if onset is not None and onset.p < CHANCE and onset.after < onset.before:
        last = int(np.flatnonzero(hits[: onset.index])[-1])
        end, over = last + 1, int(times_ns[last])
        onset = onset_of_share(times_ns[:end], hits[:end])
    if onset is None or onset.p >= CHANCE or onset.after <= onset.before or onset.index <= BEGINNING * end:
        return Rise(0, end, None, over, None, float(hits[:end].mean()), 1.0 if onset is None else onset.p)
    if over is None:
        end, over = _tail(times_ns, hits, onset.index)
    first = _first_step(times_ns, hits, onset)
    after = float(hits[first.index : end].mean())
    return Rise(first.index, end, first.at_ns, over, first.before, after, onset.p)


def _first_step(times_ns: Int64, hits: Mask, onset: Onset) -> Onset:
    """Go back to where a rise that came in steps began."""
    for _ in range(STEPS):
        earlier = onset_of_share(times_ns[: onset.index], hits[: onset.index])
        if earlier is None or earlier.p >= STEP_CHANCE or earlier.after <= earlier.before:
            break
        if earlier.index <= BEGINNING * len(hits):
            break
        onset = earlier
    return onset


def _tail(times_ns: Int64, hits: Mask, first: int) -> tuple[int, int | None]:
    """Tell where hits ended for good, if they did."""
    falling = onset_of_share(times_ns[first:], hits[first:])
    if falling is None or falling.p >= CHANCE or falling.after >= falling.before:
        return len(hits), None
    last = first + int(np.flatnonzero(hits[first : first + falling.index])[-1])
    return last + 1, int(times_ns[last])


def rise_of_level(times_ns: Int64, values: Numbers, ratio: float, step: float) -> Rise | None:
    """Find the stretch in which values are `ratio` times and `step` more than before; before and after are medians.

    Where only some of the values rise, what counts is how many are far above the median of all.
    """
    if not len(values) or not _higher(float(values.min()), float(values.max()), ratio, step):
        return None
    level = onset_of_level(times_ns, values)
    if level is None:
        return None
    if level.p < CHANCE and _higher(level.before, level.after, ratio, step):
        first = level.index
        end, over = _level_tail(times_ns, values, first, (level.before + level.after) / 2)
        after = float(np.median(values[first:end]))
        return Rise(first, end, level.at_ns, over, level.before, after, level.p)
    middle = float(np.median(values))
    high = values > max(middle * ratio, middle + step)
    rise = rise_of_share(times_ns, high)
    if rise is None or rise.at_ns is None or rise.before is None:
        return None
    if rise.before > 0.05 or wilson(int(high[rise.rows].sum()), rise.end - rise.first)[0] < 0.1:
        return None
    before, after = float(np.median(values[: rise.first])), float(np.median(values[rise.rows][high[rise.rows]]))
    if not _higher(before, after, ratio, step):
        return None
    return Rise(rise.first, rise.end, rise.at_ns, rise.over_ns, before, after, rise.p)


def _higher(before: float, after: float, ratio: float, step: float) -> bool:
    return after >= before * ratio and after >= before + step


def _level_tail(times_ns: Int64, values: Numbers, first: int, middle: float) -> tuple[int, int | None]:
    return _tail(times_ns, values > middle, first)


def lasting(rise: Rise, times_ns: Int64, window_ns: int) -> bool:
    """Tell whether a stretch is more than a moment: 3 s or a tenth of the window, whatever is less."""
    last = int(times_ns[rise.end - 1])
    return last - int(times_ns[rise.first]) >= min(3 * 10**9, window_ns // 10)


def significant(hits: int, trials: int, share: float) -> bool:
    """Tell whether the share of hits is surely above a share (lower limit of Wilson's interval)."""
    return wilson(hits, trials)[0] > share
