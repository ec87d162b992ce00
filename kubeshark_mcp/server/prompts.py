"""Prompts over MCP: ours, filled in for what this server has and knows, and those that only the Hub has."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, GetPromptResult, PromptMessage, TextContent
from mcp_types import Prompt as PromptDescription
from mcp_types import PromptArgument as ArgumentDescription

from kubeshark_mcp.errors import KubesharkError
from kubeshark_mcp.plugin import Clock, Hub
from kubeshark_mcp.present.fencing import clean
from kubeshark_mcp.present.redaction import Redactor
from kubeshark_mcp.prompts import PROMPTS, Situation, prompt_text


class Prompts:
    """Lists and fills in prompts. names: gives the tools that may be told of, at the time of the question."""

    def __init__(self, hub: Hub, names: Callable[[], list[str]], clock: Clock, redactor: Redactor) -> None:
        self._hub = hub
        self._names = names
        self._zone = str(clock.zone) if clock.zone is not None else ""
        self._redactor = redactor

    async def describe(self) -> list[PromptDescription]:
        """Describe all prompts; one of the Hub with a name of ours is left out, because ours knows these tools."""
        ours = [
            PromptDescription(
                name=prompt.name,
                title=prompt.title,
                description=prompt.description,
                arguments=[
                    ArgumentDescription(name=one.name, description=one.description, required=one.required)
                    for one in prompt.arguments
                ],
            )
            for prompt in PROMPTS
        ]
        known = {prompt.name for prompt in ours}
        theirs = [
            PromptDescription(
                name=prompt.name,
                description=clean(prompt.description),
                arguments=[
                    ArgumentDescription(name=one.name, description=clean(one.description), required=one.required)
                    for one in prompt.arguments
                ],
            )
            for prompt in await self._hub.prompts()
            if prompt.name not in known
        ]
        return [*ours, *theirs]

    async def get(self, name: str, given: Mapping[str, str] | None) -> GetPromptResult:
        """Give a prompt with its arguments in it; a mistake becomes an error whose text is a sentence."""
        arguments = {key: value for key, value in (given or {}).items() if value is not None}
        ours = next((prompt for prompt in PROMPTS if prompt.name == name), None)
        try:
            if ours is not None:
                text, description = prompt_text(name, arguments, await self._situation()), ours.description
            else:
                text, description = await self._of_hub(name, arguments)
        except KubesharkError as error:
            raise MCPError(code=INVALID_PARAMS, message=self._redactor.text(clean(str(error)))) from None
        content = TextContent(type="text", text=text)
        return GetPromptResult(description=description, messages=[PromptMessage(role="user", content=content)])

    async def _of_hub(self, name: str, arguments: Mapping[str, str]) -> tuple[str, str]:
        there = {prompt.name: prompt for prompt in await self._hub.prompts()}
        if name not in there:
            names = ", ".join([*(prompt.name for prompt in PROMPTS), *there])
            raise MCPError(code=INVALID_PARAMS, message=f'There is no prompt "{name[:80]}". Prompts: {names}.')
        return self._redactor.text(clean(await self._hub.prompt(name, arguments))), clean(there[name].description)

    async def _situation(self) -> Situation:
        """Say what there is to ask; a Hub that does not answer is a situation as well."""
        try:
            status = await self._hub.status()
            kind, running = status.kind, status.running
        except KubesharkError:
            kind, running = "", False
        return Situation(
            tools=frozenset(self._names()),
            kind=kind,
            running=running,
            database=await self._newest() if running else "",
            zone=self._zone,
            redacts=self._redactor.enabled,
        )

    async def _newest(self) -> str:
        """Give the newest whole dissection, as SNAPSHOT/NAME."""
        try:
            found = await self._hub.databases()
        except KubesharkError:
            return ""
        whole = [
            f"{one.snapshot}/{one.name}" for one in found if one.snapshot and one.name and one.status == "completed"
        ]
        return whole[0] if whole else ""
