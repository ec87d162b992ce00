"""The service behind nginx in the HTTP recordings: codings, trailers, upgrade, and answers that break off."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import struct
import sys
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TEXT = "".join(f"line {number}: the quick brown fox jumps over the lazy dog\n" for number in range(60)).encode()
WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, 1.3."""


class Handler(BaseHTTPRequestHandler):
    """Answers by path."""

    protocol_version = "HTTP/1.1"
    server_version = "backend/1.0"
    sys_version = ""
    wbufsize = 65536
    disable_nagle_algorithm = True

    def content(self) -> bytes:
        """Read the body of the request, also a chunked one with trailers."""
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def handle_expect_100(self) -> bool:
        """Let the client go on at once: our output is buffered."""
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def plain(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        """Answer with a body of known length."""
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        """Answer by the first part of the path."""
        path = self.path.partition("?")[0].removeprefix("/app")
        answers = {
            "/zlib": lambda: self.plain(200, zlib.compress(TEXT), ("Content-Encoding", "deflate")),
            "/deflate": lambda: self.plain(200, raw_deflate(TEXT), ("Content-Encoding", "deflate")),
            "/trailers": self.trailers,
            "/upgrade": self.upgrade,
            "/until-close": self.until_close,
            "/cut": lambda: self.cut(reset=False),
            "/reset": lambda: self.cut(reset=True),
            "/silent": self.silent,
            "/early": self.early,
        }
        answers.get(path, lambda: self.plain(200, json.dumps({"path": self.path}).encode()))()

    def do_POST(self) -> None:
        """Say how much was received."""
        body = json.dumps({"received": len(self.content())}).encode()
        self.plain(201, body, ("Content-Type", "application/json"))

    do_PUT = do_PATCH = do_DELETE = do_POST

    def trailers(self) -> None:
        """Answer in chunks with an extension, and a trailer."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Trailer", "X-Checksum")
        self.end_headers()
        for start in range(0, len(TEXT), 1000):
            part = TEXT[start : start + 1000]
            self.wfile.write(b"%x;part=%d\r\n%s\r\n" % (len(part), start // 1000, part))
            self.wfile.flush()
        self.wfile.write(b"0\r\nX-Checksum: " + hashlib.sha256(TEXT).hexdigest()[:16].encode() + b"\r\n\r\n")

    def early(self) -> None:
        """Send an interim answer with hints before the answer (RFC 8297)."""
        self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        self.wfile.flush()
        self.plain(200, b"ready\n")

    def upgrade(self) -> None:
        """Switch to WebSocket and echo what arrives."""
        key = self.headers["Sec-WebSocket-Key"].encode()
        accept = base64.b64encode(hashlib.sha1(key + WEBSOCKET).digest()).decode()
        self.send_response(101)
        for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept)):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.flush()
        while head := self.rfile.read(2):
            mask = self.rfile.read(4)
            data = bytes(octet ^ mask[at % 4] for at, octet in enumerate(self.rfile.read(head[1] & 0x7F)))
            self.wfile.write(bytes([head[0], len(data)]) + data)
            self.wfile.flush()
            if head[0] & 0x0F == 8:
                break
        self.close_connection = True

    def until_close(self) -> None:
        """Answer without a length: the body ends with the connection."""
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(TEXT)
        self.close_connection = True

    def cut(self, reset: bool) -> None:
        """Promise more than is sent."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(TEXT)))
        self.end_headers()
        self.wfile.write(TEXT[:1000])
        self.wfile.flush()
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        self.close_connection = True

    def silent(self) -> None:
        """Never answer: wait until the client has gone."""
        self.rfile.read(1)
        self.close_connection = True

    def finish(self) -> None:
        """End the connection; one that was reset cannot be flushed any more."""
        try:
            super().finish()
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def raw_deflate(content: bytes) -> bytes:
    """Compress without the zlib header, as some servers understand `deflate`."""
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(content) + compressor.flush()


if __name__ == "__main__":
    servers = [ThreadingHTTPServer(("127.0.0.1", int(port)), Handler) for port in sys.argv[1:]]
    for listener in servers:
        threading.Thread(target=listener.serve_forever).start()
