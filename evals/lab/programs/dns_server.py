"""The cluster's DNS server: names of services and pods, a few names outside, NXDOMAIN for all others.

Reads `<work>/zone.json` (name without final dot to a list of addresses), anew whenever it changes. A name `*.suffix`
stands for all names below. `<work>/resolver.json` may say how it behaves: `delay` (seconds before each answer),
`delay_outside` (the same, for names outside the cluster only), `silent` (share of questions that get no answer),
`failing` (names below this one get SERVFAIL).
UDP and TCP on port 53. Logs each question.
"""

from __future__ import annotations

import ipaddress
import json
import random
import socket
import socketserver
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from clients import WORK, CallLog

A, SOA, PTR, TXT, AAAA, SRV = 1, 6, 12, 16, 28, 33
TYPES = {A: "A", 5: "CNAME", SOA: "SOA", PTR: "PTR", 15: "MX", TXT: "TXT", AAAA: "AAAA", SRV: "SRV"}
SERVFAIL, NXDOMAIN = 2, 3
FIVE_SECONDS, THIRTY_SECONDS = 5, 30


def labels(name: str) -> bytes:
    """Write a name in wire format, uncompressed."""
    parts = [part.encode() for part in name.rstrip(".").split(".") if part]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def question(data: bytes) -> tuple[str, int, int]:
    """Return name, type and end of the one question of a query."""
    at, parts = 12, []
    while size := data[at]:
        parts.append(data[at + 1 : at + 1 + size].decode("latin-1"))
        at += 1 + size
    (kind,) = struct.unpack_from("!H", data, at + 1)
    return ".".join(parts), kind, at + 5


class Live:
    """A JSON object in a file that may change or be missing."""

    def __init__(self, path: Path) -> None:
        self._path, self._seen, self._content = path, -1, {}

    def read(self) -> dict[str, Any]:
        """Return the content as it is now."""
        try:
            changed = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return {}
        if changed != self._seen:
            self._content, self._seen = json.loads(self._path.read_text()), changed
        return self._content


class Zone:
    """Answers questions from the table of names."""

    def __init__(self) -> None:
        self._names = Live(WORK / "zone.json")
        self._behaviour = Live(WORK / "resolver.json")
        self._chance = random.Random(11)
        self.log = CallLog()

    def find(self, name: str) -> list[str] | None:
        """Return the addresses of a name; None when there is no such name."""
        names = self._names.read()
        low = name.lower()
        if low in names or low.endswith("cluster.local"):
            return names.get(low)
        parts = low.split(".")
        below = (names.get(".".join(["*", *parts[start:]])) for start in range(1, len(parts)))
        return next((found for found in below if found is not None), None)

    def wait(self, name: str) -> bool:
        """Wait as long as the behaviour asks for; False when this question gets no answer."""
        behaviour = self._behaviour.read()
        inside = name.lower().endswith("cluster.local")
        time.sleep(behaviour.get("delay", 0) + (0 if inside else behaviour.get("delay_outside", 0)))
        return bool(self._chance.random() >= behaviour.get("silent", 0))

    def answer(self, data: bytes, client: tuple[str, int], transport: str) -> bytes:
        """Return the reply to one query; empty when it gets none."""
        name, kind, end = question(data)
        if not self.wait(name):
            return b""
        addresses = self.find(name)
        records = [self._record(address, kind) for address in addresses or [] if kind in {A, TXT}]
        code = 0 if addresses is not None else NXDOMAIN
        if self._fails(name):
            records, code = [], SERVFAIL
        authority = b"" if records or code == SERVFAIL else self._start_of_authority(name)
        flags = 0x8180 | code | (0x0400 if name.endswith("cluster.local") else 0)
        header = data[:2] + struct.pack("!HHHHH", flags, 1, len(records), int(bool(authority)), 0)
        (number,) = struct.unpack_from("!H", data)
        self.log.write(
            t=round(time.time(), 6), protocol="dns", transport=transport, id=number, name=name,
            type=TYPES.get(kind, str(kind)), rcode=code, answers=addresses if records else [], client=client[0],
            client_port=client[1],
        )  # fmt: skip
        return header + data[12:end] + b"".join(records) + authority

    def _fails(self, name: str) -> bool:
        failing = self._behaviour.read().get("failing", "")
        return bool(failing) and f".{name.lower()}".endswith(f".{failing}")

    @staticmethod
    def _record(address: str, kind: int) -> bytes:
        if kind == TXT:
            text = f"ok={address}".encode()
            return b"\xc0\x0c" + struct.pack("!HHIHB", TXT, 1, THIRTY_SECONDS, len(text) + 1, len(text)) + text
        return b"\xc0\x0c" + struct.pack("!HHIH", A, 1, THIRTY_SECONDS, 4) + ipaddress.ip_address(address).packed

    @staticmethod
    def _start_of_authority(name: str) -> bytes:
        zone = "cluster.local" if name.endswith("cluster.local") else name.rpartition(".")[2]
        numbers = struct.pack("!IIIII", 1_700_000_000, 7200, 1800, 86400, FIVE_SECONDS)
        data = labels(f"ns.dns.{zone}") + labels(f"hostmaster.{zone}") + numbers
        return labels(zone) + struct.pack("!HHIH", SOA, 1, FIVE_SECONDS, len(data)) + data


def serve_tcp(zone: Zone) -> None:
    """Answer over TCP, each message behind its length (RFC 1035, 4.2.2)."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while len(size := self.rfile.read(2)) == 2:
                data = self.rfile.read(struct.unpack("!H", size)[0])
                reply = zone.answer(data, self.client_address, "tcp")
                self.wfile.write(struct.pack("!H", len(reply)) + reply)

    socketserver.ThreadingTCPServer.allow_reuse_address = True
    socketserver.ThreadingTCPServer(("0.0.0.0", 53), Handler).serve_forever()


def reply(zone: Zone, listener: socket.socket, data: bytes, client: tuple[str, int]) -> None:
    """Answer one datagram."""
    if answer := zone.answer(data, client, "udp"):
        listener.sendto(answer, client)


def main() -> None:
    """Answer over UDP and TCP for ever."""
    zone = Zone()
    threading.Thread(target=serve_tcp, args=(zone,), daemon=True).start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener, ThreadPoolExecutor(16) as workers:
        listener.bind(("0.0.0.0", 53))
        while True:
            workers.submit(reply, zone, listener, *listener.recvfrom(4096))


if __name__ == "__main__":
    main()
