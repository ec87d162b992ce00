"""Hubs elsewhere, by the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kubeshark_mcp.cli.elsewhere import hub_elsewhere
from kubeshark_mcp.cli.serve import ServeOptions, client_configuration, tools_text
from kubeshark_mcp.errors import HubError, UsageError
from kubeshark_mcp.hub.cluster.hub import ClusterHub
from kubeshark_mcp.hub.nearby import NearbyHub


def test_a_cluster_is_not_asked_before_the_first_question(tmp_path):
    hub = hub_elsewhere(ServeOptions(cluster=True, kubeconfig=tmp_path / "none", set_values=["tap.docker.tag=v1"]))
    assert isinstance(hub, NearbyHub)
    assert isinstance(hub._hub, ClusterHub)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (ServeOptions(url="https://h", cluster=True), "--url and --cluster were given together"),
        (ServeOptions(url="https://h", pcaps=[Path("x")]), "--url and --pcap do not go together"),
        (ServeOptions(cluster=True, key_logs=[Path("x")]), "--cluster and --keylog do not go together"),
        (ServeOptions(url="https://h", kube_context="c"), "--url and --context do not go together"),
        (ServeOptions(cluster=True, insecure=True), "--cluster and --insecure do not go together"),
        (ServeOptions(cluster=True, set_values=["x"]), "has no value"),
        (ServeOptions(cluster=True, release_namespace="A B"), "is no Kubernetes name"),
        (ServeOptions(url="https://ann:hunter2@h"), "holds a user name or password"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, says):
    with pytest.raises(UsageError, match=says):
        hub_elsewhere(options)


def test_a_url_that_is_no_hub_ends_the_start():
    with pytest.raises(HubError, match=r"Nothing listens at http://127\.0\.0\.1:1"):
        hub_elsewhere(ServeOptions(url="http://127.0.0.1:1"))


def test_the_client_configuration_holds_no_credential(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    by_url = ServeOptions(url="https://h", token="hunter2-token", ca_file=Path("ca.pem"))
    arguments = json.loads(client_configuration(by_url))["mcpServers"]["kubeshark"]["args"]
    assert arguments == ["--url", "https://h", "--ca-file", str(tmp_path / "ca.pem")]
    in_cluster = ServeOptions(cluster=True, kube_context="c", set_values=["license=hunter2", "a.b=1"])
    arguments = json.loads(client_configuration(in_cluster))["mcpServers"]["kubeshark"]["args"]
    assert arguments == ["--context", "c", "--set", "a.b=1", "--cluster"]
    said = capsys.readouterr().err
    assert "set KUBESHARK_HUB_TOKEN in the client's environment" in said
    assert "--set license is not written" in said
    assert "hunter2" not in said + repr(by_url) + repr(in_cluster)


def test_lifecycle_tools_are_there_in_a_cluster_and_with_leave_only():
    assert "start_kubeshark" in tools_text(ServeOptions(cluster=True, allow_destructive=True), as_json=False)
    assert "start_kubeshark" not in tools_text(ServeOptions(cluster=True), as_json=False)
    assert "start_kubeshark" not in tools_text(ServeOptions(allow_destructive=True), as_json=False)
    with pytest.raises(UsageError, match="The toolset 'lifecycle' works on a cluster"):
        tools_text(ServeOptions(toolsets="lifecycle", allow_destructive=True), as_json=False)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--context", "c"], "--context is for a Kubeshark in a cluster"),
        (["--insecure"], "--insecure is for a Hub elsewhere"),
    ],
)
def test_an_option_without_its_hub_is_refused(arguments, says, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "kubeshark_mcp", "--workspace", str(tmp_path), *arguments],
        capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 2
    assert says in done.stderr


def test_the_command_line_alone_loads_no_http_client():
    code = (
        "import kubeshark_mcp.cli, kubeshark_mcp.cli.serve, sys\n"
        "print([name for name in sys.modules if name in ('httpx2', 'lightkube')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
