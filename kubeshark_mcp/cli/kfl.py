"""`kfl`: check, explain and complete filters, and look up fields."""

from __future__ import annotations

import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from kubeshark_mcp.cli.console import progress_bar, reporting_errors, say, table, warn
from kubeshark_mcp.cli.options import WorkspaceFolder
from kubeshark_mcp.errors import KubesharkError, UsageError

if TYPE_CHECKING:
    from kubeshark_mcp.hub.contract_filters import FilterPlan
    from kubeshark_mcp.hub.embedded import EmbeddedHub
    from kubeshark_mcp.hub.offline import Offline
    from kubeshark_mcp.hub.queries import Language
    from kubeshark_mcp.kfl import Completion

Answer = TypeVar("Answer")

app = typer.Typer(
    help="Check, explain and complete KFL filters, and look up their fields.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def kfl() -> None:
    """Check, explain and complete KFL filters, and look up their fields.

    Examples:

      kubeshark-mcp kfl check 'http && status_code >= 500'

      kubeshark-mcp kfl explain 'http && path.startsWith("/api")' my.pcap

      kubeshark-mcp kfl fields dns
    """


def shell_completion(incomplete: str) -> list[tuple[str, str]]:
    """Give what a shell offers for a filter that is being typed: the whole filter, and what was added to it."""
    return [(found.applied(incomplete), found.detail) for found in _completions(incomplete, [])]


Expression = Annotated[str, typer.Argument(help="A KFL filter.", autocompletion=shell_completion)]
Captures = Annotated[list[str] | None, typer.Argument(help="Captures to answer from: pcap or pcapng, NODE=FILE, or -.")]
Resources = Annotated[list[Path] | None, typer.Option(help="Kubernetes objects as JSON, for workload names.")]
Database = Annotated[str | None, typer.Option(help="SNAPSHOT or SNAPSHOT/DISSECTION of the workspace.")]


@app.command()
def check(expression: Expression) -> None:
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
def explain(
    expression: Expression,
    files: Captures = None,
    resources: Resources = None,
    db: Database = None,
    workspace: WorkspaceFolder = None,
) -> None:
    """Show which parts of a filter run in SQL and which row by row, and how many entries each part leaves.

    Examples:

      kubeshark-mcp kfl explain 'http && status_code >= 500' node-a.pcap

      kubeshark-mcp kfl explain 'dns && dns_rcode != "NoError"' --db incident
    """
    with reporting_errors():
        program = _language().compile(expression)
        if program is None:
            raise UsageError("An empty filter matches everything: there is nothing to explain.")
        if files:
            with _dissected(files, resources or [], db) as offline:
                _say_plan(offline.explain(expression))
        elif db is not None:
            _say_plan(_run(_hub(workspace).explain_filter(expression, db)))
        else:
            rows = [[clause.text, _engine(clause.in_sql)] for clause in program.clauses]
            say(table(["clause", "runs as"], rows))
            for warning in program.warnings:
                say(f"warning: {warning.message}")


@app.command()
def complete(
    expression: Annotated[str, typer.Argument(help="The beginning of a KFL filter.")] = "",
    files: Captures = None,
    resources: Resources = None,
    db: Database = None,
    workspace: WorkspaceFolder = None,
) -> None:
    """Print what can follow at the end of a filter: fields, functions, and with captures the values they have.

    Examples:

      kubeshark-mcp kfl complete 'http && stat'

      kubeshark-mcp kfl complete 'method == ' my.pcap
    """
    with reporting_errors():
        values = _values(expression, files or [], resources or [], db, workspace)
        found = _completions(expression, values)
        rows = [[one.text, one.kind, one.detail] for one in found]
        say(table(["completion", "kind", "meaning"], rows) if rows else f"nothing can follow {expression!r} here")


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


def _say_plan(plan: FilterPlan) -> None:
    say(f"{plan.matches:,} of {plan.total:,} entries match: {plan.canonical}")
    rows = [
        [
            str(number),
            clause.text,
            _engine(clause.in_sql),
            "too many to try" if clause.left is None else str(clause.left),
        ]
        for number, clause in enumerate(plan.clauses, 1)
    ]
    say(table(["clause", "text", "runs as", "left"], rows))
    before = plan.total
    for number, clause in enumerate(plan.clauses, 1):
        if clause.left == 0 and before:
            say(f"clause {number} removed the last {before:,}")
            break
        before = clause.left if clause.left is not None else before
    for warning in plan.warnings:
        say(f"warning: {warning}")


def _engine(in_sql: bool) -> str:
    return "SQL" if in_sql else "row by row"


def _values(
    text: str, files: list[str], resources: list[Path], db: str | None, workspace: Path | None
) -> list[tuple[str, int]]:
    """Give the commonest values of the field that is compared at the end of the text, where there is data."""
    from kubeshark_mcp.kfl import value_place

    place = value_place(text, len(text), _language().catalogue)
    if place is None or not (files or db):
        return []
    if files:
        with _dissected(files, resources, db) as offline:
            return offline.commonest(place.field.name)
    (use,) = _run(_hub(workspace).field_use([place.field.name], db))
    return use.commonest


def _completions(text: str, values: list[tuple[str, int]]) -> list[Completion]:
    from kubeshark_mcp.kfl import complete as completions

    try:
        return completions(text, len(text), _language().catalogue, values)
    except KubesharkError:
        return []


@contextmanager
def _dissected(files: list[str], resources: list[Path], db: str | None) -> Iterator[Offline]:
    if db is not None:
        raise UsageError(f"--db {db!r} and captures were given: answer from one of them.")
    from kubeshark_mcp.hub.offline import Offline

    with tempfile.TemporaryDirectory(prefix="kubeshark-") as scratch:
        offline = Offline(files, resources, [], Path(scratch))
        with progress_bar("dissecting") as progress:
            outcome = offline.dissect(progress)
        yield offline
        for warning in outcome.warnings:
            warn(warning)


def _run(asking: Coroutine[Any, Any, Answer]) -> Answer:
    """Wait for an answer of the Hub."""
    import asyncio  # all commands load this module, and hardly one needs an event loop

    return asyncio.run(asking)


def _hub(workspace: Path | None) -> EmbeddedHub:
    from kubeshark_mcp.config import default_workspace
    from kubeshark_mcp.hub.embedded import EmbeddedHub

    return EmbeddedHub(workspace or default_workspace())


def _language() -> Language:
    from kubeshark_mcp.dissect.discovery import load_protocols
    from kubeshark_mcp.hub.queries import Language

    return Language(load_protocols())
