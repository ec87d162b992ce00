"""Programs that run beside the server: without a shell, without our standard input, ended for certain."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections import deque
from collections.abc import Mapping, Sequence

from kubeshark_mcp.errors import UsageError

LINES = 400
LINE = 2000
"""How much of a program's output is kept: lines, and characters of each."""
PATIENCE_SECONDS = 5.0


def program(name: str) -> str:
    """Give the path of a program; raises UsageError where it is not installed."""
    found = shutil.which(name)
    if found is None:
        raise UsageError(f"The program {name} is not installed, or not on the PATH of this server: install it.")
    return found


class Child:
    """A program that was started. Its output is read as it comes, and its last lines are kept."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._lines: deque[str] = deque(maxlen=LINES)
        self._changed = asyncio.Event()
        self._readers = [asyncio.create_task(self._read(stream)) for stream in (process.stdout, process.stderr)]

    @classmethod
    async def start(cls, command: Sequence[str], environment: Mapping[str, str] | None = None) -> Child:
        """Start a program in a group of processes of its own; raises UsageError when it cannot be."""
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        except OSError as error:
            raise UsageError(f"The program {command[0]!r} cannot be started ({error.strerror}).") from None
        return cls(process)

    @property
    def exit_code(self) -> int | None:
        """Give how it ended; None while it runs."""
        return self._process.returncode

    @property
    def lines(self) -> list[str]:
        """Give the last lines of its output."""
        return list(self._lines)

    async def _read(self, stream: asyncio.StreamReader | None) -> None:
        rest = b""
        while stream is not None and (data := await stream.read(8192)):
            *whole, rest = (rest + data).split(b"\n")
            rest = rest[-LINE:]
            for line in whole:
                self._keep(line)
        if rest:
            self._keep(rest)
        self._changed.set()

    def _keep(self, line: bytes) -> None:
        self._lines.append(line[:LINE].decode("utf-8", "replace").rstrip("\r"))
        self._changed.set()

    async def heard(self) -> None:
        """Return when there is new output, or the output has ended."""
        if all(reader.done() for reader in self._readers):
            await self._process.wait()
            return
        await self._changed.wait()
        self._changed.clear()

    async def wait(self) -> int:
        """Wait until it has ended and all its output is read; gives the exit code."""
        code = await self._process.wait()
        await asyncio.gather(*self._readers, return_exceptions=True)
        return code

    async def end(self, gently: bool = True) -> None:
        """End it with all that it started. gently: ask first, and insist after five seconds."""
        if gently and self.exit_code is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._process.wait()
        self._signal(signal.SIGKILL)
        await self._process.wait()
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)
