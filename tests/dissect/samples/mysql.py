"""Conversations with MySQL and MariaDB that the laws of every dissector are tried on."""

from __future__ import annotations

import struct
import zlib

from kubeshark_mcp.model.stream import Direction

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER

CONNECT_WITH_DB, COMPRESS, PROTOCOL_41, SSL, SECURE = 1 << 3, 1 << 5, 1 << 9, 1 << 11, 1 << 15
PLUGIN_AUTH, CONNECT_ATTRS, SESSION_TRACK, DEPRECATE_EOF = 1 << 19, 1 << 20, 1 << 23, 1 << 24
ZSTD, QUERY_ATTRIBUTES = 1 << 26, 1 << 27
USUAL = CONNECT_WITH_DB | PROTOCOL_41 | SECURE | PLUGIN_AUTH | CONNECT_ATTRS
MORE_RESULTS, AUTOCOMMIT = 8, 2


def packet(sequence: int, payload: bytes) -> bytes:
    """Give a packet."""
    return len(payload).to_bytes(3, "little") + bytes([sequence & 0xFF]) + payload


def answer(*payloads: bytes, first: int = 1) -> bytes:
    """Give the packets of one answer."""
    return b"".join(packet(first + index, payload) for index, payload in enumerate(payloads))


def text(value: str | bytes) -> bytes:
    """Give a length-encoded string."""
    data = value.encode() if isinstance(value, str) else value
    size = len(data)
    return (bytes([size]) if size < 251 else b"\xfc" + struct.pack("<H", size)) + data


def command(code: int, body: str | bytes = b"") -> bytes:
    """Give a command."""
    return packet(0, bytes([code]) + (body.encode() if isinstance(body, str) else body))


def query(statement: str) -> bytes:
    """Give a COM_QUERY."""
    return command(3, statement)


def greeting(capabilities: int = USUAL | SESSION_TRACK, version: str = "8.0.36") -> bytes:
    """Give the server's first packet."""
    return packet(
        0,
        b"\x0a" + version.encode() + b"\0" + struct.pack("<I", 17) + b"saltsalt\0"
        + struct.pack("<HBHH", capabilities & 0xFFFF, 45, 2, capabilities >> 16)
        + b"\x15" + b"\0" * 10 + b"saltsaltsalt\0" + b"caching_sha2_password\0",
    )  # fmt: skip


def login(capabilities: int = USUAL, user: str = "app", database: str = "shop", sequence: int = 1) -> bytes:
    """Give a client's HandshakeResponse."""
    attributes = text("_client_name") + text("libmysql") + text("program_name") + text("orders")
    return packet(
        sequence,
        struct.pack("<IIB", capabilities, 1 << 24, 45) + b"\0" * 23 + user.encode() + b"\0" + b"\x04\x01\x02\x03\x04"
        + database.encode() + b"\0mysql_native_password\0" + text(attributes),
    )  # fmt: skip


def ok(affected: int = 0, insert_id: int = 0, status: int = AUTOCOMMIT, warnings: int = 0, rest: bytes = b"") -> bytes:
    """Give the payload of an OK packet."""
    return b"\0" + bytes([affected, insert_id]) + struct.pack("<HH", status, warnings) + rest


def eof(status: int = AUTOCOMMIT) -> bytes:
    """Give the payload of an EOF packet."""
    return b"\xfe" + struct.pack("<HH", 0, status)


def ended(status: int = AUTOCOMMIT) -> bytes:
    """Give the payload of the OK packet that has taken the place of EOF."""
    return b"\xfe\0\0" + struct.pack("<HH", status, 0)


def error(code: int, state: str, message: str) -> bytes:
    """Give the payload of an ERR packet."""
    return b"\xff" + struct.pack("<H", code) + f"#{state}{message}".encode()


def column(name: str) -> bytes:
    """Give the payload of a column definition."""
    return (
        text("def")
        + text("shop")
        + text("o") * 2
        + text(name) * 2
        + b"\x0c"
        + struct.pack("<HIBHBH", 45, 80, 253, 0, 0, 0)
    )


def row(*values: str) -> bytes:
    """Give the payload of a row of text."""
    return b"".join(text(value) for value in values)


def squeezed(sequence: int, data: bytes, *, plain: bool = False) -> bytes:
    """Give a compressed packet."""
    body = data if plain else zlib.compress(data)
    return (
        len(body).to_bytes(3, "little") + bytes([sequence]) + (0 if plain else len(data)).to_bytes(3, "little") + body
    )


PREPARED = b"\0" + struct.pack("<IHHBH", 3, 1, 1, 0, 0)
EXECUTE = struct.pack("<IBI", 3, 0, 1) + b"\0\x01\x03\0" + struct.pack("<I", 17)
MANY = "SELECT id, name FROM orders -- " + "x" * 300

