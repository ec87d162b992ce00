"""A client for AMQP 0-9-1: publishes to a queue, or consumes one with a prefetch count. Plain login as guest."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Iterator

from clients import CallLog, dial, ends

METHOD, HEADER, BODY = 1, 2, 3
START, TUNE, OPEN_OK, CHANNEL_OK = (10, 10), (10, 30), (10, 41), (20, 11)
DECLARED, QOS_OK, CONSUME_OK, DELIVER = (50, 11), (60, 11), (60, 21), (60, 60)


def short(text: str) -> bytes:
    """Write a short string."""
    data = text.encode()
    return bytes([len(data)]) + data


def long(data: bytes) -> bytes:
    """Write a long string, or a table whose content is given."""
    return struct.pack("!I", len(data)) + data


class AmqpClient:
    """One connection with one channel. Safe for threads that publish; consuming takes the connection for itself."""

    def __init__(self, host: str, port: int, log: CallLog, patience: float = 5.0, agent: str = "") -> None:
        self.host, self.port, self.log, self.patience, self.agent = host, port, log, patience, agent
        self._socket = None
        self._known: set[str] = set()
        self._lock = threading.Lock()

    def publish(self, queue: str, text: str) -> None:
        """Publish a persistent message to a queue, which is declared first."""
        with self._lock:
            start = time.time()
            self._declare(queue)
            body = text.encode()
            header = struct.pack("!HHQH", 60, 0, len(body), 0x9000) + short("text/plain") + b"\2"
            sent = self._frame(METHOD, struct.pack("!HHH", 60, 40, 0) + short("") + short(queue) + b"\0")
            self._socket.sendall(sent + self._frame(HEADER, header) + self._frame(BODY, body))
            self._write(start, "publish", text)

    def consume(self, queue: str, prefetch: int) -> Iterator[tuple[int, str]]:
        """Give the messages of a queue as they come, each with its tag for `acknowledge`."""
        self._declare(queue)
        self._ask(struct.pack("!HHIHB", 60, 10, 0, prefetch, 0), QOS_OK)
        self._ask(struct.pack("!HHH", 60, 20, 0) + short(queue) + short("") + b"\0" + long(b""), CONSUME_OK)
        self._socket.settimeout(None)
        while True:
            data = self._read(METHOD)
            if struct.unpack_from("!HH", data) != DELIVER:
                continue
            (tag,) = struct.unpack_from("!Q", data, 5 + data[4])
            (size,) = struct.unpack_from("!Q", self._read(HEADER), 4)
            body = b""
            while len(body) < size:
                body += self._read(BODY)
            yield tag, body.decode()

    def acknowledge(self, tag: int, text: str, start: float) -> None:
        """Acknowledge a message, and log it."""
        self._socket.sendall(self._frame(METHOD, struct.pack("!HHQB", 60, 80, tag, 0)))
        self._write(start, "ack", text)

    def _write(self, start: float, method: str, text: str) -> None:
        self.log.write(
            t=round(start, 6), end=round(time.time(), 6), protocol="amqp", method=method, text=text,
            **ends(self._socket),
        )  # fmt: skip

    def _declare(self, queue: str) -> None:
        if self._socket is None:
            self._connect()
        if queue not in self._known:
            self._ask(struct.pack("!HHH", 50, 10, 0) + short(queue) + b"\2" + long(b""), DECLARED)
            self._known.add(queue)

    def _connect(self) -> None:
        self._socket = dial(self.host, self.port, self.patience)
        self._file = self._socket.makefile("rb")
        self._socket.sendall(b"AMQP\0\0\x09\x01")
        self._await(START)
        product = short("product") + b"S" + long(self.agent.encode())
        told = struct.pack("!HH", 10, 11) + long(product) + short("PLAIN") + long(b"\0guest\0guest") + short("en_US")
        self._socket.sendall(self._frame(METHOD, told, 0))
        self._await(TUNE)
        self._socket.sendall(self._frame(METHOD, struct.pack("!HHHIH", 10, 31, 16, 131_072, 0), 0))
        self._socket.sendall(self._frame(METHOD, struct.pack("!HH", 10, 40) + short("/") + short("") + b"\0", 0))
        self._await(OPEN_OK)
        self._ask(struct.pack("!HH", 20, 10) + short(""), CHANNEL_OK)

    @staticmethod
    def _frame(kind: int, payload: bytes, channel: int = 1) -> bytes:
        return struct.pack("!BHI", kind, channel, len(payload)) + payload + b"\xce"

    def _ask(self, payload: bytes, answer: tuple[int, int]) -> None:
        self._socket.sendall(self._frame(METHOD, payload))
        self._await(answer)

    def _await(self, answer: tuple[int, int]) -> None:
        found = struct.unpack_from("!HH", self._read(METHOD))
        if found != answer:
            raise ConnectionError(f"The broker said {found} instead of {answer}.")

    def _read(self, kind: int) -> bytes:
        while True:
            head = self._file.read(7)
            if len(head) < 7:
                raise ConnectionError("The broker closed the connection.")
            found, _, size = struct.unpack("!BHI", head)
            payload = self._file.read(size + 1)[:size]
            if found == kind:
                return payload
