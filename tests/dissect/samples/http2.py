"""HTTP/2 and gRPC conversations, built frame by frame; header blocks are coded here, by a coder of a few lines."""

from __future__ import annotations

import gzip

from kubeshark_mcp.model.stream import Direction

TRANSPORT = "tcp"
CLIENT, SERVER = Direction.CLIENT, Direction.SERVER

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS, PADDED, WITH_PRIORITY = 1, 4, 8, 32

GET, POST, ROOT, HTTP, OK, NOT_FOUND = 0x82, 0x83, 0x84, 0x86, 0x88, 0x8D
"""Octets of header fields that the static table holds whole."""


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def integer(value: int, bits: int, first: int) -> bytes:
    """RFC 7541 section 5.1; first: what stands in the upper bits of the first octet."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    value -= most
    octets = [first | most]
    while value >= 0x80:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*octets, value])


def string(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return integer(len(data), 7, 0) + data


def added(name: str | int, value: str | bytes) -> bytes:
    """A literal that enters the dynamic table; a name may be an index."""
    return integer(name, 6, 0x40) if isinstance(name, int) else b"\x40" + string(name), string(value)


def literal(name: str | int, value: str | bytes, first: int = 0) -> bytes:
    """A literal that does not enter the table; first: 0x10 where it never may."""
    start = integer(name, 4, first) if isinstance(name, int) else bytes([first]) + string(name)
    return start + string(value)


def block(*parts: int | bytes | tuple[bytes, bytes]) -> bytes:
    """Join fields: an octet or an index stands for itself."""
    made = b""
    for part in parts:
        made += (
            integer(part & 0x7F, 7, 0x80)
            if isinstance(part, int)
            else part
            if isinstance(part, bytes)
            else b"".join(part)
        )
    return made


def headers(stream: int, fields: bytes, end: bool = False, flags: int = END_HEADERS) -> bytes:
    return frame(HEADERS, flags | end, stream, fields)


def data(stream: int, content: bytes = b"", end: bool = False) -> bytes:
    return frame(DATA, int(end), stream, content)


def message(content: bytes, compressed: bool = False) -> bytes:
    """A gRPC message with its prefix."""
    return bytes([compressed]) + len(content).to_bytes(4) + content


def settings(*pairs: tuple[int, int]) -> bytes:
    return frame(SETTINGS, 0, 0, b"".join(key.to_bytes(2) + value.to_bytes(4) for key, value in pairs))


AUTHORITY, PATH, CONTENT_TYPE = 1, 4, 31
ACKED = frame(SETTINGS, 1, 0)
HELLO = PREFACE + settings((3, 100), (4, 65535)) + frame(WINDOW_UPDATE, 0, 0, (1 << 20).to_bytes(4))
WELCOME = settings((1, 4096), (5, 16384))

ASK = block(GET, HTTP, added(PATH, "/orders?id=42&q=a%20b"), added(AUTHORITY, "shop:8080"), literal("cookie", "a=1"))
ASK_AGAIN = block(GET, HTTP, 63, 62, literal("cookie", "a=1"), literal("cookie", "b=2"))
ANSWER = block(OK, added(CONTENT_TYPE, "text/plain"), literal(55, "seen=1; Path=/"), literal(55, "theme=dark"))
ANSWER_AGAIN = block(OK, 62)

CALL = block(
    POST,
    HTTP,
    added(PATH, "/shop.Cart/Add"),
    added(AUTHORITY, "cart:50051"),
    added(CONTENT_TYPE, "application/grpc"),
    added("te", "trailers"),
    literal("grpc-timeout", "1H"),
)
CALL_AGAIN = block(POST, HTTP, 65, 64, 63, 62)
GRPC_OK = block(OK, added(CONTENT_TYPE, "application/grpc+proto"))
STATUS_OK = block(added("grpc-status", "0"))
STATUS_BAD = block(literal("grpc-status", "5"), literal("grpc-message", "no such cart: caf%C3%A9"))

SAMPLES: dict[str, list[tuple[Direction, bytes]]] = {
    "one after the other": [
        (CLIENT, HELLO + headers(1, ASK, end=True)),
        (SERVER, WELCOME + ACKED + headers(1, ANSWER) + data(1, b"hello ") + data(1, b"world", end=True)),
        (CLIENT, ACKED + headers(3, ASK_AGAIN) + data(3, b'{"sku": ') + data(3, b"17}", end=True)),
        (SERVER, headers(3, ANSWER_AGAIN) + data(3, b"", end=True)),
    ],
    "interleaved": [
        (CLIENT, HELLO + headers(1, ASK, end=True) + headers(3, ASK_AGAIN, end=True) + headers(5, ASK_AGAIN)),
        (SERVER, WELCOME + headers(3, ANSWER) + data(3, b"three ") + headers(1, ANSWER_AGAIN) + data(1, b"one ")),
        (CLIENT, data(5, b"upload", end=True) + frame(PING, 0, 0, b"12345678")),
        (SERVER, frame(PING, 1, 0, b"12345678") + data(3, b"3", end=True) + headers(5, block(NOT_FOUND), end=True)),
        (SERVER, data(1, b"1", end=True)),
    ],
    "padded, with priority, continued": [
        (CLIENT, HELLO + frame(PRIORITY, 0, 3, b"\0\0\0\0\x10")),
        (
            CLIENT,
            frame(HEADERS, END_STREAM | PADDED | WITH_PRIORITY, 1, b"\x03\0\0\0\0\x10" + ASK[:20] + b"\0\0\0")
            + frame(CONTINUATION, 0, 1, ASK[20:21])
            + frame(CONTINUATION, 0, 1)
            + frame(CONTINUATION, END_HEADERS, 1, ASK[21:]),
        ),
        (SERVER, WELCOME + headers(1, block(literal(8, "103"), literal("link", "</a.css>"))) + headers(1, ANSWER)),
        (SERVER, frame(DATA, PADDED, 1, b"\x05hello\0\0\0\0\0") + frame(DATA, PADDED | END_STREAM, 1, b"\x02\0\0")),
    ],
    "reset and refused": [
        (CLIENT, HELLO + headers(1, ASK, end=True) + headers(3, ASK_AGAIN, end=True) + headers(5, ASK_AGAIN, end=True)),
        (SERVER, WELCOME + headers(1, ANSWER) + data(1, b"part") + frame(RST_STREAM, 0, 1, (2).to_bytes(4))),
        (CLIENT, frame(RST_STREAM, 0, 3, (8).to_bytes(4))),
        (SERVER, frame(GOAWAY, 0, 0, (3).to_bytes(4) + (11).to_bytes(4) + b"too_many_pings")),
    ],
    "pushed": [
        (CLIENT, HELLO + headers(1, ASK, end=True)),
        (
            SERVER,
            WELCOME
            + frame(
                PUSH_PROMISE, END_HEADERS, 1, (2).to_bytes(4) + block(GET, HTTP, ROOT, literal(AUTHORITY, "shop:8080"))
            )
            + headers(1, ANSWER, end=True)
            + headers(2, ANSWER_AGAIN)
            + data(2, b"pushed", end=True),
        ),
    ],
    "large, no answer": [
        (CLIENT, HELLO + headers(1, ASK) + data(1, b"x" * 30_000) + data(1, b"y" * 9000, end=True)),
        (SERVER, WELCOME + ACKED),
    ],
    "the table is resized": [
        (CLIENT, HELLO + headers(1, ASK, end=True)),
        (SERVER, WELCOME + headers(1, ANSWER, end=True)),
        (CLIENT, headers(3, b"\x20\x3f\xe1\x1f" + block(GET, HTTP, added(PATH, "/again"), 62), end=True)),
        (SERVER, headers(3, b"\x20" + block(OK, added(CONTENT_TYPE, "text/html")), end=True)),
    ],
    "gRPC: one call and an error": [
        (CLIENT, HELLO + headers(1, CALL) + data(1, message(b"\x0a\x0217"), end=True)),
        (SERVER, WELCOME + headers(1, GRPC_OK) + data(1, message(b"\x08\x01")) + headers(1, STATUS_OK, end=True)),
        (CLIENT, ACKED + headers(3, CALL_AGAIN) + data(3, message(b""), end=True)),
        (SERVER, headers(3, GRPC_OK + STATUS_BAD, end=True)),
    ],
    "gRPC: streams, compressed, cut anywhere": [
        (CLIENT, HELLO + headers(1, CALL) + data(1, message(b"one") + message(b"two")[:3])),
        (SERVER, WELCOME + headers(1, GRPC_OK) + data(1, message(gzip.compress(b"a" * 99, mtime=0), compressed=True))),
        (CLIENT, data(1, message(b"two")[3:]) + data(1, b"", end=True)),
        (SERVER, data(1, message(b"last")) + headers(1, STATUS_OK, end=True)),
    ],
    "gRPC: given up": [
        (CLIENT, HELLO + headers(1, CALL) + data(1, message(b"slow"), end=True)),
        (SERVER, WELCOME + ACKED),
        (CLIENT, frame(RST_STREAM, 0, 1, (8).to_bytes(4))),
    ],
}
