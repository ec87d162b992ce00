"""Secrets overwritten in payload bytes by filler of the same length, so that a capture can be given away."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from kubeshark_mcp.present.fencing import clean
from kubeshark_mcp.present.redaction import Redactor

FILLER = b"x"
READABLE = frozenset(
    {"http", "gql", "redis", "dns", "postgresql", "mysql", "icmp", "tlsx", "tcp", "udp", "tcp_conn", "udp_conn"}
)
"""Protocols whose secrets can be told in the bytes on the wire; of all others the payload is overwritten whole."""
_SHORT = 6
_ENCODED = re.compile(rb"(?i)\r\ncontent-encoding:[ \t]*(?!identity)[a-z]")
_NEXT = re.compile(rb"(?:HTTP/1\.[01] \d{3} |[A-Z]{3,12} [^ \r\n]{1,2000} HTTP/1\.[01]\r\n)")
_POSTGRESQL_PASSWORD = re.compile(rb"\Ap\x00\x00[\x00-\x7f].", re.DOTALL)
_TLS = re.compile(rb"\A[\x14-\x17]\x03[\x00-\x04]")


@dataclass(frozen=True, slots=True)
class _Recorder(Redactor):
    """Notes each secret that redaction would take out."""

    found: list[str] = field(default_factory=list)

    def mark(self, secret: str) -> str:
        self.found.append(secret)
        return Redactor.mark(self, secret)


def scrubbed(data: bytes, protocol: str) -> bytes:
    """Overwrite the secrets in bytes of one direction of a conversation; the length stays.

    protocol: what they were dissected as. What nobody can read here (compressed bodies, binary protocols) is
    overwritten whole. Encrypted bytes stay: nobody else can read them either.
    """
    if not data or _TLS.match(data):
        return data
    if protocol not in READABLE:
        return FILLER * len(data)
    if protocol == "postgresql" and _POSTGRESQL_PASSWORD.match(data):
        return data[:5] + FILLER * (len(data) - 5)
    if protocol == "mysql" and data[3:4] == b"\x01":
        return FILLER * len(data)  # A login, or the answer to a command: no text that matters either way.
    masked = _without_encoded_bodies(data)
    for secret in _secrets(masked):
        masked = _overwritten(masked, secret)
    left = [secret for secret in _secrets(masked) if set(secret.encode("latin-1", "replace")) - set(FILLER)]
    # Where a secret is written otherwise than it reads (escapes, control characters), nothing may stay.
    return FILLER * len(data) if left else masked


def _secrets(data: bytes) -> list[str]:
    recorder = _Recorder(b"")
    recorder.text(clean(data.decode("latin-1")))
    return sorted({secret for secret in recorder.found if secret}, key=len, reverse=True)


def _overwritten(data: bytes, secret: str) -> bytes:
    for written in {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}:
        try:
            wanted = written.encode("latin-1")
        except UnicodeEncodeError:
            continue
        filler = FILLER * len(wanted)
        if len(wanted) >= _SHORT:
            data = data.replace(wanted, filler)
        else:
            data = re.sub(rb"(?<!\w)" + re.escape(wanted) + rb"(?!\w)", filler, data)
    return data


def _without_encoded_bodies(data: bytes) -> bytes:
    """Overwrite bodies with a Content-Encoding, up to where the next message begins."""
    done = bytearray(data)
    for match in _ENCODED.finditer(data):
        body = data.find(b"\r\n\r\n", match.start())
        if body < 0:
            continue
        following = _NEXT.search(data, body + 4)
        end = following.start() if following else len(data)
        done[body + 4 : end] = FILLER * (end - body - 4)
    return bytes(done)
