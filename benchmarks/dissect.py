"""Dissect captures into Parquet, as a dissection job does, in this process: `python -m benchmarks.dissect FILE...`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from kubeshark_mcp.hub.pipeline import Pipeline, Run
from kubeshark_mcp.hub.sources import CaptureSource, node_of


def main(files: list[str]) -> int:
    """Dissect and say how many entries came of it."""
    sources = [CaptureSource(Path(file), node_of(Path(file))) for file in files]
    with tempfile.TemporaryDirectory() as scratch:
        outcome = Pipeline(Run(sources, []), Path(scratch) / "entries").dissect()
    print(outcome.entries_created, outcome.protocol_counts)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
