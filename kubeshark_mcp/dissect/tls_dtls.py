"""DTLS (RFC 6347, 9147): hellos in clear, over UDP. What follows them is recognised, not read."""

from __future__ import annotations

from kubeshark_mcp.dissect import wire_tls_names as n
from kubeshark_mcp.dissect.base import Context, Dissector
from kubeshark_mcp.dissect.tls_handshake import Handshake, Memory
from kubeshark_mcp.model.stream import Closing, Datagram, Direction

_RECORD, _MESSAGE = 13, 12


class DtlsDissector(Dissector):
    """Reads whole hellos; one that is cut into fragments only names the protocol."""

    def __init__(self, context: Context, memory: Memory) -> None:
        super().__init__(context)
        self._memory = memory
        self._handshake: Handshake | None = None

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
                self._message(datagram, message)

    def _message(self, datagram: Datagram, message: bytes) -> None:
        kind, client = message[0], datagram.direction is Direction.CLIENT
        if kind == n.CLIENT_HELLO and client:
            if self._handshake is None:
                self._handshake = Handshake(self._memory, dtls=True)
            self._handshake.message(datagram.direction, kind, message, datagram.span)
        elif kind == n.SERVER_HELLO and not client:
            handshake = self._handshake or Handshake(self._memory, dtls=True)
            handshake.message(datagram.direction, kind, message, datagram.span)
            self._handshake = handshake
            if not handshake.retried or handshake.server is not None:
                self._emit()

    def _emit(self) -> None:
        handshake, self._handshake = self._handshake, None
        if handshake is not None:
            entry = handshake.entry(self.context.connection, self.context.settings.body_limit)
            if entry is not None:
                self.context.emit(entry)
