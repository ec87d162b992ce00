"""A client for PostgreSQL's extended query protocol: statements are prepared once a connection, then bound and run.

As asynchronous drivers do: Parse, Describe and Flush on first use, afterwards only Bind, Execute and Sync.
"""

from __future__ import annotations

import socket
import struct

from clients import PostgresClient


def message(kind: bytes, body: bytes) -> bytes:
    """Frame a message of the protocol."""
    return kind + struct.pack("!I", len(body) + 4) + body


class PreparedClient(PostgresClient):
    """One connection, for one thread at a time."""

    _arguments: list[str]
    _known: dict[str, str]
    _of: socket.socket | None = None

    def execute(self, text: str, arguments: list[str]) -> list[list[str | None]]:
        """Run a statement with `$1`, `$2`, ...; a server's error is raised as PostgresError."""
        self._arguments = arguments
        return self.query(text)

    def _exchange(self, connection: socket.socket, sql: str) -> tuple[list[list[str | None]], str]:
        if self._of is not connection:
            self._of, self._known = connection, {}
        if sql not in self._known:
            name = f"stmt_{len(self._known) + 1}"
            parse = message(b"P", f"{name}\0{sql}\0".encode() + struct.pack("!H", 0))
            connection.sendall(parse + message(b"D", f"S{name}\0".encode()) + message(b"H", b""))
            if error := self._described():
                connection.sendall(message(b"S", b""))
                self._answer()
                return [], error
            self._known[sql] = name
        connection.sendall(bound(self._known[sql], self._arguments))
        return self._answer()

    def _described(self) -> str:
        """Read what Parse and Describe are answered with; the error's text if there is one."""
        while True:
            kind, size = struct.unpack("!cI", self._file.read(5))  # type: ignore[attr-defined]
            body = self._file.read(size - 4)  # type: ignore[attr-defined]
            if kind == b"E":
                return body.replace(b"\0", b" ").decode()
            if kind in {b"T", b"n"}:
                return ""


def bound(name: str, arguments: list[str]) -> bytes:
    """Write Bind, Execute and Sync for a prepared statement, arguments and results as text."""
    values = b"".join(struct.pack("!I", len(text.encode())) + text.encode() for text in arguments)
    body = f"\0{name}\0".encode() + struct.pack("!HH", 0, len(arguments)) + values + struct.pack("!H", 0)
    return message(b"B", body) + message(b"E", b"\0" + struct.pack("!I", 0)) + message(b"S", b"")
