"""The HTTP recordings: nginx, and a service behind it, on loopback; one small capture and one log a case."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from http_client import Conversation, request
from loopback import capture, server

NGINX, BACKEND, BEHIND = 8080, 9000, 9001
"""Ports: nginx, the backend itself, and the backend as nginx calls it, which is not captured."""
CAPTURED = f"tcp port {NGINX} or tcp port {BACKEND}"
Log = list[dict[str, Any]]
CONFIGURATION = """
daemon off; user root; worker_processes 1; pid WORK/nginx.pid; error_log WORK/error.log;
events { worker_connections 64; }
http {
  access_log off; default_type text/plain; types { text/html html; application/json json; }
  client_body_temp_path WORK/body; proxy_temp_path WORK/proxy;
  fastcgi_temp_path WORK/none; uwsgi_temp_path WORK/none; scgi_temp_path WORK/none;
  gzip on; gzip_min_length 200; gzip_types text/plain application/json; gzip_proxied any;
  server {
    listen 127.0.0.1:8080; root WORK/pages; proxy_http_version 1.1; proxy_set_header Connection $http_connection;
    proxy_set_header Upgrade $http_upgrade;
    location /app/ { proxy_pass http://127.0.0.1:9001; }
    location /small/ { client_max_body_size 1k; proxy_pass http://127.0.0.1:9001; }
    location /private/ { auth_basic "staff"; auth_basic_user_file WORK/users; }
    location /broken { return 500 "broken\\n"; }
    location /moved { return 301 /index.html; }
    location /nothing { return 204; }
    location /teapot { return 418 "short and stout\\n"; }
  }
}
"""


def keep_alive(log: Log) -> None:
    """Many kinds of answers on one connection."""
    talk = Conversation(NGINX, log)
    for method, target in (
        ("GET", "/index.html"), ("GET", "/items.json?page=2&sort=price%20asc"), ("GET", "/missing"),
        ("GET", "/private/"), ("GET", "/broken"), ("GET", "/moved"), ("GET", "/nothing"), ("GET", "/teapot"),
        ("DELETE", "/index.html"), ("OPTIONS", "/index.html"), ("GET", "/app/echo?a=1&b=%C3%A4"),
    ):  # fmt: skip
        talk.exchange(request(method, target))
    signed_in = request("GET", "/private/index.html", ("Authorization", "Basic c3RhZmY6b3Blbi1zZXNhbWU="))
    tag = dict(talk.exchange(signed_in)["response_headers"]).get("ETag", "")
    talk.exchange(request("GET", "/private/index.html", ("If-None-Match", tag), *signed_in.headers[2:]))
    talk.exchange(request("PATCH", "/app/echo", ("Content-Type", "application/json"), body=b'{"name": "caf\xc3\xa9"}'))
    talk.exchange(request("GET", "/index.html", ("Cookie", "session=abc; theme=dark"), ("Connection", "close")))
    talk.close()


def pipelining(log: Log) -> None:
    """Ten requests in one write, then four more cut in the middle of a header."""
    talk = Conversation(NGINX, log)
    first = [request("GET", f"/app/echo?number={number}") for number in range(8)]
    first += [request("HEAD", "/index.html"), request("POST", "/app/echo", body=b"x" * 300)]
    talk.socket.sendall(b"".join(asked.head() + asked.payload() for asked in first))
    for asked in first:
        talk.answer(asked)
    second = [request("GET", target) for target in ("/missing", "/index.html", "/broken", "/items.json")]
    joined = b"".join(asked.head() for asked in second)
    for start in range(0, len(joined), 50):
        talk.socket.sendall(joined[start : start + 50])
        time.sleep(0.005)
    for asked in second:
        talk.answer(asked)
    talk.close()


def chunked(log: Log) -> None:
    """Chunked bodies in both directions, with extensions and trailers."""
    parts = tuple(bytes([65 + number]) * (17 * number + 1) for number in range(12))
    talk = Conversation(BACKEND, log)
    talk.exchange(request("GET", "/trailers"))
    coding = ("Transfer-Encoding", "chunked")
    talk.exchange(request("POST", "/upload", coding, chunks=parts))
    talk.exchange(request("PUT", "/upload", coding, chunks=parts[:3], trailers=[("X-Checksum", "0badcafe")]))
    talk.close()
    talk = Conversation(NGINX, log)
    asked = request("POST", "/app/upload", coding, chunks=parts)
    payload = asked.payload()
    talk.socket.sendall(asked.head())
    for start in range(0, len(payload), 97):
        talk.socket.sendall(payload[start : start + 97])
        time.sleep(0.002)
    talk.answer(asked)
    talk.exchange(request("GET", "/items.json", ("Accept-Encoding", "gzip")))
    talk.close()


def codings(log: Log) -> None:
    """The same content by gzip, both kinds of deflate, and plain."""
    talk = Conversation(NGINX, log)
    for target in ("/items.json", "/text.txt"):
        for accepted in ("gzip", "identity"):
            talk.exchange(request("GET", target, ("Accept-Encoding", accepted)))
    talk.close()
    talk = Conversation(BACKEND, log)
    for target in ("/zlib", "/deflate"):
        talk.exchange(request("GET", target, ("Accept-Encoding", "deflate")))
    talk.close()


def head(log: Log) -> None:
    """Answers to HEAD carry a length and no body."""
    talk = Conversation(NGINX, log)
    for method, target in (
        ("HEAD", "/index.html"), ("GET", "/index.html"), ("HEAD", "/items.json"), ("HEAD", "/missing"),
        ("HEAD", "/private/"), ("GET", "/missing"),
    ):  # fmt: skip
        talk.exchange(request(method, target))
    talk.close()


def expect_continue(log: Log) -> None:
    """100 Continue, the refusal of a body, hints before the answer."""
    expect = ("Expect", "100-continue")
    for port, target in ((BACKEND, "/upload"), (NGINX, "/app/upload")):
        talk = Conversation(port, log)
        asked = request("POST", target, expect, body=b"a body that waits\n" * 40)
        talk.socket.sendall(asked.head())
        status = talk.interim()
        talk.socket.sendall(asked.payload())
        talk.answer(asked)
        log[-1]["interim"] = [status]
        talk.exchange(request("GET", "/after"))
        talk.close()
    talk = Conversation(NGINX, log)
    asked = request("POST", "/small/upload", expect, body=b"y" * 4000)
    talk.socket.sendall(asked.head())
    asked.body = b""
    talk.answer(asked, why="the server refused the body before it was sent")
    talk.close()
    talk = Conversation(BACKEND, log)
    talk.exchange(request("GET", "/early"))
    talk.close()


def upgrade(log: Log) -> None:
    """101, then bytes that are no HTTP; the request before it on the same connection is."""
    wanted = (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"))
    for port, target in ((BACKEND, "/upgrade"), (NGINX, "/app/upgrade")):
        talk = Conversation(port, log)
        talk.exchange(request("GET", "/app/before"))
        talk.exchange(request("GET", target, *wanted, ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")))
        for kind, data in ((0x81, b"GET / HTTP/1.1\r\n\r\n"), (0x82, bytes(range(100))), (0x88, b"\x03\xe8")):
            mask = b"\x11\x22\x33\x44"
            masked = bytes(octet ^ mask[at % 4] for at, octet in enumerate(data))
            talk.socket.sendall(bytes([kind, 0x80 | len(data)]) + mask + masked)
            talk.file.read(2 + len(data))
        talk.close()


def large_body(log: Log) -> None:
    """Bodies that take many segments, up and down."""
    talk = Conversation(NGINX, log)
    content = random.Random(1).randbytes(9000)
    talk.exchange(request("POST", "/app/upload", ("Content-Type", "application/octet-stream"), body=content))
    talk.exchange(request("GET", "/large.bin"))
    talk.exchange(request("GET", "/large.bin", ("Range", "bytes=1000-1999")))
    talk.close()


def broken_off(log: Log) -> None:
    """Connections that end before the answer does."""
    for target, why in (("/cut", "the server closed inside the body"), ("/reset", "the server reset inside the body")):
        talk = Conversation(BACKEND, log)
        asked = request("GET", target)
        talk.socket.sendall(asked.head())
        status = talk._head()[1]
        try:
            talk.file.read()
            talk.unanswered(asked, why)
        except ConnectionResetError:
            talk.unanswered(asked, f"{why} (RST)")
        log[-1]["status"] = status
        talk.close()
    talk = Conversation(BACKEND, log)
    talk.socket.sendall((asked := request("GET", "/silent")).head())
    time.sleep(0.1)
    talk.unanswered(asked, "no answer; the client closed")
    talk.close()
    talk = Conversation(NGINX, log)
    talk.socket.sendall((asked := request("GET", "/app/silent")).head())
    time.sleep(0.1)
    talk.unanswered(asked, "no answer; the client reset")
    talk.close(reset=True)
    talk = Conversation(NGINX, log)
    talk.exchange(request("GET", "/index.html"))
    talk.socket.sendall(b"GET /half HTTP/1.1\r\nHost: shop.exa")
    time.sleep(0.05)
    talk.close()


def http_1_0(log: Log) -> None:
    """HTTP/1.0, with and without keep-alive, and bodies that end with the connection."""
    for headers in ((), (("Connection", "keep-alive"),)):
        talk = Conversation(NGINX, log)
        for _ in range(1 + len(headers)):
            asked = request("GET", "/index.html", *headers)
            asked.version = "HTTP/1.0"
            talk.exchange(asked)
        talk.close()
    talk = Conversation(BACKEND, log)
    talk.exchange(request("GET", "/until-close"))
    talk.close()


def curl(log: Log) -> None:
    """Real curl: several addresses on one connection; the log is what curl wrote of it."""
    base, written = f"http://127.0.0.1:{NGINX}", "%{json}\n"
    for arguments in (
        ["--compressed", f"{base}/items.json", f"{base}/missing", f"{base}/app/echo"],
        ["-I", f"{base}/index.html"],
        ["--data-binary", "@/dev/stdin", f"{base}/app/upload"],
        ["-X", "PUT", "-H", "Expect: 100-continue", "--data", "z" * 600, f"{base}/app/upload"],
    ):
        outputs = [part for url in arguments if url.startswith(base) for part in ("-o", "/dev/null")]
        done = subprocess.run(
            ("curl", "-s", "-w", written, *outputs, *arguments),
            input=b"some text\n" * 50, capture_output=True, timeout=20, check=True,
        )  # fmt: skip
        for row in map(json.loads, done.stdout.decode().splitlines()):
            log.append({
                "client_port": row["local_port"], "server_port": row["remote_port"], "method": row["method"],
                "target": row["url"].removeprefix(base), "request_body_bytes": row["size_upload"], "answered": True,
                "status": row["response_code"], "response_coded_bytes": row["size_download"],
            })  # fmt: skip


CASES: tuple[Callable[[Log], None], ...] = (
    keep_alive, pipelining, chunked, codings, head, expect_continue, upgrade, large_body, broken_off, http_1_0, curl,
)  # fmt: skip


def prepare(work: Path) -> None:
    """Write the pages and the configuration."""
    pages = work / "pages"
    (pages / "private").mkdir(parents=True)
    (pages / "index.html").write_text("<!doctype html>\n<title>Shop</title>\n<p>Welcome.</p>\n")
    (pages / "private" / "index.html").write_text("<p>Staff only.</p>\n")
    (pages / "items.json").write_text(json.dumps([{"id": n, "name": f"Item {n}"} for n in range(60)]))
    (pages / "text.txt").write_text("All work and no play makes a dull log.\n" * 40)
    (pages / "large.bin").write_bytes(random.Random(2).randbytes(20_000))
    for path in pages.rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    (work / "users").write_text("staff:{PLAIN}open-sesame\n")
    (work / "nginx.conf").write_text(CONFIGURATION.replace("WORK", str(work)))


def record(out: Path, work: Path) -> None:
    """Record every case into `<out>/http`."""
    folder = out / "http"
    folder.mkdir(parents=True, exist_ok=True)
    prepare(work)
    nginx = ("nginx", "-p", str(work), "-c", str(work / "nginx.conf"))
    backend = (sys.executable, str(Path(__file__).with_name("http_backend.py")), str(BACKEND), str(BEHIND))
    with server(*backend, port=BACKEND), server(*nginx, port=NGINX):
        for case in CASES:
            log: Log = []
            with capture(folder / f"{case.__name__}.pcap", CAPTURED):
                case(log)
            told = {"about": (case.__doc__ or "").strip(), "calls": log}
            (folder / f"{case.__name__}.json").write_text(json.dumps(told, indent=1) + "\n")
