"""Tables and texts for people: with colours on a terminal, plain in a pipe. Captured text is cleaned in both."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from typer.core import TyperCommand

from kubeshark_mcp.cli.console import say
from kubeshark_mcp.present.fencing import clean, clean_line
from kubeshark_mcp.present.tables import aligned_table

Row = Sequence[object]
Style = Callable[[Row], str]


def show_table(headings: Sequence[str], rows: Sequence[Row], style: Style | None = None, title: str = "") -> None:
    """Print a table; style: gives the rich style of a row, such as `red`, or "" for none."""
    cells = [["" if value is None else clean_line(str(value)) for value in row] for row in rows]
    if not sys.stdout.isatty():
        numbers = [[v if isinstance(v, int | float) else c for v, c in zip(*pair, strict=True)]
                   for pair in zip(rows, cells, strict=True)]  # fmt: skip
        say(aligned_table(headings, numbers))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*headings, title=title or None, title_justify="left", box=box.SIMPLE_HEAD, header_style="bold")
    for column, values in zip(table.columns, zip(*rows, strict=True), strict=True):
        if all(value is None or isinstance(value, int | float) for value in values):
            column.justify = "right"
    for row, texts in zip(rows, cells, strict=True):
        table.add_row(*map(Text, texts), style=(style(row) if style else "") or None)
    Console().print(table)


def show_text(text: str, styles: Sequence[tuple[str, str]] = ()) -> None:
    """Print lines; styles: pairs of how a line begins and its rich style on a terminal."""
    text = clean(text)
    if not sys.stdout.isatty():
        say(text)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console()
    for line in text.splitlines():
        style = next((style for begin, style in styles if line.lstrip().startswith(begin)), "")
        console.print(Text(line, style=style), soft_wrap=True)


def spread(arguments: Sequence[str], options: Sequence[str]) -> list[str]:
    """Let an option take all names that follow it: `--with a b` becomes `--with a --with b`."""
    found: list[str] = []
    held = ""
    for number, argument in enumerate(arguments):
        if argument == "--":
            return [*found, *arguments[number:]]
        if argument.startswith("-") and argument != "-":
            held = argument if argument in options else ""
            if not held:
                found.append(argument)
        elif held:
            found += [held, argument]
        else:
            found.append(argument)
    # An option without any value must still be refused.
    return [*found, held] if held and held not in found else found


class ManyFiles(TyperCommand):
    """A command whose `--baseline` and `--with` take several files, as its FILE does."""

    def parse_args(self, ctx: object, args: list[str]) -> list[str]:
        """Read the command line."""
        return super().parse_args(ctx, spread(args, ("--baseline", "--with")))  # type: ignore[arg-type]
