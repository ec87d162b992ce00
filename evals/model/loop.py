"""The agent loop: a question, tools in parallel, limits, and a structured answer at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from evals.desk import rough_tokens
from evals.model.limits import LimitError, Meter

ANSWER_TOKENS = 4096
RESULT_CHARACTERS = 60_000
"""Results of tools are cut beyond it, as clients of models do."""
REMINDER = "Hand in your answer with the tool {tool} now. If you found nothing, say so in it."

Runner = Callable[[str, dict[str, Any]], Awaitable[tuple[str, bool]]]
"""Carries out a tool: name and arguments to text and whether it failed."""


@dataclass(slots=True)
class Question:
    """What is asked, with which tools. final: the tool that ends it, and its arguments."""

    system: str
    text: str
    tools: Sequence[dict[str, Any]]
    run: Runner
    final: tuple[str, type[BaseModel]] | None = None


@dataclass(slots=True)
class Conversation:
    """How it went. answer: arguments of the final tool; text: the last words; refused: the model would not."""

    answer: BaseModel | None = None
    text: str = ""
    refused: bool = False
    limit: str = ""
    called: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    transcript: list[dict[str, Any]] = field(default_factory=list)


async def converse(client: Any, question: Question, meter: Meter, temperature: float | None) -> Conversation:
    """Let a model work on a question until it hands in its answer, stops, refuses or has spent a budget.

    Errors of the API pass through: they say nothing about the model.
    """
    went = Conversation()
    messages: list[dict[str, Any]] = [{"role": "user", "content": question.text}]
    reminded = False
    try:
        while True:
            meter.before_turn()
            answer = await _ask(client, question, messages, meter, temperature)
            meter.after_turn(answer.usage)
            messages.append({"role": "assistant", "content": [_as_sent(block) for block in answer.content]})
            went.text = "\n".join(block.text for block in answer.content if block.type == "text") or went.text
            went.transcript.append({"role": "assistant", "text": went.text, "stop": answer.stop_reason})
            if answer.stop_reason == "refusal":
                went.refused = True
                return went
            if answer.stop_reason == "model_context_window_exceeded":
                raise LimitError("the model's context window is full")
            calls = [block for block in answer.content if block.type == "tool_use"]
            if calls and answer.stop_reason != "max_tokens":
                messages.append({"role": "user", "content": await _carry_out(calls, question, meter, went)})
                if went.answer is not None:
                    return went
            elif answer.stop_reason == "pause_turn":
                continue
            elif question.final is None or reminded:
                return went
            else:
                reminded = True
                messages.append(_reminder(question, calls))
    except LimitError as spent:
        went.limit = str(spent)
        return went


async def _ask(client: Any, question: Question, messages: list[Any], meter: Meter, temperature: float | None) -> Any:
    """One request. System text and tools are marked for the cache: they are the same on every turn."""
    given: dict[str, Any] = {
        "model": meter.model,
        "max_tokens": ANSWER_TOKENS,
        "system": [{"type": "text", "text": question.system, "cache_control": {"type": "ephemeral"}}],
        "messages": messages,
    }
    if temperature is not None:  # not every model takes one
        given["extra_body"] = {"temperature": temperature}
    if question.tools:
        given["tools"] = list(question.tools)
    return await client.messages.create(**given)


def _as_sent(block: Any) -> dict[str, Any]:
    return dict(block.model_dump(exclude_none=True))


def _reminder(question: Question, calls: Sequence[Any]) -> dict[str, Any]:
    """Ask for the answer; calls that were cut off with their message need a result all the same."""
    assert question.final is not None
    cut = [
        {"type": "tool_result", "tool_use_id": call.id, "content": "The message was cut off.", "is_error": True}
        for call in calls
    ]
    return {"role": "user", "content": [*cut, {"type": "text", "text": REMINDER.format(tool=question.final[0])}]}


async def _carry_out(
    calls: Sequence[Any], question: Question, meter: Meter, went: Conversation
) -> list[dict[str, Any]]:
    """Run all calls of a message at once, and give the results in its order."""
    return list(await asyncio.gather(*(_one(call, question, meter, went) for call in calls)))


async def _one(call: Any, question: Question, meter: Meter, went: Conversation) -> dict[str, Any]:
    arguments = call.input if isinstance(call.input, dict) else {}
    if question.final is not None and call.name == question.final[0]:
        text, failed = _hand_in(arguments, question.final[1], went)
    else:
        went.called.append((call.name, arguments))
        meter.cost.calls += 1
        text, failed = await question.run(call.name, arguments)
        text = text if len(text) <= RESULT_CHARACTERS else text[:RESULT_CHARACTERS] + "\n(cut)"
        meter.cost.result_tokens += rough_tokens(text)
    went.transcript.append({"tool": call.name, "arguments": arguments, "text": text, "failed": failed})
    return {"type": "tool_result", "tool_use_id": call.id, "content": text, "is_error": failed}


def _hand_in(arguments: dict[str, Any], schema: type[BaseModel], went: Conversation) -> tuple[str, bool]:
    try:
        went.answer = schema.model_validate(arguments)
    except ValidationError as wrong:
        return f"The answer was not taken: {wrong}. Correct it and hand it in again.", True
    return "Taken.", False
