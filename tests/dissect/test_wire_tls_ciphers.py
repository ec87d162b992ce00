from __future__ import annotations

import hashlib
import hmac

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import Cipher as Engine
from cryptography.hazmat.primitives.ciphers import modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from kubeshark_mcp.dissect.wire_tls_ciphers import (
    Aead13Opener,
    AeadOpener,
    CbcOpener,
    Cipher,
    MacOpener,
    Opener,
    cipher_of,
)
from kubeshark_mcp.dissect.wire_tls_keys import expand_label
from tests.dissect.tls_sealing import Sealer12, Sealer13


@pytest.mark.parametrize(
    ("suite", "cipher"),
    [
        (0x1301, Cipher("gcm", "AES", 16, 0, "", "sha256")),
        (0x1302, Cipher("gcm", "AES", 32, 0, "", "sha384")),
        (0x1303, Cipher("chacha", "", 32, 0, "", "sha256")),
        (0x1305, Cipher("ccm", "AES", 16, 0, "", "sha256", 8)),
        (0xC0AC, Cipher("ccm", "AES", 16, 0, "", "sha256")),
        (0xC030, Cipher("gcm", "AES", 32, 0, "", "sha384")),
        (0xCCA9, Cipher("chacha", "", 32, 0, "", "sha256")),
        (0x002F, Cipher("cbc", "AES", 16, 16, "sha1", "sha256")),
        (0xC028, Cipher("cbc", "AES", 32, 16, "sha384", "sha384")),
        (0x000A, Cipher("cbc", "TripleDES", 24, 8, "sha1", "sha256")),
        (0x0004, Cipher("rc4", "", 16, 0, "md5", "sha256")),
        (0x003B, Cipher("null", "", 0, 0, "sha256", "sha256")),
        (0x0003, None),
        (0xC051, None),
        (0x9999, None),
    ],
)
def test_a_suite_says_how_it_protects_records(suite: int, cipher: Cipher | None):
    assert cipher_of(suite) == cipher


def opener(kind: str, sealer: Sealer12) -> Opener:
    suite = {"gcm": 0xC02F, "ccm": 0xC0AC, "ccm8": 0xC0AE, "chacha": 0xCCA8, "cbc": 0x2F, "etm": 0x2F}[kind]
    cipher = cipher_of(suite)
    assert cipher is not None
    if kind in {"cbc", "etm"}:
        return CbcOpener(cipher, sealer.mac_key, sealer.key, b"", encrypt_then_mac=kind == "etm")
    return AeadOpener(cipher, sealer.key, sealer.fixed)


def mac(digest: str, key: bytes, sequence: int, header: bytes, content: bytes) -> bytes:
    return hmac.digest(key, sequence.to_bytes(8, "big") + header[:3] + bytes([0, len(content)]) + content, digest)


