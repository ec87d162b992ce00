"""The HTTP/2 recordings: nginx, nghttpd and nghttpx on loopback without TLS; one small capture and one log a case."""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopback import capture, server

if TYPE_CHECKING:
    from http2_client import Conversation

NGINX, NGHTTPD, NGHTTPX, BEHIND = 8080, 8081, 8082, 8083
"""Ports: three servers, and nginx as the third, a proxy, calls it, which is not captured."""
CAPTURED = f"tcp port {NGINX} or tcp port {NGHTTPD} or tcp port {NGHTTPX}"
Log = list[dict[str, Any]]
CONFIGURATION = """
daemon off; user root; worker_processes 1; pid WORK/nginx.pid; error_log WORK/error.log;
events { worker_connections 64; }
http {
  access_log off; default_type text/plain; types { text/html html; application/json json; }
  client_body_temp_path WORK/body; proxy_temp_path WORK/none;
  fastcgi_temp_path WORK/none; uwsgi_temp_path WORK/none; scgi_temp_path WORK/none;
  gzip on; gzip_min_length 200; gzip_types application/json; http2_max_concurrent_streams 20; http2_chunk_size 1k;
  server {
    listen 127.0.0.1:8080 http2; listen 127.0.0.1:8083 http2; root WORK/pages; keepalive_requests 30;
    location /broken { return 500 "broken\\n"; }
    location /moved { return 301 /index.html; }
    location /nothing { return 204; }
    location /session {
      add_header Set-Cookie "seen=1; Path=/"; add_header Set-Cookie "theme=dark"; return 200 "hi\\n";
    }
  }
}
"""


def talk_to(port: int, log: Log, settings: dict[int, int] | None = None) -> Conversation:
    """Begin a conversation; the client's library is needed from here on only."""
    from http2_client import Conversation

    return Conversation(port, log, settings)


def one_by_one(log: Log) -> None:
    """Many kinds of answers on one connection, so that both header tables fill and are referred to."""
    talk = talk_to(NGINX, log)
    for method, path, *headers in (
        ("GET", "/index.html"), ("GET", "/items.json?page=2&sort=price%20asc", ("accept-encoding", "gzip")),
        ("GET", "/missing"), ("GET", "/broken"), ("GET", "/moved"), ("GET", "/nothing"), ("HEAD", "/index.html"),
        ("GET", "/session", ("cookie", "session=abc"), ("cookie", "theme=dark")), ("GET", "/index.html"),
        ("DELETE", "/index.html"), ("GET", "/missing"), ("OPTIONS", "/index.html"),
    ):  # fmt: skip
        talk.ask(method, path, ("user-agent", "recorder/1"), *headers)
        talk.finish()
    talk.ask("POST", "/index.html", ("content-type", "application/json"), body=b'{"name": "caf\xc3\xa9"}')
    talk.finish()
    talk.close()


def interleaved(log: Log) -> None:
    """Many streams at once, whose answers come in pieces between one another."""
    talk = talk_to(NGINX, log)
    for number in range(12):
        talk.ask("GET", "/large.bin" if number % 4 == 0 else f"/items.json?number={number}")
    talk.finish()
    talk.close()


def header_tables(log: Log) -> None:
    """Both tables change their size, up, down and to nothing, while requests go on."""
    talk = talk_to(NGHTTPD, log)
    for size in (4096, 0, 200, 65536, 4096):
        talk.talk.update_settings({1: size})
        talk.talk.encoder.header_table_size = min(size, 4096)
        for number in range(3):
            talk.ask("GET", f"/index.html?size={size}&number={number}", ("x-request-id", f"{size:06}{number}"))
            talk.finish()
    talk.close()


def long_header(log: Log) -> None:
    """A header section that goes on in CONTINUATION frames, and padding and priority fields."""
    talk = talk_to(NGHTTPD, log)
    talk.ask("GET", "/index.html", ("x-long", "".join(random.Random(3).choices("0123456789abcdef~", k=19_000))))
    talk.finish()
    number = talk.ask("POST", "/index.html", end=False, priority_weight=200, priority_depends_on=1)
    talk.more(number, b"padded", end=False, pad=100)
    talk.more(number, b" content", pad=0)
    talk.finish()
    talk.close()


def pushed_with_trailers(log: Log) -> None:
    """The server pushes what was not asked for, and ends its answers with trailers; so does a request."""
    talk = talk_to(NGHTTPD, log)
    talk.ask("GET", "/index.html")
    talk.finish()
    talk.ask("POST", "/index.html", ("te", "trailers"), body=b"with an end", trailers=[("x-checksum", "17")])
    talk.finish()
    talk.close()


def given_up(log: Log) -> None:
    """Streams that the client resets before and after the answer begins, and one that the connection's end cuts."""
    talk = talk_to(NGINX, log, {4: 2000})
    number = talk.ask("GET", "/large.bin")
    while "status" not in talk.streams[number]:
        talk.read()
    talk.cancel(number)
    talk.cancel(talk.ask("GET", "/large.bin?at=once"), 2)
    talk.ask("GET", "/index.html")
    talk.finish()
    talk.ask("GET", "/large.bin")
    talk.read()
    talk.close()


