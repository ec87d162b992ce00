"""Whether bytes are HTTP/2: by the preface, else by frames that follow one another (RFC 9113 sections 3.4 and 4.1)."""

from __future__ import annotations

from kubeshark_mcp.dissect.base import Confidence, Opening
from kubeshark_mcp.dissect.wire_hpack import HeaderDecoder, HuffmanStrings
from kubeshark_mcp.dissect.wire_http2 import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    HEADER_SIZE,
    HEADERS,
    PADDED,
    PREFACE,
    PRIORITY_FIELDS,
    SETTINGS,
    may_begin_frame,
    plausible_frame,
)

FRAMES = 8
"""Frames that are looked at."""

_ENOUGH = 16
"""Octets of the preface that no other protocol begins with."""
_OF_CLIENT = frozenset({":method", ":scheme", ":path", ":authority", "te", "user-agent", "cookie", "grpc-timeout"})
_OF_SERVER = frozenset({":status", "server", "set-cookie", "grpc-status", "grpc-message"})
"""Header fields of requests and of responses only."""
_TELLING = _OF_CLIENT | _OF_SERVER
_OWN, _OTHER = True, False
_Opinion = tuple[Confidence, bool | None]
"""Whether bytes are frames, and whether of that side or the other; None where they do not tell."""
_SETTINGS = 0x20
"""Numbers of settings that are in use lie below."""


def probe(opening: Opening) -> Confidence:
    """Judge a connection by both sides; where one says what only the other would, they have to be exchanged.

    Where the beginning was not seen and nothing tells yet which end asks, it waits for what does.
    """
    if opening.client_start and opening.client:
        return probe_client(opening.client, complete=opening.complete, first=True)
    opinions = []
    if opening.client:
        opinions.append(_opinion_on_client(opening.client, opening.complete))
    if opening.server:
        opinions.append(_opinion_on_server(opening.server, opening.complete, opening.server_start))
    if any(side is _OTHER for _, side in opinions):
        return Confidence.NO
    found = max((opinion for opinion, _ in opinions), default=Confidence.UNDECIDED)
    told = opening.connection.from_start or any(side is _OWN for _, side in opinions)
    if opening.complete:
        return Confidence.NO if found is Confidence.UNDECIDED else found
    return found if told or found <= Confidence.UNDECIDED else Confidence.UNDECIDED


def probe_client(data: bytes, *, complete: bool, first: bool = False) -> Confidence:
    """Judge bytes of a client. first: they are its very first, so that they have to be the preface."""
    return _opinion_on_client(data, complete, first)[0]


def probe_server(data: bytes, *, complete: bool, first: bool = False) -> Confidence:
    """Judge bytes of a server. first: they are its very first, so that they have to be SETTINGS."""
    return _opinion_on_server(data, complete, first)[0]


def _opinion_on_client(data: bytes, complete: bool, first: bool = False) -> _Opinion:
    if PREFACE.startswith(data[: len(PREFACE)]):
        if len(data) >= _ENOUGH:
            return Confidence.SURE, _OWN
        return Confidence.NO if complete else Confidence.UNDECIDED, None
    return (Confidence.NO, None) if first else _probe_frames(data, complete, _OF_SERVER)


def _opinion_on_server(data: bytes, complete: bool, first: bool) -> _Opinion:
    if first and not _may_be_settings(data):
        return Confidence.NO, None
    return _probe_frames(data, complete, _OF_CLIENT)


def _may_be_settings(data: bytes) -> bool:
    """Tell whether a SETTINGS frame with known settings begins here, as far as there are bytes."""
    if len(data) > 3 and data[3] != SETTINGS:
        return False
    count = (data[1] << 8 | data[2]) // 6 if len(data) > 2 else 0
    keys = [data[at : at + 2] for at in range(HEADER_SIZE, min(len(data), HEADER_SIZE + 6 * count), 6)]
    return all(int.from_bytes(key) < _SETTINGS for key in keys)


def _probe_frames(data: bytes, complete: bool, foreign: frozenset[str]) -> _Opinion:
    """Follow frames from the first byte on. foreign: header fields that the other side would send."""
    position = whole = others = unfinished = 0
    size = len(data)
    while position < size and whole < FRAMES:
        if size - position < HEADER_SIZE:
            if not may_begin_frame(data[position:]):
                return Confidence.NO, None
            break
        length = plausible_frame(data, position)
        if not length:
            return Confidence.NO, None
        if position + length > size:
            break
        kind = data[position + 3]
        if unfinished and kind != CONTINUATION:
            return Confidence.NO, None
        unfinished = kind in {HEADERS, CONTINUATION} and not data[position + 4] & END_HEADERS
        if kind == HEADERS:
            opinion = _probe_headers(data[position : position + length], foreign)
            if opinion is not None:
                return opinion
        whole += 1
        others += kind != DATA and not unfinished
        position += length
    return _verdict(whole, others) or _undecided(size, complete), None


def _verdict(whole: int, others: int) -> Confidence:
    """Judge by the whole frames that followed one another; others: those that were not DATA."""
    if whole >= 2 and others:
        return Confidence.SURE
    return Confidence.LIKELY if others or whole >= 2 else Confidence.NO


def _undecided(size: int, complete: bool) -> Confidence:
    if not complete:
        return Confidence.UNDECIDED
    return Confidence.POSSIBLE if size >= HEADER_SIZE else Confidence.NO


def _probe_headers(frame: bytes, foreign: frozenset[str]) -> _Opinion | None:
    """Judge a HEADERS frame by its header block; None where that does not tell enough."""
    flags = frame[4]
    begin, end = HEADER_SIZE, len(frame)
    if flags & PADDED:
        begin, end = begin + 1, end - frame[begin]
    if flags & PRIORITY_FIELDS:
        begin += 5
    section = HeaderDecoder(HuffmanStrings(), certain=False).decode(frame[begin:end])
    whole = bool(flags & END_HEADERS)
    if begin > end or (whole and section.error):
        return Confidence.NO, None
    if not foreign.isdisjoint(section.headers):
        return Confidence.NO, _OTHER
    known = not _TELLING.isdisjoint(section.headers)
    return (Confidence.SURE, _OWN) if known and whole else None
