"""Whether bytes can be packets of the MySQL protocol, and where a command begins in bytes whose start is missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from kubeshark_mcp.dissect.base import Confidence, Opening
from kubeshark_mcp.dissect.wire_mysql import (
    COMMANDS,
    HEADER,
    Capability,
    integer,
    number,
    query_text,
    read_greeting,
    read_login,
    wants_tls,
)

CANDIDATES = 64
"""Packets of a piece at which a command is looked for."""

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_SQL = re.compile(
    rb"(?is)(?>[\s(;]|/\*!?|#|-- )*+(?:select|insert|update|delete|replace|set|show|use|begin|commit|rollback|start|"
    rb"create|alter|drop|truncate|call|with|explain|desc|describe|grant|revoke|lock|unlock|kill|load|prepare|execute|"
    rb"deallocate|do|handler|xa|savepoint|release|analyze|optimize|check|repair|flush|reset|rename|purge|change)\b"
)
_BARE = frozenset((0x01, 0x09, 0x0A, 0x0D, 0x0E, 0x1F))
_SIZES = {0x0C: 5, 0x19: 5, 0x1A: 5, 0x1B: 3, 0x1C: 9}
_TEXTS = frozenset((0x03, 0x16))
_NAMES = frozenset((0x02, 0x04, 0x05, 0x06))


def judge(opening: Opening) -> Confidence:
    """Say whether an opening is MySQL: a greeting, a login, or commands and answers that are what they claim."""
    sides = []
    if opening.client:
        sides.append(judge_client(opening.client, complete=opening.complete))
    if opening.server:
        sides.append(judge_server(opening.server, complete=opening.complete))
    if not sides or Confidence.NO in sides:
        return Confidence.NO
    best, least = max(sides), min(sides)
    if best is Confidence.SURE:
        return best
    if len(sides) == 2 and least >= Confidence.POSSIBLE:
        return Confidence.SURE if best is Confidence.LIKELY else Confidence.LIKELY
    if best is Confidence.POSSIBLE and len(sides) == 1 and not opening.complete:
        return Confidence.UNDECIDED
    return least if least is Confidence.UNDECIDED and not opening.complete else best


def judge_client(data: bytes, *, complete: bool) -> Confidence:
    """Say whether bytes are a client's: a login, a wish for TLS, or commands."""
    if len(data) <= HEADER:
        possible = not complete and len(data) < HEADER + 1 and (len(data) < HEADER or data[3] < 4)
        return Confidence.UNDECIDED if possible and data[:3] != b"\0\0\0" else Confidence.NO
    size, payload = number(data, 0, 3), data[HEADER : HEADER + number(data, 0, 3)]
    if not size or data[3] > 3:
        return Confidence.NO
    if data[3]:
        return _judge_login(payload, size, first=data[3] == 1, complete=complete)
    if len(payload) < size:
        return _judge_unfinished(payload, size, complete=complete)
    found = judge_command(payload)
    position = HEADER + size
    if found is not Confidence.NO and position < len(data) and not _follows(data, position):
        return Confidence.NO
    return found


def _follows(data: bytes, position: int) -> bool:
    """Tell whether further packets of a client can begin at `position`."""
    for _ in range(64):
        if len(data) - position <= HEADER:
            return True
        size = number(data, position, 3)
        if data[position + 3] or not size:
            return data[position + 3] > 0
        if data[position + HEADER] not in COMMANDS:
            return False
        position += HEADER + size
    return True


def _judge_login(payload: bytes, size: int, *, first: bool, complete: bool) -> Confidence:
    """Judge a login. first: no SSLRequest can have been before it; that is younger than protocol 4.1."""
    if len(payload) < size:
        plausible = size < 4096 and (len(payload) < 28 or not any(payload[10:28]))
        return Confidence.UNDECIDED if plausible and not complete else Confidence.NO
    if wants_tls(payload) and not any(payload[10:28]):
        return Confidence.SURE if size == 32 else Confidence.POSSIBLE
    login = read_login(payload)
    if login is None or not login.user.isprintable() or size < 32:
        return Confidence.NO
    return Confidence.SURE if first or login.capabilities & Capability.PROTOCOL_41 else Confidence.NO


def _judge_unfinished(payload: bytes, size: int, *, complete: bool) -> Confidence:
    """Judge a command of which only the beginning is there."""
    code = payload[0]
    if code not in COMMANDS or code in _BARE or (code in _SIZES and size != _SIZES[code]):
        return Confidence.NO
    if code in _TEXTS:
        text = query_text(payload[:2048], attributes=None)
        if _CONTROL.search(text[:256]) and text[:1] != payload[1:2]:
            text = b""
        if _CONTROL.search(text[:256]):
            return Confidence.NO
        if complete:
            return Confidence.LIKELY if _SQL.match(text) else Confidence.NO
    if not complete:
        return Confidence.UNDECIDED
    return Confidence.POSSIBLE if size < 1 << 20 else Confidence.NO


