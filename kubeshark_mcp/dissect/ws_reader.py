"""One direction of a WebSocket connection: frames in, messages out, long ones never held whole."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

from kubeshark_mcp.dissect.base import Settings
from kubeshark_mcp.dissect.buffer import Source, StreamBuffer, join, span_of
from kubeshark_mcp.dissect.http_message import ENDINGS
from kubeshark_mcp.dissect.wire_ws import (
    BINARY,
    CLOSE,
    CONTINUATION,
    CONTROL_LIMIT,
    PING,
    PONG,
    TEXT,
    Deflate,
    FrameHeader,
    Inflater,
    header_fault,
    read_header,
    unmask,
    weigh,
)
from kubeshark_mcp.model.stream import Direction, Piece, Span

UNREAD = -1
"""Opcode of what is no frame."""
ENOUGH = 2
"""What has to speak for a frame before reading goes on there behind missing bytes (see `weigh`)."""


_COMPRESSED = 0xC0
_USUAL = {0x80 | opcode: opcode for opcode in (TEXT, BINARY, PING, PONG)}
_USUAL |= {_COMPRESSED | opcode: opcode for opcode in (TEXT, BINARY)}
"""First bytes of frames that are whole messages."""


class Message:
    """A message: a control frame, or all fragments of a text or binary message (RFC 6455 section 5.4).

    opcode: as in its first frame; UNREAD for bytes that are no frame. payload: its beginning, unmasked and
    decompressed; as sent where that was impossible. size: bytes of all of it; wire_size: as sent. frames: how many.
    held: what is kept while it is read, `room`: how much more may be. missing: bytes of payload that no packet held.
    malformed: what is wrong; broken: the sender broke the rules, it is not just that bytes are missing here.
    """

    compressed: bool = False
    room: int = 0
    held: bytes | bytearray = b""
    wire_size: int = 0
    frames: int = 0
    missing: int = 0
    malformed: str = ""
    broken: bool = False

    def __init__(self, opcode: int, *, masked: bool, payload: bytes = b"", size: int = 0) -> None:
        self.opcode, self.masked = opcode, masked
        self.payload, self.size = payload, size
        self.span: Span | None = None

    def note(self, reason: str, *, broken: bool = False) -> None:
        """Add a reason why the message is not as it should be."""
        self.broken = self.broken or broken
        self.malformed = f"{self.malformed}; {reason}" if self.malformed else reason

    def hold(self, part: bytes) -> None:
        """Keep a part of the payload; most messages have one."""
        if not self.held:
            self.held = part
        elif isinstance(self.held, bytes):
            self.held = bytearray(self.held + part)
        else:
            self.held += part
        self.room -= len(part)


class FrameReader:
    """Joins the frames of one direction into messages and gives each to `finished` when it ends.

    trusted: the bytes begin behind a handshake; otherwise the first header has to look like one before it counts.
    lost: it is not known where the next frame begins.
    """

    def __init__(
        self,
        direction: Direction,
        settings: Settings,
        deflate: Deflate,
        finished: Callable[[Message], None],
        *,
        trusted: bool,
    ) -> None:
        client = direction is Direction.CLIENT
        self._mask_bit, self._usual_header = (0x80, 6) if client else (0, 2)
        self.lost = False
        self._direction, self._masked, self._trusted = direction, client, trusted
        self._keep, self._most = settings.body_limit, settings.message_limit
        self._agreed = deflate.agreed
        takeover = deflate.client_takeover if client else deflate.server_takeover
        self._inflater = Inflater(settings.message_limit, takeover=takeover)
        self._finished = finished
        self._carry: StreamBuffer | None = None
        self._frame: FrameHeader | None = None
        self._message: Message | None = None
        self._fragments: Message | None = None
        self._left = self._start = 0

    def feed(self, piece: Piece) -> None:
        """Take the bytes that follow on those before."""
        if self._carry is not None:
            self._carry.append(piece)
            self._run(self._carry.data, self._carry, 0)
            return
        start = self._find(piece, 0) if self.lost else 0
        if start >= 0:
            self._run(piece.data, piece, start)

    def gap(self, length: int) -> None:
        """Hear that `length` bytes are missing before what comes next.

        Bytes missing inside a payload do not cost the position; what follows them is counted and not kept.
        """
        message, left = self._message, self._left
        if self._frame is None or message is None:
            self._abandon(f"{length} bytes are missing behind what was seen of it")
        else:
            inside = min(length, left)
            message.note(f"{length} bytes are missing at payload offset {message.wire_size - left}")
            message.missing += inside
            message.room = 0
            self._left -= inside
            if not self._left and inside == length:
                self._end_frame()
            if inside == length:
                return
            self._abandon("")
        self._inflater.forget()
        self.lost = True

    def close(self, how: str) -> None:
        """Hear that nothing more comes. how: see Closing."""
        self._abandon(ENDINGS.get(how, how))

    def _run(self, data: bytes, source: Source, position: int) -> None:
        """Read as far as the data goes; the beginning of a header waits for the rest."""
        end = len(data)
        self._start = position
        while position < end:
            if self._frame is None:
                if after := self._usual(data, position, source):
                    position = after
                    continue
                header = read_header(data, position)
                if header is None:
                    break
                fault = self._fault(header)
                if fault:
                    self._lose(header, fault, source, position)
                    position = self._find(source, position + 1)
                    if position < 0:
                        position = end
                    continue
                self._begin(header)
                self._start = position
                position += header.size
            stop = min(end, position + self._left)
            self._take(data, position, stop)
            position = stop
            if not self._left:
                self._extend(source, position)
                self._end_frame()
        if self._frame is not None:
            self._extend(source, position)
        self._carry_over(source, position, end)

    def _usual(self, data: bytes, position: int, source: Source) -> int:
        """Read a frame that is there whole and is a message by itself, as most are, on a way without detours.

        Give where it ends; 0 where that way does not lead.
        """
        begin, first = position + self._usual_header, data[position]
        opcode = _USUAL.get(first)
        if opcode is None or begin + 2 > len(data) or (self._fragments is not None and opcode < CLOSE):
            return 0
        length = data[position + 1] - self._mask_bit
        if length == 126 and opcode < CLOSE:
            length = data[position + 2] << 8 | data[position + 3]
            begin += 2
            if length < 126:
                return 0
        elif not 0 <= length < 126:
            return 0
        stop = begin + length
        if stop > len(data):
            return 0
        compressed = first >= _COMPRESSED
        most = self._most if compressed else self._keep
        if compressed and (self._agreed is False or length > most):
            return 0
        payload = data[begin : min(stop, begin + most)]
        if self._masked:
            payload = unmask(payload, data[begin - 4 : begin])
        self._trusted = True
        message = Message(opcode, masked=self._masked, payload=payload, size=length)
        message.wire_size, message.frames = length, 1
        message.span = span_of(source, position, stop)
        if compressed:
            message.compressed = True
            self._inflate(message, payload, whole=True)
        self._finished(message)
        return stop

    def _carry_over(self, source: Source, position: int, end: int) -> None:
        """Carry the beginning of a header over to the next piece."""
        if position >= end:
            self._carry = None
        elif isinstance(source, StreamBuffer):
            source.consume(position)
        else:
            self._carry = StreamBuffer(self._direction)
            self._carry.append(source)
            self._carry.consume(position)

    def _fault(self, header: FrameHeader) -> str:
        fault = header_fault(header)
        if not fault and not self._trusted and bool(header.mask) != self._masked:
            return "the mask bit is that of the other side"
        return fault

    def _begin(self, header: FrameHeader) -> None:
        """Begin to read a frame: of which message, and what is wrong with it."""
        self._trusted = True
        if header.opcode >= CLOSE:
            message = self._new(header)
            if not header.final:
                message.note("a control frame is fragmented", broken=True)
            if header.length > CONTROL_LIMIT:
                message.note(f"a control frame has {header.length} bytes, more than {CONTROL_LIMIT}", broken=True)
        elif header.opcode == CONTINUATION and self._fragments is not None:
            message = self._fragments
            if header.compressed:
                message.note("a further fragment is marked as compressed", broken=True)
        else:
            if self._fragments is not None:
                self._end_fragments("the next message began before it", broken=True)
            message = self._new(header)
            if header.opcode == CONTINUATION:
                message.note("its beginning was not seen")
        if not header.minimal:
            message.note(f"the length {header.length} is not written as short as it can be", broken=True)
        message.frames += 1
        message.wire_size += header.length
        self._frame, self._message, self._left = header, message, header.length
        if not header.final and header.opcode < CLOSE:
            self._fragments = message

    def _new(self, header: FrameHeader) -> Message:
        compressed = header.compressed and header.opcode < CLOSE and self._agreed is not False
        room = self._most if compressed else self._keep
        message = Message(header.opcode, masked=bool(header.mask))
        message.compressed, message.room = compressed, room
        if header.compressed and not compressed:
            message.note("it is marked as compressed, which was not agreed", broken=True)
        return message

    def _take(self, data: bytes, position: int, stop: int) -> None:
        """Keep payload while there is room."""
        message, frame = self._message, self._frame
        if message is None or frame is None:
            return
        if message.room and stop > position:
            part = data[position : min(stop, position + message.room)]
            message.hold(unmask(part, frame.mask, frame.length - self._left))
        self._left -= stop - position

    def _extend(self, source: Source, stop: int) -> None:
        """Add the bytes from where the frame, or this piece, begins to the evidence."""
        message = self._message
        if message is not None and stop > self._start:
            span = span_of(source, self._start, stop)
            message.span = span if message.span is None else join(message.span, span)
            self._start = stop

    def _end_frame(self) -> None:
        frame, message = self._frame, self._message
        self._frame = self._message = None
        if frame is not None and message is not None and (frame.final or frame.opcode >= CLOSE):
            if message is self._fragments:
                self._fragments = None
            self._finish(message, whole=True)

    def _finish(self, message: Message, *, whole: bool) -> None:
        """Give a message away, decompressed where that is possible."""
        payload = bytes(message.held)
        message.payload, message.size, message.held = payload[: self._keep], message.wire_size, b""
        if message.compressed:
            self._inflate(message, payload, whole=whole)
        if message.missing and message.span is not None:
            message.span = message.span._replace(missing=message.missing)
        self._finished(message)

    def _inflate(self, message: Message, payload: bytes, *, whole: bool) -> None:
        """Decompress a message, where it was seen whole; else it stays as it was sent."""
        if message.missing or message.wire_size > self._most:
            self._inflater.forget()
            if not message.missing:
                message.note(f"{message.wire_size} compressed bytes are more than are read")
            return
        found = self._inflater.inflate(payload, self._keep, whole=whole)
        if found.fault:
            message.note(found.fault)
        message.payload, message.size = payload[: self._keep], message.wire_size
        if found.data or not found.fault:
            message.payload, message.size = found.data, found.size

    def _abandon(self, reason: str) -> None:
        """Give away what was read of messages whose rest will not come, and forget the beginning of a header."""
        carry, self._carry = self._carry, None
        message, left = self._message, self._left
        self._frame = self._message = None
        self._left = 0
        if message is not self._fragments:
            self._end_fragments(reason)
        self._fragments = None
        if message is not None:
            if reason:
                seen = message.wire_size - left
                message.note(f"{seen} of {message.wire_size} bytes of its payload were seen: {reason}")
            self._finish(message, whole=False)
        elif carry is not None and self._trusted:
            self._unread(carry, 0, len(carry), f"a frame header is cut short: {reason}")

    def _end_fragments(self, reason: str, *, broken: bool = False) -> None:
        """Give away a message whose last fragment will not come."""
        message, self._fragments = self._fragments, None
        if message is not None:
            why = f": {reason}" if reason else ""
            message.note(f"its last fragment was not seen{why}", broken=broken)
            self._finish(message, whole=False)

    def _lose(self, header: FrameHeader, fault: str, source: Source, position: int) -> None:
        """Give a header away that cannot be one, and look for the next frame at the beginning of a packet."""
        self._end_fragments("what follows is no frame")
        if self._trusted:
            self._unread(source, position, position + header.size, fault, broken=True)
        self._inflater.forget()
        self.lost = True

    def _unread(self, source: Source, start: int, stop: int, reason: str, *, broken: bool = False) -> None:
        message = Message(UNREAD, masked=self._masked, payload=source.data[start:stop], size=stop - start)
        message.span, message.wire_size = span_of(source, start, stop), stop - start
        message.note(reason, broken=broken)
        self._finished(message)

    def _find(self, source: Source, position: int) -> int:
        """Give the beginning of the next packet, from `position` on, where frames begin; -1 without one."""
        if isinstance(source, StreamBuffer):
            return -1
        for index in range(bisect_left(source.starts, position), len(source.starts)):
            start = source.starts[index]
            if weigh(source.data, start, masked=self._masked) >= ENOUGH:
                self.lost = False
                return start
        return -1
