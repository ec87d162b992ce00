"""Apple's PKTAP: what macOS puts before each packet of `tcpdump -i pktap`, naming its interface and process.

The layout is that of bsd/net/pktap.h in Apple's open XNU sources; numbers are little-endian, as on all of its machines.
"""

from __future__ import annotations

from zlib import crc32

from kubeshark_mcp.capture.layer import Layer, Next, Packet

PKTAP_LINK, USER2_LINK = 258, 149
"""LINKTYPEs: the registered one, and the one for private use that Apple's tcpdump writes in its stead."""

_HEADER = 108
"""Bytes of the first version of the header; later ones are longer, and say so."""
_LONGEST_HEADER = 1024
_A_PACKET = 1
_NAME = slice(12, 36)


def is_pktap(header: bytes) -> bool:
    """Tell whether a packet begins with such a header: link type 149 may be anything."""
    return _link_type(header[:_HEADER]) >= 0


def pktap(packet: Packet, offset: int) -> Next | None:
    """Read the header, which names the link layer behind it; None where these bytes are something else.

    Packets of one interface have one capture point: the same packet may come by several (a tunnel and what carries it).
    """
    if not packet.has(offset, _HEADER):
        return None
    header = bytes(packet.data[offset : offset + _HEADER])
    link_type = _link_type(header)
    if link_type < 0:
        return None
    packet.point = crc32(_name(header)) & 0x7FFFFFFF
    return Next(Layer.LINK, link_type, offset + _number(header, 0))


def _link_type(header: bytes) -> int:
    """Give the link type that a header names, -1 where it is none."""
    name, link_type = _name(header), _number(header, 8)
    good = len(header) == _HEADER and _HEADER <= _number(header, 0) <= _LONGEST_HEADER
    good = good and _number(header, 4) == _A_PACKET and link_type not in {PKTAP_LINK, USER2_LINK}
    return link_type if good and name.isascii() and name.decode("ascii").isprintable() else -1


def _name(header: bytes) -> bytes:
    return header[_NAME].split(b"\0", 1)[0]


def _number(header: bytes, at: int) -> int:
    return int.from_bytes(header[at : at + 4], "little")
