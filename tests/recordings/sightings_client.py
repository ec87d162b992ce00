"""The client of the sightings recording; each step is one run of this program: `calm`, `lossy`, `reuse`.

Every call is logged once, also when TCP had to send its bytes twice; a retry by the client is a call of its own.
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples" / "incident" / "pods"))

from clients import CallLog, HttpClient, RedisClient

LOG = CallLog()
DNS = "10.96.0.10"
AGENT = "client/1.0"


def ask(*questions: tuple[int, str, int]) -> None:
    """Ask the cluster's DNS server through its ClusterIP: (id, name, type); all from one socket, one after another."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as endpoint:
        endpoint.settimeout(5)
        endpoint.connect((DNS, 53))
        client = endpoint.getsockname()
        for number, name, kind in questions:
            labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
            start = time.time()
            endpoint.send(struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!HH", kind, 1))
            reply = endpoint.recv(4096)
            LOG.write(
                t=round(start, 6), end=round(time.time(), 6), protocol="dns", id=number, name=name,
                type={1: "A", 28: "AAAA"}[kind], rcode=reply[3] & 0x0F, client=client[0], client_port=client[1],
                server=DNS, server_port=53,
            )  # fmt: skip


def calm() -> None:
    """Keep-alive, the same request many times, a retry on the same and on a new connection, direct calls to pods."""
    ask((101, "web.app.svc.cluster.local", 1), (102, "web.app.svc.cluster.local", 28), (103, "web.app", 1))
    ask((101, "web.app.svc.cluster.local", 1))
    for _ in range(4):  # new connections: the service spreads them over its pods, one on each node
        web = HttpClient("web.app.svc.cluster.local", 80, LOG, AGENT)
        for number in (1, 1, 2):
            web.call("GET", f"/items/{number}")
        web.call("PUT", "/items/9", {"name": "nine"})
        web.call("GET", "/items/missing")
        web.close()
    web = HttpClient("web.app.svc.cluster.local", 80, LOG, AGENT)
    for _ in range(3):
        if web.call("POST", "/flaky", {"order": 7})[0] == 503:
            web.call("POST", "/flaky", {"order": 7})
            web.close()
    web.close()
    for address in sys.argv[2:]:
        pod = HttpClient(address, 8000, LOG, AGENT)
        pod.call("GET", "/items/direct")
        pod.call("GET", "/items/direct")
        pod.close()
    store = RedisClient("redis.data.svc.cluster.local", 6379, LOG)
    store.call("SET", "greeting", "hello")
    for _ in range(3):
        store.call("GET", "greeting")
    store.call("INCR", "hits")
    store.call("INCR", "hits")
    store.pipeline([("LPUSH", "queue", str(number)) for number in range(6)])


def lossy() -> None:
    """Some calls while packets are lost on the way, so that TCP sends again."""
    for _ in range(2):
        web = HttpClient("web.app.svc.cluster.local", 80, LOG, AGENT)
        for number in range(5):
            web.call("GET", f"/items/l{number}")
        web.close()
    store = RedisClient("redis.data.svc.cluster.local", 6379, LOG)
    for number in range(6):
        store.call("SET", f"lossy:{number}", "x" * 60)


def reuse() -> None:
    """Three connections from the same port to the same service, one after another."""
    address = socket.gethostbyname("web.app.svc.cluster.local")
    for number in range(3):
        web = HttpClient(address, 80, LOG, AGENT)
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # Reset at the end, so that no TIME_WAIT keeps the port busy.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.bind(("", 45_000))
            connection.connect((address, 80))
            web.use(connection)
            web.call("GET", f"/items/r{number % 2}")
        time.sleep(0.2)


if __name__ == "__main__":
    {"calm": calm, "lossy": lossy, "reuse": reuse}[sys.argv[1]]()
