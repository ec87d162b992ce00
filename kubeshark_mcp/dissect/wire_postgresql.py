"""The PostgreSQL frontend/backend protocol, version 3: what its messages say.

Source: PostgreSQL documentation, chapter "Frontend/Backend Protocol" (message formats, error and notice fields).
Messages are `kind (1 byte), length (4, itself included), content`; those before and with StartupMessage lack the kind.
"""

from __future__ import annotations

import re
from struct import unpack_from
from typing import NamedTuple

from kubeshark_mcp.dissect.sql_text import read_text

LONGEST = 0x3FFFFFFF
"""Bytes of a message that the server would still accept (MaxAllocSize)."""

STARTUP_LONGEST = 10_000
"""Bytes of a message without a kind (MAX_STARTUP_PACKET_LENGTH)."""

TEXT_LIMIT = 1024
"""Characters of a name, a message or a parameter that are kept."""

NEGOTIATIONS = {80877103: "SSLRequest", 80877104: "GSSENCRequest"}
CANCEL = 80877102
MAJOR = 3

AUTHENTICATION = {
    2: "KerberosV5",
    3: "cleartext password",
    5: "MD5",
    6: "SCM credential",
    7: "GSSAPI",
    9: "SSPI",
    10: "SASL",
}
"""Names of the authentication requests that choose a method; 0 is success, 8, 11 and 12 go on with one."""

CLIENT_KINDS = frozenset(b"QPBDECHSFdcfpX")
SERVER_KINDS = frozenset(b"RSKZTDC123tnsIENGHWdcAVv")

TRANSACTION = {ord("I"): "idle", ord("T"): "in transaction", ord("E"): "failed transaction"}
"""What ReadyForQuery says."""

TAG = re.compile(rb"([A-Z][A-Z ]{1,60}?)(?: (\d{1,10}))?(?: (\d{1,19}))?\x00")
"""Body of a CommandComplete: command, then one or two numbers."""
_CHANGING = frozenset((b"INSERT", b"UPDATE", b"DELETE", b"MERGE", b"COPY"))
_NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_.]*\Z")


def text_at(data: bytes, start: int) -> tuple[str, int]:
    """Give the zero-terminated string at `start`, cut at TEXT_LIMIT, and the position behind it; -1 without an end."""
    end = data.find(b"\0", start)
    if end == start:
        return "", end + 1
    if end < 0:
        return read_text(data[start : start + TEXT_LIMIT]), -1
    return data[start : min(end, start + TEXT_LIMIT)].decode("utf-8", "backslashreplace"), end + 1


def startup_parameters(body: bytes) -> dict[str, str] | None:
    """Read the names and values of a StartupMessage; None where it is none."""
    found: dict[str, str] = {}
    position = 8
    while position < len(body) - 1:
        end = body.find(b"\0", position)
        stop = body.find(b"\0", end + 1)
        name = body[position:end]
        if end < 0 or stop < 0 or not _NAME.match(name):
            return None
        found[name.decode("ascii")] = read_text(body[end + 1 : stop])[:TEXT_LIMIT]
        position = stop + 1
    return found if position == len(body) - 1 and body[-1] == 0 and "user" in found else None


class Failure(NamedTuple):
    """What an ErrorResponse or NoticeResponse says: SQLSTATE, primary message, severity without translation."""

    code: str
    message: str
    severity: str


def read_failure(body: bytes) -> Failure:
    """Read the fields of an ErrorResponse or NoticeResponse."""
    fields: dict[int, str] = {}
    position = 5
    while 0 <= position < len(body) and body[position]:
        kind = body[position]
        value, position = text_at(body, position + 1)
        fields.setdefault(kind, value)
    severity = fields.get(ord("V")) or fields.get(ord("S"), "")
    return Failure(fields.get(ord("C"), ""), fields.get(ord("M"), ""), severity)


class Tag(NamedTuple):
    """A CommandComplete: its text (`INSERT 0 2`), the command in it, rows that it changed or copied."""

    text: str
    command: str
    changed: int


def read_tag(body: bytes) -> Tag:
    """Read a CommandComplete; of an unusual one the text alone."""
    found = TAG.match(body, 5)
    if found is None:
        return Tag(text_at(body, 5)[0], "", 0)
    count = found[3] or found[2] or b"0"
    command = found[1].decode("ascii")
    return Tag(found[0][:-1].decode("ascii"), command, int(count) if found[1] in _CHANGING else 0)


def authentication_method(body: bytes) -> str:
    """Give the method that an authentication request asks for; a SASL one by the mechanism the server likes best."""
    if len(body) < 9:
        return ""
    code = unpack_from(">I", body, 5)[0]
    if code == 10:
        return text_at(body, 9)[0] or "SASL"
    return AUTHENTICATION.get(code, "")


def bound_parameters(body: bytes, position: int) -> int:
    """Give how many values a Bind message carries; position: behind its two names. 0 where that cannot be read."""
    if position < 0 or position + 2 > len(body):
        return 0
    position += 2 + 2 * int(unpack_from(">H", body, position)[0])
    return int(unpack_from(">H", body, position)[0]) if position + 2 <= len(body) else 0
