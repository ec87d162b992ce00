"""AMQP 0-9-1 as RabbitMQ speaks it: methods, their answers, and messages with their content."""

from __future__ import annotations

from typing import ClassVar

from kubeshark_mcp.dissect.amqp_pairing import AmqpPairing
from kubeshark_mcp.dissect.amqp_reading import Readings
from kubeshark_mcp.dissect.base import Confidence, Context, Dissector, Opening, Protocol
from kubeshark_mcp.dissect.framed import FramedDissector, FrameError
from kubeshark_mcp.dissect.wire_amqp import (
    BODY,
    FRAME_END,
    FRAME_HEADER,
    FRAME_TYPES,
    HEADER,
    METHOD,
    PROTOCOL_HEADER,
    PROTOCOL_HEADER_LENGTH,
    frame_begins,
    method_at,
)
from kubeshark_mcp.model.field import Field, FieldType
from kubeshark_mcp.model.stream import Closing, Direction, Span

_BOOL, _INT, _STRING = FieldType.BOOL, FieldType.INT, FieldType.STRING
_LIST, _MAP = FieldType.STRING_LIST, FieldType.STRING_MAP
_FIELDS = tuple(
    Field(name, kind, meaning, example, "AMQP")
    for name, kind, meaning, example in (
        ("amqp", _BOOL, "the entry is AMQP", "amqp"),
        (
            "amqp_method",
            _STRING,
            "class and method that began; `Protocol-Header` for the first bytes of a connection",
            'amqp_method == "Basic.Publish"',
        ),
        ("amqp_summary", _STRING, "the method and what it is about, in one line", 'amqp_summary.contains("orders")'),
        ("amqp_sender", _STRING, "who began: `client` or `server`", 'amqp_sender == "server"'),
        ("amqp_channel", _INT, "channel number", "amqp && amqp_channel == 0"),
        ("amqp_exchange", _STRING, "exchange; the source of a binding between two", 'amqp_exchange == "amq.topic"'),
        ("amqp_destination", _STRING, "exchange that is bound to another one", 'amqp_destination == "audit"'),
        ("amqp_routing_key", _STRING, "routing key", 'amqp_routing_key.startsWith("orders.")'),
        ("amqp_queue", _STRING, "queue, also of a delivery when its consumer was seen", 'amqp_queue == "orders"'),
        ("amqp_consumer_tag", _STRING, "consumer", 'amqp_consumer_tag == "ctag1"'),
        ("amqp_delivery_tag", _INT, "number of a delivery on its channel", "amqp_delivery_tag == 17"),
        ("amqp_redelivered", _BOOL, "the message was delivered before", "amqp_redelivered"),
        ("amqp_message_count", _INT, "messages that are left in the queue", "amqp_message_count > 10000"),
        ("amqp_options", _LIST, "flags that are set (`durable`, `mandatory` ...)", '"mandatory" in amqp_options'),
        (
            "amqp_arguments",
            _MAP,
            "further arguments of a declaration, binding or consumer",
            "amqp_arguments.size() > 0",
        ),
        ("amqp_virtual_host", _STRING, "virtual host that is opened", 'amqp_virtual_host == "/"'),
        ("amqp_mechanism", _STRING, "SASL mechanism", 'amqp_mechanism == "PLAIN"'),
        ("amqp_server_product", _STRING, "name and version of the broker", 'amqp_server_product != ""'),
        ("amqp_client_product", _STRING, "name and version of the client", 'amqp_client_product != ""'),
        ("amqp_version", _STRING, "version that the client asks for", 'amqp_version == "1.0"'),
        ("amqp_reply_code", _INT, "code of a closing or return; 200 is success", "amqp_reply_code == 404"),
        ("amqp_reply_text", _STRING, "the peer's words on the code", 'amqp_reply_text.contains("no queue")'),
        ("amqp_body_size", _INT, "bytes of the message's body", "amqp_body_size > 100000"),
        ("amqp_content_type", _STRING, "content type of the message", 'amqp_content_type == "application/json"'),
        ("amqp_headers", _MAP, "headers of the message", 'amqp_headers["x-death"] != ""'),
        ("amqp_correlation_id", _STRING, "correlation id of the message", 'amqp_correlation_id != ""'),
        ("amqp_reply_to", _STRING, "queue that an answer is wanted in", 'amqp_reply_to != ""'),
        ("amqp_message_id", _STRING, "id of the message", 'amqp_message_id != ""'),
        ("amqp_request", _BOOL, "the client's part was seen", "amqp && !amqp_request"),
        ("amqp_response", _BOOL, "the broker's part was seen", "amqp && !amqp_response"),
        ("amqp_request_length", _INT, "bytes of the client's frames", "amqp_request_length > 1000"),
        ("amqp_response_length", _INT, "bytes of the broker's frames", "amqp_response_length > 1000"),
        ("amqp_total_size", _INT, "bytes of both", "amqp_total_size > 10000"),
    )
)
_CLIENT, _SERVER = Direction.CLIENT, Direction.SERVER
_VERSION_1 = "1.0"
_LAYERS = {0: "", 2: " (TLS)", 3: " (SASL)"}


