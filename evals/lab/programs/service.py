"""The frame of a small HTTP service in a pod: JSON answers over HTTP/1.1 with keep-alive, a health endpoint."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import ssl
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GRACE_SECONDS = 1.2
"""After SIGTERM: time in which the answers under way go out."""

Answer = tuple[int, object]


BODILESS = (204, 304)
"""Statuses whose answers have no body (RFC 9110, 6.4.1)."""


@dataclass(frozen=True)
class Reply:
    """An answer with headers of its own."""

    status: int
    body: object
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """A request that arrived. path: without the query; body: the parsed JSON or None."""

    method: str
    path: str
    token: str
    id: str
    body: object
    trace: str = ""
    query: str = ""

    @property
    def tail(self) -> str:
        """The last part of the path."""
        return self.path.rstrip("/").rpartition("/")[2]

    def onward(self) -> dict[str, str]:
        """Return the headers that a call made on behalf of this one carries: its id, and its trace with a new span."""
        headers = {"X-Request-Id": self.id} if self.id else {}
        if self.trace.count("-") == 3:
            version, trace, _, flags = self.trace.split("-")
            headers["traceparent"] = f"{version}-{trace}-{secrets.token_hex(8)}-{flags}"
        return headers


class EndedError(Exception):
    """A step ended the call early, with this reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply.status))
        self.reply = reply


class QuietServer(ThreadingHTTPServer):
    """A threading server whose kernel queue is long enough for bursts."""

    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Tell of an error, but not of a connection that broke, such as a failed TLS handshake."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def serve(port: int, routes: dict[tuple[str, str], Callable[[Call], Answer]], name: str) -> None:
    """Serve for ever. routes: (method, path prefix) to a function that answers; the longest prefix wins."""

    def route(call: Call) -> Answer:
        if call.path == "/healthz":
            return 200, {"status": "ok"}
        fitting = [key for key in routes if key[0] == call.method and call.path.startswith(key[1])]
        if not fitting:
            return 404, {"error": "no such resource"}
        return routes[max(fitting, key=lambda key: len(key[1]))](call)

    serve_calls(port, route, name)


class CallHandler(BaseHTTPRequestHandler):
    """Turns a request into a Call and its answer into a response; subclasses set `server_version` and `route`."""

    protocol_version = "HTTP/1.1"
    sys_version = ""
    wbufsize = 65536
    disable_nagle_algorithm = True
    route: Callable[[Call], Answer | Reply]
    leaving = False
    """Whether the pod is about to end: every answer is the last of its connection."""
    before_body: Callable[[str], None] | None = None
    """Called with the path before a request's body is read."""

    def answer(self) -> None:
        """Answer one request."""
        reply = type(self).route(self.call())
        if not isinstance(reply, Reply):
            reply = Reply(*reply)
        data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(data))}
        if reply.status in BODILESS:
            data, headers = b"", {}
        if known := self.headers.get("X-Request-Id"):
            headers["X-Request-Id"] = known
        if reply.status == 503:
            headers["Retry-After"] = "2"
        if type(self).leaving:
            headers["Connection"] = "close"
        self.send_response(reply.status)
        for name, value in {**headers, **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def call(self) -> Call:
        """Read the request."""
        path, _, query = self.path.partition("?")
        if type(self).before_body is not None:
            type(self).before_body(path)
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = self.headers.get
        is_json = (found("Content-Type") or "application/json").startswith("application/json")
        return Call(
            self.command,
            path,
            found("Authorization", ""),
            found("X-Request-Id", ""),
            json.loads(content) if content and is_json else None,
            found("traceparent", ""),
            query,
        )

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def handle(self) -> None:
        """Serve a connection; a client that has gone away is no error."""
        with contextlib.suppress(OSError):
            super().handle()

    def finish(self) -> None:
        """End a connection, also one that is broken."""
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, *_: object) -> None:
        """Say nothing: the callers log."""


def serve_calls(
    port: int,
    route: Callable[[Call], Answer | Reply],
    name: str,
    tls: ssl.SSLContext | None = None,
    before_body: Callable[[str], None] | None = None,
) -> None:
    """Serve for ever what `route` answers to each call; a body of bytes is sent as it is, any other as JSON."""
    told = {"server_version": name, "route": staticmethod(route)}
    if before_body is not None:
        told["before_body"] = staticmethod(before_body)
    handler = type("Handler", (CallHandler,), told)
    server = QuietServer(("0.0.0.0", port), handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)

    def leave(*_: object) -> None:
        handler.leaving = True  # type: ignore[attr-defined]
        threading.Timer(GRACE_SECONDS, os._exit, (0,)).start()

    signal.signal(signal.SIGTERM, leave)
    server.serve_forever()
