"""The sending side of TLS: records protected with known secrets, to be opened again."""

from __future__ import annotations

import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from kubeshark_mcp.dissect.wire_tls_keys import expand_label, prf
from tests.dissect.tls_building import CLIENT_RANDOM, SERVER_RANDOM, record, vector, words

MASTER = bytes(range(48))
CLIENT_LINE = f"CLIENT_RANDOM {CLIENT_RANDOM.hex()} {MASTER.hex()}"


def secret_line(label: str, secret: bytes, random: bytes = CLIENT_RANDOM) -> str:
    """A line of a key log."""
    return f"{label} {random.hex()} {secret.hex()}"


class Sealer13:
    """Seals records of TLS 1.3 with one traffic secret, for TLS_AES_128_GCM_SHA256."""

    def __init__(self, secret: bytes) -> None:
        self.secret = secret
        self._key()

    def _key(self) -> None:
        self._aead = AESGCM(expand_label("sha256", self.secret, "key", 16))
        self._nonce = int.from_bytes(expand_label("sha256", self.secret, "iv", 12), "big")
        self.sequence = 0

    def update(self) -> None:
        """Change to the next key."""
        self.secret = expand_label("sha256", self.secret, "traffic upd", 32)
        self._key()

    def seal(self, kind: int, content: bytes, padding: int = 0) -> bytes:
        inner = content + bytes([kind]) + bytes(padding)
        header = b"\x17\x03\x03" + words(len(inner) + 16)
        nonce = (self._nonce ^ self.sequence).to_bytes(12, "big")
        self.sequence += 1
        return header + self._aead.encrypt(nonce, inner, header)


class Sealer12:
    """Seals records of TLS 1.2: `gcm`, `ccm`, `ccm8`, `chacha`, `cbc` or `etm`, each with AES-128 or ChaCha20."""

    def __init__(self, kind: str, *, client: bool, master: bytes = MASTER) -> None:
        self.kind = kind
        mac, key, fixed = {"chacha": (0, 32, 12), "cbc": (20, 16, 0), "etm": (20, 16, 0)}.get(kind, (0, 16, 4))
        block = prf(0x0303, "sha256", master, b"key expansion", SERVER_RANDOM + CLIENT_RANDOM, 2 * (mac + key + fixed))
        parts = []
        for size in (mac, mac, key, key, fixed, fixed):
            parts.append(block[:size])
            block = block[size:]
        self.mac_key, self.key, self.fixed = parts[0 if client else 1 :: 2]
        self.sequence = 0

    def seal(self, kind: int, content: bytes) -> bytes:
        number = self.sequence.to_bytes(8, "big")
        self.sequence += 1
        header = number + bytes([kind]) + b"\x03\x03"
        if self.kind in {"cbc", "etm"}:
            return record(kind, self._cbc(header, content))
        associated = header + words(len(content))
        if self.kind == "chacha":
            nonce = (int.from_bytes(self.fixed, "big") ^ self.sequence - 1).to_bytes(12, "big")
            return record(kind, ChaCha20Poly1305(self.key).encrypt(nonce, content, associated))
        explicit = number[::-1]
        aead = {"gcm": AESGCM, "ccm": AESCCM, "ccm8": lambda key: AESCCM(key, tag_length=8)}[self.kind](self.key)
        return record(kind, explicit + aead.encrypt(self.fixed + explicit, content, associated))

    def _cbc(self, header: bytes, content: bytes) -> bytes:
        def tag(data: bytes) -> bytes:
            return hmac.digest(self.mac_key, header + vector(2, data), "sha1")

        plain = content if self.kind == "etm" else content + tag(content)
        padding = 15 - len(plain) % 16
        plain += bytes([padding]) * (padding + 1)
        vector_ = self.sequence.to_bytes(16, "big")
        sealed = vector_ + Cipher(AES(self.key), modes.CBC(vector_)).encryptor().update(plain)
        return sealed + tag(sealed) if self.kind == "etm" else sealed
