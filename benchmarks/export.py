"""Export packets by a BPF filter as the Hub does: `python -m benchmarks.export FILE OUTPUT BPF [INDEX FOLDER]`."""

from __future__ import annotations

import sys
from pathlib import Path

from kubeshark_mcp.capture.export import Source, export_packets
from kubeshark_mcp.capture.index import build_index


def main(arguments: list[str]) -> int:
    """Export; with a folder by the index that it holds."""
    capture, output, bpf, *folder = arguments
    path = Path(capture)
    index = build_index(path, Path(folder[0])) if folder else None
    exported = export_packets([Source(path, index=index)], Path(output), bpf=bpf)
    sys.stdout.write(f"{exported.packets} packets, {exported.bytes} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
