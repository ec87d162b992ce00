"""TLS messages and records built byte by byte."""

from __future__ import annotations

import base64
from collections.abc import Iterable

CERTIFICATE = base64.b64decode(
    "MIIBXzCCAQWgAwIBAgICEjQwCgYIKoZIzj0EAwIwEjEQMA4GA1UEAwwHU2hvcCBDQTAeFw0yMzAxMDEwMDAwMDBaFw0yNDAxMDEw"
    "MDAwMDBaMCkxDTALBgNVBAoMBFNob3AxGDAWBgNVBAMMD2FwaS5leGFtcGxlLmNvbTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA"
    "BNBJi3FOFb2hfvzlRG7/6RwyAFOdeXvZKMG4khdNBCtUcxYSwBz+I/IwqJH7sdM/DXyRHiJ0Wct88FxWOVsj4ZijNDAyMDAGA1Ud"
    "EQQpMCeCD2FwaS5leGFtcGxlLmNvbYIOKi5zaG9wLmV4YW1wbGWHBAoAAAIwCgYIKoZIzj0EAwIDSAAwRQIgbTs60MK7VqZIkrV+"
    "Ezy+9WIBdtPF2W1JcIuFuP4GY2gCIQCB5OEDEx4RAe99II4OL9BDVkplwj1KsJ0C9ryXtNeNlw=="
)
"""O=Shop, CN=api.example.com, issued by CN=Shop CA for the year 2023; three alternative names; serial 1234."""

CLIENT_RANDOM, SERVER_RANDOM = bytes(range(32)), bytes(range(32, 64))
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")

Extension = tuple[int, bytes]


def vector(size: int, content: bytes) -> bytes:
    """A length of `size` bytes and the content."""
    return len(content).to_bytes(size, "big") + content


def words(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(2, "big") for number in numbers)


def message(kind: int, body: bytes = b"") -> bytes:
    """A handshake message."""
    return bytes([kind]) + vector(3, body)


def record(kind: int, body: bytes, version: int = 0x0303) -> bytes:
    return bytes([kind]) + words(version) + vector(2, body)


def handshake(*messages: bytes, version: int = 0x0303) -> bytes:
    """One record of handshake messages."""
    return record(22, b"".join(messages), version)


def server_name(name: str) -> Extension:
    return 0, vector(2, b"\0" + vector(2, name.encode()))


def alpn(*names: str) -> Extension:
    return 16, vector(2, b"".join(vector(1, name.encode()) for name in names))


def versions(*numbers: int) -> Extension:
    return 43, vector(1, words(*numbers))


def groups(*numbers: int) -> Extension:
    return 10, vector(2, words(*numbers))


def key_share(group: int = 29) -> Extension:
    return 51, words(group) + vector(2, bytes(32))


def extensions(items: Iterable[Extension]) -> bytes:
    return vector(2, b"".join(words(number) + vector(2, content) for number, content in items))


def client_hello(
    *items: Extension,
    suites: Iterable[int] = (0x1301, 0xC02F, 0x002F),
    version: int = 0x0303,
    session: bytes = b"",
    random: bytes = CLIENT_RANDOM,
) -> bytes:
    body = words(version) + random + vector(1, session) + vector(2, words(*suites)) + vector(1, b"\0")
    return message(1, body + (extensions(items) if items else b""))


def server_hello(
    *items: Extension,
    suite: int = 0xC02F,
    version: int = 0x0303,
    session: bytes = b"",
    random: bytes = SERVER_RANDOM,
) -> bytes:
    body = words(version) + random + vector(1, session) + words(suite) + b"\0"
    return message(2, body + (extensions(items) if items else b""))


def certificate(*chain: bytes) -> bytes:
    return message(11, vector(3, b"".join(vector(3, der) for der in chain)))


def ecdhe(group: int = 23) -> bytes:
    """A ServerKeyExchange on a named curve."""
    return message(12, b"\x03" + words(group) + vector(1, bytes(65)) + words(0x0403) + vector(2, bytes(70)))


def dhe(bits: int) -> bytes:
    """A ServerKeyExchange with a prime of the server's own."""
    prime = b"\xff" * (bits // 8)
    return message(12, vector(2, prime) + vector(2, b"\x02") + vector(2, prime))


def alert(level: int, code: int, version: int = 0x0303) -> bytes:
    return record(21, bytes([level, code]), version)


DONE = message(14)
CLIENT_KEY = message(16, bytes(66))
CHANGE = record(20, b"\x01")
SEALED_FINISHED = record(22, bytes(range(100, 140)))
TLS13_CLIENT = (server_name("api.example.com"), alpn("h2", "http/1.1"), versions(0x0304, 0x0303), groups(29, 23))


def sealed(length: int) -> bytes:
    """A record of TLS 1.3 that nobody can read."""
    return record(23, bytes((7 * at) & 0xFF for at in range(length)))
