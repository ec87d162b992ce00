"""Skills over MCP: resources in both eras, and the Skills extension in the newer one."""

from __future__ import annotations

import hashlib
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from fake_hub import FakeHub
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS

from kubeshark_mcp.plugin import Clock
from kubeshark_mcp.prompts import Skill, SkillFile, find_skills
from kubeshark_mcp.server import ServerOptions, build_server
from kubeshark_mcp.server.skills import SkillsExtension, entry, uri_of

ROOT = Path(__file__).resolve().parents[2]
ERAS = ["auto", "legacy"]
EXTENSION = "io.modelcontextprotocol/skills"


def server() -> Any:
    return build_server(FakeHub(), ServerOptions(clock=Clock(UTC), key=b"key"))


@pytest.mark.parametrize("mode", ERAS)
async def test_every_file_is_a_resource_byte_by_byte(mode):
    async with Client(server(), mode=mode) as client:
        listed = {str(resource.uri): resource for resource in (await client.list_resources()).resources}
        for skill in find_skills():
            for file in skill.files:
                uri = f"skill://{skill.name}/{file.path}"
                [content] = (await client.read_resource(uri)).contents
                assert content.text.encode() == (ROOT / "skills" / skill.name / file.path).read_bytes()
                assert uri in listed
    main = listed["skill://network-rca/SKILL.md"]
    assert (main.name, main.mime_type) == ("network-rca", "text/markdown")
    assert main.description.startswith("Find the root cause")


async def test_the_extension_is_declared_and_lists_and_gives_skills():
    async with Client(server()) as client:
        assert client.server_capabilities is not None
        assert EXTENSION in client.server_capabilities.extensions
        handlers = {binding.method: binding for binding in SkillsExtension(find_skills()).methods()}
    listed = await handlers["skills/list"].handler(None, None)
    wire = listed.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert wire["cacheScope"] == "public"
    assert wire["ttlMs"] == 300_000
    assert [one["frontmatter"]["name"] for one in wire["skills"]] == ["install", "kfl", "network-rca", "security-audit"]
    parameters = handlers["skills/get"].params_type(uri="skill://kfl/SKILL.md")
    got = await handlers["skills/get"].handler(None, parameters)
    assert got.skill == wire["skills"][1]
    data = (ROOT / "skills" / "kfl" / "SKILL.md").read_bytes()
    assert got.skill["resources"][0] == {
        "uri": "skill://kfl/SKILL.md",
        "digest": f"sha256:{hashlib.sha256(data).hexdigest()}",
        "size": len(data),
    }


async def test_a_skill_that_is_not_served_is_an_invalid_parameter():
    handlers = {binding.method: binding for binding in SkillsExtension(find_skills()).methods()}
    with pytest.raises(MCPError, match='There is no skill "skill://nope/SKILL') as raised:
        await handlers["skills/get"].handler(None, handlers["skills/get"].params_type(uri="skill://nope/SKILL.md"))
    assert raised.value.error.code == INVALID_PARAMS
    with pytest.raises(MCPError, match="one page"):
        await handlers["skills/list"].handler(None, handlers["skills/list"].params_type(cursor="x"))


def test_a_skill_within_the_extensions_limits():
    for skill in find_skills():
        resources = entry(skill)["resources"]
        assert resources[0]["uri"] == uri_of(skill, "SKILL.md")
        assert len(resources) <= 512
        assert sum(one["size"] for one in resources) <= 16 * 1024 * 1024


async def test_a_file_that_is_no_text_is_served_as_bytes():
    blob = Skill("x", {"name": "x", "description": "d"}, (SkillFile("SKILL.md", b"# x"), SkillFile("a.bin", b"\xff")))
    text, binary = (binding.resource for binding in SkillsExtension([blob]).resources())
    assert await text.read() == "# x"
    assert await binary.read() == b"\xff"
    assert binary.mime_type == "application/octet-stream"
