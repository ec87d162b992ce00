"""Captures played to protocols as blocks of datagrams, and one datagram at a time: both have to tell the same."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from kubeshark_mcp.capture.reader import open_capture
from kubeshark_mcp.dissect.base import Protocol
from kubeshark_mcp.model.stream import Closing, Connection, Datagram
from kubeshark_mcp.stream.engine import StreamEngine
from tests.dissect.datagram_building import Closings, DatagramBlock, Play
from tests.stream.building import one_by_one as separately

CAPTURES = Path(os.environ.get("KUBESHARK_CAPTURES") or Path(__file__).parents[3] / "shared" / "captures")
RECORDINGS = Path(__file__).parents[1] / "recordings"

_HEARD = (Datagram, DatagramBlock, Closing, Closings)


def told_of(path: Path, protocols: Sequence[Protocol], size: int, *, columns: bool) -> tuple[list[str], int]:
    """Give what the datagrams of a capture come to, and how many bytes were read of them.

    size: packets a block. columns: whether blocks of datagrams are read whole.
    """
    play, streams = Play(protocols), StreamEngine()
    seen: dict[tuple[str, int], Connection] = {}
    with open_capture(path) as capture:
        for packets in capture.blocks(size):
            events = streams.feed(packets)
            for event in events if columns else separately(events, seen):
                if isinstance(event, _HEARD):
                    play.engine.feed(event)
    for event in streams.finish() if columns else separately(streams.finish(), seen):
        if isinstance(event, _HEARD):
            play.engine.feed(event)
    entries, (_, dissected, *_) = play.outcome()
    return entries, dissected
