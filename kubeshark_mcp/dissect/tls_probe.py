"""Whether bytes are TLS: records whose headers fit, and hellos or alerts in them."""

from __future__ import annotations

import re

from kubeshark_mcp.dissect import wire_tls_names as n
from kubeshark_mcp.dissect.base import Confidence, Opening
from kubeshark_mcp.dissect.wire_tls import LARGEST_RECORD, RECORD_HEADER, read_ssl2_server_hello, ssl2_length
from kubeshark_mcp.model.stream import Direction

MOST_RECORDS = 64
"""Records that a probe follows: a hello may be cut into very small ones."""
SMALLEST_SEALED, LARGEST_SEALED = 32, 256
"""Lengths of a Finished under encryption."""

RECORD = re.compile(rb"[\x14-\x18]\x03[\x00-\x04]")
"""How a record begins."""
DTLS_RECORD = re.compile(rb"[\x14-\x1a]\xfe[\xfc-\xff]\x00[\x00-\x0f]")
_DTLS_HEADER = 13


def probe(opening: Opening) -> Confidence:
    """Judge what both sides have said; a side that speaks otherwise refuses for both."""
    if opening.connection.transport == "udp":
        return max(_judge_datagram(data) for data in (opening.client, opening.server))
    opinions = [
        judge(data, direction)
        for data, direction in ((opening.client, Direction.CLIENT), (opening.server, Direction.SERVER))
        if data
    ]
    if not opinions or Confidence.NO in opinions:
        return Confidence.NO if opinions else Confidence.UNDECIDED
    best = max(opinions)
    return Confidence.NO if best is Confidence.UNDECIDED and opening.complete else best


def judge(data: bytes, direction: Direction) -> Confidence:
    """Judge the bytes of one side."""
    if direction is Direction.CLIENT and data[0] & 0x80:
        length = ssl2_length(data)
        return Confidence.SURE if length > 0 else Confidence.UNDECIDED if length == 0 else Confidence.NO
    if direction is Direction.SERVER and data[0] & 0x80:
        return Confidence.SURE if read_ssl2_server_hello(data) else Confidence.NO
    return _judge_records(data, direction)


def _judge_records(data: bytes, direction: Direction) -> Confidence:
    """Follow the records; a hello that is cut into several is put together."""
    position, records, message = 0, 0, b""
    while records < MOST_RECORDS:
        header = data[position : position + RECORD_HEADER]
        if not _may_begin(header):
            return Confidence.NO
        if len(header) < RECORD_HEADER:
            break
        length = int.from_bytes(header[3:5], "big")
        body = data[position + RECORD_HEADER : position + RECORD_HEADER + length]
        if not length or length > LARGEST_RECORD:
            return Confidence.NO
        position += RECORD_HEADER + length
        if records == 0 and header[0] != n.HANDSHAKE:
            return _judge_other(header, length, body, data[position:])
        if header[0] == n.HANDSHAKE:
            message += body
        opinion = _judge_message(message, direction)
        if opinion is Confidence.POSSIBLE:
            return _judge_sealed(length, body, data[position:])
        if opinion is not Confidence.UNDECIDED:
            return opinion
        records += 1
        if position >= len(data):
            break
    return Confidence.UNDECIDED


def _may_begin(header: bytes) -> bool:
    """Tell whether a record may begin so, as far as it is there."""
    known = RECORD.match(header + b"\x16\x03\x01"[len(header) :])
    return known is not None


def _judge_message(message: bytes, direction: Direction) -> Confidence:
    """Judge the first handshake message: a hello is certain, another one likely, what may be encrypted possible."""
    if len(message) < 6:
        begun = not message or message[0] in n.HANDSHAKE_TYPES
        return Confidence.UNDECIDED if begun else Confidence.NO
    kind, size = message[0], int.from_bytes(message[1:4], "big")
    hello = n.CLIENT_HELLO if direction is Direction.CLIENT else n.SERVER_HELLO
    if kind == hello:
        fits = 34 <= size < 1 << 17 and ((message[4] == 3 and message[5] <= 4) or message[4] == n.DRAFT)
        return Confidence.SURE if fits else Confidence.NO
    if kind in {n.CLIENT_HELLO, n.SERVER_HELLO}:
        return Confidence.NO
    return Confidence.LIKELY if kind in n.HANDSHAKE_TYPES and size < LARGEST_RECORD else Confidence.POSSIBLE


def _judge_sealed(length: int, body: bytes, rest: bytes) -> Confidence:
    """Judge a Finished under encryption, with which what was captured of a connection may begin."""
    if not SMALLEST_SEALED <= length <= LARGEST_SEALED or not _may_begin(rest[:RECORD_HEADER]):
        return Confidence.NO
    return Confidence.LIKELY if len(body) == length else Confidence.POSSIBLE


def _judge_other(header: bytes, length: int, body: bytes, rest: bytes) -> Confidence:
    """Judge a connection that does not begin with a handshake: an alert, or encrypted records under way."""
    kind = header[0]
    if kind == n.ALERT and length == 2:
        if len(body) < 2:
            return Confidence.UNDECIDED
        return Confidence.SURE if body[0] in {1, 2} and body[1] in n.ALERTS else Confidence.NO
    if kind == n.CHANGE_CIPHER_SPEC and (length != 1 or body[:1] not in {b"", b"\x01"}):
        return Confidence.NO
    if len(body) < length:
        usual = kind == n.APPLICATION_DATA and header[1:3] == b"\x03\x03"
        return Confidence.LIKELY if usual else Confidence.POSSIBLE
    if not rest:
        return Confidence.LIKELY
    return Confidence.SURE if _may_begin(rest[:RECORD_HEADER]) else Confidence.NO


def _judge_datagram(data: bytes) -> Confidence:
    """Follow the records of a DTLS datagram (RFC 6347 section 4.1): they fill it."""
    position, hello = 0, False
    while position < len(data):
        header = data[position : position + _DTLS_HEADER]
        if len(header) < _DTLS_HEADER or not DTLS_RECORD.match(header):
            return Confidence.NO
        length = int.from_bytes(header[11:13], "big")
        hello = hello or (
            header[0] == n.HANDSHAKE and data[position + _DTLS_HEADER : position + 14] in {b"\x01", b"\x02"}
        )
        position += _DTLS_HEADER + length
    if position != len(data) or not data:
        return Confidence.NO
    return Confidence.SURE if hello else Confidence.LIKELY
