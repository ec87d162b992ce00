"""Whether bytes can be messages of the PostgreSQL protocol, and where one begins in bytes whose start is missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from struct import unpack_from
from typing import NamedTuple

from kubeshark_mcp.dissect.base import Confidence, Opening
from kubeshark_mcp.dissect.wire_postgresql import (
    CANCEL,
    CLIENT_KINDS,
    LONGEST,
    MAJOR,
    NEGOTIATIONS,
    SERVER_KINDS,
    STARTUP_LONGEST,
    TAG,
    TRANSACTION,
    startup_parameters,
)
from kubeshark_mcp.model.stream import Direction

_BARE = {Direction.CLIENT: frozenset(b"HScX"), Direction.SERVER: frozenset(b"123nsIc")}
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_WELCOME = b"R\0\0\0"
_READY = re.compile(rb"Z\0\0\0\x05[ITE]")

CANDIDATES = 64
"""Packets of a piece at which a message is looked for."""


def judge(opening: Opening) -> Confidence:
    """Say whether an opening is PostgreSQL: a session's first message, or messages that are what they claim."""
    if opening.client:
        start = judge_start(opening.client, opening.server, complete=opening.complete)
        if start is not Confidence.NO:
            return start
    elif opening.server_start and opening.connection.from_start:
        return _judge_alone(opening.server, complete=opening.complete)
    sides = [
        judge_kinds(direction, data, complete=opening.complete)
        for direction, data in ((Direction.CLIENT, opening.client), (Direction.SERVER, opening.server))
        if data
    ]
    if not sides or Confidence.NO in sides:
        return Confidence.NO
    best = max(sides)
    return Confidence.SURE if len(sides) == 2 and min(sides) >= Confidence.LIKELY else best


def _judge_alone(data: bytes, *, complete: bool) -> Confidence:
    """Judge a server whose client was not captured: it never speaks first, and begins by asking who that is."""
    start = 1 if data[:1] == b"N" and data[1:2] in {b"", b"R"} else 0
    if not _WELCOME.startswith(data[start : start + 4]):
        return Confidence.NO
    return judge_kinds(Direction.SERVER, data[start:], complete=True) if complete else Confidence.UNDECIDED


def judge_start(data: bytes, answer: bytes = b"", *, complete: bool = True) -> Confidence:
    """Say whether bytes are the first message of a session (StartupMessage, SSLRequest, CancelRequest ...)."""
    if len(data) < 8:
        possible = not complete and data[:2] == b"\0\0"[: len(data)]
        return Confidence.UNDECIDED if possible else Confidence.NO
    size, code = unpack_from(">II", data)
    if code in NEGOTIATIONS:
        return Confidence.SURE if size == 8 else Confidence.NO
    if code == CANCEL:
        return Confidence.SURE if 16 <= size <= 268 and len(data) <= size else Confidence.NO
    if size == 8 == len(data) and answer[:1] in {b"N", b"S"} and len(answer) == 1:
        return Confidence.POSSIBLE
    if code >> 16 != MAJOR or not 16 <= size <= STARTUP_LONGEST:
        return Confidence.NO if size != 8 or len(data) > 8 or answer or complete else Confidence.UNDECIDED
    if len(data) >= size:
        return Confidence.SURE if startup_parameters(data[:size]) is not None else Confidence.NO
    if _CONTROL.search(data[8:].replace(b"\0", b" ")) or (len(data) > 8 and not data[8:9].isalpha()):
        return Confidence.NO
    return Confidence.LIKELY if complete and b"user\0" in data else Confidence.NO if complete else Confidence.UNDECIDED


def judge_kinds(direction: Direction, data: bytes, *, complete: bool) -> Confidence:
    """Say whether bytes are messages with a kind."""
    found = chain(direction, data)
    if found.rest < 0:
        return Confidence.NO
    if found.telling and not found.rest:
        return Confidence.SURE if found.telling > 1 or found.whole == found.telling else Confidence.LIKELY
    if found.telling:
        return Confidence.LIKELY
    if not complete and found.rest:
        return Confidence.UNDECIDED
    return Confidence.POSSIBLE


def find_message(direction: Direction, data: bytes, starts: Sequence[int]) -> int:
    """Give where a message begins in a piece: at a packet, or behind a ReadyForQuery; -1 when none does."""
    for start in starts[:CANDIDATES]:
        found = chain(direction, data, start, 8)
        if found.rest >= 0 and (found.telling or found.whole):
            return start
    if direction is Direction.SERVER:
        for match in _READY.finditer(data):
            if match.end() == len(data) or chain(direction, data, match.end(), 4).rest >= 0:
                return match.start()
    return -1


def plausible(direction: Direction, data: bytes, start: int, end: int) -> bool:
    """Tell whether data[start:end] can be one whole message with its kind."""
    kind, size = data[start], end - start - 5
    if kind in _BARE[direction]:
        return size == 0
    check = _CHECKS[direction].get(kind)
    return check is not None and size >= 0 and check(data[start + 5 : end])


class Chain(NamedTuple):
    """What bytes look like from some position on.

    whole: messages that can be what they claim. telling: how many of them say so by more than their length.
    rest: bytes of an unfinished message behind them, -1 where something else begins.
    """

    whole: int
    telling: int
    rest: int


