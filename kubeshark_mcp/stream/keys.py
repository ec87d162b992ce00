"""Direction-free keys of packets: what makes two packets belong to one conversation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kubeshark_mcp.model.packet import PROTOCOL_SCTP, PROTOCOL_TCP, PROTOCOL_UDP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.model.packet import PacketBlock

TRANSPORTS = ("tcp", "udp", "sctp", "icmp")
"""Names of the transport codes that `transport_codes` gives."""

NO_TRANSPORT = 255
FOREIGN = 254
"""Code of packets that another engine follows."""
KEY_WORDS = 5

_CODES = np.full(256, NO_TRANSPORT, dtype=np.uint8)
_CODES[[PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_SCTP, 1, 58]] = (0, 1, 2, 3, 3)
_CODES.setflags(write=False)

_WELL_KNOWN_LIMIT = 1024
_SERVICE_PORTS = (
    1433, 1521, 1812, 1813, 1883, 2181, 2379, 2380, 3000, 3268, 3306, 3389, 3868, 4222, 4317, 4318, 5000, 5060, 5353,
    5432, 5671, 5672, 5984, 6379, 6380, 6443, 7000, 7001, 8000, 8080, 8081, 8086, 8200, 8300, 8443, 8500, 8600, 8883,
    8888, 9000, 9042, 9090, 9092, 9093, 9094, 9200, 9300, 9999, 10250, 11211, 15672, 16379, 26379, 26257, 27017, 27018,
    27019, 50051, 61616,
)  # fmt: skip
_IS_SERVICE = np.zeros(65536, dtype=bool)
_IS_SERVICE[1:_WELL_KNOWN_LIMIT] = True
_IS_SERVICE[list(_SERVICE_PORTS)] = True
_IS_SERVICE.setflags(write=False)


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys of n packets.

    words: five uint64 arrays of n: high and low half of the lower endpoint's address, the same of the higher one's,
        and both ports with capture point and transport. side: intp, 0 where the lower endpoint sent, 1 otherwise.
    """

    words: tuple[NDArray[Any], ...]
    side: NDArray[np.intp]


def transport_codes(block: PacketBlock) -> NDArray[np.uint8]:
    """Give each packet's index in TRANSPORTS, NO_TRANSPORT where none is followed (no IP, an incomplete fragment)."""
    codes = _CODES[block.protocol]
    codes[(block.ip_version == 0) | block.fragment] = NO_TRANSPORT
    return codes


def conversation_keys(
    block: PacketBlock, chosen: NDArray[np.intp], codes: NDArray[np.uint8], points: NDArray[np.uint64]
) -> Keys:
    """Key the `chosen` packets. codes: transport code, points: dense number of the capture point; both per packet."""
    rows = slice(None) if len(chosen) == len(block) else chosen  # usually all of a block are of one transport
    source_port = block.source_port[rows].astype(np.uint64)
    destination_port = block.destination_port[rows].astype(np.uint64)
    source_high, destination_high = block.source_high[rows], block.destination_high[rows]
    source_low, destination_low = block.source_low[rows], block.destination_low[rows]
    if source_high.any() or destination_high.any() or (source_low >> 48).any() or (destination_low >> 48).any():
        swap = (source_high > destination_high) | (
            (source_high == destination_high)
            & ((source_low > destination_low) | ((source_low == destination_low) & (source_port > destination_port)))
        )
        words = (
            np.where(swap, destination_high, source_high),
            np.where(swap, destination_low, source_low),
            np.where(swap, source_high, destination_high),
            np.where(swap, source_low, destination_low),
        )
        low_port = np.where(swap, destination_port, source_port)
        high_port = np.where(swap, source_port, destination_port)
    else:  # IPv4 alone: address and port fit one word, with the same order as above
        source, destination = source_low << 16 | source_port, destination_low << 16 | destination_port
        swap = source > destination
        lower, higher = np.minimum(source, destination), np.maximum(source, destination)
        words = (source_high, lower >> 16, destination_high, higher >> 16)
        low_port, high_port = lower & 0xFFFF, higher & 0xFFFF
    tail = low_port << 48 | high_port << 32 | points << 8 | codes.astype(np.uint64)
    return Keys((*words, tail), swap.astype(np.intp))


def is_service(ports: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Tell which ports are usual for servers: the system ports (RFC 6335 section 6) and well-known services."""
    return _IS_SERVICE[ports]
