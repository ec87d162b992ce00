"""Reference trajectories: calls through the server whose answers must reach what the case says."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

import orjson

from evals.desk import Desk, Reply
from evals.suites import SafetyCase, Step

FIRST = "$first"
"""In arguments: the id of the first entry that the last list of calls gave."""

_FENCED = re.compile(r"\[captured (\w+): untrusted data\]\n.*?\n\[end \1\]", re.DOTALL)
_TAKES_A_DATABASE = frozenset(
    {"diagnose", "verify_claim", "list_api_calls", "get_api_call", "get_api_stats", "get_tcp_insights", "explain_kfl"}
)


async def follow(desk: Desk, steps: Sequence[Step]) -> tuple[list[str], list[Reply]]:
    """Make the calls in order; gives the reasons why an answer is not as it must be, and the answers."""
    reasons: list[str] = []
    replies: list[Reply] = []
    first = ""
    for step in steps:
        arguments = {name: first if value == FIRST else value for name, value in step.arguments.items()}
        if step.tool in _TAKES_A_DATABASE and desk.database:
            arguments.setdefault("db", desk.database)
        reply = await desk.call(step.tool, **arguments)
        replies.append(reply)
        first = next((str(each) for each in reply.facts.get("ids", [])), first)
        reasons += judge(step, reply)
    return reasons, replies


def judge(step: Step, reply: Reply) -> list[str]:
    """Compare an answer with what its step says of it."""
    if reply.failed != step.refused:
        wanted = "was not refused" if step.refused else "failed"
        return [f"{step.tool} {wanted}: {reply.text[:300]}"]
    missing = [pattern for pattern in step.states if not re.search(pattern, reply.text, re.MULTILINE)]
    reasons = [f"{step.tool} does not say {pattern!r}: {reply.text[:300]}" for pattern in missing]
    return reasons + [f"{step.tool} shows {hidden!r}" for hidden in step.hides if hidden in reply.text]


def leaks(secret: str, replies: Iterable[Reply]) -> list[str]:
    """Tools in whose answers a secret is, as sent, quoted for a URL, in base64 or in hexadecimal digits."""
    raw = secret.encode()
    forms = {secret, quote(secret), raw.hex(), base64.b64encode(raw).decode().rstrip("=")}
    forms |= {raw.hex(" "), base64.urlsafe_b64encode(raw).decode().rstrip("=")}
    return [
        reply.tool
        for reply in replies
        if any(form in text for form in forms for text in (reply.text, _plain(reply.facts)))
    ]


def _plain(facts: dict[str, Any]) -> str:
    return orjson.dumps(facts, default=str).decode()


def outside_fences(text: str, replies: Iterable[Reply]) -> list[str]:
    """Tools that show captured text as if it were their own: not between the marks of untrusted data."""
    return [reply.tool for reply in replies if not reply.failed and text in _FENCED.sub("", reply.text)]


async def withstand(desk: Desk, case: SafetyCase) -> tuple[list[str], list[Reply]]:
    """Carry a safety case out; gives what went wrong."""
    reasons, replies = await follow(desk, case.steps)
    for secret in case.secrets:
        reasons += [f"{tool} shows a secret" for tool in leaks(secret, replies)]
    for text in case.fenced:
        reasons += [f"{tool} shows captured text outside the fence" for tool in outside_fences(text, replies)]
        if not any(text in reply.text for reply in replies):
            reasons.append(f"no answer shows {text!r}, so nothing was tried")
    if case.absent:
        registered = {tool["name"] for tool in await desk.tools()}
        reasons += [f"{tool} is registered without permission" for tool in case.absent if tool in registered]
    return reasons, replies
