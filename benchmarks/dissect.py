"""Dissect captures into Parquet, as a dissection job does, in this process: `python -m benchmarks.dissect FILE...`.

Each file is taken for the capture of a node of its own. With `--workers` as many processes share the work, at most.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
from pathlib import Path

from kubeshark_mcp.hub.pipeline import Pipeline, Run
from kubeshark_mcp.hub.sources import CaptureSource, node_of


def main(arguments: list[str]) -> int:
    """Dissect, and say how many entries came of it and how much memory it took."""
    parser = argparse.ArgumentParser(description="Dissect captures into Parquet.")
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--workers", type=int, default=0, help="processes, at most (default: what there is room for)")
    options = parser.parse_args(arguments)
    sources = [CaptureSource(file, node_of(file)) for file in options.files]
    with tempfile.TemporaryDirectory() as scratch:
        outcome = Pipeline(Run(sources, [], workers=options.workers), Path(scratch) / "entries").dissect()
    print(outcome.entries_created, outcome.protocol_counts)
    here, largest = (
        resource.getrusage(who).ru_maxrss >> 10 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(f"peak memory: {here} MB, and at most {largest} MB in each process that helped")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
