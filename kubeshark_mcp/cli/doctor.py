"""`doctor`: is everything here that the server needs, and does it work; and how good are these captures."""

from __future__ import annotations

import importlib
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from kubeshark_mcp import __version__
from kubeshark_mcp.cli.console import EXIT_FAILED, progress_bar, reporting_errors, say
from kubeshark_mcp.config import default_workspace
from kubeshark_mcp.errors import KubesharkError

LIBRARIES = ("mcp", "numpy", "pyarrow", "duckdb", "cypcap", "pydantic")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. good: whether it works. what: a line for the user."""

    good: bool
    what: str


def doctor(
    files: Annotated[
        list[str] | None,
        typer.Argument(help="Captures to report on instead: pcap or pcapng; NODE=FILE names the node; - reads stdin."),
    ] = None,
    workspace: Annotated[Path | None, typer.Option(help="Workspace to look at.")] = None,
) -> None:
    """Look whether everything works here, exit code 1 when something does not; or report how good captures are.

    Examples:

      kubeshark-mcp doctor

      kubeshark-mcp doctor --workspace /var/lib/kubeshark

      kubeshark-mcp doctor node-a.pcap node-b.pcap
    """
    if files:
        report(files)
        return
    good = True
    for finding in examine(workspace or default_workspace()):
        good = good and finding.good
        say(f"{'ok  ' if finding.good else 'FAIL'}  {finding.what}")
    if not good:
        sys.exit(EXIT_FAILED)


def report(files: list[str]) -> None:
    """Print what is to be known of the quality of captures: what is cut, lost, seen twice or one way only; clocks."""
    import tempfile

    from kubeshark_mcp.hub.offline import Offline

    with reporting_errors(), tempfile.TemporaryDirectory(prefix="kubeshark-") as scratch:
        with progress_bar("examining") as progress:
            outcome = Offline(files, [], [], Path(scratch)).dissect(progress)
        for line in outcome.report():
            say(line)


def examine(workspace: Path) -> Iterator[Finding]:
    """Look at the machine, the libraries, the protocols, the tools and the workspace."""
    yield Finding(True, f"kubeshark-mcp {__version__} on Python {platform.python_version()}, {platform.platform()}")
    for name in LIBRARIES:
        yield _tried(f"library {name}", lambda name=name: _library(name))  # type: ignore[misc]
    yield _tried("protocols", _protocols)
    yield _tried("toolsets", _toolsets)
    yield _tried("BPF filters", _bpf)
    yield _tried("workspace", lambda: _workspace(workspace))


def _tried(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(True, f"{what}: {look()}")
    except (ImportError, OSError, KubesharkError) as error:
        return Finding(False, f"{what}: {error}")


def _library(name: str) -> str:
    from importlib.metadata import version

    importlib.import_module(name)
    return version(name)


def _protocols() -> str:
    from kubeshark_mcp.dissect.discovery import load_protocols

    return ", ".join(protocol.name for protocol in load_protocols())


def _toolsets() -> str:
    from kubeshark_mcp.registry import find_toolsets

    return ", ".join(toolset.name for toolset in find_toolsets())


def _bpf() -> str:
    from kubeshark_mcp.capture.bpf import check_bpf

    check_bpf("tcp port 80 and host 10.0.0.1")
    return "libpcap compiles them"


def _workspace(path: Path) -> str:
    from kubeshark_mcp.hub.workspace import Workspace, write_json

    root = Workspace(path).root
    probe = root / "probe.json"
    write_json(probe, {})
    probe.unlink()
    return f"{root} can be written, {shutil.disk_usage(root).free / 1e9:.1f} GB free"
