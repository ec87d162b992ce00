"""What can be asked of a Hub, as data: every coroutine of the interface with its arguments and its answer.

Recordings keep questions and answers in this form. Values that JSON has not are tagged: `{"$time": RFC 3339}`,
`{"$bytes": base64}`. What cannot be kept, a destination or a callable, is no part of a question.
"""

from __future__ import annotations

import abc
import functools
import inspect
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, is_dataclass
from datetime import datetime
from enum import Enum
from pathlib import PurePath
from typing import Any, Protocol, TypeVar, get_type_hints

from pydantic import BaseModel, TypeAdapter, ValidationError

from kubeshark_mcp.errors import StoreError
from kubeshark_mcp.hub.interface import Hub

_NO_QUESTIONS = ("close", "edition")
METHODS = tuple(
    name
    for name, member in inspect.getmembers(Hub, inspect.iscoroutinefunction)
    if name not in _NO_QUESTIONS and name[0] != "_"
)
"""Names of all questions."""


class Answering(Protocol):
    """A Hub that answers every question in one place."""

    def answer(self, method: str, arguments: Mapping[str, Any]) -> Awaitable[Any]:
        """Answer one question; arguments as the interface names them."""


H = TypeVar("H", bound=type[Hub])


def answers_in_one_place(cls: H) -> H:
    """Make all questions that a class does not answer itself go to its method `answer`."""
    for name in METHODS:
        if name not in vars(cls):
            setattr(cls, name, _forwarding(name))
    abc.update_abstractmethods(cls)
    return cls


def _forwarding(name: str) -> Callable[..., Awaitable[Any]]:
    original = getattr(Hub, name)
    signature = inspect.signature(original)

    @functools.wraps(original)
    async def ask(self: Answering, /, *args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        return await self.answer(name, {key: value for key, value in bound.arguments.items() if key != "self"})

    ask.__dict__.pop("__isabstractmethod__", None)  # what `wraps` took along
    return ask


def question(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Give the arguments of a question as plain data, without those that say where an answer is to go."""
    return {
        name: plain(value)
        for name, value in arguments.items()
        if not isinstance(value, PurePath) and not callable(value)
    }


def plain(value: Any) -> Any:
    """Give a value as plain data that JSON can carry; `restored` is the way back."""
    if isinstance(value, BaseModel):
        return plain(dict(value))
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(plain(item) for item in value)
    if isinstance(value, datetime):
        return {"$time": value.isoformat()}
    if isinstance(value, bytes):
        return {"$bytes": b64encode(value).decode()}
    if isinstance(value, Enum):
        return value.value
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _untagged(value: Any) -> Any:
    if isinstance(value, list):
        return [_untagged(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        if isinstance(text := value.get("$time"), str):
            return datetime.fromisoformat(text)
        if isinstance(text := value.get("$bytes"), str):
            return b64decode(text)
    return {key: _untagged(item) for key, item in value.items()}


@functools.cache
def _answer_type(method: str) -> TypeAdapter[Any]:
    return TypeAdapter(get_type_hints(getattr(Hub, method))["return"])


def restored(method: str, answer: Any) -> Any:
    """Give a kept answer as the type that the question has; raises StoreError when it is another."""
    try:
        return _answer_type(method).validate_python(_untagged(answer))
    except (ValidationError, ValueError) as error:
        raise StoreError(
            f"The recorded answer to {method} does not have the shape that this version knows: record it again."
        ) from error


def told(method: str, asked: Mapping[str, Any]) -> str:
    """Write a question for people: `calls(kfl="http", limit=50)`, without what was not given."""
    given: dict[str, Any] = {}
    for name, value in asked.items():
        if isinstance(value, Mapping) and "$time" not in value:
            given.update(value)
        else:
            given[name] = value
    shown = [f"{name}={_shown(value)}" for name, value in given.items() if value not in (None, False, [], {})]
    return f"{method}({', '.join(shown)})"


def _shown(value: Any) -> str:
    if isinstance(value, Mapping) and "$time" in value:
        return str(value["$time"])
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 200 else f"{text[:199]}…"
