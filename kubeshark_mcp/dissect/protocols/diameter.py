"""Diameter over TCP and SCTP: requests and answers of peers, by hop-by-hop identifier.

RFC 6733; 8506 (credit control), 4072 (EAP), 7155 (network access); 3GPP TS 29.229, 29.272, 29.212, 29.329.
"""

from __future__ import annotations

from typing import ClassVar

from kubeshark_mcp.dissect.base import Confidence, Context, Dissector, Opening, Protocol
from kubeshark_mcp.dissect.buffer import Source, StreamBuffer, piece_rest, span_of
from kubeshark_mcp.dissect.pairing import Transactions
from kubeshark_mcp.dissect.roles import Roles
from kubeshark_mcp.dissect.sctp_messages import Association
from kubeshark_mcp.dissect.wire_diameter import (
    ERROR,
    HEADER_LENGTH,
    PROXIABLE,
    RETRANSMITTED,
    Known,
    Message,
    begins_message,
    blanked,
    is_filled,
    is_known,
    message_length,
    parse_message,
)
from kubeshark_mcp.dissect.wire_sctp import parse_packet
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.field import Field, FieldType
from kubeshark_mcp.model.stream import Closing, Datagram, Direction, Piece, Span

LONGEST = 4 << 20
"""Bytes of the longest message that is believed; the length field could claim 16 MB."""

VENDOR_APPLICATIONS = 1 << 24
"""First application identifier of vendors (RFC 6733 section 11.3); below it the command's name says enough."""

RESUME_TRIES = 64
"""Places in one piece that are looked at for the beginning of a message behind bytes that were not read."""

_BOOL, _INT, _STRING, _MAP = FieldType.BOOL, FieldType.INT, FieldType.STRING, FieldType.STRING_MAP

_FIELDS = tuple(
    Field(name, kind, meaning, example, "Diameter")
    for name, kind, meaning, example in (
        ("diameter", _BOOL, "the entry is Diameter", "diameter"),
        ("diameter_method", _STRING, "command by name", 'diameter_method == "Credit-Control"'),
        ("diameter_summary", _STRING, "command in one line", 'diameter_summary.contains("Capabilities")'),
        ("diameter_request", _BOOL, "the request was seen", "diameter_request"),
        ("diameter_response", _BOOL, "the answer was seen", "diameter && !diameter_response"),
        ("diameter_request_length", _INT, "bytes of the request", "diameter_request_length > 1000"),
        ("diameter_response_length", _INT, "bytes of the answer", "diameter_response_length > 1000"),
        ("diameter_total_size", _INT, "bytes of request and answer", "diameter_total_size > 2000"),
        ("diameter_command_code", _INT, "command as a number", "diameter_command_code == 272"),
        ("diameter_application", _STRING, "application; 3GPP's by reference point", 'diameter_application == "Gx"'),
        ("diameter_application_id", _INT, "application as a number", "diameter_application_id == 16777238"),
        ("diameter_hop_by_hop", _INT, "identifier that request and answer share", "diameter_hop_by_hop == 305419896"),
        ("diameter_end_to_end", _INT, "identifier that stays the same through proxies", "diameter_end_to_end > 0"),
        ("diameter_session", _STRING, "Session-Id", 'diameter_session.startsWith("gx-")'),
        ("diameter_origin_host", _STRING, "who asked", 'diameter_origin_host == "mme.example.net"'),
        ("diameter_origin_realm", _STRING, "realm of who asked", 'diameter_origin_realm == "example.net"'),
        ("diameter_destination_host", _STRING, "who is asked", 'diameter_destination_host == "hss.example.net"'),
        ("diameter_destination_realm", _STRING, "realm that is asked", 'diameter_destination_realm == "example.net"'),
        ("diameter_answered_by", _STRING, "Origin-Host of the answer", 'diameter_answered_by == "hss.example.net"'),
        ("diameter_answered_by_realm", _STRING, "Origin-Realm of the answer", 'diameter_answered_by_realm != ""'),
        ("diameter_result_code", _INT, "result, experimental ones included", "diameter_result_code >= 3000"),
        ("diameter_result", _STRING, "result by name", 'diameter_result == "DIAMETER_TOO_BUSY"'),
        ("diameter_error", _BOOL, "the answer is a protocol error (flag E)", "diameter_error"),
        ("diameter_error_message", _STRING, "Error-Message of the answer", 'diameter_error_message != ""'),
        ("diameter_request_type", _STRING, "CC-Request-Type", 'diameter_request_type == "INITIAL_REQUEST"'),
        ("diameter_user", _STRING, "User-Name, else Subscription-Id-Data", 'diameter_user == "001010123456789"'),
        ("diameter_proxiable", _BOOL, "the request may be proxied (flag P)", "diameter_proxiable"),
        ("diameter_retransmission", _BOOL, "the request may be a repetition (flag T)", "diameter_retransmission"),
        (
            "diameter_request_avps",
            _MAP,
            "AVPs of the request by path of names; of secrets only their length",
            'map_get(diameter_request_avps, "Origin-State-Id", "") != ""',
        ),
        (
            "diameter_response_avps",
            _MAP,
            "AVPs of the answer by path of names; of secrets only their length",
            'map_get(diameter_response_avps, "Failed-AVP.Session-Id", "") != ""',
        ),
    )
)

