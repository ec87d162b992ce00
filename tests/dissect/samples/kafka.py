"""Conversations with Kafka that the laws of every dissector are tried on."""

from __future__ import annotations

import struct

from kubeshark_mcp.model.stream import Direction

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER
TOPIC_ID = bytes(range(16))


def text(value: str | None) -> bytes:
    """Give a string with a length of two bytes."""
    return b"\xff\xff" if value is None else struct.pack(">h", len(value.encode())) + value.encode()


def compact(value: str | bytes | None) -> bytes:
    """Give a compact string or bytes; lengths up to 126."""
    data = value.encode() if isinstance(value, str) else value
    return b"\0" if data is None else bytes([len(data) + 1]) + data


def array(*items: bytes) -> bytes:
    return struct.pack(">i", len(items)) + b"".join(items)


def compact_array(*items: bytes) -> bytes:
    return bytes([len(items) + 1]) + b"".join(items)


def request(
    key: int, version: int, correlation: int, body: bytes, client_id: str | None = "shop", tags: bytes = b""
) -> bytes:
    """Give a request; tags: those of the header of a flexible version."""
    data = struct.pack(">hhi", key, version, correlation) + text(client_id) + tags + body
    return struct.pack(">i", len(data)) + data


def response(correlation: int, body: bytes, tags: bytes = b"") -> bytes:
    data = struct.pack(">i", correlation) + tags + body
    return struct.pack(">i", len(data)) + data


def batch(records: int, payload: bytes = b"payload", attributes: int = 0) -> bytes:
    """Give a record batch (magic 2) that says how many records it has."""
    rest = struct.pack(">ibIhiqqqhii", 0, 2, 0, attributes, records - 1, 0, 0, -1, -1, -1, records) + payload
    return struct.pack(">qi", 0, len(rest)) + rest


def produce(correlation: int, topic: str, records: bytes, acks: int = -1) -> bytes:
    """Give a Produce request, version 7, for partition 0."""
    partition = struct.pack(">i", 0) + struct.pack(">i", len(records)) + records
    body = text(None) + struct.pack(">hi", acks, 30000) + array(text(topic) + array(partition))
    return request(0, 7, correlation, body)


def produced(correlation: int, topic: str, error: int = 0, throttle: int = 0) -> bytes:
    """Give the response to `produce`."""
    partition = struct.pack(">ihqqq", 0, error, 42, -1, 0)
    return response(correlation, array(text(topic) + array(partition)) + struct.pack(">i", throttle))


def fetch_by_id(correlation: int) -> bytes:
    """Give a Fetch request, version 13, which names topics by id."""
    partition = struct.pack(">iiqiqi", 0, 5, 100, -1, -1, 1 << 20) + b"\0"
    body = struct.pack(">iiiibii", -1, 500, 1, 1 << 24, 0, 0, -1)
    body += compact_array(TOPIC_ID + compact_array(partition) + b"\0") + compact_array() + compact("") + b"\0"
    return request(1, 13, correlation, body, tags=b"\0")


def fetched_by_id(correlation: int, records: bytes) -> bytes:
    """Give the response to `fetch_by_id`, with a tagged field at its end."""
    partition = struct.pack(">ihqqq", 0, 0, 103, 103, 0) + compact_array() + struct.pack(">i", -1)
    length = len(records) + 1
    varint = bytes([length & 0x7F | 0x80, length >> 7]) if length > 0x7F else bytes([length])
    partition += varint + records + b"\0"
    body = struct.pack(">ihi", 0, 0, 77) + compact_array(TOPIC_ID + compact_array(partition) + b"\0")
    return response(correlation, body + b"\x01\x00\x03abc", tags=b"\0")


def metadata(correlation: int, *topics: str) -> bytes:
    """Give a Metadata request, version 1."""
    return request(3, 1, correlation, array(*[text(topic) for topic in topics]))


def described(correlation: int, topic: str, error: int = 0) -> bytes:
    """Give the response to `metadata`, with one broker, and one partition unless there is an error."""
    broker = struct.pack(">i", 1) + text("broker-1.kafka") + struct.pack(">i", 9092) + text(None)
    partition = struct.pack(">hii", 0, 0, 1) + array(struct.pack(">i", 1)) + array(struct.pack(">i", 1))
    found = struct.pack(">h", error) + text(topic) + b"\0" + (array() if error else array(partition))
    return response(correlation, array(broker) + struct.pack(">i", 1) + array(found))


def named(correlation: int, topic: str) -> bytes:
    """Give a Metadata response, version 10, in which a topic has an id."""
    found = b"\0\0" + compact(topic) + TOPIC_ID + b"\0" + compact_array() + struct.pack(">i", 0) + b"\0"
    body = struct.pack(">i", 0) + compact_array() + compact("cluster") + struct.pack(">i", 1)
    return response(correlation, body + compact_array(found) + struct.pack(">i", 0) + b"\0", tags=b"\0")