class AmqpDissector(FramedDissector):
    """Takes frames out of both directions. Of AMQP 1.0 only the protocol headers are read."""

    HEADER = FRAME_HEADER

    def __init__(self, context: Context, readings: Readings) -> None:
        super().__init__(context)
        self._pairing = AmqpPairing(context, readings)
        self._newer = False

    def length_at(self, direction: Direction, data: bytes, position: int) -> int:
        """Read the length of a frame or protocol header; the end octet of a frame has to be there."""
        kind, left = data[position], len(data) - position
        if kind not in FRAME_TYPES or self._newer:
            return self._other_length_at(data, position)
        if left < FRAME_HEADER:
            return 0
        length = FRAME_HEADER + 1 + int.from_bytes(data[position + 3 : position + 7], "big")
        if length > self._limit and kind != BODY:
            raise FrameError(f"a frame of {length} bytes is too long for its type", position)
        if left >= length and data[position + length - 1] != FRAME_END:
            raise FrameError("the end octet of a frame is missing", position + length - 1)
        return length

    def _other_length_at(self, data: bytes, position: int) -> int:
        """Read the length of a protocol header, or of a frame of AMQP 1.0, which begins with its length."""
        left = len(data) - position
        if data.startswith(PROTOCOL_HEADER[:left], position):
            return PROTOCOL_HEADER_LENGTH
        if not self._newer:
            raise FrameError("no frame begins", position)
        if left < 4:
            return 0
        length = int.from_bytes(data[position : position + 4], "big")
        if length < 8:
            raise FrameError("no frame begins", position)
        return length

    def begins_at(self, direction: Direction, data: bytes, start: int, stop: int) -> bool:
        """Tell whether a frame of the known methods begins, or a protocol header."""
        if self._newer:
            return False
        begins = frame_begins(data, start)
        return data.startswith(PROTOCOL_HEADER, start) or (begins is not False and stop - start >= FRAME_HEADER + 4)

    def on_message(self, direction: Direction, data: bytes, start: int, stop: int, span: Span, cut: str) -> None:
        """Take a frame."""
        kind = data[start]
        if kind not in FRAME_TYPES or self._newer:
            if data.startswith(PROTOCOL_HEADER, start):
                self._take_header(direction, data[start:stop], span)
            else:
                self.context.unread(direction, span)
            return
        channel = data[start + 1] << 8 | data[start + 2]
        begin, end = start + FRAME_HEADER, stop if cut else stop - 1
        if kind == METHOD:
            self._pairing.method(direction, channel, data[begin:end], span, cut)
        elif kind == HEADER:
            self._pairing.content_header(direction, channel, data[begin:end], span, cut)
        elif kind == BODY:
            self._pairing.body(direction, channel, data, begin, end, span)

    def on_unread(self, direction: Direction, data: bytes, span: Span, why: str) -> None:
        """Say that these bytes are no frame."""
        self._pairing.unread(direction, data, span, why)

    def on_gap(self, direction: Direction, length: int) -> None:
        """Find the next frame; what may have been answered in the gap is not paired any more."""
        super().on_gap(direction, length)
        self._pairing.lose(direction)

    def on_close(self, closing: Closing) -> None:
        """Keep what was read of the last frames, and emit what waits."""
        super().on_close(closing)
        self._pairing.flush()

    def _take_header(self, direction: Direction, header: bytes, span: Span) -> None:
        """Read the version: 0-9-1 and 1.0 name it in their last three bytes, older ones in two."""
        kind, *version = header[4:].ljust(4, b"\0")
        text = "-".join(map(str, version))
        if kind == 1 and version[0] == 1:
            text = f"{version[1]}-{version[2]}" if version[1] < 8 else f"{version[1] % 8}-{version[1]}"
        if version == [1, 0, 0]:
            text = _VERSION_1
        self._newer = text == _VERSION_1
        self._pairing.header(direction, text + (_LAYERS.get(kind, "") if self._newer else ""), span)


class Amqp(Protocol):
    """AMQP 0-9-1 (RabbitMQ, LavinMQ, Qpid); of AMQP 1.0 the beginning."""

    name: ClassVar[str] = "amqp"
    title: ClassVar[str] = "AMQP 0-9-1"
    specification: ClassVar[str] = "AMQP 0-9-1 (https://www.rabbitmq.com/specification.html)"
    ports: ClassVar[frozenset[int]] = frozenset({5672})
    fields: ClassVar[tuple[Field, ...]] = _FIELDS

    def __init__(self) -> None:
        self._readings = Readings()

    def open(self, context: Context) -> Dissector:
        """Begin to read a connection."""
        return AmqpDissector(context, self._readings)

    def probe(self, opening: Opening) -> Confidence:
        """Look for the protocol header, or for frames of known methods that their sender may send."""
        opinions = [
            _judge(data, sender, opening.complete)
            for data, sender in ((opening.client, "c"), (opening.server, "s"))
            if data
        ]
        if Confidence.NO in opinions or not opinions:
            return Confidence.NO if opinions or opening.complete else Confidence.UNDECIDED
        return max(opinions)


def _judge(data: bytes, sender: str, complete: bool) -> Confidence:
    """Judge the beginning of one direction."""
    if data.startswith(PROTOCOL_HEADER) or PROTOCOL_HEADER.startswith(data):
        return _judge_header(data[4:8], complete)
    begins = frame_begins(data, 0)
    if begins is False:
        return Confidence.NO
    if data[0] == METHOD and len(data) >= FRAME_HEADER + 4:
        method = method_at(data, FRAME_HEADER)
        if method is None or method.sender not in ("b", sender):
            return Confidence.NO
    if begins is None:
        return Confidence.NO if complete else Confidence.UNDECIDED
    return Confidence.SURE if data[0] == METHOD else Confidence.LIKELY


def _judge_header(version: bytes, complete: bool) -> Confidence:
    """Judge what follows `AMQP`: 0 0 9 1; 0, 2 or 3 with 1 0 0; 1 1 and two bytes in older versions."""
    known = version[:1] in (b"\0", b"\1", b"\2", b"\3") and version[1:2] in (b"\0", b"\1")
    if len(version) < 4:
        return Confidence.NO if complete or (len(version) >= 2 and not known) else Confidence.UNDECIDED
    return Confidence.SURE if known else Confidence.NO
