"""Link layers, one packet at a time: LINKTYPE and EtherType tables. To add one: a function and its row below."""

from __future__ import annotations

from kubeshark_mcp.capture.layer import Handler, Layer, Next, Packet
from kubeshark_mcp.capture.pktap import PKTAP_LINK, USER2_LINK, pktap

IPV4, IPV6 = 0x0800, 0x86DD
"""EtherTypes."""
ETHERNET_LINK, PER_PACKET_LINK = 1, 192
"""LINKTYPEs."""

FAMILIES = {2: IPV4, 10: IPV6, 24: IPV6, 28: IPV6, 30: IPV6}
"""Address families of BSD, Linux and macOS."""
PPP_PROTOCOLS = {0x0021: IPV4, 0x0057: IPV6, 0x0281: 0x8847, 0x0283: 0x8848}


def ip(packet: Packet, offset: int) -> Next | None:
    """Tell IPv4 from IPv6 by the version nibble."""
    if not packet.has(offset, 1):
        return None
    version = packet.data[offset] >> 4
    return Next(Layer.ETHERTYPE, IPV4 if version == 4 else IPV6, offset) if version in {4, 6} else None


def ethernet(packet: Packet, offset: int) -> Next | None:
    """IEEE 802.3: EtherType, or a length and LLC behind it."""
    return Next(Layer.ETHERTYPE, packet.number(offset + 12, 2), offset + 14) if packet.has(offset, 14) else None


def vlan(packet: Packet, offset: int) -> Next | None:
    """IEEE 802.1Q: two bytes of tag control, then the next type."""
    return Next(Layer.ETHERTYPE, packet.number(offset + 2, 2), offset + 4) if packet.has(offset, 4) else None


def logical_link(packet: Packet, offset: int) -> Next | None:
    """IEEE 802.2 LLC: IP comes in SNAP (RFC 1042)."""
    if not packet.has(offset, 8) or bytes(packet.data[offset : offset + 3]) != b"\xaa\xaa\x03":
        return None
    if packet.number(offset + 3, 3) not in {0x000000, 0x0000F8}:
        return None
    return Next(Layer.ETHERTYPE, packet.number(offset + 6, 2), offset + 8)


def cooked(packet: Packet, offset: int) -> Next | None:
    """Linux cooked capture, version 1."""
    return Next(Layer.ETHERTYPE, packet.number(offset + 14, 2), offset + 16) if packet.has(offset, 16) else None


def cooked_2(packet: Packet, offset: int) -> Next | None:
    """Linux cooked capture, version 2: it tells the interface of each packet."""
    if not packet.has(offset, 20):
        return None
    packet.point = packet.number(offset + 4, 4) & 0x7FFFFFFF
    return Next(Layer.ETHERTYPE, packet.number(offset, 2), offset + 20)


def family(packet: Packet, offset: int) -> Next | None:
    """BSD loopback: an address family, in either byte order."""
    if not packet.has(offset, 4):
        return None
    number = packet.number(offset, 4)
    if number > 0xFFFF:
        number = int.from_bytes(packet.data[offset : offset + 4], "little")
    kind = FAMILIES.get(number)
    return Next(Layer.ETHERTYPE, kind, offset + 4) if kind else None


def ppp(packet: Packet, offset: int) -> Next | None:
    """PPP (RFC 1661), with or without the HDLC-like address and control bytes; the protocol may be compressed."""
    if packet.has(offset, 2) and packet.number(offset, 2) == 0xFF03:
        offset += 2
    if not packet.has(offset, 2):
        return None
    size = 1 if packet.data[offset] & 1 else 2
    kind = PPP_PROTOCOLS.get(packet.number(offset, size))
    return Next(Layer.ETHERTYPE, kind, offset + size) if kind else None


def cisco_hdlc(packet: Packet, offset: int) -> Next | None:
    """Cisco HDLC: address, control, EtherType."""
    return Next(Layer.ETHERTYPE, packet.number(offset + 2, 2), offset + 4) if packet.has(offset, 4) else None


def frame_relay(packet: Packet, offset: int) -> Next | None:
    """Frame relay (RFC 2427): a two-byte address, control, and the network layer's number."""
    if not packet.has(offset, 4) or packet.data[offset + 2] != 3:
        return None
    return ip(packet, offset + 4) if packet.data[offset + 3] in {0xCC, 0x8E} else None


