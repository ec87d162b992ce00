"""A broker in this process (librdkafka's own, for tests), and clients whose log is kept: needs confluent-kafka.

The broker takes orders that Python's interface does not have (errors to answer with, a delay), so it is called through
the library's C interface.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import confluent_kafka

_LINE = re.compile(
    r"\|(?P<instance>(?P<client>[^|#]+)#[^|]+)\| \[thrd:(?P<thread>[^\]]+)\]: [^ ]+ "
    r"(?P<what>Sent|Received) (?P<name>\w+?)(?:Request|Response) "
    r"\(v(?P<version>\d+), (?P<bytes>\d+) bytes.*?CorrId (?P<correlation>\d+)"
)
NAMES = {"ApiVersion": "ApiVersions"}
"""What the library calls otherwise than the protocol does."""
RESPONSE_HEADER = 8
"""Bytes of length and correlation id, which the library does not count."""


class Log:
    """Keeps what the library writes to standard error while the block lasts; `calls` has one entry for each request."""

    def __init__(self, path: Path) -> None:
        self.calls: list[dict[str, Any]] = []
        self._path = path
        self._error = -1

    def __enter__(self) -> Self:
        self._error = os.dup(2)
        with self._path.open("wb") as file:
            os.dup2(file.fileno(), 2)
        return self

    def __exit__(self, *_: object) -> None:
        os.dup2(self._error, 2)
        os.close(self._error)
        waiting: dict[tuple[str, str, str], dict[str, Any]] = {}
        for found in _LINE.finditer(self._path.read_text()):
            key = found["instance"], found["thread"], found["correlation"]
            if found["what"] == "Sent":
                name = NAMES.get(found["name"], found["name"])
                call: dict[str, Any] = {"client_id": found["client"], "name": name, "version": int(found["version"])}
                call |= {"correlation": int(found["correlation"]), "request_bytes": int(found["bytes"])}
                waiting[key] = call | {"answered": False}
                self.calls.append(waiting[key])
            elif key in waiting:
                waiting.pop(key).update(answered=True, response_bytes=int(found["bytes"]) + RESPONSE_HEADER)


class Broker:
    """One broker. address: where it listens."""

    def __init__(self) -> None:
        folder = Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs"
        self._library = library = ctypes.CDLL(str(next(folder.glob("librdkafka*"))))
        library.rd_kafka_conf_new.restype = ctypes.c_void_p
        library.rd_kafka_new.restype = library.rd_kafka_mock_cluster_new.restype = ctypes.c_void_p
        library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
        self._handle = ctypes.c_void_p(
            library.rd_kafka_new(0, ctypes.c_void_p(library.rd_kafka_conf_new()), ctypes.create_string_buffer(512), 512)
        )
        self._cluster = ctypes.c_void_p(library.rd_kafka_mock_cluster_new(self._handle, 1))
        self.address: str = library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def topic(self, name: str, partitions: int) -> None:
        """Make a topic."""
        self._library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1)

    def topic_error(self, name: str, code: int) -> None:
        """Answer for this topic with an error."""
        self._library.rd_kafka_mock_topic_set_error(self._cluster, name.encode(), code)

    def answer_with(self, key: int, *codes: int) -> None:
        """Answer the next requests of a kind with these errors."""
        self._library.rd_kafka_mock_push_request_errors_array(
            self._cluster, ctypes.c_int16(key), len(codes), (ctypes.c_int * len(codes))(*codes)
        )

    def delay(self, milliseconds: int) -> None:
        """Answer so much later."""
        self._library.rd_kafka_mock_broker_set_rtt(self._cluster, 1, milliseconds)

    def close(self) -> None:
        """End the broker."""
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._handle)


@contextmanager
def broker() -> Iterator[Broker]:
    """Run a broker until the block ends."""
    running = Broker()
    try:
        yield running
    finally:
        running.close()


class Client:
    """What happens on one broker, with what the client says of it. delivered, consumed: records by topic."""

    def __init__(self, running: Broker) -> None:
        self.broker = running
        self.delivered: dict[str, int] = {}
        self.consumed: dict[str, int] = {}
        self.errors: list[str] = []

    def producer(self, client_id: str, **settings: object) -> confluent_kafka.Producer:
        """Give a producer."""
        return confluent_kafka.Producer(self._settings(client_id, settings))

    def consumer(self, client_id: str, group: str, **settings: object) -> confluent_kafka.Consumer:
        """Give a consumer that begins at the oldest record."""
        mine = {"group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False, **settings}
        return confluent_kafka.Consumer(self._settings(client_id, mine))

    def send(self, producer: confluent_kafka.Producer, topic: str, *values: bytes, key: bytes = b"k") -> None:
        """Produce records of one topic and wait for them."""
        for value in values:
            producer.produce(topic, value, key, partition=0, on_delivery=self.on_delivery)
        producer.flush(10)

    def take(self, consumer: confluent_kafka.Consumer, count: int) -> None:
        """Consume so many records."""
        for _ in range(200):
            message = consumer.poll(0.1)
            if message is None:
                continue
            if message.error():
                self.errors.append(message.error().name())
                continue
            self.consumed[message.topic()] = self.consumed.get(message.topic(), 0) + 1
            count -= 1
            if not count:
                return
        raise TimeoutError(f"{count} records did not come.")

    def on_delivery(self, error: confluent_kafka.KafkaError | None, message: confluent_kafka.Message) -> None:
        """Count a record, or note why it was refused."""
        if error is not None:
            self.errors.append(error.name())
        else:
            self.delivered[message.topic()] = self.delivered.get(message.topic(), 0) + 1

    def _settings(self, client_id: str, settings: dict[str, object]) -> dict[str, object]:
        known = {name.replace("_", "."): value for name, value in settings.items()}
        return {
            "bootstrap.servers": self.broker.address,
            "client.id": client_id,
            "debug": "protocol",
            "linger.ms": 5,
            "enable.metrics.push": False,
            **known,
        }
