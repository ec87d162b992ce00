"""The skills that this package carries: folders with a SKILL.md, in a checkout and in an installed wheel.

Source: Agent Skills specification, agentskills.io/specification (frontmatter, names, folders).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

MAIN = "SKILL.md"
_LINE = re.compile(r"^([a-z][a-z-]*):(?: (.*))?$")


@dataclass(frozen=True, slots=True)
class SkillFile:
    """A file of a skill. path: within the skill's folder, with `/`."""

    path: str
    data: bytes

    @property
    def digest(self) -> str:
        """Give `sha256:` and the hash of its bytes."""
        return f"sha256:{hashlib.sha256(self.data).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill. frontmatter: what stands between the `---` lines. files: SKILL.md first, the others by path."""

    name: str
    frontmatter: dict[str, str]
    files: tuple[SkillFile, ...]

    @property
    def description(self) -> str:
        """Give when to use it: with the name, all that a client loads beforehand."""
        return self.frontmatter["description"]


def skills_folder() -> Traversable | None:
    """Give the folder of all skills: beside the package in a checkout, inside it where it was installed."""
    package = files("kubeshark_mcp")
    for folder in (package / "skills", files("kubeshark_mcp").joinpath("..", "skills")):
        if folder.joinpath("network-rca", MAIN).is_file():
            return folder
    return None


def find_skills() -> list[Skill]:
    """Read all skills, by name; none where this installation has lost them."""
    found: list[Skill] = []
    place = skills_folder()
    for folder in sorted(place.iterdir() if place is not None else (), key=lambda entry: entry.name):
        if folder.is_dir() and (folder / MAIN).is_file():
            read = sorted(_files(folder, ""), key=lambda file: (file.path != MAIN, file.path))
            found.append(Skill(folder.name, frontmatter(read[0].data.decode()), tuple(read)))
    return found


def frontmatter(text: str) -> dict[str, str]:
    """Read the head of a SKILL.md: `key: value` lines, a value plain on one line, which is what our skills have."""
    lines = text.splitlines()
    if not lines or lines[0] != "---" or "---" not in lines[1:]:
        return {}
    return dict(_pairs(lines[1 : lines.index("---", 1)]))


def _pairs(lines: Sequence[str]) -> list[tuple[str, str]]:
    matches = [_LINE.match(line) for line in lines]
    return [(match[1], (match[2] or "").strip()) for match in matches if match]


def _files(folder: Traversable, prefix: str) -> list[SkillFile]:
    read = []
    for entry in folder.iterdir():
        if entry.name.startswith((".", "_")):
            continue
        if entry.is_dir():
            read += _files(entry, f"{prefix}{entry.name}/")
        else:
            read.append(SkillFile(prefix + entry.name, entry.read_bytes()))
    return read
