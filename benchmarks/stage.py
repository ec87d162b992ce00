"""One stage of the engine on one capture, as a process of its own: `python -m benchmarks.stage STAGE FILE`.

Stages: `index` (where each packet is and when it was), `flows` (decode, and the flow table with TCP metrics), `answer`
(from a capture never seen to the first answer: index, connections as Parquet, and the L4 picture from them). Each
imports what it needs, as the commands do.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path


def index(capture: Path, scratch: Path) -> int:
    """Build the index; gives packets."""
    from kubeshark_mcp.capture.index import build_index

    return build_index(capture, scratch / "index").count


def flows(capture: Path, scratch: Path) -> int:
    """Follow all connections without their bytes; gives how many there are."""
    from kubeshark_mcp.capture.reader import open_capture
    from kubeshark_mcp.stream.engine import StreamEngine

    engine, ended = StreamEngine(payload=False), 0
    with open_capture(capture) as opened:
        for block in opened.blocks():
            engine.feed(block)
            ended += sum(1 for _ in engine.drain())
    engine.finish()
    return ended + sum(1 for _ in engine.stats())


def answer(capture: Path, scratch: Path) -> int:
    """Import a capture and answer what its L4 picture is; gives flows."""
    from kubeshark_mcp.dissect.discovery import load_protocols
    from kubeshark_mcp.hub.flows import SUMMARY_COLUMNS, collect, summarise
    from kubeshark_mcp.hub.pipeline import Pipeline, Run
    from kubeshark_mcp.hub.queries import EntryBase, Language
    from kubeshark_mcp.hub.sources import CaptureSource

    index(capture, scratch)
    folder = scratch / "entries"
    folder.mkdir()
    Pipeline(Run([CaptureSource(capture, "node")], [], layer4_only=True), folder).dissect()
    base = EntryBase(folder, Language(load_protocols()), False)
    picture = summarise(collect(base.rows("tcp_conn || udp_conn", None, SUMMARY_COLUMNS)), [])
    base.close()
    return picture.total_flows


STAGES = {"index": index, "flows": flows, "answer": answer}


def main(arguments: list[str]) -> int:
    """Run one stage."""
    name, capture = arguments
    with tempfile.TemporaryDirectory(prefix="stage-") as scratch:
        sys.stdout.write(f"{name}: {STAGES[name](Path(capture), Path(scratch))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
