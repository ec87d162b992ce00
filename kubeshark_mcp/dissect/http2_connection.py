"""One HTTP/2 connection: header blocks in order, streams in any order (RFC 9113)."""

from __future__ import annotations

from kubeshark_mcp.dissect.base import Context, Dissector
from kubeshark_mcp.dissect.buffer import Source, span_of
from kubeshark_mcp.dissect.http2_entry import Targets, make_entry
from kubeshark_mcp.dissect.http2_frames import HELD_LIMIT, Frame, FrameReader, Listener
from kubeshark_mcp.dissect.http2_streams import (
    BODY_ROOM,
    HEADER_ROOM,
    OPEN_LIMIT,
    RESET_LIMIT,
    ClosedStreams,
    Half,
    Stream,
)
from kubeshark_mcp.dissect.http2_tunnels import opened_tunnel
from kubeshark_mcp.dissect.http_head import text
from kubeshark_mcp.dissect.http_message import ENDINGS
from kubeshark_mcp.dissect.wire_grpc import counter_for, is_grpc
from kubeshark_mcp.dissect.wire_hpack import LIST_LIMIT, HeaderDecoder, HeaderSection, HuffmanStrings
from kubeshark_mcp.dissect.wire_http2 import (
    CONTINUATION,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PADDED,
    PRIORITY_FIELDS,
    PUSH_PROMISE,
    RST_STREAM,
    STREAM_MASK,
    error_name,
    frame_name,
)
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Closing, Direction, Piece, Span

FAULTS = 16
"""Frames of one connection, not of any open stream, whose faults become entries of their own."""
DEBUG_LIMIT = 1024
"""Octets of the debug data of GOAWAY that are shown."""

_CLIENT = Direction.CLIENT


class _Block:
    """A header block on its way: its first frame, and the fragments so far."""

    __slots__ = ("flags", "fragments", "kind", "promised", "size", "stream")

    def __init__(self, frame: Frame, fragment: bytes, promised: int) -> None:
        self.kind, self.flags, self.stream, self.promised = frame.kind, frame.flags, frame.stream, promised
        self.fragments, self.size = [fragment], len(fragment)


class _Side:
    """What one end of the connection has sent so far."""

    __slots__ = ("block", "decoder", "lost", "reader")

    def __init__(self, reader: FrameReader, decoder: HeaderDecoder) -> None:
        self.reader, self.decoder = reader, decoder
        self.block: _Block | None = None
        self.lost = 0


