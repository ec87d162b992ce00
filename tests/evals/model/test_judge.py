"""The judge: a plain yes, its own money, and how often it agrees with the rules."""

from __future__ import annotations

import pytest

from evals import suites
from evals.answers import Claimed, Findings
from evals.lab.truth import load_truth
from evals.model.judge import agreement, judged
from evals.model.limits import Meter, MoneySpentError, Purse
from evals.outcomes import Outcome, Result

from .api import MODEL, Api, answer, text

FINDINGS = Findings(healthy=False, cause=Claimed(component="data/pantry", mechanism="cache_failure"))


@pytest.mark.parametrize(("said", "right"), [("Yes.", True), ("yes", True), ("No", False), ("I think yes", False)])
async def test_only_a_plain_yes_counts_and_the_run_pays(said, right):
    truth = load_truth(suites.INCIDENTS / "aller" / "truth.yaml")
    api = Api(answer(text(said), stop="end_turn"))
    meter = Meter("another", Purse(1.0), 1, 1)
    assert await judged(api.client(), MODEL, truth, FINDINGS, meter) is right
    asked = api.asked[0]["messages"][0]["content"]
    assert "data/pantry: cache_failure" in asked
    assert '"component":"data/pantry"' in asked
    assert meter.purse.spent > 0
    assert meter.cost.money == 0


async def test_a_judge_is_not_asked_without_money():
    truth = load_truth(suites.INCIDENTS / "havel" / "truth.yaml")
    with pytest.raises(MoneySpentError):
        await judged(Api().client(), MODEL, truth, FINDINGS, Meter("another", Purse(0.0), 1, 1))


def test_the_agreement_is_of_answers_that_both_judged():
    def result(**scores):
        return Result("rca", "x", "tools", Outcome.PASS, scores=scores)

    assert agreement([result(judge=1.0, rules=1.0), result(judge=0.0, rules=1.0), result(found=1.0)]) == 0.5
    assert agreement([]) is None
