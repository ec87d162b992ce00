"""Takes the PROXY protocol's header off the beginning of a connection, so that the protocol behind it is recognised."""

from __future__ import annotations

from bisect import bisect_right

from kubeshark_mcp.dissect.wire_proxy import FIRST_BYTES, Preface, read_preface
from kubeshark_mcp.model.field import Field, FieldType
from kubeshark_mcp.model.stream import Direction, Piece

_GROUP = "PROXY protocol"
PREFACE_FIELDS: tuple[Field, ...] = (
    Field(
        "proxy_version",
        FieldType.INT,
        "version of the PROXY protocol header before the connection's first byte",
        "proxy_version > 0",
        _GROUP,
        ("proxy.version",),
    ),
    Field(
        "proxy_source",
        FieldType.STRING,
        "address and port of the client that a load balancer speaks for, as its PROXY header says",
        'proxy_source.startsWith("203.0.113.")',
        _GROUP,
    ),
    Field(
        "proxy_destination",
        FieldType.STRING,
        "address and port that this client asked for, as the PROXY header says",
        'proxy_destination.endsWith(":443")',
        _GROUP,
    ),
)
"""Fields of the entries of a connection that begins with such a header."""


class Peeler:
    """Looks at the first bytes of a TCP connection until it is certain whether they are a PROXY header.

    The side that opened the connection sends it. Where that was not seen, the first bytes of all are looked at.
    done: nothing more is to be looked at. fields: what the header says. length: its bytes. begins: stream offset of
    each direction at which the protocol behind it begins.
    """

    __slots__ = ("_from_start", "_held", "_needed", "_size", "begins", "done", "fields", "length")

    def __init__(self, *, from_start: bool) -> None:
        self._from_start = from_start
        self._held: list[Piece] = []
        self._size, self._needed = 0, 1
        self.done = False
        self.fields: dict[str, object] = {}
        self.length = 0
        self.begins = [0, 0]

    def take(self, pieces: list[Piece]) -> list[Piece]:
        """Take pieces in order; give those that are for the protocols now, without the header."""
        if not self._held and self._is_none(pieces[0]):
            self.done = True
            return pieces
        given: list[Piece] = []
        for index, piece in enumerate(pieces):
            if self._held:
                if piece.gap or piece.direction is not self._held[0].direction:
                    return given + self.release() + pieces[index:]
            elif self._from_start and piece.direction is Direction.SERVER:
                given.append(piece)
                continue
            elif piece.gap:
                return given + self.release() + pieces[index:]
            self._held.append(piece)
            self._size += len(piece.data)
            if self._size >= self._needed and self._judge():
                return given + self.release() + pieces[index + 1 :]
        return given

    def release(self) -> list[Piece]:
        """Give what is held, and hold nothing any more."""
        held, self._held = self._held, []
        self.done = True
        left = self.length
        while held and left >= len(held[0].data):
            left -= len(held.pop(0).data)
        if held and left:
            held[0] = _without(held[0], left)
        return held

    def _is_none(self, piece: Piece) -> bool:
        """Tell from a single byte that no header begins a connection, as nearly always."""
        speaks = piece.direction is Direction.CLIENT or not self._from_start
        return speaks and (bool(piece.gap) or not piece.data.startswith(FIRST_BYTES))

    def _judge(self) -> bool:
        """Look whether the held bytes are a header; True when that is certain. They are joined as often as it grows."""
        found = read_preface(b"".join([piece.data for piece in self._held]))
        if isinstance(found, int):
            self._needed = found
            return not found
        self.length = found.length
        self.fields = _fields(found)
        first = self._held[0]
        self.begins[first.direction] = first.offset + found.length
        return True


def _fields(preface: Preface) -> dict[str, object]:
    fields: dict[str, object] = {"proxy_version": preface.version}
    if preface.source:
        fields["proxy_source"] = preface.source
    if preface.destination:
        fields["proxy_destination"] = preface.destination
    return fields


def _without(piece: Piece, length: int) -> Piece:
    """Give a piece without its first bytes; `length` is less than it has."""
    first = bisect_right(piece.starts, length) - 1
    starts = [max(0, start - length) for start in piece.starts[first:]]
    return Piece(
        piece.direction,
        piece.data[length:],
        piece.offset + length,
        0,
        starts,
        piece.packets[first:],
        piece.times[first:],
    )
