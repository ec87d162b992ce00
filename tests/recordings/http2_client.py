"""An HTTP/2 client over a plain socket: logs what it asked and what came back, stream by stream, as `h2` reads it.

Needs the Python package `h2`, which only the recorder uses.
"""

from __future__ import annotations

import hashlib
import socket
from typing import Any

import h2.config
import h2.connection
import h2.events

Fields = list[tuple[str, str]]


class Conversation:
    """One connection; `log` receives one dictionary a stream, in the order in which the streams ended."""

    def __init__(self, port: int, log: list[dict[str, Any]], settings: dict[int, int] | None = None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port, self.log = port, log
        self.client_port: int = self.socket.getsockname()[1]
        self.talk = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.talk.initiate_connection()
        if settings:
            self.talk.update_settings(settings)
        self.streams: dict[int, dict[str, Any]] = {}
        self.bodies: dict[int, bytes] = {}
        self.ended: dict[str, Any] | None = None
        self.flush()

    def flush(self) -> None:
        """Send what the library has ready."""
        if data := self.talk.data_to_send():
            self.socket.sendall(data)

    def ask(
        self, method: str, path: str, *headers: tuple[str, str], body: bytes = b"", trailers: Fields | None = None,
        end: bool = True, **more: Any,
    ) -> int:  # fmt: skip
        """Begin a stream and send its request, all but the end when `end` is false; gives its number."""
        number = self.talk.get_next_available_stream_id()
        fields = [(":method", method), (":scheme", "http"), (":authority", f"shop.example:{self.port}")]
        fields += [(":path", path), *headers]
        self.talk.send_headers(number, fields, end_stream=end and not body and not trailers, **more)
        self.streams[number] = {
            "client_port": self.client_port, "server_port": self.port, "stream": number, "method": method,
            "path": path, "request_headers": [list(pair) for pair in headers], "request_body_bytes": len(body),
        }  # fmt: skip
        self.bodies[number] = b""
        if body:
            self.talk.send_data(number, body, end_stream=end and not trailers)
        if trailers:
            self.talk.send_headers(number, trailers, end_stream=True)
            self.streams[number]["request_trailers"] = [list(pair) for pair in trailers]
        self.flush()
        return number

    def more(self, number: int, body: bytes, end: bool = True, pad: int | None = None) -> None:
        """Send more of a request's body."""
        self.talk.send_data(number, body, end_stream=end, pad_length=pad)
        self.streams[number]["request_body_bytes"] += len(body)
        self.flush()

    def cancel(self, number: int, code: int = 8) -> None:
        """Give a stream up."""
        self.talk.reset_stream(number, code)
        self.flush()
        self._finish(number, reset_by="client", error=code)

    def read(self) -> bool:
        """Take what came; false when the server has closed."""
        data = self.socket.recv(65536)
        if not data:
            return False
        for event in self.talk.receive_data(data):
            self._take(event)
        self.flush()
        return True

    def finish(self) -> None:
        """Read until every stream has ended."""
        while self.streams and self.read():
            pass

    def close(self) -> None:
        """Log what got no end, and close the connection."""
        for number in list(self.streams):
            self._finish(number, answered_whole=False)
        if self.ended:
            self.log.append({"client_port": self.client_port, **self.ended})
        self.socket.close()

    def _take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.PushedStreamReceived):
            fields = dict(event.headers)
            self.bodies[event.pushed_stream_id] = b""
            self.streams[event.pushed_stream_id] = {
                "client_port": self.client_port, "server_port": self.port, "stream": event.pushed_stream_id,
                "method": fields[":method"], "path": fields[":path"], "pushed": True, "request_body_bytes": 0,
            }  # fmt: skip
        elif isinstance(event, h2.events.ResponseReceived):
            fields = [list(pair) for pair in event.headers]
            self.streams[event.stream_id] |= {"status": int(dict(event.headers)[":status"]), "response_headers": fields}
        elif isinstance(event, h2.events.TrailersReceived):
            self.streams[event.stream_id]["response_trailers"] = [list(pair) for pair in event.headers]
        elif isinstance(event, h2.events.DataReceived):
            if event.stream_id in self.bodies:
                self.bodies[event.stream_id] += event.data
            self.talk.increment_flow_control_window(event.flow_controlled_length)
        elif isinstance(event, h2.events.StreamReset):
            self._finish(event.stream_id, reset_by="server", error=int(event.error_code))
        elif isinstance(event, h2.events.StreamEnded):
            self._finish(event.stream_id)
        elif isinstance(event, h2.events.ConnectionTerminated):
            debug = (event.additional_data or b"").decode()
            self.ended = {"goaway": int(event.error_code), "last_stream": event.last_stream_id, "debug": debug}

    def _finish(self, number: int, **more: Any) -> None:
        if (entry := self.streams.pop(number, None)) is None:
            return
        body = self.bodies.pop(number)
        entry |= {"response_body_bytes": len(body), "response_body_sha256": hashlib.sha256(body).hexdigest(), **more}
        self.log.append(entry)
