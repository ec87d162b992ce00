"""An MCP client on a server of its own: every call, its answer, its tokens and its time are kept."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from mcp import Client, MCPError, StdioServerParameters

from evals.lab.record import SUFFIX

SERVER_VARIABLE = "EVALS_SERVER"
"""Command that starts the server instead of `python -m kubeshark_mcp`: how a broken server is tried."""

CALL_SECONDS = 300
DISSECTION_SECONDS = 900
POLL_SECONDS = 0.5
UNDER_WAY = frozenset({"pending", "running"})

_PIECES = re.compile(r"([^\W\d_]+)|(\d+)|([^\w\s]+|_+)|(\n[\s]*)")


def rough_tokens(text: str) -> int:
    """Estimate the tokens of a text without a tokenizer.

    Words are a token for each six letters begun, digits go in threes, signs in fours, lines are one each; measured
    within a tenth of byte-pair encodings on tables and JSON, and the same for every arm that is compared.
    """
    count = 0
    for word, digits, signs, newline in _PIECES.findall(text):
        for piece, length in ((word, 6), (digits, 3), (signs, 4)):
            count += -(-len(piece) // length)
        count += bool(newline)
    return count


@dataclass(frozen=True, slots=True)
class DataSet:
    """Captures that a server is started on. captures: pairs of node and file; objects: Kubernetes objects, if any."""

    name: str
    captures: tuple[tuple[str, Path], ...]
    objects: Path | None = None

    @classmethod
    def of_folder(cls, folder: Path) -> DataSet:
        """All captures of an incident's folder, named by node, with its `resources.json`."""
        found = [*sorted(folder.glob(f"*{SUFFIX}")), *sorted(folder.glob("*.pcap"))]
        objects = folder / "resources.json"
        captures = tuple((path.name.removesuffix(SUFFIX).removesuffix(".pcap"), path) for path in found)
        return cls(folder.name, captures, objects if objects.exists() else None)

    def arguments(self) -> list[str]:
        """Give the server's options for it."""
        given = [part for node, path in self.captures for part in ("--pcap", str(path), "--node", node)]
        return given + (["--resources", str(self.objects)] if self.objects else [])


@dataclass(frozen=True, slots=True)
class Reply:
    """One call and what came back. facts: the machine-readable part that any client gets in `_meta`; seconds: wall."""

    tool: str
    arguments: dict[str, Any]
    text: str
    facts: dict[str, Any] = field(default_factory=dict)
    failed: bool = False
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """What the answer costs a model to read."""
        return rough_tokens(self.text)

    def as_json(self) -> dict[str, Any]:
        """For transcripts."""
        return {
            "tool": self.tool,
            "arguments": self.arguments,
            "text": self.text,
            "failed": self.failed,
            "tokens": self.tokens,
            "seconds": round(self.seconds, 3),
        }


class Desk:
    """A connected client. replies: everything that was asked, in order."""

    def __init__(self, client: Any, data: DataSet) -> None:
        self._client = client
        self.data = data
        self.replies: list[Reply] = []
        self.database = ""

    async def call(self, tool: str, **arguments: Any) -> Reply:
        """Call a tool; a tool's error is a reply that `failed`, never an exception."""
        begun = time.monotonic()
        try:
            async with asyncio.timeout(CALL_SECONDS):
                result = await self._client.call_tool(tool, arguments)
        except TimeoutError as late:
            raise SetUpError(f"{tool} gave no answer within {CALL_SECONDS} seconds on {self.data.name}.") from late
        text = "".join(part.text for part in result.content if part.type == "text")
        facts = dict((result.meta or {}).get("kubeshark/facts", {}))
        reply = Reply(tool, arguments, text, facts, bool(result.is_error), time.monotonic() - begun)
        self.replies.append(reply)
        return reply

    async def _patiently(self, last: Reply, snapshot: str) -> Reply:
        """Wait for a large dissection beyond what one call waits for; of the asking only the last time is kept."""
        asked, end = len(self.replies), time.monotonic() + DISSECTION_SECONDS
        while not last.failed and last.facts.get("status") in UNDER_WAY and time.monotonic() < end:
            await asyncio.sleep(POLL_SECONDS)
            last = await self.call("get_snapshot_dissection_status", snapshot_id=snapshot)
            del self.replies[asked:-1]
        return last

    async def tools(self) -> list[dict[str, Any]]:
        """Name, description and input schema of every registered tool, as a model gets them."""
        listed = (await self._client.list_tools()).tools
        return [
            {"name": each.name, "description": each.description or "", "input_schema": each.input_schema}
            for each in listed
        ]

    async def dissect(self) -> str:
        """Take a snapshot of everything, dissect it, and give the database that questions name."""
        snapshot = await self.call("create_snapshot", name="evals", wait=True)
        if not snapshot.failed:
            done = await self.call("start_snapshot_dissection", snapshot_id=snapshot.facts["id"], wait=True)
            done = await self._patiently(done, str(snapshot.facts["id"]))
            if not done.failed and done.facts.get("status") == "completed":
                self.database = str(done.facts["db"])
                return self.database
        raise SetUpError(f"{self.data.name} was not dissected: {self.replies[-1].text[:400]}")


class SetUpError(Exception):
    """What keeps a case from being tried at all; the case did not fail."""


def server_command() -> list[str]:
    """Give the words that start the server under test."""
    return shlex.split(os.environ.get(SERVER_VARIABLE, "")) or [sys.executable, "-m", "kubeshark_mcp"]


def schema_tokens(tools: Sequence[dict[str, Any]]) -> int:
    """Count what the declarations of tools cost a model on every turn."""
    return sum(rough_tokens(orjson.dumps(each).decode()) for each in tools)


@asynccontextmanager
async def opened(data: DataSet, options: Sequence[str] = (), command: Sequence[str] = ()) -> AsyncIterator[Desk]:
    """Start a server over stdio on a data set, with a workspace that is gone afterwards."""
    missing = [str(path) for _, path in data.captures if not path.exists()]
    if missing:
        raise SetUpError(f"{data.name}: {missing[0]} is missing.")
    words = list(command) or server_command()
    with tempfile.TemporaryDirectory(prefix="evals-") as workspace:
        given = [*words[1:], "--workspace", workspace, "--timezone", "UTC", *data.arguments(), *options]
        parameters = StdioServerParameters(command=words[0], args=given, env={**os.environ})
        try:
            async with AsyncExitStack() as open_things:
                try:
                    client = await open_things.enter_async_context(Client(parameters))
                except (OSError, MCPError, ExceptionGroup) as failure:
                    raise SetUpError(f"{data.name}: the server did not start: {failure!r}") from failure
                yield Desk(client, data)
        except ExceptionGroup as group:  # what the client's task group makes of an error of the one who asks
            raise _only(group) from group


def _only(failure: Exception) -> Exception:
    """Give the one error in a group of one, as it was raised; groups of more stay whole."""
    while isinstance(failure, ExceptionGroup) and len(failure.exceptions) == 1:
        failure = failure.exceptions[0]
    return failure
