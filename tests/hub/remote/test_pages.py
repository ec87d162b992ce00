"""Pages from a Hub that has none."""

from __future__ import annotations

import pytest
from remote_fakes import KUBESHARK, Routes

from kubeshark_mcp.errors import UnsupportedError, UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.remote.discovery import ToolSchema
from kubeshark_mcp.hub.remote.pages import Pages, place, preferred_format

MS = 1793534400000
CALLS = [{"id": str(number), "ts": MS + number // 3, "proto": "http"} for number in range(10)]
"""Three calls in each millisecond, so that pages end between calls of one time."""


def ascending(arguments):
    found = [call for call in CALLS if call["ts"] >= arguments.get("start", 0)]
    limit = arguments["limit"]
    return {"calls": found[:limit], "total": len(CALLS), "truncated": len(found) > limit}


def descending(arguments):
    found = [call for call in reversed(CALLS) if call["ts"] <= arguments.get("end", MS * 2)]
    limit = arguments["limit"]
    return {"calls": found[:limit], "total": len(CALLS), "truncated": len(found) > limit}


async def all_pages(answer, limit: int, **query) -> list[list[str]]:
    pages, cursor, seen = Pages(Routes({"list_api_calls": answer}).asking), None, []
    while True:
        page = await pages.page(c.CallQuery(limit=limit, cursor=cursor, **query))
        seen.append([row["_id"] for row in page.rows])
        cursor = page.cursor
        if cursor is None or len(seen) > 20:
            return seen


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 10, 100])
async def test_pages_by_time_give_every_call_once_in_order(limit):
    seen = await all_pages(ascending, limit)
    assert [one for page in seen for one in page] == [call["id"] for call in CALLS]
    assert all(len(page) <= limit for page in seen)


@pytest.mark.parametrize("limit", [1, 3, 4])
async def test_pages_of_a_hub_that_gives_the_newest_first_are_whole_too(limit):
    seen = await all_pages(descending, limit, newest_first=True)
    assert sorted(int(one) for page in seen for one in page) == list(range(10))


async def test_the_newest_of_many_cannot_be_had_from_a_hub_that_begins_with_the_oldest():
    pages = Pages(Routes({"list_api_calls": ascending}).asking)
    with pytest.raises(UnsupportedError, match="oldest first only"):
        await pages.page(c.CallQuery(limit=4, newest_first=True))
    page = await pages.page(c.CallQuery(limit=100, newest_first=True))
    assert page.rows[0]["timestamp"] > page.rows[-1]["timestamp"]


async def test_a_cursor_of_something_else_is_refused():
    pages = Pages(Routes({"list_api_calls": ascending}).asking)
    with pytest.raises(UsageError, match="cursor 'nonsense' is none of this tool"):
        await pages.page(c.CallQuery(cursor="nonsense"))


async def test_a_hub_with_pages_gets_its_own_cursor():
    declared = {"properties": {**KUBESHARK["list_api_calls"]["properties"], "cursor": {}, "newest_first": {}}}
    answer = {"calls": [{"id": "1", "ts": MS}], "total": 2, "cursor": "next"}
    routes = Routes({"list_api_calls": answer}, {"list_api_calls": declared})
    page = await Pages(routes.asking).page(c.CallQuery(cursor="this", newest_first=True, limit=1, kfl="http"))
    assert page.cursor == "next"
    assert routes.asked == [
        ("list_api_calls", {"kfl": "http", "limit": 1, "format": "raw", "cursor": "this", "newest_first": True})
    ]


@pytest.mark.parametrize(
    ("properties", "database", "given"),
    [
        ({"db": {}, "snapshot_id": {}}, "s/d", {"db": "s/d"}),
        ({"db": {}, "snapshot_id": {}}, "s", {"snapshot": "s"}),
        ({"db": {}}, "s", {"db": "s"}),
        ({"snapshot_id": {}}, "s/d", {"snapshot": "s"}),
        ({"db": {}}, "live", {}),
        ({"db": {}}, None, {}),
    ],
)
def test_a_database_is_named_as_the_hub_knows_it(properties, database, given):
    assert place("list_api_calls", ToolSchema("t", "", {"properties": properties}), database) == given


def test_the_fullest_declared_form_is_asked_for():
    declared = ToolSchema("t", "", {"properties": {"format": {"enum": ["compact", "full"]}}})
    assert preferred_format(declared, "raw") == "full"
    assert preferred_format(None, "raw") == "raw"
