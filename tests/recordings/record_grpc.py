"""The gRPC recordings: grpcio on both ends; one small capture and one log, written by the client, a case.

Needs the Python package `grpcio`, which only the recorder uses.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopback import capture, server

if TYPE_CHECKING:
    from grpc_client import Caller

PORT = 50051
Log = list[dict[str, Any]]


def unary(calls: Caller) -> None:
    """One message each way, several calls on one connection, with metadata of both sides."""
    for item in (b"\x0a\x0217", b"", b"x" * 300):
        calls.unary("Add", item, metadata=(("x-request-id", "r-17"), ("trace-bin", b"\x00\xff\x10")))


def client_streaming(calls: Caller) -> None:
    """Many messages from the client, one answer."""
    calls.stream_unary("Fill", [b"item %d" % number for number in range(7)])
    calls.stream_unary("Fill", [])


def server_streaming(calls: Caller) -> None:
    """One message from the client, many from the server; one of them longer than a frame."""
    calls.unary_stream("Watch", b"5")
    calls.unary_stream("Watch", b"0")
    calls.unary_stream("Large", b"20000")


def bidirectional(calls: Caller) -> None:
    """Messages in both directions, in turns."""
    calls.stream_stream("Chat", [b"hello", b"how are you", b"bye"])


def errors(calls: Caller) -> None:
    """Statuses other than OK, with and without a text, before and after messages, and a method that is not there."""
    calls.unary("Fail", b"5 no such cart: caf\xc3\xa9 100%")
    calls.unary("Fail", b"14 ")
    calls.unary("Fail", b"7 not yours")
    calls.unary_stream("Break", b"13 lost\nmidway")
    calls.unary("Nowhere", b"")
    calls.unary("Crash", b"")


def deadlines(calls: Caller) -> None:
    """Calls that are given up when their time is over, and one that is in time."""
    calls.unary("Sleep", b"400", timeout=0.05)
    calls.unary("Sleep", b"1", timeout=5)
    calls.unary_stream("Drip", b"300", timeout=0.1)


def cancelled(calls: Caller) -> None:
    """A call that the client cancels after two messages."""
    calls.unary_stream("Drip", b"300", cancel_after=2)


def compressed(calls: Caller) -> None:
    """Messages compressed with gzip in both directions, some of them not."""
    calls.unary("Add", b"a" * 2000, gzip=True)
    calls.unary("Pack", b"b" * 2000, gzip=True)
    calls.unary("Pack", b"b" * 2000)


def at_once(calls: Caller) -> None:
    """Calls that overtake one another on one connection."""
    calls.together("Sleep", [b"%d" % ms for ms in (60, 20, 40, 1, 30)])


CASES: tuple[Callable[[Caller], None], ...] = (
    unary, client_streaming, server_streaming, bidirectional, errors, deadlines, cancelled, compressed, at_once,
)  # fmt: skip


def record(out: Path, work: Path) -> None:
    """Record every case into `<out>/grpc`, each on a connection of its own; `work` is not needed."""
    from grpc_client import Caller

    folder = out / "grpc"
    folder.mkdir(parents=True, exist_ok=True)
    program = (sys.executable, str(Path(__file__).with_name("grpc_server.py")), str(PORT))
    for case in CASES:
        log: Log = []
        path = folder / f"{case.__name__}.pcap"
        with server(*program, port=PORT), capture(path, f"tcp port {PORT}"), Caller(PORT, log) as calls:
            case(calls)
        told = {"about": (case.__doc__ or "").strip(), "calls": log}
        (folder / f"{case.__name__}.json").write_text(json.dumps(told, indent=1) + "\n")
    no_server(folder)


def no_server(folder: Path) -> None:
    """A proxy that has no server behind it answers for it, without a word of gRPC."""
    from grpc_client import Caller

    log: Log = []
    program = (sys.executable, str(Path(__file__).with_name("grpc_server.py")), str(PORT), "--proxy")
    path = folder / "no_server.pcap"
    with server(*program, port=PORT), capture(path, f"tcp port {PORT}"), Caller(PORT, log) as calls:
        calls.unary("Add", b"anyone?")
    told = {"about": (no_server.__doc__ or "").strip(), "calls": log}
    (folder / "no_server.json").write_text(json.dumps(told, indent=1) + "\n")
