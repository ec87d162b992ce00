"""Kafka: requests and responses of all versions, joined by correlation id."""

from __future__ import annotations

from typing import ClassVar

from kubeshark_mcp.dissect.base import Confidence, Context, Dissector, Opening, Protocol
from kubeshark_mcp.dissect.buffer import StreamBuffer, join
from kubeshark_mcp.dissect.kafka_pairing import KafkaPairing, Readings
from kubeshark_mcp.dissect.wire_kafka import read_request_header
from kubeshark_mcp.dissect.wire_kafka_api import APIS
from kubeshark_mcp.dissect.wire_kafka_fields import KafkaError
from kubeshark_mcp.model.field import Field, FieldType
from kubeshark_mcp.model.stream import Closing, Direction, Piece, Span

_BOOL, _INT, _STRING, _LIST = FieldType.BOOL, FieldType.INT, FieldType.STRING, FieldType.STRING_LIST
_FIELDS = tuple(
    Field(name, kind, meaning, example, "Kafka")
    for name, kind, meaning, example in (
        ("kafka", _BOOL, "the entry is Kafka", "kafka"),
        (
            "kafka_api_key",
            _INT,
            "the protocol's number of the request: 0 Produce, 1 Fetch; -1 where only its response was seen",
            "kafka && kafka_api_key == 0",
        ),
        ("kafka_api_key_name", _STRING, "name of the request", 'kafka_api_key_name == "Fetch"'),
        ("kafka_api_version", _INT, "version of request and response", "kafka && kafka_api_version < 3"),
        ("kafka_client_id", _STRING, "client.id that the client gave", 'kafka_client_id == "orders"'),
        ("kafka_client_software", _STRING, "library and version of the client", 'kafka_client_software != ""'),
        ("kafka_correlation_id", _INT, "number that joins request and response", "kafka_correlation_id == 7"),
        (
            "kafka_topics",
            _LIST,
            "topics of request and response; ids where no name was seen",
            '"orders" in kafka_topics',
        ),
        (
            "kafka_partitions",
            _INT,
            "how many partitions the request names, or else its response",
            "kafka_partitions > 9",
        ),
        ("kafka_group", _STRING, "consumer group", 'kafka_group == "billing"'),
        ("kafka_transactional_id", _STRING, "transactional.id of the producer", 'kafka_transactional_id != ""'),
        ("kafka_acks", _INT, "acks of a Produce request: 0, 1, or -1 for all", "kafka_acks == -1"),
        ("kafka_records", _INT, "records sent or fetched", "kafka_records > 1000"),
        ("kafka_record_batches", _INT, "batches that the records are in", "kafka_record_batches > 10"),
        ("kafka_compression", _STRING, "coding of the batches", 'kafka_compression == "zstd"'),
        ("kafka_mechanism", _STRING, "SASL mechanism asked for", 'kafka_mechanism == "PLAIN"'),
        ("kafka_error", _STRING, "name of the first error in the response", 'kafka_error == "NOT_LEADER_OR_FOLLOWER"'),
        ("kafka_error_code", _INT, "code of the first error in the response", "kafka_error_code == 6"),
        ("kafka_errors", _LIST, "names of all errors in the response", '"REQUEST_TIMED_OUT" in kafka_errors'),
        ("kafka_error_message", _STRING, "the broker's words on an error", 'kafka_error_message.contains("policy")'),
        ("kafka_throttle_ms", _INT, "milliseconds for which a quota held the request back", "kafka_throttle_ms > 0"),
        ("kafka_size", _INT, "bytes of the request (or lone response) as its length field says", "kafka_size > 1000"),
        ("kafka_request", _BOOL, "the request was seen", "kafka && !kafka_request"),
        ("kafka_response", _BOOL, "the response was seen", "kafka && !kafka_response"),
        ("kafka_request_summary", _STRING, "the request in one line", 'kafka_request_summary.contains("orders")'),
        ("kafka_request_size", _INT, "bytes of the request, its length field included", "kafka_request_size > 10000"),
        (
            "kafka_response_size",
            _INT,
            "bytes of the response, its length field included",
            "kafka_response_size > 10000",
        ),
        ("kafka_unread", _BOOL, "a body was not read: its version is newer than those known", "kafka_unread"),
    )
)

_CLIENT = Direction.CLIENT
_NEWER = 4
"""Versions above the newest known one that are taken for Kafka while it is not certain that a request begins."""
_CLIENT_ID_LIMIT = 512
"""Bytes of a client id that are taken for Kafka while that is not certain."""
_VERSION_LIMIT = 127
_SMALLEST = 14
"""Bytes of a request with a client id, its length field included."""


