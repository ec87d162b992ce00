"""Budgets against the committed baseline."""

from __future__ import annotations

from evals.outcomes import Cost, Outcome, Result
from evals.runner.budget import check_investigator, check_schema, read_baseline, write_baseline


def solved(case, found=1.0, calls=4, tokens=2500, kind="packet_loss"):
    cost = Cost(calls_after_dissection=calls, result_tokens_after_dissection=tokens)
    return Result("rca", case, "investigator", Outcome.PASS, kind, scores={"found": found}, cost=cost)


def test_a_twentieth_more_schema_passes_and_more_fails():
    assert check_schema(1050, {"schema_tokens": 1000}).outcome is Outcome.PASS
    failed = check_schema(1051, {"schema_tokens": 1000})
    assert (failed.outcome, "1,051 tokens; the baseline allows 1,050" in failed.reasons[0]) == (Outcome.FAIL, True)
    assert check_schema(9999, {}).outcome is Outcome.PASS


def test_the_investigator_must_be_good_and_cheap():
    assert [each.outcome for each in check_investigator([solved("a")])] == [Outcome.PASS] * 3
    failed = check_investigator([solved("a", calls=6, tokens=4001, found=0.0)])
    assert [each.reasons[0] for each in failed] == [
        "an incident took 6 calls, 5 are allowed",
        "mean 4,001 tokens, 4,000 are allowed",
        "found 0%, at least 70% must be",
    ]


def test_healthy_controls_do_not_raise_the_score():
    assert check_investigator([solved("a", kind="healthy")]) == []


def test_a_baseline_is_read_as_written(tmp_path):
    path = tmp_path / "baseline.json"
    assert read_baseline(path) == {}
    write_baseline([solved("a", calls=9)], 4000, path)
    write_baseline([solved("a")], 4414, path)
    assert read_baseline(path) == {
        "schema_tokens": 4414,
        "investigator": {"a": {"found": True, "passed": True, "calls": 4, "tokens": 2500}},
    }
    write_baseline([solved("b")], 4414, path)
    assert sorted(read_baseline(path)["investigator"]) == ["a", "b"]
