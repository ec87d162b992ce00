"""A gRPC server whose messages are plain bytes: `grpc_server.py PORT`; with `--proxy`, a proxy without a server."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

SERVICE = "shop.Cart"


def add(request: bytes, context: Any) -> bytes:
    """Echo, with metadata of the server."""
    context.send_initial_metadata((("x-server", "cart-0"),))
    context.set_trailing_metadata((("x-took", "1"), ("detail-bin", b"\x01\x02\xfe")))
    return request


def fill(requests: Iterator[bytes], _: Any) -> bytes:
    """Count."""
    return b"%d items" % sum(1 for _ in requests)


def watch(request: bytes, _: Any) -> Iterator[bytes]:
    """Give so many messages."""
    for number in range(int(request)):
        yield b"event %d" % number


def large(request: bytes, _: Any) -> Iterator[bytes]:
    """Give one message of so many bytes."""
    yield bytes(int(request))


def chat(requests: Iterator[bytes], _: Any) -> Iterator[bytes]:
    """Echo, message by message."""
    for request in requests:
        yield b"you said " + request


def fail(request: bytes, context: Any) -> bytes:
    """End with the status that was asked for."""
    import grpc

    number, _, text = request.decode().partition(" ")
    context.abort(next(code for code in grpc.StatusCode if code.value[0] == int(number)), text)
    return b""


def break_off(request: bytes, context: Any) -> Iterator[bytes]:
    """End with a status after a message."""
    yield b"first"
    fail(request, context)


def crash(_: bytes, __: Any) -> bytes:
    """Raise what nobody expects."""
    raise ValueError("out of carts")


def sleep(request: bytes, context: Any) -> bytes:
    """Answer after so many milliseconds."""
    time.sleep(int(request) / 1000)
    return b"slept " + request


def drip(request: bytes, context: Any) -> Iterator[bytes]:
    """Give a message every 20 milliseconds, for so many of them at most."""
    for number in range(int(request) // 20):
        if not context.is_active():
            return
        yield b"drop %d" % number
        time.sleep(0.02)


def pack(request: bytes, context: Any) -> bytes:
    """Answer compressed."""
    import grpc

    context.set_compression(grpc.Compression.Gzip)
    return request


def serve(port: int) -> None:
    """Serve until killed."""
    import grpc

    unary, streamed = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
    handlers = {
        "Add": unary(add), "Fail": unary(fail), "Crash": unary(crash), "Sleep": unary(sleep), "Pack": unary(pack),
        "Fill": grpc.stream_unary_rpc_method_handler(fill), "Chat": grpc.stream_stream_rpc_method_handler(chat),
        "Watch": streamed(watch), "Large": streamed(large), "Break": streamed(break_off), "Drip": streamed(drip),
    }  # fmt: skip
    server = grpc.server(ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


def answer_for_none(port: int) -> None:
    """Answer every request with 503 and a page, as a proxy without a server does."""
    import h2.connection
    import h2.events

    listener = socket.create_server(("127.0.0.1", port))
    while True:
        client, _ = listener.accept()
        talk = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        talk.initiate_connection()
        client.sendall(talk.data_to_send())
        while data := client.recv(65536):
            for event in talk.receive_data(data):
                if isinstance(event, h2.events.StreamEnded):
                    talk.send_headers(event.stream_id, [(":status", "503"), ("content-type", "text/plain")])
                    talk.send_data(event.stream_id, b"no healthy upstream", end_stream=True)
            client.sendall(talk.data_to_send())


if __name__ == "__main__":
    (answer_for_none if "--proxy" in sys.argv else serve)(int(sys.argv[1]))
