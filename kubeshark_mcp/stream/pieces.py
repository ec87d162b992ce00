"""From joined bytes to Pieces: one a run of one direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubeshark_mcp.model.stream import Direction, Piece

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubeshark_mcp.stream.assembler import Joined

WAYS = (Direction.CLIENT, Direction.SERVER)


def pieces_of(joined: Sequence[Joined]) -> list[Piece]:
    """Merge neighbours of one direction with nothing missing between them."""
    pieces = []
    first = 0
    for position in range(1, len(joined) + 1):
        if (
            position < len(joined)
            and joined[position].direction == joined[first].direction
            and not joined[position].gap
        ):
            continue
        pieces.append(_piece(joined[first:position]))
        first = position
    return pieces


def _piece(run: Sequence[Joined]) -> Piece:
    starts, position = [], 0
    for part in run:
        starts.append(position)
        position += len(part.data)
    return Piece(
        direction=WAYS[run[0].direction],
        data=b"".join([part.data for part in run]),
        offset=run[0].offset,
        gap=run[0].gap,
        starts=starts,
        packets=[part.number for part in run],
        times=[part.time for part in run],
    )
