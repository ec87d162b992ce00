"""What skills, prompts and manifests say is so: names, versions, sizes, freshness; and a walk through every skill."""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from kubeshark_mcp import __version__
from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.hub.queries import Language
from kubeshark_mcp.present.tokens import rough_tokens
from kubeshark_mcp.prompts import PROMPTS, find_skills
from kubeshark_mcp.registry import Selection
from kubeshark_mcp.server import ServerOptions, describe_tools
from kubeshark_mcp.server.instructions import instructions

ROOT = Path(__file__).resolve().parents[2]
BUDGETS = json.loads(Path(__file__).with_name("budgets.json").read_text())
CEILINGS = {
    "tool_schemas_tokens": 6000, "tools_list_tokens": 6000, "tool_description_characters": 300,
    "instructions_characters": 2000,
    "skill_always_loaded_tokens": 120, "skill_main_lines": 300, "rca_short_way_calls": 5, "rca_short_way_tokens": 4000,
}  # fmt: skip
"""What no budget may exceed; budgets.json only goes down."""
DEFAULT = describe_tools()
EVERY = {
    tool["name"]: tool
    for tool in describe_tools(ServerOptions(selection=Selection(allow_destructive=True, cluster=True)))
}
PAGES = sorted([*ROOT.glob("skills/**/*.md"), *ROOT.glob("*.md"), *ROOT.glob("plugins/*.md")])
MANIFESTS = [ROOT / name for name in (".claude-plugin/plugin.json", ".claude-plugin/marketplace.json", "server.json")]
HUBS_OWN = {"upload_snapshot_to_cloud", "download_snapshot_from_cloud"}
"""Tools of a Kubeshark Hub elsewhere, which pass through."""


def module(name: str) -> ModuleType:
    """Import a script of the repository."""
    if name in sys.modules:
        return sys.modules[name]
    specification = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    made = importlib.util.module_from_spec(specification)
    sys.modules[name] = made
    specification.loader.exec_module(made)
    return made


def test_skills_are_those_that_templates_registry_and_catalogue_make():
    stale = [str(path) for path, text in module("skills").pages().items() if path.read_text() != text]
    assert stale == [], "run make skills"


def calls_of(text: str) -> list[tuple[str, set[str]]]:
    """Find `tool(argument=…)` of tools that exist, and the names of what each is given."""
    found = []
    for match in re.finditer(r"\b([a-z_0-9]+)\(([^()\n]*(?:\([^()\n]*\)[^()\n]*)*)\)", text):
        if match[1] in EVERY:
            inside = re.sub(r'"(?:[^"\\]|\\.)*"', '""', match[2])
            found.append((match[1], set(re.findall(r"\b([a-z_]+)=", inside))))
    return found


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_tool_and_argument_of_a_page_exists(path: Path):
    text = path.read_text()
    for name, arguments in calls_of(text):
        assert arguments <= set(EVERY[name]["inputSchema"]["properties"]), name
    if "skills" in path.parts:
        fields = {field.name for field in Language(load_protocols()).fields}
        arguments = {key for tool in EVERY.values() for key in tool["inputSchema"]["properties"]}
        known = fields | arguments | set(EVERY) | HUBS_OWN | {prompt.name for prompt in PROMPTS} | {"map_get"}
        verbs = r"(?:get|list|create|start|stop|check|explain|export|download|delete|enable|disable|verify|trace|cut)"
        named = set(re.findall(rf"`({verbs}_[a-z_0-9]+)(?:\(.*?)?`", text))
        assert named <= known


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_and_skill_of_a_page_exists(path: Path):
    text = path.read_text()
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text):
        assert (path.parent / target).exists(), target
    for name, file in re.findall(r"skill://([a-z-]+)/([\w./-]+\w)", text):
        if name != "NAME":
            assert (ROOT / "skills" / name / file).is_file()


