"""Packets inside packets: each tunnel is a function, and a row in one of the three tables at the end.

A function that does not find what it expects gives None; the columns then show the outer packet.
"""

from __future__ import annotations

from kubeshark_mcp.capture.layer import Handler, Layer, Next, Packet
from kubeshark_mcp.capture.link import ETHERNET_LINK, IPV4, IPV6, ip, ppp, wireless

TRANSPARENT_ETHERNET = 0x6558
VXLAN, VXLAN_LINUX, GENEVE = 4789, 8472, 6081
"""UDP ports. Linux had its own before VXLAN got one; Flannel and Cilium still use it."""
_NSH = 0x894F
_MOST_LABELS = 16


def _ethernet(offset: int) -> Next:
    return Next(Layer.LINK, ETHERNET_LINK, offset)


def ipv4_inside(packet: Packet, offset: int) -> Next | None:
    """IPv4 in IP (RFC 2003)."""
    return Next(Layer.ETHERTYPE, IPV4, offset)


def ipv6_inside(packet: Packet, offset: int) -> Next | None:
    """IPv6 in IP (RFC 4213)."""
    return Next(Layer.ETHERTYPE, IPV6, offset)


def ethernet_in_ip(packet: Packet, offset: int) -> Next | None:
    """EtherIP (RFC 3378)."""
    return _ethernet(offset + 2) if packet.has(offset, 16) and packet.data[offset] >> 4 == 3 else None


def gre(packet: Packet, offset: int) -> Next | None:
    """GRE (RFC 2784, RFC 2890) and its version 1 of PPTP (RFC 2637)."""
    if not packet.has(offset, 4):
        return None
    flags, kind = packet.number(offset, 2), packet.number(offset + 2, 2)
    position = offset + 4
    sequence = bool(flags & 0x1000)
    if flags & 7 == 1:
        position += 4 + (4 if sequence else 0) + (4 if flags & 0x80 else 0)
    elif flags & 7:
        return None
    else:
        # Checksum and routing share a word; key and sequence number have one each.
        position += (4 if flags & 0xC000 else 0) + (4 if flags & 0x2000 else 0) + (4 if sequence else 0)
        if flags & 0x4000:
            return None
    if kind == 0x88BE:
        # ERSPAN type I has no header of its own and no sequence number; type II has both.
        return _ethernet(position + 8 if sequence else position)
    return Next(Layer.ETHERTYPE, kind, position)


def erspan_3(packet: Packet, offset: int) -> Next | None:
    """ERSPAN type III: 12 bytes, and 8 more when its last bit says so."""
    if not packet.has(offset, 12):
        return None
    return _ethernet(offset + (20 if packet.data[offset + 11] & 1 else 12))


def mpls(packet: Packet, offset: int) -> Next | None:
    """MPLS (RFC 3032): labels down to the bottom of the stack, then IP or a pseudowire."""
    for _ in range(_MOST_LABELS):
        if not packet.has(offset, 5):
            return None
        bottom = packet.data[offset + 2] & 1
        offset += 4
        if bottom:
            if packet.data[offset] >> 4 == 0:
                # A control word (RFC 4448): Ethernet behind it.
                return _ethernet(offset + 4)
            return ip(packet, offset) or _ethernet(offset)
    return None


def pppoe(packet: Packet, offset: int) -> Next | None:
    """PPPoE session (RFC 2516)."""
    if not packet.has(offset, 8) or packet.data[offset] != 0x11 or packet.data[offset + 1] != 0:
        return None
    packet.trim(offset + 6 + packet.number(offset + 4, 2))
    return ppp(packet, offset + 6)


def service_header(packet: Packet, offset: int) -> Next | None:
    """Network service header (RFC 8300)."""
    if not packet.has(offset, 8):
        return None
    size = (packet.data[offset + 1] & 0x3F) * 4
    if size < 8:
        return None
    return _next_protocol(packet.data[offset + 3], offset + size)


def _next_protocol(number: int, offset: int) -> Next | None:
    """Next protocol numbers that VXLAN-GPE and NSH share."""
    if number == 3:
        return _ethernet(offset)
    kind = {1: IPV4, 2: IPV6, 4: _NSH, 5: 0x8847}.get(number)
    return Next(Layer.ETHERTYPE, kind, offset) if kind else None


def vxlan(packet: Packet, offset: int) -> Next | None:
    """VXLAN (RFC 7348): the I flag must be set; what is reserved is ignored."""
    if not packet.has(offset, 8) or not packet.data[offset] & 0x08:
        return None
    return _ethernet(offset + 8)


def vxlan_strict(packet: Packet, offset: int) -> Next | None:
    """VXLAN on the port that Linux took before 4789 (Flannel and Cilium still do); others use it too, so be strict."""
    if not packet.has(offset, 8) or packet.number(offset, 4) != 0x08000000 or packet.data[offset + 7]:
        return None
    return _ethernet(offset + 8)


