"""Which tools a served Hub has, and calling them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from difflib import get_close_matches
from typing import Any

from kubeshark_mcp import __version__
from kubeshark_mcp.errors import KubesharkError, NotFoundError
from kubeshark_mcp.hub.api.arguments import read_arguments
from kubeshark_mcp.hub.api.calls_wire import CallWriter
from kubeshark_mcp.hub.api.failures import RefusedError
from kubeshark_mcp.hub.api.settings import ApiSettings
from kubeshark_mcp.hub.api.tools import TOOLS
from kubeshark_mcp.hub.contract import JobStatus
from kubeshark_mcp.hub.interface import Hub

Look = Callable[[], Awaitable[JobStatus]]


class Catalogue:
    """The tools of one Hub: ours that it can answer, and those that only it has."""

    def __init__(self, hub: Hub, settings: ApiSettings) -> None:
        self._hub = hub
        self._allow_destructive = settings.allow_destructive
        self.ours = TOOLS
        self._by_name = {name: tool for tool in TOOLS for name in (tool.name, *tool.renamed)}
        self._started: dict[str, Look] = {}

    async def discovery(self) -> dict[str, Any]:
        """Give what clients ask first."""
        special = await self._hub.tools()
        tools = [
            {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema()}
            for tool in self.ours
            if tool.listed and self._permitted(tool.destructive) and tool.name not in special.lacking
        ]
        tools += [
            {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema}
            for tool in special.extra
            if self._permitted(tool.destructive)
        ]
        return {
            "name": "kubeshark-mcp",
            "description": "Network traffic of captures: API calls (L7), flows (L4), packets.",
            "version": __version__,
            "tools": tools,
            "prompts": [prompt.model_dump() for prompt in await self._hub.prompts()],
        }

    def _permitted(self, destructive: bool) -> bool:
        return self._allow_destructive or not destructive

    async def call(self, name: str, arguments: dict[str, Any], writer: CallWriter) -> Any:
        """Check the arguments, ask the Hub, and give the answer as it travels."""
        tool = self._by_name.get(name)
        if tool is None:
            return await self._call_extra(name, arguments)
        self._check_permitted(name, tool.destructive)
        answer = await tool.answer(self._hub, read_arguments(name, tool.arguments, arguments), writer)
        if tool.starts:
            self._remember(answer)
        return answer

    async def _call_extra(self, name: str, arguments: dict[str, Any]) -> Any:
        extra = {tool.name: tool for tool in (await self._hub.tools()).extra}
        if name not in extra:
            close = get_close_matches(name, [*self._by_name, *extra], n=1)
            hint = f"did you mean {close[0]}?" if close else "GET /api/mcp lists those there are."
            raise NotFoundError(f"This Hub has no tool {name[:80]!r}; {hint}")
        self._check_permitted(name, extra[name].destructive)
        return await self._hub.call_tool(name, arguments)

    def _check_permitted(self, name: str, destructive: bool) -> None:
        if not self._permitted(destructive):
            raise RefusedError(403, f"{name} deletes, which is not permitted: start the Hub with --allow-destructive.")

    def _remember(self, answer: dict[str, Any]) -> None:
        """Keep in mind how to look after a job that was started here."""
        if "job_id" in answer:
            job = answer["job_id"]
            self._started[f"transfer {job}"] = lambda: self._transfer(job)
        elif "snapshot" in answer:
            snapshot, name = answer["snapshot"], answer["name"]
            self._started[f"dissection {snapshot}/{name}"] = lambda: self._dissection(snapshot, name)
        else:
            self._started[f"snapshot {answer['id']}"] = lambda: self._snapshot(answer["id"])

    async def _transfer(self, job_id: str) -> JobStatus:
        return (await self._hub.cloud_job(job_id)).status

    async def _dissection(self, snapshot: str, name: str) -> JobStatus:
        return (await self._hub.dissection(snapshot, name)).status

    async def _snapshot(self, snapshot_id: str) -> JobStatus:
        return (await self._hub.snapshot(snapshot_id)).status

    async def unfinished(self) -> list[str]:
        """Name the jobs that were started here and still run."""
        for name, look in list(self._started.items()):
            try:
                ended = (await look()).ended
            except KubesharkError:
                ended = True  # deleted, or nobody can tell
            if ended:
                del self._started[name]
        return list(self._started)