def netfilter_log(packet: Packet, offset: int) -> Next | None:
    """Linux netfilter log: attributes in the host's byte order; number 9 is the packet."""
    position = offset + 4
    while packet.has(position, 4):
        head = packet.data[position : position + 4]
        order = "little" if int.from_bytes(head[2:], "little") < 256 else "big"
        length = int.from_bytes(head[:2], "little" if order == "little" else "big")
        kind = int.from_bytes(head[2:], "little" if order == "little" else "big") & 0x7FFF
        if length < 4:
            return None
        if kind == 9:
            return ip(packet, position + 4)
        position += length + (-length % 4)
    return None


def wireless(packet: Packet, offset: int) -> Next | None:
    """IEEE 802.11: data frames that are not encrypted hold LLC; of an A-MSDU the first subframe is read."""
    if not packet.has(offset, 24):
        return None
    kind, flags = packet.data[offset], packet.data[offset + 1]
    # Data (type 2) with a payload (bit 0x40 of the subtype clear), not protected (0x40 of the flags).
    if kind & 0x4C != 0x08 or flags & 0x40:
        return None
    position = offset + (30 if flags & 3 == 3 else 24)
    if not kind & 0x80:
        return logical_link(packet, position)
    if not packet.has(position, 2):
        return None
    aggregated = packet.data[position] & 0x80
    return logical_link(packet, position + (6 if flags & 0x80 else 2) + (14 if aggregated else 0))


def radiotap(packet: Packet, offset: int) -> Next | None:
    """Radiotap: its length in little-endian order, then IEEE 802.11."""
    if not packet.has(offset, 8):
        return None
    size = int.from_bytes(packet.data[offset + 2 : offset + 4], "little")
    return wireless(packet, offset + size) if size >= 8 else None


def per_packet(packet: Packet, offset: int) -> Next | None:
    """Per-packet information (PPI): it names the link layer behind it."""
    if not packet.has(offset, 8):
        return None
    size = int.from_bytes(packet.data[offset + 2 : offset + 4], "little")
    kind = int.from_bytes(packet.data[offset + 4 : offset + 8], "little")
    return Next(Layer.LINK, kind, offset + size) if size >= 8 and kind != PER_PACKET_LINK else None


def packet_filter_log(packet: Packet, offset: int) -> Next | None:
    """BSD packet filter log: its length without padding to 4 bytes, then IP."""
    if not packet.has(offset, 1):
        return None
    return ip(packet, offset + (packet.data[offset] + 3 & ~3))


def enciphered(packet: Packet, offset: int) -> Next | None:
    """OpenBSD's view into IPsec: 12 bytes of address family, SPI and flags, then IP."""
    return ip(packet, offset + 12)


def fddi(packet: Packet, offset: int) -> Next | None:
    """FDDI: frame control and two addresses, then LLC."""
    return logical_link(packet, offset + 13)


def token_ring(packet: Packet, offset: int) -> Next | None:
    """IEEE 802.5: access and frame control, two addresses, a route where the source's first bit says so, LLC."""
    if not packet.has(offset, 15):
        return None
    route = packet.data[offset + 14] & 0x1F if packet.data[offset + 8] & 0x80 else 0
    return logical_link(packet, offset + 14 + route)


def fibre_channel(packet: Packet, offset: int) -> Next | None:
    """IP over Fibre Channel (RFC 2625): two addresses of 8 bytes, then LLC."""
    return logical_link(packet, offset + 16)


LINKS: dict[int, Handler] = {
    0: family,
    ETHERNET_LINK: ethernet,
    6: token_ring,
    9: ppp,
    10: fddi,
    12: ip,
    14: ip,
    50: ppp,
    100: logical_link,
    101: ip,
    104: cisco_hdlc,
    105: wireless,
    107: frame_relay,
    108: family,
    109: enciphered,
    113: cooked,
    117: packet_filter_log,
    122: fibre_channel,
    127: radiotap,
    USER2_LINK: pktap,
    PER_PACKET_LINK: per_packet,
    228: ip,
    229: ip,
    239: netfilter_log,
    PKTAP_LINK: pktap,
    276: cooked_2,
}
"""LINKTYPE (tcpdump.org/linktypes.html) -> handler."""

VLAN_TYPES = (0x8100, 0x88A8, 0x9100, 0x9200)
ETHERTYPES: dict[int, Handler] = dict.fromkeys(VLAN_TYPES, vlan)
"""EtherType (IEEE registry) -> handler, as far as this module has them."""
LONGEST_LENGTH = 1500
"""An EtherType up to here is a length: LLC follows (IEEE 802.3 section 3.2.6)."""
