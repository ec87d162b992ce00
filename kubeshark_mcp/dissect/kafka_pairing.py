"""Kafka: requests and their responses as entries, joined by correlation id; what bodies say as fields."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

from kubeshark_mcp.dissect.base import Context
from kubeshark_mcp.dissect.pairing import Transactions
from kubeshark_mcp.dissect.wire_kafka import (
    API_VERSIONS,
    MEMBER_ID_REQUIRED,
    PRODUCE,
    SASL_HANDSHAKE,
    UNSUPPORTED_VERSION,
    RequestHeader,
    Schemas,
    read_request_header,
)
from kubeshark_mcp.dissect.wire_kafka_api import APIS, ERRORS
from kubeshark_mcp.dissect.wire_kafka_fields import Found, KafkaError
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Direction, Span

MISSING = "bytes of the broker are missing, the response may be among them"
REMEMBERED, REMEMBERED_BYTES = 1024, 512
"""Bodies that are remembered, because clients say the same again and again, and the longest of them."""
TOPIC_IDS = 10_000
"""Names of topics that are remembered by the id that newer requests have in their place (KIP-516)."""
SHOWN = 3
"""Topics that a summary names."""

_JOIN_GROUP = 11
_SECRET = frozenset({33, 36, 38, 39, 40, 41, 44, 51, 58})
"""Requests with credentials, tokens or settings in them or in their answers: their bodies are not kept."""
_EXPECTED = frozenset({(_JOIN_GROUP, MEMBER_ID_REQUIRED), (API_VERSIONS, UNSUPPORTED_VERSION)})
"""Errors that are a step of a working exchange (KIP-394, KIP-511)."""
_NO_ID = bytes(16)


@dataclass(slots=True)
class Reading:
    """What a body says. fields: those that need no more than the body. topics: names, as far as the body has them."""

    found: Found
    topics: tuple[str, ...]
    subject: str
    fields: dict[str, Any]
    status: str = ""


@dataclass(slots=True)
class Request:
    """What a request says. fields: all but the correlation id. resolved: none of its topics is still an id."""

    header: RequestHeader
    reading: Reading
    fields: dict[str, Any]
    resolved: bool


class Readings:
    """Reads messages; shared by all connections, because clients and topic ids are the same on many of them."""

    def __init__(self) -> None:
        self.schemas = Schemas()
        self._names: dict[bytes, str] = {}
        self._requests: dict[bytes, Request] = {}
        self._responses: dict[tuple[int, bytes], Reading] = {}

    def request(self, data: bytes, size: int) -> Request:
        """Read a request of so many bytes, of which `data` is what was kept. Raises KafkaError."""
        key = data[:4] + data[8:] if len(data) <= REMEMBERED_BYTES and len(data) == size else b""
        request = self._requests.get(key)
        if request is not None:
            return request
        header = read_request_header(data)
        reading = self._reading(self.schemas.request(header, data))
        name, topics = api_name(header.key), self.topics(reading)
        fields: dict[str, Any] = {
            "kafka": True,
            "kafka_api_key": header.key,
            "kafka_api_key_name": name,
            "kafka_api_version": header.version,
            "kafka_client_id": header.client_id,
            "kafka_correlation_id": 0,
            "kafka_size": size,
            "kafka_request": True,
            "kafka_request_size": size + 4,
            "kafka_request_summary": _summary(name, reading, topics),
            **reading.fields,
        }
        if topics:
            fields["kafka_topics"] = topics
        request = Request(header, reading, fields, not reading.found.topic_ids)
        if key and request.resolved:
            _remember(self._requests, key, request)
        return request

    def response(self, api: int, version: int, data: bytes) -> Reading:
        """Read the body of a response."""
        short = len(data) <= REMEMBERED_BYTES
        key = api << 16 | version, data[4:] if short else b""
        reading = self._responses.get(key) if short else None
        if reading is None:
            reading = self._reading(self.schemas.response(api, version, data), response=True)
            if short:
                _remember(self._responses, key, reading)
        return reading

    def topics(self, reading: Reading) -> tuple[str, ...]:
        """Give the topics; those that the message names by id only, by name where the name was seen."""
        found = reading.found
        if not found.topic_ids or found.topics:
            return reading.topics
        names = [self._names.get(each) or topic_id(each) for each in found.topic_ids if each != _NO_ID]
        return tuple(dict.fromkeys(names))

    def _reading(self, found: Found, *, response: bool = False) -> Reading:
        topics = tuple(dict.fromkeys(found.topics)) if len(found.topics) > 1 else tuple(found.topics)
        subject = ", ".join(found.groups[:SHOWN] or found.keys[:SHOWN] or found.transactional_ids[:SHOWN])
        subject = subject or " ".join(found.mechanisms or found.software)
        if not response:
            return Reading(found, topics, subject, _request_fields(found))
        if topics and len(found.topics) == len(found.topic_ids):
            self._names |= zip(found.topic_ids, found.topics, strict=True)
            while len(self._names) > TOPIC_IDS:
                del self._names[next(iter(self._names))]
        status = ""
        if found.whole or found.errors:
            status = error_name(found.errors[0]) if found.errors else "OK"
        return Reading(found, topics, subject, _response_fields(found), status)


def _remember(known: dict[Any, Any], key: object, value: object) -> None:
    if len(known) >= REMEMBERED:
        known.clear()
    known[key] = value


def topic_id(value: bytes) -> str:
    """Write a topic's id as Kafka's tools do."""
    return urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def error_name(code: int) -> str:
    """Give the name of an error code."""
    return ERRORS.get(code) or f"ERROR_{code}"


def api_name(key: int) -> str:
    """Give the name of a request."""
    api = APIS.get(key)
    return api.name if api is not None else f"Api{key}"


def _request_fields(found: Found) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if found.partitions:
        fields["kafka_partitions"] = found.partitions
    if found.groups:
        fields["kafka_group"] = found.groups[0]
    if found.transactional_ids:
        fields["kafka_transactional_id"] = found.transactional_ids[0]
    if found.batches:
        fields["kafka_record_batches"], fields["kafka_records"] = found.batches, found.records
        fields["kafka_compression"] = found.compression or "none"
    if found.acks is not None:
        fields["kafka_acks"] = found.acks
    if found.mechanisms:
        fields["kafka_mechanism"] = found.mechanisms[0]
    if found.software:
        fields["kafka_client_software"] = " ".join(found.software)
    if found.unread:
        fields["kafka_unread"] = True
    return fields


def _response_fields(found: Found) -> dict[str, Any]:
    fields = _request_fields(found)
    if found.throttle is not None:
        fields["kafka_throttle_ms"] = found.throttle
    if found.errors:
        names = tuple(dict.fromkeys(error_name(code) for code in found.errors))
        fields |= {"kafka_error_code": found.errors[0], "kafka_error": names[0], "kafka_errors": names}
    if found.error_messages:
        fields["kafka_error_message"] = found.error_messages[0]
    return fields


@dataclass(slots=True)
class _Call:
    """A request that waits. number: in order of the connection."""

    entry: Entry
    key: int
    version: int
    number: int
    reading: Reading


class KafkaPairing:
    """Makes entries of messages. tokens: SASL tokens may come without Kafka's headers (SaslHandshake 0)."""

    def __init__(self, context: Context, readings: Readings) -> None:
        self.tokens = False
        self._context = context
        self._readings = readings
        self._limit = context.settings.body_limit
        self._waiting: Transactions[int, _Call] = Transactions()
        self._token: Entry | None = None
        self._mechanism = ""
        self._asked = self._lost = 0

    def waits_for(self, correlation: int) -> bool:
        """Tell whether a request waits for a response with this correlation id."""
        return self._waiting.get(correlation) is not None

    @property
    def waits_for_token(self) -> bool:
        """Tell whether a SASL token without Kafka's header waits for its answer."""
        return self._token is not None

    def ask(self, data: bytes, span: Span, size: int, cut: str = "") -> None:
        """Let a request wait for its response, unless none will come. cut: why `data` is not all of it."""
        try:
            request = self._readings.request(data, size)
        except KafkaError as error:
            self.unread(Direction.CLIENT, data, span, size, cut or f"{error} at byte {error.position}")
            return
        header, reading = request.header, request.reading
        correlation = int.from_bytes(data[4:8], "big", signed=True)
        fields = request.fields.copy()
        fields["kafka_correlation_id"] = correlation
        entry = Entry("kafka", self._context.connection, span, None, fields, fields["kafka_request_summary"])
        entry.malformed = cut or reading.found.malformed
        if header.key not in _SECRET:
            entry.request_body = data[: self._limit]
        if header.key == SASL_HANDSHAKE:
            self.tokens = header.version == 0
            self._mechanism = fields.get("kafka_mechanism", "")
        if header.key == PRODUCE and reading.found.acks == 0:
            self._context.emit(entry)
            return
        self._asked += 1
        call = _Call(entry, header.key, header.version, self._asked, reading)
        replaced = self._waiting.ask(correlation, call)
        if replaced is not None:
            self._give_up(replaced)

    def answer(self, data: bytes, span: Span, size: int, cut: str = "") -> None:
        """Add a response to its request, or make an entry of it alone. cut: as in `ask`."""
        if len(data) < 4:
            self.unread(Direction.SERVER, data, span, size, cut)
            return
        correlation = int.from_bytes(data[:4], "big", signed=True)
        call = self._waiting.answer(correlation)
        if call is None:
            entry = self._lone(f"response {correlation}")
            entry.fields["kafka_correlation_id"] = correlation
            _complete(entry, span, size)
            entry.response_body, entry.malformed = data[: self._limit], cut
            self._context.emit(entry)
            return
        entry, fields = call.entry, call.entry.fields
        reading = self._readings.response(call.key, call.version, data)
        for name, value in reading.fields.items():
            if name not in fields or name == "kafka_unread":
                fields[name] = value
        self._name(call, reading)
        _complete(entry, span, size)
        if call.key not in _SECRET:
            entry.response_body = data[: self._limit]
        entry.malformed = entry.malformed or cut or reading.found.malformed
        entry.status = "" if cut else reading.status
        errors = reading.found.errors
        entry.failed = bool(errors) and (call.key, errors[0]) not in _EXPECTED
        self._context.emit(entry)

    def _name(self, call: _Call, reading: Reading) -> None:
        """Complete topics and summary by what the response names."""
        entry, fields = call.entry, call.entry.fields
        topics = self._readings.topics(reading)
        asked = fields.get("kafka_topics", ())
        if topics and topics != asked:
            topics = fields["kafka_topics"] = tuple(dict.fromkeys((*asked, *topics)))
        else:
            topics = asked
        if topics is not asked or reading.found.records:
            entry.summary = _summary(fields["kafka_api_key_name"], call.reading, topics, reading.found.records)

    def token(self, direction: Direction, span: Span, size: int, cut: str = "") -> None:
        """Take a SASL token that comes without Kafka's header; what it says is never kept. cut: as in `ask`."""
        if direction is Direction.CLIENT:
            self._flush_token()
            entry = self._token = self._lone(f"SASL token {self._mechanism}".rstrip())
            entry.request = span
            entry.fields |= {"kafka_size": size, "kafka_request": True, "kafka_request_size": size + 4}
            entry.fields |= {"kafka_request_summary": entry.summary, "kafka_mechanism": self._mechanism}
        else:
            entry = self._token or self._lone("SASL token")
            _complete(entry, span, size)
            self._token = entry
        entry.malformed = entry.malformed or cut
        if cut or direction is Direction.SERVER:
            self._flush_token()

    def unread(self, direction: Direction, data: bytes, span: Span, size: int, why: str) -> None:
        """Emit bytes that are no message."""
        entry = self._lone("unreadable request" if direction is Direction.CLIENT else "unreadable response")
        entry.malformed = why
        if direction is Direction.CLIENT:
            entry.request, entry.request_body = span, data[: self._limit]
            entry.fields |= {"kafka_size": size, "kafka_request": True, "kafka_request_size": span.length}
        else:
            _complete(entry, span, size)
            entry.response_body = data[: self._limit]
            entry.fields["kafka_response_size"] = span.length
        self._context.emit(entry)

    def lose(self) -> None:
        """Hear that bytes of the broker are missing: what waits now may have been answered there."""
        self._lost = self._asked

    def flush(self) -> None:
        """Emit the requests that wait: no response will come."""
        self._flush_token()
        for call in self._waiting.flush():
            self._give_up(call)

    def _flush_token(self) -> None:
        if self._token is not None:
            self._context.emit(self._token)
        self._token = None

    def _give_up(self, call: _Call) -> None:
        if call.number <= self._lost:
            call.entry.malformed = call.entry.malformed or MISSING
        self._context.emit(call.entry)

    def _lone(self, summary: str) -> Entry:
        fields: dict[str, Any] = {"kafka": True, "kafka_api_key": -1, "kafka_api_version": -1}
        return Entry("kafka", self._context.connection, None, None, fields, summary)


def _complete(entry: Entry, span: Span, size: int) -> None:
    entry.response = span
    entry.fields["kafka_response"] = True
    entry.fields["kafka_response_size"] = size + 4
    entry.fields.setdefault("kafka_size", size)


def _summary(name: str, reading: Reading, topics: tuple[str, ...], records: int = 0) -> str:
    """Name the request and what it is about: `Produce orders (3 records)`, `OffsetCommit billing: orders`."""
    shown = ", ".join(topics[:SHOWN])
    if len(topics) > SHOWN:
        shown += f" and {len(topics) - SHOWN} more"
    if reading.subject and shown:
        shown = f"{reading.subject}: {shown}"
    text = f"{name} {shown or reading.subject}".rstrip()
    records = records or reading.found.records
    if records:
        text += f" ({records} record)" if records == 1 else f" ({records} records)"
    return text
