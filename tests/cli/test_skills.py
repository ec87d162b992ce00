"""The command that lists and copies skills."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from kubeshark_mcp.cli import app
from kubeshark_mcp.prompts import find_skills

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str):
    return CliRunner().invoke(app, ["skills", *arguments])


def test_skills_are_listed_with_when_to_use_them():
    done = run("list")
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["install", "kfl", "network-rca", "security-audit"]
    assert "Find the root cause" in done.stdout


def test_skills_are_copied_byte_by_byte_and_again_over_themselves(tmp_path: Path):
    for _ in range(2):
        done = run("install", "--to", str(tmp_path / "new" / "skills"))
        assert done.exit_code == 0, done.stderr
    for skill in find_skills():
        for file in skill.files:
            assert (tmp_path / "new" / "skills" / skill.name / file.path).read_bytes() == file.data


@pytest.mark.parametrize("text", [None, "---\nname: kfl\ndescription: Korean football league\n---\n"])
def test_another_skill_of_that_name_is_left_alone(tmp_path: Path, text: str | None):
    theirs = tmp_path / "kfl"
    theirs.mkdir()
    if text is not None:
        (theirs / "SKILL.md").write_text(text)
    done = run("install", "--to", str(tmp_path))
    assert done.exit_code == 2
    assert "exists and is not this skill" in done.stderr
    assert (theirs / "SKILL.md").exists() is (text is not None)


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path):
    (tmp_path / "file").touch()
    done = run("install", "--to", str(tmp_path / "file"))
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr


def test_an_installation_without_skills_says_so(monkeypatch):
    monkeypatch.setattr("kubeshark_mcp.prompts.find_skills", list)
    done = run("list")
    assert done.exit_code == 1
    assert "install kubeshark-mcp again" in done.stderr
