"""A load generator: calls arrive at a rate, whether or not earlier ones are answered; workers make them.

Settings: `host`, `port`, `rate` (calls a second), `workers` (at most so many at once), `timeout`, `reuse` (calls a
connection), `retries` and `backoff` (after no answer or 5xx), `follow` (redirects at most), `abrupt` (connections are
closed with RST), `agent`, `mix`: a list of {"weight", "method", "path", "headers", "send"}, where `{1-40}` in a path
stands for a number drawn from that range. Each call has an id and a trace.
"""

from __future__ import annotations

import queue
import random
import re
import threading
import time
import uuid
from typing import Any

from clients import CallLog, HttpClient, phase, wait_for_run
from settings import Settings

SETTINGS = Settings()
LOG = CallLog()
WAITING: queue.Queue[dict[str, Any] | None] = queue.Queue()
RANGE = re.compile(r"\{(\d+)-(\d+)\}")


def arrivals() -> None:
    """Let calls arrive until the recording ends."""
    chance = random.Random(SETTINGS.read().get("seed", 1))
    due = time.monotonic()
    while wait_for_run():
        now = SETTINGS.read()
        due = max(due, time.monotonic() - 0.5) + chance.expovariate(now["rate"])
        if (left := due - time.monotonic()) > 0:
            time.sleep(left)
        if phase() in {"hold", "stop"}:
            due = time.monotonic()
            continue
        kind = chance.choices(now["mix"], [each["weight"] for each in now["mix"]])[0]
        path = RANGE.sub(lambda found: str(chance.randint(int(found[1]), int(found[2]))), kind["path"])
        WAITING.put({**kind, "path": path, "id": uuid.UUID(int=chance.getrandbits(128)).hex})
    for _ in range(SETTINGS.read().get("workers", 8)):
        WAITING.put(None)


def work() -> None:
    """Make calls as they arrive; after a hold, calls that nobody had time for are dropped."""
    first = SETTINGS.read()
    client = HttpClient(
        first["host"], first.get("port", 80), LOG, first["agent"], first.get("reuse", 12), first.get("timeout", 8.0)
    )
    client.abrupt = first.get("abrupt", False)
    while (call := WAITING.get()) is not None:
        if phase() == "hold":
            continue
        make(client, call)
    client.close()


def make(client: HttpClient, call: dict[str, Any]) -> None:
    """Make one call, and again if it fails and there are retries left."""
    now = SETTINGS.read()
    body = {"for": call["id"][:8], "text": "y" * call["send"]} if call.get("send") else None
    for attempt in range(now.get("retries", 0) + 1):
        if attempt:
            time.sleep(now.get("backoff", 0.0))
        span = uuid.uuid4().hex[:16]
        headers = {"X-Request-Id": call["id"], "traceparent": f"00-{call['id']}-{span}-01", **call.get("headers", {})}
        status, _ = client.call(call["method"], call["path"], body, headers)
        for _ in range(now.get("follow", 0)):
            if not 300 < status < 309 or not client.location.startswith("/"):
                break
            status, _ = client.call("GET", client.location, None, headers)
        if 0 < status < 500 or phase() == "hold":
            return


if __name__ == "__main__":
    threads = [threading.Thread(target=work) for _ in range(SETTINGS.read().get("workers", 8))]
    for thread in threads:
        thread.start()
    arrivals()
    for thread in threads:
        thread.join()