SAMPLES: dict[str, list[tuple[Direction, bytes]]] = {
    "a session begins, by another method than the client thought": [
        (SERVER, greeting()),
        (CLIENT, login()),
        (SERVER, packet(2, b"\xfecaching_sha2_password\0saltsaltsaltsaltsalt\0")),
        (CLIENT, packet(3, b"\x01" * 32)),
        (SERVER, packet(4, b"\x01\x03") + packet(5, ok(status=AUTOCOMMIT))),
    ],
    "a login is refused": [
        (SERVER, greeting()),
        (CLIENT, login(user="mallory")),
        (SERVER, answer(error(1045, "28000", "Access denied for user 'mallory'@'10.0.0.1'"), first=2)),
    ],
    "a server is full": [(SERVER, packet(0, b"\xff\x10\x04Too many connections"))],
    "rows are read": [
        (CLIENT, query("SELECT id, name FROM orders")),
        (SERVER, answer(b"\x02", column("id"), column("name"), eof(), row("1", "a"), row("2", "b"), eof(0x22))),
    ],
    "rows are read without an EOF packet": [
        (CLIENT, query(MANY)),
        (SERVER, answer(b"\x02", column("id"), column("name"), *[row("1", "tea")] * 300, ended())),
    ],
    "a statement fails": [
        (CLIENT, query("SELECT * FROM nowhere")),
        (SERVER, answer(error(1146, "42S02", "Table 'shop.nowhere' doesn't exist"))),
    ],
    "a query has several results": [
        (CLIENT, query("UPDATE a SET b = 1; SELECT 1")),
        (SERVER, answer(ok(3, status=MORE_RESULTS), b"\x01", column("1"), eof(), row("1"), eof())),
    ],
    "a statement is prepared, executed and closed": [
        (CLIENT, command(0x16, "SELECT name FROM orders WHERE id = ?")),
        (SERVER, answer(PREPARED, column("?"), eof(), column("name"), eof())),
        (CLIENT, command(0x17, EXECUTE)),
        (SERVER, answer(b"\x01", column("name"), eof(), b"\0\0" + text("tea"), eof())),
        (CLIENT, command(0x19, struct.pack("<I", 3))),
    ],
    "a local file is loaded": [
        (CLIENT, query("LOAD DATA LOCAL INFILE 'orders.csv' INTO TABLE orders")),
        (SERVER, answer(b"\xfborders.csv")),
        (CLIENT, packet(2, b"1,tea\n2,milk\n") + packet(3, b"")),
        (SERVER, answer(ok(2, rest=b"Records: 2  Deleted: 0  Skipped: 0  Warnings: 0"), first=4)),
    ],
    "small commands are answered": [
        (CLIENT, command(0x0E)),
        (SERVER, answer(ok())),
        (CLIENT, command(0x04, b"orders\0%")),
        (SERVER, answer(column("id"), column("name"), eof())),
        (CLIENT, command(0x09)),
        (SERVER, answer(b"Uptime: 17  Threads: 2")),
        (CLIENT, command(0x01)),
    ],
    "packets are compressed after the login": [
        (CLIENT, login(USUAL | COMPRESS)),
        (SERVER, answer(ok(), first=2)),
        (CLIENT, squeezed(0, query("SELECT 1"), plain=True)),
        (SERVER, squeezed(1, answer(b"\x01", column("1"), eof(), row("1"), eof()))),
        (CLIENT, squeezed(0, query(MANY))),
        (SERVER, squeezed(1, answer(b"\x02", column("id"), column("name"), eof(), *[row("1", "tea")] * 300, eof()))),
    ],
    "packets are compressed in a way that is not read": [
        (CLIENT, login(USUAL | ZSTD)),
        (SERVER, answer(ok(), first=2)),
        (CLIENT, b"\x14\0\0\0\x30\0\0" + b"\x28\xb5\x2f\xfd" + b"z" * 16),
        (SERVER, b"\x10\0\0\x01\x40\0\0" + b"\x28\xb5\x2f\xfd" + b"z" * 12),
    ],
    "a long job reports its progress": [
        (CLIENT, query("ALTER TABLE orders ADD INDEX (name)")),
        (SERVER, answer(b"\xff\xff\xff\x01\x01\x02\x10\x27\0\x07copying", ok())),
    ],
    "large values are read": [
        (CLIENT, query("SELECT data FROM blobs")),
        (SERVER, answer(b"\x01", column("data"), eof(), *[b"\xfd\x30\x0d\x03" + b"x" * 200_000] * 2, row("y"), eof())),
    ],
}  # fmt: skip

TRANSPORT = "tcp"
