"""Pages of calls, also from a Hub that has none: the next page then begins where the times of this one end."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from kubeshark_mcp.errors import UnsupportedError, UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.remote import bindings as b
from kubeshark_mcp.hub.remote import call_readings as calls
from kubeshark_mcp.hub.remote import reading as r
from kubeshark_mcp.hub.remote.asking import Asking
from kubeshark_mcp.hub.remote.discovery import ToolSchema

LIVE = "live"
"""What the data of a Hub that captures is called, where a database is named in an answer."""
MOST = 1000
"""Calls that a Hub gives at once."""
MOST_IDS = 2000
_TOOL = "list_api_calls"
_EPOCH, _MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
Row = Mapping[str, Any]


def place(tool: str, declared: ToolSchema | None, database: str | None) -> dict[str, Any]:
    """Give the arguments that name a database: `SNAPSHOT/DISSECTION` as it is, or the snapshot alone."""
    if not database or database == LIVE:
        return {}
    snapshot, _, dissection = database.partition("/")
    if not dissection and (declared is None or b.takes(tool, declared, "snapshot") or not declared.declares):
        return {"snapshot": snapshot}
    if declared is not None and declared.declares and not b.takes(tool, declared, "db"):
        return {"snapshot": snapshot}
    return {"db": database}


@dataclass(frozen=True, slots=True)
class _Since:
    """Where a page of our own making begins. ids: calls at that very time that were shown already."""

    milliseconds: int
    ascending: bool
    ids: frozenset[str]

    @classmethod
    def read(cls, cursor: str) -> _Since:
        try:
            held = orjson.loads(urlsafe_b64decode(cursor.encode()))
            return cls(int(held["t"]), bool(held["a"]), frozenset(map(str, held["i"])))
        except (ValueError, KeyError, TypeError):
            raise UsageError(
                f"cursor {cursor[:60]!r} is none of this tool: give it as the page before gave it."
            ) from None

    def write(self) -> str:
        held = {"t": self.milliseconds, "a": self.ascending, "i": sorted(self.ids)}
        return urlsafe_b64encode(orjson.dumps(held)).decode()


class Pages:
    """Lists calls of one Hub."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    async def page(self, query: c.CallQuery, layer4: bool = False) -> c.CallPage:
        """Give a page. layer4: connections are asked for, whose numbers a Hub of Kubeshark gives in raw form only."""
        declared = await self._asking.has(_TOOL)
        given = self._given(query, declared, layer4)
        own_pages = declared is not None and declared.declares and not b.takes(_TOOL, declared, "cursor")
        if not own_pages:
            answer = await self._asking.ask(
                _TOOL, **given, cursor=query.cursor, newest_first=query.newest_first or None
            )
            return calls.call_page(answer, query.database or LIVE, query)
        since = None if query.cursor is None else _Since.read(query.cursor)
        if since is not None:
            edge = r.moment(since.milliseconds)
            given |= {"start": edge} if since.ascending else {"end": edge}
        # Two calls at least, because the order of one cannot be told.
        given["limit"] = min(MOST, max(2, query.limit) + (len(since.ids) if since is not None else 0))
        if b.takes(_TOOL, declared, "newest_first"):
            given["newest_first"] = query.newest_first or None
        answer = await self._asking.ask(_TOOL, **given)
        if since is None and calls.truncated(answer) and _order(answer) is None:
            answer = await self._asking.ask(_TOOL, **given | {"limit": MOST})
        return self._cut(query, answer, since, "newest_first" in given)

    def _given(self, query: c.CallQuery, declared: ToolSchema | None, layer4: bool) -> dict[str, Any]:
        ours = b.takes(_TOOL, declared, "cursor")
        return {
            "kfl": query.kfl if query.kfl and query.kfl.strip() else None,
            "start": query.start,
            "end": query.end,
            "limit": query.limit,
            "format": preferred_format(declared, "raw" if ours or layer4 else "full"),
            "keep_duplicates": query.keep_duplicates or None,
            **place(_TOOL, declared, query.database),
        }

    def _cut(self, query: c.CallQuery, answer: Any, since: _Since | None, ordered: bool) -> c.CallPage:
        """Make a page out of an answer that knows of none, with a cursor when there is more."""
        order = _order(answer)
        ascending = since.ascending if since is not None else order is not False
        more = calls.truncated(answer)
        if more and query.newest_first and ascending and not ordered:
            raise UnsupportedError(
                "This Hub lists calls oldest first only, and more match than fit on a page: give a later start, "
                "or leave newest_first out."
            )
        page = calls.call_page(answer, query.database or LIVE, query)
        seen = since.ids if since is not None else frozenset()
        fresh = [row for row in _walked(page.rows, ascending) if str(row["_id"]) not in seen]
        rows = fresh[: query.limit]
        cursor, notes = None, []
        if more or len(fresh) > len(rows):
            tellable = rows and (order is not None or since is not None)
            cursor = _following(rows, ascending, since) if tellable else None
            notes = [] if cursor else [_NO_MORE]
        shown = _walked(rows, not query.newest_first)
        return page.model_copy(update={"rows": shown, "cursor": cursor, "warnings": [*page.warnings, *notes]})


_NO_MORE = "this Hub has no pages, and too many calls are of one moment: narrow the filter to see the others"


def _walked(rows: Sequence[Row], ascending: bool) -> list[Row]:
    """Give calls in order of time; as they are where one has no time."""
    if not all(isinstance(row.get("timestamp"), datetime) for row in rows):
        return list(rows)
    return sorted(rows, key=lambda row: row["timestamp"], reverse=not ascending)


def _order(answer: Any) -> bool | None:
    """Tell whether the Hub gave calls oldest first; None when they are all of one time."""
    found = r.listed(answer, _TOOL, "calls", "entries", "items")
    times = [moment for one in found if (moment := r.moment(r.first(one, "ts", "timestamp"))) is not None]
    return None if not times or times[0] == times[-1] else times[0] < times[-1]


def _following(rows: Sequence[Row], ascending: bool, since: _Since | None) -> str | None:
    """Write the cursor for what comes after the last of these calls."""
    edge = rows[-1].get("timestamp")
    if not isinstance(edge, datetime):
        return None
    milliseconds = (edge - _EPOCH) // _MILLISECOND
    ids = {str(row["_id"]) for row in rows if _same(row.get("timestamp"), milliseconds)}
    if since is not None and since.milliseconds == milliseconds:
        ids |= since.ids
    if len(ids) > MOST_IDS:
        return None
    return _Since(milliseconds, ascending, frozenset(ids)).write()


def _same(moment: object, milliseconds: int) -> bool:
    return isinstance(moment, datetime) and (moment - _EPOCH) // _MILLISECOND == milliseconds


def preferred_format(declared: ToolSchema | None, wanted: str) -> str | None:
    """Give the fullest form that the Hub declares."""
    allowed = r.record(declared.properties.get("format")).get("enum") if declared is not None else None
    if not isinstance(allowed, list) or wanted in allowed:
        return wanted
    return next((form for form in ("full", "compact", "raw") if form in allowed), None)
