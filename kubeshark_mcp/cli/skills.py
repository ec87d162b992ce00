"""`skills`: the skills of this package, for clients without plugins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kubeshark_mcp.cli.console import reporting_errors, say
from kubeshark_mcp.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from kubeshark_mcp.prompts import Skill

DEFAULT = Path("~/.claude/skills")
"""Where Claude Code looks; others take the same folders in a place of their own."""

app = typer.Typer(help="List the skills, or copy them to a client.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def skills() -> None:
    """Skills teach an assistant how to investigate; they come with this package.

    Examples:

      kubeshark-mcp skills list

      kubeshark-mcp skills install --to .agents/skills
    """


@app.command("list")
def list_skills() -> None:
    """List the skills: name, and when an assistant uses them."""
    with reporting_errors():
        found = _found()
        width = max(len(skill.name) for skill in found)
        for skill in found:
            say(f"{skill.name:<{width}}  {skill.description}")


@app.command()
def install(
    to: Annotated[Path, typer.Option(help="Folder of the client's skills.")] = DEFAULT,
) -> None:
    """Copy the skills into a client's folder; what is there of an earlier version is replaced.

    Examples:

      kubeshark-mcp skills install

      kubeshark-mcp skills install --to .agents/skills
    """
    with reporting_errors():
        folder = to.expanduser()
        for skill in _found():
            copy(skill, folder)
            say(str(folder / skill.name))


def copy(skill: Skill, folder: Path) -> None:
    """Write the files of a skill; raises UsageError where another skill, or no skill, has its name."""
    target = folder / skill.name
    main = target / "SKILL.md"
    try:
        if target.exists() and not _is_ours(main, skill):
            raise UsageError(f"{target} exists and is not this skill; move it away, or give another folder with --to.")
        for file in skill.files:
            path = target / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.data)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}; give another folder with --to.") from None


def _is_ours(main: Path, skill: Skill) -> bool:
    """Tell whether a SKILL.md is an earlier version of this skill: Kubeshark's by its own words."""
    if not main.is_file():
        return False
    text = main.read_text(errors="replace")
    return f"name: {skill.name}\n" in text and "ubeshark" in text


def _found() -> list[Skill]:
    from kubeshark_mcp.prompts import find_skills

    found = find_skills()
    if not found:
        raise NotFoundError("The skills are not part of this installation; install kubeshark-mcp again.")
    return found
