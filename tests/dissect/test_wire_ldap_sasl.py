"""SASL buffers: signed ones can be read, encrypted ones cannot."""

from __future__ import annotations

import pytest

from kubeshark_mcp.dissect.wire_ldap_sasl import LENGTH, buffer_length, looks_like_buffer, signed_content
from tests.dissect.test_laws import samples

HAND = samples("ldap")
OLD = b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"


def content(token: bytes) -> bytes | None:
    return signed_content(token, 0, len(token))


@pytest.mark.parametrize(
    "token",
    [
        HAND.signed(HAND.UNBIND)[LENGTH:],
        b"\x05\x04\x04\xff\x00\x0c\x00\x00" + bytes(8) + HAND.UNBIND + b"checksum-12b",
        b"\1\0\0\0" + bytes(12) + HAND.UNBIND,
        HAND.UNBIND + bytes(10) + b"\0\1" + bytes(4),
        HAND.ber(0x60, OLD, b"\2\1\x11\0\xff\xff\xff\xff", bytes(24), HAND.UNBIND, b"\1"),
    ],
    ids=["rotated", "not rotated", "NTLM", "DIGEST-MD5", "RC4"],
)
def test_a_signed_token_gives_its_content(token: bytes):
    assert content(token) == HAND.UNBIND


@pytest.mark.parametrize("token", [HAND.sealed(40)[LENGTH:], b"\1\0\0\0" + b"\x5a" * 40, b"", b"\x05\x04", b"\x60\x80"])
def test_an_encrypted_or_broken_token_gives_none(token: bytes):
    assert content(token) is None


def test_a_buffer_is_recognised_by_its_token():
    buffer = HAND.signed(HAND.UNBIND)
    assert [looks_like_buffer(buffer[:size], 0, size) for size in (1, 7, 8)] == [None, None, True]
    assert looks_like_buffer(HAND.UNBIND, 0, len(HAND.UNBIND)) is False
    assert buffer_length(buffer, 0, len(buffer)) == len(buffer)
