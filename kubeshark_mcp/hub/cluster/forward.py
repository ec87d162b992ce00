"""`kubectl port-forward` as a child: on a port that is free, watched, and made anew when it has died."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from kubeshark_mcp.errors import HubError
from kubeshark_mcp.hub.cluster.processes import Child

START_SECONDS = 15.0
_READY = re.compile(r"Forwarding from (?:127\.0\.0\.1|\[::1\]):(\d{1,5}) -> ")


class Forward:
    """The way to one service. command: what to run; it must choose the port and say it, as kubectl does."""

    def __init__(self, command: Sequence[str], what: str) -> None:
        self._command = list(command)
        self._what = what
        self._child: Child | None = None
        self._port = 0
        self._lock = asyncio.Lock()

    @property
    def running(self) -> bool:
        """Tell whether it is there."""
        return self._child is not None and self._child.exit_code is None

    async def url(self) -> str:
        """Give the local address; starts the child where it does not run. Raises HubError with what kubectl said."""
        async with self._lock:
            if not self.running:
                await self._stop()
                self._port = await self._start()
            return f"http://127.0.0.1:{self._port}"

    async def _start(self) -> int:
        self._child = child = await Child.start(self._command)
        try:
            async with asyncio.timeout(START_SECONDS):
                while True:
                    for line in child.lines:
                        if found := _READY.search(line):
                            return int(found[1])
                    if child.exit_code is not None:
                        break
                    await child.heard()
        except TimeoutError:
            await self._stop()
            raise HubError(
                f"kubectl did not forward a port to {self._what} within {START_SECONDS:g} s: "
                "check that its pods are ready, and try again."
            ) from None
        except asyncio.CancelledError:
            await self._stop()
            raise
        await child.wait()
        said = " ".join(child.lines[-3:])[:300].strip() or f"exit code {child.exit_code}"
        await self._stop()
        raise HubError(f"kubectl cannot forward a port to {self._what}: {said}")

    async def _stop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await child.end()

    async def restart(self) -> None:
        """End the child; the next question starts another. For when it runs but leads nowhere any more."""
        async with self._lock:
            await self._stop()

    async def close(self) -> None:
        """End the child."""
        await self.restart()