def chain(direction: Direction, data: bytes, start: int = 0, most: int = 32) -> Chain:
    """Follow messages with a kind from `start` on, at most `most` of them."""
    kinds = CLIENT_KINDS if direction is Direction.CLIENT else SERVER_KINDS
    whole = telling = 0
    end = len(data)
    while start < end and whole < most:
        if data[start] not in kinds:
            return Chain(whole, telling, -1)
        if end - start < 5:
            return Chain(whole, telling, end - start)
        size = unpack_from(">I", data, start + 1)[0]
        if not 4 <= size <= LONGEST:
            return Chain(whole, telling, -1)
        after = start + 1 + size
        if after > end:
            return Chain(whole, telling, end - start if begins(direction, data, start) else -1)
        if not plausible(direction, data, start, after):
            return Chain(whole, telling, -1)
        whole += 1
        telling += data[start] not in b"dpf" and size > 4
        start = after
    return Chain(whole, telling, 0)


def begins(direction: Direction, data: bytes, start: int) -> bool:
    """Tell whether an unfinished message can begin at `start`: long ones carry statements, rows or copied data."""
    kind, size = data[start], int(unpack_from(">I", data, start + 1)[0])
    if kind in _BARE[direction]:
        return False
    body = data[start + 5 :]
    if direction is Direction.CLIENT:
        if kind == 0x51:
            return not _CONTROL.search(body[:256])
        return kind in b"PBdpF" or size <= 4096
    if kind == 0x5A:
        return size == 5
    if kind == 0x44:
        return len(body) < 2 or 6 + 4 * int(unpack_from(">H", body)[0]) <= size
    return kind in b"TdVENR" or size <= 4096


def _strings(count: int, body: bytes) -> bool:
    """Tell whether the body is exactly this many zero-terminated strings."""
    return body.count(b"\0") == count and body.endswith(b"\0")


def _query(body: bytes) -> bool:
    return body.endswith(b"\0") and not _CONTROL.search(body, 0, min(256, len(body) - 1))


def _parse(body: bytes) -> bool:
    name = body.find(b"\0") + 1
    text = body.find(b"\0", name) + 1
    if not name or not text or _CONTROL.search(body, 0, name - 1) or _CONTROL.search(body, name, text - 1):
        return False
    return len(body) - text >= 2 and len(body) == text + 2 + 4 * int(unpack_from(">H", body, text)[0])


def _bind(body: bytes) -> bool:
    portal = body.find(b"\0") + 1
    position = body.find(b"\0", portal) + 1
    if not portal or not position or len(body) < position + 2:
        return False
    position += 2 + 2 * int(unpack_from(">H", body, position)[0])
    position = _values(body, position)
    return 0 <= position <= len(body) - 2 and len(body) == position + 2 + 2 * int(unpack_from(">H", body, position)[0])


def _values(body: bytes, position: int) -> int:
    """Give the position behind a counted list of values, -1 where it does not fit."""
    if len(body) < position + 2:
        return -1
    count = int(unpack_from(">H", body, position)[0])
    position += 2
    for _ in range(count):
        if position + 4 > len(body):
            return -1
        size = int(unpack_from(">i", body, position)[0])
        position += 4 + max(0, size)
    return position if position <= len(body) else -1


def _of_object(body: bytes) -> bool:
    return body[:1] in (b"S", b"P") and _strings(1, body)


def _execute(body: bytes) -> bool:
    return body.find(b"\0") == len(body) - 5


def _row_description(body: bytes) -> bool:
    if len(body) < 2:
        return False
    position = 2
    for _ in range(unpack_from(">H", body)[0]):
        name = body.find(b"\0", position) + 1
        if not name:
            return False
        position = name + 18
    return position == len(body)


def _failure(body: bytes) -> bool:
    return body[:1] == b"S" and body.endswith(b"\0\0") and b"\0C" in body


def _copy(body: bytes) -> bool:
    return len(body) >= 3 and body[0] < 2 and len(body) == 3 + 2 * int(unpack_from(">H", body, 1)[0])


def _parameter_description(body: bytes) -> bool:
    return len(body) >= 2 and len(body) == 2 + 4 * int(unpack_from(">H", body)[0])


_CHECKS: dict[Direction, dict[int, Callable[[bytes], bool]]] = {
    Direction.CLIENT: {
        ord("Q"): _query,
        ord("P"): _parse,
        ord("B"): _bind,
        ord("D"): _of_object,
        ord("C"): _of_object,
        ord("E"): _execute,
        ord("F"): lambda body: len(body) >= 10,
        ord("d"): lambda body: True,
        ord("f"): lambda body: _strings(1, body),
        ord("p"): lambda body: len(body) > 0,
    },
    Direction.SERVER: {
        ord("R"): lambda body: len(body) >= 4 and int(unpack_from(">I", body)[0]) <= 12,
        ord("S"): lambda body: _strings(2, body) and len(body) > 3,
        ord("K"): lambda body: 8 <= len(body) <= 260,
        ord("Z"): lambda body: len(body) == 1 and body[0] in TRANSACTION,
        ord("T"): _row_description,
        ord("D"): lambda body: _values(body, 0) == len(body),
        ord("C"): lambda body: TAG.fullmatch(body) is not None,
        ord("t"): _parameter_description,
        ord("E"): _failure,
        ord("N"): _failure,
        ord("G"): _copy,
        ord("H"): _copy,
        ord("W"): _copy,
        ord("d"): lambda body: True,
        ord("A"): lambda body: len(body) > 6 and _strings(2, body[4:]),
        ord("V"): lambda body: len(body) >= 4,
        ord("v"): lambda body: len(body) >= 8,
    },
}
