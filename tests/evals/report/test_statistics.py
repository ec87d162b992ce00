"""Intervals and tests against numbers from the literature."""

from __future__ import annotations

import pytest

from evals.report.statistics import mean, sign_test, wilson


def test_wilson_gives_the_published_interval():
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)  # Newcombe (1998), table I
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_the_sign_test_is_exact_and_two_sided():
    assert sign_test(0, 0) == 1.0
    assert sign_test(0, 5) == pytest.approx(2 / 32)
    assert sign_test(1, 7) == pytest.approx(2 * 9 / 256)
    assert sign_test(4, 4) == 1.0


def test_the_mean_of_nothing_is_nothing():
    assert (mean([]), mean([1, 2])) == (0.0, 1.5)
