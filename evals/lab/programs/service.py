"""The frame of a small HTTP service in a pod: JSON answers over HTTP/1.1 with keep-alive, a health endpoint."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, object]


@dataclass(frozen=True)
class Call:
    """A request that arrived. path: without the query; body: the parsed JSON or None."""

    method: str
    path: str
    token: str
    id: str
    body: object

    @property
    def tail(self) -> str:
        """The last part of the path."""
        return self.path.rstrip("/").rpartition("/")[2]

    def onward(self) -> dict[str, str]:
        """Return the headers that a call made on behalf of this one carries."""
        return {"X-Request-Id": self.id} if self.id else {}


class QuietServer(ThreadingHTTPServer):
    """A threading server whose kernel queue is long enough for bursts."""

    request_queue_size = 128
    daemon_threads = True


def serve(port: int, routes: dict[tuple[str, str], Callable[[Call], Answer]], name: str) -> None:
    """Serve for ever. routes: (method, path prefix) to a function that answers; the longest prefix wins."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = name
        sys_version = ""
        wbufsize = 65536
        disable_nagle_algorithm = True

        def answer(self) -> None:
            path = self.path.partition("?")[0]
            size = int(self.headers.get("Content-Length") or 0)
            content = self.rfile.read(size)
            call = Call(
                self.command,
                path,
                self.headers.get("Authorization", ""),
                self.headers.get("X-Request-Id", ""),
                json.loads(content) if content else None,
            )
            status, body = self.route(call)
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            if call.id:
                self.send_header("X-Request-Id", call.id)
            if status == 503:
                self.send_header("Retry-After", "2")
            self.end_headers()
            self.wfile.write(data)

        def route(self, call: Call) -> Answer:
            if call.path == "/healthz":
                return 200, {"status": "ok"}
            fitting = [key for key in routes if key[0] == call.method and call.path.startswith(key[1])]
            if not fitting:
                return 404, {"error": "no such resource"}
            return routes[max(fitting, key=lambda key: len(key[1]))](call)

        do_GET = do_POST = do_PUT = do_DELETE = answer

        def log_message(self, *_: object) -> None:
            """Say nothing: the callers log."""

    QuietServer(("0.0.0.0", port), Handler).serve_forever()
