"""The Kafka recordings: a broker inside confluent-kafka on loopback; one small capture and one log a case."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from loopback import capture

if TYPE_CHECKING:
    from kafka_client import Client

PRODUCE, FETCH, METADATA, FIND_COORDINATOR, JOIN_GROUP, OFFSET_COMMIT = 0, 1, 3, 10, 11, 8
NOT_LEADER, TIMED_OUT, NO_COORDINATOR, REBALANCE, UNAUTHORIZED = 6, 7, 15, 27, 29


def produced(client: Client) -> None:
    """Records for several topics, acknowledged by the leader."""
    for topic in ("orders", "payments"):
        client.broker.topic(topic, 2)
    producer = client.producer("shop", acks=1)
    client.send(producer, "orders", b"one", b"two", b"three")
    client.send(producer, "payments", b'{"order": 1}')
    producer.produce("orders", b"other partition", partition=1, on_delivery=client.on_delivery)
    producer.produce("payments", b"both at once", partition=1, on_delivery=client.on_delivery)
    producer.flush(10)


def unacknowledged(client: Client) -> None:
    """A producer that wants no answers."""
    client.broker.topic("logs", 1)
    producer = client.producer("logger", acks=0)
    for number in range(4):
        client.send(producer, "logs", b"line %d" % number)


def compressed(client: Client) -> None:
    """Each coding of record batches, and batches longer than a packet."""
    client.broker.topic("bulk", 1)
    for coding in ("gzip", "snappy", "lz4", "zstd", "none"):
        producer = client.producer(f"bulk-{coding}", compression_type=coding, linger_ms=50)
        client.send(producer, "bulk", *[b"%d " % number * (20 if coding == "none" else 40) for number in range(40)])


def group(client: Client) -> None:
    """A consumer joins its group, reads, commits and leaves."""
    client.broker.topic("orders", 2)
    client.send(client.producer("shop"), "orders", b"one", b"two", b"three")
    consumer = client.consumer("billing-1", "billing", session_timeout_ms=6000, heartbeat_interval_ms=100)
    consumer.subscribe(["orders"])
    client.take(consumer, 3)
    consumer.commit(asynchronous=False)
    consumer.poll(0.4)
    consumer.close()


def new_group(client: Client) -> None:
    """A consumer of the newer group protocol (KIP-848)."""
    client.broker.topic("orders", 1)
    client.send(client.producer("shop"), "orders", b"one", b"two")
    consumer = client.consumer("billing-1", "billing", group_protocol="consumer")
    consumer.subscribe(["orders"])
    client.take(consumer, 2)
    consumer.close()


def transactions(client: Client) -> None:
    """One transaction that is committed, with the offsets of a consumer, and one that is aborted."""
    client.broker.topic("ledger", 1)
    producer = client.producer("bank", transactional_id="bank-1")
    producer.init_transactions(10)
    producer.begin_transaction()
    client.send(producer, "ledger", b"debit", b"credit")
    producer.commit_transaction(10)
    producer.begin_transaction()
    client.send(producer, "ledger", b"mistake")
    producer.abort_transaction(10)


def errors(client: Client) -> None:
    """Errors that a client tries again after, and one that it gives up on."""
    client.broker.topic("orders", 1)
    producer = client.producer("shop", retry_backoff_ms=10, retries=5)
    client.send(producer, "orders", b"well")
    client.broker.answer_with(PRODUCE, NOT_LEADER, TIMED_OUT)
    client.send(producer, "orders", b"late")
    client.broker.answer_with(PRODUCE, UNAUTHORIZED)
    client.send(producer, "orders", b"never")
    client.broker.answer_with(FIND_COORDINATOR, NO_COORDINATOR)
    client.broker.answer_with(JOIN_GROUP, REBALANCE)
    client.broker.answer_with(FETCH, NOT_LEADER)
    consumer = client.consumer("billing-1", "billing", topic_metadata_refresh_interval_ms=200)
    consumer.subscribe(["orders"])
    client.take(consumer, 2)
    consumer.close()


def pipelined(client: Client) -> None:
    """Many requests on the way at once, because the broker is slow."""
    client.broker.topic("orders", 4)
    producer = client.producer("shop", linger_ms=0, max_in_flight=50, acks=1)
    client.send(producer, "orders", b"first")
    client.broker.delay(60)
    for number in range(16):
        producer.produce("orders", b"%d" % number, partition=number % 4, on_delivery=client.on_delivery)
        producer.poll(0)
        time.sleep(0.004)
    producer.flush(10)


def old_client(client: Client) -> None:
    """A client that speaks the versions of Kafka 0.9."""
    client.broker.topic("orders", 1)
    settings = {"api_version_request": False, "broker_version_fallback": "0.9.0.1"}
    client.send(client.producer("old-shop", **settings), "orders", b"one", b"two", b"three")
    consumer = client.consumer("old-billing", "billing", **settings)
    consumer.subscribe(["orders"])
    client.take(consumer, 3)
    consumer.commit(asynchronous=False)
    consumer.close()


CASES: tuple[Callable[[Client], None], ...] = (
    produced,
    unacknowledged,
    compressed,
    group,
    new_group,
    transactions,
    errors,
    pipelined,
    old_client,
)


def record(out: Path, work: Path) -> None:
    """Record all cases into `out`/kafka; the client's library is needed from here on only."""
    from kafka_client import Client, Log, broker

    folder = out / "kafka"
    folder.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        with broker() as running:
            port = running.address.rpartition(":")[2]
            client = Client(running)
            with capture(folder / f"{case.__name__}.pcap", f"tcp port {port}"), Log(work / "log") as log:
                case(client)
        found = {
            "about": case.__doc__,
            "delivered": client.delivered,
            "consumed": client.consumed,
            "errors": client.errors,
            "calls": log.calls,
        }
        (folder / f"{case.__name__}.json").write_text(json.dumps(found, indent=1) + "\n")
