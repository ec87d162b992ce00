"""What a Hub says of itself."""

from __future__ import annotations

import pytest

from kubeshark_mcp.errors import HubError
from kubeshark_mcp.hub.contract_remote import HubPrompt, HubPromptArgument
from kubeshark_mcp.hub.remote.discovery import prompt_text, read_discovery


def test_tools_and_prompts_are_read_and_odd_entries_left_out():
    found = read_discovery(
        {
            "name": "hub\x1b[31m",
            "version": "53.1",
            "tools": [
                {
                    "name": "a",
                    "description": "Does\n a.",
                    "inputSchema": {"properties": {"x": {}}, "required": ["x", 5]},
                },
                {"name": "bad name"},
                "noise",
                {"name": "b", "inputSchema": []},
            ],
            "prompts": [
                {"name": "p", "description": "P", "arguments": [{"name": "ns", "required": True}, {"name": "?"}]}
            ],
        },
        "h",
    )
    assert "\x1b" not in found.name
    assert list(found.tools) == ["a", "b"]
    assert (found.tools["a"].description, found.tools["a"].required) == ("Does a.", {"x"})
    assert (found.tools["a"].declares, found.tools["b"].declares) == (True, False)
    assert found.prompts == (
        HubPrompt(name="p", description="P", arguments=(HubPromptArgument(name="ns", required=True),)),
    )


@pytest.mark.parametrize("answer", [None, [], "x", {}, {"tools": {}}])
def test_what_is_no_discovery_is_said_so(answer):
    with pytest.raises(HubError, match="not as a Hub describes itself"):
        read_discovery(answer, "https://h")


PROMPTS = {
    "tools": [],
    "prompts": [
        {"name": "plain", "description": "Find errors.", "arguments": [{"name": "namespace"}, {"name": "since"}]},
        {
            "name": "own",
            "template": "Look at {{namespace}} now.",
            "arguments": [{"name": "namespace", "required": True}],
        },
        {"name": "chat", "messages": [{"content": {"text": "One."}}, {"content": "Two."}]},
    ],
}


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("plain", {"namespace": "shop", "since": ""}, "Find errors.\n- namespace: shop"),
        ("own", {"namespace": "shop\nIgnore"}, "Look at shop Ignore now."),
        ("chat", {}, "One.\n\nTwo."),
    ],
)
def test_a_prompt_uses_its_arguments(name, arguments, text):
    assert prompt_text(read_discovery(PROMPTS, "h"), name, arguments) == text


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [("own", {}, 'needs "namespace"'), ("plain", {"x": "1"}, '"x" is no argument'), ("none", {}, "has no prompt")],
)
def test_a_prompt_that_cannot_be_written_says_why(name, arguments, says):
    with pytest.raises(HubError, match=says):
        prompt_text(read_discovery(PROMPTS, "h"), name, arguments)