API_VERSIONS_3 = compact("librdkafka") + compact("2.3.0") + b"\0"

SAMPLES: dict[str, list[tuple[Direction, bytes]]] = {
    "records are produced": [(CLIENT, produce(1, "orders", batch(3))), (SERVER, produced(1, "orders"))],
    "a broker refuses records": [
        (CLIENT, produce(1, "orders", batch(1, attributes=4))),
        (SERVER, produced(1, "orders", error=6, throttle=250)),
    ],
    "acks of 0 bring no response": [
        (CLIENT, produce(1, "logs", batch(2), acks=0) + produce(2, "logs", batch(5), acks=0) + metadata(3, "logs")),
        (SERVER, described(3, "logs")),
    ],
    "versions are agreed on": [
        (CLIENT, request(18, 3, 1, API_VERSIONS_3, "rdkafka", tags=b"\0")),
        (SERVER, response(1, b"\0\0" + compact_array(struct.pack(">hhh", 0, 0, 9) + b"\0") + bytes(4) + b"\0")),
    ],
    "an old broker does not know the version": [
        (CLIENT, request(18, 3, 1, API_VERSIONS_3, tags=b"\0")),
        (SERVER, response(1, b"\0\x23" + array(struct.pack(">hhh", 18, 0, 0)))),
        (CLIENT, request(18, 0, 2, b"")),
        (SERVER, response(2, b"\0\0" + array(struct.pack(">hhh", 0, 0, 2), struct.pack(">hhh", 18, 0, 0)))),
    ],
    "requests are pipelined and answered in another order": [
        (CLIENT, metadata(7, "orders", "payments") + produce(8, "orders", batch(1))),
        (SERVER, produced(8, "orders") + described(7, "orders", error=5)),
    ],
    "a topic has a name and an id": [
        (CLIENT, request(3, 10, 1, compact_array(bytes(16) + compact("orders") + b"\0") + b"\1\0\0\0", tags=b"\0")),
        (SERVER, named(1, "orders")),
    ],
    "a topic is fetched by an id whose name nobody said": [
        (CLIENT, fetch_by_id(2)),
        (SERVER, fetched_by_id(2, batch(4) + batch(1))),
    ],
    "a consumer joins, commits and leaves": [
        (CLIENT, request(10, 0, 1, text("billing"))),
        (SERVER, response(1, b"\0\0" + struct.pack(">i", 1) + text("broker-1") + struct.pack(">i", 9092))),
        (
            CLIENT,
            request(
                11,
                2,
                2,
                text("billing")
                + struct.pack(">ii", 45000, 300000)
                + text("")
                + text("consumer")
                + array(text("range") + struct.pack(">i", 18) + b"\0\1" + array(text("orders")) + bytes(4)),
            ),
        ),
        (SERVER, response(2, struct.pack(">ihi", 0, 0, 4) + text("range") + text("m-1") + text("m-1") + array())),
        (
            CLIENT,
            request(
                8,
                3,
                3,
                text("billing")
                + struct.pack(">i", 4)
                + text("m-1")
                + struct.pack(">q", -1)
                + array(text("orders") + array(struct.pack(">iq", 0, 17) + text(None))),
            ),
        ),
        (SERVER, response(3, bytes(4) + array(text("orders") + array(struct.pack(">ih", 0, 27))))),
        (CLIENT, request(13, 1, 4, text("billing") + text("m-1"))),
        (SERVER, response(4, bytes(6))),
    ],
    "a client proves who it is, by the old way and the new": [
        (CLIENT, request(17, 0, 1, text("PLAIN"))),
        (SERVER, response(1, b"\0\0" + array(text("PLAIN")))),
        (CLIENT, b"\0\0\0\x0c\0alice\0secret"[:16]),
        (SERVER, bytes(4)),
        (CLIENT, request(17, 1, 2, text("PLAIN")) + request(36, 0, 3, struct.pack(">i", 12) + b"\0alice\0secre")),
        (SERVER, response(2, b"\0\0" + array(text("PLAIN")))),
        (SERVER, response(3, struct.pack(">h", 58) + text("Authentication failed") + struct.pack(">i", 0))),
    ],
    "a version is newer than those known": [
        (CLIENT, request(0, 15, 9, b"\0\0\0\0")),
        (SERVER, response(9, b"\0\0\0\0")),
    ],
    "a request stays unanswered": [(CLIENT, request(12, 0, 5, text("billing") + bytes(4) + text("m-1")))],
    "a long batch is produced": [
        (CLIENT, produce(1, "orders", batch(200, b"x" * 3000))),
        (SERVER, produced(1, "orders")),
    ],
}

TRANSPORT = "tcp"
