"""An HTTP service: its routes are steps. Settings: `routes`, `latency`, `fail`, `limit`, `hold`, `tls`, `workers`.

latency: {"seconds": 0.8, "share": 1, "path": "/prefix"} waits before the steps; fail: {"status": 500, "share": 0.3,
"path": ""} answers instead of them; workers: calls that are worked on at once, others wait; a call to an unknown
path gets 404. limit: {"calls": 3, "seconds": 1, "path": ""} answers 429 to more than so many. hold: {"seconds": 5,
"path": ""} waits before the body of a request is read. tls: {"chain", "key", "oldest", "asks"} of a host outside, taken
anew when they change: new handshakes see the new ones.
"""

from __future__ import annotations

import random
import ssl
import threading
import time
from typing import Any

from clients import CallLog
from service import Call, Reply, serve_calls
from settings import Settings
from steps import Worker

SETTINGS = Settings()
FIRST = SETTINGS.read()
WORKER = Worker(CallLog(), FIRST["agent"])
CHANCE = random.Random(3)
TAKEN: list[float] = []
LIMIT = threading.Lock()
DESKS = threading.BoundedSemaphore(FIRST.get("workers", 1000))


def applies(rule: dict[str, Any] | None, call: Call) -> bool:
    """Whether a rule for some of the calls is for this one."""
    if not rule or not call.path.startswith(rule.get("path", "")):
        return False
    return CHANCE.random() < rule.get("share", 1.0)


def route(call: Call) -> Reply:
    """Answer a call."""
    if call.path == "/healthz":
        return Reply(200, {"status": "ok"})
    with DESKS:
        now = SETTINGS.read()
        if applies(slow := now.get("latency"), call):
            time.sleep(slow["seconds"] * CHANCE.uniform(0.8, 1.2))
        if over_limit(now.get("limit"), call):
            return Reply(429, {"error": "slow down"}, {"Retry-After": "3"})
        if applies(fail := now.get("fail"), call):
            return Reply(fail["status"], {"error": fail.get("error", "internal error")}, fail.get("headers", {}))
        fitting = [key for key in now["routes"] if fits(key, call)]
        if not fitting:
            return Reply(404, {"error": "no such resource"})
        return WORKER.run(now["routes"][max(fitting, key=len)], call)


def fits(key: str, call: Call) -> bool:
    """Whether a route such as `GET /prefix` is for a call."""
    method, _, prefix = key.partition(" ")
    return method == call.method and call.path.startswith(prefix)


def over_limit(limit: dict[str, Any] | None, call: Call) -> bool:
    """Count a call and say whether it is more than the limit allows."""
    if not applies(limit, call):
        return False
    now = time.monotonic()
    with LIMIT:
        TAKEN[:] = [taken for taken in TAKEN if taken > now - limit["seconds"]]
        if len(TAKEN) >= limit["calls"]:
            return True
        TAKEN.append(now)
        return False


def before_body(path: str) -> None:
    """Wait before a request's body is read, if the settings say so."""
    hold = SETTINGS.read().get("hold")
    if hold and path.startswith(hold.get("path", "")):
        time.sleep(hold["seconds"])


def use_certificates(context: ssl.SSLContext, told: dict[str, str]) -> None:
    """Let a context offer a certificate and refuse TLS versions older than `oldest`; asks: whose clients to trust."""
    context.load_cert_chain(told["chain"], told["key"])
    context.minimum_version = ssl.TLSVersion[told.get("oldest", "TLSv1_2")]
    if told.get("asks"):
        context.load_verify_locations(told["asks"])
        context.verify_mode = ssl.CERT_REQUIRED


def watch_certificates(context: ssl.SSLContext) -> None:
    """Take new certificates when the settings name some."""
    seen = FIRST["tls"]
    while True:
        time.sleep(0.1)
        if (told := SETTINGS.read()["tls"]) != seen:
            use_certificates(context, told)
            seen = told


if __name__ == "__main__":
    secure = None
    if FIRST.get("tls"):
        secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        use_certificates(secure, FIRST["tls"])
        threading.Thread(target=watch_certificates, args=(secure,), daemon=True).start()
    serve_calls(FIRST["port"], route, FIRST["agent"], secure, before_body)
