"""Records opened with a key: AEAD (RFC 5288, 6655, 7905, 8446), CBC with HMAC (RFC 5246, 7366), RC4 and NULL.

SSL 3.0 (RFC 6101) has a MAC of its own and leaves the bytes of the padding open.
"""

from __future__ import annotations

import hashlib
import hmac
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubeshark_mcp.dissect.wire_tls_suites import SUITES

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

MACS = {"MD5": "md5", "SHA": "sha1", "SHA256": "sha256", "SHA384": "sha384"}
_MAC_SIZES = {"md5": 16, "sha1": 20, "sha256": 32, "sha384": 48}
_EXPLICIT, _TAG, _SHORT_TAG = 8, 16, 8


@dataclass(frozen=True, slots=True)
class Cipher:
    """How a suite protects records.

    kind: `gcm`, `ccm`, `chacha`, `cbc`, `rc4` or `null`. algorithm: of the block cipher. key, block, mac_size: bytes.
    mac: digest of the HMAC, empty for AEAD. digest: of the key derivation. tag: bytes of an AEAD's tag.
    """

    kind: str
    algorithm: str
    key: int
    block: int
    mac: str
    digest: str
    tag: int = _TAG

    @property
    def mac_size(self) -> int:
        """Give the bytes of the MAC; 0 for AEAD."""
        return _MAC_SIZES.get(self.mac, 0)

    @property
    def fixed(self) -> int:
        """Give the bytes of the nonce that the key block of TLS 1.2 holds."""
        return {"gcm": 4, "ccm": 4, "chacha": 12}.get(self.kind, 0)


_BLOCK_CIPHERS = {
    "AES_128_CBC": ("AES", 16, 16),
    "AES_256_CBC": ("AES", 32, 16),
    "CAMELLIA_128_CBC": ("Camellia", 16, 16),
    "CAMELLIA_256_CBC": ("Camellia", 32, 16),
    "3DES_EDE_CBC": ("TripleDES", 24, 8),
    "DES_CBC": ("TripleDES", 8, 8),
    "SEED_CBC": ("SEED", 16, 16),
    "IDEA_CBC": ("IDEA", 16, 8),
}


