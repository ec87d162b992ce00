"""AMQP 0-9-1: methods with their answers and contents as entries.

An entry's request is what the client sent, its response what the broker sent, whoever of them began.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from kubeshark_mcp.dissect.amqp_reading import MethodReading, Readings
from kubeshark_mcp.dissect.base import Context
from kubeshark_mcp.dissect.buffer import join
from kubeshark_mcp.dissect.pairing import WAITING
from kubeshark_mcp.dissect.wire_amqp import Arguments
from kubeshark_mcp.dissect.wire_amqp_methods import ASKED_BY
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Direction, Span

MISSING = "bytes of the connection are missing, the answer may be among them"
ADRIFT = "bytes before it are missing, the answer may be that to another method"
UNFINISHED = "the next method comes before the end of the content"
CONTENTS = 4096
"""Contents of one connection that may be unfinished at once: one for each channel and direction."""
SEARCHED = 64
"""Kinds of waiting methods among which the one that ended a connection is looked for."""
CONSUMERS = 4096
"""Consumers of one connection whose queue is remembered."""

_CLIENT = Direction.CLIENT

_Key = tuple[int, Direction, int, int]
"""Channel, who sent it, class and number of a method."""


@dataclass(slots=True)
class _Content:
    """A method whose content is on its way. size: of the body, -1 before its header. received: bytes of the body.

    first, last: spans of its first frame and of the last so far. length: bytes of all frames so far. entry: where it
    goes. pieces, kept: what is kept of the body, and how many bytes that is.
    """

    entry: Entry
    first: Span
    last: Span
    length: int
    size: int = -1
    received: int = 0
    kept: int = 0
    pieces: list[bytes] = field(default_factory=list)
    malformed: str = ""


class AmqpPairing:
    """Makes entries of frames."""

    def __init__(self, context: Context, readings: Readings) -> None:
        self._context = context
        self._readings = readings
        self._limit = context.settings.body_limit
        self._waiting: dict[_Key, deque[Entry]] = {}
        self._count = 0
        self._contents: dict[tuple[Direction, int], _Content] = {}
        self._consumers: dict[tuple[int, str], str] = {}
        self._adrift = [False, False]
        self._header: Entry | None = None

    def header(self, direction: Direction, version: str, span: Span) -> None:
        """Take a protocol header: what the client wants to speak, or what the server would rather speak."""
        if direction is _CLIENT or self._header is None:
            self._flush_header()
            self._header = self._entry(f"AMQP {version}")
            self._header.fields |= {"amqp_method": "Protocol-Header", "amqp_version": version, "amqp_sender": "client"}
        entry = self._header
        _place(entry, direction, span, span.length)
        if direction is Direction.SERVER:
            entry.status = version
            entry.failed = version != entry.fields["amqp_version"]
            self._flush_header()

    def method(self, direction: Direction, channel: int, payload: bytes, span: Span, cut: str = "") -> None:
        """Take a method frame. cut: why the payload is not all of it."""
        if self._header is not None:
            self._header.status = "OK" if direction is Direction.SERVER else ""
            self._flush_header()
        self._interrupt(direction, channel)
        reading = self._readings.method(payload)
        if reading is None:
            entry = self._entry(f"method {payload[:4].hex()}")
            entry.malformed = cut or "the method is unknown"
            _place(entry, direction, span, span.length)
            self._context.emit(entry)
            return
        method = reading.method
        if method.reply:
            entry = self._answered(direction, channel, reading)
        else:
            entry = self._begun(direction, channel, reading)
        entry.malformed = entry.malformed or cut or reading.malformed
        if method.content:
            self._open_content(direction, channel, _Content(entry, span, span, span.length))
            return
        _place(entry, direction, span, span.length)
        if method.replies and not reading.arguments.get("no_wait"):
            self._wait((channel, direction, *reading.number), entry)
        else:
            self._context.emit(entry)

    def content_header(self, direction: Direction, channel: int, payload: bytes, span: Span, cut: str = "") -> None:
        """Take the header of a content. cut: why the payload is not all of it."""
        content = self._contents.get((direction, channel))
        if content is None or content.size >= 0:
            self._interrupt(direction, channel)
            entry = self._entry("content without its method")
            entry.fields["amqp_channel"], entry.malformed = channel, "the method of this content was not seen"
            content = _Content(entry, span, span, 0)
            self._open_content(direction, channel, content)
        reading = self._readings.content(payload)
        content.last, content.size = span, reading.size
        content.length += span.length
        content.malformed = cut or reading.malformed
        content.entry.fields.update(reading.fields)
        if content.size == 0 or cut:
            self._close_content(direction, channel)

    def body(self, direction: Direction, channel: int, data: bytes, start: int, stop: int, span: Span) -> None:
        """Take a piece data[start:stop] of a content's body."""
        content = self._contents.get((direction, channel))
        if content is None or content.size < 0:
            return
        content.last = span
        content.length += span.length
        content.received += span.length - 8
        room = self._limit - content.kept
        if room > 0:
            piece = data[start : min(stop, start + room)]
            content.pieces.append(piece)
            content.kept += len(piece)
        if content.received >= content.size:
            self._close_content(direction, channel)

    def unread(self, direction: Direction, data: bytes, span: Span, why: str) -> None:
        """Emit bytes that are no frame."""
        entry = self._entry("unreadable")
        entry.malformed = why
        _place(entry, direction, span, span.length)
        if direction is _CLIENT:
            entry.request_body = data[: self._limit]
        else:
            entry.response_body = data[: self._limit]
        self._context.emit(entry)

    def lose(self, direction: Direction) -> None:
        """Hear that bytes of one direction are missing: contents and answers may have been among them."""
        for place in [place for place in self._contents if place[0] is direction]:
            self._interrupt(*place, why="bytes are missing before the end of the content")
        self._flush_waiting(direction.other, MISSING)
        self._adrift[direction] = True

    def flush(self) -> None:
        """Emit what waits: nothing more comes."""
        self._flush_header()
        for place in list(self._contents):
            self._interrupt(*place, why="the connection or capture ends before the content does")
        for direction in Direction:
            self._flush_waiting(direction, "")

    def _begun(self, direction: Direction, channel: int, reading: MethodReading) -> Entry:
        """Make the entry of a method that is no answer, or whose question was not seen."""
        fields = reading.fields.copy()
        fields["amqp_channel"] = channel
        fields["amqp_sender"] = "client" if direction is _CLIENT else "server"
        entry = Entry("amqp", self._context.connection, None, None, fields, reading.summary)
        if reading.status and not (reading.by_broker and direction is _CLIENT):
            entry.status, entry.failed = reading.status, reading.failed
        if self._consumers and reading.method.name == "Basic.Deliver":
            queue = self._consumers.get((channel, fields.get("amqp_consumer_tag", "")))
            if queue is not None:
                fields["amqp_queue"] = queue
        if reading.arguments.get("class_id"):
            self._refuse(direction.other, channel, reading.arguments, entry)
        return entry

    def _wait(self, key: _Key, entry: Entry) -> None:
        """Let a method wait for its answer."""
        if self._adrift[key[1]]:
            entry.malformed = entry.malformed or ADRIFT
        self._waiting.setdefault(key, deque()).append(entry)
        self._count += 1
        if self._count > WAITING and (oldest := self._take(next(iter(self._waiting)))) is not None:
            self._context.emit(oldest)

    def _take(self, key: _Key) -> Entry | None:
        """Take the oldest of the methods of a kind that wait; None when none does."""
        queue = self._waiting.get(key)
        if queue is None:
            return None
        entry = queue.popleft()
        self._count -= 1
        if not queue:
            del self._waiting[key]
        return entry

    def _answered(self, direction: Direction, channel: int, reading: MethodReading) -> Entry:
        """Give the entry of the method that this one answers, or one of its own."""
        number, name = reading.number
        entry = self._take((channel, direction.other, number, ASKED_BY[number, name]))
        if not self._count:
            self._adrift[direction.other] = False
        if entry is None:
            entry = self._begun(direction, channel, reading)
        fields = entry.fields
        for argument, value in reading.fields.items():
            if not fields.get(argument) and argument != "amqp_total_size":
                fields[argument] = value
        if reading.method.name == "Queue.Declare-Ok" and entry.summary == "Queue.Declare":
            entry.summary = fields["amqp_summary"] = f"Queue.Declare {fields.get('amqp_queue', '')}".rstrip()
        elif reading.method.name == "Basic.Consume-Ok" and len(self._consumers) < CONSUMERS:
            self._consumers[channel, fields.get("amqp_consumer_tag", "")] = fields.get("amqp_queue", "")
        if not entry.status:
            entry.status = "EMPTY" if reading.method.name == "Basic.Get-Empty" else "OK"
        return entry

    def _refuse(self, asker: Direction, channel: int, arguments: Arguments, close: Entry) -> None:
        """Tell the method that made the other side close its channel (or, on channel 0, the connection)."""
        culprit = asker, int(arguments["class_id"]), int(arguments.get("method_id", -1))
        places = ((channel, *culprit),) if channel else islice(self._waiting, SEARCHED)
        for key in places:
            entry = self._take(key) if key[1:] == culprit else None
            if entry is not None:
                entry.status, entry.failed = close.status, close.failed
                entry.fields |= {name: close.fields[name] for name in ("amqp_reply_code", "amqp_reply_text")}
                self._context.emit(entry)
                return

    def _open_content(self, direction: Direction, channel: int, content: _Content) -> None:
        self._contents[direction, channel] = content
        if len(self._contents) > CONTENTS:
            self._interrupt(*next(iter(self._contents)))

    def _interrupt(self, direction: Direction, channel: int, why: str = UNFINISHED) -> None:
        """Emit a content that will not be finished."""
        content = self._contents.get((direction, channel))
        if content is not None:
            content.malformed = content.malformed or why
            self._close_content(direction, channel)

    def _close_content(self, direction: Direction, channel: int) -> None:
        content = self._contents.pop((direction, channel))
        entry, body = content.entry, b"".join(content.pieces)
        span = content.first if content.last is content.first else join(content.first, content.last)
        _place(entry, direction, span, content.length)
        if direction is _CLIENT:
            entry.request_body = body
        else:
            entry.response_body = body
        entry.malformed = entry.malformed or content.malformed
        self._context.emit(entry)

    def _flush_waiting(self, asker: Direction, why: str) -> None:
        """Emit the methods of one side that wait for an answer."""
        for key in [key for key in self._waiting if key[1] is asker]:
            for entry in self._waiting.pop(key):
                entry.malformed = entry.malformed or why
                self._count -= 1
                self._context.emit(entry)

    def _flush_header(self) -> None:
        if self._header is not None:
            self._context.emit(self._header)
            self._header = None

    def _entry(self, summary: str) -> Entry:
        fields: dict[str, Any] = {"amqp": True, "amqp_summary": summary, "amqp_total_size": 0}
        return Entry("amqp", self._context.connection, None, None, fields, summary)


def _place(entry: Entry, direction: Direction, span: Span, length: int) -> None:
    """Put what one side sent in its half of an entry."""
    fields = entry.fields
    if direction is _CLIENT:
        entry.request, fields["amqp_request"], fields["amqp_request_length"] = span, True, length
    else:
        entry.response, fields["amqp_response"], fields["amqp_response_length"] = span, True, length
    fields["amqp_total_size"] += length
