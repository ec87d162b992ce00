"""WebSocket (RFC 6455; over HTTP/2 RFC 8441) with permessage-deflate (RFC 7692): one entry for each message."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from kubeshark_mcp.dissect.base import Confidence, Context, Dissector, HandOver, Opening, Protocol
from kubeshark_mcp.dissect.wire_ws import (
    CLOSE,
    CLOSE_CODES,
    CONTROL_LIMIT,
    OPCODES,
    TEXT,
    Deflate,
    may_be_sent,
    read_extensions,
    weigh,
)
from kubeshark_mcp.dissect.ws_reader import UNREAD, FrameReader, Message
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.field import Field, FieldType
from kubeshark_mcp.model.stream import Closing, Direction, Piece

LIKELY, SURE = 4, 6
"""What has to speak for frames before they are taken for such (see `weigh`)."""
ENDED_WELL = frozenset({1000, 1001})
"""Close codes of connections that ended because they were done."""

_NOT_FRAMES = frozenset(b"GH")
"""First bytes of `GET` and `HTTP/`: as frames they would have a reserved opcode."""
_KIND = re.compile(rb'"(?:type|event|action|op|method|command|cmd|msg|topic|channel)"\s*:\s*"([\w.:/-]{1,40})"')
_KIND_WITHIN = 160
_NAMES = {**OPCODES, UNREAD: "unreadable frame"}

_BOOL, _INT, _STRING = FieldType.BOOL, FieldType.INT, FieldType.STRING
_FIELDS = tuple(
    Field(name, kind, meaning, example, "WebSocket", aliases)
    for name, kind, meaning, example, aliases in (
        ("ws", _BOOL, "a WebSocket message", "ws", ("websocket",)),
        (
            "ws_opcode",
            _STRING,
            "kind of the message: text, binary, close, ping, pong; continuation where its beginning is missing",
            'ws_opcode == "text"',
            ("websocket.opcode",),
        ),
        ("ws_request", _BOOL, "sent by the client", "ws_request", ()),
        ("ws_response", _BOOL, "sent by the server", "ws_response", ()),
        (
            "ws_request_payload_data",
            _STRING,
            "text of the client's message, its beginning where it is long",
            'ws_request_payload_data.contains("subscribe")',
            ("websocket.payload", "ws_payload"),
        ),
        (
            "ws_response_payload_data",
            _STRING,
            "text of the server's message, its beginning where it is long",
            'ws_response_payload_data.contains("error")',
            (),
        ),
        (
            "ws_request_payload_length",
            _INT,
            "bytes of the client's message, decompressed",
            "ws_request_payload_length > 1024",
            ("websocket.payload_length",),
        ),
        (
            "ws_response_payload_length",
            _INT,
            "bytes of the server's message, decompressed",
            "ws_response_payload_length > 1024",
            (),
        ),
        ("ws_payload_cut", _BOOL, "only the beginning of the message was kept", "ws_payload_cut", ()),
        ("ws_compressed", _BOOL, "sent compressed (permessage-deflate)", "ws_compressed", ()),
        ("ws_wire_length", _INT, "bytes of payload as sent, where that was compressed", "ws_wire_length > 1048576", ()),
        ("ws_fragments", _INT, "frames that a fragmented message was sent in", "ws_fragments > 1", ()),
        (
            "ws_masked",
            _BOOL,
            "the payload was masked, as that of a client has to be",
            "ws && ws_request && !ws_masked",
            (),
        ),
        (
            "ws_close_code",
            _INT,
            "why the connection is closed: 1000 normal, 1001 going away, 1011 internal error; 4000 and up its own",
            "ws_close_code >= 1002",
            ("websocket.status_code",),
        ),
        ("ws_close_reason", _STRING, "why the connection is closed, in words", 'ws_close_reason != ""', ()),
        ("ws_path", _STRING, "path that the handshake asked for", 'ws_path == "/graphql"', ()),
        (
            "ws_subprotocol",
            _STRING,
            "subprotocol that the server chose in the handshake",
            'ws_subprotocol == "graphql-transport-ws"',
            ("sec-websocket-protocol",),
        ),
        ("http2_stream", _INT, "the HTTP/2 stream that carried it (RFC 8441)", "ws && http2_stream > 0", ()),
    )
)


class WebSocketDissector(Dissector):
    """Reads both directions of one connection. handshake: the HTTP entry that opened it, where that was seen."""

    def __init__(self, context: Context, handshake: Entry | None = None, *, handed_over: bool = False) -> None:
        super().__init__(context)
        self._common = _common_fields(handshake)
        self._label = f" {self._common['ws_path']}" if "ws_path" in self._common else ""
        deflate = _agreed(handshake)
        settings = context.settings
        self._readers = (
            FrameReader(Direction.CLIENT, settings, deflate, self._client_message, trusted=handed_over),
            FrameReader(Direction.SERVER, settings, deflate, self._server_message, trusted=handed_over),
        )
        self._begun = handed_over

    def on_piece(self, piece: Piece) -> None:
        """Take bytes of one side. What was declared WebSocket and begins with its handshake goes to HTTP first."""
        if not self._begun:
            self._begun = True
            if piece.data[0] in _NOT_FRAMES:
                self.hand_over = HandOver("http", [piece])
                return
        self._readers[piece.direction].feed(piece)

    def on_gap(self, direction: Direction, length: int) -> None:
        """Go on inside a payload; else look for the next frame at the beginning of a packet."""
        self._readers[direction].gap(length)

    def on_close(self, closing: Closing) -> None:
        """Emit messages that never ended."""
        for reader in self._readers:
            reader.close(closing.how)

    def _client_message(self, message: Message) -> None:
        fields = {
            **self._common,
            "ws_request": True,
            "ws_request_payload_length": message.size,
        }
        summary = f"client {_NAMES[message.opcode]}{self._label}"
        entry = Entry("ws", self.context.connection, message.span, None, fields, summary, request_body=message.payload)
        self._emit(entry, message, "ws_request_payload_data")

    def _server_message(self, message: Message) -> None:
        fields = {
            **self._common,
            "ws_response": True,
            "ws_response_payload_length": message.size,
        }
        summary = f"server {_NAMES[message.opcode]}{self._label}"
        entry = Entry("ws", self.context.connection, None, message.span, fields, summary, response_body=message.payload)
        self._emit(entry, message, "ws_response_payload_data")

    def _emit(self, entry: Entry, message: Message, data_field: str) -> None:
        fields, opcode = entry.fields, message.opcode
        if opcode != UNREAD:
            fields["ws_opcode"] = _NAMES[opcode]
        if message.masked:
            fields["ws_masked"] = True
        if message.frames > 1:
            fields["ws_fragments"] = message.frames
        if message.compressed:
            fields["ws_compressed"], fields["ws_wire_length"] = True, message.wire_size
        if message.size > len(message.payload):
            fields["ws_payload_cut"] = True
        if opcode == TEXT:
            fields[data_field] = _text(message)
            entry.summary += f"{_kind(message.payload)}, {message.size} bytes"
        elif opcode < CLOSE:
            entry.summary += f", {message.size} bytes"
        elif opcode == CLOSE:
            _close(entry, message)
        if message.malformed and message.span is not None:
            entry.malformed = f"{message.malformed} (stream offset {message.span.offset})"
            entry.failed = entry.failed or message.broken
        self.context.emit(entry)


class WebSocket(Protocol):
    """WebSocket, after an HTTP upgrade or found in the middle of a connection."""

    name: ClassVar[str] = "ws"
    title: ClassVar[str] = "WebSocket"
    aliases: ClassVar[frozenset[str]] = frozenset({"websocket"})
    specification: ClassVar[str] = "RFC 6455"
    ports: ClassVar[frozenset[int]] = frozenset({80, 443, 3000, 8000, 8080, 8443})
    fields: ClassVar[tuple[Field, ...]] = _FIELDS

    def probe(self, opening: Opening) -> Confidence:
        """Walk along the frames: masked ones from the client, others from the server, text that is text.

        Nobody begins with frames: where the first bytes of a connection are seen, a weak likeness is a coincidence.
        """
        points = 0
        for data, masked in ((opening.client, True), (opening.server, False)):
            found = weigh(data, 0, masked=masked)
            if found < 0:
                return Confidence.NO
            points += found
        if points >= LIKELY:
            return Confidence.SURE if points >= SURE else Confidence.LIKELY
        if not opening.complete:
            return Confidence.UNDECIDED
        begins = (opening.client and opening.client_start) or (opening.server and opening.server_start)
        return Confidence.POSSIBLE if points >= LIKELY // 2 and not begins else Confidence.NO

    def open(self, context: Context) -> Dissector:
        """Begin to read a connection whose handshake was not seen."""
        return WebSocketDissector(context)

    def adopt(self, context: Context, hand_over: HandOver) -> Dissector:
        """Begin to read behind a handshake."""
        return WebSocketDissector(context, hand_over.request, handed_over=True)


def _header(handshake: Entry, name: str) -> str:
    headers = handshake.fields.get("response.headers", {})
    return str(headers.get(name, ""))


def _agreed(handshake: Entry | None) -> Deflate:
    if handshake is None or "response.headers" not in handshake.fields:
        return Deflate()
    return read_extensions(_header(handshake, "sec-websocket-extensions"))


def _common_fields(handshake: Entry | None) -> dict[str, Any]:
    """Give what the handshake says about every message."""
    found: dict[str, Any] = {}
    if handshake is not None:
        if path := handshake.fields.get("path"):
            found["ws_path"] = path
        if stream := handshake.fields.get("http2_stream"):
            found["http2_stream"] = stream
        if subprotocol := _header(handshake, "sec-websocket-protocol"):
            found["ws_subprotocol"] = subprotocol
    return found


def _kind(payload: bytes) -> str:
    """Give what a JSON message calls itself, with a space before it; empty where it does not."""
    found = _KIND.search(payload, 0, _KIND_WITHIN) if payload.startswith(b"{") else None
    return f" {found[1].decode('ascii', 'replace')}" if found is not None else ""


def _text(message: Message) -> str:
    """Decode a text; of one that was cut, a last character that is not whole is left out."""
    data = message.payload
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        cut = message.size > len(data) or message.malformed
        if cut and error.end == len(data) and len(data) - error.start < 4:
            return data[: error.start].decode()
        if not message.malformed:
            message.note(f"the text is no UTF-8 at payload offset {error.start}", broken=True)
        return data.decode("utf-8", "replace")


def _close(entry: Entry, message: Message) -> None:
    """Read the status code and the reason of a close frame (RFC 6455 section 5.5.1)."""
    data = message.payload
    if message.size == 1:
        message.note("a close frame has one byte, which is no status code", broken=True)
    if len(data) < 2:
        return
    code = int.from_bytes(data[:2], "big")
    entry.fields["ws_close_code"], entry.status = code, str(code)
    entry.failed = code not in ENDED_WELL
    words = [str(code)] + ([CLOSE_CODES[code]] if code in CLOSE_CODES else [])
    entry.summary += " " + " ".join(words)
    if not may_be_sent(code):
        message.note(f"the status code {code} is not for use in a close frame", broken=True)
    try:
        reason = data[2:].decode()
    except UnicodeDecodeError:
        reason = data[2:].decode("utf-8", "replace")
        message.note("the reason is no UTF-8", broken=True)
    if reason:
        entry.fields["ws_close_reason"] = reason
        entry.summary += f": {reason[:CONTROL_LIMIT]}"
