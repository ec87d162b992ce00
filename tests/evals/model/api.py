"""The API of a model, as far as its answers have a shape: prepared answers in order, what was asked kept."""

from __future__ import annotations

import json

import anthropic
import httpx2

MODEL = "claude-sonnet-5-5"


def answer(*content, stop="tool_use", tokens_in=1000, tokens_out=100, **usage):
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": list(content),
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": tokens_in, "output_tokens": tokens_out, **usage},
    }


def text(words):
    return {"type": "text", "text": words}


def use(tool, number=1, /, **arguments):
    return {"type": "tool_use", "id": f"toolu_{number}", "name": tool, "input": arguments}


class Api:
    """Gives prepared answers in order and keeps what was asked."""

    def __init__(self, *prepared):
        self.prepared = list(prepared)
        self.asked = []

    def __call__(self, request):
        self.asked.append(json.loads(request.content))
        given = self.prepared.pop(0)
        if callable(given):
            given = given(self.asked[-1])
        return given if isinstance(given, httpx2.Response) else httpx2.Response(200, json=given)

    def client(self, retries=0):
        transport = httpx2.AsyncClient(transport=httpx2.MockTransport(self))
        return anthropic.AsyncAnthropic(api_key="none", max_retries=retries, http_client=transport)
