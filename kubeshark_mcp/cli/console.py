"""How the command line speaks: results on standard output, all else on standard error, exit codes 0, 1, 2."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kubeshark_mcp.errors import FilterError, KubesharkError, UsageError

EXIT_FAILED, EXIT_USAGE = 1, 2


def say(text: str) -> None:
    """Write a line of results to standard output."""
    sys.stdout.write(text + "\n")


def warn(text: str) -> None:
    """Write a line about the work to standard error."""
    sys.stderr.write(f"warning: {text}\n")


@contextmanager
def reporting_errors() -> Iterator[None]:
    """End the process with a sentence and the right exit code when something the user can mend goes wrong."""
    try:
        yield
    except (UsageError, FilterError) as error:
        _fail(error, EXIT_USAGE)
    except KubesharkError as error:
        _fail(error, EXIT_FAILED)
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): that is no failure of ours.
        sys.stdout = None
        sys.exit(0)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)


def _fail(error: KubesharkError, code: int) -> None:
    sys.stdout.flush()
    sys.stderr.write(f"error: {error}\n")
    sys.exit(code)


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[float], None]]:
    """Show a bar on standard error while the block runs, on a terminal only; the callable takes 0..1."""
    if not sys.stderr.isatty():
        yield lambda fraction: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=1.0)
        yield lambda fraction: bar.update(task, completed=fraction)


def table(headings: list[str], rows: list[list[Any]], right: frozenset[int] = frozenset()) -> str:
    """Give aligned columns; cells are cut so that a line fits a terminal of 200 columns at the most."""
    texts = [[_cell(value) for value in row] for row in rows]
    widths = [max([len(heading), *(len(row[i]) for row in texts)]) for i, heading in enumerate(headings)]

    def line(cells: list[str]) -> str:
        aligned = [c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))]
        return "  ".join(aligned).rstrip()

    return "\n".join([line(headings), line(["-" * width for width in widths]), *(line(row) for row in texts)])


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return printable if len(printable) <= 80 else printable[:77] + "..."
