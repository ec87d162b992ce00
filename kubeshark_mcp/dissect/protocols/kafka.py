"""Kafka: requests and responses of all versions, joined by correlation id."""

from __future__ import annotations

import struct
from typing import ClassVar

from kubeshark_mcp.dissect.base import Confidence, Context, Dissector, Opening, Protocol
from kubeshark_mcp.dissect.framed import FramedDissector, FrameError
from kubeshark_mcp.dissect.kafka_pairing import KafkaPairing, Readings
from kubeshark_mcp.dissect.wire_kafka import CONTROLLED_SHUTDOWN, read_request_header
from kubeshark_mcp.dissect.wire_kafka_api import APIS
from kubeshark_mcp.model.field import Field, FieldType
from kubeshark_mcp.model.stream import Closing, Direction, Span

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
_BEGINNING = struct.Struct(">ihhih")
"""Length, API key, version, correlation id, length of the client id."""
_SMALLEST = 14
"""Bytes of a request with a client id, its length field included."""
_LARGEST = 1 << 28
"""Brokers take requests of 100 MiB (`socket.request.max.bytes`); from four printable characters on it is text."""


def begins_request(data: bytes, position: int) -> bool | None:
    """Tell whether a request begins at `position`; None while too few bytes are there to tell."""
    left = len(data) - position
    if left >= 4 and not _SMALLEST - 4 <= int.from_bytes(data[position : position + 4], "big") < _LARGEST:
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


class KafkaDissector(FramedDissector):
    """Takes messages out of both directions, each behind its length in four bytes."""

    def __init__(self, context: Context, readings: Readings) -> None:
        super().__init__(context)
        self._pairing = KafkaPairing(context, readings)
        self._usual = context.settings.message_limit - 4

    def length_at(self, direction: Direction, data: bytes, position: int) -> int:
        """Read the length; what follows it has to fit, or a wrong one would swallow the rest of the connection."""
        left = len(data) - position
        if left < _SMALLEST:
            return self._short_length_at(direction, data, position)
        size, key, version, _, client_id = _BEGINNING.unpack_from(data, position)
        if direction is _CLIENT:
            fits = size >= 8 and key >= 0 <= version <= _VERSION_LIMIT and -1 <= client_id <= size - 10
            fits = fits or (size >= 8 and (key, version) == (CONTROLLED_SHUTDOWN, 0))
        else:
            fits = size >= 4 and (size <= self._usual or self._pairing.waits_for(_int32(data, position + 4)))
        if not fits and not (self._pairing.tokens and 0 <= size <= self._usual):
            raise FrameError("no message begins", position)
        return int(size) + 4

    def _short_length_at(self, direction: Direction, data: bytes, position: int) -> int:
        """Read the length where the bytes of a whole header are not there; few messages have so few."""
        left = len(data) - position
        if left < 4:
            return 0
        size = _int32(data, position)
        least = 0 if self._pairing.tokens else 4 if direction is Direction.SERVER else 8
        if size < least:
            raise FrameError("no message begins", position)
        return size + 4 if left >= size + 4 else 0

    def begins_at(self, direction: Direction, data: bytes, start: int, stop: int) -> bool:
        """Tell whether a request begins; or a response that is waited for, or that is all of its packet."""
        if direction is _CLIENT:
            return bool(begins_request(data, start))
        if stop - start < 8:
            return False
        size = _int32(data, start)
        return size >= 4 and (self._pairing.waits_for(_int32(data, start + 4)) or start + 4 + size == stop)

    def on_message(self, direction: Direction, data: bytes, start: int, stop: int, span: Span, cut: str) -> None:
        """Take a request, a response, or a SASL token."""
        body, pairing = data[start + 4 : stop], self._pairing
        size = _int32(data, start) if cut else stop - start - 4
        if pairing.tokens and self._is_token(direction, body):
            pairing.token(direction, span, size, cut)
        elif direction is _CLIENT:
            pairing.ask(body, span, size, cut)
        else:
            pairing.answer(body, span, size, cut)

    def on_unread(self, direction: Direction, data: bytes, span: Span, why: str) -> None:
        """Say that these bytes are no message."""
        self._pairing.unread(direction, data, span, span.length, why)

    def on_gap(self, direction: Direction, length: int) -> None:
        """Find the next message; responses that are missing leave their requests alone."""
        super().on_gap(direction, length)
        self._pairing.tokens = False
        if direction is Direction.SERVER:
            self._pairing.lose()

    def on_close(self, closing: Closing) -> None:
        """Keep what was read of the last messages, and emit what waits."""
        super().on_close(closing)
        self._pairing.flush()

    def _is_token(self, direction: Direction, body: bytes) -> bool:
        """Tell whether this is a SASL token without Kafka's header, as it follows SaslHandshake 0 (KIP-43)."""
        if direction is _CLIENT:
            return not begins_request(len(body).to_bytes(4, "big") + body[: 2 * _CLIENT_ID_LIMIT], 0)
        waited = len(body) >= 4 and self._pairing.waits_for(_int32(body, 0))
        return self._pairing.waits_for_token and not waited


def _int32(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 4], "big", signed=True)


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
            named = body[8:10] > b"\0\0" and body[8] < 0x80
            return Confidence.SURE if not found.malformed else Confidence.POSSIBLE if named else Confidence.NO
        if data[12:14] > b"\0\0" and data[12] < 0x80:
            return Confidence.LIKELY
        return Confidence.POSSIBLE if opening.client_start else Confidence.NO