_REQUEST_NAMED = (
    ("diameter_origin_host", "Origin-Host"),
    ("diameter_origin_realm", "Origin-Realm"),
    ("diameter_destination_host", "Destination-Host"),
    ("diameter_destination_realm", "Destination-Realm"),
)
_RESPONSE_NAMED = (
    ("diameter_answered_by", "Origin-Host"),
    ("diameter_answered_by_realm", "Origin-Realm"),
    ("diameter_error_message", "Error-Message"),
)
_NAMED = (
    ("diameter_session", "Session-Id"),
    ("diameter_request_type", "CC-Request-Type"),
    ("diameter_user", "User-Name"),
    ("diameter_user", "Subscription-Id.Subscription-Id-Data"),
)
"""Fields of their own for AVPs; the first that is there wins."""


class DiameterDissector(Dissector):
    """Takes messages out of both directions; either peer may ask."""

    def __init__(self, context: Context, known: Known) -> None:
        super().__init__(context)
        self._known = known
        self._roles = Roles(context.connection)
        self._buffers = (StreamBuffer(Direction.CLIENT), StreamBuffer(Direction.SERVER))
        lost = not context.connection.from_start and context.connection.transport == "tcp"
        self._lost = [lost, lost]
        self._waiting: Transactions[tuple[Direction, int, int], Entry] = Transactions()
        self._whole_pieces = context.connection.transport == "sctp"
        self._limit = min(LONGEST, context.settings.message_limit)
        self._association = Association(self._limit)
        self._offsets = [0, 0]

    def on_piece(self, piece: Piece) -> None:
        """Take the messages that end in this piece; over SCTP each piece is one user message."""
        direction, start = piece.direction, 0
        buffer = self._buffers[direction]
        if self._lost[direction]:
            start = 0 if _begins_surely(piece.data) else _find_message(piece.data, 0)
            if start < 0:
                return
            self._lost[direction] = False
        if len(buffer):
            buffer.append(piece)
            data = buffer.data
            start = self._read(direction, buffer, data, start)
            del data
            buffer.consume(start)
        else:
            start = self._read(direction, piece, piece.data, start)
            for rest in piece_rest(piece, start):
                buffer.append(rest)
        if self._whole_pieces:
            self._cut(direction, "the SCTP user message ends")

    def on_datagram(self, datagram: Datagram) -> None:
        """Take an SCTP packet, where a user said that its association is Diameter."""
        chunks = parse_packet(datagram.data).chunks
        for message in self._association.take(datagram, chunks, lambda payload: True)[0]:
            piece = message.piece(self._offsets[message.direction])
            self._offsets[message.direction] += len(piece.data)
            self.on_piece(piece)

    def on_gap(self, direction: Direction, length: int) -> None:
        """Keep what was read of a message, and look for the next one."""
        self._cut(direction, f"{length} bytes are missing behind them")
        self._lost[direction] = True

    def on_close(self, closing: Closing) -> None:
        """Keep what was read of the last messages, and emit what waits."""
        for direction in Direction:
            self._cut(direction, "the capture ends" if closing.how == "end" else "the connection ends")
        for entry in self._waiting.flush():
            self.context.emit(entry)

    def _read(self, direction: Direction, source: Source, data: bytes, start: int) -> int:
        """Read all whole messages; give where the first unfinished one begins."""
        end = len(data)
        while start < end:
            length = message_length(data, start) if end - start >= 4 else 0
            if not begins_message(data, start) or length > self._limit:
                start = self._lose(direction, source, data, start)
                continue
            if end - start < HEADER_LENGTH or start + length > end:
                break
            self._take(direction, data[start : start + length], span_of(source, start, start + length))
            start += length
        return start

    def _lose(self, direction: Direction, source: Source, data: bytes, start: int) -> int:
        """Say that these bytes are no Diameter; give where a message begins behind them, or the end."""
        found = _find_message(data, start + 1)
        stop = len(data) if found < 0 else found
        self._lost[direction] = found < 0
        span = span_of(source, start, stop)
        entry = self._roles.request("diameter", direction, span)
        entry.malformed = f"no Diameter message begins at byte {span.offset} of the stream"
        entry.summary = "Diameter"
        self.context.emit(entry)
        return stop

    def _cut(self, direction: Direction, why: str) -> None:
        """Take an unfinished message that stays so."""
        buffer = self._buffers[direction]
        if len(buffer):
            data = buffer.data
            span = buffer.span(0, len(data))
            self._take(direction, data, span, f"{len(data)} bytes of the message were seen: {why}")
        buffer.clear()

    def _take(self, direction: Direction, data: bytes, span: Span, cut: str = "") -> None:
        message = parse_message(data, self._known)
        message.malformed = cut or message.malformed
        body = blanked(data, message, self.context.settings.body_limit)
        if message.is_request or len(data) < HEADER_LENGTH:
            self._ask(direction, message, span, body)
        else:
            self._answer(direction, message, span, body)

    def _ask(self, direction: Direction, message: Message, span: Span, body: bytes) -> None:
        entry = self._roles.request("diameter", direction, span)
        _describe(entry, message)
        fields = entry.fields
        fields["diameter_request"] = True
        fields["diameter_request_length"] = fields["diameter_total_size"] = message.length or span.length
        fields["diameter_proxiable"] = bool(message.flags & PROXIABLE)
        fields["diameter_retransmission"] = bool(message.flags & RETRANSMITTED)
        fields["diameter_request_avps"] = message.avps
        _name_avps(entry, message, _REQUEST_NAMED)
        entry.request_body = body
        if message.malformed and message.length != span.length:
            self.context.emit(entry)
            return
        replaced = self._waiting.ask((direction, message.hop_by_hop, message.command), entry)
        if replaced is not None:
            self.context.emit(replaced)

    def _answer(self, direction: Direction, message: Message, span: Span, body: bytes) -> None:
        entry = self._waiting.answer((direction.other, message.hop_by_hop, message.command))
        if entry is None:
            entry = self._roles.response("diameter", direction, span)
            _describe(entry, message)
        else:
            entry.response = span
            entry.malformed = entry.malformed or message.malformed
            _name_avps(entry, message, _NAMED)
        fields, length = entry.fields, message.length or span.length
        fields["diameter_response"] = True
        fields["diameter_response_length"] = length
        fields["diameter_total_size"] = fields.get("diameter_request_length", 0) + length
        fields["diameter_response_avps"] = message.avps
        fields["diameter_error"] = bool(message.flags & ERROR)
        _name_avps(entry, message, _RESPONSE_NAMED)
        if message.result >= 0:
            fields["diameter_result_code"], fields["diameter_result"] = message.result, message.result_name
        entry.status = message.result_name
        entry.failed = bool(message.flags & ERROR) or message.result // 1000 not in (-1, 1, 2)
        entry.response_body = body
        self.context.emit(entry)


