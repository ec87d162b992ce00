"""Follow a skill step by step with no model: run every call that its SKILL.md names, over stdio, on the demo incident.

    python scripts/rca_dry_run.py [SKILL]

Calls stand in blocks fenced as `call`, one a line, as a model would write them. `<name>` is a value that an earlier
answer gave: snapshot_id, db, call_id, path, ip. An error, or an answer with nothing in it, is a failure.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters

ROOT = Path(__file__).resolve().parents[1]
INCIDENT = ROOT / "examples" / "incident"
BLOCK = re.compile(r"^```call\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLACE = re.compile(r"<([a-z_]+)>")
COUNTS = ("total", "count", "entries", "packets", "matches")
"""Facts of which none may be 0 in an answer that is not empty."""
FACTS = "kubeshark/facts"


class DryRunError(Exception):
    """A step could not be followed."""


@dataclass(slots=True)
class Walk:
    """What happened. known: values for placeholders. tokens: of all answers. first: of the calls in the first block."""

    known: dict[str, str] = field(default_factory=dict)
    calls: int = 0
    tokens: int = 0
    first: tuple[int, int] = (0, 0)


def blocks(text: str) -> list[list[str]]:
    """Give the calls of each block, in order."""
    return [[line.strip() for line in block.splitlines() if line.strip()] for block in BLOCK.findall(text)]


def read_call(text: str, known: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """Read `tool(name="value", wait=true)`; raises DryRunError for what is no such call."""

    def value_of(found: re.Match[str]) -> str:
        if found[1] not in known:
            raise DryRunError(f"{text}: nothing before it gave <{found[1]}>.")
        return repr(known[found[1]])

    try:
        filled = PLACE.sub(value_of, text)
        tree = ast.parse(re.sub(r"=(true|false)\b", lambda found: f"={found[1].title()}", filled), mode="eval").body
        if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name) or tree.args:
            raise DryRunError(f"{text}: write a call as tool(name=value).")
        return tree.func.id, {str(word.arg): ast.literal_eval(word.value) for word in tree.keywords}
    except (SyntaxError, ValueError) as error:
        raise DryRunError(f"{text}: cannot be read as a call ({error}).") from error


def learn(known: dict[str, str], tool: str, facts: Mapping[str, Any]) -> None:
    """Keep what later steps need."""
    if tool == "create_snapshot":
        known["snapshot_id"] = str(facts["id"])
    if tool == "start_snapshot_dissection":
        known["db"] = str(facts["db"])
    if facts.get("findings") and facts["findings"][0].get("evidence"):
        known["call_id"] = str(facts["findings"][0]["evidence"][0]).rpartition("#")[2]
    if facts.get("ids"):
        known.setdefault("call_id", str(facts["ids"][0]))
    if facts.get("path"):
        known["path"] = str(facts["path"])


async def follow(client: Client, text: str, walk: Walk) -> list[str]:
    """Run all calls of a skill; give a line for each."""
    lines = []
    for number, calls in enumerate(blocks(text)):
        for written in calls:
            tool, arguments = read_call(written, walk.known)
            result = await client.call_tool(tool, arguments)
            answer = "".join(part.text for part in result.content if part.type == "text")
            facts = dict((result.meta or {}).get(FACTS, {}))
            if result.is_error:
                raise DryRunError(f"{written} failed: {answer}")
            nothing = [name for name in COUNTS if facts.get(name) == 0]
            if nothing or not answer.strip():
                raise DryRunError(f"{written} found nothing ({', '.join(nothing)} 0): {answer}")
            learn(walk.known, tool, facts)
            if tool == "list_workloads" and (address := re.search(r"\b10\.\d+\.\d+\.\d+\b", answer)):
                walk.known["ip"] = address[0]
            walk.calls += 1
            walk.tokens += int(facts.get("tokens", 0))
            lines.append(f"{facts.get('tokens', 0):>6} tokens  {written}")
        if number == 0:
            walk.first = (walk.calls, walk.tokens)
    return lines


async def dry_run(skill: str) -> Walk:
    """Follow a skill on the demo incident; gives what happened, or raises DryRunError."""
    text = (ROOT / "skills" / skill / "SKILL.md").read_text()
    if not blocks(text):
        raise DryRunError(f"{skill} names no calls.")
    walk = Walk()
    with tempfile.TemporaryDirectory() as folder:
        captures = [part for path in sorted(INCIDENT.glob("node-*.pcap")) for part in ("--pcap", str(path))]
        options = ["--workspace", folder, "--timezone", "UTC", "--resources", str(INCIDENT / "resources.json")]
        server = StdioServerParameters(
            command=sys.executable, args=["-m", "kubeshark_mcp", *captures, *options], cwd=folder
        )
        async with Client(server) as client:
            if (
                PLACE.search("".join(line for calls in blocks(text) for line in calls))
                and "create_snapshot" not in text
            ):
                await prepare(client, walk)
            for line in await follow(client, text, walk):
                sys.stdout.write(f"{line}\n")
    return walk


async def prepare(client: Client, walk: Walk) -> None:
    """Make a dissection for a skill that takes one for granted."""
    for tool, arguments in (("create_snapshot", {"name": "dry", "wait": True}), ("start_snapshot_dissection", {})):
        given = arguments or {"snapshot_id": walk.known["snapshot_id"], "wait": True}
        result = await client.call_tool(tool, given)
        if result.is_error:
            raise DryRunError(f"{tool} failed")
        learn(walk.known, tool, dict((result.meta or {}).get(FACTS, {})))


def main(arguments: Sequence[str]) -> int:
    """Follow one skill, or all that name calls."""
    parser = argparse.ArgumentParser(description="Follow a skill step by step, with no model.")
    parser.add_argument("skill", nargs="*", help="skills to follow; default: all of them")
    names = parser.parse_args(arguments).skill or sorted(path.parent.name for path in ROOT.glob("skills/*/SKILL.md"))
    for name in names:
        try:
            walk = asyncio.run(dry_run(name))
        except DryRunError as error:
            sys.stderr.write(f"{name}: {error}\n")
            return 1
        except ExceptionGroup as group:
            sys.stderr.write(f"{name}: {leaf(group)}\n")
            return 1
        sys.stdout.write(
            f"{name}: {walk.calls} calls, {walk.tokens:,} tokens; the first block {walk.first[0]} calls, "
            f"{walk.first[1]:,} tokens\n"
        )
    return 0


def leaf(group: BaseException) -> BaseException:
    """Give the first error inside nested groups."""
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
