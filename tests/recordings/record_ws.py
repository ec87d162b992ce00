"""The WebSocket recordings: websockets on both ends; one small capture, and one log a case by the client.

Needs the Python package `websockets`, which only the recorder uses.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from loopback import capture, server

PLAIN, DEFLATE, ALONE = 8765, 8766, 8767
"""Ports: without compression, with one context for all messages, with one for each."""
CAPTURED = f"tcp portrange {PLAIN}-{ALONE}"
Log = list[dict[str, Any]]
TICK = '{"type": "tick", "symbol": "ACME", "price": %d.25, "currency": "EUR"}'


async def texts_and_bytes(log: Log) -> None:
    """Both kinds of message in both directions, in every form of length that is small."""
    from ws_client import talk

    async with talk(PLAIN, "/plain", log, subprotocols=["chat.v1"]) as chat:
        for message in (
            "hello", "", "caf\u00e9 \u20ac \U0001f600", b"", bytes(range(256)), "x" * 125, "y" * 126, b"z" * 3000,
            '{"type": "subscribe", "channel": "prices"}',
        ):  # fmt: skip
            await chat.send(message)
            await chat.recv()
    async with talk(PLAIN, "/plain?token=none", log) as chat:
        for number in range(20):
            await chat.send(TICK % number)
        for _ in range(20):
            await chat.recv()


async def fragments(log: Log) -> None:
    """Messages in several frames, with control frames between them."""
    from ws_client import talk

    async with talk(PLAIN, "/pieces", log) as chat:
        await chat.send(["one ", "two ", "three"])
        await chat.recv()
        await chat.send([b"\x00" * 50, b"\x01" * 400, b""])
        await chat.recv()
        await chat.send("a single frame that comes back in three")
        await chat.recv()


async def deflate(log: Log) -> None:
    """permessage-deflate with one context for all messages, fragments included."""
    from ws_client import talk

    async with talk(DEFLATE, "/deflate", log) as chat:
        for number in range(12):
            await chat.send(TICK % number)
            await chat.recv()
        await chat.send("long " * 14_000)
        await chat.recv()
        await chat.send([TICK % 12, TICK % 13])
        await chat.recv()
        await chat.send(random.Random(3).randbytes(700))
        await chat.recv()
        await (await chat.ping(b"not compressed"))
        await chat.send("")
        await chat.recv()


async def deflate_alone(log: Log) -> None:
    """permessage-deflate with a context of its own for each message."""
    from ws_client import talk

    async with talk(ALONE, "/alone", log) as chat:
        for number in range(8):
            await chat.send(TICK % number)
            await chat.recv()


async def pings(log: Log) -> None:
    """Pings with and without words, and a pong that nobody asked for."""
    from ws_client import talk

    async with talk(PLAIN, "/plain", log) as chat:
        await (await chat.ping(b""))
        await (await chat.ping(b"are you there?"))
        await chat.pong(b"by the way")
        await chat.send("after the pings")
        await chat.recv()


async def closes(log: Log) -> None:
    """Every way in which a connection ends: by codes of either side, without a code, and broken off."""
    from websockets.exceptions import ConnectionClosed
    from ws_client import talk

    for words in ("1000,", "1001,restarting", "1011,database%20is%20down", "1013,", "4401,Unauthorized"):
        async with talk(PLAIN, f"/close?{words}", log) as chat:
            await chat.send("what now?")
            await chat.wait_closed()
    for code, reason in ((1000, "done"), (3000, ""), (1009, "too much for me")):
        async with talk(PLAIN, "/plain", log) as chat:
            await chat.send("bye")
            await chat.recv()
            await chat.close(code, reason)
    async with talk(PLAIN, "/gone", log) as chat:
        await chat.send("are you gone?")
        with contextlib.suppress(ConnectionClosed):
            await chat.recv()


async def broken_rules(log: Log) -> None:
    """What a server refuses: no mask, a reserved opcode or bit, bad text, bad order, a long ping."""
    from ws_client import break_rules

    mask = b"\x00\x00\x00\x00"
    for what, sent, row in (
        ("not masked", b"\x81\x05hello", {"opcode": "text"}),
        ("reserved opcode", b"\x83\x80" + mask, {}),
        ("reserved bit", b"\x91\x80" + mask, {}),
        ("not agreed compression", b"\xc1\x85" + mask + b"hello", {"opcode": "text"}),
        ("no UTF-8", b"\x81\x82" + mask + b"\xc3\x28", {"opcode": "text"}),
        ("nothing to continue", b"\x80\x84" + mask + b"more", {"opcode": "continuation"}),
        ("long ping", b"\x89\xfe\x00\x7e" + mask + b"p" * 126, {"opcode": "ping"}),
        ("fragmented ping", b"\x09\x80" + mask, {"opcode": "ping"}),
        ("close with one byte", b"\x88\x81" + mask + b"\x03", {"opcode": "close"}),
        ("close with 1006", b"\x88\x82" + mask + b"\x03\xee", {"opcode": "close"}),
    ):
        await asyncio.to_thread(break_rules, PLAIN, log, what, sent, **row)


CASES: tuple[Callable[[Log], Awaitable[None]], ...] = (
    texts_and_bytes, fragments, deflate, deflate_alone, pings, closes, broken_rules,
)  # fmt: skip


def record(out: Path, work: Path) -> None:
    """Record every case into `<out>/ws`."""
    folder = out / "ws"
    folder.mkdir(parents=True, exist_ok=True)
    program = (sys.executable, str(Path(__file__).with_name("ws_server.py")), str(PLAIN))
    with server(*program, port=PLAIN):
        for case in CASES:
            log: Log = []
            with capture(folder / f"{case.__name__}.pcap", CAPTURED):
                asyncio.run(case(log))
            told = {"about": (case.__doc__ or "").strip(), "calls": log}
            (folder / f"{case.__name__}.json").write_text(json.dumps(told, indent=1) + "\n")
