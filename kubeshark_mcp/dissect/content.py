"""Message bodies as their sender meant them: content codings undone (RFC 9110 section 8.4), within a limit."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

OUTPUT_LIMIT = 16 * 1024 * 1024
"""Bytes that a body may decode to unless the caller says otherwise; a bomb stops there."""

CODINGS = 4
"""Codings that may lie on top of each other."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A body without its content coding. coding: what could not be undone, empty when all was.

    cut: the data ended early, was damaged, or decodes to more than the limit, so that this is only its beginning.
    """

    data: bytes
    coding: str = ""
    cut: bool = False


def decode_body(headers: Mapping[str, str], raw: bytes, limit: int = OUTPUT_LIMIT) -> Decoded:
    """Undo the Content-Encoding of a body (header names in lower case); what is unknown stays as it is and is named.

    gzip, x-gzip and deflate (with or without its zlib wrapper) are undone; br, zstd and compress are not.
    """
    codings = [coding.strip().lower() for coding in headers.get("content-encoding", "").split(",") if coding.strip()]
    data, cut = raw, False
    for count, coding in enumerate(reversed(codings)):
        if coding in {"gzip", "x-gzip"}:
            decoded = _inflate(data, zlib.MAX_WBITS | 16, limit)
        elif coding == "deflate":
            decoded = _inflate(data, zlib.MAX_WBITS, limit) or _inflate(data, -zlib.MAX_WBITS, limit)
        elif coding == "identity":
            continue
        else:
            return Decoded(data, coding, cut)
        if decoded is None or count >= CODINGS:
            return Decoded(data, coding, cut)
        data, cut = decoded.data, cut or decoded.cut
    if len(data) > limit:
        return Decoded(data[:limit], cut=True)
    return Decoded(data, cut=cut)


def _inflate(data: bytes, window_bits: int, limit: int) -> Decoded | None:
    """Decompress at most `limit` bytes; None when not even the beginning is of this form."""
    output = bytearray()
    while data and len(output) <= limit:
        member = zlib.decompressobj(window_bits)
        try:
            output += member.decompress(data, limit + 1 - len(output))
        except zlib.error:
            return Decoded(bytes(output[:limit]), cut=True) if output else None
        if not member.eof:
            return Decoded(bytes(output[:limit]), cut=True)
        data = member.unused_data
        if data and window_bits <= zlib.MAX_WBITS:
            break
    return Decoded(bytes(output[:limit]), cut=len(output) > limit)
