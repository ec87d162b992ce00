"""Statistics that detectors share: rates, onsets, shifts, and corrections for looking often. Numpy only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]

LEAST_SIDE = 4
"""Events on each side of a split below which no onset is named."""
ALIKE = 0.1
"""Chance from which two shares are taken for one."""
SPLITS = 4096
"""Splits that are tried at most; denser events are thinned evenly."""


@dataclass(frozen=True, slots=True)
class Onset:
    """Where a rate or a level changed.

    index: first event of the new regime; at_ns: its time. p: chance of such a split in events that do not change,
    corrected for the number of splits.
    """

    index: int
    at_ns: int
    before: float
    after: float
    p: float


def wilson(hits: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Give the interval of a share (Wilson 1927); (0, 1) without trials."""
    if trials <= 0:
        return 0.0, 1.0
    share, square = hits / trials, z * z
    centre = share + square / (2 * trials)
    width = z * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    return max(0.0, (centre - width) / (1 + square / trials)), min(1.0, (centre + width) / (1 + square / trials))


def normal_tail(z: float) -> float:
    """Give the chance of a value beyond z, one-sided, under the standard normal distribution."""
    return 0.5 * math.erfc(z / math.sqrt(2))


def shares_differ(hits_a: int, trials_a: int, hits_b: int, trials_b: int) -> float:
    """Give the two-sided p of two shares being equal (likelihood ratio, one degree of freedom)."""
    if not trials_a or not trials_b:
        return 1.0
    both = _likelihood(hits_a + hits_b, trials_a + trials_b)
    gain = _likelihood(hits_a, trials_a) + _likelihood(hits_b, trials_b) - both
    return 2 * normal_tail(math.sqrt(max(0.0, 2 * gain)))


def _likelihood(hits: int, trials: int) -> float:
    if hits in (0, trials):
        return 0.0
    share = hits / trials
    return hits * math.log(share) + (trials - hits) * math.log(1 - share)


def rank_test(before: Numbers, after: Numbers) -> tuple[float, float]:
    """Compare two samples by ranks (Mann and Whitney 1947, ties corrected, normal approximation).

    Gives the two-sided p, and the chance that a value of `after` exceeds one of `before` (0.5: no difference).
    """
    n, m = len(before), len(after)
    if not n or not m:
        return 1.0, 0.5
    values = np.concatenate([before, after])
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    wins = float(ranks[n:].sum()) - m * (m + 1) / 2
    total = n + m
    ties = float((counts.astype(float) ** 3 - counts).sum())
    variance = n * m / 12 * ((total + 1) - ties / (total * (total - 1))) if total > 1 else 0.0
    chance = wins / (n * m)
    if variance <= 0:
        return 1.0, chance
    z = max(0.0, abs(wins - n * m / 2) - 0.5) / math.sqrt(variance)
    return min(1.0, 2 * normal_tail(z)), chance


def onset_of_share(times_ns: Numbers, hits: Numbers) -> Onset | None:
    """Find where the share of hits among events changed most (likelihood ratio over all splits); None with few events.

    times_ns: ascending; hits: bool for each. Bonferroni over the splits makes p honest enough for events in a row.
    """
    count = len(times_ns)
    if count < 2 * LEAST_SIDE:
        return None
    cumulative = np.cumsum(hits.astype(np.int64))
    splits = _splits(count)
    left_hits, left_trials = cumulative[splits - 1].astype(float), splits.astype(float)
    right_hits, right_trials = cumulative[-1] - left_hits, count - left_trials
    gains = _gain(left_hits, left_trials) + _gain(right_hits, right_trials)
    base = float(_gain(np.array([float(cumulative[-1])]), np.array([float(count)]))[0])
    best = int(np.argmax(gains))
    index = int(splits[best])
    index = _refined(index, hits, left_hits[best] / left_trials[best] < right_hits[best] / right_trials[best])
    p = min(1.0, len(splits) * 2 * normal_tail(math.sqrt(max(0.0, 2 * (float(gains[best]) - base)))))
    index = _earlier(index, cumulative)
    before, after = float(hits[:index].mean()) if index else 0.0, float(hits[index:].mean())
    return Onset(index, int(times_ns[index]), before, after, p)


def _refined(index: int, hits: Numbers, rising: bool) -> int:
    """Move a split to the first hit after it (the last one before it, where the share falls)."""
    if rising:
        after = np.flatnonzero(hits[index:])
        return index + int(after[0]) if len(after) else index
    return index


def _earlier(index: int, cumulative: Numbers) -> int:
    """Move an onset back to the very first hit, where hits were as frequent between the two as they are after it.

    Of hits that are rare the likeliest split lies anywhere; what is before the first one has none at all.
    """
    if not index or cumulative[index - 1] == 0:
        return index
    first, count, total = int(np.argmax(cumulative > 0)), len(cumulative), int(cumulative[-1])
    between = int(cumulative[index - 1])
    p = shares_differ(between, index - first, total - between, count - index)
    return first if p > ALIKE else index


def _gain(hits: Numbers, trials: Numbers) -> Numbers:
    share = np.divide(hits, trials, out=np.zeros_like(hits), where=trials > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = hits * np.log(share) + (trials - hits) * np.log1p(-share)
    finite: Numbers = np.nan_to_num(value, nan=0.0, posinf=0.0, neginf=0.0)
    return finite


def onset_of_level(times_ns: Numbers, values: Numbers) -> Onset | None:
    """Find where values moved to another level (rank-based CUSUM, Pettitt 1979); before and after are medians."""
    count = len(times_ns)
    if count < 2 * LEAST_SIDE:
        return None
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    splits = _splits(count)
    sums = np.cumsum(ranks)[splits - 1]
    statistics = 2 * sums - splits * (count + 1)
    best = int(np.argmax(np.abs(statistics)))
    index, strength = int(splits[best]), float(abs(statistics[best]))
    p = min(1.0, 2 * math.exp(-6 * strength**2 / (float(count) ** 3 + float(count) ** 2)))
    before, after = float(np.median(values[:index])), float(np.median(values[index:]))
    return Onset(index, int(times_ns[index]), before, after, p)


def _splits(count: int) -> NDArray[np.int64]:
    every = np.arange(LEAST_SIDE, count - LEAST_SIDE + 1, dtype=np.int64)
    if len(every) <= SPLITS:
        return every
    return every[np.linspace(0, len(every) - 1, SPLITS).astype(np.int64)]


def corrected(chances: Sequence[float]) -> list[float]:
    """Give p values corrected for their number (Benjamini and Hochberg 1995), in the given order."""
    if not chances:
        return []
    order = np.argsort(chances)
    ordered = np.asarray(chances, float)[order] * len(chances) / np.arange(1, len(chances) + 1)
    ordered = np.minimum.accumulate(ordered[::-1])[::-1].clip(max=1.0)
    back = np.empty(len(chances))
    back[order] = ordered
    return [float(p) for p in back]


def quantile(values: Numbers, share: float) -> float:
    """Give a quantile that occurs among the values (the discrete one, as answers print it); 0 without values."""
    if not len(values):
        return 0.0
    return float(np.quantile(values, share, method="inverted_cdf"))
