"""batch/reporter: a job that prepares rows for reports from the catalog and keeps them in Redis."""

from __future__ import annotations

import json
import logging
import os
import random

from clients import CallLog, HttpClient, RedisClient, RedisError, pause, wait_for_run

LOG = CallLog()
ROWS = int(os.environ.get("REPORTER_ROWS", "3"))
EVERY = float(os.environ.get("REPORTER_EVERY", "0.5"))


def row(chance: random.Random, number: int) -> str:
    """One prepared row: about a kilobyte of JSON."""
    values = [chance.randint(100, 99_999) for _ in range(140)]
    return json.dumps({"row": number, "hourly": values}, separators=(",", ":"))


def main() -> None:
    """Fetch the products, compute rows, store them; a row that was refused is left out."""
    chance = random.Random(7)
    store = RedisClient("redis.data", 6379, LOG)
    catalog = HttpClient("catalog.shop", 80, LOG, "reporter/0.8", reuse=6)
    number = turn = 0
    while wait_for_run():
        turn += 1
        if turn % 10 == 1:
            catalog.call("GET", "/api/products")
        batch = []
        for _ in range(ROWS):
            number += 1
            batch.append(("SET", f"report:{chance.getrandbits(64):016x}:{number}", row(chance, number)))
        refused = sum(isinstance(reply, RedisError) for reply in store.pipeline(batch))
        if refused:
            logging.warning("%d rows were refused", refused)
        pause(EVERY)


if __name__ == "__main__":
    main()
