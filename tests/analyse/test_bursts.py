from __future__ import annotations

from dataclasses import replace

import numpy as np

from kubeshark_mcp.analyse.bursts import Burst, asked, burst, claims_of, kinds_of, rated, statuses_of
from kubeshark_mcp.analyse.findings import Confidence
from tests.analyse.building import T0, BuiltFacts, Call
from tests.analyse.stories import steady


def story() -> list[Call]:
    late = [
        replace(call, status="500" if n % 2 else "503") for n, call in enumerate(steady("s/a", "s/b", 30, start=12))
    ]
    return steady("s/a", "s/b") + late + steady("s/a", "s/b", 60, endpoint="GET /healthz")


def made(calls: list[Call]) -> tuple[BuiltFacts, Burst]:
    facts = BuiltFacts(calls)
    one = burst(facts, "s/b", "http", np.arange(len(calls)), facts.calls.failed)
    assert one is not None
    return facts, one


def test_kinds_without_bad_calls_do_not_thin_the_share() -> None:
    facts, one = made(story())
    assert (len(one.rows), len(one.bad), len(one.good), one.rise.at_ns) == (90, 30, 60, T0 + 12 * 10**9)
    assert (kinds_of(facts, one), statuses_of(facts, one), asked(facts, one)) == (["GET /"], ["503", "500"], "GET /")


def test_claims_count_by_kind_and_status() -> None:
    facts, one = made(story())
    number, share = claims_of(facts, one, "failed calls")
    assert (number.value, share.value, share.start_ns) == (30, 1.0, T0 + 12 * 10**9)
    assert number.kfl.endswith('&& summary.matches("^GET /([?].*)?$") && status in ["503", "500"]')


def test_confidence_is_earned_by_number_share_time_and_onset() -> None:
    assert rated(*made(story())) is Confidence.HIGH
    assert rated(*made([replace(call, status="500") for call in steady("s/a", "s/b", 60)])) is Confidence.MEDIUM
    assert rated(*made([replace(call, status="500") for call in steady("s/a", "s/b", 6)])) is Confidence.LOW


def test_few_bad_calls_are_no_burst() -> None:
    facts = BuiltFacts(steady("s/a", "s/b") + steady("s/a", "s/b", 4, status="500"))
    assert burst(facts, "s/b", "http", np.arange(64), facts.calls.failed) is None
