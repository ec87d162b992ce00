"""As much of LDAP (RFC 4511) as a simple bind and a search need, in BER with lengths below 64 kB."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

SEQUENCE, INTEGER, OCTETS, ENUMERATED, BOOLEAN = 0x30, 0x02, 0x04, 0x0A, 0x01
BIND, BOUND, UNBIND, SEARCH, FOUND, DONE, SIMPLE, EQUAL = 0x60, 0x61, 0x42, 0x63, 0x64, 0x65, 0x80, 0xA3
SUCCESS, INVALID_CREDENTIALS = 0, 49


def element(tag: int, *parts: bytes) -> bytes:
    """Write an element of parts that are written already."""
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    return bytes([tag, 0x82]) + struct.pack("!H", len(body)) + body


def number(value: int, tag: int = INTEGER) -> bytes:
    """Write a number below 32768."""
    return element(tag, bytes([value]) if value < 128 else struct.pack("!H", value))


def text(value: str, tag: int = OCTETS) -> bytes:
    """Write a string."""
    return element(tag, value.encode())


def elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Read tags and contents one after the other."""
    at = 0
    while at < len(data):
        tag, size, at = data[at], data[at + 1], at + 2
        if size > 127:
            width = size & 127
            size, at = int.from_bytes(data[at : at + width], "big"), at + width
        yield tag, data[at : at + size]
        at += size


def envelope(serial: int, operation: bytes) -> bytes:
    """Write an LDAPMessage."""
    return element(SEQUENCE, number(serial), operation)


def read(stream: Any) -> tuple[int, int, bytes]:
    """Read an LDAPMessage: its number, the tag and the content of its operation; EOFError at the end."""
    head = stream.read(2)
    if len(head) < 2:
        raise EOFError
    size = head[1]
    if size > 127:
        size = int.from_bytes(stream.read(size & 127), "big")
    (_, serial), (tag, content), *_ = elements(stream.read(size))
    return int.from_bytes(serial, "big"), tag, content


def result(tag: int, code: int, said: str = "") -> bytes:
    """Write an LDAPResult."""
    return element(tag, number(code, ENUMERATED), text(""), text(said))
