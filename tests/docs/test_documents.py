"""What README and CONTRIBUTING say is run: commands, their output, filters, names."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from kubeshark_mcp import __version__
from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.hub.queries import Language
from kubeshark_mcp.registry import Selection
from kubeshark_mcp.server import ServerOptions, describe_tools

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
CONSOLE = re.findall(r"```console\n\$ (.*)\n((?:.*\n)*?)```", README)
INDENTED = [line.strip() for line in README.splitlines() if line.startswith("    ")]
SERVERS = {"kubeshark-mcp --pcap my.pcap", "claude mcp add kubeshark -- kubeshark-mcp --pcap my.pcap"} | {
    "kubeshark-mcp --url https://kubeshark.example.com",
    "kubeshark-mcp --cluster",
}
"""Commands that run until they are stopped, or change another program's settings."""
COMMANDS = [
    line for line in INDENTED if line.startswith("kubeshark-mcp") and line not in SERVERS and "node-b.pcap" not in line
]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    return tmp_path


def run(command: str, place: Path) -> subprocess.CompletedProcess[str]:
    arguments = shlex.split(command)
    assert arguments[0] == "kubeshark-mcp"
    environment = {**os.environ, "TZ": "UTC", "XDG_DATA_HOME": str(place / "data")}
    return subprocess.run(
        [sys.executable, "-m", "kubeshark_mcp", *arguments[1:]],
        capture_output=True, text=True, timeout=110, check=False, cwd=place, env=environment,
    )  # fmt: skip


@pytest.mark.parametrize(("command", "output"), CONSOLE, ids=[command[:40] for command, _ in CONSOLE])
def test_a_command_prints_what_the_readme_shows(command: str, output: str, place: Path):
    done = run(command, place)
    assert (done.stdout + done.stderr).rstrip() == output.rstrip()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme_works(command: str, place: Path):
    done = run(command, place)
    assert done.returncode == 0, done.stderr
    assert done.stdout or done.stderr


def test_there_are_commands_to_test():
    assert len(CONSOLE) >= 2
    assert len(COMMANDS) >= 6


@pytest.mark.parametrize("name", ["demo", "test", "lint", "bench", "lock"])
def test_make_has_the_targets_that_the_documents_name(name: str):
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(rf"^{name}:", makefile, re.MULTILINE)
    assert f"make {name}" in README + CONTRIBUTING


def test_every_filter_of_the_readme_compiles():
    language = Language(load_protocols())
    section = README[README.index("Examples:") : README.index("## Trust")]
    filters = re.findall(r"`([^`]+)`", section)
    assert len(filters) >= 4
    for text in filters:
        assert language.compile(text) is not None, text


def test_options_that_the_readme_names_exist(place: Path):
    helped = run("kubeshark-mcp --help", place).stdout
    for option in set(re.findall(r"`(--[a-z-]+)", README)):
        assert option in helped, option


def test_files_and_rooms_that_contributing_names_exist():
    for name in re.findall(r"`((?:kubeshark_mcp|plugins|tests|scripts)/[\w./-]+)`", CONTRIBUTING):
        if "NAME" not in name:
            assert (ROOT / name).exists(), name


def test_the_changelog_knows_this_version_and_counts_the_tools():
    text = " ".join((ROOT / "CHANGELOG.md").read_text().split())
    assert f"## {__version__}" in text
    tools = describe_tools(ServerOptions(selection=Selection(allow_destructive=True)))
    assert f"with {len(tools)} tools in {len({tool['toolset'] for tool in tools})} toolsets" in text
