"""How sure the numbers are."""

from __future__ import annotations

import math
from collections.abc import Sequence

Z_95 = 1.959964


def wilson(passed: int, tried: int, z: float = Z_95) -> tuple[float, float]:
    """Give the interval of Wilson (1927) for a share: sound for few tries and for shares at the ends."""
    if tried == 0:
        return 0.0, 1.0
    share, square = passed / tried, z * z
    middle = (share + square / (2 * tried)) / (1 + square / tried)
    half = z / (1 + square / tried) * math.sqrt(share * (1 - share) / tried + square / (4 * tried * tried))
    return max(0.0, middle - half), min(1.0, middle + half)


def sign_test(better: int, worse: int) -> float:
    """Give the two-sided p-value of the exact test of McNemar: of the pairs that differ, half should go each way."""
    differing = better + worse
    if differing == 0:
        return 1.0
    tail = sum(math.comb(differing, each) for each in range(min(better, worse) + 1)) / (1 << differing)
    return min(1.0, 2 * tail)


def mean(values: Sequence[float]) -> float:
    """Give the mean, 0 for nothing."""
    return sum(values) / len(values) if values else 0.0
