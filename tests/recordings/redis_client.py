"""A Redis client over a plain socket: RESP2 and RESP3, inline commands, pipelining; logs what it sent and got.

Replies in the log are JSON: text for simple and bulk strings (Latin-1, long ones as `{"sha256", "bytes"}`), numbers,
booleans and null as themselves, `{"error": …}`, `{"set": […]}`, `{"map": [[key, value], …]}`, `{"verbatim": …}`,
`{"big_number": …}`, `{"double": "inf"}`, `{"push": […]}`, `{"attribute": […], "value": …}`.
"""

from __future__ import annotations

import hashlib
import math
import socket
from typing import Any

LONG = 200
"""Longer strings are logged by length and hash."""


def encode(*parts: str | bytes | int) -> bytes:
    """One command as an array of bulk strings."""
    data = [part if isinstance(part, bytes) else str(part).encode() for part in parts]
    return b"*%d\r\n" % len(data) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in data)


def text(value: bytes) -> Any:
    """A string as it stands in the log."""
    if len(value) > LONG:
        return {"sha256": hashlib.sha256(value).hexdigest(), "bytes": len(value)}
    return value.decode("latin-1")


class Connection:
    """One connection; `log` receives one dictionary a command and one a message that was pushed."""

    def __init__(self, port: int, log: list[dict[str, Any]]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self.log = log
        self.client_port: int = self.socket.getsockname()[1]

    def call(self, *parts: str | bytes | int) -> Any:
        """Send one command and log its reply."""
        return self.pipeline([parts])[0]

    def pipeline(self, commands: list[tuple[str | bytes | int, ...]]) -> list[Any]:
        """Send commands in one write, then read and log their replies."""
        self.socket.sendall(b"".join(encode(*parts) for parts in commands))
        return [self.reply(*parts) for parts in commands]

    def inline(self, line: str) -> Any:
        """Send an inline command and log its reply."""
        self.socket.sendall(line.encode() + b"\r\n")
        return self.reply(*line.split(), inline=True)

    def reply(self, *parts: str | bytes | int, inline: bool = False) -> Any:
        """Read the reply of a command that was sent; messages pushed before it are logged by themselves."""
        while isinstance(value := self.read(), dict) and "push" in value:
            self.log.append({"client_port": self.client_port, "push": value["push"]})
        command = [text(part) if isinstance(part, bytes) else text(str(part).encode()) for part in parts]
        entry: dict[str, Any] = {"client_port": self.client_port, "command": command, "reply": value}
        self.log.append(entry | ({"inline": True} if inline else {}))
        return value

    def message(self) -> Any:
        """Read and log a message that comes without a command (publish and subscribe, invalidation, monitor)."""
        value = self.read()
        pushed = value["push"] if isinstance(value, dict) and "push" in value else value
        self.log.append({"client_port": self.client_port, "push": pushed})
        return value

    def unanswered(self, *parts: str | bytes | int) -> None:
        """Send a command and log that no reply is waited for."""
        self.socket.sendall(encode(*parts))
        self.log.append({"client_port": self.client_port, "command": [str(part) for part in parts], "answered": False})

    def read(self) -> Any:
        """Read one value of RESP2 or RESP3."""
        line = self.file.readline()
        if not line:
            raise ConnectionError("Redis closed the connection.")
        kind, rest = line[:1].decode(), line[1:-2]
        simple = {
            "+": lambda: text(rest),
            "-": lambda: {"error": rest.decode()},
            ":": lambda: int(rest),
            "_": lambda: None,
            "#": lambda: rest == b"t",
            ",": lambda: number if math.isfinite(number := float(rest)) else {"double": rest.decode()},
            "(": lambda: {"big_number": rest.decode()},
        }
        return simple[kind]() if kind in simple else self._long(kind, int(rest))

    def _long(self, kind: str, size: int) -> Any:
        if size < 0:
            return None
        if kind in "$!=":
            value = self.file.read(size + 2)[:-2]
            return {"$": text, "!": lambda v: {"error": v.decode()}, "=": lambda v: {"verbatim": text(v)}}[kind](value)
        if kind in "%|":
            pairs = [[self.read(), self.read()] for _ in range(size)]
            return {"map": pairs} if kind == "%" else {"attribute": pairs, "value": self.read()}
        items = [self.read() for _ in range(size)]
        return {"*": items, "~": {"set": items}, ">": {"push": items}}[kind]

    def close(self) -> None:
        """Close the connection."""
        self.file.close()
        self.socket.close()
