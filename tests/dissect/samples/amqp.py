"""Conversations with a broker that the laws of every dissector are tried on."""

from __future__ import annotations

import struct

from kubeshark_mcp.model.stream import Direction

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER
PROTOCOL_HEADER = b"AMQP\0\0\x09\x01"
HEARTBEAT = b"\x08\0\0\0\0\0\0\xce"


def frame(kind: int, channel: int, payload: bytes) -> bytes:
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce"


def method(channel: int, class_id: int, method_id: int, arguments: bytes = b"") -> bytes:
    return frame(1, channel, struct.pack(">HH", class_id, method_id) + arguments)


def short(text: str) -> bytes:
    return bytes([len(text.encode())]) + text.encode()


def long(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def table(**fields: str) -> bytes:
    """Give a table of texts."""
    return long(b"".join(short(name) + b"S" + long(value.encode()) for name, value in fields.items()))


def content(channel: int, body: bytes, flags: int = 0, properties: bytes = b"", parts: int = 1) -> bytes:
    """Give header and body frames of a content."""
    data = frame(2, channel, struct.pack(">HHQH", 60, 0, len(body), flags) + properties)
    size = -(-len(body) // parts)
    return data + b"".join(frame(3, channel, body[at : at + size]) for at in range(0, len(body), size or 1))


def publish(channel: int, exchange: str, routing_key: str, body: bytes, options: int = 0, **more: int) -> bytes:
    arguments = b"\0\0" + short(exchange) + short(routing_key) + bytes([options])
    return method(channel, 60, 40, arguments) + content(channel, body, **more)


def deliver(channel: int, tag: int, body: bytes, *, redelivered: bool = False) -> bytes:
    arguments = short("ctag1") + struct.pack(">QB", tag, redelivered) + short("amq.topic") + short("orders.new")
    properties = short("application/json") + table(traceparent="00-1-2-01") + b"\x02"
    return method(channel, 60, 60, arguments) + content(channel, body, 0xB000, properties)


def close(channel: int, class_id: int, code: int, text: str, culprit: tuple[int, int] = (0, 0)) -> bytes:
    """Give Channel.Close (20) or Connection.Close (10)."""
    number = 40 if class_id == 20 else 50
    return method(channel, class_id, number, struct.pack(">H", code) + short(text) + struct.pack(">HH", *culprit))


START = method(
    0, 10, 10, b"\0\x09" + table(product="RabbitMQ", version="3.12.1") + long(b"PLAIN AMQPLAIN") + long(b"en_US")
)
START_OK = method(
    0, 10, 11, table(product="shop", version="2") + short("PLAIN") + long(b"\0user\0secret") + short("en_US")
)
TUNE = struct.pack(">HIH", 2047, 131072, 60)

SAMPLES: dict[str, list[tuple[Direction, bytes]]] = {
    "a connection is made": [
        (CLIENT, PROTOCOL_HEADER),
        (SERVER, START),
        (CLIENT, START_OK),
        (SERVER, method(0, 10, 30, TUNE)),
        (CLIENT, method(0, 10, 31, TUNE) + method(0, 10, 40, short("/") + short("") + b"\0")),
        (SERVER, method(0, 10, 41, short(""))),
        (CLIENT, method(1, 20, 10, short(""))),
        (SERVER, method(1, 20, 11, long(b""))),
        (CLIENT, HEARTBEAT),
        (SERVER, HEARTBEAT),
        (CLIENT, close(0, 10, 200, "bye")),
        (SERVER, method(0, 10, 51)),
    ],
    "a version is refused": [(CLIENT, b"AMQP\1\1\0\x0a"), (SERVER, PROTOCOL_HEADER)],
    "queue and exchange are declared and bound": [
        (CLIENT, PROTOCOL_HEADER),
        (SERVER, START),
        (CLIENT, method(1, 50, 10, b"\0\0" + short("") + b"\x0c" + table())),
        (SERVER, method(1, 50, 11, short("amq.gen-1") + struct.pack(">II", 0, 0))),
        (CLIENT, method(1, 40, 10, b"\0\0" + short("events") + short("topic") + b"\x12" + table(x="1"))),
        (CLIENT, method(1, 50, 20, b"\0\0" + short("amq.gen-1") + short("events") + short("#") + b"\0" + table())),
        (SERVER, method(1, 50, 21)),
    ],
    "messages are published": [
        (CLIENT, PROTOCOL_HEADER + publish(1, "", "orders", b"hello")),
        (CLIENT, publish(1, "events", "orders.new", b"", options=1) + publish(2, "events", "a", b"x" * 300, parts=3)),
        (SERVER, method(1, 60, 80, struct.pack(">QB", 2, 1)) + method(2, 60, 120, struct.pack(">QB", 1, 0))),
    ],
    "messages are consumed": [
        (CLIENT, PROTOCOL_HEADER),
        (CLIENT, method(1, 60, 20, b"\0\0" + short("orders") + short("") + b"\0" + table())),
        (
            SERVER,
            method(1, 60, 21, short("ctag1")) + deliver(1, 1, b'{"id": 7}') + deliver(1, 2, b"{}", redelivered=True),
        ),
        (CLIENT, method(1, 60, 80, struct.pack(">QB", 1, 0)) + method(1, 60, 120, struct.pack(">QB", 2, 2))),
    ],
    "a queue is asked, then empty": [
        (CLIENT, PROTOCOL_HEADER + method(1, 60, 70, b"\0\0" + short("orders") + b"\1")),
        (
            SERVER,
            method(1, 60, 71, struct.pack(">QB", 1, 0) + short("") + short("orders") + struct.pack(">I", 0))
            + content(1, b"hello"),
        ),
        (CLIENT, method(1, 60, 70, b"\0\0" + short("orders") + b"\1")),
        (SERVER, method(1, 60, 72, short(""))),
    ],
    "a message cannot be routed, a channel is closed": [
        (CLIENT, PROTOCOL_HEADER + publish(1, "events", "nowhere", b"lost", options=1)),
        (
            SERVER,
            method(1, 60, 50, struct.pack(">H", 312) + short("NO_ROUTE") + short("events") + short("nowhere"))
            + content(1, b"lost"),
        ),
        (CLIENT, method(1, 50, 10, b"\0\0" + short("nope") + b"\1" + table())),
        (SERVER, close(1, 20, 404, "NOT_FOUND - no queue 'nope'", (50, 10))),
        (CLIENT, method(1, 20, 41)),
    ],
    "a broker blocks, then ends the connection": [
        (CLIENT, PROTOCOL_HEADER),
        (SERVER, method(0, 10, 60, short("low on memory")) + method(0, 10, 61)),
        (SERVER, method(1, 60, 30, short("ctag1") + b"\1") + close(0, 10, 320, "CONNECTION_FORCED - shutdown")),
        (CLIENT, method(0, 10, 51)),
    ],
    "AMQP 1.0 is recognised": [
        (CLIENT, b"AMQP\3\1\0\0"),
        (SERVER, b"AMQP\3\1\0\0" + bytes.fromhex("0000001a02010000005340c00d01e0")[:15] + bytes(11)),
        (CLIENT, bytes.fromhex("0000000c020100000053443a")[:12] + b"AMQP\0\1\0\0"),
        (SERVER, b"AMQP\0\1\0\0"),
    ],
    "a long body comes in frames": [(CLIENT, PROTOCOL_HEADER + publish(1, "", "bulk", b"b" * 6000, parts=4))],
}

TRANSPORT = "tcp"
