"""The AMQP recordings: rabbitmq-server on loopback; one small capture and one log a case."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopback import capture, listening, wait_until

if TYPE_CHECKING:
    import pika

PORT = 5672
PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server"
Log = list[dict[str, Any]]


def connect(**settings: Any) -> pika.BlockingConnection:
    """Connect; the client's library is needed from here on only."""
    from amqp_client import connect as open_connection

    return open_connection(PORT, **settings)


def declared() -> None:
    """Exchanges and queues are declared, bound, purged, unbound, deleted, and exchanges bound to one another."""
    connection = connect()
    channel = connection.channel()
    channel.exchange_declare("events", "topic", durable=True, arguments={"alternate-exchange": "lost"})
    channel.exchange_declare("audit", "fanout")
    channel.exchange_bind("audit", "events", "orders.#")
    arguments = {"x-max-length": 100, "x-queue-mode": "lazy", "x-tags": ["a", 1, True]}
    channel.queue_declare("orders", durable=True, arguments=arguments)
    channel.queue_bind("orders", "events", "orders.*", {"x-match": "all"})
    name = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(name, "audit")
    channel.basic_qos(prefetch_count=10)
    channel.queue_purge("orders")
    channel.queue_unbind("orders", "events", "orders.*")
    channel.exchange_unbind("audit", "events", "orders.#")
    channel.queue_delete("orders")
    channel.exchange_delete("audit")
    channel.exchange_delete("events")
    channel.close()
    connection.close()


def published() -> None:
    """Messages with properties, confirmed by the broker; an empty one, and one longer than a frame."""
    from amqp_client import PERSISTENT
    from pika import BasicProperties

    connection = connect(frame_max=8192)
    channel = connection.channel()
    channel.queue_declare("orders")
    channel.confirm_delivery()
    properties = BasicProperties(
        content_type="application/json",
        headers={"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tries": 2},
        delivery_mode=PERSISTENT,
        correlation_id="c-1",
        reply_to="answers",
        message_id="m-1",
        app_id="shop",
    )
    channel.basic_publish("", "orders", b'{"order": 1}', properties)
    channel.basic_publish("", "orders", b"")
    channel.basic_publish("amq.topic", "orders.new", b"nobody listens")
    channel.basic_publish("", "orders", bytes(range(256)) * 40)
    connection.close()


def consumed() -> None:
    """A consumer acknowledges, refuses and gives back what it gets; then it is cancelled."""
    connection = connect()
    channel, sender = connection.channel(), connection.channel()
    channel.queue_declare("orders")
    for number in range(4):
        sender.basic_publish("", "orders", b"order %d" % number)
    for taken, (method, _, _) in enumerate(channel.consume("orders", inactivity_timeout=2), 1):
        if method is None:
            break
        if taken == 2:
            channel.basic_nack(method.delivery_tag, requeue=True)
        elif taken == 3:
            channel.basic_reject(method.delivery_tag, requeue=False)
        else:
            channel.basic_ack(method.delivery_tag)
        if taken == 5:
            break
    channel.cancel()
    connection.close()


def fetched() -> None:
    """A queue is asked message by message until it is empty; a transaction; recovery."""
    connection = connect()
    channel = connection.channel()
    channel.queue_declare("letters")
    channel.tx_select()
    channel.basic_publish("", "letters", b"one")
    channel.basic_publish("", "letters", b"two")
    channel.tx_commit()
    channel.basic_publish("", "letters", b"never")
    channel.tx_rollback()
    for _ in range(3):
        channel.basic_get("letters")
    channel.basic_recover(requeue=True)
    channel.basic_get("letters", auto_ack=True)
    connection.close()


def refused() -> None:
    """What a broker refuses: no such queue, other properties, no route, no such exchange, a locked queue."""
    from pika.exceptions import ChannelClosedByBroker, UnroutableError

    connection = connect()
    for attempt in (
        lambda channel: channel.queue_declare("nope", passive=True),
        lambda channel: (channel.queue_declare("orders"), channel.queue_declare("orders", durable=True)),
        lambda channel: channel.basic_consume("nope", print),
        lambda channel: (channel.basic_publish("nope", "a", b"x"), channel.queue_declare("orders")),
        lambda channel: channel.queue_delete("orders"),
    ):
        channel = connection.channel()
        try:
            attempt(channel)
        except ChannelClosedByBroker:
            continue
    channel = connection.channel()
    channel.confirm_delivery()
    try:
        channel.basic_publish("amq.direct", "nowhere", b"lost", mandatory=True)
    except UnroutableError:
        connection.close()


def not_allowed() -> None:
    """A wrong password, a virtual host that does not exist, and a client of another version."""
    from pika import PlainCredentials
    from pika.exceptions import AMQPConnectionError

    for settings in ({"credentials": PlainCredentials("guest", "wrong")}, {"virtual_host": "nope"}):
        try:
            connect(**settings)
        except AMQPConnectionError:
            continue
    with socket.create_connection(("127.0.0.1", PORT), 5) as talk:
        talk.sendall(b"AMQP\x01\x01\x00\x0a")
        talk.recv(8)


CASES: tuple[Callable[[], None], ...] = (declared, published, consumed, fetched, refused, not_allowed)


@contextmanager
def broker(work: Path) -> Iterator[None]:
    """Run RabbitMQ with its files in `work`; nothing of it is left behind, as all processes end with the namespace."""
    settings = work / "rabbitmq.conf"
    settings.write_text(f"listeners.tcp.1 = 127.0.0.1:{PORT}\nloopback_users = none\nlog.file.level = warning\n")
    places = {name: str(work / name.lower()) for name in ("RABBITMQ_MNESIA_BASE", "RABBITMQ_LOG_BASE")}
    environment = {
        **os.environ,
        **places,
        "HOME": str(work),
        "RABBITMQ_NODENAME": "recorder@localhost",
        "RABBITMQ_CONFIG_FILE": str(settings),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(work / "plugins"),
        "RABBITMQ_PID_FILE": str(work / "pid"),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
    }
    with (work / "output").open("wb") as output:
        process = subprocess.Popen((PROGRAM,), env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            wait_until(lambda: listening(PORT) or process.poll() is not None, "RabbitMQ to listen", 90)
            if process.poll() is not None:
                raise RuntimeError(f"RabbitMQ ended: {(work / 'output').read_text()[-800:]}")
            yield
        finally:
            process.terminate()
            process.wait(60)


def record(out: Path, work: Path) -> None:
    """Record all cases into `out`/amqp."""
    from amqp_client import logged

    folder = out / "amqp"
    folder.mkdir(parents=True, exist_ok=True)
    with broker(work):
        for case in CASES:
            log: Log = []
            with capture(folder / f"{case.__name__}.pcap", f"tcp port {PORT}"), logged(log):
                case()
            found = {"about": case.__doc__, "calls": log}
            (folder / f"{case.__name__}.json").write_text(json.dumps(found, indent=1, default=str) + "\n")
