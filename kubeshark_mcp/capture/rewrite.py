"""Other payload bytes in a packet, of the same length, with its checksums made right again (RFC 1071, RFC 1624)."""

from __future__ import annotations

import struct

from kubeshark_mcp.capture.conversations import FoundPacket
from kubeshark_mcp.model.packet import PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP

_CHECKSUM = {PROTOCOL_TCP: 16, PROTOCOL_UDP: 6, PROTOCOL_ICMP: 2, PROTOCOL_ICMPV6: 2}
"""Where in the transport header the checksum lies."""


def with_payload(packet: FoundPacket, payload: bytes) -> bytes:
    """Give the bytes of a packet with another payload of the same length.

    A whole packet gets the right checksum, also where it left with a wrong one (offloading); of one that was cut off
    by the snap length the checksum is changed by the difference. SCTP's CRC is left as it is.
    """
    if len(payload) != packet.payload_length:
        raise ValueError(f"{len(payload)} bytes cannot take the place of {packet.payload_length}")
    data = bytearray(packet.data)
    data[packet.payload : packet.payload + packet.payload_length] = payload
    protocol = packet.ends[6]
    if protocol not in _CHECKSUM or packet.transport < 0 or packet.network < 0:
        return bytes(data)
    at = packet.transport + _CHECKSUM[protocol]
    end = packet.payload + packet.payload_length
    if at + 2 > packet.payload and protocol in (PROTOCOL_TCP, PROTOCOL_UDP):
        return bytes(data)
    old = int.from_bytes(packet.data[at : at + 2], "big")
    if protocol == PROTOCOL_UDP and not old:
        return bytes(data)  # The sender gave none (RFC 768).
    length = _transport_length(packet)
    if length is not None and packet.transport + length <= end:
        data[at : at + 2] = b"\0\0"
        total = _sum(bytes(data[packet.transport : packet.transport + length]))
        if protocol != PROTOCOL_ICMP:
            total += _pseudo_header(packet, length)
    else:
        before = _sum(packet.data[packet.transport : end]) - old
        total = (~old & 0xFFFF) - _folded(before) + _folded(_sum(bytes(data[packet.transport : end])) - old)
        total = total % 0xFFFF
    checksum = ~_folded(total) & 0xFFFF
    data[at : at + 2] = struct.pack(">H", checksum or (0xFFFF if protocol == PROTOCOL_UDP else 0))
    return bytes(data)


def _transport_length(packet: FoundPacket) -> int | None:
    """Give the length of the transport's header and payload by the IP header; None where it does not say."""
    data, network = packet.data, packet.network
    if packet.ip_version == 4:
        total = int.from_bytes(data[network + 2 : network + 4], "big")
        return total - (packet.transport - network) if total else None
    total = int.from_bytes(data[network + 4 : network + 6], "big")
    return total - (packet.transport - network - 40) if total else None


def _pseudo_header(packet: FoundPacket, length: int) -> int:
    if packet.ip_version == 4:
        addresses = packet.data[packet.network + 12 : packet.network + 20]
    else:
        addresses = packet.data[packet.network + 8 : packet.network + 40]
    return _sum(addresses) + length + packet.ends[6]


def _sum(data: bytes) -> int:
    """Add the 16-bit words; an odd byte is the high half of the last."""
    even = data + bytes(len(data) % 2)
    return sum(struct.unpack(f">{len(even) // 2}H", even))


def _folded(total: int) -> int:
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total
