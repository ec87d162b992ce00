"""DNS over UDP and TCP, multicast DNS, LLMNR, dynamic update and notify.

RFC 1035, 1996 (notify), 2136 (update), 4795 (LLMNR), 5936 (zone transfer), 6762 (multicast DNS), 6891 (EDNS).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kubeshark_mcp.dissect.base import ColumnReader, Confidence, Context, Dissector, Opening, Protocol, Settings
from kubeshark_mcp.dissect.buffer import StreamBuffer, join
from kubeshark_mcp.dissect.dns_columns import DnsColumns
from kubeshark_mcp.dissect.exchanges import Bounds
from kubeshark_mcp.dissect.wire_dns import (
    Message,
    Reading,
    Readings,
    is_certain,
    is_header,
    is_netbios,
    is_odd,
    is_usual,
    stream_begins,
)
from kubeshark_mcp.dissect.wire_dns_records import HEADER_LENGTH
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.field import Field, FieldType
from kubeshark_mcp.model.stream import Closing, Connection, Datagram, Direction, Piece, Span

_MULTICAST = ("ff", "FF", *(f"{number}." for number in range(224, 240)))

WAITING_LIMIT = 4096
"""Unanswered queries that one connection may hold; the oldest are emitted when there are more."""

SAME_ID_LIMIT = 16
"""Unanswered queries of one id, likewise."""

QUERY_LIFETIME_NS = 60 * 1_000_000_000
"""After this long over UDP an answer is not taken for one to this query: resolvers give up earlier, ids come again."""

TRANSFER_LIMIT = 10_000
"""Records of one zone transfer that its entry keeps."""

_BOOL, _INT, _STRING, _LIST = FieldType.BOOL, FieldType.INT, FieldType.STRING, FieldType.STRING_LIST

_FIELDS = tuple(
    Field(name, kind, meaning, example, "DNS")
    for name, kind, meaning, example in (
        ("dns", _BOOL, "the entry is DNS", "dns"),
        ("dns_questions", _LIST, "names asked for, as sent", 'dns && "api.example.com" in dns_questions'),
        ("dns_question_types", _LIST, "types asked for", 'dns && "AAAA" in dns_question_types'),
        ("dns_answers", _LIST, "data of the answers: addresses, targets, texts", 'dns && "10.0.0.7" in dns_answers'),
        ("dns_answer_types", _LIST, "types of the answers", 'dns && "CNAME" in dns_answer_types'),
        (
            "dns_addresses",
            _LIST,
            "`NAME TTL ADDRESS` of each address answered; NAME is the one asked for when aliases led to it",
            'dns && dns_addresses.exists(a, a.endsWith(" 10.0.0.7"))',
        ),
        (
            "dns_authorities",
            _LIST,
            "`NAME TTL TYPE DATA` of the response's authority section",
            'dns && dns_authorities.exists(a, a.contains(" SOA "))',
        ),
        (
            "dns_additionals",
            _LIST,
            "`NAME TTL TYPE DATA` of the response's additional section, EDNS included",
            'dns && dns_additionals.exists(a, a.contains(" ede "))',
        ),
        (
            "dns_updates",
            _LIST,
            "what a dynamic update wants: `add NAME TTL TYPE DATA` or `delete NAME TYPE DATA`",
            'dns && dns_updates.exists(u, u.startsWith("delete "))',
        ),
        ("dns_request", _BOOL, "the query was seen", "dns && !dns_request"),
        ("dns_response", _BOOL, "the response was seen", "dns && !dns_response"),
        ("dns_rcode", _STRING, "outcome, extended codes included", 'dns_rcode == "NXDOMAIN"'),
        ("dns_opcode", _STRING, "kind of query", 'dns_opcode == "UPDATE"'),
        ("dns_id", _INT, "transaction id", "dns && dns_id == 4660"),
        ("dns_authoritative", _BOOL, "the answer is the zone's own", "dns && dns_authoritative"),
        ("dns_truncated", _BOOL, "the message was cut by its sender", "dns && dns_truncated"),
        ("dns_request_length", _INT, "bytes of the query", "dns_request_length > 100"),
        ("dns_response_length", _INT, "bytes of the response", "dns_response_length > 1232"),
        ("dns_total_size", _INT, "bytes of query and response", "dns_total_size > 2000"),
    )
)


@dataclass(slots=True)
class _Half:
    """One message on the wire. length: bytes it had there, or claims to have. malformed: see Entry."""

    reading: Reading
    identifier: int
    span: Span
    body: bytes
    length: int
    malformed: str


@dataclass(slots=True)
class _Query:
    """A query that waits for its answer; for the rest of it when it is a zone transfer."""

    entry: Entry
    key: tuple[tuple[str, str], ...]
    asked_ns: int
    first_answer: tuple[str, str] | None = None
    records: int = 0


class DnsDissector(Dissector):
    """Pairs queries and responses by id and question, first come first served."""

    def __init__(self, context: Context, readings: Readings) -> None:
        super().__init__(context)
        self._readings = readings
        self._waiting: dict[tuple[int, int], list[_Query]] = {}
        self._count = 0
        connection = context.connection
        self._timely = connection.transport == "udp"
        self._multicast = _is_multicast(connection)

    def on_datagram(self, datagram: Datagram) -> None:
        """Take one message."""
        length = len(datagram.data) + datagram.missing
        cut = f"the capture holds {len(datagram.data)} of {length} bytes of the message" if datagram.missing else ""
        self._take(datagram.direction, datagram.data, datagram.span, length, cut)

    def on_close(self, closing: Closing) -> None:
        """Emit what waits."""
        for place in list(self._waiting):
            self._give_up(place)

    def _take(self, direction: Direction, data: bytes, span: Span, length: int, cut: str = "") -> None:
        reading = self._readings.read(data)
        identifier = int.from_bytes(data[:2], "big")
        body = data[: self.context.settings.body_limit]
        half = _Half(reading, identifier, span, body, length, cut or reading.message.malformed)
        if reading.message.response or (direction is Direction.SERVER and len(data) < HEADER_LENGTH):
            self._answer(direction, half)
        else:
            self._ask(direction, half)

    def _ask(self, direction: Direction, half: _Half) -> None:
        reading = half.reading
        entry = Entry("dns", self.context.connection, half.span, None, {**reading.common, **reading.own})
        entry.fields.update(dns_id=half.identifier, dns_request_length=half.length, dns_total_size=half.length)
        entry.summary, entry.request_body, entry.malformed = reading.summary, half.body, half.malformed
        if self._multicast:
            self.context.emit(entry)
            return
        waiting = self._waiting.setdefault((direction, half.identifier), [])
        waiting.append(_Query(entry, reading.key, half.span.start_ns))
        self._count += 1
        if len(waiting) > SAME_ID_LIMIT or self._count > WAITING_LIMIT:
            self._give_up((direction, half.identifier) if len(waiting) > SAME_ID_LIMIT else next(iter(self._waiting)))

    def _answer(self, direction: Direction, half: _Half) -> None:
        place = (direction.other, half.identifier)
        query = self._match(place, half) if place in self._waiting else None
        if query is None:
            entry = Entry("dns", self.context.connection, None, half.span, {**half.reading.common})
            entry.fields["dns_id"], entry.summary = half.identifier, half.reading.summary
            _complete(entry, half)
            self.context.emit(entry)
        elif query.entry.response is not None:
            _continue(query, half)
        else:
            _complete(query.entry, half)
        if query is not None and _is_whole(query, half.reading.message):
            self._remove(place, query)
            self.context.emit(query.entry)

    def _match(self, place: tuple[int, int], half: _Half) -> _Query | None:
        """Find the oldest query with this question; a response without question fits any (RFC 5936 section 2.2.1)."""
        waiting, key = self._waiting[place], half.reading.key
        earliest = half.span.start_ns - QUERY_LIFETIME_NS if self._timely else 0
        for query in waiting[:]:
            if query.asked_ns < earliest:
                self._remove(place, query)
                self.context.emit(query.entry)
            elif query.key == key or not key or not query.key:
                return query
        return None

    def _remove(self, place: tuple[int, int], query: _Query) -> None:
        waiting = self._waiting[place]
        waiting.remove(query)
        self._count -= 1
        if not waiting:
            del self._waiting[place]

    def _give_up(self, place: tuple[int, int]) -> None:
        for query in self._waiting.pop(place):
            self._count -= 1
            self.context.emit(query.entry)


class DnsStreamDissector(DnsDissector):
    """Takes the messages out of a TCP connection."""

    def __init__(self, context: Context, readings: Readings) -> None:
        super().__init__(context, readings)
        self._buffers = (StreamBuffer(Direction.CLIENT), StreamBuffer(Direction.SERVER))
        self._lost = [False, False]

    def on_piece(self, piece: Piece) -> None:
        """Take messages, each behind its length in two bytes (RFC 1035 section 4.2.2)."""
        begins = len(piece.data) >= 2 + HEADER_LENGTH and stream_begins(piece.data, 0)
        if self._lost[piece.direction] and not begins:
            return
        self._lost[piece.direction] = False
        buffer = self._buffers[piece.direction]
        buffer.append(piece)
        data, position = buffer.data, 0
        while len(data) - position >= 2:
            length = data[position] << 8 | data[position + 1]
            start, stop = position + 2, position + 2 + length
            if not stream_begins(data, position) and not stream_begins(data, position, odd=True):
                self._lose(piece.direction, buffer.span(position, len(data)))
                position = len(data)
            elif stop > len(data):
                break
            else:
                self._take(piece.direction, data[start:stop], buffer.span(position, stop), length)
                position = stop
        del data
        buffer.consume(position)

    def on_gap(self, direction: Direction, length: int) -> None:
        """Keep what was read of a message; the next one is looked for at the beginning of a packet."""
        self._cut(direction, f"{length} bytes are missing behind them")
        self._lost[direction] = True

    def on_close(self, closing: Closing) -> None:
        """Keep what was read of the last messages, and emit what waits."""
        for direction in Direction:
            self._cut(direction, "the capture ends" if closing.how == "end" else "the connection ends")
        super().on_close(closing)

    def _lose(self, direction: Direction, span: Span) -> None:
        """Say that these bytes are no DNS; reading goes on where a packet begins with a message."""
        self._lost[direction] = True
        entry = Entry("dns", self.context.connection, span, None, {"dns": True}, malformed="no DNS message begins here")
        if direction is Direction.SERVER:
            entry.request, entry.response = None, span
        self.context.emit(entry)

    def _cut(self, direction: Direction, why: str) -> None:
        buffer = self._buffers[direction]
        if len(buffer) >= 2 + HEADER_LENGTH:
            data = buffer.data
            length = data[0] << 8 | data[1]
            cut = f"{len(data) - 2} of {length} bytes of the message were seen: {why}"
            self._take(direction, data[2:], buffer.span(0, len(data)), length, cut)
        buffer.clear()


def _complete(entry: Entry, half: _Half) -> None:
    """Add the first message of the response."""
    entry.fields.update(half.reading.own)
    entry.fields["dns_response_length"] = half.length
    entry.fields["dns_total_size"] = entry.fields.get("dns_request_length", 0) + half.length
    entry.response, entry.response_body = half.span, half.body
    entry.status, entry.failed = half.reading.status, half.reading.message.rcode != 0
    entry.malformed = entry.malformed or half.malformed


def _continue(query: _Query, half: _Half) -> None:
    """Add a further message of a zone transfer (RFC 5936 section 2.2)."""
    entry, fields = query.entry, query.entry.fields
    room = max(0, TRANSFER_LIMIT - query.records)
    for name in ("dns_answers", "dns_answer_types", "dns_addresses"):
        fields[name] += half.reading.own.get(name, ())[:room]
    fields["dns_response_length"] += half.length
    fields["dns_total_size"] += half.length
    if entry.response is not None:
        entry.response = join(entry.response, half.span)
    entry.status, entry.failed = half.reading.status, half.reading.message.rcode != 0
    entry.malformed = entry.malformed or half.malformed


def _is_whole(query: _Query, message: Message) -> bool:
    """Tell whether this message ends the response: a transfer ends with the SOA record that it began with.

    RFC 5936 section 2.2, RFC 1995 section 4: the lone SOA of an incremental transfer means that nothing changed.
    """
    kind = query.key[0][1] if query.key else ""
    if kind not in ("AXFR", "IXFR") or message.rcode or not message.answers:
        return True
    first, last = message.answers[0], message.answers[-1]
    if query.first_answer is None:
        query.first_answer = (first.type, first.text)
    query.records += len(message.answers)
    lone = query.records == 1
    if query.first_answer[0] != "SOA" or lone:
        return not lone or kind == "IXFR"
    return (last.type, last.text) == query.first_answer


def is_multicast(address: str) -> bool:
    """Tell whether an address is that of a group (RFC 5771, RFC 4291 section 2.7)."""
    return address.startswith(_MULTICAST)


def _is_multicast(connection: Connection) -> bool:
    return is_multicast(connection.server.address) or is_multicast(connection.client.address)


class Dns(Protocol):
    """DNS: names asked for and answered, over UDP and TCP."""

    name: ClassVar[str] = "dns"
    title: ClassVar[str] = "DNS"
    specification: ClassVar[str] = "RFC 1035"
    transports: ClassVar[frozenset[str]] = frozenset({"udp", "tcp"})
    ports: ClassVar[frozenset[int]] = frozenset({53, 5353, 5355})
    fields: ClassVar[tuple[Field, ...]] = _FIELDS

    def __init__(self) -> None:
        self._readings = Readings()

    def open(self, context: Context) -> Dissector:
        """Begin to read a connection."""
        if context.connection.transport == "tcp":
            return DnsStreamDissector(context, self._readings)
        return DnsDissector(context, self._readings)

    def columns(self, settings: Settings) -> ColumnReader:
        """Give what reads conversations with a name server as columns."""
        return DnsColumns(settings, Bounds(QUERY_LIFETIME_NS, SAME_ID_LIMIT, WAITING_LIMIT), is_multicast)

    def probe(self, opening: Opening) -> Confidence:
        """Read the first message of each direction; every byte of it has to fit."""
        stream = opening.connection.transport == "tcp"
        opinions = []
        for direction, data, starts in (
            (Direction.CLIENT, opening.client, opening.client_start),
            (Direction.SERVER, opening.server, opening.server_start),
        ):
            if data:
                opinion = self._judge_stream(data, opening) if stream else self._judge(data)
                if opinion is Confidence.NO and not stream and self._hinted(opening.connection):
                    opinion = self._judge_odd(data)
                if self._is_reversed(opening.connection, direction, data[2:] if stream else data):
                    opinion = Confidence.NO
                if starts and opinion is Confidence.NO:
                    return Confidence.NO
                opinions.append(opinion)
        return max(opinions, default=Confidence.NO if opening.complete else Confidence.UNDECIDED)

    def _is_reversed(self, connection: Connection, direction: Direction, data: bytes) -> bool:
        """Tell whether client and server have been mistaken for each other: the client answers.

        Multicast DNS uses one port at both ends and answers to the group, so nothing is reversed there.
        """
        if connection.from_start or connection.client.port == connection.server.port or len(data) < HEADER_LENGTH:
            return False
        return direction is Direction.CLIENT and data[2] >= 0x80 and not _is_multicast(connection)

    def _judge(self, data: bytes) -> Confidence:
        if len(data) < HEADER_LENGTH or not is_header(data, 65535):
            return Confidence.NO
        message = self._readings.read(data).message
        if is_netbios(message) or (not any(message.counts) and len(data) > HEADER_LENGTH and message.opcode != 6):
            return Confidence.NO
        if is_certain(message):
            return Confidence.SURE
        return Confidence.POSSIBLE if message.reserved or not is_usual(message) else Confidence.LIKELY

    def _hinted(self, connection: Connection) -> bool:
        return not self.ports.isdisjoint((connection.server.port, connection.client.port))

    def _judge_odd(self, data: bytes) -> Confidence:
        return Confidence.POSSIBLE if is_odd(self._readings.read(data).message) else Confidence.NO

    def _judge_stream(self, data: bytes, opening: Opening) -> Confidence:
        usual = stream_begins(data, 0)
        if not usual and not (self._hinted(opening.connection) and stream_begins(data, 0, odd=True)):
            return Confidence.NO
        if len(data) < 2 + HEADER_LENGTH:
            return Confidence.NO if opening.complete else Confidence.UNDECIDED
        stop = 2 + (data[0] << 8 | data[1])
        unfinished = len(data) < stop and not opening.complete
        if not usual:
            return Confidence.UNDECIDED if unfinished else self._judge_odd(data[2:stop])
        opinion = self._judge(data[2:stop])
        return Confidence.UNDECIDED if unfinished and opinion is Confidence.POSSIBLE else opinion
