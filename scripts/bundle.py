"""Build the bundle for Claude Desktop (MCPB): `python scripts/bundle.py [FOLDER]`, dist/ by default.

The bundle is a ZIP of the package and a manifest; the client runs it with uv. Source: MCPB manifest 0.4.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from kubeshark_mcp import __version__
from kubeshark_mcp.prompts import PROMPTS
from kubeshark_mcp.server import describe_tools

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("kubeshark_mcp", "plugins", "skills", "pyproject.toml", "README.md", "LICENSE", "PRIVACY.md")


def manifest() -> dict[str, Any]:
    """Give the manifest, with the tools and prompts that the server has."""
    plugin = json.loads((ROOT / ".claude-plugin" / "plugin.json").read_text())
    run = ["run", "--no-dev", "--directory", "${__dirname}", "kubeshark-mcp"]
    variables = {"url": "URL", "token": "HUB_TOKEN", "workspace": "WORKSPACE", "allow_destructive": "ALLOW_DESTRUCTIVE"}
    environment = {f"KUBESHARK_{name}": f"${{user_config.{key}}}" for key, name in variables.items()}
    options = {
        **{key: {**option, "required": False} for key, option in plugin["userConfig"].items()},
        "captures": {
            "type": "file",
            "title": "Captures",
            "description": "Capture files (pcap, pcapng) to answer from.",
            "multiple": True,
            "required": False,
        },
    }
    return {
        "manifest_version": "0.4",
        "name": "kubeshark",
        "display_name": "Kubeshark",
        "version": __version__,
        "description": plugin["description"],
        "author": plugin["author"],
        "license": plugin["license"],
        "icon": "icon.png",
        "keywords": plugin["keywords"],
        "server": {
            "type": "uv",
            "entry_point": "kubeshark_mcp/__main__.py",
            "mcp_config": {
                "command": "uv",
                "args": run,
                "env": {**environment, "KUBESHARK_PCAP": "${user_config.captures}"},
            },
        },
        "tools": [{"name": tool["name"], "description": tool["description"]} for tool in describe_tools()],
        "prompts_generated": True,
        "prompts": [
            {
                "name": prompt.name,
                "description": prompt.description,
                "arguments": [argument.name for argument in prompt.arguments],
                "text": prompt.description,
            }
            for prompt in PROMPTS
        ],
        "user_config": options,
        "compatibility": {"platforms": ["darwin", "linux"], "runtimes": {"python": ">=3.11"}},
    }


def build(folder: Path) -> Path:
    """Write the bundle and, beside it, its contents as a folder; gives the bundle's path."""
    contents = folder / "mcpb"
    shutil.rmtree(contents, ignore_errors=True)
    contents.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, contents / part, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        else:
            shutil.copy(source, contents / part)
    shutil.copy(ROOT / "assets" / "icon.png", contents / "icon.png")
    (contents / "manifest.json").write_text(json.dumps(manifest(), indent=2) + "\n")
    path = folder / f"kubeshark-{__version__}.mcpb"
    with ZipFile(path, "w", ZIP_DEFLATED) as bundle:
        for file in sorted(contents.rglob("*")):
            if file.is_file():
                bundle.write(file, file.relative_to(contents).as_posix())
    return path


def main(arguments: list[str]) -> int:
    """Build it and say where it is."""
    sys.stdout.write(f"{build(Path(arguments[0]) if arguments else ROOT / 'dist')}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
