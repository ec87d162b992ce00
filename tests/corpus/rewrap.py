"""The same conversations in other clothes: carried, addressed, cut and disturbed differently, with the same meaning.

`packets_of` reads the transport segments out of a capture; a `Carrier` says how a segment becomes a record; the
functions below change the segments themselves. What is inside stays as it was, and so must the entries.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from kubeshark_mcp.capture.reader import open_capture
from kubeshark_mcp.model.packet import PROTOCOL_TCP, PROTOCOL_UDP, TCP_FIN, TCP_RST, TCP_SYN, PacketBlock

TCP_HEADER, IPV4, IPV6 = 20, 0x0800, 0x86DD
VLAN, SERVICE_VLAN, MPLS, BRIDGED = 0x8100, 0x88A8, 0x8847, 0x6558
ETHERNET, RAW, SLL, SLL2 = 1, 101, 113, 276
IP_IN_IP, IPV6_IN_IP, GRE = 4, 41, 47
VXLAN_PORT, GENEVE_PORT = 4789, 6081


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet less its carrier. source, destination: 128 bits, IPv4 mapped. segment: transport header and payload.

    header: bytes of its transport header. missing: payload bytes that the snap length cut off.
    """

    time_ns: int
    version: int
    source: int
    destination: int
    protocol: int
    segment: bytes
    header: int
    missing: int = 0

    @property
    def payload(self) -> bytes:
        return self.segment[self.header :]

    @property
    def ports(self) -> tuple[int, int]:
        return struct.unpack_from(">HH", self.segment)

    @property
    def sequence(self) -> int:
        return int(struct.unpack_from(">I", self.segment, 4)[0])

    @property
    def flags(self) -> int:
        return self.segment[13]

    def with_tcp(self, sequence: int, payload: bytes, flags: int) -> Packet:
        """Give the same TCP header with another sequence number, payload and flags."""
        head = bytearray(self.segment[: self.header])
        struct.pack_into(">I", head, 4, sequence & 0xFFFFFFFF)
        head[13] = flags
        return replace(self, segment=bytes(head) + payload)


def packets_of(path: Path) -> list[Packet] | None:
    """Read what a capture carries; None where a packet is not plainly carried (fragments, other protocols than IP)."""
    found: list[Packet] = []
    with open_capture(path) as capture:
        for block in capture.blocks():
            if bool(((block.ip_version == 0) | block.fragment).any()):
                return None
            found.extend(_packets(block))
    return found


def _packets(block: PacketBlock) -> Iterator[Packet]:
    for row in range(len(block)):
        begin, payload = int(block.transport_offset[row]), int(block.payload_offset[row])
        protocol = int(block.protocol[row])
        header = payload - begin if protocol in {PROTOCOL_TCP, PROTOCOL_UDP} else 0
        yield Packet(
            int(block.time_ns[row]),
            int(block.ip_version[row]),
            int(block.source_high[row]) << 64 | int(block.source_low[row]),
            int(block.destination_high[row]) << 64 | int(block.destination_low[row]),
            protocol,
            block.data[begin : payload + int(block.payload_length[row])].tobytes(),
            header,
            int(block.payload_missing[row]),
        )


# How a segment becomes a record.


def network(packet: Packet) -> bytes:
    """Put an IP header before the segment, of the version it had."""
    size = len(packet.segment) + packet.missing
    if packet.version == 4:
        addresses = struct.pack(">II", packet.source & 0xFFFFFFFF, packet.destination & 0xFFFFFFFF)
        return (
            struct.pack(">BBHHHBBH", 0x45, 0, 20 + size, 7, 0x4000, 64, packet.protocol, 0) + addresses + packet.segment
        )
    addresses = packet.source.to_bytes(16) + packet.destination.to_bytes(16)
    return struct.pack(">IHBB", 0x60000000, size, packet.protocol, 63) + addresses + packet.segment


def kind_of(packet: Packet) -> int:
    return IPV4 if packet.version == 4 else IPV6


def ethernet(packet: Packet, *tags: int) -> bytes:
    """Put an Ethernet header before it, with VLAN tags."""
    tagged = b"".join(struct.pack(">HH", tag, 5) for tag in tags)
    return b"\2\0\0\0\0\2\2\0\0\0\0\1" + tagged + struct.pack(">H", kind_of(packet)) + network(packet)


