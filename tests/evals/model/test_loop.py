"""The agent loop against answers in the shape of the API: tools, tools in parallel, errors, refusals, limits."""

from __future__ import annotations

import asyncio
import inspect
import json
from typing import get_args, get_type_hints

import anthropic
import httpx2
import pytest
from anthropic.resources.messages import AsyncMessages
from anthropic.types import StopReason, TextBlockParam, ToolUseBlockParam

from evals.answers import Findings, submission_tool
from evals.model.limits import Meter, MoneySpentError, Purse
from evals.model.loop import Question, converse

from .api import MODEL, Api, answer, text, use

HEALTHY = use("submit_findings", healthy=True)


async def echo(name, arguments):
    return f"{name} {json.dumps(arguments)}", False


def question(run=echo, final=("submit_findings", Findings)):
    return Question("Work.", "What is wrong?", [submission_tool()], run, final)


def meter(steps=10, tokens=100_000, money=1.0):
    return Meter(MODEL, Purse(money), steps, tokens, prices=(3.0, 15.0))


async def test_a_tool_is_run_and_its_result_goes_back_until_the_answer_is_handed_in():
    api = Api(answer(text("Let me see."), use("diagnose", db="x")), answer(HEALTHY))
    counted = meter()
    went = await converse(api.client(), question(), counted, 0.0)
    assert went.answer == Findings(healthy=True)
    assert went.called == [("diagnose", {"db": "x"})]
    assert api.asked[1]["messages"][-1] == {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": 'diagnose {"db": "x"}', "is_error": False}
        ],
    }
    assert [each["temperature"] for each in api.asked] == [0.0, 0.0]
    assert (counted.cost.calls, counted.cost.input_tokens, counted.cost.output_tokens) == (1, 2000, 200)
    assert counted.cost.money == pytest.approx((2000 * 3 + 200 * 15) / 1e6)


async def test_several_tools_of_one_message_run_at_once_and_answer_in_its_order():
    both = asyncio.Barrier(2) if hasattr(asyncio, "Barrier") else None

    async def meet(name, arguments):
        await asyncio.wait_for(both.wait(), 5)
        return name, False

    api = Api(answer(use("one", 1), use("two", 2)), answer(HEALTHY))
    await converse(api.client(), question(meet), meter(), 0.0)
    results = api.asked[1]["messages"][-1]["content"]
    assert [(each["tool_use_id"], each["content"]) for each in results] == [("toolu_1", "one"), ("toolu_2", "two")]


async def test_an_error_of_a_tool_is_told_to_the_model_and_ends_nothing():
    async def fail(name, arguments):
        return "There is no such database.", True

    api = Api(answer(use("diagnose")), answer(HEALTHY))
    went = await converse(api.client(), question(fail), meter(), 0.0)
    assert went.answer is not None
    assert api.asked[1]["messages"][-1]["content"][0]["is_error"] is True


async def test_an_answer_that_breaks_its_schema_may_be_corrected():
    api = Api(answer(use("submit_findings", healthy="perhaps")), answer(HEALTHY))
    went = await converse(api.client(), question(), meter(), 0.0)
    assert went.answer == Findings(healthy=True)
    assert "The answer was not taken" in api.asked[1]["messages"][-1]["content"][0]["content"]


async def test_who_only_talks_is_reminded_once():
    api = Api(answer(text("All is well."), stop="end_turn"), answer(text("Really."), stop="end_turn"))
    went = await converse(api.client(), question(), meter(), 0.0)
    assert (went.answer, went.text) == (None, "Really.")
    assert "submit_findings" in api.asked[1]["messages"][-1]["content"][0]["text"]


async def test_a_question_without_a_final_tool_ends_with_words():
    api = Api(answer(text("Lisbon."), stop="end_turn"))
    went = await converse(api.client(), question(final=None), meter(), 0.0)
    assert (went.text, len(api.asked)) == ("Lisbon.", 1)


async def test_a_call_that_was_cut_off_gets_a_result_all_the_same():
    api = Api(answer(use("diagnose", 7), stop="max_tokens"), answer(HEALTHY))
    await converse(api.client(), question(), meter(), 0.0)
    cut, reminder = api.asked[1]["messages"][-1]["content"]
    assert (cut["tool_use_id"], cut["is_error"], reminder["type"]) == ("toolu_7", True, "text")


async def test_a_refusal_ends_it_and_is_told_apart():
    went = await converse(Api(answer(stop="refusal")).client(), question(), meter(), 0.0)
    assert went.refused
    assert went.answer is None


