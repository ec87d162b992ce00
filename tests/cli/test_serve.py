"""The options of the server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kubeshark_mcp.cli.serve import ServeOptions, capture_sources, client_configuration, tools_text
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
