"""A gRPC service over HTTP/2 without TLS: its methods are steps. Settings: `routes`, `latency`, `fail`, `max_age`.

routes: `POST /package.Service/Method` to steps; a step that ends the call with an HTTP status gives the gRPC status
that stands for it. After `max_age` seconds a connection is asked to go (GOAWAY, no error), as balancers want it; it
closes when its calls are done. latency and fail as in `http_service.py`, with `status` a gRPC status.
"""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
import time
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.exceptions
from clients import CallLog
from grpc_client import message
from service import Call
from settings import Settings
from steps import Worker

SETTINGS = Settings()
FIRST = SETTINGS.read()
WORKER = Worker(CallLog(), FIRST["agent"])
CHANCE = random.Random(3)
UNIMPLEMENTED = 12
STATUS = {200: 0, 400: 3, 401: 16, 403: 7, 404: 5, 429: 8, 500: 13, 502: 14, 503: 14, 504: 4}


class Connection:
    """One client's connection: reads frames, answers each stream in a thread of its own."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self._lock = threading.Lock()
        self._calls: dict[int, dict[str, Any]] = {}
        self._gone: set[int] = set()

    def serve(self) -> None:
        """Serve until the client goes."""
        with contextlib.suppress(OSError, h2.exceptions.ProtocolError), self._socket:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._h2.initiate_connection()
            self._flush()
            leave_at = time.monotonic() + FIRST.get("max_age", 3600) * CHANCE.uniform(0.9, 1.1)
            while data := self._socket.recv(65536):
                with self._lock:
                    events = self._h2.receive_data(data)
                    self._flush()
                for event in events:
                    self._on(event)
                if time.monotonic() > leave_at:
                    self._leave()
                    leave_at += 3600

    def _flush(self) -> None:
        if data := self._h2.data_to_send():
            self._socket.sendall(data)

    def _leave(self) -> None:
        with self._lock:
            # A GOAWAY for what comes next; h2 itself would refuse to go on after close_connection().
            newest = max(self._calls, default=0)
            frame = struct.pack("!I", 8)[1:] + b"\x07\x00" + struct.pack("!III", 0, newest, 0)
            self._socket.sendall(frame)

    def _on(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            self._calls[event.stream_id] = dict(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            self._calls[event.stream_id]["data"] = event.data
            with self._lock:
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                self._flush()
        elif isinstance(event, h2.events.StreamEnded):
            threading.Thread(target=self._answer, args=(event.stream_id,), daemon=True).start()
        elif isinstance(event, h2.events.StreamReset):
            self._gone.add(event.stream_id)

    def _answer(self, stream: int) -> None:
        headers = self._calls[stream]
        text = headers.get("data", b"")[7:].decode(errors="replace")
        status, size = outcome(headers[":path"], text, headers.get("traceparent", ""))
        with self._lock, contextlib.suppress(OSError, h2.exceptions.ProtocolError):
            if stream in self._gone:
                return
            self._h2.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
            if status == 0:
                self._h2.send_data(stream, message("z" * size))
            self._h2.send_headers(stream, [("grpc-status", str(status))], end_stream=True)
            self._flush()


def outcome(method: str, text: str, trace: str) -> tuple[int, int]:
    """Carry out a method: its gRPC status and how long its answer is."""
    now = SETTINGS.read()
    if (slow := now.get("latency")) and CHANCE.random() < slow.get("share", 1.0):
        time.sleep(slow["seconds"] * CHANCE.uniform(0.8, 1.2))
    if (fail := now.get("fail")) and CHANCE.random() < fail.get("share", 1.0):
        return fail["status"], 0
    steps = now["routes"].get(f"POST {method}")
    if steps is None:
        return UNIMPLEMENTED, 0
    reply = WORKER.run(steps, Call("POST", f"{method}/{text}", "", "", None, trace))
    return STATUS.get(reply.status, 2), len(str(reply.body))


if __name__ == "__main__":
    with socket.create_server(("0.0.0.0", FIRST["port"]), backlog=64) as listener:
        while True:
            accepted, _ = listener.accept()
            threading.Thread(target=Connection(accepted).serve, daemon=True).start()
