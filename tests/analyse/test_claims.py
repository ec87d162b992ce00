from __future__ import annotations

import pytest

from kubeshark_mcp.analyse.claims import counted, counted_and_shared, shared, timed
from kubeshark_mcp.analyse.findings import Claim, Measure
from tests.analyse.building import T0, BuiltFacts, Call


@pytest.fixture
def facts() -> BuiltFacts:
    return BuiltFacts(
        [Call(n, "s/a", "s/b", status="500" if n > 5 else "200", ms=None if n == 9 else n) for n in range(10)]
    )


def test_entries_are_counted_within_the_window(facts: BuiltFacts) -> None:
    window = (T0 + 7 * 10**9, T0 + 9 * 10**9)
    assert counted(facts, "status_code == 500", "errors", window) == Claim(
        "status_code == 500", Measure.COUNT, 2, "errors", "", *window
    )


def test_a_share_is_of_what_is_named(facts: BuiltFacts) -> None:
    assert shared(facts, "status_code == 500", "http", "errors") == Claim(
        "status_code == 500", Measure.SHARE, 0.3, "errors", "http"
    )
    assert shared(facts, "dns", "dns", "nothing").value == 0.0


def test_a_number_and_its_share_since_then_are_those_of_one_claim_each(facts: BuiltFacts) -> None:
    window, errors = (T0 + 5 * 10**9, None), "status_code == 500"
    assert counted_and_shared(facts, errors, "http", "errors", window) == (
        counted(facts, errors, "errors"),
        shared(facts, errors, "http", "share of errors", window),
    )


def test_times_are_of_answered_entries(facts: BuiltFacts) -> None:
    values = {one: timed(facts, "http", one, "").value for one in (Measure.P50_US, Measure.P95_US, Measure.MAX_US)}
    assert values == {Measure.P50_US: 4000, Measure.P95_US: 8000, Measure.MAX_US: 8000}
    assert timed(facts, "http", Measure.MAX_US, "", (T0 + 10**9, T0 + 3 * 10**9)).value == 2000
