"""A Diameter client that writes down what it sends and receives; python-diameter makes and reads its messages."""

from __future__ import annotations

import socket
from typing import Any

from diameter.message import Avp, Message, MessageHeader

Log = list[dict[str, Any]]

HOST, REALM = b"client.example.net", b"example.net"


def identity() -> list[Avp]:
    """Give Origin-Host and Origin-Realm."""
    return [Avp.new(264, value=HOST), Avp.new(296, value=REALM)]


class Client:
    """One connection; every request is logged with its answer, in the order of the requests."""

    def __init__(self, port: int, log: Log, address: str = "127.0.0.1") -> None:
        self._socket = socket.create_connection((address, port), 5)
        self._socket.settimeout(5)
        self._log = log
        self._open: dict[int, dict[str, Any]] = {}
        self._number = 100

    def make(self, command: int, application: int, avps: list[Avp], *, flags: int = 0xC0) -> bytes:
        """Make a request, and write it down."""
        self._number += 1
        header = MessageHeader(1, 0, flags, command, application, self._number, self._number << 8)
        data = Message(header, avps).as_bytes()
        entry = {"by": "client", "request": told(data), "answered": False, "answer": None}
        self._open[self._number] = entry
        self._log.append(entry)
        return data

    def send(self, data: bytes) -> None:
        """Send bytes as one segment, or several when they are long."""
        self._socket.sendall(data)

    def ask(self, command: int, application: int, avps: list[Avp], *, flags: int = 0xC0, wait: bool = True) -> None:
        """Send a request, and wait for its answer."""
        self.send(self.make(command, application, avps, flags=flags))
        if wait:
            self.receive()

    def receive(self) -> None:
        """Take one message; answer it when it is a request of the server."""
        data = self._read(20)
        data += self._read(int.from_bytes(data[1:4], "big") - 20)
        message = Message.from_bytes(data)
        if message.header.is_request:
            self._reply(data, message)
            return
        entry = self._open.pop(message.header.hop_by_hop_identifier)
        entry["answered"], entry["answer"] = True, told(data)

    def capabilities(self, *applications: int) -> None:
        """Exchange capabilities, as every connection has to begin."""
        vendor = [Avp.new(265, value=10415)]
        offered = [Avp.new(258, value=number) for number in applications]
        address = [Avp.new(257, value="127.0.0.1"), Avp.new(266, value=0), Avp.new(269, value="recorder")]
        self.ask(257, 0, [*identity(), *address, *vendor, *offered], flags=0x80)

    def leave(self, cause: int = 0) -> None:
        """Say that the connection ends, and end it."""
        self.ask(282, 0, [*identity(), Avp.new(273, value=cause)], flags=0x80)
        self._socket.close()

    def _reply(self, data: bytes, request: Message) -> None:
        header = request.header
        session = [Avp.new(263, value=avp.value) for avp in request.avps if avp.code == 263]
        answer = MessageHeader(
            1, 0, header.command_flags & 0x40, header.command_code, header.application_id,
            header.hop_by_hop_identifier, header.end_to_end_identifier,
        )  # fmt: skip
        reply = Message(answer, [*session, Avp.new(268, value=2001), *identity()]).as_bytes()
        self._log.append({"by": "server", "request": told(data), "answered": True, "answer": told(reply)})
        self.send(reply)

    def _read(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            part = self._socket.recv(length - len(data))
            if not part:
                raise ConnectionError("the server has closed the connection")
            data += part
        return data


def told(data: bytes) -> dict[str, Any]:
    """Word a message as python-diameter reads it."""
    message = Message.from_bytes(data, plain_msg=True)
    header, avps = message.header, message.avps
    experimental = [inner.value for avp in avps if avp.code == 297 for inner in avp.value if inner.code == 298]
    return {
        "command": header.command_code, "application": header.application_id, "length": len(data),
        "hop_by_hop": header.hop_by_hop_identifier, "end_to_end": header.end_to_end_identifier,
        "error": header.is_error, "session": first(avps, 263), "origin_host": first(avps, 264),
        "result": first(avps, 268), "experimental_result": experimental[0] if experimental else None,
        "error_message": first(avps, 281), "avps": len(avps),
    }  # fmt: skip


def first(avps: list[Avp], code: int) -> Any:
    """Give the value of the first AVP of this code, None without one."""
    found = next((avp.value for avp in avps if avp.code == code and not avp.vendor_id), None)
    return found.decode() if isinstance(found, bytes) else found