def begins_request(data: bytes, position: int) -> bool | None:
    """Tell whether a request begins at `position`; None while too few bytes are there to tell."""
    left = len(data) - position
    if left >= 4 and not _SMALLEST - 4 <= int.from_bytes(data[position : position + 4], "big") < 1 << 30:
        return False
    if left >= 8:
        api = APIS.get(int.from_bytes(data[position + 4 : position + 6], "big"))
        if api is None or int.from_bytes(data[position + 6 : position + 8], "big") > api.newest + _NEWER:
            return False
    if left < _SMALLEST:
        return None
    length = int.from_bytes(data[position + 12 : position + 14], "big", signed=True)
    if not -1 <= length <= min(_CLIENT_ID_LIMIT, int.from_bytes(data[position : position + 4], "big") - 10):
        return False
    client_id = data[position + 14 : position + 14 + max(0, length)]
    return not client_id or (client_id.isascii() and min(client_id) >= 0x20)


class _Side:
    """One direction. needed: bytes that the first message has to have before it is looked at again.

    left: bytes to come of a message that is too long to be kept; `head` is what is kept, `span` what has come.
    """

    __slots__ = ("buffer", "head", "left", "lost", "needed", "size", "span")

    def __init__(self, direction: Direction) -> None:
        self.buffer = StreamBuffer(direction)
        self.lost = False
        self.needed = self.left = self.size = 0
        self.head = b""
        self.span: Span | None = None


class KafkaDissector(Dissector):
    """Takes messages out of both directions, each behind its length in four bytes."""

    def __init__(self, context: Context, readings: Readings) -> None:
        super().__init__(context)
        self._sides = (_Side(Direction.CLIENT), _Side(Direction.SERVER))
        for side in self._sides:
            side.lost = not context.connection.from_start
        self._pairing = KafkaPairing(context, readings)
        self._limit = context.settings.message_limit

    def on_piece(self, piece: Piece) -> None:
        """Take the messages that end in this piece."""
        side = self._sides[piece.direction]
        side.buffer.append(piece)
        if side.left and not self._pass(piece.direction, side):
            return
        if len(side.buffer) < side.needed:
            return
        data = side.buffer.data
        packets = [len(data) - len(piece.data) + start for start in piece.starts]
        position = self._resume(piece.direction, data, packets, 0) if side.lost else 0
        while position < len(data):
            try:
                after = self._read(piece.direction, side, data, position)
            except KafkaError as error:
                after = self._resume(piece.direction, data, packets, position + 1)
                self._unread(piece.direction, side, data[position:after], position, error)
            if after < 0:
                break
            position = after
        del data
        side.buffer.consume(position)

    def on_gap(self, direction: Direction, length: int) -> None:
        """Keep what was read of a message; the next one is looked for at the beginning of a packet."""
        self._end(direction, f"{length} bytes are missing behind them")
        self._sides[direction].lost = True
        self._pairing.tokens = False
        if direction is Direction.SERVER:
            self._pairing.lose()

    def on_close(self, closing: Closing) -> None:
        """Keep what was read of the last messages, and emit what waits."""
        for direction in Direction:
            self._end(direction, "the capture ends" if closing.how == "end" else "the connection ends")
        self._pairing.flush()

    def _read(self, direction: Direction, side: _Side, data: bytes, position: int) -> int:
        """Take the message at `position`; give its end, or -1 while it is not whole. Raises KafkaError."""
        left = len(data) - position
        side.needed = 4
        if left < 4:
            return -1
        size = int.from_bytes(data[position : position + 4], "big", signed=True)
        kept = min(4 + size, self._limit)
        if size < 0 or (left >= min(kept, _SMALLEST) and not self._is_message(direction, data, position, size)):
            raise KafkaError("no message begins", position)
        if left < kept:
            side.needed = _SMALLEST if left < _SMALLEST < kept else kept
            return -1
        end = position + 4 + size
        whole = min(end, len(data))
        span = side.buffer.span(position, whole)
        if end <= len(data) and 4 + size <= self._limit:
            self._take(direction, data[position + 4 : end], span, size)
            return end
        side.head, side.span, side.size = data[position + 4 : position + kept], span, size
        side.left = end - whole
        if not side.left:
            self._take_head(direction, side)
        return whole

    def _is_message(self, direction: Direction, data: bytes, position: int, size: int) -> bool:
        """Tell whether a message of this size can begin here: a wrong one would swallow what follows."""
        if self._pairing.tokens and size <= self._limit:
            return True
        if direction is Direction.SERVER:
            correlation = int.from_bytes(data[position + 4 : position + 8], "big", signed=True)
            return size >= 4 and (size <= self._limit or self._pairing.waits_for(correlation))
        try:
            header = read_request_header(data, position + 4, position + 4 + size)
        except KafkaError:
            return False
        return header.version <= _VERSION_LIMIT

    def _take(self, direction: Direction, data: bytes, span: Span, size: int, cut: str = "") -> None:
        pairing = self._pairing
        if pairing.tokens and self._is_token(direction, data):
            pairing.token(direction, span, size, cut)
        elif direction is _CLIENT:
            pairing.ask(data, span, size, cut)
        else:
            pairing.answer(data, span, size, cut)

    def _is_token(self, direction: Direction, data: bytes) -> bool:
        """Tell whether this is a SASL token without Kafka's header, as it follows SaslHandshake 0 (KIP-43)."""
        if direction is _CLIENT:
            return not begins_request(len(data).to_bytes(4, "big") + data[:600], 0)
        correlation = int.from_bytes(data[:4], "big", signed=True)
        return self._pairing.waits_for_token and not (len(data) >= 4 and self._pairing.waits_for(correlation))

    def _pass(self, direction: Direction, side: _Side) -> bool:
        """Pass over more of a message that is too long to be kept; tell whether it has ended."""
        length = min(side.left, len(side.buffer))
        more = side.buffer.span(0, length)
        side.span = join(side.span, more) if side.span is not None else more
        side.buffer.consume(length)
        side.left -= length
        if not side.left:
            self._take_head(direction, side)
        return not side.left and len(side.buffer) > 0

    def _take_head(self, direction: Direction, side: _Side, why: str = "") -> None:
        if side.span is not None:
            cut = f"{len(side.head)} of {side.size} bytes of the message were kept"
            self._take(direction, side.head, side.span, side.size, f"{cut}: {why}" if why else cut)
        side.head, side.span, side.left = b"", None, 0

    def _resume(self, direction: Direction, data: bytes, packets: list[int], after: int) -> int:
        """Give where a message begins, at `after` or behind it, at the beginning of a packet; else the end."""
        side = self._sides[direction]
        for index, start in enumerate(packets):
            if start < after:
                continue
            stop = packets[index + 1] if index + 1 < len(packets) else len(data)
            if direction is _CLIENT:
                begins = bool(begins_request(data, start))
            else:
                size = int.from_bytes(data[start : start + 4], "big")
                correlation = int.from_bytes(data[start + 4 : start + 8], "big", signed=True)
                begins = stop - start >= 8 and size >= 4
                begins = begins and (self._pairing.waits_for(correlation) or start + 4 + size == stop)
            if begins:
                side.lost = False
                return start
        side.lost = True
        return len(data)

    def _unread(self, direction: Direction, side: _Side, data: bytes, position: int, error: KafkaError) -> None:
        """Say that these bytes are no message."""
        where = side.buffer.offset + error.position
        span = side.buffer.span(position, position + len(data))
        self._pairing.unread(direction, data, span, len(data), f"{error} at byte {where} of the stream")

    def _end(self, direction: Direction, why: str) -> None:
        """Take the message that is unfinished and stays so."""
        side = self._sides[direction]
        if side.left:
            self._take_head(direction, side, why)
        elif len(side.buffer) > 4 and not side.lost:
            data = side.buffer.data
            size = int.from_bytes(data[:4], "big")
            cut = f"{len(data) - 4} of {size} bytes of the message were seen: {why}"
            self._take(direction, data[4:], side.buffer.span(0, len(data)), size, cut)
        side.buffer.clear()
        side.needed = 0


