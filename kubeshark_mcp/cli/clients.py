"""What each MCP client takes to start this server: the exact text, and where it goes."""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import orjson

NAME = "kubeshark"
"""The server's name in every client."""
IMAGE = "kubeshark-mcp"
"""The container image that `docker build -t kubeshark-mcp .` makes."""
_FILES = ("--pcap", "--resources", "--keylog", "--ca-file", "--kubeconfig", "--replay")
_FOLDERS = ("--workspace", "--allow-path", "--record")

Command = Sequence[str]
"""A program with its arguments."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client. place: where the text goes, for people. text: makes it from the server's command."""

    name: str
    title: str
    place: str
    text: Callable[[Command], str]


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _servers(command: Command) -> str:
    return _json({"mcpServers": {NAME: {"command": command[0], "args": list(command[1:])}}})


def _claude_code(command: Command) -> str:
    return f"claude mcp add {NAME} -- {shlex.join(command)}"


def _vscode(command: Command) -> str:
    return _json({"servers": {NAME: {"type": "stdio", "command": command[0], "args": list(command[1:])}}})


def _codex(command: Command) -> str:
    # JSON's strings and lists of them are TOML as well, but for what JSON leaves unescaped: DEL.
    return (
        f"[mcp_servers.{NAME}]\n"
        f"command = {json.dumps(command[0])}\n"
        f"args = {json.dumps(list(command[1:]))}\n"
        "startup_timeout_sec = 60"
    ).replace("\x7f", "\\u007f")


def _opencode(command: Command) -> str:
    server = {"type": "local", "command": list(command), "enabled": True}
    return _json({"$schema": "https://opencode.ai/config.json", "mcp": {NAME: server}})


def _uvx(command: Command) -> str:
    return _servers(["uvx", "kubeshark-mcp", *command[1:]])


def _docker(command: Command) -> str:
    """Run it in a container: files under the same paths, read-only; folders that are written to, writable."""
    mounts: list[str] = []
    arguments = list(command[1:])
    for option, value in pairwise(arguments):
        if option in _FILES:
            mounts += ["--volume", f"{value}:{value}:ro"]
        elif option in _FOLDERS:
            mounts += ["--volume", f"{value}:{value}"]
    kept = [] if "--workspace" in arguments else ["--volume", "kubeshark-workspace:/data"]
    tokens = ["--env", "KUBESHARK_HUB_TOKEN"] if "--url" in arguments else []
    run = ["docker", "run", "--interactive", "--rm", *kept, *tokens, *mounts, IMAGE]
    return _servers([*run, *arguments])


def cursor_link(command: Command) -> str:
    """Give the link that installs the server in Cursor."""
    server = json.dumps({"command": command[0], "args": list(command[1:])}, separators=(",", ":"))
    config = base64.b64encode(server.encode()).decode().replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    return f"cursor://anysphere.cursor-deeplink/mcp/install?name={NAME}&config={config}"


CLIENTS: tuple[Client, ...] = (
    Client("claude-code", "Claude Code", "run it in a terminal (or install the plugin)", _claude_code),
    Client("claude-desktop", "Claude Desktop", "`claude_desktop_config.json` (Settings, Developer)", _servers),
    Client("cursor", "Cursor", "`.cursor/mcp.json` or `~/.cursor/mcp.json`", _servers),
    Client("cursor-link", "Cursor, by a link", "open it in a browser", cursor_link),
    Client("vscode", "VS Code", "`.vscode/mcp.json`", _vscode),
    Client("codex", "Codex", "`~/.codex/config.toml`", _codex),
    Client("gemini", "Gemini CLI", "`~/.gemini/settings.json`", _servers),
    Client("opencode", "opencode", "`opencode.json` or `~/.config/opencode/opencode.json`", _opencode),
    Client("uvx", "any, without installing", "the client's `mcpServers`", _uvx),
    Client("docker", "any, in a container", "the client's `mcpServers`", _docker),
)
"""All clients, in the order of the documents."""


def program(started_as: str) -> str:
    """Give the command that starts this server again, absolute where it can be: clients have a PATH of their own."""
    command = Path(started_as)
    return str(command.resolve()) if command.name == "kubeshark-mcp" and command.exists() else "kubeshark-mcp"
