"""`kfl`: check filters and look up fields without any data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kubeshark_mcp.cli.console import reporting_errors, say, table

if TYPE_CHECKING:
    from kubeshark_mcp.hub.queries import Language

app = typer.Typer(help="Check KFL filters and look up their fields.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def kfl() -> None:
    """Check KFL filters and look up their fields.

    Examples:

      kubeshark-mcp kfl check 'http && status_code >= 500'

      kubeshark-mcp kfl fields dns
    """


@app.command()
def check(expression: Annotated[str, typer.Argument(help="A KFL filter.")]) -> None:
    """Say whether a filter is valid; a wrong one is told with position and suggestion, exit code 2."""
    with reporting_errors():
        program = _language().compile(expression)
        if program is None:
            say("valid: an empty filter matches everything")
            return
        say(f"valid: {program.canonical}")
        for warning in program.warnings:
            say(f"warning: {warning}")


@app.command()
def fields(
    word: Annotated[str, typer.Argument(help="Only fields with this word in name, group or meaning.")] = "",
) -> None:
    """List the fields that a filter can use, with type, meaning and an example."""
    with reporting_errors():
        wanted = word.lower()
        rows = [
            [field.name, field.type.value, field.meaning, field.example]
            for field in _language().fields
            if wanted in f"{field.name} {field.group} {field.meaning}".lower()
        ]
        say(table(["field", "type", "meaning", "example"], rows) if rows else f"no field has {word!r}")


def _language() -> Language:
    from kubeshark_mcp.dissect.discovery import load_protocols
    from kubeshark_mcp.hub.queries import Language

    return Language(load_protocols())
