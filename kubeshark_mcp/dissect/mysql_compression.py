"""MySQL's compressed packets: what they carry, as a stream of its own.

Source: MySQL internals, "Compressed Packet Header": compressed length (3 bytes), sequence number (1), length before
compression (3; 0 where the payload is not compressed), then a zlib stream. Positions of what is inside count bytes of
the inner stream; packet numbers and times are those of the capture.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, NamedTuple

from kubeshark_mcp.dissect.buffer import StreamBuffer
from kubeshark_mcp.dissect.frames import FrameError
from kubeshark_mcp.model.stream import Direction, Piece, Span

if TYPE_CHECKING:
    from zlib import _Decompress

HEADER = 7
ZSTD = "compressed with zstd, which is not read"


class Opaque(NamedTuple):
    """A compressed packet that cannot be read: where it was. first: it begins a command."""

    span: Span
    first: bool


class Inflater:
    """One direction of compressed packets.

    lost: bytes were missing, and no packet has begun since. offset: of the inner stream.
    """

    __slots__ = ("_buffer", "_left", "_method", "_opaque", "_stream", "_wanted", "lost", "offset")

    def __init__(self, direction: Direction, method: str, offset: int) -> None:
        self._buffer = StreamBuffer(direction)
        self._method = method
        self.offset = offset
        self.lost = False
        self._forget()

    def _forget(self) -> None:
        self._left = self._wanted = 0
        self._stream: _Decompress | None = None
        self._opaque = False

    def lose(self) -> None:
        """Hear that bytes are missing."""
        self._buffer.clear()
        self._forget()
        self.lost = True

    def feed(self, piece: Piece) -> list[Piece | Opaque]:
        """Give what the bytes of a piece carry. Raises FrameError where they are no compressed packets."""
        self._buffer.append(piece)
        data = self._buffer.data
        found: list[Piece | Opaque] = []
        position = 0
        if self.lost and not _begins(data):
            position = len(data)
        else:
            self.lost = False
        try:
            while position < len(data):
                if not self._left:
                    if len(data) - position < HEADER:
                        break
                    self._open(data, position, found)
                    position += HEADER
                else:
                    position = self._go_on(data, position, found)
        finally:
            del data
            self._buffer.consume(position)
        return found

    def _open(self, data: bytes, position: int, found: list[Piece | Opaque]) -> None:
        """Read the header of a packet."""
        self._left = int.from_bytes(data[position : position + 3], "little")
        self._wanted = int.from_bytes(data[position + 4 : position + 7], "little")
        self._opaque = self._wanted > 0 and self._method != "zlib"
        self._stream = zlib.decompressobj() if self._wanted and not self._opaque else None
        if self._opaque:
            found.append(Opaque(self._buffer.span(position, position + HEADER), data[position + 3] == 0))

    def _go_on(self, data: bytes, position: int, found: list[Piece | Opaque]) -> int:
        """Read on in a packet; give where that ends."""
        end = min(len(data), position + self._left)
        span = self._buffer.span(position, end)
        self._left -= end - position
        if self._opaque:
            found.append(Opaque(span, first=False))
        elif self._stream is not None:
            self._inflate(self._stream, data[position:end], span, found)
        else:
            self._emit(data[position:end], span, found)
        return end

    def _inflate(self, stream: _Decompress, data: bytes, span: Span, found: list[Piece | Opaque]) -> None:
        """Decompress what is there, at most as much as was announced."""
        try:
            output = stream.decompress(data, self._wanted + 1)
        except zlib.error as error:
            raise FrameError(f"a compressed packet cannot be read ({error})", 0) from None
        self._wanted -= len(output)
        if self._wanted < 0 or (self._wanted and not self._left):
            raise FrameError("a compressed packet does not hold as many bytes as it announced", 0)
        self._emit(output, span, found)

    def _emit(self, data: bytes, span: Span, found: list[Piece | Opaque]) -> None:
        """Give carried bytes the packets that they came in: the first byte has the first, the others the last."""
        if not data:
            return
        starts, packets, times = [0], [span.first_packet], [span.start_ns]
        if span.last_packet != span.first_packet and len(data) > 1:
            starts, packets, times = [0, 1], [*packets, span.last_packet], [*times, span.end_ns]
        found.append(Piece(self._buffer.direction, data, self.offset, 0, starts, packets, times))
        self.offset += len(data)


def _begins(data: bytes) -> bool:
    """Tell whether a compressed packet begins here and ends with these bytes."""
    size = int.from_bytes(data[:3], "little")
    return len(data) == HEADER + size and (not any(data[4:7]) or data[7:8] == b"\x78")
