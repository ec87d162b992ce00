"""RADIUS exchanges that the laws of every dissector are tried on, built by hand as RFC 2865 lays them out."""

from __future__ import annotations

import hashlib
import hmac

from kubeshark_mcp.model.stream import Direction

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER
SHARED = b"testing123"


def attribute(kind: int, value: bytes) -> bytes:
    """Give an attribute on the wire."""
    return bytes((kind, len(value) + 2)) + value


def packet(code: int, identifier: int, authenticator: bytes, *attributes: bytes) -> bytes:
    """Give a packet with this authenticator."""
    body = b"".join(attributes)
    return bytes((code, identifier)) + (20 + len(body)).to_bytes(2, "big") + authenticator + body


def answer(code: int, request: bytes, *attributes: bytes) -> bytes:
    """Give the answer to a request, with the authenticator of RFC 2865 section 3."""
    bare = packet(code, request[1], request[4:20], *attributes)
    return bare[:4] + hashlib.md5(bare + SHARED, usedforsecurity=False).digest() + bare[20:]


def signed(code: int, identifier: int, authenticator: bytes, *attributes: bytes) -> bytes:
    """Give a request with a Message-Authenticator (RFC 2869 section 5.14)."""
    bare = packet(code, identifier, authenticator, *attributes, attribute(80, bytes(16)))
    return bare[:-16] + hmac.new(SHARED, bare, "md5").digest()


USER, NAS = attribute(1, b"bob"), attribute(4, bytes((10, 0, 0, 1)))
PASSWORD = attribute(2, bytes(range(16)))
ACCESS = signed(1, 7, bytes(range(16)), USER, PASSWORD, NAS, attribute(61, (19).to_bytes(4, "big")))
CISCO = attribute(26, (9).to_bytes(4, "big") + attribute(1, b"shell:priv-lvl=15"))
START = packet(4, 8, bytes(range(16, 32)), USER, NAS, attribute(40, (1).to_bytes(4, "big")), attribute(44, b"0000002A"))
DISCONNECT = packet(40, 9, bytes(range(32, 48)), attribute(44, b"0000002A"))

SAMPLES: dict[str, list[tuple[Direction, bytes]]] = {
    "a user is let in": [
        (CLIENT, ACCESS),
        (SERVER, answer(2, ACCESS, attribute(6, (2).to_bytes(4, "big")), CISCO, attribute(18, b"welcome"))),
    ],
    "a user is refused": [(CLIENT, ACCESS), (SERVER, answer(3, ACCESS, attribute(18, b"no")))],
    "a user is asked once more": [(CLIENT, ACCESS), (SERVER, answer(11, ACCESS, attribute(24, b"state")))],
    "a request is sent again": [(CLIENT, ACCESS), (CLIENT, ACCESS), (SERVER, answer(2, ACCESS))],
    "a session is accounted for": [(CLIENT, START), (SERVER, answer(5, START))],
    "a session is ended by the server": [
        (CLIENT, DISCONNECT),
        (SERVER, answer(42, DISCONNECT, attribute(101, (503).to_bytes(4, "big")))),
    ],
    "nobody answers": [(CLIENT, ACCESS)],
    "an answer comes alone": [(SERVER, answer(3, ACCESS))],
}

TRANSPORT = "udp"
