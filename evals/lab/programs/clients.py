"""What the programs in the pods share: clients that log every call they made, and the word when to make calls.

The logs are the ground truth of the recording: one line of JSON a call, written by the side that made it. Times are
Unix seconds UTC. `phase()` is read from a file that the recorder writes: `warm`, `hold` (make no calls), `run`, `stop`.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import select
import socket
import ssl
import struct
import threading
import time
from pathlib import Path

WORK = Path(os.environ.get("RECORDING_WORK", "."))
NAME = os.environ.get("RECORDING_NAME", "client")
KEEPALIVE = int(os.environ.get("RECORDING_KEEPALIVE", "0"))
"""Seconds of silence after which a database connection is probed (TCP keep-alive); 0: never."""


class CallLog:
    """Appends one JSON line a call to `<work>/calls/<name>.jsonl`; safe for threads."""

    def __init__(self, name: str = NAME) -> None:
        folder = WORK / "calls"
        folder.mkdir(exist_ok=True)
        self._file = (folder / f"{name}.jsonl").open("a", buffering=1)
        self._lock = threading.Lock()

    def write(self, **fields: object) -> None:
        """Write one call."""
        line = json.dumps(fields, separators=(",", ":"))
        with self._lock:
            self._file.write(line + "\n")


def phase() -> str:
    """Return what the recorder wants now."""
    try:
        return (WORK / "phase").read_text().strip()
    except FileNotFoundError:
        return "hold"


def wait_for_run() -> bool:
    """Wait until calls may be made; False when the recording is over."""
    while (now := phase()) == "hold":
        time.sleep(0.02)
    return now != "stop"


def pause(seconds: float) -> None:
    """Sleep, but notice within 50 ms that the recorder wants something else."""
    end, before = time.monotonic() + seconds, phase()
    while (left := end - time.monotonic()) > 0 and phase() == before:
        time.sleep(min(0.05, left))


def ends(connection: socket.socket) -> dict[str, object]:
    """Both ends of a connection as the client sees them."""
    client, server = connection.getsockname(), connection.getpeername()
    return {"client": client[0], "client_port": client[1], "server": server[0], "server_port": server[1]}


def dial(host: str, port: int, patience: float) -> socket.socket:
    """Open a TCP connection without Nagle's delay, with keep-alive probes where they are asked for."""
    connection = socket.create_connection((host, port), patience)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if KEEPALIVE:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE)
    return connection


