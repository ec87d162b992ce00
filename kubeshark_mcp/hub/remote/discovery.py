"""What a Hub says it can do: its tools with their schemas, and its prompts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from kubeshark_mcp.errors import HubError
from kubeshark_mcp.hub.contract_remote import HubPrompt, HubPromptArgument
from kubeshark_mcp.hub.remote.reading import first, record, records, text
from kubeshark_mcp.present.fencing import clean

KEPT_SECONDS = 300.0
"""How long an answer to discovery holds."""
MOST_TOOLS = 500
DESCRIPTION = 1000
"""Characters of a description that are taken over."""
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class ToolSchema:
    """A tool of a Hub. schema: its declared inputSchema. open: takes arguments beyond those declared."""

    name: str
    description: str = ""
    schema: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def properties(self) -> dict[str, Any]:
        """Give the declared arguments."""
        return record(self.schema.get("properties"))

    @property
    def required(self) -> frozenset[str]:
        """Give the arguments that must be there."""
        found = self.schema.get("required")
        return frozenset(name for name in found if isinstance(name, str)) if isinstance(found, list) else frozenset()

    @property
    def declares(self) -> bool:
        """Tell whether the Hub says anything about arguments; one that does not takes the contract's."""
        return isinstance(self.schema.get("properties"), dict)


@dataclass(frozen=True, slots=True)
class Discovery:
    """A Hub's own description."""

    name: str
    version: str
    description: str
    tools: Mapping[str, ToolSchema]
    prompts: tuple[HubPrompt, ...]
    prompt_texts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def read_discovery(answer: Any, location: str) -> Discovery:
    """Read the answer to discovery; raises HubError when it is none. Entries without a usable name are left out."""
    if not isinstance(answer, dict) or not isinstance(answer.get("tools"), list):
        raise HubError(
            f"{location} answered, but not as a Hub describes itself (no list of tools at /api/mcp): "
            "check that --url leads to Kubeshark's front end, and that its version has the MCP interface."
        )
    tools = {}
    for one in records(answer["tools"])[:MOST_TOOLS]:
        name = text(one.get("name"))
        if _NAME.fullmatch(name):
            schema = record(first(one, "inputSchema", "input_schema", "parameters"))
            tools[name] = ToolSchema(name, described(one), MappingProxyType(schema))
    prompts = [one for one in records(answer.get("prompts"))[:MOST_TOOLS] if _NAME.fullmatch(text(one.get("name")))]
    return Discovery(
        name=clean(text(answer.get("name")))[:80] or "Kubeshark",
        version=clean(text(answer.get("version")))[:80],
        description=described(answer),
        tools=MappingProxyType(tools),
        prompts=tuple(_prompt(one) for one in prompts),
        prompt_texts=MappingProxyType({one["name"]: _template(one) for one in prompts}),
    )


def described(one: Mapping[str, Any]) -> str:
    """Give a description, clean and on one line: it comes from elsewhere."""
    return " ".join(clean(text(one.get("description"))).split())[:DESCRIPTION]


def _prompt(one: Mapping[str, Any]) -> HubPrompt:
    arguments = [
        HubPromptArgument(
            name=text(argument.get("name")),
            description=described(argument),
            required=argument.get("required") is True,
        )
        for argument in records(one.get("arguments"))
        if _NAME.fullmatch(text(argument.get("name")))
    ]
    return HubPrompt(name=text(one["name"]), description=described(one), arguments=tuple(arguments))


def _template(one: Mapping[str, Any]) -> str:
    """Give the text of a prompt where the Hub publishes it: as text, or as messages."""
    found = first(one, "template", "text", "prompt", "content")
    if isinstance(found, str):
        return clean(found)
    parts = []
    for message in records(one.get("messages")):
        content = message.get("content")
        parts.append(text(content.get("text")) if isinstance(content, dict) else text(content))
    return clean("\n\n".join(filter(None, parts)))


def prompt_text(discovery: Discovery, name: str, arguments: Mapping[str, str]) -> str:
    """Write a prompt with its arguments: in the Hub's own text where it has one, else as a request.

    Raises HubError when it does not exist or an argument is missing or unknown.
    """
    prompt = next((one for one in discovery.prompts if one.name == name), None)
    if prompt is None:
        known = ", ".join(one.name for one in discovery.prompts) or "none"
        raise HubError(f'This Hub has no prompt "{name[:80]}". Prompts: {known}.')
    declared = {one.name for one in prompt.arguments}
    missing = [one.name for one in prompt.arguments if one.required and not arguments.get(one.name, "").strip()]
    if missing:
        raise HubError(f'The prompt {name} needs "{missing[0]}".')
    unknown = [given for given in arguments if given not in declared]
    if unknown:
        raise HubError(
            f'"{unknown[0][:80]}" is no argument of the prompt {name}. Valid: {", ".join(sorted(declared))}.'
        )
    body = discovery.prompt_texts.get(name, "")
    left = {key: " ".join(value.split()) for key, value in arguments.items() if value.strip()}
    for key in list(left):
        marks = ("{{" + key + "}}", "{{ " + key + " }}", "{" + key + "}")
        if any(mark in body for mark in marks):
            for mark in marks:
                body = body.replace(mark, left[key])
            del left[key]
    lines = [body or prompt.description or name.replace("_", " ")]
    lines += [f"- {key}: {value}" for key, value in left.items()]
    return "\n".join(lines)
