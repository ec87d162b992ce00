"""What connections carried in one part of a block of packets: as columns where that is wanted, one window each."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.model.stream import Window
from kubeshark_mcp.model.stream_block import StreamBlock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from kubeshark_mcp.model.stream import Closing

    Event = StreamBlock | Window | Closing


def one_window_each(events: Iterable[StreamBlock | Window | Closing], *, columns: bool) -> list[Event]:
    """Give each connection one window, however its packets were parted: that depends on what else is in the block.

    columns: connections that come in one StreamBlock alone stay there; all others come in windows.
    """
    given = list(events)
    if columns:
        if sum(isinstance(event, StreamBlock | Window) for event in given) <= 1:
            return given
        seen = Counter(id(connection) for event in given for connection in _connections(event))
        given = [part for event in given for part in _parted(event, seen)]
    windows: dict[int, Window] = {}
    kept: list[Event] = []
    for event in given:
        if isinstance(event, StreamBlock) and not columns:
            for window in event.windows():
                _join(window, windows, kept)
        elif isinstance(event, Window):
            _join(event, windows, kept)
        else:
            kept.append(event)
    return kept


def _join(window: Window, windows: dict[int, Window], kept: list[Event]) -> None:
    before = windows.setdefault(id(window.connection), window)
    if before is window:
        kept.append(window)
    else:
        before.pieces.extend(window.pieces)


def _connections(event: Event) -> Iterable[object]:
    if isinstance(event, StreamBlock):
        return event.connections
    return (event.connection,) if isinstance(event, Window) else ()


def _parted(event: Event, seen: Counter[int]) -> Iterable[Event]:
    """Give a block without the connections that come elsewhere too, and the windows of those."""
    if not isinstance(event, StreamBlock):
        return (event,)
    alone = np.array([seen[id(connection)] == 1 for connection in event.connections])
    if alone.all():
        return (event,)
    return (*((_taken(event, alone),) if alone.any() else ()), *event.windows(~alone))


def _taken(block: StreamBlock, chosen: NDArray[np.bool_]) -> StreamBlock:
    """Give the chosen connections of a block."""
    runs = np.flatnonzero(chosen[block.connection])
    counts = np.diff(block.first, append=len(block.start))
    packets = np.flatnonzero(chosen[block.connection].repeat(counts))
    counts = counts[runs]
    pieces = block.pieces
    return replace(
        block,
        connections=[block.connections[place] for place in np.flatnonzero(chosen).tolist()],
        connection=(np.cumsum(chosen) - 1)[block.connection[runs]],
        direction=block.direction[runs],
        offset=block.offset[runs],
        gap=block.gap[runs],
        first=np.cumsum(counts) - counts,
        start=block.start[packets],
        length=block.length[packets],
        packet=block.packet[packets],
        time_ns=block.time_ns[packets],
        pieces=lambda asked: pieces(runs if asked is None else runs[asked]),
    )
