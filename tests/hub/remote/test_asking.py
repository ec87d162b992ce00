"""Calling a Hub's tools by what it says it has."""

from __future__ import annotations

import httpx
import pytest
from remote_fakes import Routes, discovery

from kubeshark_mcp.errors import HubError, NotFoundError, UnsupportedError


async def test_discovery_is_kept_for_five_minutes():
    routes = Routes()
    await routes.asking.discovery()
    routes.clock.now += 299
    await routes.asking.discovery()
    assert routes.discovered.call_count == 1
    routes.clock.now += 2
    await routes.asking.discovery()
    assert routes.discovered.call_count == 2
    routes.asking.forget()
    await routes.asking.discovery()
    assert routes.discovered.call_count == 3


async def test_the_check_at_the_start_tells_a_web_server_from_a_hub():
    routes = Routes()
    routes.discovered.respond(404, text="page not found")
    with pytest.raises(HubError, match="is a web server, but no Kubeshark Hub"):
        await routes.asking.check()


async def test_a_tool_that_the_hub_lacks_names_those_it_has():
    routes = Routes(tools={"list_snapshots": {}})
    with pytest.raises(UnsupportedError, match=r"This Hub \(hub 53.1\) has no get_api_stats.*It has: list_snapshots"):
        await routes.asking.ask("get_api_stats")
    assert routes.asked == []


async def test_a_tool_that_does_not_fit_is_not_called():
    routes = Routes(tools={"get_snapshot": {"required": ["tenant"], "properties": {"tenant": {}}}})
    with pytest.raises(UnsupportedError, match="works in another way"):
        await routes.asking.ask("get_snapshot", snapshot="s")
    assert await routes.asking.has("get_snapshot") is None


async def test_a_tool_that_vanished_is_told_from_a_thing_that_does_not_exist():
    routes = Routes(
        {
            "list_snapshots": httpx.Response(404, text="unknown tool"),
            "get_snapshot": httpx.Response(404, text="no snapshot s9"),
        }
    )
    with pytest.raises(NotFoundError, match="no snapshot s9"):
        await routes.asking.ask("get_snapshot", snapshot="s9")
    routes.discovered.respond(json=discovery({"get_snapshot": {}}))
    with pytest.raises(UnsupportedError, match=r"no longer has the tool list_snapshots.*It has: get_snapshot"):
        await routes.asking.ask("list_snapshots")


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ({"content": [{"type": "text", "text": '{"a": 1}'}]}, {"a": 1}),
        ({"content": [{"type": "text", "text": "words"}], "isError": False}, "words"),
        ({"content": [], "structuredContent": {"a": 1}}, {"a": 1}),
        ({"result": {"a": 1}}, {"a": 1}),
        ({"error": "", "a": 1}, {"error": "", "a": 1}),
    ],
)
async def test_envelopes_are_opened(answer, value):
    assert await Routes({"t": answer}).asking.call("t", {}, read=True) == value


@pytest.mark.parametrize(
    "answer",
    [
        {"success": False, "error": "disk full"},
        {"error": {"message": "disk full"}},
        {"content": [{"type": "text", "text": "disk full"}], "isError": True},
    ],
)
async def test_a_failure_told_with_http_200_is_one(answer):
    with pytest.raises(HubError, match="The Hub's t failed: disk full"):
        await Routes({"t": answer}).asking.call("t", {}, read=True)