def _begins_surely(data: bytes) -> bool:
    """Tell whether a message begins here, its first AVP included; its command may be unknown."""
    return len(data) >= HEADER_LENGTH + 8 and begins_message(data)


def _find_message(data: bytes, start: int) -> int:
    """Give where a message of a registered command begins, from `start` on; -1 when none does."""
    at = data.find(b"\1", start)
    for _ in range(RESUME_TRIES):
        if at < 0 or len(data) - at < HEADER_LENGTH:
            return -1
        if begins_message(data, at) and is_known(data[at : at + HEADER_LENGTH]):
            return at
        at = data.find(b"\1", at + 1)
    return -1


def _describe(entry: Entry, message: Message) -> None:
    fields = entry.fields
    fields["diameter_method"] = message.name
    fields["diameter_command_code"] = message.command
    fields["diameter_application"], fields["diameter_application_id"] = message.application_name, message.application
    fields["diameter_hop_by_hop"], fields["diameter_end_to_end"] = message.hop_by_hop, message.end_to_end
    _name_avps(entry, message, _NAMED)
    application = message.application_name if message.application >= VENDOR_APPLICATIONS else ""
    words = (message.name, application, message.get("CC-Request-Type", "Accounting-Record-Type"))
    entry.summary = fields["diameter_summary"] = " ".join([word for word in words if word])
    entry.malformed = message.malformed


