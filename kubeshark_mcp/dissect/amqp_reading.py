"""AMQP 0-9-1: what methods and content headers say, as fields, summary and outcome; what peers repeat is remembered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from kubeshark_mcp.dissect.wire_amqp import AmqpError, Arguments, method_at, read_arguments, read_content_header
from kubeshark_mcp.dissect.wire_amqp_methods import METHODS, REPLY_CODES, Method

REMEMBERED, REMEMBERED_BYTES = 1024, 512
"""Payloads that are remembered, and the longest of them."""

_FIELDS = frozenset(
    {
        "exchange",
        "destination",
        "routing_key",
        "queue",
        "virtual_host",
        "mechanism",
        "consumer_tag",
        "delivery_tag",
        "redelivered",
        "message_count",
        "reply_code",
        "reply_text",
        "arguments",
    }
)
"""Arguments that are fields of an entry, as `amqp_` and their name."""
_PROPERTIES = ("content_type", "headers", "correlation_id", "reply_to", "message_id")
"""Properties of a content that are fields of an entry."""
_SUBJECTS = ("queue", "exchange", "source", "destination", "routing_key", "virtual_host", "mechanism", "reason")
"""Arguments that a summary names, in this order."""
_NOT_OPTIONS = frozenset({"redelivered", "active", "insist"})


@dataclass(frozen=True, slots=True)
class _Plan:
    """What of a method's arguments goes where. fields: argument and field. subjects, options: arguments."""

    fields: tuple[tuple[str, str], ...]
    subjects: tuple[str, ...]
    options: tuple[str, ...]


def _plan(method: Method) -> _Plan:
    names = [name for name, _ in method.arguments]
    fields = [(name, f"amqp_{name}") for name in names if name in _FIELDS]
    fields += [("source", "amqp_exchange")] if "source" in names else []
    bits = tuple(name for name, kind in method.arguments if kind == "bit" and name not in _NOT_OPTIONS)
    return _Plan(tuple(fields), tuple(name for name in _SUBJECTS if name in names), bits)


_PLANS = {method.name: _plan(method) for method in METHODS.values()}


@dataclass(slots=True)
class MethodReading:
    """What a method says, whoever sent it on whichever channel.

    number: of class and method. fields: those of an entry that the method begins, `amqp_total_size` still 0.
    status, failed: its own outcome; by_broker: that holds only where the broker sent it.
    """

    method: Method
    number: tuple[int, int]
    arguments: Arguments
    fields: dict[str, Any]
    summary: str
    status: str = ""
    failed: bool = False
    by_broker: bool = False
    malformed: str = ""


@dataclass(slots=True)
class ContentReading:
    """What a content header says. size: of the body."""

    size: int
    fields: dict[str, Any]
    malformed: str = ""


_Reading = TypeVar("_Reading")


@dataclass(slots=True)
class _Memory(Generic[_Reading]):
    """Readings by payload; begins anew when it is full."""

    known: dict[bytes, _Reading] = field(default_factory=dict)

    def keep(self, payload: bytes, reading: _Reading) -> None:
        if len(payload) <= REMEMBERED_BYTES:
            if len(self.known) >= REMEMBERED:
                self.known.clear()
            self.known[payload] = reading


class Readings:
    """Reads payloads of frames; shared by all connections, because many of them say the same."""

    def __init__(self) -> None:
        self._methods: _Memory[MethodReading] = _Memory()
        self._contents: _Memory[ContentReading] = _Memory()

    def method(self, payload: bytes) -> MethodReading | None:
        """Read the payload of a method frame; None where the method is unknown."""
        reading = self._methods.known.get(payload)
        if reading is None:
            reading = _read_method(payload)
            # Numbered deliveries are never the same twice.
            if reading is not None and "delivery_tag" not in reading.arguments:
                self._methods.keep(payload, reading)
        return reading

    def content(self, payload: bytes) -> ContentReading:
        """Read the payload of a content header frame."""
        reading = self._contents.known.get(payload)
        if reading is None:
            reading = _read_content(payload)
            self._contents.keep(payload, reading)
        return reading


def _read_method(payload: bytes) -> MethodReading | None:
    method = method_at(payload, 0) if len(payload) >= 4 else None
    if method is None:
        return None
    malformed = ""
    try:
        arguments = read_arguments(method, payload, 4)
    except AmqpError as error:
        arguments, malformed = error.read, f"{error} at byte {error.position}"
    plan = _PLANS[method.name]
    summary = _summary(method.name, plan, arguments)
    fields: dict[str, Any] = {"amqp": True, "amqp_method": method.name, "amqp_summary": summary, "amqp_total_size": 0}
    fields |= {name: arguments[argument] for argument, name in plan.fields if argument in arguments}
    if not fields.get("amqp_arguments", True):
        del fields["amqp_arguments"]
    if plan.options and (options := tuple(name for name in plan.options if arguments.get(name))):
        fields["amqp_options"] = options
    if "server_properties" in arguments:
        fields["amqp_server_product"] = _product(arguments["server_properties"])
    elif "client_properties" in arguments:
        fields["amqp_client_product"] = _product(arguments["client_properties"])
    reading = MethodReading(method, (payload[1], payload[3]), arguments, fields, summary, malformed=malformed)
    _judge(reading)
    return reading


def _read_content(payload: bytes) -> ContentReading:
    try:
        _, size, properties = read_content_header(payload, 0)
        malformed = ""
    except AmqpError as error:
        size, properties, malformed = 0, error.read, f"{error} at byte {error.position}"
    fields: dict[str, Any] = {"amqp_body_size": size}
    if properties:
        fields |= {f"amqp_{name}": properties[name] for name in _PROPERTIES if name in properties}
    return ContentReading(size, fields, malformed)


def _product(properties: dict[str, str]) -> str:
    return f"{properties.get('product', '')} {properties.get('version', '')}".strip()


def _judge(reading: MethodReading) -> None:
    """Set the outcome of what tells one: closings, returns, and what a broker refuses or takes back."""
    code = reading.arguments.get("reply_code")
    name = reading.method.name
    if code is not None:
        reading.status = REPLY_CODES.get(code, str(code) if code >= 300 else "OK")
        reading.failed = code >= 300
    elif name == "Connection.Blocked":
        reading.status, reading.failed = "BLOCKED", True
    elif name in ("Basic.Nack", "Basic.Cancel"):
        reading.status = "NACK" if name == "Basic.Nack" else "CANCELLED"
        reading.failed = reading.by_broker = True
    elif name == "Channel.Flow" and not reading.arguments.get("active", True):
        reading.status = "PAUSED"


def _summary(name: str, plan: _Plan, arguments: Arguments) -> str:
    """Name the method and what it is about: `Queue.Bind orders amq.topic orders.*`, `Channel.Close 404 NOT_FOUND`."""
    words = [word for subject in plan.subjects if (word := arguments.get(subject))]
    if "reply_code" in arguments:
        words = [str(arguments["reply_code"]), arguments.get("reply_text", ""), *words]
    elif not words and "delivery_tag" in arguments:
        words = [str(arguments["delivery_tag"])]
    elif "server_properties" in arguments:
        words = [_product(arguments["server_properties"])]
    return " ".join((name, *[word for word in words if word]))
