"""What a SASL security layer puts around LDAP messages: buffers with a length (RFC 4422, section 3.7).

Tokens: Kerberos (RFC 4121, section 4.2.6.2; RFC 4757, section 7.3), NTLM (MS-NLMP 2.2.2.9), DIGEST-MD5 (RFC 2831).
Signed messages can be read; encrypted ones cannot.
"""

from __future__ import annotations

from kubeshark_mcp.dissect.wire_ber import BerError, header
from kubeshark_mcp.dissect.wire_ldap import is_plausible
from kubeshark_mcp.dissect.wire_ldap_names import OPERATIONS

LENGTH = 4
"""Bytes of the length before a buffer; the first is 0, because no buffer is longer than 16 MB (RFC 4752)."""
_CFX = b"\x05\x04"
_CFX_HEADER = 16
_CFX_SEALED = 2
_KERBEROS = b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"
_NTLM = b"\x01\x00\x00\x00"
_NTLM_SIGNATURE = 16
_DIGEST_SIGNATURE = 16


def buffer_length(data: bytes, position: int, end: int) -> int:
    """Give the length of the buffer at `position`, its own length included; 0 while it is not there."""
    return LENGTH + int.from_bytes(data[position : position + LENGTH], "big") if end - position >= LENGTH else 0


def looks_like_buffer(data: bytes, position: int, end: int) -> bool | None:
    """Tell whether a buffer with a known kind of token begins; None while too few bytes are there to tell."""
    if end - position < LENGTH + 4:
        return None if data[position] == 0 else False
    start = position + LENGTH
    if data[position] or buffer_length(data, position, end) < LENGTH + _NTLM_SIGNATURE:
        return False
    token = data[start : start + 4]
    return (token.startswith(_CFX) and token[3] == 0xFF) or token == _NTLM or _KERBEROS[:2] in data[start : start + 6]


def signed_content(data: bytes, start: int, stop: int) -> bytes | None:
    """Give what a whole buffer data[start:stop], without its length, carries; None where that is encrypted."""
    token = data[start:stop]
    if token.startswith(_CFX) and len(token) >= _CFX_HEADER:
        return _kerberos_content(token)
    if token.startswith(_NTLM) and is_readable(token[_NTLM_SIGNATURE:]):
        return token[_NTLM_SIGNATURE:]
    if token.startswith(b"\x60"):
        return _old_kerberos_content(token)
    if is_readable(token):
        return token[:-_DIGEST_SIGNATURE] if token[-6:-4] == b"\0\1" else token
    return None


def is_readable(content: bytes) -> bool:
    """Tell whether a message begins with these bytes."""
    return bool(content) and is_plausible(content, 0, len(content), OPERATIONS) is True


def _kerberos_content(token: bytes) -> bytes | None:
    """Turn back the rotation, and leave the checksum away."""
    if token[2] & _CFX_SEALED:
        return None
    checksum, rotated = int.from_bytes(token[4:6], "big"), int.from_bytes(token[6:8], "big")
    body = token[_CFX_HEADER:]
    turn = rotated % len(body) if body else 0
    body = body[turn:] + body[:turn]
    return body[: len(body) - checksum] if checksum <= len(body) else None


def _old_kerberos_content(token: bytes) -> bytes | None:
    """Read a token of RC4 or DES: header, algorithms, sequence number, checksum, confounder, content, padding."""
    try:
        found = header(token, 0, len(token))
    except BerError:
        return None
    if found is None or not token.startswith(_KERBEROS, found[0]):
        return None
    start = found[0] + len(_KERBEROS)
    if token[start : start + 2] != b"\2\1" or token[start + 4 : start + 6] != b"\xff\xff":
        return None
    content = token[start + 32 :]
    padding = content[-1] if content else 0
    return content[: len(content) - padding] if 0 < padding <= 8 and is_readable(content) else None
