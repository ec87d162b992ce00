"""Tools that only the Hub has: offered with its own schemas, answered in our way (redacted, fenced, in pages)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from mcp_types import Tool as ToolDescription
from mcp_types import ToolAnnotations

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.contract_remote import HubTool, HubTools, UnknownShapeError
from kubeshark_mcp.plugin import Answer, Hub, Presenter, ToolContext
from kubeshark_mcp.registry import HUB_TOOLSET, Selection

PAGE = "answer_page"
"""An argument that is ours: which part of a long answer to show."""
PAGE_CHARACTERS = 40_000
_DEPTH = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIMES = ("ts", "timestamp", "time", "start", "end", "first", "last", "oldest", "newest")
_TIME_ENDS = ("_ts", "_at", "_time", "_timestamp")
_FIRST_MS, _LAST_MS = 946_684_800_000, 4_102_444_800_000
"""Unix milliseconds of the years 2000 and 2100: a number between them under a time's name is a time."""


class OwnTools:
    """What the Hub has beside our tools, and which of ours it lacks, as it last said."""

    def __init__(self, hub: Hub, selection: Selection, show: Presenter) -> None:
        self._hub = hub
        self._selection = selection
        self._show = show
        self._found = HubTools()

    async def refresh(self) -> None:
        """Ask the Hub anew."""
        self._found = await self._hub.tools()

    def lacks(self, name: str) -> bool:
        """Tell whether the Hub cannot answer a tool of ours."""
        return name in self._found.lacking

    @property
    def tools(self) -> dict[str, HubTool]:
        """Give the Hub's own tools that the operator lets through, by name."""
        chosen = self._selection
        if chosen.toolsets is not None and HUB_TOOLSET not in chosen.toolsets:
            return {}
        return {
            tool.name: tool
            for tool in self._found.extra
            if tool.name not in chosen.exclude_tools and (chosen.allow_destructive or not tool.destructive)
        }

    def describe(self) -> list[ToolDescription]:
        """Describe them as a client sees them."""
        return [
            ToolDescription(
                name=tool.name,
                description=tool.description,
                input_schema=_with_page(tool),
                annotations=ToolAnnotations(
                    read_only_hint=tool.read_only,
                    destructive_hint=None if tool.read_only else True,
                    idempotent_hint=None if tool.read_only else False,
                    open_world_hint=True,
                ),
            )
            for tool in self.tools.values()
        ]

    async def call(self, name: str, arguments: Mapping[str, Any], context: ToolContext) -> Answer:
        """Call one of them; a destructive one after asking the person."""
        tool = self.tools[name]
        given = dict(arguments)
        page = given.pop(PAGE, 1) if PAGE not in tool.input_schema.get("properties", {}) else 1
        if not isinstance(page, int) or isinstance(page, bool) or page < 1:
            raise UsageError(f"{PAGE} is {json.dumps(page, default=str)[:40]}; give a whole number from 1 on.")
        if tool.destructive:
            shown = self._show.safe(json.dumps(given, default=str, ensure_ascii=False))[:300]
            await context.confirm(f"Call the Hub's {name} with {shown}?")
        return self.shown(name, await self._hub.call_tool(name, given), page)

    def odd(self, name: str, error: UnknownShapeError) -> Answer:
        """Show an answer whose shape is not known, with what is to be said about it."""
        answer = self.shown(name, error.answer, 1)
        return Answer(f"warning: {self._show.safe(str(error))}\n{answer.text}", answer.facts)

    def shown(self, name: str, value: Any, page: int) -> Answer:
        """Write a JSON value: one record a line, so many as fit on a page."""
        if value in (None, "", [], {}):
            nothing = self._show.empty(
                f"The Hub's {name} found nothing.", remedy="Check its arguments and the window of time."
            )
            return Answer(nothing, {"total": 0})
        pages = _pages(_records(_timed(value)))
        if page > len(pages):
            raise UsageError(f"{PAGE} is {page}; the answer has {len(pages)} pages.")
        # As JSON text, because redaction then goes by the names of all members, however deep.
        body = "\n".join(self._show.safe(self._json(record)) for record in pages[page - 1])
        lines = [self._show.fence.around(body)]
        if len(pages) > 1:
            following = f", next: {PAGE}={page + 1}" if page < len(pages) else ""
            lines.insert(0, f"page {page} of {len(pages)}{following}")
        return Answer("\n".join(lines), {"page": page, "pages": len(pages)})

    def _json(self, record: Mapping[str, Any]) -> str:
        def other(item: Any) -> str:
            return self._show.time(item) if isinstance(item, datetime) else str(item)

        return json.dumps(record, default=other, ensure_ascii=False, separators=(",", ":"))


def _with_page(tool: HubTool) -> dict[str, Any]:
    schema = dict(tool.input_schema)
    properties = schema.get("properties")
    known = properties if isinstance(properties, dict) else {}
    if tool.read_only and PAGE not in known:
        schema["properties"] = {
            **known,
            PAGE: {"type": "integer", "minimum": 1, "description": "of a long answer; 1 by default"},
        }
    return schema


def _records(value: Any) -> list[Mapping[str, Any]]:
    """Cut a value into records: the items of its longest list, after what stands beside it."""
    if isinstance(value, list):
        return [item if isinstance(item, dict) else {"item": item} for item in value]
    if not isinstance(value, dict):
        return [{"answer": value}]
    lists = [name for name, item in value.items() if isinstance(item, list) and len(item) > 1]
    if not lists:
        return [value]
    longest = max(lists, key=lambda name: len(value[name]))
    rest = {name: item for name, item in value.items() if name != longest}
    return [*([rest] if rest else []), *_records(value[longest])]


def _pages(records: list[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    pages: list[list[Mapping[str, Any]]] = [[]]
    room = PAGE_CHARACTERS
    for record in records:
        for part in _parts(record):
            size = len(json.dumps(part, default=str, ensure_ascii=False))
            if pages[-1] and size > room:
                pages.append([])
                room = PAGE_CHARACTERS
            pages[-1].append(part)
            room -= size
    return pages


def _parts(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Cut a text that is longer than a page into several; everything else stays whole."""
    if len(record) == 1:
        name, value = next(iter(record.items()))
        if isinstance(value, str) and len(value) > PAGE_CHARACTERS:
            return [{name: value[at : at + PAGE_CHARACTERS]} for at in range(0, len(value), PAGE_CHARACTERS)]
    return [record]


def _timed(value: Any, depth: int = 0) -> Any:
    """Give a value with what is Unix milliseconds under a time's name as times, for the user's zone."""
    if depth > _DEPTH:
        return value
    if isinstance(value, list):
        return [_timed(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {
            name: _EPOCH + timedelta(milliseconds=item) if _is_time(name, item) else _timed(item, depth + 1)
            for name, item in value.items()
        }
    return value


def _is_time(name: str, value: Any) -> bool:
    named = name.lower() in _TIMES or name.lower().endswith(_TIME_ENDS)
    return named and isinstance(value, int) and not isinstance(value, bool) and _FIRST_MS <= value <= _LAST_MS
