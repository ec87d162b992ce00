"""WebSocket conversations behind their handshake, as a capture that began later shows them."""

from __future__ import annotations

import zlib

from kubeshark_mcp.model.stream import Direction

TRANSPORT = "tcp"
CLIENT, SERVER = Direction.CLIENT, Direction.SERVER
MASK = b"\x37\xfa\x21\x3d"


def frame(
    opcode: int, payload: bytes = b"", *, mask: bytes = b"", final: bool = True, compressed: bool = False
) -> bytes:
    """Give one frame (RFC 6455 section 5.2)."""
    first = opcode | 0x80 * final | 0x40 * compressed
    size, masked = len(payload), 0x80 * bool(mask)
    if size < 126:
        header = bytes([first, masked | size])
    elif size < 65536:
        header = bytes([first, masked | 126]) + size.to_bytes(2, "big")
    else:
        header = bytes([first, masked | 127]) + size.to_bytes(8, "big")
    if mask:
        payload = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return header + mask + payload


def said(opcode: int, payload: bytes = b"", **how: bool) -> bytes:
    """Give a frame as a client sends it."""
    return frame(opcode, payload, mask=MASK, **how)


def deflated(*payloads: bytes) -> list[bytes]:
    """Compress messages one after the other with one context (RFC 7692 section 7.2.1)."""
    stream = zlib.compressobj(wbits=-15)
    return [(stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH))[:-4] for data in payloads]


TICKS = deflated(*(b'{"type": "tick", "symbol": "ACME", "price": 10%d.25}' % number for number in range(5)))

SAMPLES: dict[str, list[tuple[Direction, bytes]]] = {
    "texts in both directions": [
        (CLIENT, said(1, b'{"type": "subscribe", "channel": "prices"}')),
        (SERVER, frame(1, b'{"type": "ack"}') + frame(1, "price: 17 €".encode())),
        (CLIENT, said(8, b"\x03\xe8bye")),
        (SERVER, frame(8, b"\x03\xe8")),
    ],
    "fragments with a ping between them": [
        (CLIENT, said(1, b"tell me ", final=False) + said(9, b"are you there") + said(0, b"more")),
        (SERVER, frame(10, b"are you there") + frame(2, b"\x00" * 70, final=False)),
        (SERVER, frame(0, b"\x01" * 70, final=False) + frame(0, b"\x02") + frame(8, b"\x03\xf3database is down")),
    ],
    "compressed with one context": [
        (CLIENT, said(1, b"prices, please")),
        (SERVER, b"".join(frame(1, tick, compressed=True) for tick in TICKS[:3])),
        (CLIENT, said(9)),
        (SERVER, frame(10) + frame(1, TICKS[3][:4], compressed=True, final=False) + frame(0, TICKS[3][4:])),
        (SERVER, frame(1, b"that is all")),
    ],
    "long messages": [
        (CLIENT, said(1, b"file please: " + b"x" * 300)),
        (SERVER, frame(2, bytes(range(256)) * 100) + frame(2, b"\x00" * 70000) + frame(1, b"that was it")),
    ],
}
