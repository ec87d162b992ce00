"""Static checks of skills: names, sizes, every tool that they name, every filter that they show."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import orjson
import yaml

from evals.datasets import ROOT
from evals.desk import Desk, SetUpError, rough_tokens, server_command

SKILLS = ROOT / "skills"
DESCRIPTION_AT_MOST = 1024
LINES_AT_MOST = 500

_CALL = re.compile(r"\b([a-z][a-z0-9]*(?:_[a-z0-9]+)+)\(")
_QUOTED = re.compile(r"`([a-z][a-z0-9]*(?:_[a-z0-9]+)+)`")
_TEXT = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'")
_ARGUMENTS = re.compile(r"\b([a-z][a-z0-9_]*)\(([^()\n]*)\)")
_KEYWORD = re.compile(r"\b([a-z_]+)=(?!=)")
_BLOCK = re.compile(r"```(?:kfl|cel)\n(.*?)```", re.DOTALL)
_ARGUMENT = re.compile(r"\bkfl=(?:'([^'\n]+)'|\"((?:[^\"\\\n]|\\.)+)\")")
_VERBS = frozenset(
    {"get", "list", "check", "start", "stop", "create", "delete", "enable", "disable", "export", "download"}
    | {"verify", "explain", "compare", "trace", "cut"}
)
_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
_PLACEHOLDER = re.compile(r"[A-Z]{3,}_?[A-Z]*(?=\")|<[a-z]|\{|…|\.\.\.")


@dataclass(slots=True)
class Skill:
    """A skill as files. problems: what is wrong with its form."""

    name: str
    description: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        """What its first page costs a model."""
        return rough_tokens(self.texts.get("SKILL.md", ""))


@cache
def declared(command: tuple[str, ...]) -> dict[str, frozenset[str]]:
    """Every tool that some configuration of the server registers, with the names of its arguments."""
    words = [*command, "--list-tools", "--format", "json", "--cluster", "--allow-destructive"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise SetUpError(f"The server does not list its tools: {done.stderr.strip()[-300:]}")
    return {each["name"]: frozenset(each["inputSchema"].get("properties", {})) for each in orjson.loads(done.stdout)}


def tool_names() -> dict[str, frozenset[str]]:
    """Tools of the server under test and their arguments."""
    return declared(tuple(server_command()))


def read_skills(folder: Path = SKILLS) -> dict[str, Skill]:
    """All skills: folders with a SKILL.md, whose front matter says what they are for."""
    found = {}
    for path in sorted(folder.glob("*/SKILL.md")):
        skill = Skill(path.parent.name)
        skill.texts = {str(each.relative_to(path.parent)): each.read_text() for each in path.parent.rglob("*.md")}
        _read_front(skill)
        for name, text in skill.texts.items():
            around = (path.parent / name).parent
            broken = [link for link in _LINK.findall(text) if not (around / link).exists()]
            skill.problems += [f"{name} links to {link}, which is not there" for link in broken]
        found[skill.name] = skill
    return found


def _read_front(skill: Skill) -> None:
    text = skill.texts["SKILL.md"]
    parts = text.split("---\n", 2)
    try:
        front = yaml.safe_load(parts[1]) if len(parts) == 3 and not parts[0].strip() else None
    except yaml.YAMLError:
        front = None
    if not isinstance(front, dict):
        skill.problems.append("SKILL.md has no front matter")
        return
    skill.description = str(front.get("description", ""))
    if front.get("name") != skill.name:
        skill.problems.append(f"is named {front.get('name')!r} in folder {skill.name!r}")
    if not 40 <= len(skill.description) <= DESCRIPTION_AT_MOST:
        skill.problems.append(f"description has {len(skill.description)} characters, 40 to 1024 are allowed")
    if len(text.splitlines()) > LINES_AT_MOST:
        skill.problems.append(f"SKILL.md has more than {LINES_AT_MOST} lines")


def wrong_tools(skill: Skill, known: dict[str, frozenset[str]]) -> list[str]:
    """Find the tools and the arguments that a skill names and that no server has."""
    words = {word for arguments in known.values() for word in arguments}
    problems = []
    for name, text in skill.texts.items():
        called = set(_CALL.findall(text)) | set(_QUOTED.findall(text))
        wrong = sorted(word for word in called - known.keys() - words if word.split("_")[0] in _VERBS)
        problems += [f"{name} names the tool {word}, which does not exist" for word in wrong]
        for tool, inside in _ARGUMENTS.findall(_TEXT.sub("''", text)):
            unknown = sorted(set(_KEYWORD.findall(inside)) - known[tool]) if tool in known else []
            problems += [f"{name} gives {tool} the argument {word}, which it has not" for word in unknown]
    return problems


def filters_of(text: str) -> list[str]:
    """Find the KFL filters that a text shows: lines of blocks marked `kfl`, and arguments `kfl=…` of calls."""
    found = [
        line.split(" //")[0].strip()
        for block in _BLOCK.findall(text)
        for line in block.splitlines()
        if line.strip() and not line.strip().startswith(("//", "#"))
    ]
    for single, double in _ARGUMENT.findall(text):
        found.append(single or double.replace('\\"', '"'))
    return [each for each in found if not _PLACEHOLDER.search(each)]


async def wrong_filters(skill: Skill, desk: Desk) -> list[str]:
    """Find the filters that the server does not take, as it says why."""
    problems = []
    for name, text in skill.texts.items():
        for kfl in dict.fromkeys(filters_of(text)):
            reply = await desk.call("check_kfl", kfl=kfl)
            if reply.failed or "Did you mean" in reply.text or "Corrected filter" in reply.text:
                problems.append(f"{name} shows a wrong filter: {kfl}: {reply.text[:200]}")
    return problems


_WORD = re.compile(r"[a-z]{3,}")


def nearest(sentence: str, skills: dict[str, Skill]) -> str | None:
    """Find the skill whose description shares the rarest words with a sentence: a floor for what a model can tell."""
    words = {name: set(_WORD.findall(skill.description.lower())) for name, skill in skills.items()}
    asked = set(_WORD.findall(sentence.lower()))
    scores = {
        name: sum(1 / sum(word in other for other in words.values()) for word in asked & mine)
        for name, mine in words.items()
    }
    best = max(scores, key=lambda name: scores[name], default=None)
    return best if best is not None and scores[best] > 0 else None
