"""What each client takes: read back as the client reads it, it is this very command."""

from __future__ import annotations

import base64
import json
import re
import shlex
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest

from kubeshark_mcp.cli.clients import CLIENTS, IMAGE, cursor_link, program
from kubeshark_mcp.cli.serve import ServeOptions, client_configuration
from kubeshark_mcp.errors import UsageError

COMMAND = ["/opt/a b/kubeshark-mcp", "--pcap", '/c/no"de\\a.pcap', "--timezone", "UTC", "--url", "https://h"]
BY_NAME = {client.name: client for client in CLIENTS}


def read(name: str) -> list[str]:
    text = BY_NAME[name].text(COMMAND)
    if name == "claude-code":
        words = shlex.split(text)
        assert words[:5] == ["claude", "mcp", "add", "kubeshark", "--"]
        return words[5:]
    if name == "codex":
        server = tomllib.loads(text)["mcp_servers"]["kubeshark"]
        return [server["command"], *server["args"]]
    if name == "cursor-link":
        config = unquote(re.fullmatch(r"cursor://[^?]+\?name=kubeshark&config=(.+)", text)[1])
        server = json.loads(base64.b64decode(config))
        return [server["command"], *server["args"]]
    if name == "opencode":
        return json.loads(text)["mcp"]["kubeshark"]["command"]
    server = json.loads(text)["servers" if name == "vscode" else "mcpServers"]["kubeshark"]
    return [server["command"], *server["args"]]


@pytest.mark.parametrize("name", [name for name in BY_NAME if name not in {"uvx", "docker"}])
def test_the_snippet_of_a_client_is_this_command(name: str):
    assert read(name) == COMMAND


def test_without_installing_uvx_fetches_the_package():
    assert read("uvx") == ["uvx", "kubeshark-mcp", *COMMAND[1:]]


def test_a_container_sees_the_files_that_are_named_read_only_and_keeps_its_workspace():
    command = ["kubeshark-mcp", "--pcap", "/c/a.pcap", "--allow-path", "/out", "--url", "https://h"]
    arguments = json.loads(BY_NAME["docker"].text(command))["mcpServers"]["kubeshark"]["args"]
    assert arguments == [
        "run", "--interactive", "--rm", "--volume", "kubeshark-workspace:/data", "--env", "KUBESHARK_HUB_TOKEN",
        "--volume", "/c/a.pcap:/c/a.pcap:ro", "--volume", "/out:/out", IMAGE, *command[1:],
    ]  # fmt: skip
    own = json.loads(BY_NAME["docker"].text(["kubeshark-mcp", "--workspace", "/w"]))["mcpServers"]["kubeshark"]["args"]
    assert own == ["run", "--interactive", "--rm", "--volume", "/w:/w", IMAGE, "--workspace", "/w"]


def test_a_client_that_is_not_known_is_refused_with_those_that_are():
    with pytest.raises(UsageError, match="--client 'emacs' is not known: give one of claude-code, claude-desktop"):
        client_configuration(ServeOptions(), "emacs")
    assert json.loads(client_configuration(ServeOptions(), "vscode"))["servers"]["kubeshark"]["type"] == "stdio"


def test_the_help_names_every_client():
    from kubeshark_mcp.cli import options

    told = next(part.help for part in options.ClientName.__metadata__ if hasattr(part, "help"))
    assert [name for name in BY_NAME if name not in told] == []


def test_the_program_is_absolute_where_it_was_started_by_its_path(tmp_path: Path):
    started = tmp_path / "kubeshark-mcp"
    assert program(str(started)) == "kubeshark-mcp"
    started.touch()
    assert program(str(started)) == str(started)
    assert program("/usr/bin/python") == "kubeshark-mcp"


def test_the_link_has_no_character_that_a_url_would_cut():
    assert re.fullmatch(r"[A-Za-z0-9%:/?&=._-]+", cursor_link(COMMAND))
