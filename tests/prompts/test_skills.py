"""The skills that the package carries."""

from __future__ import annotations

import hashlib
from pathlib import Path

import yaml

from kubeshark_mcp.prompts.skills import find_skills, frontmatter, skills_folder

ROOT = Path(__file__).resolve().parents[2]
NAMES = ["install", "kfl", "network-rca", "security-audit"]


def test_all_skills_are_found_with_all_their_files_main_first():
    found = find_skills()
    assert [skill.name for skill in found] == NAMES
    for skill in found:
        folder = ROOT / "skills" / skill.name
        there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert skill.files[0].path == "SKILL.md"
        assert {file.path for file in skill.files} == there
        for file in skill.files:
            data = (folder / file.path).read_bytes()
            assert file.data == data
            assert file.digest == f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_the_head_is_read_as_yaml_reads_it():
    for skill in find_skills():
        text = skill.files[0].data.decode()
        assert skill.frontmatter == yaml.safe_load(text.split("---")[1])
        assert skill.frontmatter["name"] == skill.name
        assert skill.description == skill.frontmatter["description"]


def test_a_text_without_a_head_has_no_frontmatter():
    assert frontmatter("# Title\n") == {}
    assert frontmatter("---\nname: x\n") == {}
    assert frontmatter("") == {}


def test_an_installation_without_skills_has_none(monkeypatch, tmp_path):
    monkeypatch.setattr("kubeshark_mcp.prompts.skills.files", lambda name: tmp_path)
    assert skills_folder() is None
    assert find_skills() == []


def test_skills_inside_the_package_come_first(monkeypatch, tmp_path):
    inside = tmp_path / "skills" / "network-rca"
    inside.mkdir(parents=True)
    (inside / "SKILL.md").write_text("---\nname: network-rca\ndescription: d\n---\n")
    (inside / ".hidden").write_text("no")
    (inside / "blob.bin").write_bytes(b"\xff")
    monkeypatch.setattr("kubeshark_mcp.prompts.skills.files", lambda name: tmp_path)
    [skill] = find_skills()
    assert [file.path for file in skill.files] == ["SKILL.md", "blob.bin"]
