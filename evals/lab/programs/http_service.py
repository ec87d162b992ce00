"""An HTTP service: its routes are steps. Settings: `routes`, `latency`, `fail`, `workers`, `port`, `version`, `tls`.

latency: {"seconds": 0.8, "share": 1, "path": "/prefix"} waits before the steps; fail: {"status": 500, "share": 0.3,
"path": ""} answers instead of them; workers: calls that are worked on at once, others wait; a call to an unknown
path gets 404. tls: certificate chain and key, for a host outside.
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


if __name__ == "__main__":
    context = None
    if FIRST.get("tls"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(FIRST["tls"]["chain"], FIRST["tls"]["key"])
    serve_calls(FIRST["port"], route, FIRST["agent"], context)
