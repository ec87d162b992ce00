"""A WebSocket client that logs messages as its own library reports frames, and one that breaks the rules."""

from __future__ import annotations

import base64
import hashlib
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.frames import Close, Frame, Opcode

Log = list[dict[str, Any]]
LONG = 200
"""Longer payloads are logged by length and hash."""
HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: chat.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Frames(logging.Handler):
    """Hears each frame that the library sends or receives, and joins fragments."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self.log = log
        self.client_port = 0
        self.path = ""
        self.open: dict[str, list[Frame]] = {"client": [], "server": []}

    def emit(self, record: logging.LogRecord) -> None:
        """Take one frame; the library tells its direction by the sign before it."""
        arguments = record.args if isinstance(record.args, tuple) else ()
        if len(arguments) != 1 or not isinstance(arguments[0], Frame):
            return
        sender = {">": "client", "<": "server"}[record.msg[0]]
        frame = arguments[0]
        if frame.opcode in {Opcode.CLOSE, Opcode.PING, Opcode.PONG}:
            self.note(sender, frame.opcode, [frame])
            return
        self.open[sender].append(frame)
        if frame.fin:
            frames, self.open[sender] = self.open[sender], []
            self.note(sender, frames[0].opcode, frames)

    def note(self, sender: str, opcode: Opcode, frames: list[Frame]) -> None:
        """Log a whole message."""
        data = b"".join(bytes(frame.data) for frame in frames)
        row: dict[str, Any] = {"client_port": self.client_port, "path": self.path, "from": sender}
        row |= {"opcode": opcode.name.lower(), "bytes": len(data), "frames": len(frames)}
        if opcode is Opcode.CLOSE and data:
            close = Close.parse(data)
            row |= {"code": int(close.code), "reason": close.reason}
        elif len(data) > LONG:
            row["sha256"] = hashlib.sha256(data).hexdigest()
        else:
            row["data"] = data.decode("utf-8") if opcode is Opcode.TEXT else data.decode("latin-1")
        self.log.append(row)


@asynccontextmanager
async def talk(port: int, path: str, log: Log, **options: Any) -> AsyncIterator[ClientConnection]:
    """Open a connection whose messages go to the log; it is closed with 1000 unless that has happened."""
    frames = Frames(log)
    logger = logging.Logger(f"client of {path}", logging.DEBUG)
    logger.addHandler(frames)
    frames.path = path.partition("?")[0]
    with socket.create_connection(("127.0.0.1", port)) as wire:
        frames.client_port = wire.getsockname()[1]
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        options = {"ping_interval": None, "max_size": 1 << 20, **options}
        async with connect(f"ws://chat.example{path}", sock=wire, logger=logger, **options) as connection:
            yield connection


def break_rules(port: int, log: Log, what: str, sent: bytes, **row: Any) -> None:
    """Send bytes behind a handshake, and log them and how the server closes. row: what the bytes are."""
    with socket.create_connection(("127.0.0.1", port), 10) as wire:
        client_port = wire.getsockname()[1]
        wire.sendall(HANDSHAKE.format(path="/plain").encode())
        received = b""
        while b"\r\n\r\n" not in received:
            received += wire.recv(4096)
        wire.sendall(sent)
        answer = received.partition(b"\r\n\r\n")[2]
        while part := wire.recv(4096):
            answer += part
    common = {"client_port": client_port, "path": "/plain"}
    log.append({**common, "from": "client", "breaks": what, "sent": base64.b64encode(sent).decode(), **row})
    while answer:
        size = answer[1]
        code, reason = int.from_bytes(answer[2:4], "big"), answer[4 : 2 + size].decode()
        row = {**common, "from": "server", "opcode": "close", "bytes": size, "frames": 1}
        log.append({**row, "code": code, "reason": reason})
        answer = answer[2 + size :]
