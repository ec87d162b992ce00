"""Conversations with PostgreSQL that the laws of every dissector are tried on."""

from __future__ import annotations

import struct

from kubeshark_mcp.model.stream import Direction

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER
IDLE, IN_TRANSACTION, FAILED = (b"Z\0\0\0\x05" + state for state in (b"I", b"T", b"E"))
SYNC = b"S\0\0\0\x04"
PARSED, BOUND, CLOSED, NO_DATA = (kind + b"\0\0\0\x04" for kind in (b"1", b"2", b"3", b"n"))


def message(kind: str, *parts: bytes | str | int) -> bytes:
    """Give a message: text ends with a zero, a number has two bytes."""
    body = b"".join(
        part if isinstance(part, bytes) else struct.pack(">h", part) if isinstance(part, int) else part.encode() + b"\0"
        for part in parts
    )
    return kind.encode() + struct.pack(">I", len(body) + 4) + body


def start(**parameters: str) -> bytes:
    """Give a StartupMessage."""
    body = b"".join(f"{name}\0{value}\0".encode() for name, value in parameters.items()) + b"\0"
    return struct.pack(">II", len(body) + 8, 196608) + body


def request(code: int, *numbers: int) -> bytes:
    """Give a message without a kind that has a code."""
    return struct.pack(f">II{len(numbers)}I", 8 + 4 * len(numbers), code, *numbers)


SSL, GSS = request(80877103), request(80877104)


def query(text: str) -> bytes:
    """Give a simple query."""
    return message("Q", text)


def columns(*names: str) -> bytes:
    """Give a RowDescription of text columns."""
    return message(
        "T", len(names), *(name.encode() + b"\0" + struct.pack(">IhIhih", 0, 0, 25, -1, -1, 0) for name in names)
    )


def row(*values: str | bytes | None) -> bytes:
    """Give a DataRow."""
    body = struct.pack(">h", len(values))
    for value in values:
        data = value.encode() if isinstance(value, str) else value
        body += struct.pack(">i", -1) if data is None else struct.pack(">i", len(data)) + data
    return message("D", body)


def done(tag: str) -> bytes:
    """Give a CommandComplete."""
    return message("C", tag)


def error(code: str, text: str, severity: str = "ERROR", kind: str = "E") -> bytes:
    """Give an ErrorResponse, or a NoticeResponse."""
    return message(kind, f"S{severity}", f"V{severity}", f"C{code}", f"M{text}", b"\0")


def parse(name: str, text: str) -> bytes:
    """Give a Parse."""
    return message("P", name, text, 0)


def bind(statement: str, *values: str, portal: str = "") -> bytes:
    """Give a Bind."""
    data = b"".join(struct.pack(">i", len(value)) + value.encode() for value in values)
    return message("B", portal, statement, 0, len(values), data, 0)


def execute(portal: str = "", limit: int = 0) -> bytes:
    """Give an Execute."""
    return message("E", portal, struct.pack(">i", limit))


def describe(kind: str, name: str = "") -> bytes:
    """Give a Describe of a statement (S) or a portal (P)."""
    return message("D", kind.encode() + name.encode() + b"\0")


def authentication(code: int, data: bytes = b"") -> bytes:
    """Give an authentication request."""
    return message("R", struct.pack(">I", code), data)


LOGIN = start(user="app", database="shop", application_name="orders")
WELCOME = (
    authentication(0)
    + message("S", "server_version", "15.4")
    + message("S", "TimeZone", "UTC")
    + message("K", struct.pack(">II", 4711, 99))
    + IDLE
)

SAMPLES: dict[str, list[tuple[Direction, bytes]]] = {
    "a session begins with a password that is proved": [
        (CLIENT, LOGIN),
        (SERVER, authentication(10, b"SCRAM-SHA-256\0\0")),
        (CLIENT, message("p", "SCRAM-SHA-256", struct.pack(">i", 20), b"n,,n=,r=abcdefghijkl")),
        (SERVER, authentication(11, b"r=abc,s=def,i=4096")),
        (CLIENT, message("p", b"c=biws,r=abc,p=xyz")),
        (SERVER, authentication(12, b"v=abc") + WELCOME),
    ],
    "encryption is refused, then the role": [
        (CLIENT, SSL),
        (SERVER, b"N"),
        (CLIENT, LOGIN),
        (SERVER, error("28000", 'role "app" does not exist', "FATAL")),
    ],
    "rows are read": [
        (CLIENT, query("SELECT id, name FROM orders WHERE id < 3")),
        (SERVER, columns("id", "name") + row("1", "a") + row("2", None) + done("SELECT 2") + IDLE),
    ],
    "a statement fails": [
        (CLIENT, query("SELECT * FROM nowhere")),
        (SERVER, error("42P01", 'relation "nowhere" does not exist') + IDLE),
    ],
    "several statements are one query": [
        (CLIENT, query("BEGIN; UPDATE a SET b = 1; INSERT INTO c VALUES (1), (2)")),
        (SERVER, done("BEGIN") + done("UPDATE 3") + done("INSERT 0 2") + IN_TRANSACTION),
    ],
    "a statement is prepared, described and executed with values": [
        (CLIENT, parse("s1", "SELECT name FROM orders WHERE id = $1") + describe("S", "s1") + SYNC),
        (SERVER, PARSED + message("t", 1, struct.pack(">I", 23)) + columns("name") + IDLE),
        (CLIENT, bind("s1", "17") + execute() + SYNC),
        (SERVER, BOUND + row("tea") + done("SELECT 1") + IDLE),
    ],
    "a pipeline fails in its middle": [
        (
            CLIENT,
            parse("", "INSERT INTO a VALUES ($1)") + bind("", "1") + describe("P") + execute()
            + parse("", "SELECT 1/0") + bind("") + describe("P") + execute()
            + parse("", "SELECT 3") + bind("") + describe("P") + execute() + SYNC,
        ),
        (
            SERVER,
            PARSED + BOUND + NO_DATA + done("INSERT 0 1")
            + PARSED + BOUND + columns("x") + error("22012", "division by zero") + IDLE,
        ),
    ],
    "data is copied in": [
        (CLIENT, query("COPY orders FROM STDIN")),
        (SERVER, message("G", b"\0\0\x02\0\0\0\0")),
        (CLIENT, message("d", b"1\ta\n") + message("d", b"2\tb\n") + message("c")),
        (SERVER, done("COPY 2") + IDLE),
    ],
    "data is copied out": [
        (CLIENT, query("COPY orders TO STDOUT")),
        (SERVER, message("H", b"\0\0\x01\0\0") + message("d", b"1\ta\n") * 50 + message("c") + done("COPY 50") + IDLE),
    ],
    "a notification comes": [
        (CLIENT, query("LISTEN jobs")),
        (SERVER, done("LISTEN") + IDLE),
        (SERVER, message("A", struct.pack(">I", 42), "jobs", "job 7")),
    ],
    "a query is cancelled by another connection": [(CLIENT, request(80877102, 4711, 99))],
    "a large answer is read": [
        (CLIENT, query("SELECT data FROM blobs")),
        (SERVER, columns("data") + row(b"x" * 100_000) * 2 + row("y") * 100 + done("SELECT 102") + IDLE),
    ],
    "a session is shut down": [
        (CLIENT, query("SELECT pg_sleep(60)")),
        (SERVER, error("57P01", "terminating connection due to administrator command", "FATAL")),
    ],
}  # fmt: skip

TRANSPORT = "tcp"
