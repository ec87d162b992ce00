"""The interface covers the contract, and the embedded Hub covers the interface."""

from __future__ import annotations

import inspect

from kubeshark_mcp.hub.embedded import EmbeddedHub
from kubeshark_mcp.hub.interface import Hub


def test_every_question_is_a_coroutine_with_a_docstring():
    for name, member in inspect.getmembers(Hub, inspect.isfunction):
        if name.startswith("_"):
            continue
        assert inspect.iscoroutinefunction(member), name
        assert member.__doc__, name


def test_the_embedded_hub_answers_every_question_with_the_same_arguments():
    for name, member in inspect.getmembers(Hub, inspect.isfunction):
        if name.startswith("_"):
            continue
        mine = inspect.signature(getattr(EmbeddedHub, name))
        assert list(mine.parameters) == list(inspect.signature(member).parameters), name
