"""A client of RabbitMQ whose log is kept: every method that it sent and received, by pika's own account."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pika
from pika import connection, frame, spec

Log = list[dict[str, Any]]
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
_KEPT = ("exchange", "routing_key", "queue", "source", "destination", "consumer_tag", "delivery_tag", "reply_code")
_KEPT += ("reply_text", "message_count", "virtual_host", "mechanism", "redelivered", "multiple", "requeue")


def _entry(sender: str, channel: int, method: Any) -> dict[str, Any]:
    """Give what is logged of a method, which the specification calls `Queue.Declare-Ok`."""
    said = {name: value for name in _KEPT if (value := getattr(method, name, None)) is not None}
    return {"sender": sender, "channel": channel, "method": _WORD.sub("-", method.NAME), **said}


@contextmanager
def logged(log: Log) -> Iterator[None]:
    """Log all methods of all connections during the block, with the size of what they carry."""
    send, receive = connection.Connection._send_method, connection.Connection._process_frame

    def sending(self: Any, number: int, method: Any, content: Any = None) -> None:
        log.append(_entry("client", number, method) | ({"body_bytes": len(content[1])} if content else {}))
        send(self, number, method, content)

    def receiving(self: Any, value: Any) -> None:
        if isinstance(value, frame.Method):
            log.append(_entry("server", value.channel_number, value.method))
        elif isinstance(value, frame.Header):
            last = next(each for each in reversed(log) if each["channel"] == value.channel_number)
            last["body_bytes"] = value.body_size
        receive(self, value)

    with (
        patch.object(connection.Connection, "_send_method", sending),
        patch.object(connection.Connection, "_process_frame", receiving),
    ):
        yield


def connect(port: int, **settings: Any) -> pika.BlockingConnection:
    """Connect as the user that RabbitMQ has from the beginning."""
    return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port, heartbeat=60, **settings))


PERSISTENT = spec.PERSISTENT_DELIVERY_MODE
