"""An HTTP/1 client over a plain socket that sends exactly the bytes it is told to, and logs what it sent and got."""

from __future__ import annotations

import gzip
import hashlib
import socket
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

Headers = list[tuple[str, str]]


@dataclass
class Request:
    """One request, as bytes to send and as the log describes it."""

    method: str
    target: str
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    version: str = "HTTP/1.1"
    chunks: tuple[bytes, ...] = ()
    trailers: Headers = field(default_factory=list)

    def head(self) -> bytes:
        """Return the request line and the header fields."""
        lines = [f"{self.method} {self.target} {self.version}", *(f"{name}: {value}" for name, value in self.headers)]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def payload(self) -> bytes:
        """Return the body as it is on the wire (RFC 9112, 7.1)."""
        if not self.chunks:
            return self.body
        trailers = "".join(f"{name}: {value}\r\n" for name, value in self.trailers).encode()
        return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in self.chunks) + b"0\r\n" + trailers + b"\r\n"

    def content(self) -> bytes:
        """Return the body without its transfer coding."""
        return b"".join(self.chunks) or self.body


def request(method: str, target: str, *headers: tuple[str, str], body: bytes = b"", **more: Any) -> Request:
    """Make a request with Host, User-Agent and, where a body is given, Content-Length."""
    fields: Headers = [("Host", "shop.example"), ("User-Agent", "recorder/1.0"), *headers]
    if body:
        fields.append(("Content-Length", str(len(body))))
    return Request(method, target, fields, body, **more)


class Conversation:
    """One connection. `log` receives one dictionary a request, in the order of the requests."""

    def __init__(self, port: int, log: list[dict[str, Any]]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self.port, self.log = port, log
        self.client_port: int = self.socket.getsockname()[1]

    def exchange(self, asked: Request) -> dict[str, Any]:
        """Send a request in one piece and read its answer."""
        self.socket.sendall(asked.head() + asked.payload())
        return self.answer(asked)

    def answer(self, asked: Request, **more: Any) -> dict[str, Any]:
        """Read the next answer, with the interim answers before it, and log it with its request."""
        interim = []
        while True:
            version, status, reason, headers = self._head()
            if status >= 200 or status == 101:
                break
            interim.append(status)
        wire, trailers = self._body(asked.method, status, headers)
        content = _decoded(wire, headers)
        entry = self._entry(asked) | {
            "answered": True,
            "interim": interim,
            "response_version": version,
            "status": status,
            "reason": reason,
            "response_headers": headers,
            "response_trailers": trailers,
            "response_coded_bytes": len(wire),
            "response_body_bytes": len(content),
            "response_body_sha256": hashlib.sha256(content).hexdigest(),
        }
        self.log.append(entry | more)
        return entry

    def interim(self) -> int:
        """Read an interim answer by itself and return its status."""
        return self._head()[1]

    def unanswered(self, asked: Request, why: str) -> None:
        """Log a request that got no answer, or no whole one."""
        self.log.append(self._entry(asked) | {"answered": False, "why": why})

    def _entry(self, asked: Request) -> dict[str, Any]:
        content = asked.content()
        return {
            "client_port": self.client_port,
            "server_port": self.port,
            "method": asked.method,
            "target": asked.target,
            "request_version": asked.version,
            "request_headers": asked.headers,
            "request_trailers": asked.trailers,
            "request_body_bytes": len(content),
            "request_body_sha256": hashlib.sha256(content).hexdigest(),
        }

    def _head(self) -> tuple[str, int, str, Headers]:
        line = self.file.readline().decode("latin-1").rstrip("\r\n")
        if not line:
            raise ConnectionError("The server closed the connection instead of answering.")
        version, status, *reason = line.split(" ", 2)
        return version, int(status), "".join(reason), self._fields()

    def _fields(self) -> Headers:
        headers = []
        while line := self.file.readline().decode("latin-1").rstrip("\r\n"):
            name, _, value = line.partition(":")
            headers.append((name, value.strip()))
        return headers

    def _body(self, method: str, status: int, headers: Headers) -> tuple[bytes, Headers]:
        fields = {name.lower(): value for name, value in headers}
        if method == "HEAD" or status in {101, 204, 304}:
            return b"", []
        if "chunked" in fields.get("transfer-encoding", ""):
            return self._chunked()
        if "content-length" in fields:
            return self.file.read(int(fields["content-length"])), []
        return self.file.read(), []

    def _chunked(self) -> tuple[bytes, Headers]:
        parts = []
        while size := int(self.file.readline().partition(b";")[0], 16):
            parts.append(self.file.read(size))
            self.file.readline()
        return b"".join(parts), self._fields()

    def close(self, reset: bool = False) -> None:
        """Close the connection, with RST instead of FIN when asked."""
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.file.close()
        self.socket.close()


def _decoded(content: bytes, headers: Headers) -> bytes:
    coding = {name.lower(): value for name, value in headers}.get("content-encoding", "")
    if not content or coding in {"", "identity"}:
        return content
    if coding == "gzip":
        return gzip.decompress(content)
    # Both readings of "deflate" are met in the wild (RFC 9110, 8.4.1.2).
    return zlib.decompress(content, zlib.MAX_WBITS if content[0] & 0x0F == 8 else -zlib.MAX_WBITS)