def gone_away(log: Log) -> None:
    """A server that ends a connection after so many requests, and one that is offended."""
    nghttp(log, NGINX, *(f"/index.html?number={number}" for number in range(34)))
    talk = talk_to(NGHTTPD, log)
    talk.ask("GET", "/index.html")
    talk.finish()
    talk.socket.sendall(b"\0\0\x04\x08\0\0\0\0\0\0\0\0\0")
    while not talk.ended and talk.read():
        pass
    talk.close()


def upgraded(log: Log) -> None:
    """Real clients that ask a proxy by HTTP/1.1 to change to h2c; the logs are what they wrote of it."""
    curl(log, NGHTTPX, "--http2", "/index.html")
    curl(log, NGHTTPX, "--http2", "/missing")
    nghttp(log, NGHTTPX, "/items.json", "/index.html", "/style.css", upgrade=True)


def real_clients(log: Log) -> None:
    """Real clients with prior knowledge, for one page and for several at once."""
    curl(log, NGINX, "--http2-prior-knowledge", "/items.json?page=1")
    nghttp(log, NGINX, *(f"/items.json?number={number}" for number in range(6)), "/missing")


def curl(log: Log, port: int, how: str, path: str) -> None:
    """Let curl ask for a page, and log what it says of it."""
    command = ("curl", "-s", how, "-w", "%{json}", "-o", "/dev/null", f"http://127.0.0.1:{port}{path}")
    row = json.loads(subprocess.run(command, capture_output=True, timeout=20, check=True).stdout)
    log.append({
        "client_port": row["local_port"], "server_port": port, "method": row["method"], "path": path,
        "status": row["response_code"], "request_body_bytes": 0, "response_body_bytes": row["size_download"],
        "http_version": row["http_version"], "upgraded": how == "--http2",
    })  # fmt: skip


def nghttp(log: Log, port: int, *paths: str, upgrade: bool = False) -> None:
    """Let nghttp ask for several pages at once, and log its table; a page without a line in it got no answer."""
    urls = [f"http://127.0.0.1:{port}{path}" for path in paths]
    command = ("nghttp", "--null-out", "--stat", *(["--upgrade"] if upgrade else []), *urls)
    done = subprocess.run(command, capture_output=True, timeout=20, check=False)
    rows = {}
    for line in done.stdout.decode().splitlines():
        if (words := line.split()) and words[0].isdigit() and len(words) == 7:
            rows[words[6]] = {"stream": int(words[0]), "status": int(words[4]), "response_body_bytes": int(words[5])}
    for path in paths:
        entry = {"server_port": port, "method": "GET", "path": path, "request_body_bytes": 0, "upgraded": False}
        answer = rows.get(path, {"answered": False})
        log.append(entry | answer | {"upgraded": upgrade and answer.get("stream") == 1})


CASES: tuple[Callable[[Log], None], ...] = (
    one_by_one, interleaved, header_tables, long_header, pushed_with_trailers, given_up, gone_away, upgraded,
    real_clients,
)  # fmt: skip


def prepare(work: Path) -> Path:
    """Write the pages and the configuration; gives the folder of the pages."""
    pages = work / "pages"
    pages.mkdir()
    (pages / "index.html").write_text("<!doctype html>\n<title>Shop</title>\n<p>Welcome.</p>\n")
    (pages / "style.css").write_text("p { color: teal }\n")
    (pages / "items.json").write_text(json.dumps([{"id": n, "name": f"Item {n}"} for n in range(20)]))
    (pages / "large.bin").write_bytes(random.Random(2).randbytes(6_000))
    for path in pages.rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    (work / "nginx.conf").write_text(CONFIGURATION.replace("WORK", str(work)))
    return pages


def record(out: Path, work: Path) -> None:
    """Record every case into `<out>/http2`."""
    folder = out / "http2"
    folder.mkdir(parents=True, exist_ok=True)
    pages = prepare(work)
    nginx = ("nginx", "-p", str(work), "-c", str(work / "nginx.conf"))
    proxy = ("nghttpx", f"--frontend=127.0.0.1,{NGHTTPX};no-tls", f"--backend=127.0.0.1,{BEHIND};;proto=h2")
    nghttpd = ("nghttpd", "--no-tls", "--htdocs", str(pages), "--push=/index.html=/style.css")
    trailers = ("--trailer=x-checksum: 4711",)
    for case in CASES:
        log: Log = []
        pushing = case is pushed_with_trailers
        options = (*nghttpd, *(trailers if pushing else ())) if pushing else nghttpd[:-1]
        with (
            server(*nginx, port=NGINX),
            server(*proxy, "--workers=1", "--conf=/dev/null", port=NGHTTPX),
            server(*options, str(NGHTTPD), port=NGHTTPD),
            capture(folder / f"{case.__name__}.pcap", CAPTURED),
        ):
            case(log)
        told = {"about": (case.__doc__ or "").strip(), "calls": log}
        (folder / f"{case.__name__}.json").write_text(json.dumps(told, indent=1) + "\n")
