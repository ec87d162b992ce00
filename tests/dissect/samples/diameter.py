"""Diameter messages that the laws of every dissector are tried on, built by hand as RFC 6733 lays them out."""

from __future__ import annotations

import struct

from kubeshark_mcp.model.stream import Direction

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER


def avp(code: int, value: bytes, vendor: int = 0) -> bytes:
    """Give an AVP on the wire, padded."""
    header = 12 if vendor else 8
    flags = 0xC0 if vendor else 0x40
    data = struct.pack(">IB", code, flags) + (header + len(value)).to_bytes(3, "big")
    data += struct.pack(">I", vendor) if vendor else b""
    return data + value + bytes(-len(value) % 4)


def number(value: int) -> bytes:
    """Give an Unsigned32."""
    return value.to_bytes(4, "big")


def message(flags: int, command: int, application: int, identifier: int, *avps: bytes) -> bytes:
    """Give a message; identifier: hop by hop, and end to end less 0x1000."""
    body = b"".join(avps)
    head = b"\1" + (20 + len(body)).to_bytes(3, "big") + bytes((flags,)) + command.to_bytes(3, "big")
    return head + struct.pack(">III", application, identifier, identifier + 0x1000) + body


def identity(host: str) -> bytes:
    """Give Origin-Host and Origin-Realm."""
    return avp(264, host.encode()) + avp(296, b"example.net")


SESSION = avp(263, b"gw.example.net;1;2")
SUBSCRIBER = avp(443, avp(450, number(1)) + avp(444, b"001010123456789"))
EXCHANGE = message(0x80, 257, 0, 1, identity("gw.example.net"), avp(257, b"\0\1\x0a\0\0\1"), avp(269, b"gateway"))
EXCHANGED = message(0, 257, 0, 1, avp(268, number(2001)), identity("ocs.example.net"), avp(269, b"charging"))
CREDIT = message(
    0xC0, 272, 4, 2, SESSION, identity("gw.example.net"), avp(283, b"example.net"), avp(416, number(1)), SUBSCRIBER
)
GRANTED = message(
    0x40, 272, 4, 2, SESSION, avp(268, number(2001)), identity("ocs.example.net"), avp(431, avp(421, number(1000)))
)
REFUSED = message(0x40, 272, 4, 2, SESSION, avp(268, number(4012)), identity("ocs.example.net"))
WATCHDOG = message(0x80, 280, 0, 3, identity("gw.example.net"))
WATCHED = message(0, 280, 0, 3, avp(268, number(2001)), identity("ocs.example.net"))
REAUTH = message(0xC0, 258, 4, 900, SESSION, identity("ocs.example.net"), avp(285, number(0)))
REAUTHED = message(0x40, 258, 4, 900, SESSION, avp(268, number(5002)), identity("gw.example.net"))
ROAMING = message(
    0x40,
    316,
    16777251,
    5,
    avp(297, avp(266, number(10415)) + avp(298, number(5004))),
    identity("hss.example.net"),
)

SAMPLES: dict[str, list[tuple[Direction, bytes]]] = {
    "peers exchange capabilities": [(CLIENT, EXCHANGE), (SERVER, EXCHANGED)],
    "credit is granted": [(CLIENT, CREDIT), (SERVER, GRANTED)],
    "credit is refused": [(CLIENT, CREDIT), (SERVER, REFUSED)],
    "answers overtake each other": [(CLIENT, EXCHANGE + CREDIT + WATCHDOG), (SERVER, WATCHED + EXCHANGED + GRANTED)],
    "the server asks": [
        (CLIENT, EXCHANGE),
        (SERVER, EXCHANGED + REAUTH),
        (CLIENT, REAUTHED),
    ],
    "a request stays unanswered": [(CLIENT, WATCHDOG)],
    "an answer comes alone": [(SERVER, ROAMING)],
}

TRANSPORT = "tcp"
