"""A gRPC client for unary calls over HTTP/2 without TLS (prior knowledge), one call at a time a connection."""

from __future__ import annotations

import struct
import time

import h2.config
import h2.connection
import h2.events
from clients import CallLog, dial, ends

DEADLINE_EXCEEDED, UNAVAILABLE = 4, 14
GOAWAY = 7


def message(text: str) -> bytes:
    """Frame a message as gRPC does: uncompressed, its length, and here one string field with number 1."""
    data = text.encode()[:120]
    body = b"\x0a" + bytes([len(data)]) + data
    return b"\0" + struct.pack("!I", len(body)) + body


class GrpcClient:
    """Calls methods of one server; deadline: seconds, sent as `grpc-timeout` and kept by cancelling the stream."""

    def __init__(self, host: str, port: int, log: CallLog, deadline: float, agent: str) -> None:
        self.host, self.port, self.log, self.deadline, self.agent = host, port, log, deadline, agent
        self._socket = None
        self._leaving, self._partial = False, b""

    def call(self, method: str, text: str, trace: str = "") -> int:
        """Make a unary call, log it, and return its gRPC status."""
        start = time.time()
        known: dict[str, object] = {}
        try:
            if self._socket is None or self._leaving:
                self._connect()
            known = ends(self._socket)
            status, error = self._exchange(method, text, trace, start + self.deadline), ""
        except OSError as failure:
            self._close()
            status, error = UNAVAILABLE, f"{type(failure).__name__}: {failure}"
        self.log.write(
            t=round(start, 6), end=round(time.time(), 6), protocol="grpc", method=method, status=status,
            **({"trace": trace} if trace else {}), **({"error": error} if error else {}), **known,
        )  # fmt: skip
        return status

    def _connect(self) -> None:
        self._close()
        self._socket = dial(self.host, self.port, self.deadline)
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self._h2.initiate_connection()
        self._leaving, self._partial = False, b""

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _exchange(self, method: str, text: str, trace: str, until: float) -> int:
        stream = self._h2.get_next_available_stream_id()
        headers = [
            (":method", "POST"), (":scheme", "http"), (":path", method), (":authority", self.host), ("te", "trailers"),
            ("content-type", "application/grpc"), ("user-agent", f"grpc-python/1.66 {self.agent}"),
            ("grpc-timeout", f"{int(self.deadline * 1000)}m"),
        ]  # fmt: skip
        if trace:
            headers.append(("traceparent", trace))
        self._h2.send_headers(stream, headers)
        self._h2.send_data(stream, message(text), end_stream=True)
        self._socket.sendall(self._h2.data_to_send())
        while (left := until - time.time()) > 0:
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                break
            status = self._read(data, stream)
            if status is not None:
                return status
        self._h2.reset_stream(stream, 8)
        self._socket.sendall(self._h2.data_to_send())
        return DEADLINE_EXCEEDED

    def _read(self, data: bytes, stream: int) -> int | None:
        if not data:
            raise ConnectionError("The server closed the connection.")
        status = None
        for event in self._h2.receive_data(self._without_goaway(data)):
            if isinstance(event, h2.events.DataReceived):
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            if getattr(event, "stream_id", None) == stream:
                status = outcome(event, status)
        if out := self._h2.data_to_send():
            self._socket.sendall(out)
        return status

    def _without_goaway(self, data: bytes) -> bytes:
        """Return the whole frames but GOAWAY, behind which h2 would refuse the answers to calls under way."""
        self._partial += data
        kept = b""
        while len(self._partial) >= 9:
            end = 9 + int.from_bytes(self._partial[:3], "big")
            if len(self._partial) < end:
                break
            if self._partial[3] == GOAWAY:
                self._leaving = True
            else:
                kept += self._partial[:end]
            self._partial = self._partial[end:]
        return kept


def outcome(event: h2.events.Event, status: int | None) -> int | None:
    """Return the gRPC status that an event of the stream brings, else the one so far."""
    if isinstance(event, h2.events.StreamReset):
        return UNAVAILABLE
    if isinstance(event, h2.events.TrailersReceived | h2.events.ResponseReceived):
        found = dict(event.headers).get("grpc-status")
        return status if found is None else int(found)
    return status
