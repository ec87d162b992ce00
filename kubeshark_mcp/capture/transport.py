"""TCP, UDP, SCTP and the protocols without ports, one packet at a time."""

from __future__ import annotations

import struct

from kubeshark_mcp.capture.layer import Handler, Layer, Next, Packet
from kubeshark_mcp.model.packet import PROTOCOL_SCTP, PROTOCOL_TCP, PROTOCOL_UDP

_TCP = struct.Struct(">HHIIHH").unpack_from


def tcp(packet: Packet, offset: int) -> Next | None:
    """RFC 9293 section 3.1."""
    if not packet.has(offset, 20):
        packet.fragment = True
        return None
    source, destination, sequence, acknowledgment, offset_flags, window = _TCP(packet.data, offset)
    header = (offset_flags >> 12) * 4
    if header < 20:
        packet.fragment = True
        return None
    packet.source_port, packet.destination_port = source, destination
    packet.sequence, packet.acknowledgment = sequence, acknowledgment
    packet.flags, packet.window = offset_flags & 0xFFF, window
    packet.set_payload(offset + header)
    return None


def udp(packet: Packet, offset: int) -> Next | None:
    """RFC 768. A length of 0 is left to the IP header (RFC 2675); one below 8 cannot be."""
    if not packet.has(offset, 8):
        packet.fragment = True
        return None
    packet.source_port, packet.destination_port = packet.number(offset, 2), packet.number(offset + 2, 2)
    length = packet.number(offset + 4, 2)
    packet.set_payload(offset + 8, offset + max(length, 8) if length else None)
    for port in (packet.destination_port, packet.source_port):
        if port in TUNNEL_PORTS:
            packet.trim(offset + max(length, 8) if length else packet.wire_stop)
            return Next(Layer.UDP_PORT, port, offset + 8)
    return None


def sctp(packet: Packet, offset: int) -> Next | None:
    """RFC 9260 section 3.1: the chunks behind the common header are the payload."""
    if not packet.has(offset, 12):
        packet.fragment = True
        return None
    packet.source_port, packet.destination_port = packet.number(offset, 2), packet.number(offset + 2, 2)
    packet.set_payload(offset + 12)
    return None


def portless(packet: Packet, offset: int) -> Next | None:
    """ICMP and all others: the whole message is the payload."""
    packet.set_payload(offset)
    return None


PROTOCOLS: dict[int, Handler] = {PROTOCOL_TCP: tcp, PROTOCOL_UDP: udp, PROTOCOL_SCTP: sctp}
TUNNEL_PORTS = frozenset({1701, 2152, 3544, 4754, 4789, 4790, 6081, 6635, 8472})
"""UDP ports behind which a tunnel may be; `tunnels.UDP_PORTS` has their handlers."""