def outer(packet: Packet, protocol: int, inner: bytes, version: int) -> Packet:
    """Give the packet between two nodes that carries `inner`."""
    nodes = (
        (IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2"))
        if version == 4
        else (IPv6Address("2001:db8:f::1"), IPv6Address("2001:db8:f::2"))
    )
    source, destination = map(int, nodes)
    return replace(
        packet, version=version, source=source, destination=destination, protocol=protocol, segment=inner, header=0
    )


def in_udp(packet: Packet, port: int, inner: bytes, version: int) -> Packet:
    head = struct.pack(">HHHH", 50000, port, 8 + len(inner) + packet.missing, 0)
    return outer(packet, PROTOCOL_UDP, head + inner, version)


def vxlan(packet: Packet, version: int = 4) -> Packet:
    """Carry the Ethernet frame in VXLAN (RFC 7348)."""
    return in_udp(packet, VXLAN_PORT, b"\x08\0\0\0\0\0\x2a\0" + ethernet(packet), version)


def geneve(packet: Packet) -> Packet:
    """Carry the Ethernet frame in Geneve with an option (RFC 8926)."""
    option = b"\x01\x02\x80\x01abcd"
    return in_udp(packet, GENEVE_PORT, struct.pack(">BBHI", 2, 0, BRIDGED, 7 << 8) + option + ethernet(packet), 4)


def gre(packet: Packet) -> Packet:
    """Carry the Ethernet frame in GRE with a key (RFC 2890)."""
    return outer(packet, GRE, struct.pack(">HHI", 0x2000, BRIDGED, 9) + ethernet(packet), 4)


def in_ip(packet: Packet) -> Packet:
    """Carry the IP packet in IP (RFC 2003, RFC 4213)."""
    return outer(packet, IP_IN_IP if packet.version == 4 else IPV6_IN_IP, network(packet), 4)


def mpls(packet: Packet) -> bytes:
    """Put two labels before the IP packet (RFC 3032)."""
    labels = struct.pack(">II", 17 << 12 | 64, 18 << 12 | 1 << 8 | 64)
    return b"\2\0\0\0\0\2\2\0\0\0\0\1" + struct.pack(">H", MPLS) + labels + network(packet)


def cooked(packet: Packet) -> bytes:
    """Give it as Linux cooked, version 1 (LINKTYPE_LINUX_SLL)."""
    return struct.pack(">HHH8sH", 0, 1, 6, bytes(8), kind_of(packet)) + network(packet)


def cooked2(packet: Packet) -> bytes:
    """Give it as Linux cooked, version 2 (LINKTYPE_LINUX_SLL2), of one interface."""
    return struct.pack(">HHIHBB8s", kind_of(packet), 0, 3, 1, 0, 6, bytes(8)) + network(packet)


@dataclass(frozen=True)
class Carrier:
    """How packets lie in a file. link: LINKTYPE. frame: makes the record of a packet."""

    link: int
    frame: Callable[[Packet], bytes]
    pcapng: bool = False

    def write(self, path: Path, packets: Iterable[Packet]) -> Path:
        """Write a capture of these packets."""
        records = ((packet, self.frame(packet)) for packet in packets)
        path.write_bytes(_pcapng(self.link, records) if self.pcapng else _pcap(self.link, records))
        return path


def _pcap(link: int, records: Iterable[tuple[Packet, bytes]]) -> bytes:
    """Write big-endian pcap with nanoseconds."""
    parts = [struct.pack(">IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, link)]
    for packet, frame in records:
        seconds, fraction = divmod(packet.time_ns, 10**9)
        parts += (struct.pack(">IIII", seconds, fraction, len(frame), len(frame) + packet.missing), frame)
    return b"".join(parts)


def _pcapng(link: int, records: Iterable[tuple[Packet, bytes]]) -> bytes:
    """Write pcapng with nanoseconds, the second of its two interfaces in use."""
    head = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    unused = struct.pack("<IIHHII", 1, 20, RAW, 0, 0, 20)
    used = struct.pack("<IIHHIHHIII", 1, 32, link, 0, 0, 9, 1, 9, 0, 32)
    parts = [head, unused, used]
    for packet, frame in records:
        padded = frame + bytes(-len(frame) % 4)
        size = 32 + len(padded)
        ticks = packet.time_ns
        fields = (6, size, 1, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame) + packet.missing)
        parts += (struct.pack("<7I", *fields), padded, struct.pack("<I", size))
    return b"".join(parts)


PLAIN = Carrier(ETHERNET, ethernet)
CARRIERS = {
    "vlan": Carrier(ETHERNET, lambda packet: ethernet(packet, VLAN)),
    "two vlans": Carrier(ETHERNET, lambda packet: ethernet(packet, SERVICE_VLAN, VLAN), pcapng=True),
    "vxlan": Carrier(ETHERNET, lambda packet: ethernet(vxlan(packet))),
    "vxlan over ipv6 and vlan": Carrier(ETHERNET, lambda packet: ethernet(vxlan(packet, 6), VLAN)),
    "geneve": Carrier(ETHERNET, lambda packet: ethernet(geneve(packet))),
    "gre": Carrier(SLL, lambda packet: cooked(gre(packet))),
    "ip in ip": Carrier(SLL2, lambda packet: cooked2(in_ip(packet))),
    "mpls": Carrier(ETHERNET, mpls),
    "cooked": Carrier(SLL, cooked),
    "cooked, version 2": Carrier(SLL2, cooked2),
    "raw": Carrier(RAW, network, pcapng=True),
}


# How segments change.


def to_ipv6(packets: Iterable[Packet]) -> Iterator[Packet]:
    """Give IPv4 packets IPv6 addresses."""
    prefix = int(IPv6Address("2001:db8:4::"))
    for packet in packets:
        ends = [prefix | address & 0xFFFFFFFF for address in (packet.source, packet.destination)]
        yield packet if packet.version == 6 else replace(packet, version=6, source=ends[0], destination=ends[1])


def in_pieces(packets: Iterable[Packet], size: int) -> Iterator[Packet]:
    """Cut TCP payloads into pieces of at most `size` bytes, each in a packet of its own, at the same time."""
    for packet in packets:
        payload = packet.payload
        if packet.protocol != PROTOCOL_TCP or packet.missing or len(payload) <= size or packet.flags & TCP_SYN:
            yield packet
            continue
        for at in range(0, len(payload), size):
            last = at + size >= len(payload)
            flags = packet.flags if last else packet.flags & ~(TCP_FIN | TCP_RST)
            yield packet.with_tcp(packet.sequence + at, payload[at : at + size], flags)


def repeated(packets: Iterable[Packet]) -> Iterator[Packet]:
    """Send each TCP payload again, the half of it before it and the whole of it after it."""
    for packet in packets:
        payload = packet.payload
        if (
            packet.protocol != PROTOCOL_TCP
            or packet.missing
            or not payload
            or packet.flags & (TCP_SYN | TCP_FIN | TCP_RST)
        ):
            yield packet
            continue
        yield packet.with_tcp(packet.sequence, payload[: (len(payload) + 1) // 2], packet.flags)
        yield packet
        yield replace(packet, time_ns=packet.time_ns + 1)


def swapped(packets: Iterable[Packet]) -> Iterator[Packet]:
    """Exchange neighbours that carry consecutive bytes of one direction."""
    held: Packet | None = None
    for packet in packets:
        if held is not None and follows(held, packet):
            yield replace(packet, time_ns=held.time_ns)
            yield replace(held, time_ns=packet.time_ns)
            held = None
            continue
        if held is not None:
            yield held
        held = packet
    if held is not None:
        yield held


def follows(first: Packet, second: Packet) -> bool:
    """Tell whether the second carries what comes right behind the first."""
    if first.protocol != PROTOCOL_TCP or first.protocol != second.protocol or first.missing or second.missing:
        return False
    if (first.flags | second.flags) & (TCP_SYN | TCP_FIN | TCP_RST) or not first.payload or not second.payload:
        return False
    same = (first.source, first.destination, first.ports) == (second.source, second.destination, second.ports)
    return same and first.sequence + len(first.payload) & 0xFFFFFFFF == second.sequence


def unopened(packets: Iterable[Packet]) -> Iterator[Packet]:
    """Leave out the packets that open TCP connections."""
    return (packet for packet in packets if packet.protocol != PROTOCOL_TCP or not packet.flags & TCP_SYN)


def one_sided(packets: Iterable[Packet], servers: Collection[int], *, client: bool) -> Iterator[Packet]:
    """Keep what one side sends. servers: ports of servers."""
    for packet in packets:
        if packet.protocol in {PROTOCOL_TCP, PROTOCOL_UDP} and (packet.ports[1] in servers) == client:
            yield packet
