"""A program that takes messages from a queue: does its steps for each, then acknowledges it.

Settings: `host`, `port`, `queue`, `prefetch`, `steps`, `agent`, and `hang`: seconds that each message takes besides.
"""

from __future__ import annotations

import time

from amqp_client import AmqpClient
from clients import CallLog
from service import Call
from settings import Settings
from steps import Worker


def main() -> None:
    """Take messages until the recording ends."""
    settings, log = Settings(), CallLog()
    first = settings.read()
    worker = Worker(log, first["agent"])
    client = AmqpClient(first["host"], first.get("port", 5672), log, agent=first["agent"])
    for tag, text in client.consume(first["queue"], first.get("prefetch", 5)):
        start, now = time.time(), settings.read()
        time.sleep(now.get("hang", 0))
        worker.run(now["steps"], Call("MESSAGE", f"/{text}", "", text, None))
        client.acknowledge(tag, text, start)


if __name__ == "__main__":
    main()
