"""IPv4, IPv6 with its extension headers, and fragments, one packet at a time."""

from __future__ import annotations

from kubeshark_mcp.capture.layer import Handler, Layer, Next, Packet
from kubeshark_mcp.capture.link import IPV4, IPV6
from kubeshark_mcp.model.packet import IPV4_MAPPED

FRAGMENT_HEADER, AUTHENTICATION, NO_NEXT_HEADER = 44, 51, 59


def ipv4(packet: Packet, offset: int) -> Next | None:
    """RFC 791. A total length of 0 means that the sender's network card segments (TSO): all of the frame counts."""
    if not packet.has(offset, 20) or packet.data[offset] >> 4 != 4:
        return None
    header = (packet.data[offset] & 15) * 4
    total = packet.number(offset + 2, 2)
    if header < 20 or 0 < total < header:
        return None
    source, destination = packet.number(offset + 12, 4), packet.number(offset + 16, 4)
    packet.begin_network(4, offset, IPV4_MAPPED | source, IPV4_MAPPED | destination)
    packet.ip_id = packet.number(offset + 4, 2)
    packet.ttl = packet.data[offset + 8]
    protocol = packet.data[offset + 9]
    packet.begin_transport(protocol, offset + header)
    if total:
        packet.trim(offset + total)
    if not packet.has(offset, header):
        packet.fragment = True
        return None
    flags = packet.number(offset + 6, 2)
    if flags & 0x3FFF:
        key = (4, source, destination, packet.ip_id, protocol)
        return _reassemble(packet, key, (flags & 0x1FFF) * 8, bool(flags & 0x2000), offset + header)
    return Next(Layer.PROTOCOL, protocol, offset + header)


def ipv6(packet: Packet, offset: int) -> Next | None:
    """RFC 8200. A payload length of 0 is a jumbogram or segmentation by the network card: all of the frame counts."""
    if not packet.has(offset, 40) or packet.data[offset] >> 4 != 6:
        return None
    packet.begin_network(6, offset, packet.number(offset + 8, 16), packet.number(offset + 24, 16))
    packet.ttl = packet.data[offset + 7]
    length = packet.number(offset + 4, 2)
    if length:
        packet.trim(offset + 40 + length)
    packet.begin_transport(packet.data[offset + 6], offset + 40)
    return Next(Layer.PROTOCOL, packet.protocol, offset + 40)


def extension(packet: Packet, offset: int) -> Next | None:
    """IPv6 hop-by-hop, routing, destination options and others: next header, length in units of 8 bytes less one."""
    if packet.ip_version != 6:
        packet.set_payload(offset)
        return None
    return _skip(packet, offset, (packet.data[offset + 1] + 1) * 8 if packet.has(offset, 8) else 0)


def authentication(packet: Packet, offset: int) -> Next | None:
    """RFC 4302: its length is in units of 4 bytes less two."""
    return _skip(packet, offset, (packet.data[offset + 1] + 2) * 4 if packet.has(offset, 8) else 0)


def fragment(packet: Packet, offset: int) -> Next | None:
    """IPv6 fragment header (RFC 8200 section 4.5); one that is first and last at once is no fragment (RFC 6946)."""
    if not packet.has(offset, 8):
        packet.fragment = True
        return None
    protocol, flags = packet.data[offset], packet.number(offset + 2, 2)
    packet.begin_transport(protocol, offset + 8)
    if not flags & 0xFFF9:
        return Next(Layer.PROTOCOL, protocol, offset + 8)
    source = packet.source_high << 64 | packet.source_low
    destination = packet.destination_high << 64 | packet.destination_low
    key = (6, source, destination, packet.number(offset + 4, 4), 0)
    return _reassemble(packet, key, flags & 0xFFF8, bool(flags & 1), offset + 8)


def _skip(packet: Packet, offset: int, size: int) -> Next | None:
    if not size or not packet.has(offset, size):
        packet.fragment = True
        return None
    packet.begin_transport(packet.data[offset], offset + size)
    return Next(Layer.PROTOCOL, packet.protocol, offset + size)


def _reassemble(packet: Packet, key: tuple[int, int, int, int, int], at: int, more: bool, offset: int) -> Next | None:
    whole = None
    if packet.stop == packet.wire_stop:
        data = bytes(packet.data[offset : packet.stop])
        whole = packet.fragments.add(key, at, more, data, packet.time_ns)
    if whole is None:
        packet.fragment = True
        return None
    packet.go_on_in(whole)
    packet.begin_transport(packet.protocol, 0)
    return Next(Layer.PROTOCOL, packet.protocol, 0)


ETHERTYPES: dict[int, Handler] = {IPV4: ipv4, IPV6: ipv6}
PROTOCOLS: dict[int, Handler] = {
    **dict.fromkeys((0, 43, 60, 135, 139, 140), extension),
    FRAGMENT_HEADER: fragment,
    AUTHENTICATION: authentication,
}
"""IPv6 extension headers (IANA registry) -> handler."""