class Http2Dissector(Dissector, Listener):
    """Reads one connection; a stream becomes an entry when both sides have ended it, or one has reset it."""

    def __init__(
        self, context: Context, strings: HuffmanStrings, targets: Targets, *, synced: bool, upgrade: Entry | None = None
    ) -> None:
        super().__init__(context)
        self._targets = targets
        self._sides = tuple(
            _Side(FrameReader(direction, self, synced=synced), HeaderDecoder(strings, certain=synced))
            for direction in Direction
        )
        self._streams: dict[int, Stream] = {}
        self._given_up: dict[int, None] = {}
        self._closed = ClosedStreams()
        self._room, self._header_room = BODY_ROOM, HEADER_ROOM
        self._faults = 0
        if upgrade is not None:
            stream = self._streams[1] = Stream(1, (0, 0))
            stream.upgrade, stream.request.ended = upgrade, True

    def on_piece(self, piece: Piece) -> None:
        """Take bytes of either side."""
        self._sides[piece.direction].reader.feed(piece)

    def on_gap(self, direction: Direction, length: int) -> None:
        """Hear that bytes are missing."""
        self._sides[direction].reader.gap(length)

    def on_close(self, closing: Closing) -> None:
        """Finish what is still open."""
        ending = ENDINGS.get(closing.how, closing.how)
        for side in self._sides:
            side.reader.close()
        for side in self._sides:
            if side.block is not None:
                self._note(side.block.stream, f"the header section is cut short: {ending}")
        for stream in list(self._streams.values()):
            for half, name in ((stream.request, "request"), (stream.response, "response")):
                if half.seen and not half.ended and stream.reset < 0:
                    stream.notes.append(f"the end of the {name} is missing: {ending}")
            self._finish(stream)

    def frame(self, direction: Direction, frame: Frame) -> None:
        """Take a whole frame that is not DATA."""
        side = self._sides[direction]
        kind = frame.kind
        if side.block is not None and (kind != CONTINUATION or frame.stream != side.block.stream):
            self._drop_block(side, f"a {frame_name(kind)} frame interrupts the header section")
        if kind == CONTINUATION:
            self._continue(direction, frame)
        elif kind == RST_STREAM:
            self._reset(direction, frame)
        elif kind == GOAWAY:
            self._go_away(direction, frame)
        else:
            self._open_block(direction, frame)

    def data(
        self, direction: Direction, stream: int, source: Source, where: tuple[int, int, int, int], end: bool
    ) -> None:
        """Take part of a DATA frame."""
        start, begin, stop, after = where
        found = self._streams.get(stream) or self._new(stream)
        if found is None:
            return
        half = found.half(direction)
        half.mark(source, start, after)
        if stop > begin:
            limit = self.context.settings.body_limit if self._room > 0 and found.tunnel is None else 0
            self._room -= half.add(source.data, begin, stop, limit)
            if found.tunnel is not None:
                found.tunnel.add(direction, source, begin, stop)
        if end:
            self._end(found, half)

    def data_missing(self, direction: Direction, stream: int, length: int, end: bool) -> None:
        """Hear that content is missing; the stream is known, because the frame began."""
        found = self._streams.get(stream)
        if found is None:
            return
        half = found.half(direction)
        if length:
            half.miss(length)
            if found.tunnel is not None:
                found.tunnel.miss(direction, length)
        if end:
            self._end(found, half)

    def fault(self, direction: Direction, kind: int, stream: int, reason: str, header: Span) -> None:
        """Hear of a frame that cannot be read; one of no open stream becomes an entry of its own."""
        side = self._sides[direction]
        if kind in {HEADERS, PUSH_PROMISE, CONTINUATION}:
            side.decoder.forget()
            side.block = None
        if stream in self._streams:
            self._note(stream, reason)
        elif self._faults < FAULTS:
            self._faults += 1
            entry = self._lone(direction, header)
            entry.summary, entry.malformed = f"{frame_name(kind)} frame", reason
            self.context.emit(entry)

    def lost(self, direction: Direction, length: int) -> None:
        """Hear that frames are missing: what is open now is perhaps not whole, and tables cannot be counted."""
        side = self._sides[direction]
        side.lost += length
        side.block = None
        side.decoder.forget()

    def _note(self, number: int, reason: str) -> None:
        stream = self._streams.get(number)
        if stream is not None and reason not in stream.notes and len(stream.notes) < FAULTS:
            stream.notes.append(reason)

    def _new(self, number: int) -> Stream | None:
        """Give a new stream, unless it is one that has closed."""
        if number in self._closed:
            return None
        while self._streams and (len(self._streams) >= OPEN_LIMIT or self._header_room < 0):
            oldest = next(iter(self._streams.values()))
            oldest.notes.append("its end was not waited for: too many streams are open")
            self._finish(oldest)
        stream = self._streams[number] = Stream(number, (self._sides[0].lost, self._sides[1].lost))
        return stream

    def _open_block(self, direction: Direction, frame: Frame) -> None:
        """Begin a header block with HEADERS or PUSH_PROMISE (sections 6.2 and 6.6)."""
        fragment, promised = _fragment(frame)
        side = self._sides[direction]
        if fragment is None:
            side.decoder.forget()
            self._note(frame.stream, f"a {frame_name(frame.kind)} frame is shorter than its padding")
            return
        number = promised if frame.kind == PUSH_PROMISE else frame.stream
        stream = self._streams.get(number) or self._new(number)
        if stream is not None:
            half = stream.request if promised else stream.half(direction)
            half.mark(frame.source, frame.start, frame.end)
        if frame.flags & END_HEADERS or frame.missing:
            if frame.missing:
                self._note_missing(side, number, frame.missing)
            self._take(direction, frame.kind, frame.flags, number, fragment)
        else:
            side.block = _Block(frame, fragment, promised)

    def _continue(self, direction: Direction, frame: Frame) -> None:
        side = self._sides[direction]
        block = side.block
        if block is None:
            side.decoder.forget()
            self._note(frame.stream, "a CONTINUATION frame without a header section before it")
            return
        number = block.promised or block.stream
        if stream := self._streams.get(number):
            half = stream.request if block.promised else stream.half(direction)
            half.mark(frame.source, frame.start, frame.end)
        block.size += len(frame.payload)
        if block.size > HELD_LIMIT:
            self._drop_block(side, f"the header section is longer than {HELD_LIMIT} octets")
            return
        if frame.payload:
            block.fragments.append(frame.payload)
        if frame.flags & END_HEADERS or frame.missing:
            side.block = None
            if frame.missing:
                self._note_missing(side, number, frame.missing)
            self._take(direction, block.kind, block.flags, number, b"".join(block.fragments))

    def _note_missing(self, side: _Side, number: int, missing: int) -> None:
        """Say that part of a header section is missing; later ones may refer to what stood there."""
        side.decoder.broken_off()
        self._note(number, f"{missing} bytes missing in the header section")

    def _drop_block(self, side: _Side, reason: str) -> None:
        block, side.block = side.block, None
        side.decoder.forget()
        if block is not None:
            self._note(block.promised or block.stream, reason)

    def _take(self, direction: Direction, kind: int, flags: int, number: int, data: bytes) -> None:
        """Decode a whole header block, also that of a closed stream, and give it to its stream."""
        section = self._sides[direction].decoder.decode(data)
        stream = self._streams.get(number)
        if stream is None:
            return
        held = min(section.size, LIST_LIMIT)
        stream.held += held
        self._header_room -= held
        if kind == PUSH_PROMISE:
            stream.pushed = True
            stream.request.section, stream.request.ended = section, True
            return
        half = stream.half(direction)
        if _is_trailers(half, section, flags):
            half.trailers = section
            stream.grpc = stream.grpc or "grpc-status" in section.headers
        elif section.headers.get(":status", "").startswith("1") and not half.answered:
            half.section = None
            half.unmark()
        else:
            self._begin(stream, half, section)
        if flags & END_STREAM:
            self._end(stream, half)

    def _begin(self, stream: Stream, half: Half, section: HeaderSection) -> None:
        if half.answered or (half.section is not None and half is stream.request):
            self._note(stream.number, "a second header section on the stream")
            return
        half.section = section
        if half is stream.response:
            stream.tunnel = opened_tunnel(self.context, stream.number, stream.request.section, section)
        if is_grpc(section.headers):
            stream.grpc = True
            if not half.body_size:
                half.messages = counter_for(section.headers)

    def _end(self, stream: Stream, half: Half) -> None:
        half.ended = True
        if stream.finished:
            self._finish(stream)

    def _reset(self, direction: Direction, frame: Frame) -> None:
        """One side gives a stream up (section 6.4). What the other had sent by then may still arrive."""
        stream = self._streams.get(frame.stream)
        if stream is None or (stream.reset >= 0 and stream.reset_by is direction):
            return
        if stream.reset >= 0:
            self._finish(stream)
            return
        half = stream.half(direction)
        if half.seen:
            half.mark(frame.source, frame.start, frame.end)
        stream.reset, stream.reset_by = int.from_bytes(frame.payload[:4]), direction
        stream.reset_ns = span_of(frame.source, frame.start, frame.end).end_ns
        if direction is _CLIENT:
            stream.abandoned = not stream.response.seen
            stream.request.ended = True
        if stream.finished:
            self._finish(stream)
            return
        self._given_up[stream.number] = None
        if len(self._given_up) > RESET_LIMIT:
            self._finish(self._streams[next(iter(self._given_up))])

    def _go_away(self, direction: Direction, frame: Frame) -> None:
        """One side wants no further streams; those above its last one were not processed (section 6.8)."""
        last = int.from_bytes(frame.payload[:4]) & STREAM_MASK
        code = int.from_bytes(frame.payload[4:8])
        span = span_of(frame.source, frame.start, frame.end)
        initiated = direction is not _CLIENT
        unprocessed = [
            stream
            for number, stream in self._streams.items()
            if number > last and bool(number & 1) is initiated and not stream.half(direction).seen
        ]
        for stream in unprocessed:
            stream.reset, stream.reset_by, stream.reset_ns = code, direction, span.end_ns
            stream.goaway = True
            self._finish(stream)
        if code:
            self._emit_goaway(direction, code, text(frame.payload[8 : 8 + DEBUG_LIMIT]), span)

    def _lone(self, direction: Direction, span: Span) -> Entry:
        """Give an entry of a frame that belongs to no stream."""
        asked = direction is _CLIENT
        halves = (span, None) if asked else (None, span)
        return Entry("http2", self.context.connection, halves[0], halves[1], failed=True)

    def _emit_goaway(self, direction: Direction, code: int, debug: str, span: Span) -> None:
        entry = self._lone(direction, span)
        entry.status = name = error_name(code)
        entry.summary = f"GOAWAY {name}: {debug[:80]}" if debug else f"GOAWAY {name}"
        entry.fields = {"http2_error": name, "http2_reset_by": "client" if direction is _CLIENT else "server"}
        if debug:
            entry.fields["http2_debug_data"] = debug
        self.context.emit(entry)

    def _finish(self, stream: Stream) -> None:
        del self._streams[stream.number]
        if stream.tunnel is not None:
            stream.tunnel.end()
        self._given_up.pop(stream.number, None)
        self._closed.add(stream.number)
        self._room += stream.kept
        self._header_room += stream.held
        notes: list[str] = []
        if stream.losses != (self._sides[0].lost, self._sides[1].lost):
            for side, before, name in zip(self._sides, stream.losses, ("client", "server"), strict=True):
                if side.lost > before:
                    notes.append(f"{side.lost - before} bytes from the {name} are missing while the stream was open")
        if stream.request.seen or stream.response.seen or stream.upgrade is not None:
            self.context.emit(make_entry(stream, self.context.connection, self._targets, notes))