KINDS = ["gcm", "ccm", "ccm8", "chacha", "cbc", "etm"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_sealed_is_opened(kind: str):
    sealer = Sealer12(kind, client=True)
    opening = opener(kind, sealer)
    for sequence, content in enumerate((b"", b"x", b"0123456789abcdef" * 40)):
        sealed = sealer.seal(23, content)
        assert opening.open(sequence, sealed[:5], sealed[5:]) == (23, content)


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_number_another_header_and_damage_open_nothing(kind: str):
    sealer = Sealer12(kind, client=False)
    opening = opener(kind, sealer)
    sealed = sealer.seal(23, b"content")
    header, body = sealed[:5], sealed[5:]
    assert opening.open(1, header, body) is None
    assert opening.open(0, b"\x16" + header[1:], body) is None
    for length in range(len(body)):
        assert opening.open(0, header, body[:length]) is None
    for position in range(len(body)):
        assert opening.open(0, header, body[:position] + bytes([body[position] ^ 1]) + body[position + 1 :]) is None


def test_records_of_version_13_hide_their_type_behind_padding():
    sealer = Sealer13(b"s" * 32)
    cipher = cipher_of(0x1301)
    assert cipher is not None
    opening = Aead13Opener(
        cipher, expand_label("sha256", b"s" * 32, "key", 16), expand_label("sha256", b"s" * 32, "iv", 12)
    )
    for sequence, (kind, padding) in enumerate(((22, 0), (23, 100), (21, 1))):
        sealed = sealer.seal(kind, b"content", padding)
        assert opening.open(sequence + 1, sealed[:5], sealed[5:]) is None
        assert opening.open(sequence, sealed[:5], sealed[5:]) == (kind, b"content")
    empty = sealer.seal(0, b"", 5)
    assert opening.open(3, empty[:5], empty[5:]) is None


def test_records_of_version_10_are_chained():
    cipher = Cipher("cbc", "AES", 16, 16, "sha1", "sha256")
    engine = Engine(AES(b"k" * 16), modes.CBC(b"v" * 16)).encryptor()
    opening = CbcOpener(cipher, b"m" * 20, b"k" * 16, b"v" * 16, encrypt_then_mac=False)
    for sequence, content in enumerate((b"first", b"second", b"third")):
        header = b"\x17\x03\x01\0\0"
        tag = hmac.digest(
            b"m" * 20, sequence.to_bytes(8, "big") + header[:3] + bytes([0, len(content)]) + content, "sha1"
        )
        padding = 15 - (len(content) + 20) % 16
        sealed = engine.update(content + tag + bytes([padding]) * (padding + 1))
        assert opening.open(sequence, header, sealed) == (23, content)


def ssl3_mac(digest: str, key: bytes, sequence: int, kind: int, content: bytes) -> bytes:
    """Make the MAC of RFC 6101 section 5.2.3.1."""
    size = 48 if digest == "md5" else 40
    said = sequence.to_bytes(8, "big") + bytes([kind, 0, len(content)]) + content
    inner = hashlib.new(digest, key + b"\x36" * size + said).digest()
    return hashlib.new(digest, key + b"\x5c" * size + inner).digest()


def test_records_of_ssl3_are_chained_and_padded_with_anything():
    engine = Engine(AES(b"k" * 16), modes.CBC(b"v" * 16)).encryptor()
    cipher = Cipher("cbc", "AES", 16, 16, "sha1", "sha256")
    opening = CbcOpener(cipher, b"m" * 20, b"k" * 16, b"v" * 16, encrypt_then_mac=True, ssl3=True)
    for sequence, content in enumerate((b"first", b"second", b"third")):
        plain = content + ssl3_mac("sha1", b"m" * 20, sequence, 23, content)
        padding = 15 - len(plain) % 16
        sealed = engine.update(plain + b"?" * padding + bytes([padding]))
        assert opening.open(sequence, b"\x17\x03\x00\0\0", sealed) == (23, content)


def test_the_mac_of_ssl3_is_its_own():
    stream = Engine(ARC4(b"k" * 16), mode=None).encryptor()
    sealed = stream.update(b"content" + ssl3_mac("md5", b"m" * 16, 0, 23, b"content"))
    cipher = Cipher("rc4", "", 16, 0, "md5", "sha256")
    assert MacOpener(cipher, b"m" * 16, b"k" * 16).open(0, b"\x17\x03\x00\0\0", sealed) is None
    assert MacOpener(cipher, b"m" * 16, b"k" * 16, ssl3=True).open(0, b"\x17\x03\x00\0\0", sealed) == (23, b"content")


@pytest.mark.parametrize("kind", ["rc4", "null"])
def test_a_stream_cipher_goes_on_and_none_leaves_the_content_readable(kind: str):
    engine = Engine(ARC4(b"k" * 16), mode=None).encryptor()
    opening = MacOpener(Cipher(kind, "", 16, 0, "md5", "sha256"), b"m" * 16, b"k" * 16)
    for sequence, content in enumerate((b"first", b"second")):
        header = b"\x17\x03\x03\0\0"
        tag = hmac.digest(
            b"m" * 16, sequence.to_bytes(8, "big") + header[:3] + bytes([0, len(content)]) + content, "md5"
        )
        sealed = content + tag if kind == "null" else engine.update(content + tag)
        assert opening.open(sequence, header, sealed) == (23, content)
    assert opening.open(9, b"\x17\x03\x03\0\0", b"short") is None


def test_without_a_secret_the_mac_of_readable_content_is_not_looked_at():
    opening = MacOpener(Cipher("null", "", 0, 0, "sha1", "sha256"), b"", b"")
    assert opening.open(0, b"\x17\x03\x03\0\0", b"content" + bytes(20)) == (23, b"content")