def test_options_that_the_skills_name_exist():
    helped = subprocess.run(
        [sys.executable, "-m", "kubeshark_mcp", "--help"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    for path in ROOT.glob("skills/**/SKILL.md"):
        for option in set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", path.read_text())) - {"--to", "--client"}:
            assert option in helped, option
    assert "--client" in helped


def test_versions_are_equal_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    plugin, marketplace, server = (json.loads(path.read_text()) for path in MANIFESTS)
    found = {
        project, __version__, plugin["version"], marketplace["plugins"][0]["version"],
        marketplace["metadata"]["version"], server["version"], server["packages"][0]["version"],
        module("bundle").manifest()["version"],
    }  # fmt: skip
    assert found == {project}


def test_files_and_variables_of_the_manifests_exist():
    from kubeshark_mcp.cli.config import all_settings

    plugin, marketplace, server = (json.loads(path.read_text()) for path in MANIFESTS)
    assert marketplace["plugins"][0]["name"] == plugin["name"]
    entry = plugin["mcpServers"]["kubeshark"]
    for argument in entry["args"]:
        assert Path(argument.replace("${CLAUDE_PLUGIN_ROOT}", str(ROOT))).exists()
    assert (ROOT / plugin["skills"]).is_dir()
    variables = {name for setting in all_settings() for name in setting.variables}
    wanted = [entry["env"], module("bundle").manifest()["server"]["mcp_config"]["env"]]
    for environment in wanted:
        assert set(environment) <= variables
    for option in re.findall(r"user_config\.([a-z_]+)", json.dumps(entry)):
        assert option in plugin["userConfig"]
    assert len(server["description"]) <= 100
    package = server["packages"][0]
    assert (package["registryType"], package["runtimeHint"]) == ("pypi", "uvx")
    assert {one["name"] for one in package["environmentVariables"]} <= variables


def tokens_of(*keys: str) -> int:
    kept = [{key: tool[key] for key in keys if key in tool} for tool in DEFAULT]
    return sum(rough_tokens(json.dumps(tool, separators=(",", ":"))) for tool in kept)


def test_budgets_hold_and_only_go_down():
    assert set(BUDGETS) == set(CEILINGS)
    assert {name for name, value in BUDGETS.items() if value > CEILINGS[name]} == set()
    # What clients put before a model, then all that goes over the wire: titles and hints are for the client alone.
    assert tokens_of("name", "description", "inputSchema") <= BUDGETS["tool_schemas_tokens"]
    assert tokens_of("name", "title", "description", "inputSchema", "annotations") <= BUDGETS["tools_list_tokens"]
    longest = max(len(tool["description"]) for tool in EVERY.values())
    assert longest <= BUDGETS["tool_description_characters"]
    assert len(instructions(set(EVERY))) < BUDGETS["instructions_characters"]


@pytest.mark.parametrize("skill", find_skills(), ids=lambda skill: skill.name)
def test_a_skill_is_short_where_it_is_always_loaded_and_where_it_begins(skill: Any):
    head = f"{skill.name}: {skill.description}"
    assert rough_tokens(head) <= BUDGETS["skill_always_loaded_tokens"]
    assert len(skill.description) <= 1024
    assert not set("<>") & set(skill.description)
    assert len(skill.files[0].data.decode().splitlines()) <= BUDGETS["skill_main_lines"]


@pytest.mark.parametrize(
    "name",
    ["network-rca", *(pytest.param(name, marks=pytest.mark.slow) for name in ("security-audit", "kfl", "install"))],
)
def test_a_skill_can_be_followed_step_by_step_without_a_model(name: str, capsys: pytest.CaptureFixture[str]):
    walk = asyncio.run(module("rca_dry_run").dry_run(name))
    assert walk.calls >= 2
    if name == "network-rca":
        assert walk.calls >= 15
        assert walk.first[0] <= BUDGETS["rca_short_way_calls"]
        assert walk.first[1] <= BUDGETS["rca_short_way_tokens"]


def test_a_step_that_cannot_be_followed_is_an_error():
    runner = module("rca_dry_run")
    assert runner.read_call('a(b="c", d=true, e=<db>)', {"db": 's/"x'}) == ("a", {"b": "c", "d": True, "e": 's/"x'})
    for text, says in (("a(b=<db>)", "nothing before it gave"), ("a(1)", "write a call as"), ("a(", "cannot be read")):
        with pytest.raises(runner.DryRunError, match=says):
            runner.read_call(text, {})


def test_the_plugins_launcher_keeps_to_old_pythons_and_to_the_locked_versions():
    path = ROOT / "scripts" / "plugin_server.py"
    ast.parse(path.read_text(), feature_version=(3, 8))
    launcher = module("plugin_server")
    lock = (ROOT / "requirements.lock").read_text()
    versions = launcher.versions(lock).splitlines()
    assert len(versions) == len(re.findall(r"^[A-Za-z0-9].*==", lock, re.MULTILINE))
    assert all("hash" not in line and "\\" not in line for line in versions)
    assert any(line.startswith("mcp==") for line in versions)
    assert not launcher.is_set("")
    assert not launcher.is_set("${user_config.url}")
    assert launcher.is_set("https://h")
