"""Record captures of real servers for the benchmarks: `python benchmarks/record.py KIND OUT [--packets N]`.

Kinds: `http` (nginx under wrk: keep-alive with some new connections, GET and POST, small to large answers, JSON and
HTML, gzip, 201, 204, 401 and 404), `redis` (redis-benchmark, many commands, also pipelined) and `dns` (nsd, many names
and types, also missing ones). The capture ends after exactly N packets, so that sizes are comparable. Needs root and
the programs of `scripts/install-servers.sh`; works in namespaces of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "recordings"))

from loopback import enter, server, wait_until

HTTP, REDIS, DNS = 8080, 6379, 53
NGINX = """
daemon off; user root; worker_processes 1; pid WORK/nginx.pid; error_log WORK/error.log;
events { worker_connections 256; }
http {
  access_log off; types { text/html html; application/json json; } default_type text/plain;
  client_body_temp_path WORK/body; proxy_temp_path WORK/none; fastcgi_temp_path WORK/none;
  uwsgi_temp_path WORK/none; scgi_temp_path WORK/none; keepalive_requests 500;
  gzip on; gzip_min_length 1000; gzip_types application/json;
  server {
    listen 127.0.0.1:8080 backlog=1024; root WORK/pages;
    location /api/orders { default_type application/json; return 201 '{"order": 4711, "state": "placed"}'; }
    location /api/account { return 401 "sign in first\\n"; }
    location /healthz { return 204; }
  }
}
"""
WRK = """
local choice = {{PATHS}}
local count = 0
request = function()
  count = count + 1
  local kind = count % 20
  local headers = { ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) benchmark/1.0", ["Accept"] = "*/*",
    ["Accept-Encoding"] = kind % 4 == 0 and "gzip" or "identity",
    ["X-Request-Id"] = string.format("%016x", count * 7919),
    ["Cookie"] = "session=" .. (count % 997) .. "; theme=dark" }
  if count % 200 == 0 then headers["Connection"] = "close" end
  if kind == 3 or kind == 11 then
    headers["Content-Type"] = "application/json"
    return wrk.format("POST", "/api/orders?shop=" .. (count % 9), headers, '{"item": ' .. count .. ', "count": 2}')
  end
  return wrk.format("GET", choice[count % #choice + 1] .. "?page=" .. (count % 50), headers)
end
"""


@dataclass(frozen=True, slots=True)
class Recorder:
    """A capture in the making."""

    process: subprocess.Popen[bytes]
    part: Path


@contextmanager
def capture(path: Path, packets: int, port: int) -> Iterator[Recorder]:
    """Capture on the loopback until there are `packets`; the block makes traffic meanwhile."""
    fresh = path.with_suffix(".part")
    fresh.unlink(missing_ok=True)
    listen = (
        "tcpdump",
        "-i",
        "lo",
        "-n",
        "-s",
        "0",
        "-B",
        "262144",
        "-Z",
        "root",
        "-w",
        str(fresh),
        "-c",
        str(packets),
    )
    with tempfile.NamedTemporaryFile() as said:
        process = subprocess.Popen([*listen, "port", str(port)], stderr=said)
        try:
            wait_until(lambda: b"listening on" in Path(said.name).read_bytes(), "tcpdump to listen")
            yield Recorder(process, fresh)
            wait_until(lambda: process.poll() is not None, "tcpdump to end", 10)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(30)
        if "\n0 packets dropped by kernel" not in (text := Path(said.name).read_text()):
            sys.stderr.write(f"{path.name}: {text.strip().splitlines()[-1]}\n")
    fresh.replace(path)


def http(path: Path, packets: int, work: Path) -> None:
    """Record nginx under wrk."""
    pages, paths = work / "pages", []
    pages.mkdir()
    chance = random.Random(1)
    for number in range(30):
        size = chance.choice([120, 400, 900, 1800, 6000, 20_000])
        rows = [{"id": place, "name": f"Item {chance.randrange(10_000)}"} for place in range(size // 32)]
        (pages / f"items-{number}.json").write_text(json.dumps(rows))
        paths.append(f"/items-{number}.json")
    (pages / "index.html").write_text("<!doctype html>\n<title>Shop</title>\n" + "<p>Welcome.</p>\n" * 40)
    paths += ["/index.html"] * 6 + ["/missing", "/api/account", "/healthz", "/healthz"]
    (work / "nginx.conf").write_text(NGINX.replace("WORK", str(work)))
    (work / "load.lua").write_text(WRK.replace("{{PATHS}}", "{" + ", ".join(f'"{each}"' for each in paths) + "}"))
    nginx = ("nginx", "-p", str(work), "-c", str(work / "nginx.conf"))
    load = ("wrk", "-t", "1", "-c", "24", "-d", "600", "-s", str(work / "load.lua"), f"http://127.0.0.1:{HTTP}/")
    with server(*nginx, port=HTTP), capture(path, packets, HTTP) as recorder:
        _until_done(recorder, load)


def redis(path: Path, packets: int, work: Path) -> None:
    """Record redis-server under redis-benchmark, every eighth round pipelined."""
    options = ("--save", "", "--appendonly", "no", "--dir", str(work), "--bind", "127.0.0.1")
    plain = "redis-benchmark -q -n 20000 -c 16 -r 5000 -d 64 -t set,get,incr,lpush,rpop,sadd,hset,zadd,lrange_100,mset"
    script = f"while :; do for i in 1 2 3 4 5 6 7; do {plain} -n 5000; done; {plain} -n 20000 -P 8; done"
    with server("redis-server", "--port", str(REDIS), *options, port=REDIS), capture(path, packets, REDIS) as recorder:
        _until_done(recorder, ("sh", "-c", script))


def dns(path: Path, packets: int, work: Path) -> None:
    """Record nsd, asked by several processes."""
    names = "".join(f"host{n} A 192.0.2.{n % 250 + 1}\nhost{n} AAAA 2001:db8::{n:x}\n" for n in range(2000))
    head = "$ORIGIN shop.example.\n$TTL 60\n@ SOA ns1 hostmaster 1 7200 1800 86400 60\n@ NS ns1\nns1 A 192.0.2.53\n"
    more = '@ MX 10 host1\n@ TXT "v=spf1 -all"\nwww CNAME host7\n_http._tcp SRV 0 5 80 www\n'
    (work / "shop.zone").write_text(head + more + names)
    (work / "nsd.conf").write_text(
        'server:\n  ip-address: 127.0.0.1\n  username: ""\n  chroot: ""\n  server-count: 1\n  database: ""\n'
        "  rrl-ratelimit: 0\n"
        f'  zonesdir: "{work}"\n  pidfile: "{work}/nsd.pid"\n  xfrdfile: ""\n  zonelistfile: "{work}/zone.list"\n'
        f'  xfrdir: "{work}"\nremote-control:\n  control-enable: no\nzone:\n  name: "shop.example"\n'
        '  zonefile: "shop.zone"\n'
    )
    with server("nsd", "-d", "-c", str(work / "nsd.conf"), port=DNS), capture(path, packets, DNS) as recorder:
        askers = [multiprocessing.Process(target=_ask_for_ever, args=(number,), daemon=True) for number in range(2)]
        for asker in askers:
            asker.start()
        try:
            _until_packets(recorder, lambda: all(asker.is_alive() for asker in askers))
        finally:
            for asker in askers:
                asker.kill()


def _ask_for_ever(number: int) -> None:
    chance = random.Random(number)
    fixed = [("www", 1), ("", 15), ("", 16), ("_http._tcp", 33), ("missing.svc", 1), ("missing.svc", 28)]
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as endpoint:
            endpoint.settimeout(1)
            endpoint.connect(("127.0.0.1", DNS))
            for _ in range(20):
                host = f"host{chance.randrange(2400)}"
                name, kind = chance.choice([(host, 1), (host, 1), (host, 28), chance.choice(fixed)])
                parts = [*filter(None, name.split(".")), "shop", "example"]
                labels = b"".join(bytes([len(part)]) + part.encode() for part in parts) + b"\0"
                header = struct.pack("!6H", chance.randrange(65_536), 0x0100, 1, 0, 0, 0)
                endpoint.send(header + labels + struct.pack("!HH", kind, 1))
                endpoint.recv(4096)


def _until_done(recorder: Recorder, load: tuple[str, ...]) -> None:
    """Make load until the recorder has its packets."""
    maker = subprocess.Popen(load, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        _until_packets(recorder, lambda: maker.poll() is None)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(maker.pid, signal.SIGKILL)
        maker.wait(10)


def _until_packets(recorder: Recorder, loading: Callable[[], bool]) -> None:
    """Wait until the recorder ends; RuntimeError if the load ends first or the recording makes no progress."""
    size, since = 0, time.monotonic()
    while recorder.process.poll() is None:
        if not loading():
            raise RuntimeError("The load ended before the capture had its packets.")
        if (now := recorder.part.stat().st_size) != size:
            size, since = now, time.monotonic()
        elif time.monotonic() - since > 20:
            raise RuntimeError(f"No packets for 20 s; {recorder.part.name} has {size} bytes.")
        time.sleep(0.05)


KINDS = {"http": http, "redis": redis, "dns": dns}


def main() -> None:
    """Record what the command line asks for."""
    parser = argparse.ArgumentParser(description="Record a capture of real servers (needs root).")
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("out", type=Path)
    parser.add_argument("--packets", type=int, default=300_000, help="number of packets (default 300000)")
    asked = parser.parse_args()
    needed = {"http": ("nginx", "wrk"), "redis": ("redis-server", "redis-benchmark"), "dns": ("nsd",)}[asked.kind]
    if missing := [name for name in (*needed, "tcpdump", "ss", "unshare") if shutil.which(name) is None]:
        raise SystemExit(f"Missing: {', '.join(missing)}. Run scripts/install-servers.sh first.")
    enter()
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        work = Path(folder)
        work.chmod(0o755)
        KINDS[asked.kind](asked.out, asked.packets, work)


if __name__ == "__main__":
    main()
