"""Tools that only the Hub has: offered with its own schema; and which of ours it cannot answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.contract_remote import HubTool, HubTools
from kubeshark_mcp.hub.remote import bindings as b
from kubeshark_mcp.hub.remote.discovery import Discovery, ToolSchema
from kubeshark_mcp.hub.remote.reading import record

_READS = re.compile(
    r"(?:get|list|check|find|show|describe|search|count|query|read|resolve|explain|export|compare|preview)_"
)
_DESTROYS = re.compile(r"(?:delete|stop|remove|drop|purge|clean|clear|reset|uninstall|kill|wipe|truncate)_")
MOST_CHARACTERS = 20_000
"""Of a schema: a bigger one is replaced by an open object."""


def hub_tools(discovery: Discovery) -> HubTools:
    """Compare a Hub's tools with ours."""
    taken: set[str] = set()
    lacking: set[str] = set()
    for tool in b.FORMS:
        found = b.found_under(tool, discovery.tools)
        if found is None or b.misfit(tool, found):
            if tool not in b.COMPUTED:
                lacking.add(tool)
        else:
            taken |= {found.name, *b.FORMS[tool].older}
    lacking |= {tool for tool, source in b.COMPUTED.items() if source in lacking and tool not in taken}
    extra = [
        passed_through(tool)
        for name, tool in sorted(discovery.tools.items())
        if name not in taken and name not in b.ANSWERED_HERE
    ]
    return HubTools(lacking=frozenset(lacking), extra=tuple(extra))


def passed_through(tool: ToolSchema) -> HubTool:
    """Describe a tool of the Hub. Whether it reads or destroys is judged by its name, in doubt neither is claimed."""
    schema = dict(tool.schema)
    if schema.get("type") != "object" or len(str(schema)) > MOST_CHARACTERS:
        schema = {"type": "object", "properties": tool.properties if len(str(schema)) <= MOST_CHARACTERS else {}}
    return HubTool(
        name=tool.name,
        description=tool.description or f"The Hub's own tool {tool.name}, which it does not describe.",
        input_schema=schema,
        read_only=bool(_READS.match(tool.name)),
        destructive=bool(_DESTROYS.match(tool.name)),
    )


def checked_arguments(tool: ToolSchema, given: Mapping[str, Any]) -> dict[str, Any]:
    """Give the arguments for a tool of the Hub; raises UsageError for missing and unknown ones."""
    missing = sorted(name for name in tool.required if given.get(name) is None)
    if missing:
        raise UsageError(f'{tool.name} needs "{missing[0]}".')
    if tool.declares and not record(tool.schema).get("additionalProperties"):
        unknown = [name for name in given if name not in tool.properties]
        if unknown:
            valid = ", ".join(tool.properties) or "none"
            raise UsageError(f'"{unknown[0][:60]}" is no argument of {tool.name}. Valid: {valid}.')
    return {name: value for name, value in given.items() if value is not None}
