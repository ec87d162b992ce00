"""Tools that only the Hub has, through the real server."""

from __future__ import annotations

from datetime import UTC

import pytest
from fake_hub import FakeHub
from mcp import Client

from kubeshark_mcp.hub.contract_remote import HubTool, HubTools, UnknownShapeError
from kubeshark_mcp.plugin import Clock
from kubeshark_mcp.registry import Selection
from kubeshark_mcp.server import ServerOptions, build_server
from kubeshark_mcp.server.hub_tools import PAGE

SLOW = HubTool(
    name="find_slow", description="Find slow ones.", input_schema={"type": "object", "properties": {"above": {}}},
    read_only=True,
)  # fmt: skip
PURGE = HubTool(name="purge_all", description="Purge.", input_schema={"type": "object"}, destructive=True)


class Elsewhere(FakeHub):
    """A Hub with tools of its own, and without some of ours."""

    def __init__(self, answer=None) -> None:
        super().__init__()
        self.answer = answer
        self.called: list[tuple[str, dict]] = []

    async def tools(self) -> HubTools:
        return HubTools(lacking=frozenset({"get_api_stats", "list_l4_flows"}), extra=(SLOW, PURGE))

    async def call_tool(self, name, arguments):
        self.called.append((name, dict(arguments)))
        return self.answer


async def ask(tool: str, arguments: dict | None = None, hub: FakeHub | None = None, list_first: bool = True, **chosen):
    options = ServerOptions(selection=Selection(elsewhere=True, **chosen), clock=Clock(UTC), key=b"key")
    async with Client(build_server(hub or Elsewhere(), options)) as client:
        names = [one.name for one in (await client.list_tools()).tools] if list_first else []
        result = await client.call_tool(tool, arguments or {})
    return names, result.is_error, result.content[0].text


async def test_tools_of_the_hub_are_offered_and_those_it_lacks_are_not():
    names, is_error, text = await ask("get_api_stats")
    assert {"find_slow", "list_api_calls"} <= set(names)
    assert not {"get_api_stats", "list_l4_flows", "purge_all"} & set(names)
    assert is_error
    assert text.startswith('There is no tool "get_api_stats" here.')


async def test_a_tool_that_was_never_listed_is_found_all_the_same():
    hub = Elsewhere({"slow": [{"path": "/a"}]})
    _, is_error, text = await ask("find_slow", {"above": 5}, hub, list_first=False)
    assert not is_error
    assert hub.called == [("find_slow", {"above": 5})]
    assert "/a" in text


async def test_its_answers_are_redacted_fenced_and_in_the_users_time():
    hub = Elsewhere({"rows": [{"ts": 1793534400000, "authorization": "Bearer hunter2-secret", "n": 1}, {"n": 2}]})
    _, _, text = await ask("find_slow", {}, hub)
    assert "hunter2" not in text
    assert '"ts":"2026-11-01T12:00:00Z"' in text
    assert text.startswith("[captured ")
    assert "tokens)" in text


async def test_a_long_answer_comes_in_pages():
    hub = Elsewhere({"rows": [{"n": number, "text": "x" * 1000} for number in range(100)], "total": 100})
    _, _, first = await ask("find_slow", {}, hub)
    assert first.startswith(f"page 1 of 3, next: {PAGE}=2")
    _, _, last = await ask("find_slow", {PAGE: 3}, hub)
    assert last.startswith("page 3 of 3\n")
    assert '"n":99' in last
    _, is_error, text = await ask("find_slow", {PAGE: 4}, hub)
    assert is_error
    assert "the answer has 3 pages" in text
    _, is_error, text = await ask("find_slow", {PAGE: "x"}, hub)
    assert is_error
    assert "give a whole number" in text
    assert all(PAGE not in arguments for _, arguments in hub.called)


async def test_one_endless_text_is_cut_into_pages_too():
    _, _, text = await ask("find_slow", {}, Elsewhere("y" * 100_000))
    assert text.startswith("page 1 of 3")


@pytest.mark.parametrize("nothing", [None, [], {}, ""])
async def test_nothing_is_said_to_be_nothing(nothing):
    _, is_error, text = await ask("find_slow", {}, Elsewhere(nothing))
    assert not is_error
    assert "The Hub's find_slow found nothing." in text


async def test_what_destroys_needs_leave_and_a_yes():
    _, is_error, _ = await ask("purge_all")
    assert is_error
    names, is_error, _ = await ask("purge_all", {}, Elsewhere({"done": True}), allow_destructive=True)
    assert "purge_all" in names
    assert not is_error


async def test_the_hubs_tools_are_chosen_and_left_out_like_ours():
    names, _, _ = await ask("find_slow", exclude_tools=("find_slow",))
    assert "find_slow" not in names
    names, _, _ = await ask("find_slow", toolsets=("status",))
    assert names == ["check_kubeshark_status"]
    names, _, _ = await ask("find_slow", hub=Elsewhere(1), toolsets=("hub", "status"))
    assert names == ["check_kubeshark_status", "find_slow"]


async def test_an_answer_of_an_unknown_shape_is_shown_as_it_is():
    class Odd(Elsewhere):
        async def snapshots(self):
            raise UnknownShapeError("The Hub's list_snapshots is odd.", {"password": "hunter2", "novel": [1, 2]})

    _, is_error, text = await ask("list_snapshots", {}, Odd())
    assert not is_error
    assert text.startswith("warning: The Hub's list_snapshots is odd.\n[captured ")
    assert "hunter2" not in text


async def test_the_schema_of_a_tool_of_the_hub_gets_a_page():
    options = ServerOptions(selection=Selection(elsewhere=True), clock=Clock(UTC), key=b"key")
    async with Client(build_server(Elsewhere(), options)) as client:
        (tool,) = [one for one in (await client.list_tools()).tools if one.name == "find_slow"]
    assert set(tool.input_schema["properties"]) == {"above", PAGE}
    assert tool.annotations is not None
    assert (tool.annotations.read_only_hint, tool.annotations.destructive_hint) == (True, None)
