"""Streams that carry another protocol: extended CONNECT (RFC 8441) and CONNECT (RFC 9113 section 8.5)."""

from __future__ import annotations

from dataclasses import replace

from kubeshark_mcp.dissect.base import Context, HandOver
from kubeshark_mcp.dissect.buffer import Source, packets_of
from kubeshark_mcp.dissect.wire_hpack import HeaderSection
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Direction, Piece, Window

CARRIED = {"websocket": "ws"}
"""Value of `:protocol` (IANA HTTP Upgrade Tokens) -> KFL name."""


class Tunnel:
    """The content of one stream, handed on as a connection of its own."""

    __slots__ = ("_connection", "_context", "_hand_over", "_missing", "_offsets")

    def __init__(self, context: Context, hand_over: HandOver | None) -> None:
        self._context = context
        self._connection = replace(context.connection, from_start=True, muted=False)
        self._hand_over = hand_over
        self._offsets, self._missing = [0, 0], [0, 0]

    def add(self, direction: Direction, source: Source, begin: int, stop: int) -> None:
        """Pass on source.data[begin:stop] (stop > begin)."""
        gap, self._missing[direction] = self._missing[direction], 0
        offset = self._offsets[direction] + gap
        self._offsets[direction] = offset + stop - begin
        starts, numbers, times = packets_of(source, begin, stop)
        piece = Piece(direction, source.data[begin:stop], offset, gap, starts, numbers, times)
        self._context.tunnel(Window(self._connection, [piece]), self._hand_over)

    def miss(self, direction: Direction, length: int) -> None:
        """Hear that content is missing."""
        self._missing[direction] += length

    def end(self) -> None:
        """Hear that the stream is over."""
        self._context.tunnel(Window(self._connection), None)


def opened_tunnel(
    context: Context, number: int, request: HeaderSection | None, response: HeaderSection | None
) -> Tunnel | None:
    """Give the tunnel that a 2xx response to a CONNECT request opens; None where none is opened, or not known for what.

    number: of the stream.
    """
    if request is None or response is None or request.headers.get(":method") != "CONNECT":
        return None
    if not response.headers.get(":status", "").startswith("2"):
        return None
    protocol = request.headers.get(":protocol")
    if protocol is None:
        return Tunnel(context, None)
    if protocol not in CARRIED:
        return None
    handshake = Entry("http2", context.connection, None, None, {"http2_stream": number})
    handshake.fields["response.headers"] = response.regular
    if path := request.headers.get(":path", "").partition("?")[0]:
        handshake.fields["path"] = path
    return Tunnel(context, HandOver(CARRIED[protocol], [], handshake))
