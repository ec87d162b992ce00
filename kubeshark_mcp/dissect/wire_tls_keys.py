"""From secrets to keys: NSS key logs, and what SSL 3.0 (RFC 6101), TLS 1.0 to 1.2 (RFC 5246) and 1.3 derive."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence

SESSIONS = 10_000
"""Sessions that are remembered for those that resume them."""

_LINE = re.compile(r"([A-Z][A-Z0-9_]{2,40}) ([0-9a-fA-F]{16,64}) ([0-9a-fA-F]{64,128})")
_SESSION_LINE = re.compile(r"RSA Session-ID:([0-9a-fA-F]{2,64}) Master-Key:([0-9a-fA-F]{96})")


class KeyLog:
    """Secrets by the random of their ClientHello. lines: may grow while a capture is being read; the rest is read then.

    What is no secret (comments, other programs' lines) is passed over.
    """

    def __init__(self, lines: Sequence[str] = ()) -> None:
        self.lines = lines
        self._secrets: dict[bytes, dict[str, bytes]] = {}
        self._premasters: dict[bytes, bytes] = {}
        self._sessions: dict[bytes, bytes] = {}
        self._read = 0

    @property
    def has_premasters(self) -> bool:
        """Tell whether there are premaster secrets, for which a handshake's messages must be kept."""
        self._refresh()
        return bool(self._premasters)

    def _refresh(self) -> None:
        """Take the lines behind those that were taken before."""
        if len(self.lines) > self._read:
            for line in self.lines[self._read :]:
                self._take(line.strip())
            self._read = len(self.lines)

    def _take(self, line: str) -> None:
        if match := _LINE.fullmatch(line):
            label, key, value = match[1], match[2], match[3]
            if len(key) % 2 or len(value) % 2:
                return
            if label == "RSA":
                self._premasters[bytes.fromhex(key)[:8]] = bytes.fromhex(value)
            else:
                self._secrets.setdefault(bytes.fromhex(key), {})[label] = bytes.fromhex(value)
        elif (match := _SESSION_LINE.fullmatch(line)) and len(match[1]) % 2 == 0:
            self._sessions[bytes.fromhex(match[1])] = bytes.fromhex(match[2])

    def secrets(self, client_random: bytes) -> Mapping[str, bytes]:
        """Give label -> secret of a handshake; empty where nothing is known."""
        self._refresh()
        return self._secrets.get(client_random, {})

    def premaster(self, encrypted: bytes) -> bytes:
        """Give the premaster secret that a client encrypted so (RSA key exchange); empty where it is unknown."""
        return self._premasters.get(encrypted[:8], b"")

    def remember(self, session: bytes, master: bytes) -> None:
        """Keep the master secret of a session, by its id or ticket."""
        if session:
            self._sessions.pop(session, None)
            self._sessions[session] = master
            if len(self._sessions) > SESSIONS:
                del self._sessions[next(iter(self._sessions))]

    def resumed(self, session: bytes) -> bytes:
        """Give the master secret of a session by its id or ticket; empty where it is unknown."""
        self._refresh()
        return self._sessions.get(session, b"")


def prf(version: int, digest: str, secret: bytes, label: bytes, seed: bytes, length: int) -> bytes:
    """Expand a secret as SSL 3.0 to TLS 1.2 do. digest: of the suite, `sha256` or `sha384`; used from TLS 1.2 on."""
    if version >= 0x0303:
        return _expand(digest, secret, label + seed, length)
    if version == 0x0300:
        return _expand_ssl3(secret, seed, length)
    half = (len(secret) + 1) // 2
    first = _expand("md5", secret[:half], label + seed, length)
    second = _expand("sha1", secret[-half:], label + seed, length)
    return bytes(a ^ b for a, b in zip(first, second, strict=True))


def _expand(digest: str, secret: bytes, seed: bytes, length: int) -> bytes:
    """P_hash of RFC 5246 section 5."""
    made = b""
    chain = seed
    while len(made) < length:
        chain = hmac.digest(secret, chain, digest)
        made += hmac.digest(secret, chain + seed, digest)
    return made[:length]


def _expand_ssl3(secret: bytes, seed: bytes, length: int) -> bytes:
    """Expand as RFC 6101 section 6.2.2 does, which knows no labels: A, BB, CCC ... make the blocks differ."""
    made = b""
    for block in range(-(-length // 16)):
        salt = bytes([ord("A") + block]) * (block + 1)
        inner = hashlib.sha1(salt + secret + seed, usedforsecurity=False).digest()
        made += hashlib.md5(secret + inner, usedforsecurity=False).digest()
    return made[:length]


def master_secret(
    version: int, digest: str, premaster: bytes, randoms: tuple[bytes, bytes], transcript: bytes | None
) -> bytes:
    """Make the master secret of 48 bytes. transcript: messages up to ClientKeyExchange, for RFC 7627, else None."""
    if transcript is None:
        return prf(version, digest, premaster, b"master secret", randoms[0] + randoms[1], 48)
    if version >= 0x0303:
        session = hashlib.new(digest, transcript).digest()
    else:
        session = hashlib.new("md5", transcript, usedforsecurity=False).digest() + hashlib.sha1(transcript).digest()
    return prf(version, digest, premaster, b"extended master secret", session, 48)


def expand_label(digest: str, secret: bytes, label: str, length: int) -> bytes:
    """HKDF-Expand-Label with an empty context (RFC 8446 section 7.1)."""
    name = b"tls13 " + label.encode()
    info = length.to_bytes(2, "big") + bytes([len(name)]) + name + b"\0"
    made, block, counter = b"", b"", 1
    while len(made) < length:
        block = hmac.digest(secret, block + info + bytes([counter]), digest)
        made += block
        counter += 1
    return made[:length]


def updated(digest: str, secret: bytes) -> bytes:
    """Give the traffic secret after a KeyUpdate (RFC 8446 section 7.2)."""
    return expand_label(digest, secret, "traffic upd", len(secret))