def _fragment(frame: Frame) -> tuple[bytes | None, int]:
    """Give the header block fragment of HEADERS or PUSH_PROMISE, and the promised stream; None when it does not fit."""
    payload = frame.payload
    if frame.kind == HEADERS and not frame.flags & (PADDED | PRIORITY_FIELDS):
        return payload, 0
    begin, end = 0, len(payload)
    if frame.flags & PADDED:
        begin, end = 1, end - (payload[0] if payload else 0)
    promised = 0
    if frame.kind == PUSH_PROMISE:
        promised = int.from_bytes(payload[begin : begin + 4]) & STREAM_MASK
        begin += 4
    elif frame.flags & PRIORITY_FIELDS:
        begin += 5
    if begin > end or (frame.kind == PUSH_PROMISE and not promised):
        return None, 0
    return (payload[begin:end] if begin or end < len(payload) else payload), promised


def _is_trailers(half: Half, section: HeaderSection, flags: int) -> bool:
    """Tell whether a header section ends a message: only a first one has pseudo-header fields (section 8.1).

    One that has perhaps such a field among unknown ones, and does not end the stream, follows an interim response.
    """
    headers = section.headers
    if ":method" in headers or ":status" in headers or (section.unknown and not flags & END_STREAM):
        return False
    if half.section is not None or half.body_size > 0:
        return True
    return bool(flags & END_STREAM) and (not section.unknown or "grpc-status" in headers or "grpc-message" in headers)
