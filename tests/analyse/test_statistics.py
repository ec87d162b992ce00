from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.analyse import statistics as s


def test_an_onset_of_failures_is_found_at_the_first_failure() -> None:
    times, hits = np.arange(100) * 10**9, np.arange(100) >= 60
    found = s.onset_of_share(times, hits)
    assert found is not None
    assert (found.index, found.at_ns, found.before, found.after) == (60, 60 * 10**9, 0.0, 1.0)
    assert found.p < 1e-9


def test_failures_spread_evenly_have_no_onset() -> None:
    found = s.onset_of_share(np.arange(200) * 10**9, np.arange(200) % 10 == 0)
    assert found is not None
    assert found.p > 0.2


def test_a_level_that_moves_is_found_and_noise_is_not() -> None:
    random = np.random.default_rng(1)
    times, noise = np.arange(300) * 10**9, random.lognormal(1, 0.5, 300)
    moved = noise.copy()
    moved[200:] *= 5
    found, quiet = s.onset_of_level(times, moved), s.onset_of_level(times, noise)
    assert found is not None
    assert quiet is not None
    assert abs(found.index - 200) <= 5
    assert (found.p < 1e-6, quiet.p > 0.05, found.after > 3 * found.before) == (True, True, True)


def test_few_events_have_no_onset() -> None:
    assert s.onset_of_share(np.arange(7), np.ones(7, bool)) is None
    assert s.onset_of_level(np.arange(7), np.ones(7)) is None


def test_many_events_are_thinned_and_the_onset_is_still_exact() -> None:
    hits = np.arange(50_000) >= 31_337
    found = s.onset_of_share(np.arange(50_000), hits)
    assert found is not None
    assert abs(found.index - 31_337) <= 50_000 // s.SPLITS + 1


def test_ranks_tell_larger_values_from_smaller_ones() -> None:
    p, chance = s.rank_test(np.arange(50), np.arange(50) + 30)
    assert p < 1e-6
    assert chance > 0.8
    assert s.rank_test(np.ones(9), np.ones(9)) == (1.0, 0.5)
    assert s.rank_test(np.ones(0), np.ones(9)) == (1.0, 0.5)


def test_shares_that_differ_and_shares_that_do_not() -> None:
    assert s.shares_differ(0, 100, 50, 100) < 1e-9
    assert s.shares_differ(5, 100, 6, 100) > 0.5
    assert s.shares_differ(0, 0, 1, 1) == 1.0


def test_the_interval_of_a_share_holds_the_share() -> None:
    low, high = s.wilson(5, 10)
    assert low == pytest.approx(0.2366, abs=1e-3)
    assert high == pytest.approx(0.7634, abs=1e-3)
    assert s.wilson(0, 0) == (0.0, 1.0)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_corrected_chances_are_never_smaller_and_keep_their_order(chances: list[float]) -> None:
    made = s.corrected(chances)
    assert all(new >= min(1.0, old) - 1e-12 for new, old in zip(made, chances, strict=True))
    order = np.argsort(chances, kind="stable")
    assert all(made[a] <= made[b] + 1e-12 for a, b in itertools.pairwise(order))


def test_a_quantile_is_a_value_that_occurs() -> None:
    assert s.quantile(np.array([1, 2, 3, 100]), 0.5) == 2
    assert s.quantile(np.array([]), 0.5) == 0.0


def test_the_onset_of_rare_failures_is_the_first_of_them() -> None:
    hits = np.zeros(400, bool)
    hits[[150, 161, 170, 196, 205, 214, 222, 230, 241, 250, 262, 270, 281, 295, 301, 312, 330, 345, 360, 380]] = True
    found = s.onset_of_share(np.arange(400), hits)
    assert found is not None
    assert (found.index, found.before) == (150, 0.0)
    stray = np.arange(400) >= 200
    stray[20] = True
    assert s.onset_of_share(np.arange(400), stray).index == 200  # type: ignore[union-attr]
