"""Prompts over MCP, through the SDK's own client, in both eras of the protocol."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC

import pytest
from fake_hub import FakeHub
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS

from kubeshark_mcp.errors import HubError, NotFoundError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.contract_remote import HubPrompt, HubPromptArgument
from kubeshark_mcp.plugin import Clock
from kubeshark_mcp.prompts import PROMPTS
from kubeshark_mcp.registry import Selection
from kubeshark_mcp.server import ServerOptions, build_server

ERAS = ["auto", "legacy"]
OURS = [prompt.name for prompt in PROMPTS]


class PromptHub(FakeHub):
    """With prompts of its own: one of our names, one beside them."""

    async def prompts(self) -> list[HubPrompt]:
        return [
            HubPrompt(name="find_errors", description="theirs"),
            HubPrompt(
                name="cost_report",
                description="What traffic \x1b[2Jcosts",
                arguments=(HubPromptArgument(name="month", description="which", required=True),),
            ),
        ]

    async def prompt(self, name: str, arguments: Mapping[str, str]) -> str:
        return f"Costs in {arguments['month']}\npassword=hunter2-secret\x1b[2J"


class SilentHub(FakeHub):
    """A Hub that does not answer."""

    async def status(self) -> c.Status:
        raise HubError("The Hub does not answer.")

    async def databases(self) -> list[c.Database]:
        raise NotFoundError("Nothing there.")


def options(**selection: object) -> ServerOptions:
    return ServerOptions(selection=Selection(**selection), clock=Clock(UTC), key=b"key")  # type: ignore[arg-type]


async def text_of(name: str, arguments: dict[str, str] | None = None, hub: FakeHub | None = None, **given) -> str:
    mode = given.pop("mode", "auto")
    async with Client(build_server(hub or FakeHub(), options(**given)), mode=mode) as client:
        found = await client.get_prompt(name, arguments)
    [message] = found.messages
    assert message.role == "user"
    return message.content.text


@pytest.mark.parametrize("mode", ERAS)
async def test_all_prompts_are_listed_with_their_arguments(mode):
    async with Client(build_server(FakeHub(), options()), mode=mode) as client:
        listed = (await client.list_prompts()).prompts
    assert [prompt.name for prompt in listed] == OURS
    trace = next(prompt for prompt in listed if prompt.name == "trace_request")
    assert [one.name for one in trace.arguments if one.required] == ["request"]


@pytest.mark.parametrize("mode", ERAS)
async def test_a_prompt_is_filled_in_for_its_arguments_and_the_data(mode):
    text = await text_of("network_rca", {"service": "shop/orders", "symptom": "502 since 09:40"}, mode=mode)
    assert "502 since 09:40" in text
    assert 'diagnose(db="s1/main", service="shop/orders")' in text


async def test_tools_that_are_not_registered_are_not_told_of():
    text = await text_of("network_rca", exclude_tools=("diagnose", "create_snapshot"))
    assert "diagnose" not in text
    assert "create_snapshot" not in text


async def test_a_hub_that_does_not_answer_is_a_situation_as_well():
    assert "create_snapshot" in await text_of("network_rca", hub=SilentHub())


async def test_prompts_of_the_hub_are_merged_and_ours_go_first():
    async with Client(build_server(PromptHub(), options())) as client:
        listed = (await client.list_prompts()).prompts
    assert [prompt.name for prompt in listed] == [*OURS, "cost_report"]
    assert listed[-1].description == "What traffic costs"
    text = await text_of("cost_report", {"month": "May"}, PromptHub())
    assert text.startswith("Costs in May\npassword=<redacted 14 chars #")
    assert "\x1b" not in text


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("nope", {}, 'There is no prompt "nope"'),
        ("trace_request", {}, 'trace_request needs "request"'),
        ("find_errors", {"pod": "x"}, '"pod" is no argument of find_errors'),
    ],
)
async def test_a_mistake_reaches_the_client_as_a_sentence(mode, name, arguments, says):
    async with Client(build_server(FakeHub(), options()), mode=mode) as client:
        with pytest.raises(MCPError, match=says) as raised:
            await client.get_prompt(name, arguments)
    assert raised.value.error.code == INVALID_PARAMS
