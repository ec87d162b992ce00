"""AMQP 0-9-1: every method with its arguments, RabbitMQ's extensions included.

Source: AMQP 0-9-1 specification, https://www.rabbitmq.com/resources/specs/amqp0-9-1.extended.xml. Arguments are in the
order of the wire, as `name:type`; types are octet, short, long, longlong, bit, shortstr, longstr and table.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Method:
    """One method. sender: `c` for the client, `s` for the server, `b` for both.

    replies: numbers of the methods, of the same class, that answer it. content: a header and a body follow it.
    """

    name: str
    sender: str
    arguments: tuple[tuple[str, str], ...] = ()
    replies: tuple[int, ...] = ()
    content: bool = False
    reply: bool = field(default=False)


def _method(name: str, sender: str, arguments: str = "", *replies: int, content: bool = False) -> Method:
    pairs = tuple((each.partition(":")[0], each.partition(":")[2] or "bit") for each in arguments.split())
    reply = name.endswith(("-Ok", "-Empty"))
    return Method(name, sender, pairs, replies, content, reply)


_CLOSE = "reply_code:short reply_text:shortstr class_id:short method_id:short"
_TUNE = "channel_max:short frame_max:long heartbeat:short"
_ROUTE = "ticket:short destination:shortstr source:shortstr routing_key:shortstr no_wait arguments:table"
_DELIVERY = "delivery_tag:longlong redelivered exchange:shortstr routing_key:shortstr"

METHODS: dict[tuple[int, int], Method] = {
    (10, 10): _method(
        "Connection.Start",
        "s",
        "version_major:octet version_minor:octet server_properties:table mechanisms:longstr locales:longstr",
        11,
    ),
    (10, 11): _method(
        "Connection.Start-Ok",
        "c",
        "client_properties:table mechanism:shortstr response:longstr locale:shortstr",
    ),
    (10, 20): _method("Connection.Secure", "s", "challenge:longstr", 21),
    (10, 21): _method("Connection.Secure-Ok", "c", "response:longstr"),
    (10, 30): _method("Connection.Tune", "s", _TUNE, 31),
    (10, 31): _method("Connection.Tune-Ok", "c", _TUNE),
    (10, 40): _method("Connection.Open", "c", "virtual_host:shortstr capabilities:shortstr insist", 41),
    (10, 41): _method("Connection.Open-Ok", "s", "known_hosts:shortstr"),
    (10, 50): _method("Connection.Close", "b", _CLOSE, 51),
    (10, 51): _method("Connection.Close-Ok", "b"),
    (10, 60): _method("Connection.Blocked", "b", "reason:shortstr"),
    (10, 61): _method("Connection.Unblocked", "b"),
    (10, 70): _method("Connection.Update-Secret", "c", "new_secret:longstr reason:shortstr", 71),
    (10, 71): _method("Connection.Update-Secret-Ok", "s"),
    (20, 10): _method("Channel.Open", "c", "out_of_band:shortstr", 11),
    (20, 11): _method("Channel.Open-Ok", "s", "channel_id:longstr"),
    (20, 20): _method("Channel.Flow", "b", "active", 21),
    (20, 21): _method("Channel.Flow-Ok", "b", "active"),
    (20, 40): _method("Channel.Close", "b", _CLOSE, 41),
    (20, 41): _method("Channel.Close-Ok", "b"),
    (30, 10): _method("Access.Request", "c", "realm:shortstr exclusive passive active write read", 11),
    (30, 11): _method("Access.Request-Ok", "s", "ticket:short"),
    (40, 10): _method(
        "Exchange.Declare",
        "c",
        "ticket:short exchange:shortstr type:shortstr passive durable auto_delete internal no_wait arguments:table",
        11,
    ),
    (40, 11): _method("Exchange.Declare-Ok", "s"),
    (40, 20): _method("Exchange.Delete", "c", "ticket:short exchange:shortstr if_unused no_wait", 21),
    (40, 21): _method("Exchange.Delete-Ok", "s"),
    (40, 30): _method("Exchange.Bind", "c", _ROUTE, 31),
    (40, 31): _method("Exchange.Bind-Ok", "s"),
    (40, 40): _method("Exchange.Unbind", "c", _ROUTE, 51),
    (40, 51): _method("Exchange.Unbind-Ok", "s"),
    (50, 10): _method(
        "Queue.Declare",
        "c",
        "ticket:short queue:shortstr passive durable exclusive auto_delete no_wait arguments:table",
        11,
    ),
    (50, 11): _method("Queue.Declare-Ok", "s", "queue:shortstr message_count:long consumer_count:long"),
    (50, 20): _method(
        "Queue.Bind",
        "c",
        "ticket:short queue:shortstr exchange:shortstr routing_key:shortstr no_wait arguments:table",
        21,
    ),
    (50, 21): _method("Queue.Bind-Ok", "s"),
    (50, 30): _method("Queue.Purge", "c", "ticket:short queue:shortstr no_wait", 31),
    (50, 31): _method("Queue.Purge-Ok", "s", "message_count:long"),
    (50, 40): _method("Queue.Delete", "c", "ticket:short queue:shortstr if_unused if_empty no_wait", 41),
    (50, 41): _method("Queue.Delete-Ok", "s", "message_count:long"),
    (50, 50): _method(
        "Queue.Unbind",
        "c",
        "ticket:short queue:shortstr exchange:shortstr routing_key:shortstr arguments:table",
        51,
    ),
    (50, 51): _method("Queue.Unbind-Ok", "s"),
    (60, 10): _method("Basic.Qos", "c", "prefetch_size:long prefetch_count:short global", 11),
    (60, 11): _method("Basic.Qos-Ok", "s"),
    (60, 20): _method(
        "Basic.Consume",
        "c",
        "ticket:short queue:shortstr consumer_tag:shortstr no_local no_ack exclusive no_wait arguments:table",
        21,
    ),
    (60, 21): _method("Basic.Consume-Ok", "s", "consumer_tag:shortstr"),
    (60, 30): _method("Basic.Cancel", "b", "consumer_tag:shortstr no_wait", 31),
    (60, 31): _method("Basic.Cancel-Ok", "b", "consumer_tag:shortstr"),
    (60, 40): _method(
        "Basic.Publish",
        "c",
        "ticket:short exchange:shortstr routing_key:shortstr mandatory immediate",
        content=True,
    ),
    (60, 50): _method(
        "Basic.Return",
        "s",
        "reply_code:short reply_text:shortstr exchange:shortstr routing_key:shortstr",
        content=True,
    ),
    (60, 60): _method("Basic.Deliver", "s", f"consumer_tag:shortstr {_DELIVERY}", content=True),
    (60, 70): _method("Basic.Get", "c", "ticket:short queue:shortstr no_ack", 71, 72),
    (60, 71): _method("Basic.Get-Ok", "s", f"{_DELIVERY} message_count:long", content=True),
    (60, 72): _method("Basic.Get-Empty", "s", "cluster_id:shortstr"),
    (60, 80): _method("Basic.Ack", "b", "delivery_tag:longlong multiple"),
    (60, 90): _method("Basic.Reject", "c", "delivery_tag:longlong requeue"),
    (60, 100): _method("Basic.Recover-Async", "c", "requeue"),
    (60, 110): _method("Basic.Recover", "c", "requeue", 111),
    (60, 111): _method("Basic.Recover-Ok", "s"),
    (60, 120): _method("Basic.Nack", "b", "delivery_tag:longlong multiple requeue"),
    (85, 10): _method("Confirm.Select", "c", "no_wait", 11),
    (85, 11): _method("Confirm.Select-Ok", "s"),
    (90, 10): _method("Tx.Select", "c", "", 11),
    (90, 11): _method("Tx.Select-Ok", "s"),
    (90, 20): _method("Tx.Commit", "c", "", 21),
    (90, 21): _method("Tx.Commit-Ok", "s"),
    (90, 30): _method("Tx.Rollback", "c", "", 31),
    (90, 31): _method("Tx.Rollback-Ok", "s"),
}
"""By class and method number."""

ASKED_BY: dict[tuple[int, int], int] = {
    (number, reply): name for (number, name), method in METHODS.items() for reply in method.replies
}
"""Number of the method that an answer, by class and number, belongs to."""

REPLY_CODES: dict[int, str] = {
    200: "OK",
    311: "CONTENT_TOO_LARGE",
    312: "NO_ROUTE",
    313: "NO_CONSUMERS",
    320: "CONNECTION_FORCED",
    402: "INVALID_PATH",
    403: "ACCESS_REFUSED",
    404: "NOT_FOUND",
    405: "RESOURCE_LOCKED",
    406: "PRECONDITION_FAILED",
    501: "FRAME_ERROR",
    502: "SYNTAX_ERROR",
    503: "COMMAND_INVALID",
    504: "CHANNEL_ERROR",
    505: "UNEXPECTED_FRAME",
    506: "RESOURCE_ERROR",
    530: "NOT_ALLOWED",
    540: "NOT_IMPLEMENTED",
    541: "INTERNAL_ERROR",
}
"""Names of reply codes (AMQP 0-9-1 section 1.2, constants)."""

PROPERTIES: tuple[tuple[str, str], ...] = (
    ("content_type", "shortstr"),
    ("content_encoding", "shortstr"),
    ("headers", "table"),
    ("delivery_mode", "octet"),
    ("priority", "octet"),
    ("correlation_id", "shortstr"),
    ("reply_to", "shortstr"),
    ("expiration", "shortstr"),
    ("message_id", "shortstr"),
    ("timestamp", "longlong"),
    ("type", "shortstr"),
    ("user_id", "shortstr"),
    ("app_id", "shortstr"),
    ("cluster_id", "shortstr"),
)
"""Properties of a content; the first one has the highest bit of the flags."""