class HttpClient:
    """A keep-alive HTTP/1.1 client for one host; a new connection after `reuse` requests. One thread only.

    patience: seconds for connecting and for each read; tls: the context of HTTPS, else plain HTTP; location: where the
    last answer redirects to; abrupt: whether it closes connections with RST, as some clients do.
    """

    def __init__(
        self, host: str, port: int, log: CallLog, agent: str, reuse: int = 50, patience: float = 5.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self.host, self.port, self.log, self.agent, self.reuse, self.patience = host, port, log, agent, reuse, patience
        self.tls = tls
        self.location, self.abrupt = "", False
        self._connection: http.client.HTTPConnection | None = None
        self._used = 0

    def call(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Make a request, log it, and return status and body. Status 0: no answer (the log names the error)."""
        start = time.time()
        text = None if body is None else json.dumps(body)
        sent = {"User-Agent": self.agent, "Accept": "application/json", **(headers or {})}
        if text is not None:
            sent["Content-Type"] = "application/json"
        known: dict[str, object] = {}
        try:
            connection = self._connected()
            known = ends(connection.sock)
            connection.request(method, path, text, sent)
            answer = connection.getresponse()
            status, content, error = answer.status, answer.read(), ""
            self.location = answer.headers.get("Location", "")
            if answer.will_close:
                self.close()
        except (OSError, http.client.HTTPException) as failure:
            status, content, error = 0, b"", f"{type(failure).__name__}: {failure}"
            self.close()
        self.log.write(
            t=round(start, 6), end=round(time.time(), 6), protocol="http", method=method,
            url=f"http{'s' if self.tls else ''}://{self._authority()}{path}", status=status, bytes=len(content),
            **({"id": sent["X-Request-Id"]} if "X-Request-Id" in sent else {}),
            **({"trace": sent["traceparent"]} if "traceparent" in sent else {}),
            **({"error": error} if error else {}), **known,
        )  # fmt: skip
        return status, content

    def use(self, connection: socket.socket) -> None:
        """Make the next calls on a connection that the caller has opened and will close."""
        self._connection = http.client.HTTPConnection(self.host, self.port, timeout=self.patience)
        self._connection.sock = connection
        self._used = 0

    def _stale(self) -> bool:
        """Whether the server has closed the idle connection: there is something to read, and it is the end."""
        sock = self._connection.sock if self._connection is not None else None
        if self.tls is not None and sock is not None:
            return False  # there may be session tickets to read
        return sock is None or bool(select.select([sock], [], [], 0)[0])

    def _authority(self) -> str:
        return self.host if self.port == (443 if self.tls else 80) else f"{self.host}:{self.port}"

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is not None and (self._used >= self.reuse or self._stale()):
            self.close()
        if self._connection is None:
            if self.tls is not None:
                self._connection = http.client.HTTPSConnection(
                    self.host, self.port, timeout=self.patience, context=self.tls
                )
            else:
                self._connection = http.client.HTTPConnection(self.host, self.port, timeout=self.patience)
            self._connection.connect()
            self._used = 0
        self._used += 1
        return self._connection

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        if self._connection is not None:
            if self.abrupt and self._connection.sock is not None:
                self._connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._connection.close()
        self._connection = None


class RedisError(Exception):
    """An error reply of Redis; its text is the reply."""


class RedisClient:
    """A RESP2 client with pipelining that keeps its connection. Safe for threads (one exchange at a time).

    When the connection fails, that is logged with status `failed` and raised as OSError; the next call opens another.
    """

    def __init__(self, host: str, port: int, log: CallLog, patience: float = 5.0) -> None:
        self.host, self.port, self.log, self.patience = host, port, log, patience
        self._socket: socket.socket | None = None
        self._buffer = b""
        self._lock = threading.Lock()

    def call(self, *command: str | bytes | int) -> object:
        """Send one command and return its reply; an error reply is raised as RedisError."""
        reply = self.pipeline([command])[0]
        if isinstance(reply, RedisError):
            raise reply
        return reply

    def pipeline(self, commands: list[tuple[str | bytes | int, ...]]) -> list[object]:
        """Send several commands in one write; error replies are returned as RedisError in their place."""
        with self._lock:
            start = time.time()
            try:
                connection = self._connected()
                connection.sendall(b"".join(map(encode, commands)))
                replies: list[object] = [self._read() for _ in commands]
            except OSError as failure:
                self._failed(start, commands, failure)
                raise
            for command, reply in zip(commands, replies, strict=True):
                failed = isinstance(reply, RedisError)
                self.log.write(
                    t=round(start, 6), end=round(time.time(), 6), protocol="redis", method=str(command[0]),
                    key=str(command[1]) if len(command) > 1 else "", status="error" if failed else "ok",
                    **({"error": str(reply)} if failed else {}), **ends(connection),
                )  # fmt: skip
            return replies

    def _failed(self, start: float, commands: list[tuple[str | bytes | int, ...]], failure: OSError) -> None:
        self.close()
        for command in commands:
            self.log.write(
                t=round(start, 6), end=round(time.time(), 6), protocol="redis", method=str(command[0]),
                status="failed", error=f"{type(failure).__name__}: {failure}",
            )  # fmt: skip

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._socket = dial(self.host, self.port, self.patience)
            self._buffer = b""
        return self._socket

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            self._more()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def _more(self) -> None:
        assert self._socket is not None
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("Redis closed the connection.")
        self._buffer += data

    def _read(self) -> object:
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"-":
            return RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return self._bulk(int(rest))
        if kind == b"*":
            return None if rest == b"-1" else [self._read() for _ in range(int(rest))]
        return rest.decode()

    def _bulk(self, size: int) -> bytes | None:
        if size < 0:
            return None
        while len(self._buffer) < size + 2:
            self._more()
        value, self._buffer = self._buffer[:size], self._buffer[size + 2 :]
        return value


def encode(command: tuple[str | bytes | int, ...]) -> bytes:
    """One command as a RESP array of bulk strings."""
    parts = [part if isinstance(part, bytes) else str(part).encode() for part in command]
    return b"".join([b"*%d\r\n" % len(parts), *(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)])


class PostgresError(RuntimeError):
    """An error of PostgreSQL; its text has the fields of the ErrorResponse."""


class PostgresClient:
    """A client for PostgreSQL's protocol 3.0, simple queries; trust or MD5 authentication. Safe for threads.

    A new connection after `reuse` statements outside a transaction. When the connection fails, that is logged with
    status `failed` and raised as OSError.
    """

    def __init__(
        self, host: str, port: int, log: CallLog, user: str = "shop", database: str = "shop", password: str = "",
        reuse: int = 100_000, patience: float = 10.0,
    ) -> None:  # fmt: skip
        self.host, self.port, self.log, self.user, self.database = host, port, log, user, database
        self.password, self.reuse, self.patience = password, reuse, patience
        self._socket: socket.socket | None = None
        self._file: object = None
        self._used = 0
        self._lock = threading.Lock()

    def query(self, sql: str) -> list[list[str | None]]:
        """Run one statement and return its rows as text; a server's error is raised as PostgresError."""
        with self._lock:
            start = time.time()
            known: dict[str, object] = {}
            try:
                connection = self._connected()
                known = ends(connection)
                rows, error = self._exchange(connection, sql)
                status = "error" if error else "ok"
            except PostgresError as failure:
                rows, error, status = [], str(failure), "refused"
            except OSError as failure:
                self.close()
                self._write(start, sql, "failed", f"{type(failure).__name__}: {failure}", known)
                raise
            self._write(start, sql, status, error, known)
            if error:
                raise PostgresError(error)
            return rows

    def _exchange(self, connection: socket.socket, sql: str) -> tuple[list[list[str | None]], str]:
        connection.sendall(b"Q" + struct.pack("!I", len(sql.encode()) + 5) + sql.encode() + b"\0")
        return self._answer()

    def _write(self, start: float, sql: str, status: str, error: str, known: dict[str, object]) -> None:
        self.log.write(
            t=round(start, 6), end=round(time.time(), 6), protocol="postgresql", method=sql.split(maxsplit=1)[0],
            url=sql, status=status, **({"error": error} if error else {}), **known,
        )  # fmt: skip

    def close(self) -> None:
        """Close the connection; the next statement opens another."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _connected(self) -> socket.socket:
        if self._socket is not None and self._used >= self.reuse:
            self._socket.sendall(b"X\0\0\0\4")
            self.close()
        if self._socket is None:
            self._socket = dial(self.host, self.port, self.patience)
            self._file = self._socket.makefile("rb")
            pairs = f"user\0{self.user}\0database\0{self.database}\0application_name\0{NAME}\0\0".encode()
            self._socket.sendall(struct.pack("!II", len(pairs) + 8, 196608) + pairs)
            _, error = self._answer()
            self._used = 0
            if error:
                self.close()
                raise PostgresError(error)
        self._used += 1
        return self._socket

    def _answer(self) -> tuple[list[list[str | None]], str]:
        rows: list[list[str | None]] = []
        error = ""
        while True:
            head = self._file.read(5)  # type: ignore[attr-defined]
            if len(head) < 5:
                if error:
                    return rows, error
                raise ConnectionError("PostgreSQL closed the connection.")
            kind, size = struct.unpack("!cI", head)
            body = self._file.read(size - 4)  # type: ignore[attr-defined]
            if kind == b"Z":
                return rows, error
            if kind == b"D":
                rows.append(_columns(body))
            elif kind == b"E":
                error = body.replace(b"\0", b" ").decode()
            elif kind == b"R" and body[:4] == b"\0\0\0\5":
                self._send_password(body[4:8])

    def _send_password(self, salt: bytes) -> None:
        """Answer AuthenticationMD5Password: md5(md5(password + user) + salt)."""
        inner = hashlib.md5(f"{self.password}{self.user}".encode()).hexdigest()
        text = b"md5" + hashlib.md5(inner.encode() + salt).hexdigest().encode() + b"\0"
        assert self._socket is not None
        self._socket.sendall(b"p" + struct.pack("!I", len(text) + 4) + text)


def _columns(body: bytes) -> list[str | None]:
    (count,) = struct.unpack_from("!H", body)
    at, row = 2, []
    for _ in range(count):
        (size,) = struct.unpack_from("!i", body, at)
        at += 4
        row.append(None if size < 0 else body[at : at + size].decode())
        at += max(size, 0)
    return row
