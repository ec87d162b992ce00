"""Tables, pairs and gates."""

from __future__ import annotations

from evals.outcomes import Cost, Outcome, Result, Run
from evals.report.summary import by_kind, by_suite, compare, gates, missed


def results(pattern, suite="rca", arm="tools", kind="a"):
    outcomes = {"p": Outcome.PASS, "f": Outcome.FAIL, "k": Outcome.KNOWN_FAIL, "t": Outcome.THROTTLED}
    return [
        Result(suite, f"case{number}", arm, outcomes[each], kind, cost=Cost(calls=2, result_tokens=10))
        for number, each in enumerate(pattern)
    ]


def test_only_what_was_executed_counts_in_a_rate():
    (row,) = by_suite(Run({}, results("ppft")))
    assert (row.passed, row.tried, round(row.rate, 2)) == (2, 3, 0.67)
    assert row.outcomes == {"pass": 2, "fail": 1, "throttled": 1}
    assert row.low < row.rate < row.high
    assert (row.calls, row.tokens) == (2, 10)


def test_classes_have_rows_of_their_own():
    run = Run({}, results("p") + results("f", kind="b"))
    assert [(row.kind, row.passed) for row in by_kind(run)] == [("a", 1), ("b", 0)]


def test_only_a_drop_beyond_noise_is_a_regression():
    before = Run({}, results("pppppppp"))
    assert not compare(before, Run({}, results("fppppppp"))).is_worse
    found = compare(before, Run({}, results("ffffffff")))
    assert (found.is_worse, len(found.worse), found.both) == (True, 8, 8)
    assert not compare(Run({}, results("ffffffff")), before).is_worse


def test_what_was_throttled_is_no_pair():
    assert compare(Run({}, results("pp")), Run({}, results("tp"))).both == 1


def test_a_run_without_executed_cases_does_not_hold():
    assert gates(Run({"tier": "offline"})) == ["no case was executed"]
    assert gates(Run({"tier": "model"}, results("tt"))) == ["no case was executed"]


def test_offline_every_failure_and_set_up_failure_is_a_gate_but_not_what_is_known():
    run = Run({"tier": "offline"}, results("pk"))
    assert gates(run) == []
    run.results += [Result("kfl", "x", "reference", Outcome.SET_UP_FAIL, reasons=["no server"])]
    assert gates(run) == ["kfl/x (reference): no server"]


def test_with_a_model_safety_must_hold_and_the_rest_is_measured():
    run = Run({"tier": "model"}, results("pf") + results("f", suite="safety"))
    assert gates(run) == ["safety: case0 (tools): fail"]
    before = Run({"tier": "model"}, results("p" * 9))
    assert "9 cases got worse" in gates(Run({"tier": "model"}, results("f" * 9)), before)[0]


def test_what_did_not_pass_is_listed():
    assert [each.case for each in missed(results("pfk"))] == ["case1", "case2"]
