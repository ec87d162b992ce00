"""The person is asked before something is destroyed, where the client can ask."""

from __future__ import annotations

import pytest
from fake_hub import FakeHub
from mcp import Client
from mcp_types import ElicitResult

from kubeshark_mcp.registry import Selection
from kubeshark_mcp.server import ServerOptions, build_server, describe_tools

OPTIONS = ServerOptions(selection=Selection(allow_destructive=True))
ERAS = ["auto", "legacy"]
QUESTION = 'Delete snapshot "incident" (s1, 123 kB) with its dissections?'


def answering(questions: list[str], answer: ElicitResult):
    async def ask(context, params):
        questions.append(params.message)
        return answer

    return ask


def deleted(hub: FakeHub) -> list[str]:
    return [name for name, _ in hub.asked if name.startswith("delete")]


@pytest.mark.parametrize("mode", ERAS)
async def test_a_yes_deletes(mode):
    hub, questions = FakeHub(), []
    ask = answering(questions, ElicitResult(action="accept", content={"confirm": True}))
    async with Client(build_server(hub, OPTIONS), mode=mode, elicitation_callback=ask) as client:
        result = await client.call_tool("delete_snapshot", {"id": "s1"})
    assert questions == [QUESTION]
    assert deleted(hub) == ["delete_snapshot"]
    assert result.content[0].text.startswith("Snapshot s1 is deleted.")


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize(
    "answer",
    [
        ElicitResult(action="decline"),
        ElicitResult(action="cancel"),
        ElicitResult(action="accept", content={"confirm": False}),
        ElicitResult(action="accept", content={}),
        ElicitResult(action="accept", content={"confirm": "no idea"}),
    ],
    ids=["decline", "cancel", "unticked", "empty", "nonsense"],
)
async def test_anything_else_deletes_nothing(mode, answer):
    hub, questions = FakeHub(), []
    async with Client(
        build_server(hub, OPTIONS), mode=mode, elicitation_callback=answering(questions, answer)
    ) as client:
        result = await client.call_tool("delete_snapshot", {"id": "s1"})
    assert result.is_error
    assert result.content[0].text == f"Nothing was changed: the person did not agree to this. ({QUESTION})"
    assert deleted(hub) == []


@pytest.mark.parametrize("mode", ERAS)
async def test_every_destructive_tool_asks(mode):
    arguments = {"delete_snapshot": {"id": "s1"}, "delete_snapshot_dissection": {"snapshot_id": "s1", "name": "main"}}
    names = {tool["name"] for tool in describe_tools(OPTIONS) if tool["annotations"].get("destructiveHint")}
    hub, questions = FakeHub(), []
    ask = answering(questions, ElicitResult(action="decline"))
    async with Client(build_server(hub, OPTIONS), mode=mode, elicitation_callback=ask) as client:
        for name in names:
            assert (await client.call_tool(name, arguments[name])).is_error
    assert len(questions) == len(names) > 0
    assert deleted(hub) == []


@pytest.mark.parametrize("mode", ERAS)
async def test_a_client_that_cannot_ask_still_works(mode):
    hub = FakeHub()
    async with Client(build_server(hub, OPTIONS), mode=mode) as client:
        result = await client.call_tool("delete_snapshot", {"id": "s1"})
    assert not result.is_error
    assert deleted(hub) == ["delete_snapshot"]
