"""Over real transports: a process on stdio, HTTP on loopback."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from fake_hub import FakeHub
from mcp import Client, StdioServerParameters

from kubeshark_mcp.server import build_server
from kubeshark_mcp.server.run import host_check, http_app

SERVER = str(Path(__file__).with_name("stdio_server.py"))
ERAS = ["auto", "legacy"]


@pytest.mark.parametrize("mode", ERAS)
async def test_a_process_on_stdio_lists_and_calls(mode):
    async with Client(StdioServerParameters(command=sys.executable, args=[SERVER]), mode=mode) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        result = await client.call_tool("list_snapshots", {})
    assert "list_api_calls" in names
    assert "s1|incident" in result.content[0].text


def test_starting_imports_nothing_heavy():
    heavy = {"numpy", "duckdb", "pyarrow", "celpy", "cypcap", "jinja2", "dns", "hiredis", "rich", "typer", "orjson"}
    code = (
        "import sys, kubeshark_mcp.server as s; s.describe_tools();"
        f"print(sorted({heavy!r} & {{name.partition('.')[0] for name in sys.modules}}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture
async def http_server():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, SERVER, str(port), stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with httpx2.AsyncClient() as client:
            for _ in range(600):
                try:
                    await client.get(f"http://127.0.0.1:{port}/")
                    break
                except httpx2.TransportError:
                    await asyncio.sleep(0.1)
        yield f"http://127.0.0.1:{port}/mcp", process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def test_http_on_loopback_answers_both_eras_and_stays_silent(http_server):
    url, process = http_server
    for mode in ERAS:
        async with Client(url, mode=mode) as client:
            result = await client.call_tool("check_kubeshark_status", {})
            assert "embedded" in result.content[0].text
    process.terminate()
    output, errors = await process.communicate()
    assert output == b""
    assert b"INFO" not in errors


async def post(host: str, origin: str = "", allowed: tuple[str, ...] = ()) -> int:
    server = build_server(FakeHub())
    app = http_app(server, allowed_hosts=allowed)
    headers = {"Host": host, "Accept": "application/json, text/event-stream", **({"Origin": origin} if origin else {})}
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    async with server.session_manager.run(), httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app)) as client:
        return (await client.post("http://127.0.0.1:8765/mcp", json=body, headers=headers)).status_code


async def test_a_name_that_was_rebound_is_refused():
    assert await post("evil.example.com") == 421
    assert await post("127.0.0.1.evil.example.com:8765") == 421


async def test_a_foreign_page_is_refused():
    assert await post("127.0.0.1:8765", origin="http://evil.example.com") == 403


async def test_loopback_and_allowed_names_are_answered():
    assert await post("127.0.0.1:8765") == 200
    assert await post("[::1]:8765", origin="http://localhost:3000") == 200
    assert await post("kubeshark.internal", allowed=("kubeshark.internal",)) == 200


def test_the_host_check_is_always_on_and_never_holds_a_wildcard_address():
    settings = host_check("0.0.0.0", ("a.example.com:9000", "fd00::1"))
    assert settings.enable_dns_rebinding_protection
    assert settings.allowed_hosts == [
        "127.0.0.1", "127.0.0.1:*", "localhost", "localhost:*", "[::1]", "[::1]:*", "a.example.com:9000", "[fd00::1]",
        "[fd00::1]:*",
    ]  # fmt: skip