def cipher_of(suite: int) -> Cipher | None:
    """Give the protection of a suite; None for those that cannot be opened here (ARIA, GOST, export grade ...)."""
    name = SUITES.get(suite, "")
    protection = name.rpartition("_WITH_")[2] if "_WITH_" in name else name.removeprefix("TLS_")
    if "EXPORT" in name:
        return None
    digest = "sha384" if name.endswith("_SHA384") else "sha256"
    if protection.startswith(("AES_128_GCM", "AES_256_GCM")):
        return Cipher("gcm", "AES", int(protection[4:7]) // 8, 0, "", digest)
    if protection.startswith(("AES_128_CCM", "AES_256_CCM")):
        tag = _SHORT_TAG if "CCM_8" in protection else _TAG
        return Cipher("ccm", "AES", int(protection[4:7]) // 8, 0, "", digest, tag)
    if protection.startswith("CHACHA20_POLY1305"):
        return Cipher("chacha", "", 32, 0, "", digest)
    cipher, _, mac = protection.rpartition("_")
    if mac not in MACS:
        return None
    if cipher == "NULL":
        return Cipher("null", "", 0, 0, MACS[mac], digest)
    if cipher == "RC4_128":
        return Cipher("rc4", "", 16, 0, MACS[mac], digest)
    if cipher in _BLOCK_CIPHERS:
        algorithm, key, block = _BLOCK_CIPHERS[cipher]
        return Cipher("cbc", algorithm, key, block, MACS[mac], digest)
    return None


class Opener(ABC):
    """Opens the records of one direction under one key."""

    @abstractmethod
    def open(self, sequence: int, header: bytes, body: bytes) -> tuple[int, bytes] | None:
        """Give (content type, content) of a record; None when it was not made with this key and number.

        header: the record's five bytes. body: what follows them.
        """


class Aead13Opener(Opener):
    """TLS 1.3 (RFC 8446 section 5.2): the content type is inside, padding behind it."""

    def __init__(self, cipher: Cipher, key: bytes, nonce: bytes) -> None:
        self._aead = _aead(cipher, key)
        self._nonce = int.from_bytes(nonce, "big")

    def open(self, sequence: int, header: bytes, body: bytes) -> tuple[int, bytes] | None:
        """Open one record."""
        plain = _decrypted(self._aead, (self._nonce ^ sequence).to_bytes(12, "big"), body, header)
        if plain is None:
            return None
        content = plain.rstrip(b"\0")
        return (content[-1], content[:-1]) if content else None


class AeadOpener(Opener):
    """TLS 1.2 (RFC 5246 section 6.2.3.3): part of the nonce is in the record, but for ChaCha20 (RFC 7905)."""

    def __init__(self, cipher: Cipher, key: bytes, fixed: bytes) -> None:
        self._aead = _aead(cipher, key)
        self._fixed = fixed
        self._tag = cipher.tag

    def open(self, sequence: int, header: bytes, body: bytes) -> tuple[int, bytes] | None:
        """Open one record."""
        number = sequence.to_bytes(8, "big")
        if len(self._fixed) == 12:
            nonce = (int.from_bytes(self._fixed, "big") ^ sequence).to_bytes(12, "big")
        else:
            nonce, body = self._fixed + body[:_EXPLICIT], body[_EXPLICIT:]
        if len(body) < self._tag or len(nonce) != 12:
            return None
        plain = _decrypted(self._aead, nonce, body, number + header[:3] + (len(body) - self._tag).to_bytes(2, "big"))
        return None if plain is None else (header[0], plain)


class MacOpener(Opener):
    """HMAC beside what a stream cipher, or none, has encrypted. RC4 goes on from record to record.

    mac_key: empty where there is no secret, for a suite without encryption: the HMAC is then not looked at.
    """

    def __init__(self, cipher: Cipher, mac_key: bytes, key: bytes, *, ssl3: bool = False) -> None:
        self._mac, self._mac_key, self._size = cipher.mac, mac_key, cipher.mac_size
        self._authentic = _authentic_ssl3 if ssl3 else _authentic
        self._stream = None
        if cipher.kind == "rc4":
            from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
            from cryptography.hazmat.primitives.ciphers import Cipher as Engine

            self._stream = Engine(ARC4(key), mode=None).decryptor()

    def open(self, sequence: int, header: bytes, body: bytes) -> tuple[int, bytes] | None:
        """Open one record."""
        plain = self._stream.update(body) if self._stream is not None else body
        end = len(plain) - self._size
        if end < 0:
            return None
        if self._mac_key and not self._authentic(self._mac, self._mac_key, sequence, header, plain[:end], plain[end:]):
            return None
        return header[0], plain[:end]


class CbcOpener(Opener):
    """CBC with HMAC, before or after encryption. Until TLS 1.0 a record is chained to the one before it."""

    def __init__(
        self, cipher: Cipher, mac_key: bytes, key: bytes, chained: bytes, *, encrypt_then_mac: bool, ssl3: bool = False
    ) -> None:
        self._mac, self._mac_key, self._size = cipher.mac, mac_key, cipher.mac_size
        self._block = cipher.block
        self._algorithm = _block_cipher(cipher.algorithm, key)
        self._chained = chained
        self._mac_last = encrypt_then_mac and not ssl3
        self._ssl3 = ssl3
        self._authentic = _authentic_ssl3 if ssl3 else _authentic

    def open(self, sequence: int, header: bytes, body: bytes) -> tuple[int, bytes] | None:
        """Open one record."""
        tag = b""
        if self._mac_last:
            body, tag = body[: -self._size], body[-self._size :]
            if not _authentic(self._mac, self._mac_key, sequence, header, body, tag):
                return None
        vector, ciphertext = (self._chained, body) if self._chained else (body[: self._block], body[self._block :])
        if not ciphertext or len(ciphertext) % self._block or len(vector) != self._block:
            return None
        plain = self._decrypt(vector, ciphertext)
        if self._chained:
            self._chained = ciphertext[-self._block :]
        content = len(plain) - plain[-1] - 1
        if content < 0 or (not self._ssl3 and plain[content:] != bytes([plain[-1]]) * (plain[-1] + 1)):
            return None
        if self._mac_last:
            return header[0], plain[:content]
        end = content - self._size
        if end < 0 or not self._authentic(self._mac, self._mac_key, sequence, header, plain[:end], plain[end:content]):
            return None
        return header[0], plain[:end]

    def _decrypt(self, vector: bytes, ciphertext: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers import Cipher as Engine
        from cryptography.hazmat.primitives.ciphers.modes import CBC

        return Engine(self._algorithm, CBC(vector)).decryptor().update(ciphertext)


def _authentic(mac: str, key: bytes, sequence: int, header: bytes, content: bytes, tag: bytes) -> bool:
    said = sequence.to_bytes(8, "big") + header[:3] + len(content).to_bytes(2, "big") + content
    return hmac.digest(key, said, mac) == tag


def _authentic_ssl3(mac: str, key: bytes, sequence: int, header: bytes, content: bytes, tag: bytes) -> bool:
    """Check the MAC of RFC 6101 section 5.2.3.1, which comes before HMAC and leaves the version out."""
    padding = 48 if mac == "md5" else 40
    said = sequence.to_bytes(8, "big") + header[:1] + len(content).to_bytes(2, "big") + content
    inner = hashlib.new(mac, key + b"\x36" * padding + said, usedforsecurity=False).digest()
    return hashlib.new(mac, key + b"\x5c" * padding + inner, usedforsecurity=False).digest() == tag


def _aead(cipher: Cipher, key: bytes) -> AESGCM | AESCCM | ChaCha20Poly1305:
    from cryptography.hazmat.primitives.ciphers import aead

    if cipher.kind == "gcm":
        return aead.AESGCM(key)
    if cipher.kind == "ccm":
        return aead.AESCCM(key, tag_length=cipher.tag)
    return aead.ChaCha20Poly1305(key)


def _decrypted(
    cipher: AESGCM | AESCCM | ChaCha20Poly1305, nonce: bytes, body: bytes, associated: bytes
) -> bytes | None:
    from cryptography.exceptions import InvalidTag

    try:
        return cipher.decrypt(nonce, body, associated)
    except (InvalidTag, ValueError, OverflowError):
        return None


def _block_cipher(name: str, key: bytes) -> BlockCipherAlgorithm:
    from cryptography.hazmat.decrepit.ciphers import algorithms as old
    from cryptography.hazmat.primitives.ciphers.algorithms import AES

    if name == "AES":
        return AES(key)
    if name == "TripleDES":
        return old.TripleDES(key * 3 if len(key) == 8 else key)
    found: BlockCipherAlgorithm = getattr(old, name)(key)
    return found
