"""The options of the server."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from kubeshark_mcp.cli.serve import ServeOptions, capture_sources, client_configuration, embedded_hub, tools_text
from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.sources import CaptureSource


def test_captures_are_paired_with_nodes_in_order_and_named_by_their_file_else():
    paths = [Path("/c/one.pcap"), Path("/c/two.pcapng.gz")]
    assert capture_sources(paths, ["n1"]) == [CaptureSource(paths[0], "n1"), CaptureSource(paths[1], "two")]
    with pytest.raises(UsageError, match="--node was given 2 times for 1 captures"):
        capture_sources(paths[:1], ["a", "b"])


def test_the_client_configuration_is_this_command_with_absolute_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ServeOptions(
        pcaps=[Path("x.pcap")], nodes=["n"], key_logs=[Path("x.keys")], allow_destructive=True, timezone="UTC"
    )
    server = json.loads(client_configuration(options))["mcpServers"]["kubeshark"]
    assert server["args"] == [
        "--pcap", str(tmp_path / "x.pcap"), "--node", "n", "--keylog", str(tmp_path / "x.keys"),
        "--timezone", "UTC", "--allow-destructive",
    ]  # fmt: skip


def test_workers_of_a_dissection_can_be_limited(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBESHARK_CONFIG", raising=False)
    options = ServeOptions(workspace=tmp_path / "w", dissection_workers=3)
    assert embedded_hub(options)._cloud_environment["KUBESHARK_DISSECTION_WORKERS"] == "3"
    arguments = json.loads(client_configuration(options))["mcpServers"]["kubeshark"]["args"]
    assert arguments[-2:] == ["--dissection-workers", "3"]
    done = subprocess.run(
        [sys.executable, "-m", "kubeshark_mcp", "config", "show"], capture_output=True, text=True, check=True,
        env={**os.environ, "KUBESHARK_DISSECTION_WORKERS": "2", "COLUMNS": "200"},
    )  # fmt: skip
    assert "KUBESHARK_DISSECTION_WORKERS" in done.stdout


def test_destructive_tools_are_listed_with_permission_only():
    plain = tools_text(ServeOptions(), as_json=False)
    everything = tools_text(ServeOptions(allow_destructive=True), as_json=False)
    assert "delete_snapshot" not in plain
    assert "delete_snapshot" in everything
    assert "list_api_calls" in plain


def test_tools_can_be_chosen_and_left_out():
    chosen = json.loads(tools_text(ServeOptions(toolsets="status,workloads", exclude_tools="list_ips"), as_json=True))
    assert sorted(tool["name"] for tool in chosen) == ["check_kubeshark_status", "list_workloads"]
    with pytest.raises(UsageError, match="statsu"):
        tools_text(ServeOptions(toolsets="statsu"), as_json=True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--transport", "carrier-pigeon"], "transport"),
        (["--timezone", "Mars/Olympus", "--list-tools"], "IANA"),
        (["--pcap", "missing.pcap"], "'missing.pcap' is not a file"),
        (["--toolsets", "nope", "--list-tools"], "nope"),
        (["--port", "0"], "--port"),
    ],
)
def test_a_wrong_option_ends_with_a_sentence_before_anything_starts(arguments, says, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "kubeshark_mcp", "--workspace", str(tmp_path), *arguments],
        capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


INCIDENT = Path(__file__).resolve().parents[2] / "examples" / "incident"


MARKS = re.compile(r"(?:captured|end) [0-9a-f]{8}|≈\d+ tokens")
"""Each process fences what was captured with a mark of its own, and marks count."""


async def asked(arguments: list[str], folder: Path) -> list[str]:
    """Start the server with these arguments as a client does, and put some questions to it."""
    command = ["-m", "kubeshark_mcp", "--workspace", str(folder), "--timezone", "UTC", *arguments]
    texts = []
    async with Client(StdioServerParameters(command=sys.executable, args=command)) as client:
        for name, given in (
            ("get_data_boundaries", {}),
            ("list_workloads", {"namespaces": ["shop"]}),
            ("list_l4_flows", {"limit": 5}),
            ("get_snapshot", {"id": "nope"}),
        ):
            result = await client.call_tool(name, given)
            texts.append(MARKS.sub("", result.content[0].text))
    return texts


async def test_a_recorded_session_is_replayed_without_its_captures(tmp_path):
    captures = [argument for name in "ab" for argument in ("--pcap", str(INCIDENT / f"node-{name}.pcap"))]
    recording = tmp_path / "recording"
    there = await asked([*captures, "--record", str(recording)], tmp_path / "one")
    replayed = await asked(["--replay", str(recording)], tmp_path / "two")
    assert replayed == there
    assert "node-a" in there[0]
    assert sorted((tmp_path / "two").rglob("*.pcap")) == []


async def test_a_question_that_was_not_recorded_is_told(tmp_path):
    recording = tmp_path / "recording"
    await asked(["--record", str(recording)], tmp_path / "one")
    command = ["-m", "kubeshark_mcp", "--workspace", str(tmp_path / "two"), "--replay", str(recording)]
    async with Client(StdioServerParameters(command=sys.executable, args=command)) as client:
        result = await client.call_tool("list_l4_flows", {"limit": 7})
    assert result.is_error
    assert "This recording has no answer to flows" in result.content[0].text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--replay", "nowhere"], "nowhere"),
        (["--replay", ".", "--record", "."], "--replay answers from a recording alone"),
        (["--record", "file"], "--record 'file' is a file: name a folder"),
    ],
)
def test_a_recording_that_cannot_be_used_ends_the_start(arguments, says, tmp_path):
    (tmp_path / "file").write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "kubeshark_mcp", "--workspace", "w", *arguments],
        capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
