"""A credential that is minted when it is needed and renewed before it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from kubeshark_mcp.errors import KubesharkError

RENEW_SECONDS = 300.0
"""How long before its end a token is replaced."""
PAUSE_SECONDS = 30.0
"""How long to wait after a failed attempt."""


@dataclass(frozen=True, slots=True)
class Minted:
    """A token and how long it holds, from the moment it was asked for."""

    token: str = field(repr=False)
    seconds: float


class Tokens:
    """Keeps one token fresh. mint: gets a new one; clock: monotonic seconds.

    A failed attempt is not repeated for 30 seconds; until then the present token serves as long as it holds, and none
    after that: an expired token is never given.
    """

    def __init__(self, mint: Callable[[], Awaitable[Minted]], clock: Callable[[], float] = time.monotonic) -> None:
        self._mint = mint
        self._clock = clock
        self._token: str | None = None
        self._renew_at = 0.0
        self._ends_at = 0.0
        self._not_before = float("-inf")
        self._problem = ""
        self._lock = asyncio.Lock()

    @property
    def present(self) -> str | None:
        """Give the token that is there, fresh or not; for taking it out of messages."""
        return self._token

    async def get(self) -> str | None:
        """Give a token that holds, None when there is none to be had now."""
        async with self._lock:
            now = self._clock()
            if (self._token is None or now >= self._renew_at) and now >= self._not_before:
                await self._renew(now)
            return self._token if self._clock() < self._ends_at else None

    async def _renew(self, asked_at: float) -> None:
        try:
            minted = await self._mint()
        except KubesharkError as error:
            self._problem = str(error)
            self._not_before = self._clock() + PAUSE_SECONDS
            return
        self._token, self._problem = minted.token, ""
        self._ends_at = asked_at + minted.seconds
        self._renew_at = self._ends_at - min(RENEW_SECONDS, minted.seconds / 2)

    def refuse(self) -> None:
        """Note that the present token was not accepted: the next one must be new."""
        self._renew_at = self._ends_at = 0.0

    def problem(self) -> str:
        """Say why there is no token and when the next attempt is; empty when the last attempt succeeded."""
        if not self._problem:
            return ""
        left = max(0.0, self._not_before - self._clock())
        return f"{self._problem} The next attempt is made {f'in {left:.0f} s' if left else 'with the next question'}."
