"""Blocking work as coroutines: in a thread, and stopped when its call is cancelled."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from kubeshark_mcp.store.cancelling import Question

Owner = TypeVar("Owner")
P = ParamSpec("P")
T = TypeVar("T")


def threaded(
    function: Callable[Concatenate[Owner, P], T],
) -> Callable[Concatenate[Owner, P], Coroutine[Any, Any, T]]:
    """Make a blocking method a coroutine that runs in a thread; cancelling it stops the work for it."""

    @functools.wraps(function)
    async def call(self: Owner, /, *args: P.args, **kwargs: P.kwargs) -> T:
        question = Question()
        try:
            with question.current():  # the thread gets a copy of this context
                return await asyncio.to_thread(function, self, *args, **kwargs)
        except asyncio.CancelledError:
            question.cancel()
            raise

    return call
