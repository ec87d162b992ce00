"""The server, through the SDK's own client, in both eras of the protocol."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from datetime import UTC
from pathlib import Path

import pytest
from fake_hub import FakeHub
from mcp import Client

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.cloud.answers import NEED_STORAGE
from kubeshark_mcp.plugin import Clock
from kubeshark_mcp.present.tokens import rough_tokens
from kubeshark_mcp.registry import Selection
from kubeshark_mcp.server import ServerOptions, build_server, describe_tools
from kubeshark_mcp.server.app import FACTS

SNAPS = Path(__file__).resolve().parent.parent / "toolsnaps"
ERAS = ["auto", "legacy"]
ALL = ServerOptions(selection=Selection(allow_destructive=True), clock=Clock(UTC), key=b"key")
DESTRUCTIVE = {"delete_snapshot", "delete_snapshot_dissection"}


async def call(tool: str, arguments: dict | None = None, hub: FakeHub | None = None, mode: str = "auto", **options):
    async with Client(build_server(hub or FakeHub(), options.pop("options", ALL)), mode=mode, **options) as client:
        return await client.call_tool(tool, arguments or {})


def text_of(result) -> str:
    assert [content.type for content in result.content] == ["text"]
    return result.content[0].text


@pytest.mark.parametrize("mode", ERAS)
async def test_tools_are_listed_and_called_in_both_eras(mode):
    async with Client(build_server(FakeHub(), ALL), mode=mode) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        result = await client.call_tool("check_kubeshark_status", {})
    assert names == [tool["name"] for tool in describe_tools(ALL)]
    assert not result.is_error
    assert "embedded" in text_of(result)


@pytest.mark.parametrize("mode", ERAS)
async def test_the_server_names_itself_and_says_how_to_investigate(mode):
    async with Client(build_server(FakeHub(), ALL), mode=mode) as client:
        assert client.server_info.name == "kubeshark"
        assert client.instructions is not None
        assert client.instructions.startswith("Kubeshark answers questions")


def test_a_destructive_tool_is_not_registered_without_leave():
    default = {tool["name"] for tool in describe_tools()}
    every = {tool["name"] for tool in describe_tools(ALL)}
    assert every - default == DESTRUCTIVE


def snap_of(tool: dict) -> str:
    return json.dumps(tool, indent=1, ensure_ascii=False) + "\n"


def test_every_tools_schema_is_the_one_that_was_agreed():
    """Set KUBESHARK_UPDATE_TOOLSNAPS=1 to write what the tools are now, and review the difference."""
    tools = {tool["name"]: snap_of(tool) for tool in describe_tools(ALL)}
    if os.environ.get("KUBESHARK_UPDATE_TOOLSNAPS"):
        for path in SNAPS.glob("*.json"):
            path.unlink()
        for name, snap in tools.items():
            (SNAPS / f"{name}.json").write_text(snap)
    agreed = {path.stem: path.read_text() for path in SNAPS.glob("*.json")}
    assert tools == agreed


def test_descriptions_and_schemas_are_short():
    tools = describe_tools(ALL)
    assert {tool["name"]: len(tool["description"]) for tool in tools if not 10 <= len(tool["description"]) <= 300} == {}
    assert rough_tokens(json.dumps(tools, separators=(",", ":"))) < 6100
    with_storage = [tool for tool in tools if tool["name"] in NEED_STORAGE]
    assert rough_tokens(json.dumps([tool for tool in tools if tool not in with_storage], separators=(",", ":"))) < 5800


@pytest.mark.parametrize("mode", ERAS)
async def test_an_answer_is_text_alone_with_its_size_and_small_facts_beside_it(mode):
    result = await call("get_snapshot", {"id": "s1"}, mode=mode)
    tokens = result.meta[FACTS]["tokens"]
    assert result.structured_content is None
    assert text_of(result).endswith(f"\n(≈{tokens} tokens)")
    assert result.meta[FACTS] == {"id": "s1", "status": "completed", "packets": 1000, "tokens": tokens}


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("get_snapshot", {"identifier": "s1"}, '"identifier" is no argument of get_snapshot. Valid: id.'),
        (
            "get_snapshot",
            {"id": "s1", "Id": "s1"},
            '"Id" is no argument of get_snapshot. Did you mean "id"? Valid: id.',
        ),
        ("get_snapshot", {}, 'get_snapshot needs "id".'),
        ("get_snapshot", {"id": 5}, "id is 5; give text."),
        ("get_snapshot", {"id": "s9"}, 'There is no snapshot "s9"; list_snapshots shows those there are.'),
        ("list_api_calls", {"limit": 0}, "limit is 0; give at least 1."),
        ("list_api_calls", {"limit": 100000}, "limit is 100000; give at most 1000."),
        ("list_api_calls", {"limit": "many"}, 'limit is "many"; give a whole number.'),
        ("list_api_calls", {"format": "xml"}, "format is \"xml\"; give one of 'compact', 'full' or 'raw'."),
        (
            "list_api_calls",
            {"start": "2026-11-01T14:00:00Z", "end": "2026-11-01T13:00:00Z"},
            "start (2026-11-01T14:00:00Z) is after end (2026-11-01T13:00:00Z); exchange them, or leave one out.",
        ),
        (
            "list_workloads",
            {"labels": ["app"]},
            'labels is ["app"]; give an object of texts, such as {"app": "web"}.',
        ),
        ("list_workloads", {"labels": {"app": 1}}, "labels.app is 1; give text."),
        ("create_snapshot", {"name": ""}, 'name is ""; give at least 1 characters.'),
        ("no_such_tool", {}, 'There is no tool "no_such_tool" here.'),
    ],
)
async def test_bad_input_gets_a_sentence_and_changes_nothing(tool, arguments, sentence, mode):
    hub = FakeHub()
    result = await call(tool, arguments, hub, mode)
    assert result.is_error
    assert text_of(result).startswith(sentence)
    assert [name for name, _ in hub.asked if name != "snapshot"] == []


async def test_a_time_that_is_none_names_the_argument_and_the_forms():
    result = await call("list_api_calls", {"start": "yesterday"})
    assert text_of(result).startswith('start is "yesterday", which is no time; give RFC 3339')


async def test_lists_and_objects_sent_as_json_text_are_read():
    hub = FakeHub()
    await call("list_workloads", {"labels": '{"app": "cart"}', "namespaces": '["shop"]'}, hub)
    query = hub.asked[0][1]
    assert (query.labels, query.namespaces) == ({"app": "cart"}, ["shop"])


@pytest.mark.parametrize("mode", ERAS)
async def test_an_unforeseen_error_keeps_its_secrets_and_goes_to_the_log(mode, caplog):
    class Broken(FakeHub):
        async def snapshots(self):
            raise RuntimeError("password=hunter2")

    with caplog.at_level(logging.ERROR):
        result = await call("list_snapshots", hub=Broken(), mode=mode)
    assert result.is_error
    assert text_of(result).startswith("list_snapshots failed in a way that was not foreseen (RuntimeError)")
    assert "hunter2" not in text_of(result)
    assert "password=hunter2" in caplog.text


async def test_an_error_of_ours_is_redacted_and_clean():
    class Talkative(FakeHub):
        async def snapshots(self):
            raise UsageError("No connection to redis://:hunter2@cache:6379\x1b[0m.")

    text = text_of(await call("list_snapshots", hub=Talkative()))
    assert "hunter2" not in text
    assert text.startswith("No connection to redis://:<redacted 7 chars #")
    assert "\x1b" not in text


async def test_secrets_are_redacted_by_default_and_shown_when_asked_for():
    shown = text_of(await call("get_api_call", {"id": "s1/main/1"}))
    plain = text_of(
        await call(
            "get_api_call", {"id": "s1/main/1"}, options=ServerOptions(redact=False, clock=Clock(UTC), key=b"key")
        )
    )
    assert "hunter2" not in shown
    assert plain.count("hunter2-secret") == 3
    assert "\x1b" not in plain
    assert "[captured " in plain


@pytest.mark.parametrize("mode", ERAS)
async def test_hints_never_name_a_tool_that_is_not_registered(mode):
    only = ServerOptions(selection=Selection(toolsets=("status", "api_calls")), clock=Clock(UTC))
    everything = {tool["name"] for tool in describe_tools(ALL)}
    async with Client(build_server(FakeHub(empty=True), only), mode=mode) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        answers = [client.instructions or ""]
        for tool, arguments in (("check_kubeshark_status", {}), ("list_api_calls", {}), ("get_api_stats", {})):
            answers.append(text_of(await client.call_tool(tool, arguments)))
    named = {name for name in everything for answer in answers if name in answer}
    assert named <= names


def test_a_server_with_unknown_names_is_refused():
    with pytest.raises(UsageError, match=r"no toolset 'snapshot'. Did you mean 'snapshots'"):
        build_server(FakeHub(), ServerOptions(selection=Selection(toolsets=("snapshot",))))


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("start_snapshot_dissection", {"snapshot_id": "s1", "wait": True}),
        ("create_snapshot", {"name": "incident", "wait": True}),
    ],
)
async def test_waiting_reports_progress_and_ends_with_the_job(mode, tool, arguments):
    seen: list[tuple[float, float | None]] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        assert message
        seen.append((done, total))

    async with Client(build_server(FakeHub(steps=2), ALL), mode=mode) as client:
        result = await client.call_tool(tool, arguments, progress_callback=progress)
    assert result.meta[FACTS]["status"] == "completed"
    assert len(seen) >= 3
    assert seen == sorted(seen)
    assert seen[-1] == (100, 100)


async def test_without_waiting_the_job_is_only_begun():
    result = await call("start_snapshot_dissection", {"snapshot_id": "s1"}, FakeHub(steps=9))
    assert result.meta[FACTS]["status"] == "pending"
    assert 'Next: get_snapshot_dissection_status(snapshot_id="s1", name="main")' in text_of(result)


@pytest.mark.parametrize("mode", ERAS)
async def test_a_cancelled_call_stops_in_the_hub(mode):
    hub = FakeHub(block=True)
    async with Client(build_server(hub, ALL), mode=mode) as client:
        waiting = asyncio.create_task(client.call_tool("check_kubeshark_status", {}))
        while not hub.asked:
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.wait_for(hub.cancelled.wait(), 5)
        hub.block = False
        assert not (await client.call_tool("check_kubeshark_status", {})).is_error


async def test_calls_run_side_by_side():
    hub = FakeHub(block=True)
    async with Client(build_server(hub, ALL)) as client:
        waiting = asyncio.create_task(client.call_tool("check_kubeshark_status", {}))
        while not hub.asked:
            await asyncio.sleep(0)
        assert not (await client.call_tool("list_snapshots", {})).is_error
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