async def test_a_refusal_in_the_middle_keeps_what_was_said_and_runs_no_tool():
    api = Api(answer(use("diagnose")), answer(text("I would rather not."), use("stop", 2), stop="refusal"))
    went = await converse(api.client(), question(), meter(), None)
    assert (went.refused, went.text, went.called, len(api.asked)) == (
        True,
        "I would rather not.",
        [("diagnose", {})],
        2,
    )


async def test_a_full_context_window_is_a_limit_and_not_asked_again():
    api = Api(answer(use("diagnose"), stop="model_context_window_exceeded"))
    went = await converse(api.client(), question(), meter(), None)
    assert (went.limit, went.called) == ("the model's context window is full", [])


async def test_an_answer_handed_in_beside_other_calls_ends_it():
    api = Api(answer(use("diagnose", 1), use("submit_findings", 2, healthy=True)))
    went = await converse(api.client(), question(), meter(), None)
    assert (went.answer, went.called, len(api.asked)) == (Findings(healthy=True), [("diagnose", {})], 1)


async def test_turns_and_tokens_are_bounded():
    api = Api(*[answer(use("diagnose")) for _ in range(3)])
    went = await converse(api.client(), question(), meter(steps=2), 0.0)
    assert went.limit == "2 turns are spent without an answer"
    went = await converse(Api(answer(use("diagnose"))).client(), question(), meter(tokens=1000), 0.0)
    assert went.limit == "1,000 tokens are spent without an answer"


async def test_nothing_is_asked_once_the_money_of_the_run_is_spent():
    api = Api(answer(use("diagnose"), tokens_in=1_000_000))
    with pytest.raises(MoneySpentError):
        await converse(api.client(), question(), meter(money=2.0, tokens=10_000_000), 0.0)
    assert len(api.asked) == 1


async def test_a_rate_limit_is_waited_out_and_then_told():
    busy = httpx2.Response(
        429,
        headers={"retry-after": "0.01"},
        json={"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}},
    )
    went = await converse(Api(busy, answer(HEALTHY)).client(retries=2), question(), meter(), 0.0)
    assert went.answer is not None
    with pytest.raises(anthropic.RateLimitError):
        await converse(Api(busy, busy).client(retries=1), question(), meter(), 0.0)


@pytest.mark.parametrize(("status", "kind"), [(429, "rate_limit_error"), (529, "overloaded_error")])
async def test_the_client_waits_as_long_as_the_api_says(status, kind, monkeypatch):
    waited = []

    async def sleep(seconds):
        waited.append(seconds)

    monkeypatch.setattr("anthropic._base_client.anyio.sleep", sleep)
    error = {"type": "error", "error": {"type": kind, "message": "slow down"}}
    busy = httpx2.Response(status, headers={"retry-after": "7"}, json=error)
    went = await converse(Api(busy, answer(HEALTHY)).client(retries=2), question(), meter(), None)
    assert went.answer == Findings(healthy=True)
    assert waited == [7.0]


async def test_what_is_asked_for_is_known_to_the_sdk():
    taken = inspect.signature(AsyncMessages.create).parameters
    api = Api(answer(HEALTHY))
    await converse(api.client(), question(), meter(), 0.3)
    assert set(api.asked[0]) - {"temperature"} <= set(taken)
    assert api.asked[0]["temperature"] == 0.3


def test_every_reason_to_stop_that_is_handled_is_one_of_the_sdk():
    handled = {"refusal", "max_tokens", "pause_turn", "model_context_window_exceeded", "tool_use", "end_turn"}
    assert set(get_args(StopReason)) - handled == {"stop_sequence"}  # none are asked for


async def test_what_an_answer_held_goes_back_in_fields_that_the_api_takes():
    api = Api(answer(text("Let me see."), use("diagnose", db="x")), answer(HEALTHY))
    await converse(api.client(), question(), meter(), None)
    said, called = api.asked[1]["messages"][1]["content"]
    assert set(said) <= set(get_type_hints(TextBlockParam))
    assert set(called) <= set(get_type_hints(ToolUseBlockParam))


async def test_tokens_of_the_cache_are_paid_at_their_own_price():
    counted = meter()
    usage = {"cache_creation_input_tokens": 1000, "cache_read_input_tokens": 10_000}
    await converse(Api(answer(HEALTHY, tokens_in=0, tokens_out=0, **usage)).client(), question(), counted, 0.0)
    assert counted.cost.money == pytest.approx((1.25 * 1000 + 0.1 * 10_000) * 3 / 1e6)
    assert counted.cost.input_tokens == 11_000


async def test_long_results_are_cut():
    async def much(name, arguments):
        return "x" * 100_000, False

    api = Api(answer(use("diagnose")), answer(HEALTHY))
    await converse(api.client(), question(much), meter(), 0.0)
    content = api.asked[1]["messages"][-1]["content"][0]["content"]
    assert len(content) == 60_006
    assert content.endswith("(cut)")