def _name_avps(entry: Entry, message: Message, named: tuple[tuple[str, str], ...]) -> None:
    """Give AVPs their own fields; what the request said stays."""
    fields, avps = entry.fields, message.avps
    for name, avp in named:
        if avp in avps and name not in fields:
            fields[name] = avps[avp]


class Diameter(Protocol):
    """Diameter: authentication, authorization, accounting and charging between peers."""

    name: ClassVar[str] = "diameter"
    title: ClassVar[str] = "Diameter"
    specification: ClassVar[str] = "RFC 6733"
    transports: ClassVar[frozenset[str]] = frozenset({"tcp", "sctp"})
    ports: ClassVar[frozenset[int]] = frozenset({3868})
    fields: ClassVar[tuple[Field, ...]] = _FIELDS

    def __init__(self) -> None:
        self._known: Known = {}

    def probe(self, opening: Opening) -> Confidence:
        """Check version, flags, lengths, and that command and application are registered ones."""
        opinions = []
        for data, starts in ((opening.client, opening.client_start), (opening.server, opening.server_start)):
            if data:
                opinion = _judge(data, opening.complete)
                if opinion is Confidence.NO and starts:
                    return Confidence.NO
                opinions.append(opinion)
        return max(opinions, default=Confidence.UNDECIDED)

    def open(self, context: Context) -> Dissector:
        """Begin to read what two peers exchange."""
        return DiameterDissector(context, self._known)


def _judge(data: bytes, complete: bool) -> Confidence:
    if not begins_message(data):
        return Confidence.NO
    if len(data) < HEADER_LENGTH:
        return Confidence.NO if complete else Confidence.UNDECIDED
    if is_known(data):
        return Confidence.SURE
    if len(data) < max(message_length(data), HEADER_LENGTH + 8):
        plausible = len(data) >= HEADER_LENGTH + 8
        return Confidence.UNDECIDED if not complete else Confidence.POSSIBLE if plausible else Confidence.NO
    return Confidence.LIKELY if is_filled(data) else Confidence.NO
