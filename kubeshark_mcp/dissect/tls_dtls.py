"""DTLS (RFC 6347, 9147): hellos in clear, over UDP. What follows them is recognised, not read."""

from __future__ import annotations

from dataclasses import dataclass, field

from kubeshark_mcp.dissect import wire_tls_names as n
from kubeshark_mcp.dissect.base import Context, Dissector
from kubeshark_mcp.dissect.buffer import join
from kubeshark_mcp.dissect.tls_handshake import Handshake, Memory
from kubeshark_mcp.model.stream import Closing, Datagram, Direction, Span

_RECORD, _MESSAGE = 13, 12
LARGEST_HELLO = 1 << 16
"""Bytes of the largest hello that is put together."""
MOST_HOLES = 64
"""Parts of a hello that may be missing at a time; senders cut it into a few, in order."""
_HELLOS = (n.CLIENT_HELLO, n.SERVER_HELLO)


@dataclass(slots=True)
class _Fragments:
    """A hello of which some fragments came (RFC 6347 section 4.2.3). header: of the whole; span: from its first on.

    missing: (begin, end) of what is not there yet, in order. parts: what is, each with where it begins; it is no more
    than came, whatever length the message claims.
    """

    header: bytes
    span: Span
    missing: list[tuple[int, int]]
    parts: list[tuple[int, bytes]] = field(default_factory=list)

    def add(self, begin: int, fragment: bytes) -> bool:
        """Take a fragment, which may overlap others; tell whether the message is whole."""
        end, left = begin + len(fragment), []
        for low, high in self.missing:
            first, last = max(low, begin), min(high, end)
            if first >= last:
                left.append((low, high))
                continue
            self.parts.append((first, fragment[first - begin : last - begin]))
            left += [hole for hole in ((low, first), (last, high)) if hole[0] < hole[1]]
        self.missing = left
        return not left

    def message(self) -> bytes:
        """Give the whole, once nothing is missing."""
        return self.header + b"".join([part for _, part in sorted(self.parts)])


class DtlsDissector(Dissector):
    """Reads hellos, whole or in fragments; one of each side is put together at a time."""

    def __init__(self, context: Context, memory: Memory) -> None:
        super().__init__(context)
        self._memory = memory
        self._handshake: Handshake | None = None
        self._fragments: list[_Fragments | None] = [None, None]

    def on_datagram(self, datagram: Datagram) -> None:
        """Take the records of one datagram."""
        data, position = datagram.data, 0
        while len(data) - position > _RECORD:
            kind, epoch = data[position], data[position + 3 : position + 5]
            end = position + _RECORD + int.from_bytes(data[position + 11 : position + _RECORD], "big")
            if kind == n.HANDSHAKE and epoch == b"\0\0":
                self._messages(datagram, data[position + _RECORD : end])
            elif kind == n.APPLICATION_DATA:
                self.context.unread(datagram.direction, datagram.span)
                return
            position = end

    def on_close(self, closing: Closing) -> None:
        """Emit a hello that nobody answered."""
        self._emit()

    def _messages(self, datagram: Datagram, data: bytes) -> None:
        position = 0
        while len(data) - position >= _MESSAGE:
            size, offset, length = (int.from_bytes(data[position + at : position + at + 3], "big") for at in (1, 6, 9))
            message = data[position : position + _MESSAGE + length]
            position += _MESSAGE + length
            if not offset and size == length == len(message) - _MESSAGE:
                self._message(datagram, message, datagram.span)
            elif message[0] in _HELLOS and length == len(message) - _MESSAGE and offset + length <= size:
                self._fragment(datagram, message, size, offset)

    def _fragment(self, datagram: Datagram, message: bytes, size: int, offset: int) -> None:
        """Put a hello together; fragments may come in any order and more than once."""
        if size > LARGEST_HELLO:
            return
        header = message[:6] + b"\0\0\0" + message[1:4]
        held = self._fragments[datagram.direction]
        if held is None or held.header != header or len(held.missing) > MOST_HOLES:
            held = _Fragments(header, datagram.span, [(0, size)])
            self._fragments[datagram.direction] = held
        if held.add(offset, message[_MESSAGE:]):
            self._fragments[datagram.direction] = None
            self._message(datagram, held.message(), join(held.span, datagram.span))

    def _message(self, datagram: Datagram, message: bytes, span: Span) -> None:
        kind, client = message[0], datagram.direction is Direction.CLIENT
        if kind == n.CLIENT_HELLO and client:
            if self._handshake is None:
                self._handshake = Handshake(self._memory, dtls=True)
            self._handshake.message(datagram.direction, kind, message, span)
        elif kind == n.SERVER_HELLO and not client:
            handshake = self._handshake or Handshake(self._memory, dtls=True)
            handshake.message(datagram.direction, kind, message, span)
            self._handshake = handshake
            if not handshake.retried or handshake.server is not None:
                self._emit()

    def _emit(self) -> None:
        handshake, self._handshake = self._handshake, None
        if handshake is not None:
            entry = handshake.entry(self.context.connection, self.context.settings.body_limit)
            if entry is not None:
                self.context.emit(entry)
