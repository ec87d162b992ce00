"""Captures dissected for one command: facts about them, and entries by id."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kubeshark_mcp.cli.console import progress_bar, warn

if TYPE_CHECKING:
    from kubeshark_mcp.hub.offline import Offline

Files = Annotated[
    list[str],
    typer.Argument(metavar="FILE...", help="Captures: pcap or pcapng, plain, gzip or zstd; NODE=FILE names the node."),
]
Resources = Annotated[
    list[Path] | None,
    typer.Option(help="Output of `kubectl get pods,services,endpointslices,nodes -A -o json`.", dir_okay=False),
]


@contextmanager
def dissected(files: Sequence[str], resources: Sequence[Path] | None, label: str = "dissecting") -> Iterator[Offline]:
    """Dissect captures into a temporary folder, with a bar on a terminal; warnings go to standard error."""
    from kubeshark_mcp.hub.offline import Offline

    with tempfile.TemporaryDirectory(prefix="kubeshark-") as scratch:
        offline = Offline(list(files), list(resources or ()), [], Path(scratch))
        with progress_bar(label) as progress:
            outcome = offline.dissect(progress)
        for warning in outcome.warnings:
            warn(warning)
        try:
            yield offline
        finally:
            offline.close()
