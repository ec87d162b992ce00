"""Conversations over TCP as the stream room gives them: in windows, or in columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubeshark_mcp.capture.reader import open_capture
from kubeshark_mcp.dissect.base import Protocol, Settings
from kubeshark_mcp.model.stream import Closing
from kubeshark_mcp.model.stream_block import StreamBlock
from kubeshark_mcp.stream.engine import StreamEngine
from tests.dissect.datagram_building import Play
from tests.stream.building import Sent, Talk, cut, numbered


def talk(place: int = 0, port: int = 6379, *, whole: bool = True) -> Talk:
    """Begin a conversation. place: which client; whole: its handshake is seen."""
    found = Talk(1000 + place, 5000 + place, (0x0A000001, 40000 + place), (0x0A000002, port))
    return found.handshake() if whole else found


def blocks_of(packets: Iterable[Sent], cuts: Iterable[int] = ()) -> list[StreamBlock]:
    """Give what comes as columns."""
    streams = StreamEngine(columns=True)
    return [
        event
        for block in cut(numbered(packets), cuts)
        for event in streams.feed(block)
        if isinstance(event, StreamBlock)
    ]


def played(
    protocols: Iterable[Protocol],
    packets: Sequence[Sent],
    cuts: Iterable[int] = (),
    settings: Settings | None = None,
    *,
    columns: bool,
) -> tuple[Play, tuple[object, ...]]:
    """Dissect a capture cut into blocks; give what was played, and its outcome with the protocols of connections."""
    play, streams = Play(protocols, settings), StreamEngine(columns=columns)
    return play, _outcome(play, streams, cut(numbered(packets), cuts))


def of_file(protocols: Iterable[Protocol], path, size: int, *, columns: bool) -> tuple[Play, tuple[object, ...]]:
    """Dissect a file in blocks of so many packets."""
    play, streams = Play(protocols), StreamEngine(columns=columns)
    with open_capture(path) as capture:
        return play, _outcome(play, streams, capture.blocks(size))


def _outcome(play: Play, streams: StreamEngine, blocks) -> tuple[object, ...]:
    found = {}

    def feed(event) -> None:
        play.engine.feed(event)
        if isinstance(event, Closing):
            found[event.connection.number] = play.engine.l7_of(event.connection)

    for block in blocks:
        for event in streams.feed(block):
            feed(event)
    for event in streams.finish():
        feed(event)
    return play.outcome(), found
