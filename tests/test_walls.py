"""The walls of the house: sizes, the mirror of tests, and what no file may say."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINES_A_FILE = 400
LINES_A_FUNCTION = 50
PACKAGES = (ROOT / "kubeshark_mcp", ROOT / "plugins" / "kubeshark_plugins")


def modules() -> list[Path]:
    return sorted(path for package in PACKAGES for path in package.rglob("*.py"))


def is_table(path: Path) -> bool:
    """Tables of constants are not bounded: files whose functions and classes are under a tenth of their lines."""
    tree = ast.parse(path.read_text())
    code = sum(
        (node.end_lineno or 0) - node.lineno
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    )
    return code * 10 < len(path.read_text().splitlines())


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_has_at_most_400_lines_and_a_function_at_most_50(path: Path):
    text = path.read_text()
    lines = len(text.splitlines())
    assert lines <= LINES_A_FILE or is_table(path), f"{lines} lines"
    long = {
        node.name: size
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (size := (node.end_lineno or 0) - node.lineno + 1) > LINES_A_FUNCTION
    }
    assert long == {}


def test_every_module_with_code_has_a_test_file_of_its_name():
    missing = []
    for path in modules():
        if path.name == "__init__.py":
            continue
        package = PACKAGES[0] if PACKAGES[0] in path.parents else PACKAGES[1].parent
        relative = path.relative_to(package)
        mirror = ROOT / "tests" / relative.parent / f"test_{relative.name}"
        if not mirror.exists():
            missing.append(str(mirror.relative_to(ROOT)))
    assert missing == []


def test_the_project_speaks_of_itself_alone():
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    paths = [ROOT / name for name in tracked.split("\0") if name] or [
        path for path in ROOT.rglob("*.*") if ".venv" not in path.parts and path.is_file()
    ]
    forbidden = re.compile("|".join((r"/wo" r"rk/", r"/\.lib" r"rary", r"pypi\.o" r"rg/simple", r"python" r"hosted")))
    found = {}
    for path in paths:
        try:
            text = path.read_text()
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
        if match := forbidden.search(text):
            found[str(path.relative_to(ROOT))] = match.group()
    assert found == {}
