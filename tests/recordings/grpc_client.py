"""A gRPC client (grpcio) whose messages are plain bytes; logs what it sent and what it was given, call by call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import grpc

SERVICE = "shop.Cart"


class Caller:
    """One channel; `log` receives one dictionary a call."""

    def __init__(self, port: int, log: list[dict[str, Any]]) -> None:
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_retries", 0)])
        self.log = log

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()

    def unary(self, method: str, request: bytes, gzip: bool = False, **options: Any) -> None:
        """One message each way."""
        if gzip:
            options["compression"] = grpc.Compression.Gzip
        call = self.channel.unary_unary(f"/{SERVICE}/{method}").future(request, **options)
        self._log(method, [request], _results(call), call, gzip=gzip, **options)

    def stream_unary(self, method: str, requests: list[bytes]) -> None:
        """Many messages up, one down."""
        call = self.channel.stream_unary(f"/{SERVICE}/{method}").future(iter(requests))
        self._log(method, requests, _results(call), call)

    def unary_stream(self, method: str, request: bytes, cancel_after: int = 0, **options: Any) -> None:
        """One message up, many down; cancelled after so many."""
        call = self.channel.unary_stream(f"/{SERVICE}/{method}")(request, **options)
        self._log(method, [request], _received(call, cancel_after), call, **options)

    def stream_stream(self, method: str, requests: list[bytes]) -> None:
        """Many messages both ways."""
        call = self.channel.stream_stream(f"/{SERVICE}/{method}")(iter(requests))
        self._log(method, requests, _received(call), call)

    def together(self, method: str, requests: list[bytes]) -> None:
        """Several calls of one message each, at once."""
        begin = self.channel.unary_unary(f"/{SERVICE}/{method}").future
        for request, call in [(request, begin(request)) for request in requests]:
            self._log(method, [request], _results(call), call)

    def _log(self, method: str, sent: list[bytes], got: list[bytes], call: Any, **options: Any) -> None:
        """Add a call. Sizes are those of the messages as the program has them, before any compression."""
        self.log.append({
            "method": f"/{SERVICE}/{method}", "sent": [len(message) for message in sent],
            "received": [len(message) for message in got], "status": call.code().value[0],
            "status_name": call.code().name, "message": call.details() or "",
            "timeout_ms": round(options["timeout"] * 1000) if "timeout" in options else 0,
            "gzip": options.get("gzip", False),
            "initial": _texts(call.initial_metadata()), "trailing": _texts(call.trailing_metadata()),
        })  # fmt: skip


def _results(call: Any) -> list[bytes]:
    return [call.result()] if call.exception() is None else []


def _received(call: Any, cancel_after: int = 0) -> list[bytes]:
    found: list[bytes] = []
    try:
        for message in _each(call):
            found.append(message)
            if len(found) == cancel_after:
                call.cancel()
    except grpc.RpcError:
        pass
    return found


def _each(call: Iterable[bytes]) -> Iterator[bytes]:
    yield from call


def _texts(metadata: Iterable[tuple[str, str | bytes]] | None) -> list[list[str]]:
    return [[key, value if isinstance(value, str) else value.hex()] for key, value in metadata or ()]