class Kafka(Protocol):
    """Kafka, Redpanda and what else speaks the Kafka protocol."""

    name: ClassVar[str] = "kafka"
    title: ClassVar[str] = "Kafka"
    specification: ClassVar[str] = "Apache Kafka protocol guide (https://kafka.apache.org/protocol), KIP-482"
    ports: ClassVar[frozenset[int]] = frozenset({9092, 9093, 9094})
    fields: ClassVar[tuple[Field, ...]] = _FIELDS

    def __init__(self) -> None:
        self._readings = Readings()

    def open(self, context: Context) -> Dissector:
        """Begin to read a connection."""
        return KafkaDissector(context, self._readings)

    def probe(self, opening: Opening) -> Confidence:
        """Read the first request; every byte of it has to fit its schema."""
        data = opening.client
        begins = begins_request(data, 0)
        if begins is False:
            return Confidence.NO
        if begins is None:
            return Confidence.NO if opening.complete else Confidence.UNDECIDED
        size = int.from_bytes(data[:4], "big")
        if len(data) < 4 + size and not opening.complete:
            return Confidence.UNDECIDED
        header = read_request_header(data, 4, 4 + size) if len(data) >= 4 + size else None
        if header is not None and header.version <= APIS[header.key].newest:
            body = data[4 : 4 + size]
            found = self._readings.schemas.request(read_request_header(body), body)
            return Confidence.NO if found.malformed else Confidence.SURE
        if data[12:14] > b"\0\0" and data[12] < 0x80:
            return Confidence.LIKELY
        return Confidence.POSSIBLE if opening.client_start else Confidence.NO