def judge_command(payload: bytes) -> Confidence:
    """Say whether a whole payload can be a command."""
    code, size = payload[0], len(payload)
    if code not in COMMANDS:
        return Confidence.NO
    if code in _BARE:
        return Confidence.POSSIBLE if size == 1 else Confidence.NO
    if code in _SIZES:
        return Confidence.POSSIBLE if size == _SIZES[code] else Confidence.NO
    if code in _TEXTS:
        text = query_text(payload, attributes=None)
        if not text or _CONTROL.search(text[:256].rstrip(b"\0")):
            return Confidence.NO
        return Confidence.SURE if _SQL.match(text) else Confidence.POSSIBLE
    if code in _NAMES:
        name = payload[1:].rstrip(b"%").rstrip(b"\0")
        return Confidence.POSSIBLE if 0 < len(name) < 256 and not _CONTROL.search(name) else Confidence.NO
    if code == 0x17:
        return Confidence.LIKELY if size >= 10 and payload[6:10] == b"\x01\0\0\0" else Confidence.NO
    return Confidence.POSSIBLE


def judge_server(data: bytes, *, complete: bool) -> Confidence:
    """Say whether bytes are a server's: a greeting, an error, or an answer."""
    if len(data) <= HEADER:
        return Confidence.NO if complete else Confidence.UNDECIDED
    size, payload = number(data, 0, 3), data[HEADER : HEADER + number(data, 0, 3)]
    if not size:
        return Confidence.NO
    if data[3] == 0 and payload[0] in {0x09, 0x0A}:
        return _judge_greeting(payload, size, complete=complete)
    if payload[0] == 0xFF:
        return _judge_error(payload, size, complete=complete)
    return judge_answer(data) if data[3] in {1, 2} else Confidence.NO


def _judge_greeting(payload: bytes, size: int, *, complete: bool) -> Confidence:
    if size > 512:
        return Confidence.NO
    if len(payload) < size:
        version = payload[1:].partition(b"\0")[0]
        possible = not complete and (not version or (version.isascii() and version.decode().isprintable()))
        return Confidence.UNDECIDED if possible else Confidence.NO
    greeting = read_greeting(payload)
    return Confidence.SURE if greeting is not None and greeting.version[:1].isalnum() else Confidence.NO


def _judge_error(payload: bytes, size: int, *, complete: bool) -> Confidence:
    code = number(payload, 1, 2)
    if len(payload) >= 3 and not 1000 <= code < 20000:
        return Confidence.NO
    if len(payload) < size:
        return Confidence.NO if complete or size > 2048 else Confidence.UNDECIDED
    text = payload[3:]
    if size < 6 or _CONTROL.search(text):
        return Confidence.NO
    return Confidence.SURE if text[:1] == b"#" and text[1:6].isalnum() else Confidence.LIKELY


class Packets(NamedTuple):
    """Packets behind each other whose numbers count up. columns: those that look like column definitions."""

    whole: int
    columns: int
    broken: bool


def follow(data: bytes, most: int = 64) -> Packets:
    """Follow the packets of answers: the number begins again with each, and skips what the client says between."""
    position, whole, columns = 0, 0, 0
    sequence = data[3]
    while position < len(data) and whole < most:
        if len(data) - position < HEADER:
            break
        if data[position + 3] not in {sequence, (sequence + 1) & 0xFF, 1}:
            return Packets(whole, columns, broken=True)
        after = position + HEADER + number(data, position, 3)
        if after == position + HEADER:
            return Packets(whole, columns, broken=True)
        if after > len(data):
            break
        columns += data[position + HEADER : position + HEADER + 4] == b"\x03def"
        whole += 1
        sequence = (data[position + 3] + 1) & 0xFF
        position = after
    return Packets(whole, columns, broken=False)


def judge_answer(data: bytes) -> Confidence:
    """Say whether bytes are the beginning of an answer."""
    found = follow(data)
    size, first = number(data, 0, 3), data[HEADER]
    if found.broken:
        return Confidence.NO
    if found.columns:
        return Confidence.SURE if found.whole > 1 else Confidence.LIKELY
    if first == 0 and size >= 7:
        return Confidence.POSSIBLE
    if first in {0xFE, 0x01, 0xFB}:
        return Confidence.POSSIBLE
    return Confidence.POSSIBLE if integer(data, HEADER) == (first, HEADER + size) else Confidence.NO


def find_command(data: bytes, starts: Sequence[int]) -> int:
    """Give where a client's message begins in a piece: at a packet of the capture; -1 when none does."""
    for start in starts[:CANDIDATES]:
        size = number(data, start, 3)
        payload = data[start + HEADER : start + HEADER + size]
        if not payload or len(data) < start + HEADER + 1:
            continue
        if (
            data[start + 3] in {1, 2}
            and len(payload) == size
            and (wants_tls(payload) or read_login(payload) is not None)
        ):
            return start
        if data[start + 3]:
            continue
        whole = len(payload) == size
        found = judge_command(payload) if whole else _judge_unfinished(payload, size, complete=True)
        if found is not Confidence.NO and (not whole or _follows(data, start + HEADER + size)):
            return start
    return -1
