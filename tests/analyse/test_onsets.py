from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.analyse.onsets import Rise, lasting, rise_of_level, rise_of_share, significant

SECOND = 10**9


def times(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.int64) * SECOND


def marks(pattern: str) -> np.ndarray:
    return np.array([sign == "x" for sign in pattern])


def test_a_share_that_rises_and_stays_has_an_onset_and_no_end() -> None:
    hits = marks("." * 20 + "x" * 20)
    found = rise_of_share(times(40), hits)
    assert found is not None
    assert (found.first, found.end, found.at_ns, found.over_ns, found.before, found.after) == (
        20,
        40,
        20 * SECOND,
        None,
        0,
        1,
    )


def test_a_share_that_rises_and_falls_has_both() -> None:
    found = rise_of_share(times(80), marks("." * 20 + "x" * 20 + "." * 40))
    assert found is not None
    assert (found.first, found.end, found.over_ns, found.after) == (20, 40, 39 * SECOND, 1.0)
    assert found.rows == slice(20, 40)


def test_a_rise_in_steps_begins_with_the_first_step() -> None:
    found = rise_of_share(times(100), marks("." * 30 + "x...x.x..x" * 3 + "x" * 40))
    assert found is not None
    assert found.first == 30


def test_what_was_so_from_the_start_has_no_onset() -> None:
    found = rise_of_share(times(40), marks("x." * 20))
    assert found is not None
    assert (found.at_ns, found.before, found.after, found.first) == (None, None, 0.5, 0)
    assert rise_of_share(times(40), marks("." * 40)) is None


def test_what_ends_after_the_start_is_a_stretch_of_its_own() -> None:
    found = rise_of_share(times(60), marks("x" * 20 + "." * 40))
    assert found is not None
    assert (found.at_ns, found.over_ns, found.after) == (None, 19 * SECOND, 1.0)


def test_a_level_rises_when_ratio_and_step_are_passed() -> None:
    values = np.array([5, 6] * 20 + [50, 60] * 20)
    found = rise_of_level(times(80), values, 3, 10)
    assert found is not None
    assert (found.first, found.before, found.after, found.over_ns) == (40, 5.5, 55.0, None)
    assert rise_of_level(times(80), values, 3, 100) is None
    assert rise_of_level(times(80), values[::-1], 3, 10) is None
    assert rise_of_level(times(4), values[:4], 3, 10) is None


def test_a_level_that_only_some_values_reach_rises_too() -> None:
    values = np.array([5, 6] * 20 + [5, 6, 90] * 20)
    found = rise_of_level(times(100), values, 3, 10)
    assert found is not None
    assert (found.first >= 40, found.first <= 44, found.after) == (True, True, 90.0)


def test_a_stretch_lasts_when_it_is_more_than_a_moment() -> None:
    assert lasting(Rise(0, 5, None, None, None, 1, 0), times(9), 100 * SECOND)
    assert not lasting(Rise(0, 2, None, None, None, 1, 0), times(9), 100 * SECOND)
    assert lasting(Rise(0, 2, None, None, None, 1, 0), times(9), 10 * SECOND)


def test_a_share_is_significant_when_its_lower_limit_is_above() -> None:
    assert significant(50, 100, 0.3)
    assert not significant(2, 4, 0.3)


@given(st.lists(st.booleans(), max_size=80))
def test_a_stretch_lies_within_the_events_and_has_hits(hits: list[bool]) -> None:
    found = rise_of_share(times(len(hits)), np.array(hits, np.bool_))
    assert (found is None) == (not any(hits))
    if found is not None:
        assert 0 <= found.first < found.end <= len(hits)
        assert any(hits[found.first : found.end])
