"""Which key opens the next record: secrets of a key log, switched as the connection goes on, found again after gaps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from kubeshark_mcp.dissect import wire_tls_names as n
from kubeshark_mcp.dissect.wire_tls import Cursor, Hello, TlsError, chosen_version
from kubeshark_mcp.dissect.wire_tls_ciphers import (
    Aead13Opener,
    AeadOpener,
    CbcOpener,
    Cipher,
    MacOpener,
    Opener,
    cipher_of,
)
from kubeshark_mcp.dissect.wire_tls_keys import KeyLog, expand_label, master_secret, prf, updated
from kubeshark_mcp.dissect.wire_tls_suites import suite_name
from kubeshark_mcp.model.stream import Direction

SEARCHED = 256
"""Record numbers that are tried behind missing bytes."""
SMALLEST_RECORD = 22
"""Bytes of the smallest record with content: how many of them may be missing."""
FAILURES = 64
"""Records in a row that no key opens before a direction is given up; early data nobody has a key for is not longer."""
TRANSCRIPT = 1 << 18
"""Bytes of handshake messages that are kept for the extended master secret."""

_SECRETS = (
    ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0"),
    ("SERVER_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0"),
)
_EARLY = "CLIENT_EARLY_TRAFFIC_SECRET"


@dataclass(slots=True)
class _Epoch:
    """One key. sequence: of the next record. secret: what a KeyUpdate derives the next one from, else empty."""

    opener: Opener
    cipher: Cipher
    secret: bytes = b""
    sequence: int = 0


@dataclass(slots=True)
class _Side:
    """Keys of one direction in the order of their use; the first is in use. search: numbers to try."""

    epochs: list[_Epoch] = field(default_factory=list)
    search: int = 1
    failures: int = 0
    lost: bool = False
    """Whether no record can be opened any more."""


class Decryption:
    """Opens the records of one connection; its handshake messages, in their order, tell it what to look for."""

    def __init__(self, log: KeyLog) -> None:
        self._log = log
        self._sides = (_Side(), _Side())
        self._client: Hello | None = None
        self._server: Hello | None = None
        self._version = 0
        self._premaster = b""
        self._transcript = bytearray()
        self._extended = b""
        self._pending: tuple[_Epoch, _Epoch] | None = None

    @property
    def tls13(self) -> bool:
        """Tell whether the server chose TLS 1.3."""
        return self._version == n.TLS13

    @property
    def ready(self) -> bool:
        """Tell whether any direction has a key that may open its next record."""
        return any(side.epochs and not side.lost for side in self._sides)

    def server_hello(self, hello: Hello) -> None:
        """Hear the server's choice."""
        if not hello.retry and self._server is None:
            self._server = hello
            self._version = chosen_version(hello)
            if self.tls13:
                self._schedule(hello)
        self._note(hello.raw)

    def message(self, kind: int, message: bytes) -> None:
        """Hear another handshake message, with its header."""
        self._note(message)
        if kind == n.CLIENT_KEY_EXCHANGE:
            self._exchange(message)
        elif kind == n.NEW_SESSION_TICKET and not self.tls13:
            self._ticket(message)

    def change_cipher(self, direction: Direction, *, resumed: bool) -> None:
        """Hear a ChangeCipherSpec of TLS 1.2 or older: what follows in its direction is under the new key."""
        if self.tls13:
            return
        if self._pending is None:
            self._pending = self._keys(resumed=resumed)
        side = self._sides[direction]
        side.epochs = [self._pending[direction]] if self._pending is not None else []
        side.search, side.failures, side.lost = 1, 0, False

    def lose(self, direction: Direction, missing: int, *, records: int = 0) -> None:
        """Hear that bytes are missing: as many whole records as `records` says, else any number that fits."""
        side = self._sides[direction]
        if not side.epochs:
            return
        if isinstance(side.epochs[0].opener, MacOpener) or self._version <= n.TLS10:
            side.lost = True  # each record needs the one before it
        elif records:
            side.epochs[0].sequence += records
        else:
            side.search = min(SEARCHED, side.search + missing // SMALLEST_RECORD + 1)

    def open(self, direction: Direction, header: bytes, body: bytes) -> tuple[int, bytes] | None:
        """Give (content type, content) of a protected record, None where no key opens it."""
        side = self._sides[direction]
        if side.lost:
            return None
        for position, epoch in enumerate(_candidates(side)):
            first = epoch.sequence
            for sequence in range(first, first + side.search):
                opened = epoch.opener.open(sequence, header, body)
                if opened is not None:
                    epoch.sequence = sequence + 1
                    if position:
                        side.epochs = [epoch, *side.epochs[position + 1 :]]
                    side.search, side.failures = 1, 0
                    return opened
        side.failures += 1
        side.lost = side.failures >= FAILURES
        return None

    def client_hello(self, hello: Hello) -> None:
        """Hear a ClientHello: the first, the second after a HelloRetryRequest, or one that renegotiates."""
        if self._client is not None and self._server is None and hello.random == self._client.random:
            self._client = hello
            return
        self._client, self._server = hello, None
        self._pending = None
        self._transcript.clear()
        self._premaster = self._extended = b""
        self._note(hello.raw)
        secret = self._log.secrets(hello.random).get(_EARLY)
        if secret is not None and hello.extension(n.EARLY_DATA) is not None:
            self._sides[Direction.CLIENT].epochs = [
                _traffic(cipher, secret)
                for suite in hello.suites
                if suite >> 8 == 0x13 and (cipher := cipher_of(suite)) and _fits(cipher, secret)
            ]

    def _schedule(self, hello: Hello) -> None:
        """Make the keys of TLS 1.3 that the key log has secrets for."""
        secrets = self._log.secrets(self._client.random) if self._client is not None else {}
        cipher = cipher_of(hello.suites[0]) if secrets and hello.suites else None
        if cipher is None:
            return
        for side, labels in zip(self._sides, _SECRETS, strict=True):
            side.epochs += [
                _traffic(cipher, secrets[label]) for label in labels if _fits(cipher, secrets.get(label, b""))
            ]
            side.search, side.failures, side.lost = max(1, side.search), 0, False

    def _note(self, message: bytes) -> None:
        if len(self._transcript) < TRANSCRIPT and self._log.has_premasters:
            self._transcript += message

    def _exchange(self, message: bytes) -> None:
        """Look for the premaster secret that the client encrypted; SSL 3.0 wrote it without a length."""
        body = message[4:]
        self._premaster = self._log.premaster(body[2:]) or self._log.premaster(body)
        self._extended = bytes(self._transcript)

    def _ticket(self, message: bytes) -> None:
        """Remember the session under its ticket (RFC 5077 section 3.3)."""
        master = self._master(resumed=self._pending is None)
        if not master:
            return
        try:
            self._log.remember(Cursor(message, 8).vector(2), master)
        except TlsError:
            return

    def _master(self, *, resumed: bool) -> bytes:
        """Find the master secret of TLS 1.2 or older; empty where nothing leads to it."""
        client, server = self._client, self._server
        if client is None or server is None:
            return b""
        found = self._log.secrets(client.random)
        if "CLIENT_RANDOM" in found:
            return found["CLIENT_RANDOM"]
        premaster = self._premaster or found.get("PMS_CLIENT_RANDOM", b"")
        if premaster and server.suites and (cipher := cipher_of(server.suites[0])):
            extended = server.extension(n.EXTENDED_MASTER_SECRET) is not None
            randoms = (client.random, server.random)
            transcript = self._extended if extended else None
            return master_secret(self._version, cipher.digest, premaster, randoms, transcript)
        if resumed:
            return self._log.resumed(server.session_id) or self._log.resumed(client.extension(n.SESSION_TICKET) or b"")
        return b""

    def _keys(self, *, resumed: bool) -> tuple[_Epoch, _Epoch] | None:
        """Make the keys of TLS 1.2 or older (RFC 5246 section 6.3); a suite without encryption needs no secret."""
        client, server = self._client, self._server
        if server is None or not server.suites or not n.SSL3 <= self._version <= n.TLS12:
            return None
        master = self._master(resumed=resumed)
        if not master and "_NULL_" not in suite_name(server.suites[0]):
            return None
        cipher = cipher_of(server.suites[0])
        if cipher is None:
            return None
        if not master or client is None:
            return (_Epoch(MacOpener(cipher, b"", b""), cipher),) * 2 if cipher.kind == "null" else None
        if not resumed:
            self._log.remember(server.session_id, master)
        chained = cipher.block if cipher.kind == "cbc" and self._version <= n.TLS10 else 0
        sizes = [cipher.mac_size] * 2 + [cipher.key] * 2 + [cipher.fixed or chained] * 2
        seed = server.random + client.random
        cursor = Cursor(prf(self._version, cipher.digest, master, b"key expansion", seed, sum(sizes)))
        block = [cursor.take(size) for size in sizes]
        first, second = (
            _Epoch(_opener(cipher, block[way], block[2 + way], block[4 + way], server), cipher) for way in (0, 1)
        )
        return first, second


def _candidates(side: _Side) -> Iterator[_Epoch]:
    """Give the key in use and those that may follow; behind the last, the one that a KeyUpdate derives."""
    yield from side.epochs
    if side.epochs and (last := side.epochs[-1]).secret:
        yield _traffic(last.cipher, updated(last.cipher.digest, last.secret))


def _fits(cipher: Cipher, secret: bytes) -> bool:
    return len(secret) == (48 if cipher.digest == "sha384" else 32)


def _traffic(cipher: Cipher, secret: bytes) -> _Epoch:
    """Make the key of a traffic secret (RFC 8446 section 7.3)."""
    key = expand_label(cipher.digest, secret, "key", cipher.key)
    nonce = expand_label(cipher.digest, secret, "iv", 12)
    return _Epoch(Aead13Opener(cipher, key, nonce), cipher, secret)


def _opener(cipher: Cipher, mac_key: bytes, key: bytes, fixed: bytes, server: Hello) -> Opener:
    ssl3 = server.version == n.SSL3
    if cipher.kind in {"rc4", "null"}:
        return MacOpener(cipher, mac_key, key, ssl3=ssl3)
    if cipher.kind == "cbc":
        etm = server.extension(n.ENCRYPT_THEN_MAC) is not None
        return CbcOpener(cipher, mac_key, key, fixed, encrypt_then_mac=etm, ssl3=ssl3)
    return AeadOpener(cipher, key, fixed)
