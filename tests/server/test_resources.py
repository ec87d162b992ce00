"""Evidence as resources, through the SDK's own client."""

from __future__ import annotations

from datetime import UTC

import pytest
from fake_hub import FakeHub
from mcp import Client
from mcp.shared.exceptions import MCPError

from kubeshark_mcp.errors import NotFoundError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub import contract_views as v
from kubeshark_mcp.plugin import Clock
from kubeshark_mcp.server import ServerOptions, build_server
from kubeshark_mcp.server.resources import TEMPLATE

OPTIONS = ServerOptions(clock=Clock(UTC), key=b"key")
SOURCE = v.Source(node="node-a", file="000-a.pcap", sha256="ab" * 32, packets={"request": [4, 5], "response": [7, 7]})


class Keeper(FakeHub):
    """Knows where its entries were read."""

    async def call(self, request: c.CallRequest) -> c.CallDetail:
        if request.id.endswith("#0"):
            raise NotFoundError("There is no entry 0.")
        return await super().call(request)

    async def source_of(self, handle: str) -> v.Source:
        assert handle == "s1/main#7"
        return SOURCE


async def read(hub: FakeHub, uri: str) -> str:
    async with Client(build_server(hub, OPTIONS)) as client:
        (content,) = (await client.read_resource(uri)).contents
        assert content.mime_type == "text/plain"
        return content.text


async def test_the_template_is_offered():
    async with Client(build_server(FakeHub(), OPTIONS)) as client:
        found = (await client.list_resource_templates()).resource_templates
    assert TEMPLATE in [template.uri_template for template in found]


async def test_an_entry_is_fenced_with_its_packets_and_the_hash_of_their_file():
    text = await read(Keeper(), "kubeshark://entry/s1/main/7")
    lines = text.splitlines()
    assert lines[0] == "evidence s1/main#7"
    assert lines[1] == f"packets request 4 to 5, response 7 to 7 of 000-a.pcap (node-a), SHA-256 {'ab' * 32}"
    assert lines[2].startswith("[captured ")
    assert lines[-1].startswith("[end ")


async def test_a_hub_that_does_not_know_the_packets_gives_the_entry_alone():
    text = await read(FakeHub(), "kubeshark://entry/s1/main/7")
    assert "SHA-256" not in text
    assert text.splitlines()[1].startswith("[captured ")


async def test_what_is_not_there_is_said_in_a_sentence():
    async with Client(build_server(Keeper(), OPTIONS)) as client:
        with pytest.raises(MCPError, match=r"There is no entry 0\."):
            await client.read_resource("kubeshark://entry/s1/main/0")