def vxlan_extension(packet: Packet, offset: int) -> Next | None:
    """VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe): it names the next protocol."""
    if not packet.has(offset, 8) or not packet.data[offset] & 0x08:
        return None
    if not packet.data[offset] & 0x04:
        return _ethernet(offset + 8)
    return _next_protocol(packet.data[offset + 3], offset + 8)


def geneve(packet: Packet, offset: int) -> Next | None:
    """Geneve (RFC 8926): options in units of 4 bytes, then an EtherType."""
    if not packet.has(offset, 8) or packet.data[offset] >> 6:
        return None
    return Next(Layer.ETHERTYPE, packet.number(offset + 2, 2), offset + 8 + (packet.data[offset] & 0x3F) * 4)


def gtp_user(packet: Packet, offset: int) -> Next | None:
    """GTP-U (3GPP TS 29.281): version 1, message 255 carries a packet, extension headers may come first."""
    if not packet.has(offset, 8) or packet.data[offset] >> 4 != 3 or packet.data[offset + 1] != 255:
        return None
    flags = packet.data[offset] & 7
    position = offset + 8
    if not flags:
        return ip(packet, position)
    if not packet.has(position, 4):
        return None
    following = packet.data[position + 3] if flags & 4 else 0
    position += 4
    while following and packet.has(position, 4):
        size = packet.data[position] * 4
        if not size or not packet.has(position, size):
            return None
        following = packet.data[position + size - 1]
        position += size
    return None if following else ip(packet, position)


def teredo(packet: Packet, offset: int) -> Next | None:
    """Teredo (RFC 4380 section 5.1.1): authentication and origin indications may precede the IPv6 packet."""
    if packet.has(offset, 4) and packet.number(offset, 2) == 1:
        offset += 13 + packet.data[offset + 2] + packet.data[offset + 3]
    if packet.has(offset, 8) and packet.number(offset, 2) == 0:
        offset += 8
    return Next(Layer.ETHERTYPE, IPV6, offset)


def ethernet_inside(packet: Packet, offset: int) -> Next | None:
    """Transparent Ethernet bridging (RFC 1701, RFC 8926)."""
    return _ethernet(offset)


def l2tp(packet: Packet, offset: int) -> Next | None:
    """L2TP version 2 (RFC 2661 section 3.1): a data message holds PPP."""
    if not packet.has(offset, 8):
        return None
    flags = packet.number(offset, 2)
    if flags & 0x800F != 2:
        return None
    position = offset + 6 + (2 if flags & 0x4000 else 0) + (4 if flags & 0x0800 else 0)
    if flags & 0x0200:
        if not packet.has(position, 2):
            return None
        position += 2 + packet.number(position, 2)
    return ppp(packet, position)


def provider_backbone(packet: Packet, offset: int) -> Next | None:
    """IEEE 802.1ah: 4 bytes of service instance, then the customer's frame."""
    return _ethernet(offset + 4)


def type_behind(size: int) -> Handler:
    """Make the handler of a tag of `size` bytes that an EtherType follows."""

    def handler(packet: Packet, offset: int) -> Next | None:
        if not packet.has(offset, size + 2):
            return None
        return Next(Layer.ETHERTYPE, packet.number(offset + size, 2), offset + size + 2)

    return handler


def cache_redirect(packet: Packet, offset: int) -> Next | None:
    """WCCP in GRE: version 2 puts 4 bytes before the packet."""
    return ip(packet, offset) or ip(packet, offset + 4)


ETHERTYPES: dict[int, Handler] = {
    TRANSPARENT_ETHERNET: ethernet_inside,
    0x22EB: erspan_3,
    0x8847: mpls,
    0x8848: mpls,
    0x8864: pppoe,
    0x883E: cache_redirect,
    0x88E7: provider_backbone,
    0x8909: type_behind(6),
    0x8926: type_behind(4),
    0x892F: type_behind(4),
    0x880B: ppp,
    _NSH: service_header,
    **dict.fromkeys(range(0x8200, 0x8380, 0x10), wireless),
}
"""EtherType -> handler: Cisco's metadata is 0x8909, VN-Tag 0x8926, HSR 0x892F; from 0x8200 on Aruba's 802.11 in GRE."""
PROTOCOLS: dict[int, Handler] = {4: ipv4_inside, 41: ipv6_inside, 47: gre, 97: ethernet_in_ip, 137: mpls}
UDP_PORTS: dict[int, Handler] = {
    1701: l2tp,
    2152: gtp_user,
    3544: teredo,
    4754: gre,
    VXLAN: vxlan,
    4790: vxlan_extension,
    GENEVE: geneve,
    6635: mpls,
    VXLAN_LINUX: vxlan_strict,
}
